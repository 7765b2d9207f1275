-- The phone numbers behind a gateway: what an outbound call is made from, and what an inbound campaign answers.
create table numbers (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    gateway_id uuid not null,
    phone text not null constraint numbers_phone check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    label text not null default '',
    concurrency_max int not null constraint numbers_concurrency check (concurrency_max between 1 and 1000),
    -- Outbound calls a day; null without a cap.
    calls_per_day_max int constraint numbers_per_day check (calls_per_day_max > 0),
    -- The inbound campaign that answers it, while one does.
    campaign_id uuid,
    created_at timestamptz not null,
    primary key (company_id, id),
    constraint numbers_once unique (company_id, gateway_id, phone),
    foreign key (company_id, gateway_id) references gateways (company_id, id),
    foreign key (company_id, campaign_id) references campaigns (company_id, id)
);
create index numbers_campaign on numbers (company_id, campaign_id) where campaign_id is not null;
select app.protect('numbers');

-- Every gateway had one number: its caller id. The id is derived, so that two runs on copies agree.
insert into numbers (company_id, id, gateway_id, phone, label, concurrency_max, created_at)
select company_id, md5('number of ' || id)::uuid, id, caller_id, name, concurrency_max, created_at from gateways;

alter table calls add column number_id uuid;
alter table calls add foreign key (company_id, number_id) references numbers (company_id, id);
update calls k set number_id = n.id from numbers n
where n.company_id = k.company_id and n.gateway_id = k.gateway_id and n.phone = k.from_phone;
-- How many calls a number made today.
create index calls_number on calls (company_id, number_id, created_at) where number_id is not null;

alter table capacity drop constraint capacity_scope;
alter table capacity add constraint capacity_scope check (scope in ('company', 'gateway', 'campaign', 'number'));
insert into capacity (company_id, scope, ref, in_use, cap)
select n.company_id, 'number', n.id, (select count(*) from calls k where k.company_id = n.company_id and k.number_id = n.id and k.status <> 'ended'),
       n.concurrency_max
from numbers n;
