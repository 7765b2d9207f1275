-- What new campaigns and agents of a company start from, and after how many days the words and the sound of its calls are deleted.
alter table companies add column defaults jsonb not null default '{}';
alter table companies add column retention jsonb not null default '{}';
-- Below this many thousandths of a credit its administrators are told.
alter table companies add column credits_low bigint not null default 5000
    constraint companies_credits_low check (credits_low between 0 and 1000000000000);
