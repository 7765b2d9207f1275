//! Canary launch: a failing canary never dials more people than it has, and a passing one opens the campaign by itself.

use super::*;
use crate::calls::{Report, absorb};
use crate::dialer;
use model::calls::{CallState, Outcome};
use model::canary::{Canary, CanarySize, CanaryState, Guardrails};
use model::id::CallId;
use std::collections::BTreeSet;

struct Flock {
    world: World,
    acme: Someone,
    campaign: CampaignId,
}

fn canary(people: i32, calls_min: i32) -> Canary {
    Canary {
        size: CanarySize::People(people),
        guardrails: Guardrails {
            calls_min,
            answered_permille_min: Some(500),
            opted_out_permille_max: None,
            voicemail_permille_max: None,
            cost_per_connect_max: None,
        },
        stays_on: false,
    }
}

impl Flock {
    /// Ten people, a canary among them, and one minute a call so that twenty credits last.
    async fn launched(canary: Canary) -> Self {
        let world = World::new().await;
        let acme = world.company("acme").await;
        let campaign = world
            .launched(&acme, 10, |form| {
                form.canary = Some(canary);
                form.call_minutes_max = 1;
                form.concurrency_max = 3;
            })
            .await;
        Self { world, acme, campaign }
    }

    /// One turn of the dialer; whom it called.
    async fn turn(&self) -> Vec<CallId> {
        let mut tx = self.world.db.begin(&self.world.engine(self.acme.company)).await.expect("begin");
        let turn = dialer::plan(&mut tx, self.campaign, self.campaign.uuid()).await.expect("planned");
        tx.commit().await.expect("commit");
        turn.dials.iter().map(|dial| dial.call).collect()
    }

    async fn end(&self, call: CallId, outcome: Outcome) {
        let mut tx = self.world.db.begin(&self.world.engine(self.acme.company)).await.expect("begin");
        let talk_seconds = (outcome == Outcome::Completed).then_some(30);
        absorb(&mut tx, call, Report { talk_seconds, ..Report::state(CallState::ended(outcome)) }).await.expect("ended");
        tx.commit().await.expect("commit");
    }

    /// Dials and ends calls, hour after hour, until nothing more is dialed.
    async fn play(&self, outcome: Outcome) {
        for _ in 0..60 {
            for call in self.turn().await {
                self.end(call, outcome).await;
            }
            self.world.clock.advance(TimeDelta::minutes(30));
        }
    }

    async fn load(&self) -> Campaign {
        let mut tx = self.world.tx(&self.acme).await;
        load(&mut tx, self.campaign).await.expect("loads")
    }

    async fn act(&self, action: Action) {
        let mut tx = self.world.tx(&self.acme).await;
        act(&mut tx, self.campaign, action).await.expect("lawful");
        tx.commit().await.expect("commit");
    }

    async fn called(&self) -> BTreeSet<String> {
        let mut tx = self.world.tx(&self.acme).await;
        let filter = EnrollmentFilter { campaign: self.campaign, status: None, paging: Paging::new(1, 100) };
        let people = enrollments::list(&mut tx, &filter).await.expect("people").items;
        people.into_iter().filter(|p| p.last_call.is_some()).map(|p| p.name).collect()
    }

    async fn kinds(&self) -> Vec<EventKind> {
        let mut tx = self.world.tx(&self.acme).await;
        kinds(&mut tx, self.campaign).await
    }
}

#[tokio::test]
async fn a_failing_canary_dials_its_people_only_and_pauses_with_the_figures() {
    let flock = Flock::launched(canary(4, 6)).await;
    flock.play(Outcome::NoAnswer).await;
    let c = flock.load().await;
    assert_eq!(c.status, Status::Paused);
    let why = c.pause_reason.expect("a reason");
    assert_eq!(why, "After 6 calls 0.0 % of calls were answered by a person, at least 50.0 % are wanted.");
    let view = c.canary.expect("a canary");
    assert_eq!((view.state, view.people, view.why), (CanaryState::Failed, 4, why));
    assert!(flock.called().await.len() <= 4, "{:?}", flock.called().await);
    assert!(flock.kinds().await.contains(&EventKind::CanaryFailed));
    nothing_is_wrong(&flock.world).await;
}

#[tokio::test]
async fn a_canary_that_runs_out_of_people_is_judged_by_what_there_is_and_opens_nothing() {
    let flock = Flock::launched(canary(2, 100)).await;
    flock.play(Outcome::Completed).await;
    let c = flock.load().await;
    assert_eq!(
        (c.status, c.pause_reason.as_deref()),
        (Status::Paused, Some("The canary ended after 2 calls, too few to judge."))
    );
    assert_eq!(flock.called().await.len(), 2);
    nothing_is_wrong(&flock.world).await;
}

#[tokio::test]
async fn a_passing_canary_opens_the_campaign_by_itself() {
    let flock = Flock::launched(canary(3, 3)).await;
    let first = flock.turn().await;
    assert_eq!(first.len(), 3);
    assert!(flock.turn().await.is_empty());
    for call in &first[..2] {
        flock.end(*call, Outcome::Completed).await;
        assert!(flock.turn().await.is_empty(), "two of three calls say nothing yet, and nobody else is dialed");
    }
    flock.end(first[2], Outcome::NoAnswer).await;
    let c = flock.load().await;
    assert_eq!(
        c.canary.map(|k| (k.state, k.why)),
        Some((CanaryState::Passed, "After 3 calls every guardrail holds: 66.6 % answered by a person.".to_owned()))
    );
    assert_eq!(flock.turn().await.len(), 3, "others are called now, in the next turn");
    assert!(flock.kinds().await.contains(&EventKind::CanaryPassed));
    nothing_is_wrong(&flock.world).await;
}

#[tokio::test]
async fn whoever_resumes_a_failed_canary_goes_on_with_everybody() {
    let flock = Flock::launched(canary(3, 3)).await;
    flock.play(Outcome::Busy).await;
    assert_eq!(flock.load().await.status, Status::Paused);
    flock.act(Action::Resume).await;
    flock.play(Outcome::Completed).await;
    let c = flock.load().await;
    assert_eq!(c.canary.map(|k| k.state), Some(CanaryState::Overruled));
    assert_eq!((c.status, flock.called().await.len()), (Status::Completed, 10));
    nothing_is_wrong(&flock.world).await;
}

#[tokio::test]
async fn guardrails_that_stay_on_judge_every_window_by_itself() {
    let flock = Flock::launched(Canary { stays_on: true, ..canary(3, 3) }).await;
    for call in flock.turn().await {
        flock.end(call, Outcome::Completed).await;
    }
    assert_eq!(flock.load().await.canary.map(|k| k.state), Some(CanaryState::Passed));
    for call in flock.turn().await {
        flock.end(call, Outcome::Busy).await;
    }
    // Half of all six calls were answered, but none of this window's three.
    let c = flock.load().await;
    assert_eq!((c.status, c.canary.map(|k| k.state)), (Status::Paused, Some(CanaryState::Failed)));
    nothing_is_wrong(&flock.world).await;
}

#[tokio::test]
async fn opt_outs_in_calls_are_counted_once_and_judged() {
    let rails = Guardrails { answered_permille_min: None, opted_out_permille_max: Some(100), ..canary(3, 2).guardrails };
    let flock = Flock::launched(Canary { guardrails: rails, ..canary(3, 2) }).await;
    let calls = flock.turn().await;
    let mut tx = flock.world.tx(&flock.acme).await;
    let phone: model::phone::Phone =
        sqlx::query_scalar("select phone from calls where id = $1").bind(calls[0]).fetch_one(tx.conn()).await.expect("phone");
    suppressions::add(&mut tx, phone.to_string().as_str(), "asked").await.expect("suppressed");
    tx.commit().await.expect("commit");
    flock.end(calls[0], Outcome::Completed).await;
    flock.end(calls[0], Outcome::Voicemail).await;
    flock.end(calls[1], Outcome::Completed).await;
    let c = flock.load().await;
    assert_eq!(c.status, Status::Paused);
    assert!(c.pause_reason.expect("a reason").starts_with("After 2 calls 1 of 1 people reached opted out, at most 10.0 %"));
    flock.end(calls[2], Outcome::Completed).await;
    nothing_is_wrong(&flock.world).await;
}

#[tokio::test]
async fn a_canary_is_chosen_by_hash_and_cannot_be_resized_after_launch() {
    let flock = Flock::launched(Canary { size: CanarySize::Percent(35), ..canary(1, 50) }).await;
    let mut tx = flock.world.tx(&flock.acme).await;
    let chosen: Vec<bool> = sqlx::query_scalar("select canary from enrollments where campaign_id = $1 order by id")
        .bind(flock.campaign)
        .fetch_all(tx.conn())
        .await
        .expect("people");
    assert_eq!(chosen.iter().filter(|c| **c).count(), 4);
    assert!(!chosen[..4].iter().all(|c| *c), "the first of the file are not the sample: {chosen:?}");
    let form = load(&mut tx, flock.campaign).await.expect("loads").form;
    let bigger = CampaignForm { canary: Some(canary(9, 50)), ..form.clone() };
    assert!(matches!(told(edit(&mut tx, flock.campaign, &bigger).await), model::Error::Invalid { .. }));
    let milder = form.canary.map(|c| Canary { guardrails: Guardrails { answered_permille_min: Some(1), ..c.guardrails }, ..c });
    edit(&mut tx, flock.campaign, &CampaignForm { canary: milder, ..form }).await.expect("guardrails may change");
}

#[tokio::test]
async fn the_checker_finds_somebody_who_was_dialed_before_the_canary_passed() {
    let flock = Flock::launched(canary(2, 50)).await;
    let mut tx = flock.world.tx(&flock.acme).await;
    sqlx::query("update enrollments set dials = 1 where not canary").execute(tx.conn()).await.expect("forged");
    tx.commit().await.expect("commit");
    let report = check::run(&flock.world.db).await.expect("checked");
    assert_eq!(report.violations.len(), 8, "{:?}", report.violations);
}
