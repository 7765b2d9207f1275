-- How our letters are worded where a super admin chose other words than the built-in ones: one wording in use and one being written.
create table wordings (
    kind text not null,
    is_draft boolean not null,
    subject text not null,
    text text not null,
    html text not null,
    changed_by text not null,
    changed_at timestamptz not null,
    primary key (kind, is_draft)
);
select app.system_only('wordings');

-- What a company's administrators are told by mail, written in the commit that causes it and mailed once.
create table notices (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    kind text not null constraint notices_kind check (kind in ('credits_low', 'campaign_finished', 'campaign_paused', 'import_done')),
    -- What its letter names, and the page it leads to.
    facts jsonb not null,
    created_at timestamptz not null,
    mailed_at timestamptz,
    primary key (company_id, id)
);
select app.protect('notices');

-- Which of them somebody does not want.
create table muted_notices (
    company_id uuid not null default app.company() references companies (id),
    user_id uuid not null,
    kind text not null,
    primary key (company_id, user_id, kind),
    constraint muted_notices_member foreign key (company_id, user_id) references members (company_id, user_id) on delete cascade
);
select app.protect('muted_notices');

-- Companies whose credits are below the amount at which they want to be told: told once, until they have that much again.
create table low_credits (
    company_id uuid not null default app.company() references companies (id),
    since timestamptz not null,
    primary key (company_id)
);
select app.protect('low_credits');
