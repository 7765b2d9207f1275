-- A member who may not come in for now: kept in the list, with everything that names them.
alter table members add column deactivated_at timestamptz;

-- Which campaigns an operator handles. Whoever works as an operator becomes the role `assigned`: it is `company` with one wall more.
create function app.member() returns uuid language sql stable parallel safe
    as $$ select nullif(current_setting('app.member', true), '')::uuid $$;

create table assignments (
    company_id uuid not null default app.company() references companies (id),
    user_id uuid not null,
    campaign_id uuid not null,
    created_at timestamptz not null,
    primary key (company_id, user_id, campaign_id),
    foreign key (company_id, user_id) references members (company_id, user_id) on delete cascade,
    foreign key (company_id, campaign_id) references campaigns (company_id, id) on delete cascade
);
create index assignments_campaign on assignments (company_id, campaign_id);
select app.protect('assignments');
-- Nobody hands campaigns to themself.
create policy nobody_assigns on assignments as restrictive for insert to assigned with check (false);
create policy nobody_reassigns on assignments as restrictive for update to assigned using (false);
create policy nobody_unassigns on assignments as restrictive for delete to assigned using (false);

create policy assigned_rows on campaigns as restrictive to assigned
    using (id in (select a.campaign_id from assignments a where a.user_id = app.member()));
do $$ declare t text; begin
    foreach t in array array['campaign_versions', 'campaign_stats', 'enrollments', 'calls', 'rehearsals', 'canaries'] loop
        execute format('create policy assigned_rows on %I as restrictive to assigned
            using (campaign_id in (select a.campaign_id from assignments a where a.user_id = app.member()))', t);
    end loop;
    -- What hangs on a call follows its call.
    foreach t in array array['call_steps', 'recordings'] loop
        execute format('create policy assigned_rows on %I as restrictive to assigned
            using (exists (select 1 from calls k where k.company_id = %I.company_id and k.id = %I.call_id))', t, t, t);
    end loop;
end $$;

-- Operators have seen everything so far: nobody loses the work in their hands.
insert into assignments (company_id, user_id, campaign_id, created_at)
    select m.company_id, m.user_id, c.id, c.created_at from members m join campaigns c on c.company_id = m.company_id
    where m.role = 'operator';
