//! Look-ups of calls that are later than they should be, against a provider that does as it is told.

use crate::db::Db;
use crate::dialer::{Dial, Network, due_checks, reconcile};
use crate::testing::World;
use crate::testing::room::Room;
use crate::{calls, credits};
use async_trait::async_trait;
use chrono::TimeDelta;
use model::calls::{CallStatus, Outcome};
use model::credits::Credits;
use model::id::{CallId, CompanyId};
use providers::scripted::Script;
use providers::{Answer, LookUp, Observed, ProviderCallId, ProviderError, ProviderStatus};
use std::sync::Arc;

/// Knows of no call; while it looks, a callback about the call may come in.
struct Forgetful {
    db: Db,
    company: CompanyId,
    meanwhile: Option<CallId>,
}

fn ringing(id: &str) -> Observed {
    Observed::new(ProviderCallId::new(id), ProviderStatus::Ringing, "ringing")
}

#[async_trait]
impl Script for Forgetful {
    async fn find(&self, _: &LookUp) -> Result<Vec<Observed>, ProviderError> {
        if let Some(call) = self.meanwhile {
            let mut tx = self.db.begin(&crate::Actor::engine(self.company)).await.expect("begin");
            calls::absorb(&mut tx, call, calls::report_of(&ringing("CA1"))).await.expect("absorbed");
            tx.commit().await.expect("commit");
        }
        Ok(Vec::new())
    }
}

/// One call without an answer, and its look-ups.
struct Lost {
    room: Room,
    dial: Dial,
}

impl Lost {
    async fn new() -> Self {
        let room = Room::new().await;
        let campaign = room.world.launched(&room.acme, 1, |_| {}).await;
        let dial = room.plan(campaign).await.dials.remove(0);
        room.record(&dial, Answer::Unknown { why: "no answer".to_owned() }).await;
        Self { room, dial }
    }

    fn world(&self) -> &World {
        &self.room.world
    }

    /// Every look-up that is due within the next five minutes; with `meanwhile`, a callback comes in during it.
    async fn look_up(&self, meanwhile: bool) {
        self.world().clock.advance(TimeDelta::minutes(5));
        let provider = Forgetful {
            db: self.world().db.clone(),
            company: self.room.acme.company,
            meanwhile: meanwhile.then_some(self.dial.call),
        };
        let network = Network::scripted(Arc::new(provider));
        let (late, _) = due_checks(&self.world().db).await.expect("due");
        assert_eq!(late.len(), 1, "the call is looked up");
        reconcile(&self.world().db, &network, &late[0]).await.expect("looked up");
    }

    async fn state(&self) -> (CallStatus, Option<Outcome>) {
        let mut tx = self.world().tx(&self.room.acme).await;
        let call = calls::repo::lock(&mut tx, self.dial.call).await.expect("call");
        (call.status, call.outcome)
    }

    async fn held(&self) -> Credits {
        let mut tx = self.world().tx(&self.room.acme).await;
        credits::wallet(&mut tx).await.expect("wallet").held
    }
}

#[tokio::test]
async fn two_look_ups_that_find_nothing_write_the_attempt_off() {
    let lost = Lost::new().await;
    lost.look_up(false).await;
    assert_eq!((lost.state().await.0, lost.held().await), (CallStatus::Dialing, Credits::whole(2)), "one is not enough");
    lost.look_up(false).await;
    assert_eq!((lost.state().await, lost.held().await), ((CallStatus::Ended, Some(Outcome::Failed)), Credits::ZERO));
    lost.room.holds().await;
}

#[tokio::test]
async fn a_callback_during_the_last_look_up_keeps_the_call_alive() {
    let lost = Lost::new().await;
    lost.look_up(false).await;
    lost.look_up(true).await;
    assert_eq!((lost.state().await, lost.held().await), ((CallStatus::Ringing, None), Credits::whole(2)));
    lost.room.holds().await;
}

/// Shows every call as under way, for ever.
struct Endless;

#[async_trait]
impl Script for Endless {
    async fn fetch(&self, id: &ProviderCallId) -> Result<Option<Observed>, ProviderError> {
        Ok(Some(Observed::new(id.clone(), ProviderStatus::InProgress, "in-progress")))
    }
}

#[tokio::test]
async fn a_call_that_never_ends_at_its_provider_is_given_up_after_a_day() {
    let lost = Lost::new().await;
    let id = ProviderCallId::new("CA1");
    lost.room.record(&lost.dial, Answer::Placed(id)).await;
    let look = async || {
        let (late, _) = due_checks(&lost.world().db).await.expect("due");
        reconcile(&lost.world().db, &Network::scripted(Arc::new(Endless)), &late[0]).await.expect("looked up");
    };
    lost.world().clock.advance(TimeDelta::minutes(30));
    look().await;
    assert_eq!(lost.state().await, (CallStatus::InProgress, None));
    lost.world().clock.advance(TimeDelta::hours(24));
    look().await;
    assert_eq!((lost.state().await, lost.held().await), ((CallStatus::Ended, Some(Outcome::Unknown)), Credits::ZERO));
    lost.room.holds().await;
}

#[tokio::test]
async fn nobody_is_asked_to_end_a_call_who_cannot() {
    let lost = Lost::new().await;
    let mut tx = lost.world().tx(&lost.room.acme).await;
    let why = |answer: crate::Result<()>| answer.expect_err("refused").to_string();
    sqlx::query("update gateways set kind = 'maqsam'").execute(tx.conn()).await.expect("changed");
    assert!(why(calls::hang_up(&mut tx, lost.dial.call).await).contains("Maqsam cannot be asked to end a call"));
    sqlx::query("update gateways set kind = 'twilio'").execute(tx.conn()).await.expect("changed");
    calls::hang_up(&mut tx, lost.dial.call).await.expect("asked");
}
