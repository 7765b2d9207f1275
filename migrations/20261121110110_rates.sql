-- What a minute costs, by destination and by what speaks; and how seconds are rounded up, by company.
create table rates (
    -- Digits of the number after the plus; the empty prefix is everywhere. The longest one wins.
    prefix text not null constraint rates_prefix check (prefix ~ '^[0-9]{0,15}$'),
    -- Empty: any engine. A rate for the engine goes before one for any, at the same prefix.
    engine text not null,
    -- Thousandths of a credit.
    per_minute bigint not null constraint rates_per_minute check (per_minute between 0 and 1000000000),
    effective_at timestamptz not null,
    primary key (prefix, engine, effective_at)
);
alter table rates enable row level security;
alter table rates force row level security;
create policy everyone_reads on rates for select to company using (true);
create policy system_rows on rates to system using (true) with check (true);
grant select on rates to company;
grant select, insert on rates to system;
-- A change of price is a new row with a later moment: what was agreed yesterday can be looked up tomorrow.
create trigger rates_insert_only before update or delete on rates for each statement execute function app.refuse_change();

insert into rates (prefix, engine, per_minute, effective_at) values ('', '', 1000, '2000-01-01T00:00:00Z');

alter table companies add column billing_increment text not null default '60/60'
    constraint companies_billing_increment check (billing_increment in ('60/60', '30/6', '15/15', '6/6', '1/1'));

-- Inbound and test calls have no campaign that set credits aside: they hold straight from what is available.
alter table movements drop constraint movements_lawful;
alter table movements add constraint movements_lawful check ((kind, source, target) in (
    ('purchase', 'bank', 'available'), ('refund', 'available', 'bank'), ('grant', 'promo', 'available'),
    ('reserve', 'available', 'escrow'), ('unreserve', 'escrow', 'available'),
    ('hold', 'escrow', 'held'), ('release', 'held', 'escrow'),
    ('hold_direct', 'available', 'held'), ('release_direct', 'held', 'available'), ('capture', 'held', 'spent'),
    ('adjust_up', 'adjust', 'available'), ('adjust_down', 'available', 'adjust')));
