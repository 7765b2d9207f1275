//! Crashing at the k-th wait. Every await on the database or the network is a `Pending`; a future dropped there is a
//! process that died there: what it had sent may arrive or not, and nobody hears the answer.

use crate::line::Line;
use crate::play::Play;
use crate::wire;
use services::testing::World;
use services::{Db, check, inbox};
use std::future::{Future, poll_fn};
use std::task::Poll;

/// More waits than any scenario has; a scenario that needs more does not end.
const POINTS_MAX: usize = 300;
/// Connections that a doomed process has per pool.
const CONNECTIONS: usize = 3;

/// Polls `work` until its `k`-th `Pending` and drops it there. `None` when it did not live to its end.
pub async fn crash_at<T>(k: usize, work: impl Future<Output = T>) -> Option<T> {
    let mut work = Box::pin(work);
    let mut waits = 0;
    poll_fn(move |cx| match work.as_mut().poll(cx) {
        Poll::Ready(out) => Poll::Ready(Some(out)),
        Poll::Pending => {
            waits += 1;
            if waits >= k { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}

/// One database, a process that lives and one that dies again and again.
pub struct Stage {
    pub world: World,
    pub doomed: Db,
}

impl Stage {
    pub async fn new() -> Self {
        // The adapters' HTTP client wants a TLS provider; nothing here touches the network.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = World::with_seed(11).await;
        let port = wire::between(world.server()).await;
        let doomed = world.another_process(13, Some(port));
        Self { world, doomed }
    }

    /// Both pools of the doomed process have more connections than a scene uses, one after the other, before the first is
    /// back in its pool: signing in to Postgres waits hundreds of times, and none of them is of interest.
    async fn connect(&self) {
        let (mut system, mut company) = (Vec::new(), Vec::new());
        let engine = self.world.engine(uuid::Uuid::nil().into());
        for _ in 0..CONNECTIONS {
            system.push(self.doomed.begin_system(services::SystemTask::FindWork).await.expect("connected"));
            company.push(self.doomed.begin(&engine).await.expect("connected"));
        }
        inbox::warm(&self.doomed).await.expect("connected");
    }

    pub async fn holds(&self, play: &Play, when: &str) {
        let violations = check::of(&self.world.db, play.acme.company).await.expect("checked");
        assert_eq!(violations, Vec::<String>::new(), "{when}");
        assert_eq!(play.line.rung_twice(), Vec::<String>::new(), "{when}: the line counts more than one ring for one attempt");
    }
}

/// Something that is done by one process, may be cut off anywhere, and is then finished by another.
pub trait Scene: Sized {
    /// Points at which it must at least have been cut off: fewer mean that the scene no longer does its work.
    const POINTS_MIN: usize;

    /// A new company at the moment before.
    async fn set(stage: &Stage, name: &str) -> Self;
    fn play(&self) -> &Play;
    fn line(&self) -> &Line {
        &self.play().line
    }
    /// What is cut off. It must not panic when it is not.
    async fn work(&self, stage: &Stage);
    /// What the world does about it at once: a redelivery, another click. Without it, a worker finds it later.
    async fn again(&self, _: &Stage) {}
    /// Runs the rest of the story and tells how it ended.
    async fn ending(&self, stage: &Stage) -> Vec<String> {
        self.play().run_out(stage).await
    }
}

/// Cuts a scene off at its first wait, its second, and so on until it ends by itself. Each time the checker is clean and the
/// story ends as it would have without the crash.
pub async fn cover<S: Scene>() {
    let stage = Stage::new().await;
    let name = std::any::type_name::<S>().rsplit("::").next().unwrap_or_default();
    let start = stage.world.clock.now();
    let whole = S::set(&stage, name).await;
    whole.work(&stage).await;
    let expected = whole.ending(&stage).await;
    stage.holds(whole.play(), "without a crash").await;
    for k in 1..POINTS_MAX {
        stage.world.clock.set(start);
        // Before the scene is set, which takes long enough for the connections to be back in their pools.
        stage.connect().await;
        let scene = S::set(&stage, &format!("{name} {k}")).await;
        let lived = crash_at(k, scene.work(&stage)).await.is_some();
        let when = format!("{name} cut off at wait {k}");
        stage.holds(scene.play(), &when).await;
        if !lived {
            scene.again(&stage).await;
        }
        let ending = scene.ending(&stage).await;
        stage.holds(scene.play(), &format!("{when}, and finished by another")).await;
        assert_eq!(ending, expected, "{when}");
        if lived {
            let report = check::run(&stage.world.db).await.expect("checked");
            assert_eq!(report.violations, Vec::<String>::new(), "across all the companies of this stage");
            println!("{name}: cut off at {} points", k - 1);
            assert!(k > S::POINTS_MIN, "{name} was cut off at {} points; {} were expected", k - 1, S::POINTS_MIN);
            return;
        }
    }
    panic!("{name} does not end");
}
