-- Who did it, the newest first.
create index events_who on events (company_id, who, at desc, id desc);
