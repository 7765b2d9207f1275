create table templates (
    id uuid primary key,
    company_type text not null constraint templates_type check (company_type in ('ecommerce', 'healthcare', 'real_estate', 'generic')),
    summary text not null,
    form jsonb not null,
    position int not null
);
alter table templates enable row level security;
alter table templates force row level security;
create policy everyone_reads on templates for select to company using (true);
create policy system_rows on templates to system using (true) with check (true);
grant select on templates to company;
grant select, insert, update, delete on templates to system;

create table agents (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    name text not null,
    name_lower text not null generated always as (lower(name)) stored,
    status text not null constraint agents_status check (status in ('draft', 'published', 'archived')),
    version int not null default 0,
    form jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (company_id, id)
);
create index agents_list on agents (company_id, updated_at desc);
create index agents_name on agents (company_id, name_lower text_pattern_ops);
select app.protect('agents');

create table agent_versions (
    company_id uuid not null default app.company(),
    agent_id uuid not null,
    version int not null,
    form jsonb not null,
    published_at timestamptz not null,
    primary key (company_id, agent_id, version),
    foreign key (company_id, agent_id) references agents (company_id, id)
);
select app.protect('agent_versions');
