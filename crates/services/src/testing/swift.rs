//! What the simulation needs to live days by the thousand: a world that loses no time, a morning made in few round trips,
//! and eyes that see in one what screens need several transactions for. What the day is about stays the product's own.

use super::{Someone, World, agent_form, owner_options, phone, run};
use crate::Clock;
use crate::actor::{Actor, SystemTask};
use crate::campaigns;
use crate::db::Db;
use crate::error::Result;
use chrono::{DateTime, Utc};
use model::campaigns::{Action, Audience, CampaignForm, Status};
use model::credits::Credits;
use model::id::{AgentId, CampaignId, CompanyId, ContactId};
use model::time::Hours;
use sqlx::types::Json;
use sqlx::{ConnectOptions, PgConnection};

/// What every company of a simulated day has besides what `companies::open` gives it: contacts, open hours, a published agent.
const FURNISH: &str = "
    with hours as (update companies set hours = $2 where id = $1),
    people as (insert into contacts (company_id, id, name, phone, phone_raw, created_at, updated_at)
        select $1, id, 'Person ' || phone, phone, phone, $3, $3 from unnest($4::uuid[], $5::text[]) p (id, phone)),
    agent as (insert into agents (company_id, id, name, status, version, form, created_at, updated_at)
        values ($1, $6, 'Nora', 'published', 1, $7, $3, $3))
    insert into agent_versions (company_id, agent_id, version, form, published_at) values ($1, $6, 1, $7, $3)";

const GLANCE: &str = "
    select c.status,
        (select coalesce(sum(b.amount), 0)::bigint from balances b where b.company_id = $1 and b.account = 'held') as held,
        case when c.status = 'active' then c.runnable_at end as turn_at,
        (select min(k.check_at) from calls k where k.company_id = $1 and k.check_at is not null) as check_at
    from campaigns c where c.company_id = $1 and c.id = $2";

/// One company's day at a glance.
#[derive(Debug, sqlx::FromRow)]
pub struct Glance {
    pub status: Status,
    /// Credits held for calls under way.
    pub held: Credits,
    /// The campaign's next turn.
    pub turn_at: Option<DateTime<Utc>>,
    /// The next look-up of a call.
    pub check_at: Option<DateTime<Utc>>,
}

impl Glance {
    /// When the engine has something to do next.
    pub fn next(&self) -> Option<DateTime<Utc>> {
        self.turn_at.into_iter().chain(self.check_at).min()
    }
}

impl World {
    /// A world for thousands of days: statements are planned once per connection, no commit waits for the log, and nobody asks a
    /// connection whether it lives.
    pub async fn swift() -> Self {
        let world = Self::made(Clock::manual(Self::noon()), |_| {}, |config, clock| Db::trusting(config, clock, 1)).await;
        let mut admin = owner_options().connect().await.expect("TEST_DATABASE_URL answers");
        for setting in ["plan_cache_mode = force_generic_plan", "synchronous_commit = off"] {
            run(&mut admin, format!("alter database {} set {setting}", world.name)).await;
        }
        world
    }

    /// A company with `people` contacts and a campaign on all of them, launched. Open around the clock, so that only the
    /// law closes the windows.
    pub async fn morning(&self, name: &str, people: usize, edit: impl FnOnce(&mut CampaignForm)) -> (Someone, CampaignId) {
        let mut tx = self.db.begin_system(SystemTask::SignIn).await.expect("begin");
        let (company, agent): (CompanyId, AgentId) = (tx.id(), tx.id());
        crate::companies::open(&mut tx, company, name, "America/New_York").await.expect("open");
        let contacts: Vec<ContactId> = (0..people).map(|_| tx.id()).collect();
        let now = tx.now();
        sqlx::query(FURNISH)
            .bind(company)
            .bind(Json(Hours::always()))
            .bind(now)
            .bind(contacts)
            .bind((0..people).map(phone).collect::<Vec<_>>())
            .bind(agent)
            .bind(Json(agent_form()))
            .execute(tx.conn())
            .await
            .expect("furnished");
        tx.commit().await.expect("commit");
        let someone = Someone { company, actor: Actor::engine(company) };
        let mut form = CampaignForm {
            name: "Spring".to_owned(),
            audience: Some(Audience::Everyone),
            agent: Some(agent),
            call_minutes_max: 2,
            ..CampaignForm::default()
        };
        edit(&mut form);
        let mut tx = self.tx(&someone).await;
        let campaign = campaigns::create(&mut tx, &form).await.expect("campaign");
        campaigns::act(&mut tx, campaign, Action::Launch).await.expect("launched");
        tx.commit().await.expect("commit");
        (someone, campaign)
    }

    /// How a company's one campaign stands, in one round trip.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn glance(&self, company: CompanyId, campaign: CampaignId) -> Result<Glance> {
        let mut eyes = self.eyes.lock().await;
        Ok(sqlx::query_as(GLANCE).bind(company).bind(campaign).fetch_one(self.open(&mut eyes).await?).await?)
    }

    /// A connection that only looks: without transactions, above companies.
    pub(super) async fn open<'a>(&self, eyes: &'a mut Option<PgConnection>) -> Result<&'a mut PgConnection> {
        let open = match eyes.take() {
            Some(open) => open,
            None => self.db.autocommit(SystemTask::Check).await?,
        };
        Ok(eyes.insert(open))
    }
}
