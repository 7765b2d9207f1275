//! `conformance twilio [--live [--call]]`: the environment, the clock and the screen for [`providers::conformance`].

use std::{process::ExitCode, time::Duration};

use chrono::{DateTime, Utc};
use providers::{
    conformance::{self, Clock, Line, Verdict, Wanted},
    http,
};

struct Real;

#[async_trait::async_trait]
impl Clock for Real {
    #[expect(clippy::disallowed_methods, reason = "a real account lives in real time")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
    async fn pause(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the keys of an account that belongs to nobody's gateway")]
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[tokio::main]
async fn main() -> ExitCode {
    rustls::crypto::ring::default_provider().install_default().ok();
    let wanted = match Wanted::parse(std::env::args().skip(1)) {
        Ok(wanted) => wanted,
        Err(why) => {
            eprintln!("error: {why}\nusage: conformance <provider> [--live [--call]]");
            return ExitCode::FAILURE;
        }
    };
    let client = match http::client() {
        Ok(client) => client,
        Err(why) => {
            eprintln!("error: {why}");
            return ExitCode::FAILURE;
        }
    };
    let report = conformance::run(wanted, env, client, &Real, &|line: &Line| println!("{line}")).await;
    let count = |verdict| report.count(verdict);
    println!(
        "\n{}: {} passed, {} failed, {} not checked{}",
        wanted.kind,
        count(Verdict::Passed),
        count(Verdict::Failed),
        count(Verdict::NotChecked),
        if wanted.live && count(Verdict::Passed) + count(Verdict::Failed) == 0 { ": nothing was checked" } else { "" },
    );
    // Without --live nothing was promised.
    if wanted.live { ExitCode::from(report.exit_code()) } else { ExitCode::SUCCESS }
}
