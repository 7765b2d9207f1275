-- Calls about health: nothing that was said is kept and nothing personal is sent out. And: people's data has an end.
alter table companies add column hipaa boolean not null default false;
alter table companies add column gdpr boolean not null default false;

-- Whose person was forgotten, and when. What the ledger and the counters need of them stays.
alter table contacts add column forgotten_at timestamptz;
alter table calls add column forgotten_at timestamptz;
create index contacts_forget on contacts (company_id, updated_at) where forgotten_at is null;
create index calls_forget on calls (company_id, ended_at) where forgotten_at is null;
-- A number that nobody has stands for each: +999 is assigned to no country (ITU-T E.164).
create sequence forgotten_numbers maxvalue 999999999999;
grant usage on sequence forgotten_numbers to company, system;
