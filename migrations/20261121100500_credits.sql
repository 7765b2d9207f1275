-- Balances are materialised and never negative; they move in the statement that writes the movement.
create table balances (
    company_id uuid not null default app.company() references companies (id),
    account text not null constraint balances_account check (account in ('available', 'escrow', 'held', 'spent')),
    -- Campaign for escrow, call for held, nil for the others.
    ref uuid not null,
    amount bigint not null constraint balances_not_negative check (amount >= 0),
    primary key (company_id, account, ref)
);
select app.protect('balances');

create table movements (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    seq bigint generated always as identity,
    kind text not null,
    source text not null,
    source_ref uuid not null,
    target text not null,
    target_ref uuid not null,
    amount bigint not null constraint movements_amount check (amount > 0),
    -- The same thing happens once: launch:<campaign>:<n>, hold:<call>, settle:<call>, …
    key text not null,
    campaign_id uuid,
    call_id uuid,
    note text not null,
    who text not null,
    at timestamptz not null,
    -- `available` after this movement.
    balance bigint not null,
    primary key (company_id, id),
    constraint movements_once unique (company_id, key),
    constraint movements_lawful check ((kind, source, target) in (
        ('purchase', 'bank', 'available'), ('refund', 'available', 'bank'), ('grant', 'promo', 'available'),
        ('reserve', 'available', 'escrow'), ('unreserve', 'escrow', 'available'),
        ('hold', 'escrow', 'held'), ('release', 'held', 'escrow'), ('capture', 'held', 'spent'),
        ('adjust_up', 'adjust', 'available'), ('adjust_down', 'available', 'adjust')))
);
create index movements_list on movements (company_id, seq desc);
create index movements_campaign on movements (company_id, campaign_id, seq desc) where campaign_id is not null;
create index movements_at on movements (company_id, kind, at);
select app.protect('movements');

-- Insert-only, for everyone who is not rewriting history on purpose as a superuser.
create function app.refuse_change() returns trigger language plpgsql as $$ begin
    raise exception '% is insert-only', tg_table_name;
end $$;
create trigger movements_insert_only before update or delete on movements for each statement execute function app.refuse_change();
revoke update, delete on movements from company;
