//! The scenes: what one process does and may not finish, and how the world comes back to it.

use crate::harness::{Scene, Stage};
use crate::line::Manner;
use crate::play::Play;
use chrono::TimeDelta;
use futures::stream;
use model::campaigns::Action;
use model::id::{CallId, ImportId};
use model::imports::ImportKind;
use providers::twilio::sign;
use providers::{Answer, HeaderMap, HeaderValue, Method, RefusalKind};
use services::dialer::Dial;
use services::dialer::lease::Lease;
use services::imports::jobs::{CheckImport, RunImport};
use services::jobs::Job;
use services::{Db, imports, inbox};
use std::convert::Infallible;

/// The manners of [`Record`], as words that may stand in a type.
pub const PLACED: u8 = 0;
pub const LOST: u8 = 1;
pub const TRANSIENT: u8 = 2;
pub const PERMANENT: u8 = 3;
pub const CONFIGURATION: u8 = 4;

/// Claim, requests and records of two calls, by one worker.
pub struct Turn(Play);

impl Scene for Turn {
    const POINTS_MIN: usize = 60;

    async fn set(stage: &Stage, name: &str) -> Self {
        Self(Play::launched(stage, name, 2, Manner::Takes).await)
    }
    fn play(&self) -> &Play {
        &self.0
    }
    async fn work(&self, stage: &Stage) {
        self.0.turn(stage, &stage.doomed).await;
    }
}

/// Only the claim: its intents are never placed, whether it commits or not.
pub struct Claim(Play);

impl Scene for Claim {
    const POINTS_MIN: usize = 20;

    async fn set(stage: &Stage, name: &str) -> Self {
        Self(Play::launched(stage, name, 2, Manner::Takes).await)
    }
    fn play(&self) -> &Play {
        &self.0
    }
    async fn work(&self, stage: &Stage) {
        let lease = Lease::init(&stage.doomed).await.expect("lease");
        self.0.plan(stage, &stage.doomed, &lease).await;
    }
}

/// An answer that the provider gave, on its way into the database.
pub struct Record<const MANNER: u8> {
    play: Play,
    dial: Dial,
    answer: Answer,
}

impl<const MANNER: u8> Scene for Record<MANNER> {
    const POINTS_MIN: usize = 3;

    async fn set(stage: &Stage, name: &str) -> Self {
        let manner = match MANNER {
            LOST => Manner::LosesFirstAnswer,
            TRANSIENT => Manner::RefusesFirst(RefusalKind::Transient),
            PERMANENT => Manner::Refuses(RefusalKind::Permanent),
            CONFIGURATION => Manner::Refuses(RefusalKind::Configuration),
            _ => Manner::Takes,
        };
        let play = Play::launched(stage, name, 1, manner).await;
        let lease = Lease::init(&stage.world.db).await.expect("lease");
        let dial = play.plan(stage, &stage.world.db, &lease).await.remove(0);
        let answer = play.place(&lease, &dial).await;
        Self { play, dial, answer }
    }
    fn play(&self) -> &Play {
        &self.play
    }
    async fn work(&self, stage: &Stage) {
        self.play.record(stage, &stage.doomed, &self.dial, self.answer.clone()).await;
    }
}

/// A call whose callbacks are on their way.
struct Called {
    play: Play,
    call: CallId,
}

impl Called {
    async fn set(stage: &Stage, name: &str) -> Self {
        let play = Play::calling(stage, name).await;
        let call = play.live_call(stage).await;
        Self { play, call }
    }

    async fn tell(&self, stage: &Stage, db: &Db, callback: providers::Callback) {
        stage.world.callback_to(db, self.play.acme.company, self.call, callback).await.expect("applied");
    }
}

/// A callback about a call: a pressed 9, or else its end, which pays, frees the lines, counts, decides about the person.
pub struct Told<const OPT_OUT: bool>(Called);

impl<const OPT_OUT: bool> Told<OPT_OUT> {
    fn callback(&self) -> providers::Callback {
        if OPT_OUT { self.line().opt_out_of_newest() } else { self.line().end_of_newest() }
    }
}

impl<const OPT_OUT: bool> Scene for Told<OPT_OUT> {
    const POINTS_MIN: usize = if OPT_OUT { 6 } else { 15 };

    async fn set(stage: &Stage, name: &str) -> Self {
        Self(Called::set(stage, name).await)
    }
    fn play(&self) -> &Play {
        &self.0.play
    }
    async fn work(&self, stage: &Stage) {
        self.0.tell(stage, &stage.doomed, self.callback()).await;
    }
    async fn again(&self, stage: &Stage) {
        self.0.tell(stage, &stage.world.db, self.callback()).await;
    }
}

/// A signed callback through the door, and its application.
pub struct Inbox {
    called: Called,
    token: String,
}

impl Inbox {
    async fn post(&self, db: &Db) {
        let gateway = self.called.play.gateway;
        let url = format!("{}/hooks/twilio/{gateway}?call={}", db.config().public_url, self.called.call);
        let sid = self.line().end_of_newest().id;
        let body =
            format!("CallSid={sid}&CallStatus=completed&SequenceNumber=3&CallbackSource=call-progress-events&CallDuration=61");
        let signature = sign::signature(&self.token, &url, &sign::decode_form(body.as_bytes()).expect("UTF-8"));
        let headers = HeaderMap::from_iter([
            ("content-type".parse().expect("a name"), HeaderValue::from_static("application/x-www-form-urlencoded")),
            (sign::HEADER.parse().expect("a name"), HeaderValue::from_str(&signature).expect("base64")),
        ]);
        let request = inbox::CallbackRequest { method: &Method::POST, url: &url, headers: &headers, body: body.as_bytes() };
        inbox::receive(db, gateway, request).await.expect("accepted");
        inbox::drain(db).await.expect("drained");
    }
}

impl Scene for Inbox {
    const POINTS_MIN: usize = 20;

    async fn set(stage: &Stage, name: &str) -> Self {
        let called = Called::set(stage, name).await;
        let token = stage.world.auth_token(called.play.acme.company, called.play.gateway).await.expect("token");
        Self { called, token }
    }
    fn play(&self) -> &Play {
        &self.called.play
    }
    async fn work(&self, stage: &Stage) {
        self.post(&stage.doomed).await;
    }
    async fn again(&self, stage: &Stage) {
        self.post(&stage.world.db).await; // it was not acknowledged, so it comes again
    }
}

/// An intent whose answer was never recorded, after the settling time: the look-up finds the call.
pub struct Found(Play);

impl Scene for Found {
    const POINTS_MIN: usize = 15;

    async fn set(stage: &Stage, name: &str) -> Self {
        let play = Play::launched(stage, name, 1, Manner::Takes).await;
        let lease = Lease::init(&stage.world.db).await.expect("lease");
        for dial in play.plan(stage, &stage.world.db, &lease).await {
            play.place(&lease, &dial).await;
        }
        stage.world.clock.advance(TimeDelta::minutes(5));
        Self(play)
    }
    fn play(&self) -> &Play {
        &self.0
    }
    async fn work(&self, stage: &Stage) {
        self.0.look_up(&stage.doomed).await;
    }
}

/// An intent that never left: two look-ups write it off, and the person is called later.
pub struct Absent(Play);

impl Scene for Absent {
    const POINTS_MIN: usize = 30;

    async fn set(stage: &Stage, name: &str) -> Self {
        let play = Play::launched(stage, name, 1, Manner::Takes).await;
        let lease = Lease::init(&stage.world.db).await.expect("lease");
        play.plan(stage, &stage.world.db, &lease).await;
        stage.world.clock.advance(TimeDelta::minutes(5));
        Self(play)
    }
    fn play(&self) -> &Play {
        &self.0
    }
    async fn work(&self, stage: &Stage) {
        self.0.look_up(&stage.doomed).await;
        stage.world.clock.advance(TimeDelta::minutes(5));
        self.0.look_up(&stage.doomed).await;
    }
}

/// A provider that could not tell for a day: the call is given up, and the hold comes back.
pub struct GivenUp(Play);

impl Scene for GivenUp {
    const POINTS_MIN: usize = 15;

    async fn set(stage: &Stage, name: &str) -> Self {
        let Found(play) = Found::set(stage, name).await;
        play.line.deafen(true);
        stage.world.clock.advance(TimeDelta::hours(25));
        Self(play)
    }
    fn play(&self) -> &Play {
        &self.0
    }
    async fn work(&self, stage: &Stage) {
        self.0.look_up(&stage.doomed).await;
    }
    async fn again(&self, stage: &Stage) {
        // The dead worker's claim on the look-up runs out.
        stage.world.clock.advance(TimeDelta::minutes(1));
        self.0.look_up(&stage.world.db).await;
    }
    async fn ending(&self, stage: &Stage) -> Vec<String> {
        self.line().deafen(false);
        self.0.run_out(stage).await
    }
}

/// A checked file of two chunks, brought in.
pub struct Import(Play);

const IMPORT_ROWS: usize = 1_100;

impl Import {
    async fn redeliver<J: Job>(&self, stage: &Stage, db: &Db) {
        for job in stage.world.jobs::<J>(self.0.acme.company).await.expect("jobs") {
            job.run(db.clone()).await.expect("run");
        }
    }
}

impl Scene for Import {
    const POINTS_MIN: usize = 15;

    async fn set(stage: &Stage, name: &str) -> Self {
        let play = Play::drafted(stage, name, 1, Manner::Takes).await;
        let mut text = "Name,Phone\r\n".to_owned();
        for i in 0..IMPORT_ROWS {
            text += &format!("Person {i},+1202555{i:04}\r\n");
        }
        let file = stream::iter([Ok::<_, Infallible>(text.into_bytes())]);
        let id: ImportId =
            imports::upload(&stage.world.db, &play.acme.actor, ImportKind::Contacts, "list.csv", file).await.expect("up");
        let scene = Self(play);
        let mut tx = stage.world.tx(&scene.0.acme).await;
        let mapping = imports::load(&mut tx, id).await.expect("load").mapping;
        imports::check(&mut tx, id, &mapping, "").await.expect("check");
        tx.commit().await.expect("commit");
        scene.redeliver::<CheckImport>(stage, &stage.world.db).await;
        let mut tx = stage.world.tx(&scene.0.acme).await;
        imports::run(&mut tx, id).await.expect("run");
        tx.commit().await.expect("commit");
        scene
    }
    fn play(&self) -> &Play {
        &self.0
    }
    async fn work(&self, stage: &Stage) {
        self.redeliver::<RunImport>(stage, &stage.doomed).await;
    }
    async fn again(&self, stage: &Stage) {
        self.redeliver::<RunImport>(stage, &stage.world.db).await;
    }
    async fn ending(&self, stage: &Stage) -> Vec<String> {
        stage.world.picture(self.0.acme.company).await.expect("picture")
    }
}

/// The click on Launch.
pub struct Launch(Play);

impl Scene for Launch {
    const POINTS_MIN: usize = 25;

    async fn set(stage: &Stage, name: &str) -> Self {
        Self(Play::drafted(stage, name, 2, Manner::Takes).await)
    }
    fn play(&self) -> &Play {
        &self.0
    }
    async fn work(&self, stage: &Stage) {
        self.0.act(&stage.doomed, Action::Launch).await;
    }
    async fn again(&self, stage: &Stage) {
        self.0.insist(stage, Action::Launch).await;
    }
}

/// The click on Cancel, with a call under way.
pub struct Cancel(Play);

impl Scene for Cancel {
    const POINTS_MIN: usize = 10;

    async fn set(stage: &Stage, name: &str) -> Self {
        Self(Play::calling(stage, name).await)
    }
    fn play(&self) -> &Play {
        &self.0
    }
    async fn work(&self, stage: &Stage) {
        self.0.act(&stage.doomed, Action::Cancel).await;
    }
    async fn again(&self, stage: &Stage) {
        self.0.insist(stage, Action::Cancel).await;
    }
}
