-- Answers to writes that came with an Idempotency-Key, stored in the commit of the write: who sends it again reads the answer.
create table stored_answers (
    company_id uuid not null default app.company() references companies (id),
    -- The API key or session that asked.
    caller uuid not null,
    key text not null constraint stored_answers_key check (length(key) between 1 and 200),
    -- SHA-256 over method, path and body.
    request_hash bytea not null,
    -- Nothing while the first request is under way; nobody else ever reads that.
    status int,
    body text,
    created_at timestamptz not null,
    primary key (company_id, caller, key)
);
create index stored_answers_created on stored_answers (company_id, created_at);
select app.protect('stored_answers');
