-- The second factor of a user: an app that shows a new code every half minute.
create table two_factors (
    user_id uuid primary key references users (id),
    -- What app and server share, sealed; see services::secrets.
    secret bytea not null,
    -- The recovery codes, sealed, until they were shown and the first code was typed; from then on only their hashes exist.
    codes bytea,
    created_at timestamptz not null,
    -- Before this it asks nobody for anything.
    confirmed_at timestamptz constraint two_factors_shown_once check (confirmed_at is null or codes is null),
    -- The step of the last code that was taken: no code is taken twice.
    last_step bigint not null default 0
);
select app.system_only('two_factors');

create table recovery_codes (
    user_id uuid not null references users (id),
    code_hash bytea not null,
    used_at timestamptz,
    primary key (user_id, code_hash)
);
select app.system_only('recovery_codes');

-- Somebody whose password was right and whose code is awaited.
create table half_sign_ins (
    token_hash bytea primary key,
    user_id uuid not null references users (id),
    expires_at timestamptz not null
);
select app.system_only('half_sign_ins');

alter table companies add column two_factor_required boolean not null default false;
