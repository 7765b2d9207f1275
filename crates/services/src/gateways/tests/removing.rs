//! Gateways that go, and numbers that come back.

use super::*;
use crate::calls;
use crate::campaigns;
use crate::check;
use crate::gateways::jobs::BindNumber;
use crate::inbox;
use crate::numbers;
use crate::testing::room::Room;
use chrono::TimeDelta;
use model::calls::{CallFilter, Outcome};
use model::campaigns::Action;

impl Room {
    async fn gateways(&self) -> Vec<GatewayRow> {
        list(&mut self.world.tx(&self.acme).await).await.expect("listed")
    }

    async fn removed(&self, id: GatewayId, name: &str) -> Result<()> {
        let mut tx = self.world.tx(&self.acme).await;
        remove(&mut tx, id, name).await?;
        tx.commit().await
    }

    async fn bindings(&self) -> usize {
        self.world.jobs::<BindNumber>(self.acme.company).await.expect("jobs").len()
    }
}

fn why(answer: Result<()>) -> String {
    match answer {
        Err(crate::Error::Told(model::Error::Conflict { why })) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_gateway_goes_when_nothing_uses_it_and_its_calls_stay() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 1, |_| {}).await;
    let call = room.plan(campaign).await.dials.remove(0).call;
    let id = room.gateways().await[0].id;
    let wrong = room.removed(id, "Sandbo").await;
    assert!(matches!(wrong, Err(crate::Error::Told(model::Error::Invalid { .. }))), "{wrong:?}");
    assert!(why(room.removed(id, "Sandbox").await).contains("under way"));
    room.end(call, Outcome::Completed).await;
    let campaign_s = why(room.removed(id, "Sandbox").await);
    assert!(campaign_s.contains("Spring"), "{campaign_s}");
    let mut tx = room.world.tx(&room.acme).await;
    campaigns::act(&mut tx, campaign, Action::Cancel).await.expect("cancelled");
    tx.commit().await.expect("commit");
    room.removed(id, " Sandbox ").await.expect("removed");
    assert_eq!(room.gateways().await, []);
    let mut tx = room.world.tx(&room.acme).await;
    assert_eq!(numbers::list(&mut tx).await.expect("numbers"), []);
    assert!(matches!(load(&mut tx, id).await, Err(crate::Error::Told(model::Error::NotFound { .. }))));
    assert_eq!(calls::list(&mut tx, &CallFilter::default()).await.expect("calls").total, 1);
    assert_eq!(calls::load(&mut tx, call).await.expect("call").row.id, call);
    drop(tx);
    room.holds().await;
}

#[tokio::test]
async fn what_answers_a_number_holds_its_gateway() {
    let room = Room::new().await;
    room.world.answering(&room.acme, |_| {}).await;
    let id = room.gateways().await[0].id;
    assert!(why(room.removed(id, "Sandbox").await).contains("Front desk"));
}

#[tokio::test]
async fn a_removed_gateway_is_no_choice_and_none_is_taken_for_it() {
    let room = Room::new().await;
    let first = room.gateways().await[0].id;
    let second = room.world.gateway(&room.acme, "Second").await;
    let draft = room.world.drafted(&room.acme, 1, |form| form.gateway = Some(first)).await;
    room.removed(first, "Sandbox").await.expect("a draft holds nothing");
    let mut tx = room.world.tx(&room.acme).await;
    let form = campaigns::load(&mut tx, draft).await.expect("draft").form;
    assert!(campaigns::edit(&mut tx, draft, &form).await.is_err(), "it names a gateway that is gone");
    let answer = campaigns::act(&mut tx, draft, Action::Launch).await;
    assert!(matches!(&answer, Err(crate::Error::Told(_))), "{answer:?}");
    drop(tx);
    let campaign = room.world.launched(&room.acme, 0, |_| {}).await;
    assert_eq!(room.plan(campaign).await.dials.remove(0).gateway.id, second);
}

#[tokio::test]
async fn a_removed_gateways_news_is_taken_for_two_weeks_and_then_its_keys_are_gone() {
    let room = Room::new().await;
    let id = room.gateways().await[0].id;
    room.removed(id, "Sandbox").await.expect("removed");
    for (days, is_known) in [(14, true), (2, false)] {
        room.world.clock.advance(TimeDelta::days(days));
        assert!(check::nightly(&room.world.db).await.expect("night"), "{days}");
        assert_eq!(inbox::route(&room.world.db, id).await.is_ok(), is_known, "{days}");
    }
    let mut tx = room.world.db.begin_system(SystemTask::Check).await.expect("begin");
    let has_keys: bool =
        sqlx::query_scalar("select auth_token is not null or secret_sealed is not null from gateways where id = $1")
            .bind(id)
            .fetch_one(tx.conn())
            .await
            .expect("one");
    assert!(!has_keys);
}

#[tokio::test]
async fn a_number_that_comes_back_under_another_id_is_bound_again() {
    let room = Room::new().await;
    room.world.answering(&room.acme, |_| {}).await;
    let before = room.bindings().await;
    let mut tx = room.world.tx(&room.acme).await;
    let number = numbers::list(&mut tx).await.expect("numbers").remove(0);
    let gateway = dialer::gateway_for_reading(&mut tx, number.gateway).await.expect("gateway");
    let phone: Phone = number.phone.parse().expect("E.164");
    for (remote, is_news) in [("PN1", true), ("PN1", false), ("PN2", true)] {
        let added = numbers::add(&mut tx, &gateway, &phone, "", Some(remote)).await.expect("imported");
        assert_eq!(added, is_news, "{remote}");
    }
    assert!(!numbers::add(&mut tx, &gateway, &phone, "", None).await.expect("typed in"), "what is typed in has no id");
    assert_eq!(numbers::list(&mut tx).await.expect("numbers").len(), 1);
    tx.commit().await.expect("commit");
    assert_eq!(room.bindings().await - before, 2);
}
