//! How a world hears of its calls: by callbacks, or by asking where nothing is sent.

use std::{collections::HashSet, time::Duration};

use chrono::TimeDelta;
use providers::*;
use serde_json::Value;

use super::support::{DEADLINE, Heard, World, now};

impl World {
    /// The news so far, once it satisfies the condition.
    pub async fn hear(&self, what: &str, enough: impl Fn(&[Heard]) -> bool) -> Vec<Heard> {
        if self.kind.is_polled() {
            return self.ask_until(what, enough).await;
        }
        let mut heard = self.heard.subscribe();
        let waited = tokio::time::timeout(DEADLINE, heard.wait_for(|all| enough(all))).await;
        match waited {
            Ok(all) => all.expect("the listener runs").clone(),
            Err(_) => panic!("did not hear {what}: {:#?}", self.heard.borrow()),
        }
    }

    /// All news of all calls so far, once gremlin has sent the last of it.
    pub async fn hear_all(&self) -> Vec<Heard> {
        let over = |answer: &Value| answer["calls"].as_array().is_some_and(|all| all.iter().all(|call| call["over"] == true));
        let calls = self.control_until("calls?limit=1000", over).await;
        let sent = |call: &Value| {
            let arrived = |sent: &&Value| sent["status"].is_u64() && sent["event"] != "document";
            call["callbacks"].as_array().map_or(0, |sent| sent.iter().filter(arrived).count())
        };
        let sent: usize = calls["calls"].as_array().expect("calls").iter().map(sent).sum();
        self.hear("all that was sent", |all| all.last().map_or(0, |one| one.request + 1) >= sent).await
    }

    pub async fn hear_end(&self) -> Vec<Heard> {
        self.hear("the end of the call", |all| all.iter().any(Heard::is_end)).await
    }

    async fn ask_until(&self, what: &str, enough: impl Fn(&[Heard]) -> bool) -> Vec<Heard> {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            self.ask().await;
            let heard = self.heard.borrow().clone();
            if enough(&heard) {
                return heard;
            }
            assert!(tokio::time::Instant::now() < deadline, "did not hear {what}: {heard:#?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Asks once about every call that is over and that nobody asked about before. What one sees earlier depends on when one
    /// asks, so the suite does not look.
    async fn ask(&self) {
        let calls = self.control("calls?limit=1000").await;
        let over: HashSet<&str> = calls["calls"]
            .as_array()
            .expect("calls")
            .iter()
            .filter(|call| call["over"] == true)
            .filter_map(|call| call["sid"].as_str())
            .collect();
        if over.is_empty() {
            return;
        }
        let hour = TimeDelta::hours(1);
        let mut listed = self.voice.list(now() - hour, now() + hour).await.expect("listed");
        let known: HashSet<ProviderCallId> = self.heard.borrow().iter().map(|one| one.callback.id.clone()).collect();
        listed.retain(|seen| !known.contains(&seen.id) && over.iter().any(|sid| seen.id.as_str().ends_with(sid)));
        // The list is newest first; news comes in the order of the calls.
        for seen in listed.into_iter().rev() {
            let news = self.voice.report(&seen.id).await.expect("reported");
            assert!(!news.is_empty(), "a listed call of which nothing is told");
            self.heard.send_modify(|all| {
                let request = all.last().map_or(0, |one| one.request + 1);
                let named = |(n, kind)| {
                    let event_id = format!("{}:{request}:{n}", seen.id);
                    let callback = Callback { id: seen.id.clone(), call: seen.call, event_id, at: None, sequence: None, kind };
                    Heard { authentic: true, request, callback }
                };
                all.extend(news.into_iter().enumerate().map(named));
            });
        }
    }
}
