-- A mail with a link that lets somebody in is emptied once it went out, or once the link is too old.
alter table mails add column secret_until timestamptz;
create index mails_secret on mails (secret_until) where body <> '';
update mails set body = '', html = '' where sent_at is not null and body like '%token=%';
