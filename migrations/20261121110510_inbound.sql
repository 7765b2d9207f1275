-- Campaigns that answer numbers instead of calling people.
alter table campaigns add column direction text not null default 'outbound'
    constraint campaigns_direction check (direction in ('outbound', 'inbound'));

-- A call in has no enrollment. One that was not taken has the reason, and may have no campaign, agent or contact either.
-- `phone` stays the other party's number and `from_phone` ours, whoever called.
alter table calls add column direction text not null default 'outbound'
    constraint calls_direction check (direction in ('outbound', 'inbound'));
alter table calls add column declined text constraint calls_declined check (declined in
    ('unknown_number', 'no_campaign', 'paused', 'outside_hours', 'no_agent', 'no_line', 'on_call', 'no_credits'));
alter table calls
    alter column enrollment_id drop not null,
    alter column campaign_id drop not null,
    alter column contact_id drop not null,
    alter column agent_id drop not null;
alter table calls add constraint calls_enrolled check ((direction = 'outbound') = (enrollment_id is not null));
alter table calls add constraint calls_known check (
    direction = 'inbound' or (campaign_id is not null and contact_id is not null and agent_id is not null));
alter table calls add constraint calls_taken check (declined is not null or (campaign_id is not null and agent_id is not null));
alter table calls add constraint calls_declined_is_inbound check (declined is null or (direction = 'inbound' and status = 'ended'));

-- People who hide their number share one; they may call at the same time.
drop index calls_one_live_per_phone;
create unique index calls_one_live_per_phone on calls (company_id, phone) where status <> 'ended' and phone <> '+266696687';
