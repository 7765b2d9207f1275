-- What a campaign would do: reports of rehearsals. The campaign's draft may be deleted, and they go with it.
create table rehearsals (
    company_id uuid not null default app.company(),
    id uuid not null,
    campaign_id uuid not null,
    report jsonb not null,
    made_at timestamptz not null,
    primary key (company_id, id),
    foreign key (company_id, campaign_id) references campaigns (company_id, id) on delete cascade
);
create index rehearsals_latest on rehearsals (company_id, campaign_id, made_at desc, id desc);
select app.protect('rehearsals');
