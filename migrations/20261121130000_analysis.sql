-- What a conversation came to, as the provider's analysis tells it, beside transcript and summary.
alter table calls add column sentiment text constraint calls_sentiment check (sentiment in ('positive', 'neutral', 'negative'));
alter table calls add column successful boolean;
alter table calls add column keywords text[] not null default '{}';
-- Found out in the conversation: name → value, both as text.
alter table calls add column found jsonb not null default '{}';
