-- Why an active campaign does not dial right now is a word, not a sentence: the settle that frees a line looks for it.
alter table campaigns rename column parked_reason to parked;
update campaigns set parked = null;
alter table campaigns add constraint campaigns_parked check
    (parked in ('lines', 'pace', 'provider', 'today', 'due', 'calls', 'credits', 'trouble'));

-- When a campaign last got a line: whoever waited longest is first.
alter table campaigns add column served_at timestamptz;

-- Where new dials go while the first gateway's breaker is open.
alter table campaigns add column fallback_gateway_id uuid;
alter table campaigns add foreign key (company_id, fallback_gateway_id) references gateways (company_id, id);
