-- Links that are mailed and let whoever opens one do one thing, once: choose a new password, prove a new address.
create table links (
    -- Chosen by who asks, so that a job that runs twice mails one link.
    id uuid primary key,
    kind text not null constraint links_kind check (kind in ('reset', 'email')),
    token_hash bytea not null constraint links_token_unique unique,
    user_id uuid not null references users (id),
    -- Where a change of e-mail leads to.
    email text constraint links_email check ((email is not null) = (kind = 'email')),
    expires_at timestamptz not null,
    used_at timestamptz
);
create index links_user on links (user_id);
select app.system_only('links');

-- Who reads a mail with pictures and colours; the text stays for everybody else.
alter table mails add column html text not null default '';
