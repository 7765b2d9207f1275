-- Tokens of programs that sign in with a password. They hang on a session, whose own token nobody has: what ends the session
-- ends them.
create table tokens (
    token_hash bytea primary key,
    session_id uuid not null references sessions (id),
    kind text not null constraint tokens_kind check (kind in ('access', 'refresh')),
    expires_at timestamptz not null,
    -- A refresh token works once; who shows it again has stolen it, or was stolen from.
    used_at timestamptz constraint tokens_used check (used_at is null or kind = 'refresh')
);
create index tokens_session on tokens (session_id);
select app.system_only('tokens');
