//! Every move of a campaign's life, asked for by people or made by the engine.

use super::*;
use model::credits::LedgerFilter;

#[tokio::test]
async fn moves_that_are_not_lawful_are_refused_with_the_reason() {
    let w = World::new().await;
    let (acme, id, _) = with_campaign(&w, &[]).await;
    let mut tx = w.tx(&acme).await;
    for (action, reason) in [
        (Action::Pause, "A campaign that is draft cannot pause."),
        (Action::Resume, "A campaign that is draft cannot resume."),
        (Action::Cancel, "A campaign that is draft cannot cancel."),
        (Action::Start, "Belfry starts and completes campaigns by itself."),
        (Action::Complete, "Belfry starts and completes campaigns by itself."),
    ] {
        assert_eq!(why(act(&mut tx, id, action).await), reason);
    }
    act(&mut tx, id, Action::Archive).await.expect("a draft may be put away");
    for action in Action::ALL {
        why(act(&mut tx, id, *action).await);
    }
}

#[tokio::test]
async fn what_a_campaign_offers_is_exactly_what_it_accepts() {
    let w = World::new().await;
    for actions in [&[][..], &[Action::Launch], &[Action::Launch, Action::Pause], &[Action::Launch, Action::Cancel]] {
        let acme = w.company("acme").await;
        for action in Action::ALL.iter().filter(|a| !matches!(a, Action::Start | Action::Complete | Action::Schedule)) {
            let mut tx = w.tx(&acme).await;
            let (id, _) = ready(&mut tx).await;
            for done in actions {
                act(&mut tx, id, *done).await.expect("lawful");
            }
            let status = load(&mut tx, id).await.expect("load").status;
            let offered = status.actions().contains(action);
            assert_eq!(act(&mut tx, id, *action).await.is_ok(), offered, "{status}: {action}");
        }
    }
}

#[tokio::test]
async fn a_paused_campaign_keeps_its_people_and_its_credits_until_it_resumes() {
    let w = World::new().await;
    let (acme, id, _) = with_campaign(&w, &[Action::Launch, Action::Pause]).await;
    assert_eq!(w.runnable(acme.company).await.expect("runnable"), [], "nobody dials for it");
    let mut tx = w.tx(&acme).await;
    let paused = load(&mut tx, id).await.expect("load");
    assert_eq!((paused.status, paused.pause_reason, paused.reserved), (Status::Paused, None, Credits(5_000)));
    act(&mut tx, id, Action::Resume).await.expect("resumed");
    assert_eq!(people(&mut tx, id).await.len(), 3, "nobody is enrolled twice");
    tx.commit().await.expect("commit");
    assert_eq!(w.runnable(acme.company).await.expect("runnable"), [id]);
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn a_campaign_cannot_resume_without_credits_for_one_call() {
    let w = World::new().await;
    let (acme, id, form) = with_campaign(&w, &[Action::Launch, Action::Pause]).await;
    let mut tx = w.tx(&acme).await;
    let other: CampaignId = tx.id();
    credits::reserve(&mut tx, other, Credits(15_000), "launch:other".into(), "").await.expect("spent elsewhere");
    edit(&mut tx, id, &CampaignForm { call_minutes_max: 6, ..form.clone() }).await.expect("longer calls");
    let refusal = model::Error::InsufficientCredits { needed: 6_000, available: 5_000 };
    assert_eq!(told(act(&mut tx, id, Action::Resume).await), refusal);
    edit(&mut tx, id, &form).await.expect("shorter again");
    act(&mut tx, id, Action::Resume).await.expect("the escrow covers one call");
}

#[tokio::test]
async fn cancelling_returns_the_credits_and_closes_whoever_waits() {
    let w = World::new().await;
    let (acme, id, _) = with_campaign(&w, &[Action::Launch, Action::Cancel]).await;
    let mut tx = w.tx(&acme).await;
    let c = load(&mut tx, id).await.expect("load");
    assert_eq!((c.status, c.reserved, c.finished_at.map(|m| m.at)), (Status::Cancelled, Credits::ZERO, Some(tx.now())));
    assert_eq!((c.progress.contacts, c.progress.finished), (3, 0), "nobody was finished");
    assert_eq!(wallet(&mut tx).await.available, Credits(20_000));
    assert!(people(&mut tx, id).await.iter().all(|(_, status)| *status == EnrollmentStatus::Cancelled));
    act(&mut tx, id, Action::Archive).await.expect("archived");
    tx.commit().await.expect("commit");
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn a_page_past_the_end_is_empty_and_still_says_how_many_there_are() {
    let w = World::new().await;
    let (acme, id, _) = with_campaign(&w, &[Action::Launch]).await;
    let mut tx = w.tx(&acme).await;
    let (first, past) = (Paging::default(), Paging::new(9, 25));
    let mut seen = Vec::new();
    for paging in [first, past] {
        let campaigns = list(&mut tx, &CampaignFilter { paging, ..CampaignFilter::default() }).await.expect("campaigns");
        let people = enrollments::list(&mut tx, &EnrollmentFilter { campaign: id, status: None, paging }).await.expect("people");
        let record = events::list(&mut tx, &EventFilter { paging, ..EventFilter::default() }).await.expect("events");
        let ledger = credits::ledger(&mut tx, &LedgerFilter { paging, ..LedgerFilter::default() }).await.expect("ledger");
        let empty = [campaigns.items.len(), people.items.len(), record.items.len(), ledger.items.len()].map(|n| n == 0);
        assert_eq!(empty, [paging == past; 4]);
        seen.push([campaigns.total, people.total, record.total, ledger.total]);
    }
    assert_eq!(seen[0][..2], [1, 3]);
    assert_eq!(seen[0], seen[1]);
}

/// A scheduled campaign that starts in two hours.
async fn scheduled(w: &World) -> (Someone, CampaignId, CampaignForm) {
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let (id, form) = ready(&mut tx).await;
    let form = CampaignForm { starts_at: Some(tx.now() + TimeDelta::hours(2)), ..form };
    edit(&mut tx, id, &form).await.expect("edited");
    assert_eq!(act(&mut tx, id, Action::Schedule).await.expect("scheduled"), Status::Scheduled);
    tx.commit().await.expect("commit");
    (acme, id, form)
}

async fn start(w: &World, acme: &Someone, id: CampaignId) {
    let mut tx = w.db.begin(&Actor::engine(acme.company)).await.expect("begin");
    start_scheduled(&mut tx, id).await.expect("started");
    tx.commit().await.expect("commit");
}

#[tokio::test]
async fn a_schedule_needs_a_start_in_the_future() {
    let w = World::new().await;
    let (acme, id, form) = with_campaign(&w, &[]).await;
    let mut tx = w.tx(&acme).await;
    for starts_at in [None, Some(tx.now())] {
        edit(&mut tx, id, &CampaignForm { starts_at, ..form.clone() }).await.expect("edited");
        let refusal = told(act(&mut tx, id, Action::Schedule).await);
        assert_eq!(refusal.of_field("starts_at"), Some("Choose a start in the future, or launch now."));
    }
}

#[tokio::test]
async fn a_scheduled_campaign_enrolls_and_reserves_only_when_it_starts() {
    let w = World::new().await;
    let (acme, id, _) = scheduled(&w).await;
    let mut tx = w.tx(&acme).await;
    assert_eq!((people(&mut tx, id).await.len(), wallet(&mut tx).await.reserved), (0, Credits::ZERO));
    contact(&mut tx, "Late", "+12125550120", "").await;
    tx.commit().await.expect("commit");
    w.clock.advance(TimeDelta::hours(2));
    start(&w, &acme, id).await;
    start(&w, &acme, id).await;
    let mut tx = w.tx(&acme).await;
    let c = load(&mut tx, id).await.expect("load");
    assert_eq!((c.status, c.progress.contacts, c.reserved), (Status::Active, 4, Credits(5_000)));
    assert!(kinds(&mut tx, id).await.contains(&EventKind::CampaignStarted));
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn a_scheduled_campaign_cannot_lose_its_start() {
    let w = World::new().await;
    let (acme, id, form) = scheduled(&w).await;
    let mut tx = w.tx(&acme).await;
    for starts_at in [None, Some(tx.now() - TimeDelta::hours(1))] {
        let refusal = told(edit(&mut tx, id, &CampaignForm { starts_at, ..form.clone() }).await);
        assert_eq!(refusal.of_field("starts_at"), Some("Choose a start in the future, or cancel the schedule."));
    }
    let later = CampaignForm { starts_at: Some(tx.now() + TimeDelta::days(1)), ..form };
    edit(&mut tx, id, &later).await.expect("a later start is fine");
}

#[tokio::test]
async fn a_start_that_cannot_happen_pauses_with_the_reason_and_resuming_launches_it() {
    let w = World::new().await;
    let (acme, id, _) = scheduled(&w).await;
    let mut tx = w.tx(&acme).await;
    let other: CampaignId = tx.id();
    credits::reserve(&mut tx, other, Credits(18_000), "launch:other".into(), "").await.expect("spent elsewhere");
    tx.commit().await.expect("commit");
    w.clock.advance(TimeDelta::hours(2));
    start(&w, &acme, id).await;
    let mut tx = w.tx(&acme).await;
    let c = load(&mut tx, id).await.expect("load");
    assert_eq!(c.status, Status::Paused);
    let reason = "5.0 are needed and 2.0 are available. Top up, or set a smaller budget.";
    assert_eq!(c.pause_reason.as_deref(), Some(reason));
    let refusal = model::Error::InsufficientCredits { needed: 5_000, available: 2_000 };
    assert_eq!(told(act(&mut tx, id, Action::Resume).await), refusal);
    credits::unreserve_all(&mut tx, other, "").await.expect("topped up");
    act(&mut tx, id, Action::Resume).await.expect("resumed");
    let c = load(&mut tx, id).await.expect("load");
    assert_eq!((c.status, c.pause_reason, c.progress.contacts, c.reserved), (Status::Active, None, 3, Credits(5_000)));
    tx.commit().await.expect("commit");
    assert_eq!(w.runnable(acme.company).await.expect("runnable"), [id]);
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn cancelling_while_the_engine_starts_it_waits_its_turn() {
    let w = World::new().await;
    let (acme, id, _) = scheduled(&w).await;
    w.clock.advance(TimeDelta::hours(2));
    let mut person = w.tx(&acme).await;
    repo::lock_slots(&mut person, id).await.expect("the first lock of a cancellation");
    let (db, company) = (w.db.clone(), acme.company);
    let mut engine = tokio::task::JoinSet::new();
    engine.spawn(async move {
        let mut tx = db.begin(&Actor::engine(company)).await.expect("begin");
        start_scheduled(&mut tx, id).await.expect("no deadlock");
        tx.commit().await.expect("commit");
    });
    while !somebody_waits(&mut person).await {
        tokio::task::yield_now().await;
    }
    act(&mut person, id, Action::Cancel).await.expect("no deadlock");
    person.commit().await.expect("commit");
    engine.join_all().await;
    let mut tx = w.tx(&acme).await;
    assert_eq!(load(&mut tx, id).await.expect("load").status, Status::Cancelled, "who came second found it cancelled");
    nothing_is_wrong(&w).await;
}

/// Whether another transaction of this database waits for a lock.
async fn somebody_waits(tx: &mut Tx) -> bool {
    // Not by pg_stat_activity: a transaction sees that as it was at its first look.
    let sql = "select exists (select 1 from pg_locks w where not w.granted and exists (
                   select 1 from pg_locks h join pg_database d on d.oid = h.database where h.pid = w.pid and d.datname = current_database()))";
    sqlx::query_scalar(sql).fetch_one(tx.conn()).await.expect("locks")
}
