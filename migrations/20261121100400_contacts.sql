create table imports (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    kind text not null constraint imports_kind check (kind in ('contacts')),
    status text not null constraint imports_status
        check (status in ('pending', 'validating', 'checked', 'running', 'completed', 'failed', 'cancelled')),
    file_name text not null,
    file_bytes bigint not null,
    encoding text not null,
    delimiter text not null,
    headers jsonb not null,
    samples jsonb not null,
    mapping jsonb not null,
    segment text not null default '',
    -- Counts of the dry run and of the run; the run resumes at done_bytes.
    checked jsonb not null default '{}',
    done jsonb not null default '{}',
    bytes_done bigint not null default 0,
    lines_done bigint not null default 0,
    failure text,
    created_by text not null,
    created_at timestamptz not null,
    -- Counts dry runs and runs; a job of an earlier phase finds another number here and stops.
    phase int not null default 0,
    phase_started_at timestamptz,
    phase_ended_at timestamptz,
    finished_at timestamptz,
    primary key (company_id, id)
);
create index imports_list on imports (company_id, created_at desc);
select app.protect('imports');

create table import_problems (
    company_id uuid not null default app.company(),
    import_id uuid not null,
    dry_run boolean not null,
    line bigint not null,
    field text not null,
    value text not null,
    why text not null,
    primary key (company_id, import_id, dry_run, line, field),
    foreign key (company_id, import_id) references imports (company_id, id)
);
select app.protect('import_problems');

create table contacts (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    name text not null,
    name_lower text not null generated always as (lower(name)) stored,
    phone text not null constraint contacts_phone check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    phone_raw text not null,
    email text not null default '',
    company text not null default '',
    time_zone text,
    segment text not null default '',
    notes text not null default '',
    status text not null default 'active' constraint contacts_status check (status in ('active', 'archived')),
    import_id uuid,
    calls int not null default 0,
    last_called_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (company_id, id),
    constraint contacts_phone_unique unique (company_id, phone),
    foreign key (company_id, import_id) references imports (company_id, id)
);
create index contacts_list on contacts (company_id, created_at desc, id desc);
create index contacts_name on contacts (company_id, name_lower text_pattern_ops);
create index contacts_phone_prefix on contacts (company_id, phone text_pattern_ops);
create index contacts_segment on contacts (company_id, segment, created_at desc);
create index contacts_import on contacts (company_id, import_id) where import_id is not null;
select app.protect('contacts');

-- Which contacts an import met, created or not: an audience, and where a resumed run finds its own work.
create table import_contacts (
    company_id uuid not null default app.company(),
    import_id uuid not null,
    contact_id uuid not null,
    primary key (company_id, import_id, contact_id),
    foreign key (company_id, import_id) references imports (company_id, id),
    foreign key (company_id, contact_id) references contacts (company_id, id)
);
select app.protect('import_contacts');

-- Numbers a dry run has met, so that it can tell duplicates across chunks; emptied when it ends.
create table import_phones (
    company_id uuid not null default app.company(),
    import_id uuid not null,
    phone text not null,
    primary key (company_id, import_id, phone),
    foreign key (company_id, import_id) references imports (company_id, id)
);
select app.protect('import_phones');

create table suppressions (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    phone text not null,
    source text not null constraint suppressions_source check (source in ('dtmf', 'manual', 'keyword', 'import')),
    reason text not null,
    by_name text,
    created_at timestamptz not null,
    primary key (company_id, id),
    constraint suppressions_phone_unique unique (company_id, phone)
);
create index suppressions_list on suppressions (company_id, created_at desc, id desc);
create index suppressions_phone_prefix on suppressions (company_id, phone text_pattern_ops);
select app.protect('suppressions');
