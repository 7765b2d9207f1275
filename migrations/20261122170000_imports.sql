-- Imports of more kinds, from more kinds of files, that can be undone.
alter table imports drop constraint imports_kind;
alter table imports add constraint imports_kind check (kind in ('contacts', 'suppressions', 'leads', 'orders'));
alter table imports drop constraint imports_status;
alter table imports add constraint imports_status check
    (status in ('pending', 'validating', 'checked', 'running', 'completed', 'failed', 'cancelled', 'undoing', 'undone'));
-- The name of the saved mapping by which the columns were guessed, if any.
alter table imports add column mapping_name text;
-- What undoing did.
alter table imports add column undone jsonb not null default '{}';

-- What tells the rows of a file apart, with the line where each was first: the dry run notes it, the run reads it. It is kept until
-- the import ends.
drop table import_phones;
create table import_keys (
    company_id uuid not null default app.company(),
    import_id uuid not null,
    key text not null,
    line bigint not null,
    primary key (company_id, import_id, key),
    foreign key (company_id, import_id) references imports (company_id, id)
);
select app.protect('import_keys');
-- What was checked before there were lines is checked again.
update imports set status = 'pending', phase = phase + 1 where status in ('validating', 'checked');

-- A refused row as it stands in the file, beside the first of its problems.
alter table import_problems add column cells jsonb;

-- Whether another import met a contact is asked before it is taken out.
create index import_contacts_contact on import_contacts (company_id, contact_id);

-- What an import changed in rows that were there before it, so that it can be undone: only fields that it changed.
create table import_changes (
    company_id uuid not null default app.company(),
    import_id uuid not null,
    subject_id uuid not null,
    before jsonb not null,
    after jsonb not null,
    primary key (company_id, import_id, subject_id),
    foreign key (company_id, import_id) references imports (company_id, id)
);
select app.protect('import_changes');

-- How a company mapped the columns of files with these headers.
create table import_mappings (
    company_id uuid not null default app.company() references companies (id),
    kind text not null,
    -- SHA-256 of the headers in plain words, in order.
    fingerprint text not null,
    name text not null constraint import_mappings_name check (length(name) between 1 and 60),
    headers jsonb not null,
    mapping jsonb not null,
    used_at timestamptz not null,
    primary key (company_id, kind, fingerprint)
);
create index import_mappings_newest on import_mappings (company_id, kind, used_at desc);
select app.protect('import_mappings');

-- The import that alone names this number; whoever names it too, by hand or on the phone, empties it.
alter table suppressions add column import_id uuid;
alter table suppressions add foreign key (company_id, import_id) references imports (company_id, id);
create index suppressions_import on suppressions (company_id, import_id, id) where import_id is not null;

-- The import that created an order or a lead; one that undoing left in is no import's.
alter table orders add column import_id uuid;
alter table orders add foreign key (company_id, import_id) references imports (company_id, id);
create index orders_import on orders (company_id, import_id, id) where import_id is not null;
alter table leads add column import_id uuid;
alter table leads add foreign key (company_id, import_id) references imports (company_id, id);
create index leads_import on leads (company_id, import_id, id) where import_id is not null;
