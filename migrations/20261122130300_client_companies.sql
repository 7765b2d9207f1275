-- Companies that a company opened for its own clients, one level deep, and what it allows them. A client reads its limit, and not
-- whose it is.
create table client_terms (
    company_id uuid not null references companies (id),
    parent_id uuid not null references companies (id),
    concurrency_max int not null constraint client_terms_concurrency check (concurrency_max between 1 and 1000),
    created_at timestamptz not null,
    primary key (company_id),
    constraint client_terms_not_own check (parent_id <> company_id)
);
create index client_terms_parent on client_terms (parent_id);
select app.protect('client_terms');
revoke all on client_terms from company;
grant select (company_id, concurrency_max) on client_terms to company;

-- How a company shows itself to its clients: a colour on which white can be read, and a picture.
create table brands (
    company_id uuid not null default app.company() references companies (id),
    color text not null constraint brands_color check (color ~ '^#[0-9a-f]{6}$'),
    logo bytea constraint brands_logo_size check (length(logo) <= 262144),
    logo_type text constraint brands_logo_type check (logo_type in ('image/png', 'image/jpeg', 'image/webp')),
    -- Tells one logo from the next, in its address.
    logo_version int not null default 0,
    primary key (company_id),
    constraint brands_logo_whole check ((logo is null) = (logo_type is null))
);
select app.protect('brands');

-- Credits that a company gives one of its clients leave it and arrive there in one commit, under one key.
alter table movements drop constraint movements_lawful;
alter table movements add constraint movements_lawful check ((kind, source, target) in (
    ('purchase', 'bank', 'available'), ('refund', 'available', 'bank'), ('grant', 'promo', 'available'),
    ('reserve', 'available', 'escrow'), ('unreserve', 'escrow', 'available'),
    ('hold', 'escrow', 'held'), ('release', 'held', 'escrow'),
    ('hold_direct', 'available', 'held'), ('release_direct', 'held', 'available'), ('capture', 'held', 'spent'),
    ('transfer_out', 'available', 'transfer'), ('transfer_in', 'transfer', 'available'),
    ('adjust_up', 'adjust', 'available'), ('adjust_down', 'available', 'adjust')));
