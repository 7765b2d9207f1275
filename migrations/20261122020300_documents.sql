-- What an agent knows besides its script. A document never changes: a new text is a new document.
create table documents (
    company_id uuid not null default app.company(),
    id uuid not null,
    agent_id uuid not null,
    name text not null,
    kind text not null constraint documents_kind check (kind in ('text', 'file', 'page')),
    -- The text, or the address of a page, which the provider reads itself.
    content text not null constraint documents_content check (octet_length(content) <= 1048576),
    added_at timestamptz not null,
    -- It is no longer part of the draft; versions that have it keep it.
    removed_at timestamptz,
    primary key (company_id, id),
    foreign key (company_id, agent_id) references agents (company_id, id)
);
create index documents_agent on documents (company_id, agent_id, added_at);
select app.protect('documents');

-- What a published version knows.
create table version_documents (
    company_id uuid not null default app.company(),
    agent_id uuid not null,
    version int not null,
    document_id uuid not null,
    primary key (company_id, agent_id, version, document_id),
    foreign key (company_id, agent_id, version) references agent_versions (company_id, agent_id, version),
    foreign key (company_id, document_id) references documents (company_id, id)
);
select app.protect('version_documents');

-- Documents that were handed over, under the provider's ids.
create table kept_documents (
    company_id uuid not null default app.company(),
    document_id uuid not null,
    gateway_id uuid not null,
    remote_id text not null,
    primary key (company_id, document_id, gateway_id),
    foreign key (company_id, document_id) references documents (company_id, id),
    foreign key (company_id, gateway_id) references gateways (company_id, id)
);
create index kept_documents_gateway on kept_documents (company_id, gateway_id);
select app.protect('kept_documents');
