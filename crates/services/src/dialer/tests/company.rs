//! What a company asks of all its campaigns together: its days off, and its calls per second.

use super::*;
use crate::companies;
use crate::testing::Someone;
use model::enrollments::Standing;
use model::holidays::{Closed, HolidayForm};
use std::collections::BTreeMap;

impl Room {
    async fn day_off(&self, on: &str, closed: Closed, time: &str) {
        let form =
            HolidayForm { on: on.to_owned(), name: "Founders' Day".to_owned(), yearly: false, closed, time: time.to_owned() };
        let mut tx = self.world.tx(&self.acme).await;
        companies::add_holiday(&mut tx, &form).await.expect("added");
        tx.commit().await.expect("commit");
    }

    async fn pace(&self, of: &Someone, per_second: i32) {
        let mut tx = self.world.tx(of).await;
        companies::save_pace(&mut tx, Some(per_second)).await.expect("saved");
        tx.commit().await.expect("commit");
    }
}

#[tokio::test]
async fn nobody_is_dialed_on_a_company_holiday_and_the_reason_names_it() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 2, |_| {}).await;
    // Monday, ten in New York, open since eight by law.
    room.day_off("2026-11-23", Closed::Until, "12:00").await;
    assert_eq!(room.plan(campaign).await.dials.len(), 0);
    let people = room.people(campaign).await;
    let noon = room.world.clock.now() + TimeDelta::hours(2);
    for person in &people {
        assert_eq!(person.reason, Some(Reason::OutsideHours));
        assert_eq!(person.reason_detail, "10:00 in New York: company holiday: Founders' Day");
        assert_eq!(person.next_attempt_at.map(|at| at.at), Some(noon));
    }
    let mut tx = room.world.tx(&room.acme).await;
    let why = enrollments::why(&mut tx, people[0].id).await.expect("why");
    let hours = why.checks.iter().find(|check| check.title == "Local hours").expect("the check");
    assert_eq!((hours.standing, hours.text.as_str()), (Standing::Waits, "10:00 in New York: company holiday: Founders' Day"));
    assert_eq!(hours.until.map(|at| at.at), Some(noon));
    drop(tx);
    room.world.clock.advance(TimeDelta::hours(2));
    assert_eq!(room.plan(campaign).await.dials.len(), 2, "the rest of the day is open");
    room.holds().await;
}

#[tokio::test]
async fn a_rehearsal_and_the_launch_check_keep_the_holidays() {
    let room = Room::new().await;
    let campaign = room.world.drafted(&room.acme, 3, |_| {}).await;
    room.day_off("2026-11-23", Closed::Day, "").await;
    let tuesday = "2026-11-24T13:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().expect("a moment");
    let mut tx = room.world.tx(&room.acme).await;
    let check = campaigns::launch_check(&mut tx, campaign).await.expect("checked");
    assert_eq!(check.first_call.map(|at| at.at), Some(tuesday), "eight in New York, where the law opens");
    drop(tx);
    let form = model::rehearsal::RehearsalForm::default();
    let report = crate::rehearsal::rehearse(&room.world.db, &room.acme.actor, campaign, &form).await.expect("played");
    let calls: Vec<_> = report.hours.iter().filter(|hour| hour.calls.middle > 0).map(|hour| hour.at.at).collect();
    assert!(!calls.is_empty() && calls.iter().all(|at| *at >= tuesday), "{calls:?}");
}

#[tokio::test]
async fn all_gateways_of_a_company_share_its_calls_per_second() {
    let room = Room::new().await;
    let first = room.world.launched(&room.acme, 8, |form| (form.concurrency_max, form.call_minutes_max) = (8, 1)).await;
    let other = room.world.gateway(&room.acme, "Second").await;
    let mut tx = room.world.tx(&room.acme).await;
    let mut form = campaigns::load(&mut tx, first).await.expect("campaign").form;
    (form.name, form.gateway) = ("Summer".to_owned(), Some(other));
    let second = campaigns::create(&mut tx, &form).await.expect("created");
    campaigns::act(&mut tx, second, Action::Launch).await.expect("launched");
    tx.commit().await.expect("commit");
    room.pace(&room.acme, 3).await;
    assert_eq!(room.plan(first).await.dials.len(), 0, "the bucket begins empty");
    assert_eq!(room.status(first).await.1.as_deref(), Some(model::campaigns::Parked::Pace.label()));
    let mut made = BTreeMap::<i64, usize>::new();
    for tick in 1..=20 {
        room.world.clock.advance(TimeDelta::milliseconds(250));
        for campaign in [second, first] {
            *made.entry((tick - 1) / 4).or_default() += room.plan(campaign).await.dials.len();
        }
    }
    assert!(made.values().all(|calls| *calls <= 3), "{made:?}");
    assert_eq!(made.values().sum::<usize>(), 8, "everybody, one number at a time: {made:?}");
    room.holds().await;
}

#[tokio::test]
async fn workers_in_parallel_share_one_bucket() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 12, |form| form.concurrency_max = 12).await;
    room.pace(&room.acme, 4).await;
    room.world.clock.advance(TimeDelta::seconds(5));
    let mut workers = JoinSet::new();
    for _ in 0..6 {
        let (db, engine, worker) = (room.world.db.clone(), room.world.engine(room.acme.company), room.lease.worker);
        workers.spawn(async move {
            let mut tx = db.begin(&engine).await.expect("begin");
            let turn = plan(&mut tx, campaign, worker).await.expect("planned");
            tx.commit().await.expect("commit");
            turn.dials.len()
        });
    }
    assert_eq!(workers.join_all().await.into_iter().sum::<usize>(), 4, "one second's worth, however long nobody called");
    room.holds().await;
}
