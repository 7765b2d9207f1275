create table gateways (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    name text not null,
    kind text not null constraint gateways_kind check (kind in ('twilio')),
    sandbox boolean not null,
    -- Null for the sandbox: its address is configuration, not data.
    base_url text,
    account_sid text not null,
    auth_token text not null,
    caller_id text not null,
    concurrency_max int not null constraint gateways_concurrency check (concurrency_max between 1 and 1000),
    calls_per_second int not null constraint gateways_rate check (calls_per_second between 1 and 100),
    -- Token bucket, thousandths of a call.
    tokens_milli bigint not null default 0,
    tokens_at timestamptz not null,
    -- Circuit breaker: consecutive system errors, and closed again when.
    errors_in_row int not null default 0,
    open_until timestamptz,
    created_at timestamptz not null,
    primary key (company_id, id)
);
create unique index gateways_id on gateways (id);
select app.protect('gateways');

-- Slots: calls in flight per scope, taken in the claim transaction and freed in the settle transaction.
create table capacity (
    company_id uuid not null default app.company() references companies (id),
    scope text not null constraint capacity_scope check (scope in ('company', 'gateway', 'campaign')),
    ref uuid not null,
    in_use int not null default 0,
    cap int not null,
    primary key (company_id, scope, ref),
    constraint capacity_not_negative check (in_use >= 0)
);
select app.protect('capacity');

-- Every provider callback as it arrived; the acknowledgement follows the commit.
create table inbox (
    company_id uuid not null references companies (id),
    id uuid not null,
    gateway_id uuid not null,
    event_id text not null,
    url text not null,
    body bytea not null,
    received_at timestamptz not null,
    handled_at timestamptz,
    tries int not null default 0,
    error text,
    primary key (company_id, id),
    constraint inbox_once unique (company_id, gateway_id, event_id),
    foreign key (company_id, gateway_id) references gateways (company_id, id)
);
create index inbox_waiting on inbox (received_at) where handled_at is null;
select app.protect('inbox');
