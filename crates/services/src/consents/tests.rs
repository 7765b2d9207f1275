//! Records of consent, and what the dialer makes of them in the claim itself.

use super::*;
use crate::testing::room::Room;
use crate::testing::{Someone, World, phone};
use crate::{campaigns, enrollments, events};
use chrono::TimeDelta;
use model::accounts::Role;
use model::consents::ConsentSource;
use model::enrollments::{EnrollmentFilter, EnrollmentRow, EnrollmentStatus, Reason, Standing as Stands};
use model::events::EventFilter;
use model::page::Paging;

fn form(phones: &str, standing: Standing) -> ConsentForm {
    ConsentForm {
        phones: phones.to_owned(),
        purpose: Purpose::Marketing,
        standing,
        source: ConsentSource::Paper,
        wording: "form v3".to_owned(),
        evidence: "folder 7".to_owned(),
        ip: String::new(),
        on: String::new(),
    }
}

fn told<T>(result: Result<T>) -> model::Error {
    match result {
        Err(crate::Error::Told(error)) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted"),
    }
}

impl Room {
    async fn say(&self, form: &ConsentForm) {
        let mut tx = self.world.tx(&self.acme).await;
        record(&mut tx, form).await.expect("recorded");
        tx.commit().await.expect("commit");
    }

    async fn ask(&self, policy: ConsentPolicy) {
        let mut tx = self.world.tx(&self.acme).await;
        set_policy(&mut tx, policy).await.expect("saved");
        tx.commit().await.expect("commit");
    }

    /// Everybody in a campaign, by name.
    async fn list(&self, campaign: CampaignId) -> Vec<EnrollmentRow> {
        let mut tx = self.world.tx(&self.acme).await;
        let filter = EnrollmentFilter { campaign, status: None, paging: Paging::new(1, 100) };
        let mut rows = enrollments::list(&mut tx, &filter).await.expect("people").items;
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows
    }
}

#[tokio::test]
async fn a_record_keeps_where_it_came_from_and_the_newest_holds() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let early = ConsentForm { on: "2026-11-03".to_owned(), ip: "2001:db8::1".to_owned(), ..form(&phone(1), Standing::Express) };
    record(&mut tx, &early).await.expect("recorded");
    record(&mut tx, &form(&format!("{}\n(212) 555-0102\n{}", phone(1), phone(1)), Standing::Written)).await.expect("each once");
    let rows = of(&mut tx, "(212) 555-0101").await.expect("read");
    let shown: Vec<_> = rows.iter().map(|r| (r.standing, r.ip.as_deref(), r.by.as_str(), r.at.at < r.recorded_at.at)).collect();
    assert_eq!(
        shown,
        [(Standing::Written, None, "Company admin", false), (Standing::Express, Some("2001:db8::1"), "Company admin", true)]
    );
    let numbers = [1, 2, 3].map(|n| Phone::parse(&phone(n)).expect("E.164"));
    let agreed = given(&mut tx, &numbers, Purpose::Marketing).await.expect("read");
    assert_eq!(agreed, HashMap::from([(numbers[0].clone(), Consent::Written), (numbers[1].clone(), Consent::Written)]));
    assert!(given(&mut tx, &numbers, Purpose::Service).await.expect("read").is_empty(), "each purpose is its own");
    let late = ConsentForm { on: "2026-11-24".to_owned(), ..early.clone() };
    assert!(told(record(&mut tx, &late).await).of_field("on").is_some(), "not before it was given");
    assert!(told(record(&mut tx, &form("nonsense", Standing::Express)).await).of_field("phones").is_some());
    let filter = EventFilter { kind: Some(EventKind::ConsentGiven), ..EventFilter::default() };
    let texts: Vec<_> = events::list(&mut tx, &filter).await.expect("events").items.into_iter().map(|e| e.text).collect();
    assert_eq!(texts.len(), 3);
    assert!(texts.iter().all(|text| !text.contains("5550") && text.starts_with("+12•")), "{texts:?}");
    drop(tx);
    let birch = w.company("birch").await;
    assert_eq!(of(&mut w.tx(&birch).await, &phone(1)).await.expect("read"), [], "each company has its own");
}

#[tokio::test]
async fn taking_a_consent_back_puts_the_number_on_the_list_in_the_same_commit() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 2, |_| {}).await;
    room.say(&form(&phone(0), Standing::Written)).await;
    room.say(&ConsentForm { wording: String::new(), evidence: String::new(), ..form(&phone(0), Standing::Withdrawn) }).await;
    assert_eq!(room.plan(campaign).await.dials.len(), 1);
    let people = room.list(campaign).await;
    assert_eq!((people[0].status, people[1].status), (EnrollmentStatus::OptedOut, EnrollmentStatus::Calling));
    let mut tx = room.world.tx(&room.acme).await;
    let rows = of(&mut tx, &phone(0)).await.expect("read");
    assert_eq!(
        rows.iter().map(|row| row.standing).collect::<Vec<_>>(),
        [Standing::Withdrawn, Standing::Written],
        "nothing is rewritten"
    );
    drop(tx);
    // A new consent is a record; who took themselves off the list is for a person to decide.
    room.world.clock.advance(TimeDelta::minutes(1));
    room.say(&form(&phone(0), Standing::Written)).await;
    let number = Phone::parse(&phone(0)).expect("E.164");
    let mut tx = room.world.tx(&room.acme).await;
    assert!(suppressions::is_suppressed(&mut tx, &[number]).await.expect("read").len() == 1);
    drop(tx);
    room.holds().await;
}

#[tokio::test]
async fn where_the_law_wants_consent_nobody_is_dialed_without_a_record() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 3, |_| {}).await;
    room.ask(ConsentPolicy::Law).await;
    // New York: an AI voice needs written consent for marketing. Words alone are too little.
    room.say(&form(&phone(0), Standing::Express)).await;
    room.say(&form(&phone(1), Standing::Written)).await;
    let dials = room.plan(campaign).await.dials;
    assert_eq!(dials.iter().map(|d| d.originate.to.to_string()).collect::<Vec<_>>(), [phone(1)]);
    let people = room.list(campaign).await;
    let why = |n: usize| (people[n].status, people[n].reason, people[n].reason_detail.as_str());
    let skipped = EnrollmentStatus::Skipped;
    assert_eq!(
        why(0),
        (
            skipped,
            Some(Reason::NoConsent),
            "Written consent to marketing calls is needed; on record: express consent. (FCC 24-17)"
        )
    );
    assert_eq!(
        why(2),
        (skipped, Some(Reason::NoConsent), "Written consent to marketing calls is needed; on record: none. (FCC 24-17)")
    );
    let mut tx = room.world.tx(&room.acme).await;
    let asked: Vec<_> = [0, 1].map(|n| people[n].id).to_vec();
    let mut checks = Vec::new();
    for id in asked {
        let why = enrollments::why(&mut tx, id).await.expect("why");
        checks.extend(why.checks.into_iter().filter(|check| check.title == "Consent"));
    }
    assert_eq!((checks[0].standing, checks[0].cite.as_deref()), (Stands::Against, Some("FCC 24-17")));
    assert_eq!(
        (checks[1].standing, checks[1].text.as_str()),
        (Stands::Passes, "Written consent to marketing calls is on record")
    );
    drop(tx);
    room.holds().await;
}

#[tokio::test]
async fn a_campaign_may_ask_by_itself_and_service_calls_need_less() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 2, |_| {}).await;
    let mut tx = room.world.tx(&room.acme).await;
    set_purpose(&mut tx, campaign, Purpose::Service, true).await.expect("saved");
    let shown = purposes(&mut tx).await.expect("read");
    assert_eq!((shown[0].purpose, shown[0].needs_consent), (Purpose::Service, true));
    tx.commit().await.expect("commit");
    room.say(&ConsentForm { purpose: Purpose::Service, ..form(&phone(1), Standing::Express) }).await;
    assert_eq!(room.plan(campaign).await.dials.len(), 1);
    let people = room.list(campaign).await;
    assert_eq!(people[0].reason_detail, "Express consent to service calls is needed; on record: none. (FCC 24-17)");
    assert_eq!(people[1].status, EnrollmentStatus::Calling);
    room.holds().await;
}

#[tokio::test]
async fn without_a_policy_the_wish_is_told_and_blocks_nobody_and_a_rehearsal_plays_the_policy() {
    let room = Room::new().await;
    let campaign = room.world.drafted(&room.acme, 3, |_| {}).await;
    let mut tx = room.world.tx(&room.acme).await;
    campaigns::act(&mut tx, campaign, model::campaigns::Action::Launch).await.expect("launched");
    tx.commit().await.expect("commit");
    let people = room.list(campaign).await;
    let mut tx = room.world.tx(&room.acme).await;
    let why = enrollments::why(&mut tx, people[0].id).await.expect("why");
    let check = why.checks.iter().find(|check| check.title == "Consent").expect("the check");
    assert_eq!(check.standing, Stands::Noted);
    assert_eq!(check.text, "Written consent is needed (FCC 24-17); you answer for your list");
    drop(tx);
    room.ask(ConsentPolicy::Always).await;
    room.say(&form(&phone(2), Standing::Written)).await;
    let form = model::rehearsal::RehearsalForm::default();
    let report = crate::rehearsal::rehearse(&room.world.db, &room.acme.actor, campaign, &form).await.expect("played");
    let calls: i64 = report.hours.iter().map(|hour| hour.calls.middle - hour.retries).sum();
    assert_eq!(calls, 1, "one of three may be called");
}

/// The claim holds the number's lock to its commit: a consent that is taken back meanwhile waits, and then spares the call.
#[tokio::test]
async fn taking_a_consent_back_waits_for_a_claim_of_the_same_number() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 1, |_| {}).await;
    room.say(&form(&phone(0), Standing::Written)).await;
    room.ask(ConsentPolicy::Law).await;
    let mut claim = room.world.db.begin(&room.world.engine(room.acme.company)).await.expect("begin");
    let turn = crate::dialer::plan(&mut claim, campaign, room.lease.worker).await.expect("planned");
    assert_eq!(turn.dials.len(), 1);
    let (db, actor) = (room.world.db.clone(), room.acme.actor.clone());
    let back = tokio::task::JoinSet::from_iter([async move {
        let mut tx = db.begin(&actor).await.expect("begin");
        record(&mut tx, &form(&phone(0), Standing::Withdrawn)).await.expect("recorded");
        tx.commit().await.expect("commit");
    }]);
    claim.commit().await.expect("commit");
    back.join_all().await;
    let mut tx = room.world.tx(&room.acme).await;
    let (created, at): (model::time::Timestamp, model::time::Timestamp) =
        sqlx::query_as("select (select created_at from calls), (select recorded_at from consents where form is null)")
            .fetch_one(tx.conn())
            .await
            .expect("both");
    assert!(created <= at);
    drop(tx);
    room.holds().await;
}

#[tokio::test]
async fn roles_do_what_they_may_with_consents() {
    let w = World::new().await;
    let acme: Someone = w.company("acme").await;
    w.consents(&acme, &phone(1)).await;
    let viewer = w.member(&acme, Role::Viewer).await;
    let mut tx = w.db.begin(&viewer).await.expect("begin");
    let refused = |permission: Permission| model::Error::Forbidden { permission: permission.to_string() };
    assert_eq!(told(of(&mut tx, &phone(1)).await), refused(Permission::ViewPhones));
    assert_eq!(told(record(&mut tx, &form(&phone(1), Standing::Express)).await), refused(Permission::ManageContacts));
    assert_eq!(told(record(&mut tx, &form(&phone(1), Standing::Withdrawn)).await), refused(Permission::ManageSuppressions));
    drop(tx);
    let operator = w.member(&acme, Role::Operator).await;
    let mut tx = w.db.begin(&operator).await.expect("begin");
    assert_eq!(of(&mut tx, &phone(1)).await.expect("read").len(), 1);
    record(&mut tx, &form(&phone(1), Standing::Withdrawn)).await.expect("an operator hears a no as well");
    assert_eq!(told(set_policy(&mut tx, ConsentPolicy::Listed).await), refused(Permission::ManageSettings));
    let nobody = CampaignId::from(model::id::Uuid::from_u128(7));
    assert_eq!(told(set_purpose(&mut tx, nobody, Purpose::Service, false).await), refused(Permission::ManageCampaigns));
    drop(tx);
    let mut tx = w.tx(&acme).await;
    assert_eq!(told(set_purpose(&mut tx, nobody, Purpose::Service, false).await), model::Error::not_found("campaign"));
}
