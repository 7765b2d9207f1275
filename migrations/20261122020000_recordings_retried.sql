-- A recording that could not be copied is tried again at night, until it is given up.
alter table recordings drop constraint recordings_keeping;
alter table recordings add constraint recordings_keeping check (keeping in ('waiting', 'failed', 'kept', 'lost'));
-- The nightly look for those that are not settled.
create index recordings_unsettled on recordings (created_at) where keeping in ('waiting', 'failed');
