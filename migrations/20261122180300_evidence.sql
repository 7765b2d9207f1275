-- When a number came onto the do-not-call list and when it left it: the list itself only knows who is on it. Rows are added with
-- each change; forgetting a person who is not on the list any more deletes them.
create table suppression_moves (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    phone text not null,
    is_on boolean not null,
    source text,
    reason text not null,
    by_name text not null,
    at timestamptz not null,
    primary key (company_id, id)
);
create index suppression_moves_number on suppression_moves (company_id, phone, at);
select app.protect('suppression_moves');
insert into suppression_moves (company_id, id, phone, is_on, source, reason, by_name, at)
    select company_id, id, phone, true, source, reason, coalesce(by_name, 'Belfry'), created_at from suppressions;
