-- A canary launch calls a few people first. Which ones is decided at launch, by hash, so that they are a fair sample.
alter table enrollments add column canary boolean not null default false;
create index enrollments_canary on enrollments (company_id, campaign_id, next_attempt_at, id) where status = 'queued' and canary;

-- The person asked during this call not to be called again.
alter table calls add column opted_out boolean not null default false;
alter table campaign_stats add column opted_out bigint not null default 0;

create table canaries (
    company_id uuid not null default app.company(),
    campaign_id uuid not null,
    people bigint not null,
    state text not null constraint canaries_state check (state in ('running', 'passed', 'failed', 'overruled')),
    -- What the last judgement found, in words with figures.
    why text not null default '',
    -- The campaign's counts when the window that is judged next began.
    calls bigint not null default 0,
    connected bigint not null default 0,
    voicemail bigint not null default 0,
    opted_out bigint not null default 0,
    spent bigint not null default 0,
    started_at timestamptz not null,
    judged_at timestamptz,
    -- When everyone else's turn came: passed, or somebody went on anyway.
    opened_at timestamptz,
    primary key (company_id, campaign_id),
    foreign key (company_id, campaign_id) references campaigns (company_id, id) on delete cascade
);
select app.protect('canaries');
