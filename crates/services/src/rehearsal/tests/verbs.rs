//! Rehearsals on a real database: what is read, what is refused, and that nothing but the report is written.

use crate::error::Error;
use crate::rehearsal::{self, repo};
use crate::testing::{Someone, World, agent_form, phone};
use crate::{agents, campaigns, contacts, suppressions};
use model::accounts::Role;
use model::campaigns::{Audience, CampaignForm, Status};
use model::contacts::ContactForm;
use model::credits::Credits;
use model::enrollments::Reason;
use model::id::CampaignId;
use model::rehearsal::{Assumptions, Ending, Rehearsal, RehearsalForm, Source};
use model::time::Hours;

/// A draft on `people` contacts in New York.
async fn draft(w: &World, of: &Someone, people: usize) -> CampaignId {
    let mut tx = w.tx(of).await;
    for n in 0..people {
        let form = ContactForm { name: format!("Person {n}"), phone: phone(n), ..ContactForm::default() };
        contacts::create(&mut tx, &form).await.expect("contact");
    }
    let agent = agents::create(&mut tx, &agent_form()).await.expect("agent");
    let form = CampaignForm {
        name: "Spring".to_owned(),
        audience: Some(Audience::Everyone),
        agent: Some(agent),
        hours: Some(Hours::always()),
        call_minutes_max: 2,
        ..CampaignForm::default()
    };
    let campaign = campaigns::create(&mut tx, &form).await.expect("campaign");
    tx.commit().await.expect("commit");
    campaign
}

async fn rehearse(w: &World, of: &Someone, campaign: CampaignId) -> Rehearsal {
    rehearsal::rehearse(&w.db, &of.actor, campaign, &RehearsalForm::default()).await.expect("rehearsed")
}

/// How many rows of everything that a real campaign would touch, and how credits stand.
async fn traces(w: &World, of: &Someone) -> Vec<i64> {
    let mut tx = w.tx(of).await;
    let mut counts = Vec::new();
    for table in ["calls", "call_steps", "enrollments", "movements", "events", "suppressions", "rehearsals"] {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        counts.push(sqlx::query_scalar(sql).fetch_one(tx.conn()).await.expect("count"));
    }
    counts
}

#[tokio::test]
async fn a_draft_is_played_with_its_real_list_and_only_the_report_is_written() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let campaign = draft(&w, &acme, 8).await;
    let mut tx = w.tx(&acme).await;
    suppressions::add(&mut tx, &phone(3), "asked").await.expect("suppressed");
    tx.commit().await.expect("commit");
    let before = traces(&w, &acme).await;
    let report = rehearse(&w, &acme, campaign).await;
    assert_eq!((report.people, report.one_in, report.runs), (8, 1, 20));
    assert_eq!(report.endings, [(Ending::ListDone, 20)]);
    let skip = &report.skips[0];
    assert_eq!((skip.reason, skip.people), (Reason::Suppressed, 1));
    assert!(report.calls.low >= 7 && report.funds == Credits::whole(20));
    let mut after = traces(&w, &acme).await;
    assert_eq!(after.pop(), Some(1), "the report");
    assert_eq!(after, before[..6]);
    let mut tx = w.tx(&acme).await;
    assert_eq!(rehearsal::latest(&mut tx, campaign).await.expect("found"), Some(report));
    assert_eq!(campaigns::load(&mut tx, campaign).await.expect("loads").status, Status::Draft);
}

#[tokio::test]
async fn the_same_list_and_seed_give_the_same_report() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let campaign = draft(&w, &acme, 12).await;
    let (first, second) = (rehearse(&w, &acme, campaign).await, rehearse(&w, &acme, campaign).await);
    assert_eq!(first, Rehearsal { took_ms: first.took_ms, ..second });
}

#[tokio::test]
async fn a_list_longer_than_the_credits_ends_by_credits() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let campaign = draft(&w, &acme, 120).await;
    let form = RehearsalForm {
        assumptions: Assumptions { connected_permille: [600; 24], voicemail_permille: 0, ..Assumptions::default() },
        ..RehearsalForm::default()
    };
    let report = rehearsal::rehearse(&w.db, &acme.actor, campaign, &form).await.expect("rehearsed");
    assert_eq!(report.endings, [(Ending::Credits, 20)]);
    assert!(report.cost.high <= Credits::whole(20), "{}", report.cost.high);
}

#[tokio::test]
async fn a_running_campaign_is_played_from_where_it_is() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let campaign = w.launched(&acme, 6, |form| form.concurrency_max = 2).await;
    let mut tx = w.tx(&acme).await;
    let turn = crate::dialer::plan(&mut tx, campaign, campaign.uuid()).await.expect("a turn");
    assert_eq!(turn.dials.len(), 2);
    tx.commit().await.expect("commit");
    let report = rehearse(&w, &acme, campaign).await;
    assert_eq!((report.people, report.concurrency_max), (6, 2));
    // Two calls are under way already: only four first attempts are left.
    let first: i64 = report.hours.iter().map(|hour| hour.calls.middle - hour.retries).sum();
    assert!(first <= 4, "{first}");
    let mut tx = w.tx(&acme).await;
    assert_eq!(crate::calls::list(&mut tx, &model::calls::CallFilter::default()).await.expect("calls").total, 2);
}

#[tokio::test]
async fn nobody_else_may_and_an_empty_or_finished_campaign_cannot() {
    let w = World::new().await;
    let (acme, other) = (w.company("acme").await, w.company("other").await);
    let campaign = draft(&w, &acme, 1).await;
    let form = RehearsalForm::default();
    let told = |result: crate::Result<Rehearsal>| match result.expect_err("refused") {
        Error::Told(told) => told,
        other => panic!("{other}"),
    };
    let stranger = told(rehearsal::rehearse(&w.db, &other.actor, campaign, &form).await);
    assert!(matches!(stranger, model::Error::NotFound { .. }), "{stranger}");
    let viewer = w.member(&acme, Role::Viewer).await;
    let refused = told(rehearsal::rehearse(&w.db, &viewer, campaign, &form).await);
    assert!(matches!(refused, model::Error::Forbidden { .. }), "{refused}");
    let bad = RehearsalForm { runs: 0, ..form.clone() };
    assert!(matches!(told(rehearsal::rehearse(&w.db, &acme.actor, campaign, &bad).await), model::Error::Invalid { .. }));
    let empty = draft(&w, &other, 0).await;
    assert!(matches!(told(rehearsal::rehearse(&w.db, &other.actor, empty, &form).await), model::Error::Conflict { .. }));
    let mut tx = w.tx(&acme).await;
    campaigns::act(&mut tx, campaign, model::campaigns::Action::Archive).await.expect("archived");
    tx.commit().await.expect("commit");
    assert!(matches!(told(rehearsal::rehearse(&w.db, &acme.actor, campaign, &form).await), model::Error::Conflict { .. }));
}

#[tokio::test]
async fn a_sample_is_a_part_of_the_list_and_the_same_part_each_time() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    draft(&w, &acme, 60).await;
    let mut tx = w.tx(&acme).await;
    let ids = |rows: Vec<repo::Listed>| rows.into_iter().map(|row| row.contact_id).collect::<Vec<_>>();
    let all = ids(repo::audience(&mut tx, &Audience::Everyone, 1).await.expect("all"));
    let third = ids(repo::audience(&mut tx, &Audience::Everyone, 3).await.expect("some"));
    assert_eq!(all.len(), 60);
    assert!((8..40).contains(&third.len()), "{}", third.len());
    assert!(third.iter().all(|id| all.contains(id)));
    assert_eq!(third, ids(repo::audience(&mut tx, &Audience::Everyone, 3).await.expect("the same")));
}

#[tokio::test]
async fn a_company_with_enough_calls_rehearses_with_its_own_numbers() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let campaign = w.launched(&acme, 1, |_| {}).await;
    let mut tx = w.tx(&acme).await;
    let before = rehearsal::given(&mut tx, campaign).await.expect("given");
    assert_eq!((before.source, before.concurrency_max), (Source::Norms, 5));
    sqlx::query(
        "insert into calls (id, enrollment_id, campaign_id, contact_id, agent_id, agent_version, settings_version, gateway_id, attempt_no, phone,
                from_phone, status, outcome, per_minute, initial_seconds, step_seconds, call_seconds_max, held, cost, settled_at, created_at, talk_seconds)
         select gen_random_uuid(), e.id, e.campaign_id, e.contact_id, c.agent_id, 1, 1, c.gateway_id, n, k.phone, k.phone, 'ended',
                case when n % 4 = 0 then 'completed' else 'no_answer' end, 1000, 60, 60, 60, 0, 0, $1, $1, case when n % 4 = 0 then 77 else 0 end
         from enrollments e join campaigns c on c.id = e.campaign_id join contacts k on k.id = e.contact_id, generate_series(1, 600) n",
    )
    .bind(w.clock.now())
    .execute(tx.conn())
    .await
    .expect("calls");
    let after = rehearsal::given(&mut tx, campaign).await.expect("given");
    assert_eq!((after.source, after.calls), (Source::Own, 600));
    assert_eq!((after.assumptions.connected_permille[10], after.assumptions.talk_seconds), (250, 77));
}

#[tokio::test]
async fn old_reports_go_and_those_of_a_deleted_draft_go_with_it() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let campaign = draft(&w, &acme, 1).await;
    let report = rehearse(&w, &acme, campaign).await;
    let mut tx = w.tx(&acme).await;
    for _ in 0..12 {
        let id = tx.id();
        repo::insert(&mut tx, id, campaign, &report).await.expect("stored");
    }
    let kept: i64 = sqlx::query_scalar("select count(*) from rehearsals").fetch_one(tx.conn()).await.expect("count");
    assert_eq!(kept, 10);
    campaigns::delete(&mut tx, campaign).await.expect("deleted");
    let kept: i64 = sqlx::query_scalar("select count(*) from rehearsals").fetch_one(tx.conn()).await.expect("count");
    assert_eq!(kept, 0);
}
