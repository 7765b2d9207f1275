-- Days on which a company does not call. Always read whole.
alter table companies add column holidays jsonb not null default '[]';
-- How its figures are written, and the currency it reckons in (ISO 4217).
alter table companies add column locale text not null default 'en-US';
alter table companies add column currency text not null default 'USD' constraint companies_currency check (currency ~ '^[A-Z]{3}$');
-- Calls per second of the whole company, beside those of its gateways: a bucket in the row that every turn of its dialers locks
-- first. Without a rate there is no bucket.
alter table capacity add column calls_per_second int constraint capacity_rate check (calls_per_second between 1 and 1000);
alter table capacity add column tokens_milli bigint not null default 0;
alter table capacity add column tokens_at timestamptz not null default 'epoch';
