//! Answers of one company that are written down in one transaction.

use super::{Room, refused};
use crate::dialer::tray::Tray;
use crate::dialer::{Dial, record_all};
use crate::suppressions;
use model::calls::{CallFilter, Outcome};
use model::enrollments::EnrollmentStatus;
use model::page::Paging;
use model::suppressions::Source;
use providers::{Answer, ProviderCallId, RefusalKind};
use std::sync::Arc;
use tokio::task::JoinSet;

/// One of each kind, and some twice.
fn answers() -> Vec<Answer> {
    let placed = |id: &str| Answer::Placed(ProviderCallId::new(id));
    vec![
        placed("CA1"),
        refused(RefusalKind::Permanent),
        Answer::Unknown { why: "no answer in time".to_owned() },
        refused(RefusalKind::Transient),
        placed("CA2"),
        refused(RefusalKind::Permanent),
        refused(RefusalKind::Transient),
    ]
}

/// A campaign with a call under way for each of [`answers`].
async fn dialed() -> (Room, model::id::CampaignId, Vec<Dial>) {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, answers().len(), |form| form.concurrency_max = 50).await;
    let mut dials = room.plan(campaign).await.dials;
    dials.sort_by_key(|dial| dial.originate.to.to_string());
    assert_eq!(dials.len(), answers().len());
    (room, campaign, dials)
}

impl Room {
    async fn picture(&self) -> Vec<String> {
        self.world.picture(self.acme.company).await.expect("picture")
    }
}

#[tokio::test]
async fn answers_written_together_leave_what_they_leave_one_by_one() {
    let (alone, _, dials) = dialed().await;
    for (dial, answer) in dials.iter().zip(answers()) {
        alone.record(dial, answer).await;
    }
    alone.holds().await;

    let (together, campaign, dials) = dialed().await;
    let mut tx = together.world.db.begin(&together.world.engine(together.acme.company)).await.expect("begin");
    record_all(&mut tx, dials.iter().zip(answers()).collect()).await.expect("recorded");
    tx.commit().await.expect("commit");
    together.holds().await;

    assert_eq!(alone.picture().await, together.picture().await);
    let people = together.people(campaign).await;
    let of = |status| people.iter().filter(|p| p.status == status).count();
    assert_eq!((of(EnrollmentStatus::Failed), of(EnrollmentStatus::Queued), of(EnrollmentStatus::Calling)), (2, 2, 3));
}

#[tokio::test]
async fn answers_that_come_at_once_are_all_written_whoever_writes_them() {
    let (room, campaign, dials) = dialed().await;
    let (tray, mut tasks) = (Arc::new(Tray::default()), JoinSet::new());
    for (dial, answer) in dials.into_iter().zip(answers()) {
        let (db, tray) = (room.world.db.clone(), tray.clone());
        tasks.spawn(async move { tray.note(&db, dial, answer).await });
    }
    tasks.join_all().await;
    room.holds().await;
    let mut tx = room.world.tx(&room.acme).await;
    let calls =
        crate::calls::list(&mut tx, &CallFilter { paging: Paging::new(1, 100), ..CallFilter::default() }).await.expect("calls");
    assert_eq!(calls.items.iter().filter(|call| call.state.outcome == Some(Outcome::Failed)).count(), 4);
    drop(tx);
    assert_eq!(room.people(campaign).await.iter().filter(|p| p.status == EnrollmentStatus::Calling).count(), 3);
}

#[tokio::test]
async fn who_opted_out_since_the_intent_is_spared_also_among_others() {
    let (room, _, dials) = dialed().await;
    let mut tx = room.world.db.begin(&room.world.engine(room.acme.company)).await.expect("begin");
    suppressions::opt_out(&mut tx, &dials[0].originate.to, Source::Dtmf, "asked").await.expect("suppressed");
    tx.commit().await.expect("commit");
    let mut tx = room.world.db.begin(&room.world.engine(room.acme.company)).await.expect("begin");
    record_all(&mut tx, dials.iter().zip(answers()).collect()).await.expect("recorded");
    tx.commit().await.expect("commit");
    let asked = room.world.jobs::<crate::calls::HangUp>(room.acme.company).await.expect("jobs");
    assert_eq!(asked.len(), 1, "only the call to them is ended");
    room.holds().await;
}
