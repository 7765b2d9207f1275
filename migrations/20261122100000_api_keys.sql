-- What programs sign in with: a random secret of 256 bits, of which only the SHA-256 is kept. A key acts for the member who
-- made it, and ends with the membership.
create table api_keys (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    name text not null constraint api_keys_name check (length(name) between 1 and 80),
    scopes text[] not null constraint api_keys_scopes check (cardinality(scopes) > 0),
    -- Ranges in CIDR notation; none: from everywhere.
    addresses text[] not null default '{}',
    made_by uuid not null references users (id),
    made_by_name text not null,
    -- The beginning of the secret, for people.
    hint text not null,
    secret_hash bytea not null constraint api_keys_secret_unique unique,
    -- The secret before the last rotation, as long as it works.
    old_hash bytea constraint api_keys_old_unique unique,
    old_until timestamptz constraint api_keys_overlap check ((old_hash is null) = (old_until is null)),
    created_at timestamptz not null,
    expires_at timestamptz,
    -- Written at most once a minute.
    last_used_at timestamptz,
    last_used_from text not null default '',
    revoked_at timestamptz,
    primary key (company_id, id)
);
create index api_keys_list on api_keys (company_id, created_at desc, id desc);
create index api_keys_made_by on api_keys (company_id, made_by);
select app.protect('api_keys');
