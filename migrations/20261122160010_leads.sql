-- How far contacts are on the way to buying.
create table leads (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    contact_id uuid not null,
    status text not null constraint leads_status
        check (status in ('new', 'contacted', 'qualified', 'unqualified', 'converted', 'lost')),
    intent smallint not null default 0 constraint leads_intent check (intent between 0 and 20),
    urgency smallint not null default 0 constraint leads_urgency check (urgency between 0 and 20),
    budget smallint not null default 0 constraint leads_budget check (budget between 0 and 20),
    fit smallint not null default 0 constraint leads_fit check (fit between 0 and 20),
    engagement smallint not null default 0 constraint leads_engagement check (engagement between 0 and 20),
    score smallint not null generated always as (intent + urgency + budget + fit + engagement) stored,
    -- One for each of the five, in their order.
    reasons jsonb not null default '["", "", "", "", ""]',
    owner_id uuid,
    -- As they were called when it was given to them.
    owner_name text not null default '',
    next_action text not null default '',
    follow_up_on date,
    notes text not null default '',
    -- The call that made it.
    source_call_id uuid,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    archived_at timestamptz,
    primary key (company_id, id),
    foreign key (company_id, contact_id) references contacts (company_id, id),
    foreign key (company_id, owner_id) references members (company_id, user_id) on delete set null (owner_id),
    foreign key (company_id, source_call_id) references calls (company_id, id)
);
-- A contact has one lead that lives.
create unique index leads_living on leads (company_id, contact_id) where archived_at is null;
create index leads_contact on leads (company_id, contact_id);
create index leads_list on leads (company_id, score desc, id desc) where archived_at is null;
create index leads_board on leads (company_id, status, score desc, id desc) where archived_at is null;
create index leads_owner on leads (company_id, owner_id) where owner_id is not null;
create index leads_call on leads (company_id, source_call_id) where source_call_id is not null;
create index leads_follow_up on leads (company_id, follow_up_on) where archived_at is null and follow_up_on is not null;
select app.protect('leads');
