//! From the moment somebody is due to the request that calls them, with 10,000 active campaigns and as many enrollments as fit;
//! and what a claim costs in a small and in a large backlog. The network is a script in this process: what a request to a
//! provider adds is not in these numbers.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use model::campaigns::Action;
use model::credits::Credits;
use model::id::{CampaignId, CompanyId};
use providers::scripted::Script;
use providers::{Answer, Originate, Refusal, RefusalKind};
use serde_json::json;
use services::dialer::lease::Lease;
use services::dialer::{self, Dial};
use services::testing::World;
use services::{Clock, campaigns, credits};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio_util::sync::CancellationToken;

use crate::backlog::{let_time_pass, network, open_wide, run};
use crate::measure::{Spread, ensure_durable, load, owner, percentile};
use crate::{check_clean, disk};

const SLOTS: i32 = 1_000_000;
const FUND: Credits = Credits::whole(1_000_000);
/// Nobody but those of the test is due before.
const LATER: &str = "interval '30 days'";
/// Room to get ready before the first moment.
const LEAD: TimeDelta = TimeDelta::seconds(3);
/// How long the last ones may take.
const TAIL: Duration = Duration::from_secs(5);

#[derive(Args)]
pub struct Options {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[arg(long, default_value_t = 100)]
    companies: usize,
    /// Active campaigns of each
    #[arg(long, default_value_t = 100)]
    campaigns: usize,
    /// People of each company; all of them are enrolled in each of its campaigns
    #[arg(long, default_value_t = 1_000)]
    people: usize,
    /// Dials per second
    #[arg(long, default_value_t = 50)]
    rate: usize,
    #[arg(long, default_value_t = 20)]
    seconds: usize,
    /// Claims that are timed in each backlog
    #[arg(long, default_value_t = 200)]
    claims: usize,
}

/// Notes when it was asked to call whom, and refuses for good.
struct Noting {
    clock: Clock,
    asked: Mutex<HashMap<String, DateTime<Utc>>>,
}

fn no() -> Answer {
    let (code, message) = ("21211".to_owned(), "Not a number".to_owned());
    Answer::Refused(Refusal { kind: RefusalKind::Permanent, code, message, retry_after: None })
}

#[async_trait]
impl Script for Noting {
    async fn originate(&self, call: &Originate) -> Answer {
        let now = self.clock.now();
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(call.to.to_string(), now);
        no()
    }
}

/// What claims of one person each cost.
struct Claims {
    enrollments: i64,
    ms: Spread,
    rows_read: f64,
}

/// What came of dialing on time; milliseconds.
struct Race {
    count: usize,
    /// Sorted.
    late: Vec<f64>,
    commit: f64,
    fdatasync: f64,
    load: f64,
    /// Rows of enrollments per dial.
    read: f64,
}

struct Bench {
    world: World,
    owner: PgConnectOptions,
    options: Options,
    /// Every campaign, company by company.
    campaigns: Vec<(CompanyId, CampaignId)>,
    next: usize,
}

pub async fn run_bench(options: Options) -> Result<()> {
    ensure!(options.people * options.companies <= 1_000_000, "phones are seven digits long");
    let world = World::new().await;
    let owner = owner(&world)?;
    ensure_durable(&owner).await?;
    let mut bench = Bench { world, owner, options, campaigns: Vec::new(), next: 0 };
    bench.campaigns().await?;
    bench.enroll("n = place").await?;
    let small = bench.claims().await?;
    bench.enroll("n <> place").await?;
    let large = bench.claims().await?;
    bench.race(small, large).await
}

impl Bench {
    /// One campaign per company by the product, and copies of it.
    async fn campaigns(&mut self) -> Result<()> {
        let started = Instant::now();
        for n in 0..self.options.companies {
            let someone = self.world.company(&format!("company {n}")).await;
            credits::adjust_at_console(&self.world.db, someone.company, FUND, "Load test").await?;
            let campaign = self.world.drafted(&someone, 1, |_| {}).await;
            let mut tx = self.world.tx(&someone).await;
            campaigns::act(&mut tx, campaign, Action::Launch).await?;
            tx.commit().await?;
        }
        let mut c = self.admin().await?;
        let later = format!("'{}'::timestamptz + {LATER}", self.world.clock.now().to_rfc3339());
        run(
            &mut c,
            format!(
                "update campaigns set runnable_at = {later}, parked = 'due'; update enrollments set next_attempt_at = {later}"
            ),
        )
        .await?;
        run(&mut c, "create table models as select company_id, id as model from campaigns;
                     create table copies as select company_id, model, gen_random_uuid() as copy from models, generate_series(2, $n)".replace("$n", &self.options.campaigns.to_string())).await?;
        for (table, key, more) in [
            ("campaigns", "id", ""),
            ("campaign_stats", "campaign_id", ""),
            ("campaign_versions", "campaign_id", ""),
            ("capacity", "ref", "and t.scope = 'campaign'"),
        ] {
            let columns: Vec<String> = sqlx::query_scalar(
                "select column_name::text from information_schema.columns where table_schema = 'public' and table_name = $1
                 and is_generated = 'NEVER' order by ordinal_position",
            )
            .bind(table)
            .fetch_all(&mut c)
            .await?;
            let (into, from) =
                (columns.join(", "), columns.iter().map(|name| if name == key { "copy".into() } else { format!("t.{name}") }));
            let from = from.collect::<Vec<String>>().join(", ");
            run(&mut c, format!("insert into {table} ({into}) select {from} from {table} t join copies on copies.company_id = t.company_id and t.{key} = copies.model {more}")).await?;
        }
        run(&mut c, format!(
            "insert into contacts (company_id, id, name, phone, phone_raw, created_at, updated_at)
             select company_id, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Person ' || n, phone, phone, at, at
             from (select company_id, n, '+1212' || (2000000 + {people} * (row_number() over (partition by n order by company_id) - 1) + n) as phone,
                          '{now}'::timestamptz as at from models, generate_series(1, {people}) n) people",
            people = self.options.people, now = self.world.clock.now().to_rfc3339())).await?;
        run(&mut c, "create table places as select company_id, id, row_number() over (partition by company_id order by id) as place from campaigns".to_owned()).await?;
        self.campaigns = sqlx::query_as("select company_id, id from places order by place, company_id").fetch_all(&mut c).await?;
        open_wide(&self.world, SLOTS).await?;
        eprintln!("{} campaigns in {:.0} s", self.campaigns.len(), started.elapsed().as_secs_f64());
        Ok(())
    }

    /// Enrolls people in every campaign: `who` compares the n-th person with the campaign's place in its company. Nothing here
    /// can break a foreign key, so none is checked; indexes are built afterwards.
    async fn enroll(&self, who: &str) -> Result<()> {
        let started = Instant::now();
        let mut c = self.admin().await?;
        run(&mut c, "set session_replication_role = replica".to_owned()).await?;
        let indexes: Vec<(String, String)> = sqlx::query_as(
            "select indexname::text, indexdef from pg_indexes where tablename = 'enrollments' and indexname not in ('enrollments_pkey', 'enrollments_once')",
        )
        .fetch_all(&mut c)
        .await?;
        for (name, _) in &indexes {
            run(&mut c, format!("drop index {name}")).await?;
        }
        let now = self.world.clock.now().to_rfc3339();
        run(
            &mut c,
            format!(
                "insert into enrollments (company_id, id, campaign_id, contact_id, status, next_attempt_at, created_at, updated_at)
                 select company_id, ('01' || substr(hash, 1, 6) || '-' || substr(hash, 7, 4) || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, id,
                        ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'queued', '{now}'::timestamptz + {LATER}, '{now}', '{now}'
                 from (select *, md5(id::text) as hash from places) places, generate_series(1, {}) n where {who} order by company_id, id, n",
                self.options.people
            ),
        )
        .await?;
        for (_, definition) in indexes {
            run(&mut c, definition).await?;
        }
        run(
            &mut c,
            "update campaign_stats s set contacts = n from (select company_id, campaign_id, count(*) as n from enrollments group by 1, 2) e
             where s.company_id = e.company_id and s.campaign_id = e.campaign_id"
                .to_owned(),
        )
        .await?;
        run(&mut c, "vacuum analyze enrollments".to_owned()).await?;
        run(&mut c, "checkpoint".to_owned()).await?;
        eprintln!("enrolled where {who} in {:.0} s", started.elapsed().as_secs_f64());
        Ok(())
    }

    /// Makes one person of the next campaign due at `at`; returns whom.
    async fn due(&mut self, c: &mut PgConnection, at: DateTime<Utc>) -> Result<(CompanyId, CampaignId, String)> {
        let (company, campaign) = self.campaigns[self.next % self.campaigns.len()];
        // Another person of the company each time: nobody is called by two campaigns.
        let person = i64::try_from(self.next / self.options.companies + 1)?;
        self.next += 1;
        let phone: String = sqlx::query_scalar(
            "with who as (select company_id, id, phone from contacts
                where company_id = $1 and id = ('00000000-0000-7000-8000-' || lpad(to_hex($4), 12, '0'))::uuid),
             moved as (update enrollments e set next_attempt_at = $3 from who
                where e.company_id = $1 and e.campaign_id = $2 and e.contact_id = who.id returning e.id),
             woken as (update campaigns set runnable_at = $3 where company_id = $1 and id = $2)
             select phone from who, moved",
        )
        .bind(company)
        .bind(campaign)
        .bind(at)
        .bind(person)
        .fetch_one(c)
        .await?;
        Ok((company, campaign, phone))
    }

    /// One person due, one claim, timed with its commit.
    async fn claims(&mut self) -> Result<Claims> {
        let mut c = self.admin().await?;
        let (lease, db) = (Lease::init(&self.world.db).await?, self.world.another_process(2, None));
        let enrollments = sqlx::query_scalar("select count(*) from enrollments").fetch_one(&mut c).await?;
        let mut times = Vec::new();
        for n in 0..self.options.claims + 20 {
            let now = self.world.clock.now();
            let (company, campaign, _) = self.due(&mut c, now).await?;
            let engine = self.world.engine(company);
            let started = Instant::now();
            let mut tx = db.begin_hot(&engine).await?;
            let turn = dialer::plan(&mut tx, campaign, lease.worker).await?;
            tx.commit().await?;
            if n >= 20 {
                times.push(started.elapsed().as_secs_f64() * 1e3);
            }
            let [dial]: &[Dial; 1] = turn.dials.as_slice().try_into().with_context(|| format!("{} dials", turn.dials.len()))?;
            let mut tx = db.begin(&engine).await?;
            dialer::record(&mut tx, dial, no()).await?;
            tx.commit().await?;
            // People of a campaign are claimed once; the ends free what they took.
            self.world.clock.advance(TimeDelta::milliseconds(1));
        }
        db.close().await;
        let rows_read = self.rows_of_a_claim(&mut c, &lease).await?;
        Ok(Claims { enrollments, ms: Spread::of(times), rows_read })
    }

    /// Rows of enrollments that one claim reads, by Postgres' own count.
    async fn rows_of_a_claim(&mut self, c: &mut PgConnection, lease: &Lease) -> Result<f64> {
        let (count, mut dialed) = (20, Vec::new());
        let mut prepared = Vec::new();
        for _ in 0..count {
            let now = self.world.clock.now();
            prepared.push(self.due(c, now).await?);
        }
        // Connections of its own: whoever closes has told its counts.
        let db = self.world.another_process(3, None);
        let before = rows_read(c).await?;
        for (company, campaign, _) in &prepared {
            let engine = self.world.engine(*company);
            let mut tx = db.begin_hot(&engine).await?;
            let turn = dialer::plan(&mut tx, *campaign, lease.worker).await?;
            tx.commit().await?;
            dialed.extend(turn.dials.into_iter().map(|dial| (engine.clone(), dial)));
        }
        db.close().await;
        let read = rows_read(c).await? - before;
        let (db, claims) = (self.world.another_process(4, None), dialed.len() as f64);
        for (engine, dial) in dialed {
            let mut tx = db.begin(&engine).await?;
            dialer::record(&mut tx, &dial, no()).await?;
            tx.commit().await?;
        }
        db.close().await;
        Ok(read / claims.max(1.0))
    }

    async fn race(&mut self, small: Claims, large: Claims) -> Result<()> {
        let mut c = self.admin().await?;
        let fdatasync = tokio::task::spawn_blocking(disk::fdatasync).await??.as_secs_f64() * 1e3;
        let commit = commit_ms(&mut c).await?;
        let (count, step) = (self.options.rate * self.options.seconds, 1e6 / self.options.rate as f64);
        let first = self.world.clock.now() + LEAD;
        let mut due = HashMap::new();
        for n in 0..count {
            let at = first + TimeDelta::microseconds((n as f64 * step) as i64);
            let (_, _, phone) = self.due(&mut c, at).await?;
            due.insert(phone, at);
        }
        ensure!(due.len() == count, "everybody has a number of their own");
        run(&mut c, "vacuum analyze campaigns".to_owned()).await?;
        let noting = Arc::new(Noting { clock: self.world.clock.clone(), asked: Mutex::default() });
        let (stop, before, busy) = (CancellationToken::new(), rows_read(&mut c).await?, load());
        let _time = let_time_pass(&self.world.clock, 1.0);
        let stopping = async {
            tokio::time::sleep(LEAD.to_std()? + Duration::from_secs(self.options.seconds as u64) + TAIL).await;
            stop.cancel();
            anyhow::Ok(())
        };
        let (ran, stopped) =
            tokio::join!(dialer::run::run(self.world.db.clone(), network(noting.clone()), stop.clone()), stopping);
        ran?;
        stopped?;
        let read = rows_read(&mut c).await? - before;
        let asked = noting.asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut late: Vec<f64> = Vec::new();
        for (phone, at) in &due {
            if let Some(asked) = asked.get(phone) {
                late.push((*asked - *at).num_microseconds().unwrap_or(i64::MAX) as f64 / 1e3);
            }
        }
        late.sort_by(f64::total_cmp);
        let read = read / late.len().max(1) as f64;
        self.tell(&small, &large, &Race { count, late, commit, fdatasync, load: busy, read });
        check_clean(&self.world).await
    }

    fn tell(&self, small: &Claims, large: &Claims, race: &Race) {
        let Race { count, late, commit, fdatasync, load, read } = race;
        let (p50, p99, most) = (percentile(late, 0.5), percentile(late, 0.99), late.last().copied().unwrap_or_default());
        eprintln!(
            "{} of {count} dialed, due → request p50 {p50:.1} ms, p99 {p99:.1} ms, at most {most:.1} ms; a commit takes {commit:.2} ms",
            late.len()
        );
        eprintln!("goal p50 ≤ 2 × commit: {}", if p50 <= 2.0 * *commit { "reached" } else { "missed" });
        eprintln!("goal p99 ≤ 50 ms: {}", if p99 <= 50.0 { "reached" } else { "missed" });
        let ratio = large.ms.median / small.ms.median;
        for claims in [small, large] {
            eprintln!(
                "claim of one among {:>9}: {:.2} / {:.2} / {:.2} ms, {:.2} rows of enrollments read",
                claims.enrollments, claims.ms.min, claims.ms.median, claims.ms.max, claims.rows_read
            );
        }
        eprintln!("goal ≤ 1.2× at the larger: {} ({ratio:.2})", if ratio <= 1.2 { "reached" } else { "missed" });
        eprintln!(
            "goal ≤ 1.5 rows read per claim: {} ({:.2})",
            if large.rows_read <= 1.5 { "reached" } else { "missed" },
            large.rows_read
        );
        eprintln!("rows read per dial in the race {read:.2}   fdatasync {fdatasync:.2} ms   load {load:.1}");
        if self.options.json {
            println!(
                "{}",
                json!({ "campaigns": self.campaigns.len(), "enrollments": large.enrollments, "rate": self.options.rate,
                "dialed": late.len(), "of": count, "p50_ms": p50, "p99_ms": p99, "max_ms": most, "commit_ms": commit,
                "claim_small": { "enrollments": small.enrollments, "ms": small.ms.json(), "rows_read": small.rows_read },
                "claim_large": { "enrollments": large.enrollments, "ms": large.ms.json(), "rows_read": large.rows_read },
                "claim_ratio": ratio, "fdatasync_ms": fdatasync, "load": load })
            );
        }
    }

    /// The superuser, in the database of this world.
    async fn admin(&self) -> Result<PgConnection> {
        #[expect(clippy::disallowed_methods, reason = "only the caller's environment knows where the cluster's superuser is")]
        let url = std::env::var("ADMIN_DATABASE_URL").context("ADMIN_DATABASE_URL")?;
        let name = self.owner.get_database().context("a world has a database")?;
        Ok(PgConnectOptions::from_str(&url)?.database(name).connect().await?)
    }
}

/// Median of a durable commit of one small row, by our driver.
async fn commit_ms(c: &mut PgConnection) -> Result<f64> {
    run(c, "create table if not exists commits (n int)".to_owned()).await?;
    let mut times = Vec::new();
    for n in 0..200 {
        let started = Instant::now();
        sqlx::query("insert into commits values ($1)").bind(n).execute(&mut *c).await?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    c.ping().await?;
    Ok(Spread::of(times).median)
}

async fn rows_read(c: &mut PgConnection) -> Result<f64> {
    // Backends report with a delay of up to a second.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let sql = "select (coalesce(idx_tup_fetch, 0) + seq_tup_read)::float8 from pg_stat_user_tables where relname = 'enrollments'";
    Ok(sqlx::query_scalar(sql).fetch_one(c).await?)
}
