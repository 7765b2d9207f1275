//! The wall between companies, proved from outside: connections of our own, SQL as an attacker would write
//! it. What the verbs do on top of it is tested beside them.

use model::id::CompanyId;
use services::testing::{Someone, World};
use sqlx::postgres::{PgConnectOptions, PgDatabaseError};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection};
use std::collections::BTreeSet;
use std::str::FromStr;

/// Tables of schema `public` that no company and no task of ours may touch: the migrator's own.
const OWNERS_ONLY: &[&str] = &["_sqlx_migrations"];
/// Company tables whose policy is not `company_id = app.company()`, and why.
const OTHER_POLICIES: &[&str] = &[
    "companies", // the company itself: id = app.company()
    "sessions",  // system only: a session is found before its company is known
];
/// Indexes of company tables that do not begin with the company: the engine looks across companies with these.
const ACROSS_COMPANIES: &[&str] = &[
    "api_keys_old_unique",    // the company is known once the key is found
    "api_keys_secret_unique", // the same
    "calls_check",
    "campaigns_runnable",
    "campaigns_scheduled",
    "client_terms_parent", // a reseller's clients are looked for from above
    "deliveries_age",      // the night forgets all that is old
    "deliveries_waiting",  // sending goes from endpoint to endpoint
    "endpoints_id",        // the same
    "gateways_id",
    "inbox_waiting",
    "invites_token_unique", // the company is known once the invite is found
    "members_user",
    "recordings_unsettled", // the night looks for all of them
    "sessions_pkey",
    "sessions_token_unique",
    "sessions_user",
];
/// Insert-only tables: a company may add and read, and nobody may rewrite.
const APPEND_ONLY: &[&str] = &["blocks", "consents", "event_blocks", "events", "movements"];

/// Tables of which a company reads its rows, and which only those above it write.
const READ_ONLY: &[&str] = &["client_terms", "features"];

/// Tables of which operators see what belongs to the campaigns they handle.
const OF_CAMPAIGNS: &[&str] = &[
    "call_steps",
    "calls",
    "campaign_stats",
    "campaign_versions",
    "campaigns",
    "canaries",
    "enrollments",
    "recordings",
    "rehearsals",
];
/// Tables that name a campaign or a call, and are not walled off by it.
const SEEN_BY_ALL: &[&str] = &[
    "assignments", // the wall itself asks it
    "endpoints",   // told of what operators do, and read by whoever manages webhooks
    "movements",   // written whenever a call is settled; read by whoever may see the wallet
    "numbers",     // the company's lines: which are taken must be known to all who choose one
];

const DENIED: &str = "42501";
const FOREIGN_KEY: &str = "23503";

/// A connection of one of the three logins.
async fn login(w: &World, user: &str) -> PgConnection {
    let options = PgConnectOptions::from_str(&w.owner_url()).expect("a URL").username(user);
    options.connect().await.unwrap_or_else(|e| panic!("{user}: {e}"))
}

/// The ordinary login inside a company, as `Db::begin` does it.
async fn inside(w: &World, company: CompanyId) -> PgConnection {
    let mut c = login(w, "belfry_app").await;
    let begin = format!("begin; set local role company; set local app.company = '{}'", company.uuid());
    run(&mut c, &begin).await.expect("begin");
    c
}

async fn run(c: &mut PgConnection, sql: &str) -> sqlx::Result<u64> {
    Ok(c.execute(AssertSqlSafe(sql.to_owned())).await?.rows_affected())
}

async fn texts(c: &mut PgConnection, sql: &str) -> BTreeSet<String> {
    let rows: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(c).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    rows.into_iter().collect()
}

async fn count(c: &mut PgConnection, from: &str) -> i64 {
    let sql = format!("select count(*) from {from}");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(c).await.unwrap_or_else(|e| panic!("{from}: {e}"))
}

/// The SQL state and message of a refusal. The transaction goes on as if it had not been tried.
async fn refusal(c: &mut PgConnection, sql: &str) -> (String, String) {
    let in_transaction = run(c, "savepoint try").await.is_ok();
    let error = match run(c, sql).await {
        Ok(rows) => panic!("{sql} was accepted and touched {rows} rows"),
        Err(sqlx::Error::Database(e)) => {
            let e = e.downcast::<PgDatabaseError>();
            (e.code().to_owned(), e.message().to_owned())
        }
        Err(other) => panic!("{sql}: {other}"),
    };
    if in_transaction {
        run(c, "rollback to try").await.expect("rollback to the savepoint");
    }
    error
}

async fn assert_denied(c: &mut PgConnection, sql: &str) {
    let (code, message) = refusal(c, sql).await;
    assert_eq!(code, DENIED, "{sql}: {message}");
    assert!(message.starts_with("permission denied"), "{sql}: {message}");
}

/// Tables with a company, apart from those that only tasks above companies may touch.
async fn company_tables(w: &World) -> BTreeSet<String> {
    let mut owner = login(w, "belfry_owner").await;
    let sql =
        "select table_name::text from information_schema.columns where table_schema = 'public' and column_name = 'company_id'";
    let mut tables = texts(&mut owner, sql).await;
    for other in OTHER_POLICIES {
        tables.remove(*other);
    }
    tables
}

/// Two companies, each with a launched campaign on two people.
async fn two(w: &World) -> [Someone; 2] {
    let both = [w.company("acme").await, w.company("birch").await];
    for company in &both {
        w.launched(company, 2, |_| {}).await;
        w.consents(company, &services::testing::phone(0)).await;
    }
    both
}

// ── rows ────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn no_row_of_another_company_is_seen_changed_or_deleted() {
    let w = World::new().await;
    let [acme, birch] = two(&w).await;
    let mut owner = login(&w, "belfry_owner").await;
    let mut c = inside(&w, birch.company).await;
    let theirs = format!("company_id = '{}'", acme.company.uuid());
    let mut filled = 0;
    for table in company_tables(&w).await {
        filled += i64::from(count(&mut owner, &format!("{table} where {theirs}")).await > 0);
        assert_eq!(count(&mut c, &format!("{table} where {theirs}")).await, 0, "{table}");
        assert_eq!(count(&mut c, &format!("{table} where company_id <> app.company()")).await, 0, "{table}");
        for sql in
            [format!("update {table} set company_id = company_id where {theirs}"), format!("delete from {table} where {theirs}")]
        {
            if APPEND_ONLY.contains(&table.as_str()) || READ_ONLY.contains(&table.as_str()) {
                assert_denied(&mut c, &sql).await;
            } else {
                assert_eq!(run(&mut c, &sql).await.expect("no rows, no error"), 0, "{sql}");
            }
        }
    }
    assert!(filled >= 12, "acme has rows in only {filled} tables: this test proves little");
    let ours = "companies where id <> app.company()";
    assert_eq!(count(&mut c, ours).await, 0);
    let rename = format!("update companies set name = 'Mine' where id = '{}'", acme.company.uuid());
    assert_eq!(run(&mut c, &rename).await.expect("no rows, no error"), 0);
    assert_denied(&mut c, "delete from companies").await;
}

#[tokio::test]
async fn a_row_cannot_be_written_for_another_company_or_for_none() {
    let w = World::new().await;
    let [acme, birch] = two(&w).await;
    let mut c = inside(&w, birch.company).await;
    let wall = "new row violates row-level security policy";
    let insert = |company: &str| {
        format!(
            "insert into suppressions (company_id, id, phone, source, reason, created_at)
             values ({company}, gen_random_uuid(), '+12125550199', 'manual', '', '2026-01-01')"
        )
    };
    let (code, message) = refusal(&mut c, &insert(&format!("'{}'", acme.company.uuid()))).await;
    assert!(code == DENIED && message.starts_with(wall), "{message}");
    let moved = format!("update contacts set company_id = '{}'", acme.company.uuid());
    let (code, message) = refusal(&mut c, &moved).await;
    assert!(code == DENIED && message.starts_with(wall), "{message}");
    run(&mut c, &insert("app.company()")).await.expect("one's own is fine");

    run(&mut c, "rollback; begin; set local role company").await.expect("no company this time");
    assert_eq!(count(&mut c, "contacts").await, 0, "without a company there is nothing to see");
    for company in ["default", &format!("'{}'", birch.company.uuid())] {
        let (_, message) = refusal(&mut c, &insert(company)).await;
        assert!(message.starts_with(wall), "{message}");
    }
}

#[tokio::test]
async fn a_foreign_key_cannot_reach_into_another_company() {
    let w = World::new().await;
    let [acme, birch] = two(&w).await;
    let mut owner = login(&w, "belfry_owner").await;
    let of = |table: &str| format!("select id::text from {table} where company_id = '{}'", acme.company.uuid());
    let campaign = texts(&mut owner, &of("campaigns")).await.pop_first().expect("a campaign");
    let contact = texts(&mut owner, &of("contacts")).await.pop_first().expect("a contact");
    let mut c = inside(&w, birch.company).await;
    let enroll = |campaign: &str, contact: &str| {
        format!(
            "insert into enrollments (id, campaign_id, contact_id, status, created_at, updated_at)
             select gen_random_uuid(), {campaign}, {contact}, 'queued', '2026-01-01', '2026-01-01'"
        )
    };
    let (mine, my_contact) = ("(select id from campaigns limit 1)", "(select min(id::text)::uuid from contacts)");
    for sql in [enroll(&format!("'{campaign}'"), my_contact), enroll(mine, &format!("'{contact}'"))] {
        assert_eq!(refusal(&mut c, &sql).await.0, FOREIGN_KEY, "{sql}");
    }
    let steal =
        format!("update campaigns set agent_id = '{}'", texts(&mut owner, &of("agents")).await.pop_first().expect("an agent"));
    assert_eq!(refusal(&mut c, &steal).await.0, FOREIGN_KEY);
}

// ── roles ───────────────────────────────────────────────────────────────────

#[tokio::test]
async fn a_connection_that_never_began_may_do_nothing() {
    let w = World::new().await;
    let [acme, _] = two(&w).await;
    let tables =
        texts(&mut login(&w, "belfry_owner").await, "select tablename::text from pg_tables where schemaname = 'public'").await;
    for user in ["belfry_app", "belfry_system"] {
        let mut c = login(&w, user).await;
        let claim = format!("set app.company = '{}'", acme.company.uuid());
        run(&mut c, &claim).await.expect("anybody may claim to be anybody");
        for table in &tables {
            for sql in [format!("select from {table}"), format!("delete from {table}")] {
                assert_denied(&mut c, &sql).await;
            }
        }
    }
}

#[tokio::test]
async fn neither_login_can_become_what_the_other_may() {
    let w = World::new().await;
    let [acme, _] = two(&w).await;
    let mut company = inside(&w, acme.company).await;
    let mut app = login(&w, "belfry_app").await;
    let mut system = login(&w, "belfry_system").await;
    for role in ["system", "belfry_system", "belfry_owner"] {
        for c in [&mut company, &mut app] {
            assert_denied(c, &format!("set role {role}")).await;
            assert_denied(c, &format!("set local role {role}")).await;
        }
    }
    for role in ["company", "belfry_app", "belfry_owner"] {
        assert_denied(&mut system, &format!("set role {role}")).await;
    }
    for c in [&mut app, &mut system] {
        let powers = "select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb from pg_roles where rolname = current_user";
        let powerful: bool = sqlx::query_scalar(powers).fetch_one(c).await.expect("the role");
        assert!(!powerful);
    }
}

#[tokio::test]
async fn the_logins_own_nothing_and_may_not_define_anything() {
    let w = World::new().await;
    let [acme, _] = two(&w).await;
    let mut company = inside(&w, acme.company).await;
    for sql in
        ["create table public.mine (id int)", "create table app.mine (id int)", "alter table contacts disable row level security"]
    {
        assert_eq!(refusal(&mut company, sql).await.0, DENIED, "{sql}");
    }
    let mut owner = login(&w, "belfry_owner").await;
    let sql = "select relname::text from pg_class c join pg_roles r on r.oid = c.relowner
               where r.rolname in ('company', 'system', 'belfry_app', 'belfry_system')";
    assert_eq!(texts(&mut owner, sql).await, BTreeSet::new());
}

// ── records that nobody rewrites ────────────────────────────────────────────

#[tokio::test]
async fn a_company_adds_to_its_records_and_cannot_rewrite_them() {
    let w = World::new().await;
    let [acme, _] = two(&w).await;
    services::credits::seal_all(&w.db).await.expect("sealed");
    w.clock.advance(chrono::TimeDelta::hours(2));
    services::events::chain::seal_due(&w.db).await.expect("sealed");
    let mut c = inside(&w, acme.company).await;
    for table in APPEND_ONLY {
        assert!(count(&mut c, table).await > 0, "{table}");
        for sql in
            [format!("update {table} set company_id = company_id"), format!("delete from {table}"), format!("truncate {table}")]
        {
            assert_denied(&mut c, &sql).await;
        }
    }
}

#[tokio::test]
async fn what_is_decided_above_a_company_it_reads_and_does_not_write() {
    let w = World::new().await;
    let [acme, _] = two(&w).await;
    let mut c = inside(&w, acme.company).await;
    for table in READ_ONLY {
        assert_eq!(count(&mut c, table).await, 0, "{table} can be read");
        for sql in [
            format!("insert into {table} default values"),
            format!("update {table} set company_id = company_id"),
            format!("delete from {table}"),
            format!("truncate {table}"),
        ] {
            assert_denied(&mut c, &sql).await;
        }
    }
}

#[tokio::test]
async fn not_even_the_engine_rewrites_the_ledger() {
    let w = World::new().await;
    two(&w).await;
    let mut system = login(&w, "belfry_system").await;
    run(&mut system, "begin; set local role system").await.expect("begin");
    let mut owner = login(&w, "belfry_owner").await;
    for c in [&mut system, &mut owner] {
        for sql in ["update movements set amount = 1", "delete from movements", "update movements set note = '' where false"] {
            assert_eq!(refusal(c, sql).await.1, "movements is insert-only", "{sql}");
        }
    }
    assert_denied(&mut system, "truncate movements").await;
}

#[tokio::test]
async fn the_ledger_takes_lawful_pairs_of_accounts_only() {
    let w = World::new().await;
    let [acme, _] = two(&w).await;
    let mut c = inside(&w, acme.company).await;
    let nil = "'00000000-0000-0000-0000-000000000000'";
    for (kind, source, target) in
        [("grant", "bank", "available"), ("capture", "available", "spent"), ("gift", "promo", "available")]
    {
        let sql = format!(
            "insert into movements (id, kind, source, source_ref, target, target_ref, amount, key, note, who, at, balance)
             values (gen_random_uuid(), '{kind}', '{source}', {nil}, '{target}', {nil}, 1, 'k', '', '', '2026-01-01', 0)"
        );
        let (_, message) = refusal(&mut c, &sql).await;
        assert!(message.contains("movements_lawful"), "{message}");
    }
    for (sql, constraint) in [
        ("update balances set amount = -1", "balances_not_negative"),
        ("update capacity set in_use = -1", "capacity_not_negative"),
    ] {
        assert!(refusal(&mut c, sql).await.1.contains(constraint), "{sql}");
    }
}

// ── the catalog: what a new table must not forget ───────────────────────────

#[tokio::test]
async fn every_table_is_walled_in_or_on_the_list() {
    let w = World::new().await;
    let mut owner = login(&w, "belfry_owner").await;
    let open = "select relname::text from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
                and not (relrowsecurity and relforcerowsecurity and exists (select 1 from pg_policy p where p.polrelid = c.oid))";
    assert_eq!(texts(&mut owner, open).await, OWNERS_ONLY.iter().map(ToString::to_string).collect(), "tables without a wall");
    let views = "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('v', 'm', 'f')";
    assert_eq!(texts(&mut owner, views).await, BTreeSet::new(), "views run as their owner: decide first who may see what");
    let definers =
        "select proname::text from pg_proc where prosecdef and pronamespace in ('public'::regnamespace, 'app'::regnamespace)";
    assert_eq!(texts(&mut owner, definers).await, BTreeSet::new(), "functions with the rights of their owner");
}

#[tokio::test]
async fn every_company_table_has_exactly_the_two_policies() {
    let w = World::new().await;
    let mut owner = login(&w, "belfry_owner").await;
    for table in company_tables(&w).await {
        let sql = format!(
            "select format('%s to %s for %s using %s check %s', policyname, roles, cmd, qual, with_check) from pg_policies
             where schemaname = 'public' and permissive = 'PERMISSIVE' and tablename = '{table}'"
        );
        let expected = [
            "company_rows to {company} for ALL using (company_id = app.company()) check (company_id = app.company())",
            "system_rows to {system} for ALL using true check true",
        ];
        assert_eq!(texts(&mut owner, &sql).await, expected.iter().map(ToString::to_string).collect(), "{table}");
    }
}

#[tokio::test]
async fn what_belongs_to_a_campaign_has_one_wall_more_for_operators() {
    let w = World::new().await;
    let mut owner = login(&w, "belfry_owner").await;
    let sql = "select format('%s: %s to %s for %s', tablename, policyname, roles, cmd) from pg_policies where permissive = 'RESTRICTIVE'";
    let walls = OF_CAMPAIGNS.iter().map(|table| format!("{table}: assigned_rows to {{assigned}} for ALL"));
    let by_hand = [("assigns", "INSERT"), ("reassigns", "UPDATE"), ("unassigns", "DELETE")]
        .map(|(what, command)| format!("assignments: nobody_{what} to {{assigned}} for {command}"));
    assert_eq!(texts(&mut owner, sql).await, walls.chain(by_hand).collect());
    // A table that names a campaign or a call stands behind that wall, or here with the reason why not.
    let sql = "select distinct table_name::text from information_schema.columns
               where table_schema = 'public' and column_name in ('campaign_id', 'call_id')";
    let named: BTreeSet<_> =
        OF_CAMPAIGNS.iter().chain(SEEN_BY_ALL).filter(|t| **t != "campaigns").map(ToString::to_string).collect();
    assert_eq!(texts(&mut owner, sql).await, named);
}

#[tokio::test]
async fn every_key_and_index_of_a_company_table_carries_the_company() {
    let w = World::new().await;
    let mut owner = login(&w, "belfry_owner").await;
    // Foreign keys between tables that both have a company: row security does not look at them.
    let loose_keys = "
        select con.conname::text from pg_constraint con
        join pg_attribute a on a.attrelid = con.conrelid and a.attname = 'company_id'
        join pg_attribute b on b.attrelid = con.confrelid and b.attname = 'company_id'
        where con.contype = 'f' and not exists (
            select 1 from unnest(con.conkey, con.confkey) as pair (here, there) where here = a.attnum and there = b.attnum)";
    assert_eq!(texts(&mut owner, loose_keys).await, BTreeSet::new(), "foreign keys that can cross companies");
    let first_columns = "
        select c.relname::text from pg_index i
        join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
        join pg_attribute a on a.attrelid = t.oid and a.attname = 'company_id'
        where t.relnamespace = 'public'::regnamespace and i.indkey[0] <> a.attnum";
    assert_eq!(
        texts(&mut owner, first_columns).await,
        ACROSS_COMPANIES.iter().map(ToString::to_string).collect(),
        "indexes that do not begin with the company"
    );
}
