-- Where a company hears what happened. A row stays when its endpoint is removed: a transaction that tells something may have read
-- it a moment before, and must not fail for that. Its secrets do not stay.
create table endpoints (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null constraint endpoints_id unique,
    url text not null constraint endpoints_url check (length(url) between 1 and 500),
    description text not null default '' constraint endpoints_description check (length(description) <= 200),
    events text[] not null constraint endpoints_events check (cardinality(events) > 0),
    -- Only what concerns this campaign.
    campaign_id uuid,
    full_numbers boolean not null,
    -- What messages are signed with; see services::secrets.
    secret_sealed bytea,
    old_secret_sealed bytea,
    old_until timestamptz constraint endpoints_overlap check ((old_secret_sealed is null) = (old_until is null)),
    created_at timestamptz not null,
    -- The first failure since the last message that arrived.
    failing_since timestamptz,
    disabled_at timestamptz,
    -- Why, where it was not by hand.
    disabled_why text not null default '',
    removed_at timestamptz constraint endpoints_removed check (removed_at is null or (secret_sealed is null and disabled_at is not null)),
    constraint endpoints_secret check (removed_at is not null or secret_sealed is not null),
    primary key (company_id, id),
    foreign key (company_id, campaign_id) references campaigns (company_id, id)
);
create index endpoints_campaign on endpoints (company_id, campaign_id) where campaign_id is not null;
select app.protect('endpoints');

-- Messages, written in the commit of what they tell.
create table deliveries (
    company_id uuid not null default app.company(),
    id uuid not null,
    endpoint_id uuid not null,
    event text not null,
    -- Sent as it is, each time.
    body text not null constraint deliveries_body check (octet_length(body) <= 65536),
    created_at timestamptz not null,
    status text not null constraint deliveries_status check (status in ('waiting', 'delivered', 'failed')),
    -- Times it was sent, and the step of the schedule it is at; a replay begins the schedule anew.
    attempts int not null default 0,
    step int not null default 0,
    -- While it is on its way: when whoever sends it is given up.
    due_at timestamptz constraint deliveries_due check ((due_at is not null) = (status = 'waiting')),
    last text not null default '',
    primary key (company_id, id),
    foreign key (company_id, endpoint_id) references endpoints (company_id, id)
);
-- Sending goes from endpoint to endpoint, whosever they are.
create index deliveries_waiting on deliveries (endpoint_id, due_at, id) where due_at is not null;
create index deliveries_list on deliveries (company_id, endpoint_id, created_at desc, id desc);
create index deliveries_age on deliveries using brin (created_at);
select app.protect('deliveries');

-- Each time one was sent.
create table delivery_attempts (
    company_id uuid not null default app.company(),
    delivery_id uuid not null,
    no int not null,
    at timestamptz not null,
    milliseconds int not null,
    status int,
    answer text not null,
    error text not null,
    primary key (company_id, delivery_id, no),
    foreign key (company_id, delivery_id) references deliveries (company_id, id) on delete cascade
);
select app.protect('delivery_attempts');
