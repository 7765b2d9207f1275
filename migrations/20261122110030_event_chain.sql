-- The record's chain: a block covers every event between two moments, and the hash of the block before. Unlike movements, events
-- do not wait in a queue for it: a block is made ten minutes after its last moment, when no transaction of before is under way any
-- more, so an hour of a busy company costs one row.
create table event_blocks (
    company_id uuid not null default app.company() references companies (id),
    height bigint not null constraint event_blocks_height check (height > 0),
    previous bytea not null constraint event_blocks_previous check (length(previous) = 32),
    hash bytea not null constraint event_blocks_hash check (length(hash) = 32),
    -- From this moment on, and before that one.
    from_at timestamptz not null,
    until_at timestamptz not null constraint event_blocks_period check (until_at > from_at),
    events bigint not null constraint event_blocks_events check (events > 0),
    primary key (company_id, height)
);
select app.protect('event_blocks');
create trigger event_blocks_insert_only before update or delete on event_blocks for each statement
    execute function app.refuse_change();
revoke update, delete on event_blocks from company;
