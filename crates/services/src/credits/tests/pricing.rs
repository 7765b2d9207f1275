//! What a call costs follows its destination and the company's plan, is fixed at the dial, and never changes after.

use super::*;
use crate::campaigns;
use crate::companies::must_exist;
use crate::testing::phone;
use model::credits::{Increment, Price};
use model::phone::Phone;
use model::time::Timestamp;

async fn rate(w: &World, prefix: &str, engine: &str, per_minute: i64, from: Timestamp) {
    let mut tx = w.db.begin_system(crate::SystemTask::Seed).await.expect("begin");
    sqlx::query("insert into rates (prefix, engine, per_minute, effective_at) values ($1, $2, $3, $4)")
        .bind(prefix)
        .bind(engine)
        .bind(per_minute)
        .bind(from)
        .execute(tx.conn())
        .await
        .expect("a rate");
    tx.commit().await.expect("commit");
}

async fn price(w: &World, who: &Someone, engine: &'static str, to: &str) -> Price {
    let to = Phone::parse(to).expect("a phone");
    let mut tx = w.tx(who).await;
    tariff(&mut tx, engine, [&to]).await.expect("tariff").price(&to)
}

#[tokio::test]
async fn everything_costs_a_credit_a_minute_until_somebody_says_otherwise() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    for to in ["+12125550100", "+442079460000", "+971501234567"] {
        assert_eq!(price(&w, &acme, ENGINE, to).await, Price::BASE, "{to}");
    }
}

#[tokio::test]
async fn the_rate_in_force_of_the_longest_prefix_counts() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let now = w.clock.now();
    rate(&w, "44", "", 2_000, now - TimeDelta::days(2)).await;
    rate(&w, "44", "", 2_500, now - TimeDelta::days(1)).await;
    rate(&w, "44", "", 9_000, now + TimeDelta::seconds(1)).await;
    rate(&w, "4477", "", 4_000, now).await;
    rate(&w, "44", "fine", 3_000, now).await;
    for (engine, to, per_minute) in [
        (ENGINE, "+442079460000", 2_500),
        ("fine", "+442079460000", 3_000),
        (ENGINE, "+447700900000", 4_000),
        ("fine", "+447700900000", 4_000),
        (ENGINE, "+12125550100", 1_000),
    ] {
        assert_eq!(price(&w, &acme, engine, to).await.per_minute, per_minute, "{engine} {to}");
    }
    w.clock.advance(TimeDelta::seconds(1));
    assert_eq!(price(&w, &acme, ENGINE, "+442079460000").await.per_minute, 9_000, "a later rate comes into force by itself");
}

#[tokio::test]
async fn a_rate_is_added_and_never_rewritten() {
    let w = World::new().await;
    w.company("acme").await;
    for sql in ["update rates set per_minute = 0", "delete from rates"] {
        let mut owner = {
            use sqlx::ConnectOptions;
            use std::str::FromStr;
            sqlx::postgres::PgConnectOptions::from_str(&w.owner_url()).expect("a URL").connect().await.expect("connect")
        };
        let refused = sqlx::raw_sql(sql).execute(&mut owner).await.expect_err("refused");
        assert!(refused.to_string().contains("insert-only"), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn the_plan_of_the_company_rounds_its_seconds() {
    let w = World::new().await;
    let [acme, birch] = [w.company("acme").await, w.company("birch").await];
    for increment in Increment::ALL {
        set_increment(&w.db, acme.company, *increment).await.expect("set");
        assert_eq!(price(&w, &acme, ENGINE, "+12125550100").await, Price::new(1_000, *increment));
    }
    assert_eq!(price(&w, &birch, ENGINE, "+12125550100").await, Price::BASE, "another company keeps its own");
    let nobody = CompanyId::from(Uuid::nil());
    assert!(set_increment(&w.db, nobody, Increment::Second).await.is_err());
    let mut tx = w.tx(&acme).await;
    must_exist(&mut tx).await.expect("it is there");
}

#[tokio::test]
async fn a_call_is_held_and_settled_at_the_price_of_its_dial_whatever_comes_later() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let now = w.clock.now();
    rate(&w, "1", "", 2_000, now).await;
    set_increment(&w.db, acme.company, Increment::ThirtySix).await.expect("set");
    let campaign = w.launched(&acme, 1, |_| {}).await;
    let mut tx = w.tx(&acme).await;
    let check = campaigns::launch_check(&mut tx, campaign).await.expect("check");
    let told = check.items.iter().find(|i| i.title == "Price").expect("the price is on the check");
    assert_eq!((told.ok, told.detail.as_str()), (true, "2.000 credits a minute, billed 30/6"));
    assert_eq!((check.estimate, check.reserve), (Credits(2_400), Credits(4_000)), "twice the usual; at least two minutes");
    drop(tx);
    let mut tx = w.db.begin(&w.engine(acme.company)).await.expect("begin");
    let turn = crate::dialer::plan(&mut tx, campaign, Uuid::nil()).await.expect("a turn");
    tx.commit().await.expect("commit");
    let call = turn.dials[0].call;
    let mut tx = w.tx(&acme).await;
    assert_eq!(amounts(&mut tx).await, [16_000, 0, 4_000, 0], "held: two minutes at two credits");
    drop(tx);
    rate(&w, "1", "", 90_000, now + TimeDelta::seconds(1)).await;
    set_increment(&w.db, acme.company, Increment::Minute).await.expect("set");
    w.clock.advance(TimeDelta::minutes(2));
    let mut tx = w.db.begin(&w.engine(acme.company)).await.expect("begin");
    let talked = crate::calls::Report {
        talk_seconds: Some(31),
        ..crate::calls::Report::state(model::calls::CallState::ended(model::calls::Outcome::Completed))
    };
    crate::calls::absorb(&mut tx, call, talked).await.expect("ended");
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&acme).await;
    assert_eq!(amounts(&mut tx).await[3], 1_200, "31 s are billed as 36 at two credits a minute");
    let seen = crate::calls::load(&mut tx, call).await.expect("call");
    assert_eq!(seen.price, Price::new(2_000, Increment::ThirtySix));
    drop(tx);
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn the_check_names_the_span_when_destinations_differ() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let last = phone(1).trim_start_matches('+').to_owned();
    rate(&w, &last, "", 3_000, w.clock.now()).await;
    let campaign = w.launched(&acme, 2, |_| {}).await;
    let mut tx = w.tx(&acme).await;
    let check = campaigns::launch_check(&mut tx, campaign).await.expect("check");
    let told = check.items.iter().find(|i| i.title == "Price").expect("the price is on the check");
    assert_eq!(told.detail, "1.000 to 3.000 credits a minute, billed 60/60, by destination");
    assert_eq!(check.estimate, Credits(4_800), "two people at two credits on average");
}
