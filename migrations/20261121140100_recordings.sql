-- The sound of calls: where it is at the provider, and whether we have a copy.
create table recordings (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    call_id uuid not null,
    -- The provider's id and link; the link may need its keys, and may die.
    remote_id text not null,
    link text,
    seconds int,
    keeping text not null constraint recordings_keeping check (keeping in ('waiting', 'kept', 'lost')),
    content_type text,
    bytes bigint,
    problem text not null default '',
    created_at timestamptz not null,
    kept_at timestamptz,
    primary key (company_id, id),
    constraint recordings_once unique (company_id, call_id, remote_id),
    foreign key (company_id, call_id) references calls (company_id, id)
);
select app.protect('recordings');
