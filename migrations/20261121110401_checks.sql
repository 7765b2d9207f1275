-- Reports of the invariant checker: one a night, any number by hand.
create table checks (
    id uuid primary key,
    night date constraint checks_once_a_night unique,
    who text not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    companies bigint not null default 0,
    movements bigint not null default 0,
    calls bigint not null default 0,
    violations text[] not null default '{}'
);
create index checks_list on checks (started_at desc);
select app.system_only('checks');

-- One day of a gateway's calls, compared with the provider's own list.
create table audits (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    gateway_id uuid not null,
    night date not null,
    audited_at timestamptz not null,
    -- Calls on either list.
    calls bigint not null,
    findings text[] not null,
    primary key (company_id, id),
    constraint audits_once unique (company_id, gateway_id, night),
    foreign key (company_id, gateway_id) references gateways (company_id, id)
);
select app.protect('audits');

-- What the provider charges us; comes late, is never mixed into credits.
alter table calls add column provider_cost_micros bigint;
alter table calls add column provider_currency text;
