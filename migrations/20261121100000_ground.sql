-- The ground: who the current company is, and the one way to wall a table in.
create schema app;
grant usage on schema app, public to company, system;

create function app.company() returns uuid language sql stable parallel safe
    as $$ select nullif(current_setting('app.company', true), '')::uuid $$;

-- Row security for a table with company_id: role `company` sees its own rows, role `system` sees all.
create function app.protect(t regclass) returns void language plpgsql as $$ begin
    execute format('alter table %s enable row level security', t);
    execute format('alter table %s force row level security', t);
    execute format('create policy company_rows on %s to company using (company_id = app.company()) with check (company_id = app.company())', t);
    execute format('create policy system_rows on %s to system using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on %s to company, system', t);
end $$;

-- A table no company may touch: logins, sessions, leases.
create function app.system_only(t regclass) returns void language plpgsql as $$ begin
    execute format('alter table %s enable row level security', t);
    execute format('alter table %s force row level security', t);
    execute format('create policy system_rows on %s to system using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on %s to system', t);
end $$;

-- Jobs are apalis rows; enqueueing joins the caller's transaction.
grant usage on schema apalis to company, system;
grant insert on apalis.jobs to company, system;
grant select (job_type, idempotency_key) on apalis.jobs to company, system;
-- The dispatcher runs outside any transaction of ours, as the login itself.
grant usage on schema apalis to belfry_system;
grant select, insert, update, delete on apalis.jobs, apalis.workers to belfry_system;

create table dead_jobs (
    id text primary key,
    queue text not null,
    payload jsonb not null,
    error text not null,
    died_at timestamptz not null
);
select app.system_only('dead_jobs');

-- One row per running dialer; a dialer writes to a provider only while its lease holds.
create table workers (
    id uuid primary key,
    started_at timestamptz not null,
    lease_until timestamptz not null
);
select app.system_only('workers');
