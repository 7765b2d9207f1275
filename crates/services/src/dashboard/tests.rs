//! The dashboard against calls written by hand: a call of every kind, on both sides of local midnight.

use super::*;
use crate::testing::{Someone, World};
use chrono::TimeDelta;
use chrono_tz::Tz;
use model::accounts::Role;
use model::calls::Outcome;
use model::credits::Credits;
use model::dashboard::Totals;
use model::id::{AgentId, CallId, CampaignId, ContactId, EnrollmentId};
use model::time::Timestamp;

/// A company with an agent and an active campaign that calls can belong to.
struct Scene {
    world: World,
    acme: Someone,
    agent: AgentId,
    campaign: CampaignId,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let acme = world.company("acme").await;
        let mut tx = world.tx(&acme).await;
        let (agent, campaign, now): (AgentId, CampaignId, _) = (tx.id(), tx.id(), tx.now());
        run(&mut tx, sqlx::query(AGENT).bind(agent).bind(now)).await;
        run(&mut tx, sqlx::query(CAMPAIGN).bind(campaign).bind(agent).bind(now)).await;
        run(
            &mut tx,
            sqlx::query("insert into campaign_stats (campaign_id, contacts, finished) values ($1, 10, 4)").bind(campaign),
        )
        .await;
        tx.commit().await.expect("commit");
        Self { world, acme, agent, campaign }
    }

    /// One ended call to a person of its own.
    async fn call(&self, ended_at: Timestamp, outcome: Outcome, talk_seconds: i64, cost: i64) {
        let mut tx = self.world.tx(&self.acme).await;
        let (contact, enrollment, call): (ContactId, EnrollmentId, CallId) = (tx.id(), tx.id(), tx.id());
        let phone = format!("+1202{:07}", contact.uuid().as_u128() % 10_000_000);
        run(&mut tx, sqlx::query(CONTACT).bind(contact).bind(&phone).bind(ended_at)).await;
        run(&mut tx, sqlx::query(ENROLLMENT).bind(enrollment).bind(self.campaign).bind(contact).bind(ended_at)).await;
        let insert = sqlx::query(CALL)
            .bind(call)
            .bind(enrollment)
            .bind(self.campaign)
            .bind(contact)
            .bind(self.agent)
            .bind(phone)
            .bind(outcome)
            .bind(cost)
            .bind(ended_at)
            .bind(talk_seconds);
        run(&mut tx, insert).await;
        tx.commit().await.expect("commit");
    }

    async fn load(&self, range: DashboardRange) -> Dashboard {
        load(&mut self.world.tx(&self.acme).await, range).await.expect("dashboard")
    }
}

const AGENT: &str =
    "insert into agents (id, name, status, form, created_at, updated_at) values ($1, 'Nora', 'published', '{}', $2, $2)";
const CAMPAIGN: &str = "insert into campaigns (id, name, status, form, agent_id, created_at, updated_at)
    values ($1, 'Spring', 'active', '{}', $2, $3, $3)";
const CONTACT: &str =
    "insert into contacts (id, name, phone, phone_raw, created_at, updated_at) values ($1, 'Maya', $2, $2, $3, $3)";
const ENROLLMENT: &str = "insert into enrollments (id, campaign_id, contact_id, status, created_at, updated_at)
    values ($1, $2, $3, 'called', $4, $4)";
const CALL: &str = "insert into calls (id, enrollment_id, campaign_id, contact_id, agent_id, agent_version, settings_version, gateway_id,
        attempt_no, phone, from_phone, status, outcome, per_minute, initial_seconds, step_seconds, call_seconds_max, held, cost,
        created_at, ended_at, talk_seconds)
    select $1, $2, $3, $4, $5, 1, 1, g.id, 1, $6, '+12025550100', 'ended', $7, 1000, 60, 60, 300, 5000, $8, $9, $9, $10 from gateways g limit 1";

async fn run<'q>(tx: &mut Tx, query: sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>) {
    query.execute(tx.conn()).await.expect("insert");
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

#[tokio::test]
async fn an_empty_company_has_a_month_of_empty_days() {
    let scene = Scene::new().await;
    let seen = scene.load(DashboardRange::Month).await;
    assert_eq!(seen.days.len(), 30);
    assert_eq!((seen.days[0].label.as_str(), seen.days[29].label.as_str()), ("25 Oct", "23 Nov"));
    assert_eq!(seen.scope, "from 25 Oct to 23 Nov");
    assert_eq!(seen.totals, Totals::default());
    assert_eq!((seen.queued, seen.live_calls, seen.agents, seen.campaigns, seen.contacts), (6, 0, 1, 1, 0));
}

#[tokio::test]
async fn a_call_belongs_to_the_local_day_it_ended_on() {
    let scene = Scene::new().await;
    // New York is five hours behind: 04:30 UTC on the 23rd is still the 22nd there.
    scene.call(at("2026-11-23T04:30:00Z"), Outcome::Completed, 40, 1000).await;
    scene.call(at("2026-11-23T05:00:00Z"), Outcome::Voicemail, 10, 1000).await;
    let seen = scene.load(DashboardRange::Week).await;
    let by_day: Vec<_> = seen.days.iter().map(|d| (d.day.as_str(), d.connected, d.voicemail)).collect();
    assert_eq!(by_day.len(), 7);
    assert_eq!(by_day[5..], [("2026-11-22", 1, 0), ("2026-11-23", 0, 1)]);
}

#[tokio::test]
async fn the_groups_of_a_day_add_up_to_its_calls() {
    let scene = Scene::new().await;
    for outcome in Outcome::ALL {
        scene.call(at("2026-11-23T14:00:00Z"), *outcome, 5, 0).await;
    }
    let seen = scene.load(DashboardRange::Week).await;
    let day = seen.days.last().expect("today");
    let sum = day.connected + day.voicemail + day.no_answer + day.busy + day.failed;
    assert_eq!((sum, seen.totals.calls), (8, 8));
    assert_eq!((day.connected, day.failed), (1, 4));
}

#[tokio::test]
async fn a_period_is_compared_with_the_one_of_the_same_length_before_it() {
    let scene = Scene::new().await;
    scene.call(at("2026-11-20T15:00:00Z"), Outcome::Completed, 95, 2000).await;
    scene.call(at("2026-11-14T15:00:00Z"), Outcome::Completed, 29, 1000).await;
    scene.call(at("2026-11-14T15:00:00Z"), Outcome::Busy, 0, 0).await;
    scene.call(at("2026-09-01T15:00:00Z"), Outcome::Completed, 60, 1000).await;
    let week = scene.load(DashboardRange::Week).await;
    let one = Totals { calls: 1, connected: 1, talk_seconds: 95, spent: Credits(2000), talked: 1, reached: 1 };
    assert_eq!(week.totals, one);
    assert_eq!(
        week.before,
        Some(Totals { calls: 2, connected: 1, talk_seconds: 29, spent: Credits(1000), talked: 0, reached: 1 })
    );
    let total = scene.load(DashboardRange::Total).await;
    assert_eq!((total.totals.calls, total.before, total.scope.as_str()), (4, None, "since 1 Sep 2026"));
    assert_eq!(total.days.len(), 84);
}

#[tokio::test]
async fn old_calls_stay_in_the_totals_when_the_chart_is_cut() {
    let scene = Scene::new().await;
    scene.call(at("2024-01-01T15:00:00Z"), Outcome::Completed, 60, 1000).await;
    let total = scene.load(DashboardRange::Total).await;
    assert_eq!(total.days.len() as u64, TOTAL_DAYS_MAX);
    assert_eq!(total.totals.calls, 1);
}

#[tokio::test]
async fn another_company_and_its_calls_are_not_seen() {
    let scene = Scene::new().await;
    scene.call(at("2026-11-23T14:00:00Z"), Outcome::Completed, 60, 1000).await;
    let other = scene.world.company("other").await;
    let seen = load(&mut scene.world.tx(&other).await, DashboardRange::Total).await.expect("dashboard");
    assert_eq!((seen.totals.calls, seen.campaigns, seen.agents, seen.contacts), (0, 0, 0, 0));
    let viewer = scene.world.member(&other, Role::Viewer).await;
    assert!(load(&mut scene.world.db.begin(&viewer).await.expect("begin"), DashboardRange::Week).await.is_ok());
}

fn day(text: &str) -> Option<NaiveDate> {
    Some(text.parse().expect("a day"))
}

#[tokio::test]
async fn programs_are_told_the_figures_of_any_days_and_of_as_many_before_them() {
    let scene = Scene::new().await;
    // New York: the 20th from 05:00 UTC to 05:00 UTC.
    scene.call(at("2026-11-20T05:00:00Z"), Outcome::Completed, 95, 2000).await;
    scene.call(at("2026-11-22T04:59:59Z"), Outcome::Busy, 0, 0).await;
    scene.call(at("2026-11-22T05:00:00Z"), Outcome::Completed, 60, 1000).await;
    scene.call(at("2026-11-20T04:59:59Z"), Outcome::Completed, 30, 500).await;
    scene.call(at("2026-11-18T04:59:59Z"), Outcome::Completed, 30, 500).await;
    let mut tx = scene.world.tx(&scene.acme).await;
    sqlx::query("update calls set sentiment = 'positive' where outcome = 'completed'").execute(tx.conn()).await.expect("judged");
    let (now, before) = figures(&mut tx, day("2026-11-20"), day("2026-11-21")).await.expect("figures");
    let two = Figures {
        outbound_calls: 2,
        outbound_seconds: 95,
        outbound_spent: Credits(2000),
        connected: 1,
        positive: 1,
        ..Figures::default()
    };
    assert_eq!(now, two);
    assert_eq!(before.map(|f| (f.outbound_calls, f.outbound_spent)), Some((1, Credits(500))));
    let (ever, none) = figures(&mut tx, None, None).await.expect("figures");
    assert_eq!((ever.outbound_calls, ever.positive, none), (5, 4, None));
}

#[tokio::test]
async fn programs_search_the_call_log_by_local_days_and_outcomes() {
    use crate::calls::{Narrower, search};
    let scene = Scene::new().await;
    scene.call(at("2026-11-20T05:00:00Z"), Outcome::Completed, 95, 2000).await;
    scene.call(at("2026-11-21T04:59:59Z"), Outcome::Rejected, 0, 0).await;
    scene.call(at("2026-11-21T05:00:00Z"), Outcome::Failed, 0, 0).await;
    let mut tx = scene.world.tx(&scene.acme).await;
    let mut found = async |first: &str, last: &str, outcomes: &[Outcome]| {
        let more = Narrower { first: day(first), last: day(last), outcomes: outcomes.to_vec() };
        search(&mut tx, &model::calls::CallFilter::default(), &more).await.expect("calls").total
    };
    assert_eq!(found("2026-11-20", "2026-11-20", &[]).await, 2, "days are those of the company");
    assert_eq!(found("2026-11-20", "2026-11-21", &[Outcome::Failed, Outcome::Rejected]).await, 2);
    assert_eq!(found("2026-11-21", "2026-11-22", &[]).await, 1);
    assert_eq!(found("2026-11-21", "2026-11-22", &[Outcome::Completed]).await, 0);
}

#[test]
fn a_day_without_a_midnight_begins_an_hour_later() {
    let day = NaiveDate::from_ymd_opt(2018, 11, 4).expect("a day");
    assert_eq!(midnight(Tz::America__Sao_Paulo, day), at("2018-11-04T03:00:00Z"));
    let twice = NaiveDate::from_ymd_opt(2026, 11, 23).expect("a day");
    assert_eq!(midnight(Tz::America__New_York, next(twice)) - midnight(Tz::America__New_York, twice), TimeDelta::hours(24));
}
