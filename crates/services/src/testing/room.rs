//! A company and one worker: what most tests of the dialer start with.

use super::{Someone, World};
use crate::dialer::lease::Lease;
use crate::dialer::{self, Dial, Turn};
use crate::{calls, check};
use model::calls::{CallState, Outcome};
use model::id::{CallId, CampaignId};
use providers::Answer;

/// The parts are in reach; the methods are a worker's steps, one transaction each.
pub(crate) struct Room {
    pub world: World,
    pub acme: Someone,
    pub lease: Lease,
}

impl Room {
    pub async fn new() -> Self {
        let world = World::new().await;
        let acme = world.company("acme").await;
        let lease = Lease::init(&world.db).await.expect("lease");
        Self { world, acme, lease }
    }

    pub async fn plan(&self, campaign: CampaignId) -> Turn {
        let mut tx = self.world.db.begin(&self.world.engine(self.acme.company)).await.expect("begin");
        let turn = dialer::plan(&mut tx, campaign, self.lease.worker).await.expect("planned");
        tx.commit().await.expect("commit");
        turn
    }

    pub async fn record(&self, dial: &Dial, answer: Answer) {
        let mut tx = self.world.db.begin(&self.world.engine(self.acme.company)).await.expect("begin");
        dialer::record(&mut tx, dial, answer).await.expect("recorded");
        tx.commit().await.expect("commit");
    }

    /// A call comes to its end, and its lines are free again.
    pub async fn end(&self, call: CallId, outcome: Outcome) {
        let mut tx = self.world.db.begin(&self.world.engine(self.acme.company)).await.expect("begin");
        calls::absorb(&mut tx, call, calls::Report::state(CallState::ended(outcome))).await.expect("absorbed");
        tx.commit().await.expect("commit");
    }

    pub async fn holds(&self) {
        assert_eq!(check::run(&self.world.db).await.expect("checked").violations, Vec::<String>::new());
    }
}
