-- Somebody is asked into a company by mail. The mail has the token, the row its SHA-256.
create table invites (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    email text not null constraint invites_email check (email = lower(email)),
    role text not null constraint invites_role check (role in ('company_admin', 'operator', 'viewer')),
    token_hash bytea not null constraint invites_token_unique unique,
    invited_by text not null,
    sent_at timestamptz not null,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    revoked_at timestamptz,
    primary key (company_id, id)
);
-- One open invite per person.
create unique index invites_open on invites (company_id, email) where accepted_at is null and revoked_at is null;
create index invites_sent on invites (company_id, sent_at);
select app.protect('invites');
