//! Who gets a line when there are fewer lines than people, and which gateway takes the call.

use super::{Room, refused};
use crate::agents;
use crate::campaigns;
use crate::companies;
use crate::dialer::Dial;
use crate::testing::agent_form;
use chrono::TimeDelta;
use model::calls::Outcome;
use model::campaigns::{Action, Audience, CampaignForm};
use model::id::CampaignId;
use providers::{Answer, ProviderCallId, RefusalKind};
use std::collections::HashMap;

impl Room {
    /// A campaign on its own segment of people, launched, with more lines than the company has.
    async fn rival(&self, name: &str, people: usize) -> CampaignId {
        let mut tx = self.world.tx(&self.acme).await;
        for n in 0..people {
            let form = model::contacts::ContactForm {
                name: format!("{name} {n}"),
                phone: format!("+1718555{:04}", 100 + n + name.len() * 1000),
                segment: name.to_owned(),
                ..Default::default()
            };
            crate::contacts::create(&mut tx, &form).await.expect("contact");
        }
        let agent = agents::create(&mut tx, &agent_form()).await.expect("agent");
        agents::publish(&mut tx, agent).await.expect("published");
        let form = CampaignForm {
            name: name.to_owned(),
            audience: Some(Audience::Segment { segment: name.to_owned() }),
            agent: Some(agent),
            call_minutes_max: 1,
            budget: Some(model::credits::Credits::whole(4)),
            concurrency_max: 50,
            ..CampaignForm::default()
        };
        let id = campaigns::create(&mut tx, &form).await.expect("campaign");
        campaigns::act(&mut tx, id, Action::Launch).await.expect("launched");
        tx.commit().await.expect("commit");
        id
    }

    /// Turns of every campaign that is ready, in the order the dialer takes them.
    async fn turns(&self) -> Vec<(CampaignId, Dial)> {
        let mut out = Vec::new();
        for campaign in self.world.runnable(self.acme.company).await.expect("runnable") {
            out.extend(self.plan(campaign).await.dials.into_iter().map(|dial| (campaign, dial)));
        }
        out
    }
}

#[tokio::test]
async fn campaigns_of_one_company_take_turns_at_its_lines() {
    let room = Room::new().await;
    let mut tx = room.world.tx(&room.acme).await;
    let mut settings = companies::settings(&mut tx).await.expect("settings");
    settings.hours = model::time::Hours::always();
    settings.concurrency_max = 2;
    companies::save_settings(&mut tx, &settings).await.expect("saved");
    tx.commit().await.expect("commit");
    for (name, people) in [("one", 20), ("three", 20), ("seventh", 20)] {
        room.rival(name, people).await;
    }
    let mut live = room.turns().await;
    let mut shares: HashMap<CampaignId, i32> = HashMap::new();
    for _ in 0..30 {
        assert_eq!(live.len(), 2, "both lines are busy while there is somebody to call");
        let (_, ended) = live.remove(0);
        room.end(ended.call, Outcome::NoAnswer).await;
        room.world.clock.advance(TimeDelta::seconds(1));
        let new = room.turns().await;
        assert_eq!(new.len(), 1);
        for (campaign, _) in &new {
            *shares.entry(*campaign).or_default() += 1;
        }
        live.extend(new);
    }
    let mut counts: Vec<_> = shares.into_values().collect();
    counts.sort_unstable();
    assert_eq!(counts, [10, 10, 10]);
    room.holds().await;
}

#[tokio::test]
async fn a_half_open_breaker_lets_one_probe_through_at_a_time() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 9, |form| form.concurrency_max = 5).await;
    for dial in room.plan(campaign).await.dials {
        room.record(&dial, refused(RefusalKind::Transient)).await;
    }
    room.world.clock.advance(TimeDelta::seconds(31));
    assert_eq!(room.plan(campaign).await.dials.len(), 1, "one probe");
    assert!(room.plan(campaign).await.dials.is_empty(), "and no other while it is under way");
    room.world.clock.advance(TimeDelta::seconds(31));
    let second = room.plan(campaign).await.dials;
    assert_eq!(second.len(), 1, "the first was never answered");
    room.record(&second[0], Answer::Placed(ProviderCallId::new("CA9"))).await;
    assert!(room.plan(campaign).await.dials.len() > 1, "closed");
    room.holds().await;
}

#[tokio::test]
async fn one_error_alone_does_not_slow_a_gateway_down() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 9, |form| form.concurrency_max = 4).await;
    let dials = room.plan(campaign).await.dials;
    for dial in &dials[..2] {
        room.record(dial, refused(RefusalKind::Transient)).await;
    }
    assert_eq!(room.plan(campaign).await.dials.len(), 2, "the two lines that are free again");
}

#[tokio::test]
async fn new_dials_go_to_the_fallback_while_the_first_gateway_has_trouble() {
    let room = Room::new().await;
    let second = room.world.gateway(&room.acme, "Second").await;
    let campaign = room
        .world
        .launched(&room.acme, 12, |form| {
            form.concurrency_max = 5;
            form.fallback_gateway = Some(second);
        })
        .await;
    let first = room.plan(campaign).await.dials;
    assert!(first.iter().all(|d| d.gateway.id != second));
    for dial in &first {
        room.record(dial, refused(RefusalKind::Transient)).await;
    }
    let over = room.plan(campaign).await.dials;
    assert_eq!((over.len(), over.iter().all(|d| d.gateway.id == second)), (5, true));
    room.holds().await;
    for dial in &over {
        room.end(dial.call, Outcome::NoAnswer).await;
    }
    room.world.clock.advance(TimeDelta::seconds(31));
    let probe = room.plan(campaign).await.dials;
    assert_eq!(probe.len(), 1, "half open: the first gateway is tried again");
    assert_ne!(probe[0].gateway.id, second);
    room.holds().await;
}

#[tokio::test]
async fn another_companys_gateway_cannot_be_chosen() {
    let room = Room::new().await;
    let other = room.world.company("other").await;
    let theirs = room.world.gateway(&other, "Theirs").await;
    let mut tx = room.world.tx(&room.acme).await;
    let form = CampaignForm { name: "Sly".to_owned(), gateway: Some(theirs), ..CampaignForm::default() };
    let refusal = campaigns::create(&mut tx, &form).await.expect_err("not ours");
    assert!(matches!(refusal, crate::Error::Told(model::Error::Invalid { .. })), "{refusal}");
}
