-- Gateways of every provider, agents kept at providers, and numbers under the provider's own ids.
alter table gateways drop constraint gateways_kind;
alter table gateways add constraint gateways_kind check (kind in ('twilio', 'retell', 'vapi', 'elevenlabs', 'maqsam'));
alter table gateways
    -- What callbacks are signed with, where that is not the key.
    add webhook_secret text,
    -- What only one provider asks for; no secrets.
    add options jsonb not null default '{}',
    -- Counts changes of the keys: whoever remembers a key compares this.
    add keys_version int not null default 1,
    -- When what must be set up at the provider was, and why it could not be.
    add set_up_at timestamptz,
    add problem text not null default '',
    -- Numbers have a table of their own.
    drop column caller_id;
update gateways set set_up_at = created_at;

-- The provider's id of the number.
alter table numbers add remote_id text;

-- The provider's id of its question whether to take a call in; the call itself may get another one.
alter table calls add asked_as text;
create unique index calls_asked on calls (company_id, gateway_id, asked_as) where asked_as is not null;
update calls set asked_as = provider_call_id where direction = 'inbound' and provider_call_id is not null;

-- Our agents as they are kept at providers that hold the conversation themselves.
create table kept_agents (
    company_id uuid not null default app.company() references companies (id),
    agent_id uuid not null,
    gateway_id uuid not null,
    keeping text not null constraint kept_agents_keeping check (keeping in ('pending', 'ready', 'failed')),
    -- Our version that is there; 0 before the first.
    version int not null default 0,
    remote_id text,
    remote_version text,
    -- Of what the provider showed right after the last publishing.
    fingerprint text,
    drifted boolean not null default false,
    problem text not null default '',
    -- Somebody talks to the provider about it until then.
    busy_until timestamptz,
    published_at timestamptz,
    primary key (company_id, agent_id, gateway_id),
    foreign key (company_id, agent_id) references agents (company_id, id),
    foreign key (company_id, gateway_id) references gateways (company_id, id)
);
create index kept_agents_gateway on kept_agents (company_id, gateway_id);
select app.protect('kept_agents');

alter table campaigns drop constraint campaigns_parked;
alter table campaigns add constraint campaigns_parked check
    (parked in ('lines', 'pace', 'provider', 'today', 'due', 'calls', 'credits', 'trouble', 'agent'));
