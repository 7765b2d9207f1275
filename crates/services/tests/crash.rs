//! Crash at every await: each scene is cut off at its first wait on the database or the network, at its second, and so on
//! until it ends by itself. After each cut the invariants hold, the line itself counts no second ring for one attempt, and
//! another worker brings the story to the end it would have had without the crash. Nothing in the product knows of this.

#[path = "crash/harness.rs"]
mod harness;
#[path = "crash/line.rs"]
mod line;
#[path = "crash/play.rs"]
mod play;
#[path = "crash/scenes.rs"]
mod scenes;
#[path = "crash/wire.rs"]
mod wire;

use harness::{cover, crash_at};

macro_rules! scenes {
    ($($name:ident = $scene:ty;)+) => {$(
        #[tokio::test]
        async fn $name() {
            cover::<$scene>().await;
        }
    )+};
}

scenes! {
    a_turn_of_the_dialer = scenes::Turn;
    a_claim_without_requests = scenes::Claim;
    recording_an_accepted_call = scenes::Record<{ scenes::PLACED }>;
    recording_a_lost_answer = scenes::Record<{ scenes::LOST }>;
    recording_a_refusal_for_now = scenes::Record<{ scenes::TRANSIENT }>;
    recording_a_refusal_for_good = scenes::Record<{ scenes::PERMANENT }>;
    recording_a_refusal_of_the_account = scenes::Record<{ scenes::CONFIGURATION }>;
    the_end_of_a_call = scenes::Told<false>;
    an_opt_out = scenes::Told<true>;
    a_signed_callback_from_the_door_to_the_call = scenes::Inbox;
    a_look_up_that_finds_the_call = scenes::Found;
    look_ups_that_agree_there_is_no_call = scenes::Absent;
    giving_a_call_up_after_a_day = scenes::GivenUp;
    an_import = scenes::Import;
    a_launch = scenes::Launch;
    a_cancellation = scenes::Cancel;
}

#[tokio::test]
async fn a_future_is_dropped_at_exactly_the_wait_that_was_asked_for() {
    use std::cell::Cell;
    let steps = Cell::new(0);
    let work = async || {
        for _ in 0..3 {
            steps.set(steps.get() + 1);
            tokio::task::yield_now().await;
        }
    };
    for (k, done, lives) in [(1, 1, false), (2, 2, false), (3, 3, false), (4, 3, true)] {
        steps.set(0);
        assert_eq!((crash_at(k, work()).await.is_some(), steps.get()), (lives, done), "cut off at wait {k}");
    }
}
