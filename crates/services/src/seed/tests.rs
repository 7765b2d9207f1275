//! The demo is lawful, alive, and written once.

use super::plans::COMPANIES;
use super::*;
use crate::Actor;
use crate::dialer::window::{Opening, Schedule, opening};
use crate::rules;
use crate::testing::World;
use model::id::{CampaignId, CompanyId};
use std::time::Instant;
use uuid::Uuid;

type Row = (String, i64, i64, i64, i64, i64, i64, i64, i64);

async fn counts(world: &World) -> Vec<Row> {
    let mut tx = world.db.begin_system(SystemTask::Check).await.expect("begin");
    sqlx::query_as(
        "select c.name, (select count(*) from contacts x where x.company_id = c.id), (select count(*) from suppressions x where x.company_id = c.id),
                (select count(*) from campaigns x where x.company_id = c.id), (select count(*) from enrollments x where x.company_id = c.id),
                (select count(*) from calls x where x.company_id = c.id), (select count(*) from movements x where x.company_id = c.id),
                (select count(*) from events x where x.company_id = c.id),
                (select count(*) from calls x where x.company_id = c.id and jsonb_array_length(transcript) > 3)
         from companies c where c.name <> 'Belfry' order by c.created_at, c.name",
    )
    .fetch_all(tx.conn())
    .await
    .expect("counted")
}

async fn one<T>(world: &World, sql: &'static str) -> T
where
    (T,): for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>,
    T: Send + Unpin,
{
    let mut tx = world.db.begin_system(SystemTask::Check).await.expect("begin");
    let (value,): (T,) = sqlx::query_as(sql).fetch_one(tx.conn()).await.expect(sql);
    value
}

/// One world for all of it: seeding is what takes time.
#[tokio::test]
async fn the_demo_breaks_no_invariant_is_written_once_and_looks_like_life() {
    let world = World::new().await;
    let began = Instant::now();
    let table = run(&world.db).await.expect("seeded");
    println!("seeded in {:?}\n{table}", began.elapsed());
    let report = crate::check::run(&world.db).await.expect("checked");
    assert_eq!(report.violations, Vec::<String>::new());
    assert!(table.contains("maya@harborpine.example") && table.contains("tessa@loomandlarder.example"), "{table}");

    let first = counts(&world).await;
    assert_eq!(first.len(), COMPANIES.len());
    for (name, contacts, suppressed, campaigns, enrollments, calls, movements, events, talks) in &first {
        println!(
            "{name}: {contacts} contacts, {suppressed} suppressed, {campaigns} campaigns, {enrollments} enrollments, {calls} calls, {movements} movements, {events} events, {talks} talks"
        );
        assert!((400..=900).contains(contacts) && (3_000..=8_000).contains(calls), "{name}");
        assert!((contacts / 100..=contacts / 25).contains(suppressed), "{name}: {suppressed} suppressed");
        assert!((4..=6).contains(campaigns) && *talks > 500, "{name}");
    }
    run(&world.db).await.expect("seeded again");
    assert_eq!(counts(&world).await, first);
    people_answer_as_people_do(&world).await;
    nothing_is_ahead_of_its_time(&world).await;
    each_running_campaign_can_go_on_where_it_stands(&world).await;
}

async fn people_answer_as_people_do(world: &World) {
    let shares: Vec<(String, i64)> = {
        let mut tx = world.db.begin_system(SystemTask::Check).await.expect("begin");
        sqlx::query_as("select outcome, count(*) * 1000 / sum(count(*)) over ()::bigint from calls group by 1 order by 2 desc")
            .fetch_all(tx.conn())
            .await
            .expect("shares")
    };
    println!("{shares:?}");
    let share = |outcome: &str| shares.iter().find(|(o, _)| o == outcome).map_or(0, |(_, n)| *n);
    assert!((330..=420).contains(&share("completed")), "{shares:?}");
    assert!((220..=300).contains(&share("voicemail")), "{shares:?}");
    assert!((250..=340).contains(&share("no_answer")), "{shares:?}");
    let evening: i64 = one(
        world,
        "select (avg(case when h in (17, 18, 19) and human then 1000.0 when h in (17, 18, 19) then 0 end)
                 - avg(case when h in (9, 10, 13, 14) and human then 1000.0 when h in (9, 10, 13, 14) then 0 end))::bigint
         from (select extract(hour from k.created_at at time zone coalesce(c.time_zone, 'America/New_York'))::int as h, k.outcome = 'completed' as human
               from calls k join contacts c on c.company_id = k.company_id and c.id = k.contact_id) x",
    )
    .await;
    assert!(evening > 80, "only {evening} more of a thousand answer in the evening");
    let talk: i64 = one(world, "select avg(talk_seconds)::bigint from calls where outcome = 'completed'").await;
    assert!((50..=120).contains(&talk), "{talk} s on average");
}

async fn nothing_is_ahead_of_its_time(world: &World) {
    let now = world.clock.now();
    let latest: Timestamp = one(
        world,
        "select greatest((select max(settled_at) from calls), (select max(at) from movements), (select max(at) from events),
                (select max(created_at) from suppressions), (select max(updated_at) from campaigns), (select max(created_at) from contacts),
                (select max(updated_at) from enrollments))",
    )
    .await;
    assert!(latest <= now, "{latest} is after {now}");
    let span: i64 = one(world, "select (extract(epoch from max(created_at) - min(created_at)) / 86400)::bigint from calls").await;
    assert!((86..=92).contains(&span), "{span} days");
    let disordered: i64 = one(
        world,
        "select count(*) from (select at < lag(at) over (partition by company_id order by seq) as back from movements) x where back",
    )
    .await;
    assert_eq!(disordered, 0);
}

async fn each_running_campaign_can_go_on_where_it_stands(world: &World) {
    let stands: Vec<(String, bool, i64, i64, i64)> = {
        let mut tx = world.db.begin_system(SystemTask::Check).await.expect("begin");
        sqlx::query_as(
            "select c.name, c.gateway_id is not null and c.runnable_at is not null and u.cap > 0, b.amount,
                    count(*) filter (where e.status = 'queued'),
                    count(*) filter (where e.status = 'queued' and e.next_attempt_at < $1)
             from campaigns c join enrollments e on e.company_id = c.company_id and e.campaign_id = c.id
             join capacity u on u.company_id = c.company_id and u.scope = 'campaign' and u.ref = c.id
             join balances b on b.company_id = c.company_id and b.account = 'escrow' and b.ref = c.id
             where c.status = 'active' group by 1, 2, 3 order by 1",
        )
        .bind(world.clock.now() + TimeDelta::minutes(15))
        .fetch_all(tx.conn())
        .await
        .expect("campaigns")
    };
    println!("{stands:?}");
    assert_eq!(stands.len(), COMPANIES.len());
    for (name, can_run, escrow, queued, soon) in stands {
        assert!(can_run && escrow >= life::HOLD.0, "{name}: {escrow} in escrow");
        // On this Monday it is 15:00 in London, 10:00 in Tampa, 9:00 in Dallas.
        assert!(queued > 60 && soon >= 10, "{name}: {queued} wait, {soon} are due soon");
    }
    the_dialer_takes_over(world).await;
    let statuses: Vec<String> = {
        let mut tx = world.db.begin_system(SystemTask::Check).await.expect("begin");
        sqlx::query_scalar("select distinct status from campaigns order by 1").fetch_all(tx.conn()).await.expect("statuses")
    };
    assert_eq!(statuses, ["active", "archived", "completed", "draft", "paused", "scheduled"]);
}

/// The engine itself, a quarter of an hour later: each running campaign dials.
async fn the_dialer_takes_over(world: &World) {
    let running: Vec<(CompanyId, CampaignId)> = {
        let mut tx = world.db.begin_system(SystemTask::Check).await.expect("begin");
        sqlx::query_as("select company_id, id from campaigns where status = 'active'")
            .fetch_all(tx.conn())
            .await
            .expect("running")
    };
    world.clock.advance(TimeDelta::minutes(15));
    for (company, campaign) in running {
        let mut tx = world.db.begin(&Actor::engine(company)).await.expect("begin");
        let turn = crate::dialer::plan(&mut tx, campaign, Uuid::nil()).await.expect("planned");
        assert!(!turn.dials.is_empty(), "{campaign} of {company} does not dial");
        tx.commit().await.expect("committed");
    }
    let report = crate::check::run(&world.db).await.expect("checked");
    assert_eq!(report.violations, Vec::<String>::new());
}

#[tokio::test]
async fn the_demo_works_on_other_days_and_hours_too() {
    for at in ["2026-07-05T23:59:59Z", "2026-11-01T06:15:00Z"] {
        let world = World::new().await;
        world.clock.set(at.parse().expect("a moment"));
        run(&world.db).await.expect("seeded");
        let report = crate::check::run(&world.db).await.expect("checked");
        assert_eq!(report.violations, Vec::<String>::new(), "{at}");
        let active: i64 = one(&world, "select count(*) from campaigns where status = 'active' and runnable_at is not null").await;
        assert_eq!(active, 3, "{at}");
    }
}

#[test]
fn at_any_hour_of_any_season_somebody_of_the_running_campaigns_may_be_called() {
    let begin: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a moment");
    let open = plans::CompanyPlan::open();
    let places: std::collections::HashMap<_, Vec<_>> = COMPANIES
        .iter()
        .map(|plan| {
            let phone =
                |p: &super::words::Place| format!("{}{:0width$}", p.prefix, p.first, width = p.digits).parse().expect("E.164");
            (plan.name, plan.places.iter().map(|p| rules::Place::of(Some(p.zone), &phone(p))).collect())
        })
        .collect();
    // Every fifth day: in five weeks that is each weekday once.
    for (day, hour) in (0..365).step_by(5).flat_map(|day| (0..24).map(move |hour| (day, hour))) {
        let at = begin + TimeDelta::days(day) + TimeDelta::minutes(hour * 60 + 30);
        let open = COMPANIES.iter().any(|plan| {
            plan.campaigns.iter().filter(|c| c.fate == plans::Fate::Running).any(|campaign| {
                let hours = (!campaign.all_hours).then(|| plan.hours());
                places[plan.name].iter().any(|place| {
                    let schedule = Schedule { company: &open, holidays: &[], campaign: hours.as_ref(), place };
                    matches!(opening(at, &schedule), Opening::Now { .. })
                })
            })
        });
        assert!(open, "nobody may be called at {at}");
    }
}
