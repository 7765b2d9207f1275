-- What a company asks beyond the law: caps per contact and the countries it calls. Always read whole.
alter table companies add column compliance jsonb not null default '{}';
