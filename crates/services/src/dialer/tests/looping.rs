//! The loop of one worker as a whole: woken by time, saturated by a provider that hangs, without its database, told to stop.

use super::*;
use crate::db::Db;
use crate::dialer::run::{REQUESTS_MAX, run};
use crate::dialer::{BATCH_MAX, Network};
use crate::testing::World;
use async_trait::async_trait;
use model::calls::{CallFilter, CallStatus};
use providers::scripted::Script;
use providers::{LookUp, Observed, Originate, ProviderError};
use sqlx::{Connection, Executor, PgConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// The people of a full turn.
const FULL: usize = BATCH_MAX as usize;
/// Long enough for several turns.
const A_WHILE: Duration = Duration::from_millis(400);

/// Answers nothing until it is let go, and then refuses for good.
struct Hanging {
    asked: AtomicUsize,
    looked: AtomicUsize,
    gate: Semaphore,
}

impl Hanging {
    fn new() -> Arc<Self> {
        Arc::new(Self { asked: AtomicUsize::new(0), looked: AtomicUsize::new(0), gate: Semaphore::new(0) })
    }

    fn let_go(&self) {
        self.gate.add_permits(1_000);
    }

    async fn wait(&self) {
        self.gate.acquire().await.expect("open").forget();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn looked(&self) -> usize {
        self.looked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Script for Hanging {
    async fn originate(&self, _: &Originate) -> Answer {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.wait().await;
        refused(RefusalKind::Permanent)
    }

    async fn find(&self, _: &LookUp) -> std::result::Result<Vec<Observed>, ProviderError> {
        self.looked.fetch_add(1, Ordering::SeqCst);
        self.wait().await;
        Ok(Vec::new())
    }
}

struct Worker {
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Worker {
    fn start(db: &Db, provider: &Arc<Hanging>) -> Self {
        let stop = CancellationToken::new();
        #[expect(clippy::disallowed_methods, reason = "a test's worker; `end` waits for it")]
        let task = tokio::spawn(run(db.clone(), Network::scripted(provider.clone()), stop.clone()));
        Self { stop, task }
    }

    async fn end(self) -> anyhow::Result<()> {
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.expect("it stops").expect("it does not panic")
    }
}

async fn until(what: &str, happened: impl Fn() -> bool) {
    let waiting = async {
        while !happened() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(PATIENCE, waiting).await.is_ok(), "never: {what}");
}

async fn owner(world: &World) -> PgConnection {
    PgConnection::connect(&world.owner_url()).await.expect("connect")
}

async fn live_calls(room: &Room) -> i64 {
    let mut tx = room.world.tx(&room.acme).await;
    crate::calls::list(&mut tx, &CallFilter { live: true, ..CallFilter::default() }).await.expect("calls").total
}

#[tokio::test]
async fn a_stop_waits_for_the_requests_under_way_and_writes_their_answers_down() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 3, |_| {}).await;
    let provider = Hanging::new();
    let worker = Worker::start(&room.world.db, &provider);
    until("all are dialed", || provider.asked() == 3).await;
    worker.stop.cancel();
    sleep(A_WHILE).await;
    assert!(!worker.task.is_finished(), "three requests are under way");
    assert_eq!(live_calls(&room).await, 3);
    provider.let_go();
    worker.end().await.expect("ended");
    assert_eq!(live_calls(&room).await, 0);
    assert!(room.people(campaign).await.iter().all(|p| p.status == EnrollmentStatus::Failed), "refused for good, each once");
    assert_eq!(provider.asked(), 3);
    room.holds().await;
}

#[tokio::test]
async fn a_scheduled_campaign_starts_by_itself_when_its_time_has_come() {
    let room = Room::new().await;
    let starts_at = room.world.clock.now() + TimeDelta::hours(1);
    let campaign = room.world.drafted(&room.acme, 2, |form| form.starts_at = Some(starts_at)).await;
    let mut tx = room.world.tx(&room.acme).await;
    campaigns::act(&mut tx, campaign, Action::Schedule).await.expect("scheduled");
    tx.commit().await.expect("commit");
    let provider = Hanging::new();
    provider.let_go();
    let worker = Worker::start(&room.world.db, &provider);
    sleep(A_WHILE).await;
    assert_eq!((provider.asked(), room.status(campaign).await.0), (0, Status::Scheduled));
    room.world.clock.advance(TimeDelta::hours(1));
    until("both are dialed", || provider.asked() == 2).await;
    worker.end().await.expect("ended");
    room.holds().await;
}

/// Companies whose every turn is a full one, with a campaign each.
async fn busy_companies(room: &Room, names: &[&str]) {
    for name in names {
        let company = room.world.company(name).await;
        crate::credits::adjust_at_console(&room.world.db, company.company, Credits::whole(1_000), "Load").await.expect("paid");
        let mut tx = room.world.tx(&company).await;
        sqlx::query("update gateways set calls_per_second = 100, tokens_milli = 100000").execute(tx.conn()).await.expect("rate");
        sqlx::query("update capacity set cap = 1000").execute(tx.conn()).await.expect("lines");
        tx.commit().await.expect("commit");
        room.world.launched(&company, FULL, |form| form.concurrency_max = 1_000).await;
    }
    sqlx::raw_sql("update capacity set cap = 1000").execute(&mut owner(&room.world).await).await.expect("lines");
}

#[tokio::test]
async fn a_provider_that_hangs_saturates_the_worker_which_goes_on_when_it_answers() {
    let room = Room::new().await;
    busy_companies(&room, &["ash", "birch", "cedar", "dogwood", "elm"]).await;
    let provider = Hanging::new();
    let worker = Worker::start(&room.world.db, &provider);
    until("four turns are dialed", || provider.asked() == 4 * FULL).await;
    sleep(A_WHILE).await;
    assert_eq!(provider.asked(), 4 * FULL, "no intent is committed that could not be requested at once");
    provider.let_go();
    until("the fifth turn is dialed", || provider.asked() == 5 * FULL).await;
    worker.end().await.expect("ended");
    room.holds().await;
}

#[tokio::test]
async fn look_ups_that_hang_leave_no_room_for_more_and_lose_none() {
    const SPARE: usize = REQUESTS_MAX - 4 * FULL;
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 10, |form| form.concurrency_max = 10).await;
    for dial in room.plan(campaign).await.dials {
        room.record(&dial, Answer::Unknown { why: "no answer".to_owned() }).await;
    }
    let mut tx = room.world.tx(&room.acme).await;
    sqlx::query("update campaigns set runnable_at = null").execute(tx.conn()).await.expect("parked");
    tx.commit().await.expect("commit");
    busy_companies(&room, &["birch", "cedar", "dogwood", "elm"]).await;
    room.world.clock.advance(TimeDelta::minutes(5));
    let provider = Hanging::new();
    let worker = Worker::start(&room.world.db, &provider);
    until("the room that is left is for look-ups", || provider.looked() == SPARE).await;
    sleep(A_WHILE).await;
    assert_eq!((provider.asked(), provider.looked()), (4 * FULL, SPARE));
    provider.let_go();
    until("all are looked up", || provider.looked() >= 10).await;
    worker.end().await.expect("ended");
    room.holds().await;
}

#[tokio::test]
async fn one_slow_request_keeps_one_slot_and_not_those_of_its_turn() {
    let room = Room::new().await;
    let others = [room.world.company("ash").await, room.world.company("birch").await, room.world.company("cedar").await];
    let more = [room.world.company("dogwood").await, room.world.company("elm").await];
    for company in [&room.acme].into_iter().chain(&others).chain(&more) {
        room.world.launched(company, 1, |_| {}).await;
    }
    let provider = Hanging::new();
    let worker = Worker::start(&room.world.db, &provider);
    until("six slow requests of six companies are under way", || provider.asked() == 6).await;
    provider.let_go();
    worker.end().await.expect("ended");
    room.holds().await;
}

#[tokio::test]
async fn a_campaign_whose_turn_fails_is_set_aside_and_the_others_go_on() {
    let room = Room::new().await;
    let broken = room.world.launched(&room.acme, 1, |_| {}).await;
    let mut tx = room.world.tx(&room.acme).await;
    sqlx::query("update campaigns set form = '{}'").execute(tx.conn()).await.expect("broken");
    tx.commit().await.expect("commit");
    let birch = room.world.company("birch").await;
    room.world.launched(&birch, 1, |_| {}).await;
    let provider = Hanging::new();
    provider.let_go();
    let worker = Worker::start(&room.world.db, &provider);
    until("the other is dialed", || provider.asked() == 1).await;
    sleep(A_WHILE).await;
    worker.end().await.expect("ended");
    let mut tx = room.world.tx(&room.acme).await;
    let (parked, at): (Option<String>, Option<chrono::DateTime<chrono::Utc>>) =
        sqlx::query_as("select parked, runnable_at from campaigns where id = $1")
            .bind(broken)
            .fetch_one(tx.conn())
            .await
            .expect("campaign");
    assert_eq!((parked.as_deref(), at), (Some("trouble"), Some(tx.now() + TimeDelta::seconds(30))));
}

#[tokio::test]
async fn without_its_database_it_waits_forgets_no_intent_and_still_stops() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 1, |_| {}).await;
    // A process of its own, so that the test can still look when that process has lost its database.
    let process = room.world.another_process(2, None);
    let provider = Hanging::new();
    let worker = Worker::start(&process, &provider);
    until("the person is dialed", || provider.asked() == 1).await;
    process.close().await;
    provider.let_go();
    // Long enough for a beat of the lease, a sweep and several turns without a database.
    sleep(crate::dialer::lease::BEAT + A_WHILE).await;
    assert!(!worker.task.is_finished(), "it waits for the database");
    worker.end().await.expect("ended");
    assert_eq!(room.people(campaign).await[0].status, EnrollmentStatus::Calling, "the answer was lost; the intent stays");
    let mut tx = room.world.tx(&room.acme).await;
    let calls = crate::calls::list(&mut tx, &CallFilter::default()).await.expect("calls");
    assert_eq!((calls.total, calls.items[0].state.status), (1, CallStatus::Dialing));
    drop(tx);
    room.holds().await;
}

#[tokio::test]
async fn a_worker_waits_for_its_first_lease_and_gives_up_when_it_may_not_have_one() {
    let world = World::new().await;
    let away = world.another_process(2, None);
    away.close().await;
    let provider = Hanging::new();
    let worker = Worker::start(&away, &provider);
    sleep(A_WHILE).await;
    assert!(!worker.task.is_finished(), "the database may come back");
    worker.end().await.expect("told to stop, and that is no failure");
    let mut owner = owner(&world).await;
    owner.execute("revoke insert on workers from system").await.expect("revoked");
    let refused = Worker::start(&world.db, &provider);
    let error = timeout(PATIENCE, refused.task).await.expect("it gives up").expect("no panic").expect_err("no lease");
    assert!(error.to_string().contains("permission denied"), "{error}");
}

#[tokio::test]
async fn a_bell_that_is_lost_does_not_end_the_loop() {
    let world = World::new().await;
    let process = world.another_process(2, None);
    let provider = Hanging::new();
    let worker = Worker::start(&process, &provider);
    sleep(A_WHILE).await;
    drop(world); // and with it the database: every connection of the worker ends
    sleep(A_WHILE * 3).await;
    assert!(!worker.task.is_finished());
    worker.end().await.expect("ended");
}

#[tokio::test]
async fn a_claim_that_loses_its_connection_is_made_again() {
    let room = Room::new().await;
    room.world.launched(&room.acme, 1, |_| {}).await;
    let mut blocker = room.world.tx(&room.acme).await;
    sqlx::query("select 1 from capacity for update").execute(blocker.conn()).await.expect("locked");
    let provider = Hanging::new();
    provider.let_go();
    let process = room.world.another_process(2, None);
    let worker = Worker::start(&process, &provider);
    let mut owner = owner(&room.world).await;
    let ended = async {
        let sql = "select count(pg_terminate_backend(a.pid)) from pg_stat_activity a join pg_locks l on l.pid = a.pid
                   where not l.granted and a.datname = current_database()";
        while sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut owner).await.expect("looked") == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, ended).await.expect("the claim waits for a lock");
    assert_eq!(provider.asked(), 0);
    drop(blocker);
    until("the person is dialed all the same", || provider.asked() == 1).await;
    worker.end().await.expect("ended");
    room.holds().await;
}

#[tokio::test]
async fn a_look_up_that_cannot_be_written_down_is_made_later() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 1, |_| {}).await;
    let dial = room.plan(campaign).await.dials.remove(0);
    room.record(&dial, Answer::Unknown { why: "no answer".to_owned() }).await;
    let mut owner = owner(&room.world).await;
    owner.execute("revoke select on gateways from company").await.expect("revoked");
    room.world.clock.advance(TimeDelta::minutes(2));
    let provider = Hanging::new();
    provider.let_go();
    let worker = Worker::start(&room.world.db, &provider);
    sleep(A_WHILE).await;
    assert_eq!((provider.looked(), worker.task.is_finished()), (0, false));
    owner.execute("grant select on gateways to company").await.expect("granted");
    until("it is looked up", || provider.looked() > 0).await;
    worker.end().await.expect("ended");
    room.holds().await;
}

#[tokio::test]
async fn a_worker_that_lives_goes_on_renewing_its_lease() {
    let world = World::new().await;
    let worker = Worker::start(&world.db, &Hanging::new());
    sleep(A_WHILE).await;
    world.clock.advance(TimeDelta::seconds(10));
    let mut owner = owner(&world).await;
    let fresh = world.clock.now() + TimeDelta::seconds(crate::dialer::lease::SECONDS.cast_signed());
    let renewed = async {
        let sql = "select count(*) from workers where lease_until = $1";
        while sqlx::query_scalar::<_, i64>(sql).bind(fresh).fetch_one(&mut owner).await.expect("looked") == 0 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, renewed).await.expect("renewed within a beat");
    worker.end().await.expect("ended");
}
