//! The two lists, side by side: first pure, then through a provider and a database.

use super::*;
use crate::dialer::lease::Lease;
use crate::dialer::{plan, record};
use crate::testing::{World, phone};
use crate::{check, credits};
use async_trait::async_trait;
use model::calls::Outcome;
use model::id::CallId;
use model::phone::Phone;
use providers::scripted::Script;
use providers::{Answer, Observed, ProviderCallId, ProviderError, ProviderStatus};
use std::sync::Arc;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a moment")
}

fn theirs(id: &str, to: &str, began: &str, talk: i64) -> Observed {
    Observed {
        created_at: Some(at(began)),
        started_at: Some(at(began)),
        answered_at: Some(at(began)),
        ended_at: Some(at(began) + TimeDelta::seconds(talk)),
        talk_seconds: Some(talk),
        price_micros: Some(14_000),
        currency: Some("USD".to_owned()),
        to: Some(Phone::parse(to).expect("E.164")),
        ..Observed::new(ProviderCallId::new(id), ProviderStatus::Ended(providers::Outcome::Completed), "completed")
    }
}

fn ours(id: u128, provider: Option<&str>, to: &str, created: &str, talk: i64) -> Ours {
    Ours {
        id: CallId::from(Uuid::from_u128(id)),
        provider_call_id: provider.map(str::to_owned),
        phone: Phone::parse(to).expect("E.164"),
        created_at: at(created),
        ended_at: Some(at(created)),
        outcome: Some(Outcome::Completed),
        talk_seconds: talk,
        provider_cost_micros: None,
    }
}

#[test]
fn lists_that_agree_have_no_findings() {
    let o = [ours(1, Some("CA1"), "+12125550100", "2026-11-22T12:00:00Z", 60)];
    let t = [theirs("CA1", "+12125550100", "2026-11-22T12:00:02Z", 60)];
    assert_eq!(compare(&o, &t, day("2026-11-22".parse().expect("a day"))), []);
}

#[test]
fn each_way_to_disagree_is_named() {
    let o = [
        ours(1, Some("CA1"), "+12125550101", "2026-11-22T12:00:00Z", 60),
        ours(2, Some("CA2"), "+12125550102", "2026-11-22T12:00:00Z", 60),
        ours(3, None, "+12125550103", "2026-11-22T12:00:00Z", 0),
        Ours { ended_at: None, outcome: None, ..ours(4, Some("CA4"), "+12125550104", "2026-11-22T12:00:00Z", 0) },
        Ours { provider_cost_micros: Some(13_000), ..ours(5, Some("CA5"), "+12125550105", "2026-11-22T12:00:00Z", 60) },
        // Near midnight it may be on the other day's list.
        ours(6, Some("CA6"), "+12125550106", "2026-11-22T23:58:00Z", 60),
    ];
    let t = [
        theirs("CA1", "+12125550101", "2026-11-22T12:00:02Z", 75),
        theirs("CA3", "+12125550103", "2026-11-22T12:00:30Z", 20),
        theirs("CA4", "+12125550104", "2026-11-22T12:00:02Z", 60),
        theirs("CA5", "+12125550105", "2026-11-22T12:00:02Z", 60),
        theirs("CA9", "+12125550109", "2026-11-22T12:00:02Z", 60),
    ];
    let found: Vec<String> = compare(&o, &t, day("2026-11-22".parse().expect("a day"))).iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(found.join("\n"));
}

/// A provider that only has a list.
struct Listed(Vec<Observed>);

#[async_trait]
impl Script for Listed {
    async fn list(&self, since: DateTime<Utc>, until: DateTime<Utc>) -> std::result::Result<Vec<Observed>, ProviderError> {
        let within = |o: &&Observed| o.started_at.is_some_and(|at| (since..until).contains(&at));
        Ok(self.0.iter().filter(within).cloned().collect())
    }
}

#[tokio::test]
async fn a_call_whose_end_was_lost_is_settled_by_the_audit_and_only_once() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let campaign = w.launched(&acme, 1, |_| {}).await;
    let lease = Lease::init(&w.db).await.expect("lease");
    let engine = w.engine(acme.company);
    let mut tx = w.db.begin(&engine).await.expect("begin");
    let dial = plan(&mut tx, campaign, lease.worker).await.expect("planned").dials.remove(0);
    tx.commit().await.expect("commit");
    let mut tx = w.db.begin(&engine).await.expect("begin");
    record(&mut tx, &dial, Answer::Placed(ProviderCallId::new("CA1"))).await.expect("recorded");
    tx.commit().await.expect("commit");

    let job = AuditGateway { company: acme.company, gateway: dial.gateway.id, night: w.clock.now().date_naive() };
    w.clock.advance(TimeDelta::hours(12));
    let listed = Listed(vec![theirs("CA1", &phone(0), "2026-11-23T15:00:01Z", 61)]);
    let network = Network::scripted(Arc::new(listed));
    for _ in 0..2 {
        audit(&w.db, &network, &job).await.expect("audited");
        let mut tx = w.tx(&acme).await;
        let wallet = credits::wallet(&mut tx).await.expect("wallet");
        assert_eq!((wallet.held.0, wallet.spent.0), (0, 2_000), "61 seconds are two minutes");
        let cost: (Option<i64>, Option<String>) = sqlx::query_as("select provider_cost_micros, provider_currency from calls")
            .fetch_one(tx.conn())
            .await
            .expect("one call");
        assert_eq!(cost, (Some(14_000), Some("USD".to_owned())));
    }
    let mut tx = w.tx(&acme).await;
    let findings: Vec<Vec<String>> =
        sqlx::query_scalar("select findings from audits").fetch_all(tx.conn()).await.expect("audits");
    assert_eq!(findings, [Vec::<String>::new()], "the second audit of the same day found nothing, and replaced the first");
    assert_eq!(check::run(&w.db).await.expect("checked").violations, Vec::<String>::new());
}
