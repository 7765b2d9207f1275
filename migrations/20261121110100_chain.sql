-- The ledger's chain: a sealer gathers new movements into blocks and chains the blocks by hash, so that whoever
-- rewrites history, superuser included, leaves a trace, and no writer waits for the head of a chain.

-- What waits to be sealed. A sequence has gaps for ever (rolled back) and gaps for a moment (not yet committed),
-- and nobody can tell one from the other: "everything up to n" is never certain. So membership decides: a movement
-- and its line here commit together, and the sealer takes whatever lines it sees. A late commit is in a later block.
create table unsealed (
    company_id uuid not null default app.company(),
    seq bigint not null,
    at timestamptz not null,
    primary key (company_id, seq)
);
select app.protect('unsealed');

create table blocks (
    company_id uuid not null default app.company() references companies (id),
    height bigint not null constraint blocks_height check (height > 0),
    previous bytea not null constraint blocks_previous check (length(previous) = 32),
    hash bytea not null constraint blocks_hash check (length(hash) = 32),
    -- The movements in the order in which they were hashed.
    seqs bigint[] not null,
    sealed_at timestamptz not null,
    primary key (company_id, height)
);
select app.protect('blocks');
create trigger blocks_insert_only before update or delete on blocks for each statement execute function app.refuse_change();
revoke update, delete on blocks from company;

-- Part of the movements' guard: whoever inserts one, by whatever path, also queues it.
create function app.queue_for_seal() returns trigger language plpgsql as $$ begin
    insert into unsealed (company_id, seq, at) select company_id, seq, at from added;
    return null;
end $$;
create trigger movements_queued after insert on movements referencing new table as added
    for each statement execute function app.queue_for_seal();

insert into unsealed (company_id, seq, at) select company_id, seq, at from movements;
