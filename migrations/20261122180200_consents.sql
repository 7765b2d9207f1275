-- What a person agreed to, and took back: each time a row, none is ever changed. The newest of a number and a purpose holds.
create table consents (
    company_id uuid not null default app.company() references companies (id),
    id uuid not null,
    phone text not null constraint consents_phone check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    purpose text not null constraint consents_purpose check (purpose in ('marketing', 'service')),
    -- How it was given; nothing: it was taken back.
    form text constraint consents_form check (form in ('express', 'written')),
    source text not null constraint consents_source check (source in ('web_form', 'paper', 'call', 'message', 'import', 'other')),
    -- Which words the person saw or heard, and where the proof is.
    wording text not null,
    evidence text not null,
    ip text,
    -- When the person said so, and when we heard of it.
    at timestamptz not null,
    recorded_at timestamptz not null,
    by_name text not null,
    primary key (company_id, id)
);
create index consents_number on consents (company_id, phone, purpose, at desc, id desc);
select app.protect('consents');

-- Forgetting a person takes away what leads to them, and nothing else ever changes.
create function app.only_forget() returns trigger language plpgsql as $$ begin
    if tg_op = 'UPDATE' and new.phone like '+999%' and new.ip is null and new.evidence = ''
        and (new.company_id, new.id, new.purpose, new.form, new.source, new.wording, new.at, new.recorded_at, new.by_name)
            is not distinct from (old.company_id, old.id, old.purpose, old.form, old.source, old.wording, old.at, old.recorded_at, old.by_name)
    then
        return new;
    end if;
    raise exception '% is insert-only', tg_table_name;
end $$;
create trigger consents_insert_only before update or delete on consents for each row execute function app.only_forget();
revoke update, delete on consents from company;
grant update (phone, evidence, ip) on consents to company;

-- Whether the dialer asks for a record: never, where a rule pack asks for consent, or for every call.
alter table companies add column consent text not null default 'listed' constraint companies_consent check (consent in ('listed', 'law', 'always'));
-- What a campaign calls about, and whether it asks for a record whatever the company does.
alter table campaigns add column purpose text not null default 'marketing' constraint campaigns_purpose check (purpose in ('marketing', 'service'));
alter table campaigns add column needs_consent boolean not null default false;
-- What allowed an attempt: the packs and their version, and until when the window was open.
alter table calls add column rules text not null default '';
alter table calls add column open_until timestamptz;
