create table companies (
    id uuid primary key,
    name text not null constraint companies_name check (length(name) between 1 and 120),
    company_type text constraint companies_type check (company_type in ('ecommerce', 'healthcare', 'real_estate', 'generic')),
    time_zone text not null,
    default_region text not null,
    hours jsonb not null,
    concurrency_max int not null constraint companies_concurrency check (concurrency_max between 1 and 1000),
    ring_seconds_max int not null constraint companies_ring check (ring_seconds_max between 10 and 120),
    call_minutes_max int not null constraint companies_minutes check (call_minutes_max between 1 and 60),
    created_at timestamptz not null
);
alter table companies enable row level security;
alter table companies force row level security;
create policy company_rows on companies to company using (id = app.company()) with check (id = app.company());
create policy system_rows on companies to system using (true) with check (true);
grant select, update on companies to company;
grant select, insert, update, delete on companies to system;

create table users (
    id uuid primary key,
    email text not null constraint users_email_unique unique constraint users_email_lower check (email = lower(email)),
    name text not null,
    password_hash text not null,
    super_admin boolean not null default false,
    confirmed_at timestamptz,
    created_at timestamptz not null
);
select app.system_only('users');

create table members (
    company_id uuid not null default app.company() references companies (id),
    user_id uuid not null references users (id),
    role text not null constraint members_role check (role in ('super_admin', 'company_admin', 'operator', 'viewer')),
    created_at timestamptz not null,
    primary key (company_id, user_id)
);
create index members_user on members (user_id);
select app.protect('members');

create table sessions (
    id uuid primary key,
    user_id uuid not null references users (id),
    company_id uuid not null references companies (id),
    token_hash bytea not null constraint sessions_token_unique unique,
    ip text not null,
    user_agent text not null,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    idle_until timestamptz not null,
    absolute_until timestamptz not null,
    revoked_at timestamptz
);
create index sessions_user on sessions (user_id);
select app.system_only('sessions');

create table confirmations (
    token_hash bytea primary key,
    user_id uuid not null references users (id),
    expires_at timestamptz not null,
    used_at timestamptz
);
select app.system_only('confirmations');

-- Failed sign-ins per e-mail and per address, for throttling that survives restarts.
create table login_failures (
    key text not null,
    at timestamptz not null
);
create index login_failures_key on login_failures (key, at);
select app.system_only('login_failures');

create table mails (
    id uuid primary key,
    to_address text not null,
    subject text not null,
    body text not null,
    created_at timestamptz not null,
    sent_at timestamptz
);
create index mails_created on mails (created_at);
select app.system_only('mails');

create table events (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    at timestamptz not null,
    kind text not null,
    subject text,
    user_id uuid,
    who text not null,
    text text not null,
    primary key (company_id, id)
);
create index events_at on events (company_id, at desc, id desc);
create index events_kind on events (company_id, kind, at desc);
create index events_subject on events (company_id, subject, at desc) where subject is not null;
select app.protect('events');
-- The record is append-only for companies.
revoke update, delete on events from company;
