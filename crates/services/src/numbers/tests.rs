//! Numbers on a real database: every gateway has one, calls take their slots, and nobody sees another company's.

use super::list;
use super::repo::{NewNumber, insert};
use crate::campaigns;
use crate::dialer::Dial;
use crate::testing::room::Room;
use model::calls::Outcome;
use model::campaigns::{Parked, Status};
use model::id::{CampaignId, NumberId};
use model::numbers::NumberRow;
use model::phone::Phone;
use std::collections::BTreeMap;

impl Room {
    async fn numbers(&self) -> Vec<NumberRow> {
        list(&mut self.world.tx(&self.acme).await).await.expect("numbers")
    }

    async fn add(&self, phone: &str, concurrency_max: i32) -> NumberId {
        let gateway = self.numbers().await[0].gateway;
        let phone = Phone::parse(phone).expect("E.164");
        let mut tx = self.world.tx(&self.acme).await;
        let (id, now) = (tx.id(), tx.now());
        insert(tx.conn(), NewNumber { id, gateway, phone: &phone, label: "Second", concurrency_max, remote_id: None }, now)
            .await
            .expect("added");
        tx.commit().await.expect("commit");
        id
    }

    async fn cap_day(&self, number: NumberId, calls: i32) {
        let mut tx = self.world.tx(&self.acme).await;
        let done = sqlx::query("update numbers set calls_per_day_max = $2 where id = $1").bind(number).bind(calls);
        done.execute(tx.conn()).await.expect("capped");
        tx.commit().await.expect("commit");
    }

    async fn parked(&self, campaign: CampaignId) -> (Status, Option<Parked>, Option<String>) {
        let c = campaigns::load(&mut self.world.tx(&self.acme).await, campaign).await.expect("campaign");
        (c.status, c.parked.map(|(why, _)| why), c.pause_reason)
    }
}

fn from(dials: &[Dial]) -> BTreeMap<String, usize> {
    dials.iter().fold(BTreeMap::new(), |mut count, dial| {
        *count.entry(dial.originate.from.to_string()).or_default() += 1;
        count
    })
}

const FIRST: &str = "+12025550100";
const SECOND: &str = "+12025550101";

#[tokio::test]
async fn a_new_company_has_the_number_of_its_sandbox() {
    let room = Room::new().await;
    room.world.company("other").await;
    let numbers = room.numbers().await;
    assert_eq!(numbers.len(), 1, "and none of the other company");
    let n = &numbers[0];
    assert_eq!((n.phone.as_str(), n.sandbox, n.in_use, n.campaign.as_ref()), (FIRST, true, 0, None));
}

#[tokio::test]
async fn calls_are_spread_over_the_numbers_and_never_more_than_fit() {
    let room = Room::new().await;
    let second = room.add(SECOND, 2).await;
    let campaign = room.world.launched(&room.acme, 8, |form| form.concurrency_max = 7).await;
    let dials = room.plan(campaign).await.dials;
    assert_eq!(from(&dials), BTreeMap::from([(FIRST.to_owned(), 5), (SECOND.to_owned(), 2)]));
    let in_use: Vec<_> = room.numbers().await.iter().map(|n| n.in_use).collect();
    assert_eq!(in_use, [5, 2]);
    room.holds().await;
    let on_second = dials.iter().find(|dial| dial.originate.from.to_string() == SECOND).expect("one");
    room.end(on_second.call, Outcome::Busy).await;
    assert_eq!(room.numbers().await.iter().find(|n| n.id == second).expect("second").in_use, 1);
    room.holds().await;
}

#[tokio::test]
async fn a_retry_comes_from_the_number_of_the_first_attempt() {
    let room = Room::new().await;
    room.add(SECOND, 50).await;
    let campaign = room.world.launched(&room.acme, 2, |form| form.concurrency_max = 2).await;
    let first = room.plan(campaign).await.dials;
    assert_eq!(from(&first).len(), 2, "one call on each number");
    let number_of = |dials: &[Dial]| -> BTreeMap<String, String> {
        dials.iter().map(|d| (d.originate.to.to_string(), d.originate.from.to_string())).collect()
    };
    for dial in &first {
        room.end(dial.call, Outcome::Busy).await;
    }
    room.world.clock.advance(chrono::TimeDelta::minutes(21));
    assert_eq!(number_of(&room.plan(campaign).await.dials), number_of(&first));
    room.holds().await;
}

#[tokio::test]
async fn when_every_number_has_made_its_calls_of_the_day_the_campaign_waits_for_tomorrow() {
    let room = Room::new().await;
    let first = room.numbers().await[0].id;
    room.cap_day(first, 2).await;
    let campaign = room.world.launched(&room.acme, 3, |_| {}).await;
    assert_eq!(room.plan(campaign).await.dials.len(), 2);
    assert_eq!(room.plan(campaign).await.dials.len(), 0);
    assert_eq!(room.parked(campaign).await, (Status::Active, Some(Parked::Today), None));
    room.world.clock.advance(chrono::TimeDelta::days(1));
    assert_eq!(room.plan(campaign).await.dials.len(), 1);
}

#[tokio::test]
async fn a_gateway_without_a_number_pauses_the_campaign_with_the_reason() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 1, |_| {}).await;
    let mut tx = room.world.tx(&room.acme).await;
    for sql in ["delete from capacity where scope = 'number'", "delete from numbers"] {
        sqlx::query(sql).execute(tx.conn()).await.expect("deleted");
    }
    tx.commit().await.expect("commit");
    assert!(room.plan(campaign).await.dials.is_empty());
    let (status, _, why) = room.parked(campaign).await;
    assert_eq!((status, why.as_deref()), (Status::Paused, Some("The gateway has no number to call from.")));
}
