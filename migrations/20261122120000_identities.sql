-- Who somebody is elsewhere, and signs in with here. One sign-in is found by its key there, before anything is known of a company.
create table identities (
    provider text not null constraint identities_provider check (provider in ('google', 'linkedin')),
    -- Their id there. Never an address: those are given to others.
    subject text not null constraint identities_subject check (length(subject) between 1 and 255),
    user_id uuid not null references users (id),
    -- Their address there when it was linked, for their eyes.
    email text,
    linked_at timestamptz not null,
    primary key (provider, subject),
    constraint identities_one_each unique (user_id, provider)
);
select app.system_only('identities');

-- Who registers with such an identity has no password until they choose one.
alter table users alter column password_hash drop not null;

-- A browser that was sent to a provider and is awaited. What binds the two follows from the browser's cookie, of which the hash is here.
create table identity_trips (
    token_hash bytea primary key,
    provider text not null,
    -- Where it goes on to after signing in.
    next text not null,
    -- Whose account is linked, in which session; nobody's when somebody signs in.
    user_id uuid references users (id),
    session_id uuid references sessions (id),
    expires_at timestamptz not null,
    constraint identity_trips_linking check ((user_id is null) = (session_id is null))
);
select app.system_only('identity_trips');
create index identity_trips_expires on identity_trips (expires_at);

-- Somebody whom a provider knows and we do not, and who is about to register.
create table newcomers (
    token_hash bytea primary key,
    provider text not null,
    subject text not null,
    name text not null,
    email text,
    email_verified boolean not null,
    expires_at timestamptz not null
);
select app.system_only('newcomers');
create index newcomers_expires on newcomers (expires_at);
