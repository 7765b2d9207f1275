//! A company with a campaign and a line, and the little that a worker does, in the words of the scenes.

use crate::harness::Stage;
use crate::line::{Line, Manner};
use chrono::TimeDelta;
use model::calls::CallStatus;
use model::campaigns::{Action, CampaignForm, Retry, Status};
use model::credits::Credits;
use model::id::{CallId, CampaignId, GatewayId};
use providers::Answer;
use services::dialer::lease::Lease;
use services::dialer::{self, Dial, Network};
use services::testing::Someone;
use services::{Db, campaigns, credits, inbox};
use std::sync::Arc;
use std::time::Instant;

/// Rounds to the end of a campaign; many more than any here needs.
const ROUNDS_MAX: usize = 500;

pub struct Play {
    pub acme: Someone,
    pub campaign: CampaignId,
    pub gateway: GatewayId,
    pub line: Arc<Line>,
}

fn patient(form: &mut CampaignForm) {
    form.retries.failed = Retry { wait_minutes: 5, times: 3 };
    form.retries.attempts_max = 6;
    form.retries.attempts_per_day_max = 6;
}

impl Play {
    pub async fn drafted(stage: &Stage, name: &str, people: usize, manner: Manner) -> Self {
        let acme = stage.world.company(name).await;
        let campaign = stage.world.drafted(&acme, people, patient).await;
        let mut tx = stage.world.tx(&acme).await;
        let gateway = services::gateways::list(&mut tx).await.expect("gateways")[0].id;
        Self { acme, campaign, gateway, line: Arc::new(Line::new(&stage.world.clock, manner)) }
    }

    pub async fn launched(stage: &Stage, name: &str, people: usize, manner: Manner) -> Self {
        let play = Self::drafted(stage, name, people, manner).await;
        play.act(&stage.world.db, Action::Launch).await;
        play
    }

    /// One call is placed and recorded.
    pub async fn calling(stage: &Stage, name: &str) -> Self {
        let play = Self::launched(stage, name, 1, Manner::Takes).await;
        play.turn(stage, &stage.world.db).await;
        play
    }

    pub async fn act(&self, db: &Db, action: Action) {
        self.click(db, action).await.expect("moved");
    }

    async fn click(&self, db: &Db, action: Action) -> services::Result<()> {
        let mut tx = db.begin(&self.acme.actor).await?;
        campaigns::act(&mut tx, self.campaign, action).await?;
        tx.commit().await
    }

    /// Somebody clicks once more because nobody answered. The first click may have come through after all, even while they
    /// were clicking: then they are told that there is nothing left to do.
    pub async fn insist(&self, stage: &Stage, action: Action) {
        match self.click(&stage.world.db, action).await {
            Ok(()) => {}
            Err(services::Error::Told(model::Error::Conflict { .. })) => {
                let status = self.status(stage).await;
                let happened = if action == Action::Launch { status != Status::Draft } else { status == Status::Cancelled };
                assert!(happened, "{action:?} was refused to a campaign that is {status:?}");
            }
            Err(other) => panic!("{action:?}: {other}"),
        }
    }

    pub async fn status(&self, stage: &Stage) -> Status {
        let mut tx = stage.world.tx(&self.acme).await;
        campaigns::load(&mut tx, self.campaign).await.expect("campaign").status
    }

    fn network(&self) -> Network {
        Network::scripted(self.line.clone())
    }

    /// Commits intents, and nothing more.
    pub async fn plan(&self, stage: &Stage, db: &Db, lease: &Lease) -> Vec<Dial> {
        let engine = stage.world.engine(self.acme.company);
        let mut tx = db.begin(&engine).await.expect("begin");
        let turn = dialer::plan(&mut tx, self.campaign, lease.worker).await.expect("planned");
        tx.commit().await.expect("commit");
        turn.dials
    }

    pub async fn place(&self, lease: &Lease, dial: &Dial) -> Answer {
        dialer::act(&self.network(), lease, dial, Instant::now()).await
    }

    pub async fn record(&self, stage: &Stage, db: &Db, dial: &Dial, answer: Answer) {
        let mut tx = db.begin(&stage.world.engine(self.acme.company)).await.expect("begin");
        dialer::record(&mut tx, dial, answer).await.expect("recorded");
        tx.commit().await.expect("commit");
    }

    /// A worker's turn on this campaign, whole.
    pub async fn turn(&self, stage: &Stage, db: &Db) {
        let lease = Lease::init(db).await.expect("lease");
        for dial in self.plan(stage, db, &lease).await {
            lease.confirm(db).await.expect("lease");
            let answer = self.place(&lease, &dial).await;
            self.record(stage, db, &dial, answer).await;
        }
    }

    pub async fn look_up(&self, db: &Db) {
        let (late, _) = dialer::due_checks(db).await.expect("due");
        for call in late.iter().filter(|late| late.company_id == self.acme.company) {
            dialer::reconcile(db, &self.network(), call).await.expect("looked up");
        }
    }

    /// The one call of the play that is under way.
    pub async fn live_call(&self, stage: &Stage) -> CallId {
        let mut tx = stage.world.tx(&self.acme).await;
        let page = services::calls::list(&mut tx, &model::calls::CallFilter::default()).await.expect("calls");
        page.items.iter().find(|row| row.state.status != CallStatus::Ended).expect("a live call").id
    }

    /// Lets the clock jump from one due moment to the next until the campaign is over, and tells what came of it.
    pub async fn run_out(&self, stage: &Stage) -> Vec<String> {
        let world = &stage.world;
        for _ in 0..ROUNDS_MAX {
            // What a dead worker had locked is skipped once, and handled in the next round.
            inbox::drain(&world.db).await.expect("drained");
            if !world.runnable(self.acme.company).await.expect("runnable").is_empty() {
                self.turn(stage, &world.db).await;
            }
            self.look_up(&world.db).await;
            let over = matches!(self.status(stage).await, Status::Completed | Status::Cancelled | Status::Paused);
            let held = credits::wallet(&mut world.tx(&self.acme).await).await.expect("wallet").held;
            if over && held == Credits::ZERO {
                let mut picture = world.picture(self.acme.company).await.expect("picture");
                picture.extend(self.line.rings());
                return picture;
            }
            let soon = world.clock.now() + TimeDelta::milliseconds(10);
            let next = world.next_moment(self.acme.company).await.expect("next").unwrap_or(soon);
            world.clock.set(next.max(soon));
        }
        panic!("the campaign does not end");
    }
}
