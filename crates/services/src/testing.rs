//! A world for tests: a Postgres database of its own, a clock moved by hand, seeded ids, and people with names.
//! What tests read from it that no screen shows is in `watch`.

#[cfg(test)]
pub(crate) mod room;
mod swift;
mod watch;

pub use swift::Glance;
pub use watch::found;

use crate::actor::{ActingUser, Actor, SystemTask};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{self, Db, Tx};
use crate::error::Result;
use crate::numbers::repo::NewNumber;
use crate::{agents, campaigns, companies, contacts};
use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;
use model::accounts::Role;
use model::agents::{AgentForm, Scripts};
use model::calls::Direction;
use model::campaigns::{Action, Audience, CampaignForm};
use model::consents::{ConsentForm, ConsentSource, Purpose, Standing};
use model::contacts::ContactForm;
use model::id::{CallId, CampaignId, CompanyId, GatewayId, UserId};
use model::phone::Phone;
use model::time::Hours;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use std::path::PathBuf;
use std::str::FromStr;

/// One test's world. Its database is dropped with it.
pub struct World {
    pub db: Db,
    pub clock: Clock,
    name: String,
    owner: PgConnectOptions,
    /// See `swift`.
    eyes: tokio::sync::Mutex<Option<PgConnection>>,
}

/// A company and its administrator.
pub struct Someone {
    pub company: CompanyId,
    pub actor: Actor,
}

impl World {
    /// An empty, migrated database; the clock stands at Monday 2026-11-23 15:00 UTC.
    pub async fn new() -> Self {
        Self::with_seed(1).await
    }

    /// The same with another seed for ids and luck.
    pub async fn with_seed(seed: u64) -> Self {
        Self::configured(seed, |_| {}).await
    }

    /// The same with another configuration: where the site and its sandbox are, and how fast the sandbox lives.
    pub async fn configured(seed: u64, edit: impl FnOnce(&mut Config)) -> Self {
        Self::made(Clock::manual(Self::noon()), edit, |config, clock| Db::init(config, clock, seed)).await
    }

    /// The same at the machine's own time, for a network that signs by it.
    pub async fn live(edit: impl FnOnce(&mut Config)) -> Self {
        Self::made(Clock::System, edit, |config, clock| Db::init(config, clock, 1)).await
    }

    /// The moment at which the clock of a world stands.
    pub(crate) fn noon() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 23, 15, 0, 0).single().expect("a moment")
    }

    async fn made(clock: Clock, edit: impl FnOnce(&mut Config), init: impl FnOnce(Config, Clock) -> anyhow::Result<Db>) -> Self {
        let owner = owner_options();
        let template = template(&owner).await;
        #[expect(clippy::disallowed_methods, reason = "the name of a throw-away database must differ between test processes")]
        let name = format!("t_{:016x}", rand::Rng::next_u64(&mut rand::rng()));
        let mut admin = owner.clone().connect().await.expect("TEST_DATABASE_URL answers");
        run(&mut admin, format!("create database {name} template {template}")).await;
        let mut config = config(&owner, &name);
        edit(&mut config);
        let db = init(config, clock.clone()).expect("URLs are well formed");
        Self { db, clock, name, owner, eyes: tokio::sync::Mutex::default() }
    }

    /// A company called `name` with 20 credits, a sandbox gateway and a confirmed administrator.
    pub async fn company(&self, name: &str) -> Someone {
        let mut tx = self.db.begin_system(SystemTask::SignIn).await.expect("begin");
        let company: CompanyId = tx.id();
        crate::companies::open(&mut tx, company, name, "America/New_York").await.expect("open");
        tx.commit().await.expect("commit");
        let someone = Someone { company, actor: Actor::engine(company) };
        let actor = self.member(&someone, Role::CompanyAdmin).await;
        Someone { company, actor }
    }

    /// A confirmed member of a company.
    pub async fn member(&self, of: &Someone, role: Role) -> Actor {
        let mut tx = self.db.begin_system(SystemTask::SignIn).await.expect("begin");
        let (user, now): (UserId, _) = (tx.id(), tx.now());
        sqlx::query(
            "insert into users (id, email, name, password_hash, confirmed_at, created_at) values ($1, $2, $3, 'none', $4, $4)",
        )
        .bind(user)
        .bind(format!("{user}@test.example"))
        .bind(role.label())
        .bind(now)
        .execute(tx.conn())
        .await
        .expect("user");
        sqlx::query("insert into members (company_id, user_id, role, created_at) values ($1, $2, $3, $4)")
            .bind(of.company)
            .bind(user)
            .bind(role)
            .bind(now)
            .execute(tx.conn())
            .await
            .expect("member");
        tx.commit().await.expect("commit");
        let acting = ActingUser { id: user, name: role.label().to_owned(), confirmed: true };
        Actor { company: of.company, zone: Tz::America__New_York, role, user: Some(acting), scopes: None }
    }

    /// A transaction of that company's administrator.
    pub async fn tx(&self, someone: &Someone) -> Tx {
        self.db.begin(&someone.actor).await.expect("begin")
    }

    /// `people` contacts with New York numbers, a published agent, and a campaign on them, launched. The company is
    /// open around the clock, so that only the law closes the windows.
    pub async fn launched(&self, of: &Someone, people: usize, edit: impl FnOnce(&mut CampaignForm)) -> CampaignId {
        let campaign = self.drafted(of, people, edit).await;
        let mut tx = self.tx(of).await;
        campaigns::act(&mut tx, campaign, Action::Launch).await.expect("launched");
        tx.commit().await.expect("commit");
        campaign
    }

    /// The same, not launched yet.
    pub async fn drafted(&self, of: &Someone, people: usize, edit: impl FnOnce(&mut CampaignForm)) -> CampaignId {
        let mut tx = self.tx(of).await;
        let mut settings = companies::settings(&mut tx).await.expect("settings");
        settings.hours = Hours::always();
        companies::save_settings(&mut tx, &settings).await.expect("saved");
        for n in 0..people {
            let form = ContactForm { name: format!("Person {n}"), phone: phone(n), ..ContactForm::default() };
            contacts::create(&mut tx, &form).await.expect("contact");
        }
        let agent = agents::create(&mut tx, &agent_form()).await.expect("agent");
        agents::publish(&mut tx, agent).await.expect("published");
        let mut form = CampaignForm {
            name: "Spring".to_owned(),
            audience: Some(Audience::Everyone),
            agent: Some(agent),
            call_minutes_max: 2,
            ..CampaignForm::default()
        };
        edit(&mut form);
        let campaign = campaigns::create(&mut tx, &form).await.expect("campaign");
        tx.commit().await.expect("commit");
        campaign
    }

    /// Somebody agreed to marketing calls, in writing.
    pub async fn consents(&self, of: &Someone, phone: &str) {
        let form = ConsentForm {
            phones: phone.to_owned(),
            purpose: Purpose::Marketing,
            standing: Standing::Written,
            source: ConsentSource::WebForm,
            wording: "form v3".to_owned(),
            evidence: "https://example.com/forms/7".to_owned(),
            ip: "2001:db8::1".to_owned(),
            on: String::new(),
        };
        let mut tx = self.tx(of).await;
        crate::consents::record(&mut tx, &form).await.expect("recorded");
        tx.commit().await.expect("commit");
    }

    /// A campaign that answers the company's first number around the clock, launched, with calls of two minutes at most.
    pub async fn answering(&self, of: &Someone, edit: impl FnOnce(&mut CampaignForm)) -> CampaignId {
        let mut tx = self.tx(of).await;
        let agent = agents::create(&mut tx, &agent_form()).await.expect("agent");
        agents::publish(&mut tx, agent).await.expect("published");
        let first = crate::numbers::list(&mut tx).await.expect("numbers").remove(0);
        let mut form = CampaignForm {
            name: "Front desk".to_owned(),
            direction: Direction::Inbound,
            numbers: vec![first.id],
            agent: Some(agent),
            hours: Some(Hours::always()),
            call_minutes_max: 2,
            fallback_text: "We are closed.".to_owned(),
            ..CampaignForm::default()
        };
        edit(&mut form);
        let campaign = campaigns::create(&mut tx, &form).await.expect("campaign");
        campaigns::act(&mut tx, campaign, Action::Launch).await.expect("launched");
        tx.commit().await.expect("commit");
        campaign
    }

    /// Another sandbox gateway of a company.
    pub async fn gateway(&self, of: &Someone, name: &str) -> GatewayId {
        let mut tx = self.tx(of).await;
        let (id, now): (GatewayId, _) = (tx.id(), tx.now());
        let key =
            crate::gateways::keys::seal(&self.db, crate::secrets::Purpose::GatewayKey, of.company, id, name).expect("sealed");
        sqlx::query(
            "insert into gateways (id, name, kind, sandbox, account_sid, secret_sealed, concurrency_max, calls_per_second,
                    tokens_milli, tokens_at, created_at, set_up_at)
             select $1, $2, kind, sandbox, account_sid, $4, concurrency_max, calls_per_second, tokens_milli, $3, $3, $3
             from gateways order by created_at limit 1",
        )
        .bind(id)
        .bind(name)
        .bind(now)
        .bind(key)
        .execute(tx.conn())
        .await
        .expect("gateway");
        sqlx::query("insert into capacity (scope, ref, cap) values ('gateway', $1, 100)")
            .bind(id)
            .execute(tx.conn())
            .await
            .expect("slots");
        // Another number than the first gateway's, so that a test can tell them apart.
        let (number, phone) = (tx.id(), Phone::parse("+12025550190").expect("E.164"));
        let number = NewNumber { id: number, gateway: id, phone: &phone, label: name, concurrency_max: 100, remote_id: None };
        crate::numbers::repo::insert(tx.conn(), number, now).await.expect("number");
        tx.commit().await.expect("commit");
        id
    }

    /// Belfry itself inside that company.
    pub fn engine(&self, company: CompanyId) -> Actor {
        Actor::engine(company)
    }

    /// Applies one provider callback, as the inbox does after verifying it.
    ///
    /// # Errors
    /// As `calls::ingest`.
    pub async fn callback(&self, company: CompanyId, call: CallId, callback: providers::Callback) -> Result<()> {
        self.callback_to(&self.db, company, call, callback).await
    }

    /// Applies callbacks of one company together, one for each call, as the inbox does.
    ///
    /// # Errors
    /// As `calls::ingest`; then none is applied.
    pub async fn callbacks(&self, company: CompanyId, news: Vec<(CallId, providers::Callback)>) -> Result<()> {
        let mut tx = self.db.begin_hot(&Actor::engine(company)).await?;
        let mut batch = crate::calls::Batch::default();
        for (call, callback) in news {
            batch.add(call, None, vec![callback], false);
        }
        crate::calls::ingest_all(&mut tx, batch).await?;
        tx.commit().await
    }

    /// Campaigns of a company that a dialer would pick up now.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn runnable(&self, company: CompanyId) -> Result<Vec<CampaignId>> {
        let mut tx = self.db.begin_system(SystemTask::FindWork).await?;
        let (ready, _) = crate::dialer::runnable(&mut tx, i64::MAX).await?;
        Ok(ready.into_iter().filter(|(of, _)| *of == company).map(|(_, id)| id).collect())
    }

    /// Attempts that were written off as never placed.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn written_off(&self, company: CompanyId) -> Result<Vec<CallId>> {
        let mut eyes = self.eyes.lock().await;
        Ok(sqlx::query_scalar("select id from calls where company_id = $1 and provider_code = 'not_placed'")
            .bind(company)
            .fetch_all(self.open(&mut eyes).await?)
            .await?)
    }

    /// When the engine has something to do next in a company: a campaign's turn or a look-up.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn next_moment(&self, company: CompanyId) -> Result<Option<DateTime<Utc>>> {
        let mut tx = self.db.begin(&Actor::engine(company)).await?;
        Ok(sqlx::query_scalar(
            "select min(at) from (select runnable_at as at from campaigns where status = 'active'
             union all select check_at from calls where check_at is not null) moments",
        )
        .fetch_one(tx.conn())
        .await?)
    }

    /// Another process on the same database: pools and luck of its own, the same clock. `port` is where it finds Postgres,
    /// when something stands between the two.
    pub fn another_process(&self, seed: u64, port: Option<u16>) -> Db {
        let owner = self.owner.clone().port(port.unwrap_or(self.owner.get_port()));
        Db::init(config(&owner, &self.name), self.clock.clone(), seed).expect("URLs are well formed")
    }

    /// Host and port of Postgres.
    pub fn server(&self) -> (String, u16) {
        (self.owner.get_host().to_owned(), self.owner.get_port())
    }

    /// The URL by which the owner reaches this database, for tests that look from outside.
    pub fn owner_url(&self) -> String {
        self.owner.clone().database(&self.name).to_url_lossy().to_string()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let (owner, name) = (self.owner.clone(), self.name.clone());
        // Dropping a database needs a connection, and a destructor cannot await: use a thread of its own.
        let _ = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(async move {
                    if let Ok(mut admin) = owner.connect().await {
                        let _ = sqlx::raw_sql(AssertSqlSafe(format!("drop database if exists {name} with (force)")))
                            .execute(&mut admin)
                            .await;
                    }
                });
            }
        })
        .join();
    }
}

/// The number of person `n`, in the range kept for fiction.
pub fn phone(n: usize) -> String {
    format!("+1212555{:04}", 100 + n)
}

/// A short agent that may be published.
pub fn agent_form() -> AgentForm {
    AgentForm {
        name: "Nora".to_owned(),
        role: "Caller".to_owned(),
        persona: String::new(),
        tone: String::new(),
        language: "en-US".to_owned(),
        voice: String::new(),
        scripts: Scripts { greeting: "Hello {{name}}".to_owned(), main: "Press 9 to stop.".to_owned(), ..Scripts::default() },
        voice_gateway: None,
        voice_id: String::new(),
    }
}

#[expect(clippy::disallowed_methods, reason = "where the test database is, only the caller's environment knows")]
fn owner_options() -> PgConnectOptions {
    let url = std::env::var("TEST_DATABASE_URL").expect("TEST_DATABASE_URL: run `cargo xtask test`, or see docs/operations.md");
    PgConnectOptions::from_str(&url).expect("TEST_DATABASE_URL is a Postgres URL")
}

fn config(owner: &PgConnectOptions, name: &str) -> Config {
    let url = |user: &str| owner.clone().database(name).username(user).to_url_lossy().to_string().into();
    Config {
        app_database_url: url("belfry_app"),
        system_database_url: url("belfry_system"),
        addr: "127.0.0.1:0".to_owned(),
        public_url: "http://belfry.test".to_owned(),
        sandbox_url: "http://127.0.0.1:9".to_owned(),
        sandbox_speed: 1,
        sandbox_secret: "gremlin".to_owned().into(),
        secret_key: "a key that only tests know, 32 long".to_owned().into(),
        secret_key_old: None,
        smtp_url: None,
        mail_from: "Belfry <mail@belfry.test>".to_owned(),
        google: None,
        linkedin: None,
        redis_url: None,
        trusted_proxies: Vec::new(),
        site_root: PathBuf::from("target/site"),
        data_dir: std::env::temp_dir().join("belfry-tests").join(name),
        dev: true,
    }
}

/// The migrated database that every test's database is a copy of; made once per set of migrations.
async fn template(owner: &PgConnectOptions) -> String {
    /// Any number, the same in every test process.
    const LOCK: i64 = 0x0062_656c_6672_7931;
    let template = format!("tpl_{}", db::migrations_digest());
    let mut admin = owner.clone().connect().await.expect("TEST_DATABASE_URL answers");
    sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut admin).await.expect("lock");
    let ready: Option<i32> = sqlx::query_scalar("select 1 from pg_database where datname = $1")
        .bind(&template)
        .fetch_optional(&mut admin)
        .await
        .expect("look for the template");
    if ready.is_none() {
        let half = format!("half_{template}");
        run(&mut admin, format!("drop database if exists {half} with (force)")).await;
        run(&mut admin, format!("create database {half}")).await;
        db::migrate(owner.clone().database(&half).to_url_lossy().as_ref()).await.expect("migrations run");
        run(&mut admin, format!("alter database {half} rename to {template}")).await;
    }
    admin.close().await.expect("close");
    template
}

async fn run(admin: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(admin).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
}
