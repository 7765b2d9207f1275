-- What a super admin turned on or off for a company, where that differs from what the platform does by itself. Companies read it.
create table features (
    company_id uuid not null default app.company() references companies (id),
    feature text not null,
    is_on boolean not null,
    set_by text not null,
    set_at timestamptz not null,
    primary key (company_id, feature)
);
select app.protect('features');
revoke insert, update, delete on features from company;
