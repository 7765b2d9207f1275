create table campaigns (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    name text not null,
    name_lower text not null generated always as (lower(name)) stored,
    status text not null constraint campaigns_status
        check (status in ('draft', 'scheduled', 'active', 'paused', 'completed', 'cancelled', 'archived')),
    pause_reason text,
    form jsonb not null,
    settings_version int not null default 1,
    agent_id uuid,
    gateway_id uuid,
    starts_at timestamptz,
    ends_at timestamptz,
    -- When the dialer should look again; null while parked, waiting for an event.
    runnable_at timestamptz,
    parked_reason text,
    launched_at timestamptz,
    finished_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (company_id, id),
    foreign key (company_id, agent_id) references agents (company_id, id),
    foreign key (company_id, gateway_id) references gateways (company_id, id)
);
create index campaigns_runnable on campaigns (runnable_at) where status = 'active' and runnable_at is not null;
create index campaigns_scheduled on campaigns (starts_at) where status = 'scheduled';
create index campaigns_list on campaigns (company_id, updated_at desc);
create index campaigns_status_list on campaigns (company_id, status, updated_at desc);
create index campaigns_name on campaigns (company_id, name_lower text_pattern_ops);
select app.protect('campaigns');

-- Settings as they were; a call names the version it was made with.
create table campaign_versions (
    company_id uuid not null default app.company(),
    campaign_id uuid not null,
    version int not null,
    form jsonb not null,
    saved_at timestamptz not null,
    primary key (company_id, campaign_id, version),
    foreign key (company_id, campaign_id) references campaigns (company_id, id)
);
select app.protect('campaign_versions');

-- Rollups, moved in the transactions that cause them; the checker recounts.
create table campaign_stats (
    company_id uuid not null default app.company(),
    campaign_id uuid not null,
    contacts bigint not null default 0,
    finished bigint not null default 0,
    calls bigint not null default 0,
    connected bigint not null default 0,
    voicemail bigint not null default 0,
    busy bigint not null default 0,
    no_answer bigint not null default 0,
    failed bigint not null default 0,
    talk_seconds bigint not null default 0,
    spent bigint not null default 0,
    primary key (company_id, campaign_id),
    foreign key (company_id, campaign_id) references campaigns (company_id, id)
);
select app.protect('campaign_stats');

create table enrollments (
    company_id uuid not null default app.company(),
    id uuid not null,
    campaign_id uuid not null,
    contact_id uuid not null,
    status text not null constraint enrollments_status check (status in
        ('queued', 'calling', 'success', 'called', 'failed', 'opted_out', 'skipped', 'expired', 'cancelled')),
    -- Attempts that count for the retry rules, and every intent to dial.
    attempts int not null default 0,
    dials int not null default 0,
    next_attempt_at timestamptz,
    reason text,
    reason_detail text not null default '',
    last_call_id uuid,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (company_id, id),
    constraint enrollments_once unique (company_id, campaign_id, contact_id),
    foreign key (company_id, campaign_id) references campaigns (company_id, id),
    foreign key (company_id, contact_id) references contacts (company_id, id)
);
create index enrollments_due on enrollments (company_id, campaign_id, next_attempt_at, id) where status = 'queued';
create index enrollments_list on enrollments (company_id, campaign_id, status, id);
create index enrollments_contact on enrollments (company_id, contact_id);
select app.protect('enrollments');

create table calls (
    company_id uuid not null default app.company(),
    id uuid not null,
    enrollment_id uuid not null,
    campaign_id uuid not null,
    contact_id uuid not null,
    agent_id uuid not null,
    agent_version int not null,
    settings_version int not null,
    gateway_id uuid not null,
    attempt_no int not null,
    phone text not null,
    from_phone text not null,
    status text not null constraint calls_status check (status in ('dialing', 'ringing', 'answered', 'in_progress', 'ended')),
    outcome text constraint calls_outcome check (outcome in
        ('unknown', 'failed', 'canceled', 'no_answer', 'busy', 'rejected', 'completed', 'voicemail')),
    answered_by text,
    constraint calls_ended_has_outcome check ((status = 'ended') = (outcome is not null)),
    provider_call_id text,
    provider_status text,
    provider_code text,
    -- False for a refusal that is not the contact's doing.
    counted boolean not null default true,
    -- Fixed at dial time.
    per_minute bigint not null,
    initial_seconds bigint not null,
    step_seconds bigint not null,
    call_seconds_max int not null,
    held bigint not null,
    cost bigint,
    -- Billed by the provider beyond the hold: our cost, never the company's.
    overrun bigint not null default 0,
    settled_at timestamptz,
    created_at timestamptz not null,
    -- The worker that committed the intent, and when its provider answered.
    worker_id uuid,
    recorded_at timestamptz,
    answered_at timestamptz,
    ended_at timestamptz,
    talk_seconds bigint not null default 0,
    digits text not null default '',
    transcript jsonb not null default '[]',
    summary text not null default '',
    -- When the reconciler looks at the provider, how often it looked, and how often it found nothing.
    check_at timestamptz,
    checks int not null default 0,
    absent int not null default 0,
    primary key (company_id, id),
    constraint calls_attempt_once unique (company_id, enrollment_id, attempt_no),
    foreign key (company_id, enrollment_id) references enrollments (company_id, id),
    foreign key (company_id, campaign_id) references campaigns (company_id, id),
    foreign key (company_id, contact_id) references contacts (company_id, id),
    foreign key (company_id, agent_id) references agents (company_id, id),
    foreign key (company_id, gateway_id) references gateways (company_id, id)
);
create unique index calls_one_live_per_enrollment on calls (company_id, enrollment_id) where status <> 'ended';
create unique index calls_one_live_per_phone on calls (company_id, phone) where status <> 'ended';
create unique index calls_provider on calls (company_id, gateway_id, provider_call_id) where provider_call_id is not null;
create index calls_check on calls (check_at) where check_at is not null;
create index calls_list on calls (company_id, created_at desc, id desc);
create index calls_campaign on calls (company_id, campaign_id, created_at desc);
create index calls_contact on calls (company_id, contact_id, created_at desc);
create index calls_ended on calls (company_id, ended_at) where ended_at is not null;
create index calls_phone_prefix on calls (company_id, phone text_pattern_ops);
create index calls_agent on calls (company_id, agent_id);
select app.protect('calls');

create table call_steps (
    company_id uuid not null default app.company(),
    call_id uuid not null,
    id uuid not null,
    at timestamptz not null,
    title text not null,
    detail text not null default '',
    primary key (company_id, call_id, id),
    foreign key (company_id, call_id) references calls (company_id, id)
);
select app.protect('call_steps');
