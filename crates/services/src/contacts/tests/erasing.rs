//! What a person may ask for: all of it as a file, and none of it left.

use super::*;
use crate::dialer::lease::Lease;
use crate::testing::found;
use crate::testing::room::Room;
use crate::webhooks;
use crate::{consents, suppressions};
use chrono::TimeDelta;
use model::calls::Outcome;
use model::consents::{ConsentForm, ConsentSource, Purpose, Standing};
use model::events::EventFilter;
use model::webhooks::EndpointForm;
use providers::{Analysis, Answer, CallbackKind, ProviderCallId, Segment, Speaker, scripted};

const PHONE: &str = "+12125550187";
/// Nothing else in a database says any of these.
const CANARIES: &[&str] = &[PHONE, "2125550187", "212) 555-0187", "Zanzibar", "zanzi.example", "CA-ZANZI", "2001:db8::77"];

fn told<T>(result: Result<T>) -> model::Error {
    match result {
        Err(Error::Told(error)) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted"),
    }
}

struct Person {
    room: Room,
    id: ContactId,
    call: model::id::CallId,
}

impl Person {
    /// Somebody of whom something is kept wherever something may be kept, and who was talked to.
    async fn met() -> Self {
        // Its own machine may be an endpoint.
        let world = World::configured(1, |config| config.dev = true).await;
        let acme = world.company("acme").await;
        let lease = Lease::init(&world.db).await.expect("lease");
        let room = Room { world, acme, lease };
        let endpoint = EndpointForm { url: "http://localhost:9/".to_owned(), full_numbers: true, ..EndpointForm::default() };
        webhooks::create(&room.world.db, &room.acme.actor, &endpoint).await.expect("an endpoint");
        let mut tx = room.world.tx(&room.acme).await;
        let form = ContactForm {
            name: "Zanzibar Ada".to_owned(),
            phone: "(212) 555-0187".to_owned(),
            email: "ada@zanzi.example".to_owned(),
            company: "Zanzibar Ltd".to_owned(),
            notes: "Likes Zanzibar".to_owned(),
            ..ContactForm::default()
        };
        let id = create(&mut tx, &form).await.expect("contact");
        edit(&mut tx, id, &form).await.expect("changed");
        let consent = ConsentForm {
            phones: PHONE.to_owned(),
            purpose: Purpose::Marketing,
            standing: Standing::Written,
            source: ConsentSource::WebForm,
            wording: "form v3".to_owned(),
            evidence: "Zanzibar form".to_owned(),
            ip: "2001:db8::77".to_owned(),
            on: String::new(),
        };
        consents::record(&mut tx, &consent).await.expect("recorded");
        let item = model::orders::ItemForm { name: "Lamp".into(), price: "1".into(), ..Default::default() };
        let order = model::orders::OrderForm {
            number: "A-1".into(),
            customer_phone: PHONE.into(),
            currency: "EUR".into(),
            notes: "Deliver to Zanzibar".into(),
            items: vec![item],
            ..Default::default()
        };
        crate::orders::create(&mut tx, &order).await.expect("order");
        let lead = model::leads::LeadForm { notes: "Of Zanzibar".into(), ..Default::default() };
        crate::leads::create(&mut tx, Some(id), &lead).await.expect("lead");
        tx.commit().await.expect("commit");
        let campaign = room.world.launched(&room.acme, 0, |form| form.record = true).await;
        let form = model::rehearsal::RehearsalForm::default();
        crate::rehearsal::rehearse(&room.world.db, &room.acme.actor, campaign, &form).await.expect("played");
        let dial = room.plan(campaign).await.dials.remove(0);
        room.record(&dial, Answer::Placed(ProviderCallId::new("CA-ZANZI"))).await;
        Self { room, id, call: dial.call }
    }

    async fn talked(&self) {
        self.room.end(self.call, Outcome::Completed).await;
        self.hear().await;
        let mut tx = self.room.world.tx(&self.room.acme).await;
        // What tables hold that are filled by others.
        for sql in [
            "insert into imports (id, kind, status, file_name, file_bytes, encoding, delimiter, headers, samples, mapping, created_by, created_at)
             values ($1, 'contacts', 'completed', 'a.csv', 1, 'utf-8', ',', '[]', '[[\"Zanzibar Ada\"]]', '{}', 'x', $2)",
            "insert into import_problems (import_id, dry_run, line, field, value, why, cells)
             values ($1, false, 1, 'phone', '(212) 555-0187', $2::text, '[\"Zanzibar Ada\", \"(212) 555-0187\"]')",
            "insert into import_keys (import_id, key, line) values ($1, '+12125550187', extract(year from $2::timestamptz)::bigint)",
            "insert into import_changes (import_id, subject_id, before, after)
             select $1, id, jsonb_build_object('notes', 'Zanzibar', 'at', $2::text), '{}'::jsonb from contacts where phone = '+12125550187'
             union all select $1, id, '{\"notes\": \"Zanzibar\"}'::jsonb, '{}' from orders
             union all select $1, id, '{\"notes\": \"Zanzibar\"}', '{}' from leads",
            "insert into stored_answers (caller, key, request_hash, status, body, created_at)
             values ($1, 'k', '', 200, '{\"name\": \"Zanzibar Ada\", \"phone\": \"+12125550187\"}', $2)",
            "insert into audits (id, gateway_id, night, audited_at, calls, findings)
             values ($1, (select id from gateways limit 1), '2026-11-22', $2, 1, '{call to +12125550187 is missing,another}')",
            "insert into inbox (company_id, id, gateway_id, event_id, url, body, received_at, handled_at)
             values (app.company(), $1, (select id from gateways limit 1), 'e', '/hooks', 'To=%2B12125550187', $2, $2)",
        ] {
            sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
                .bind(model::id::Uuid::from_u128(7))
                .bind(self.room.world.clock.now())
                .execute(tx.conn())
                .await
                .unwrap_or_else(|e| panic!("{sql}: {e}"));
        }
        tx.commit().await.expect("commit");
    }

    /// The provider tells what was said, by our own id of the call.
    async fn hear(&self) {
        let said = Segment { speaker: Speaker::Person, text: "I am Ada of Zanzibar.".to_owned(), start_ms: None, end_ms: None };
        let analysis = Analysis {
            transcript: vec![said],
            summary: Some("Ada of Zanzibar.".to_owned()),
            fields: [("from".to_owned(), "Zanzibar".to_owned())].into(),
            successful: Some(true),
            ..Analysis::default()
        };
        let sound = providers::Recording {
            id: "CA-ZANZI-RE".to_owned(),
            url: None,
            seconds: Some(3),
            ready: true,
            raw_status: String::new(),
        };
        for kind in [CallbackKind::Analysis(Box::new(analysis)), CallbackKind::Recording(sound)] {
            let told = scripted::news(ProviderCallId::new("CA-ZANZI"), kind);
            self.room.world.callback(self.room.acme.company, self.call, told).await.expect("applied");
        }
    }

    async fn erase(&self, number: &str) -> Result<()> {
        let mut tx = self.room.world.tx(&self.room.acme).await;
        super::erase(&mut tx, self.id, number).await?;
        tx.commit().await
    }

    async fn left(&self) -> Vec<(String, Vec<String>)> {
        let mut left = Vec::new();
        for canary in CANARIES {
            let places = found(&self.room.world, canary).await;
            if !places.is_empty() {
                left.push(((*canary).to_owned(), places));
            }
        }
        left
    }
}

#[tokio::test]
async fn after_an_erasure_no_column_of_any_table_says_anything_of_the_person() {
    let person = Person::met().await;
    person.talked().await;
    let before = person.left().await;
    let places: std::collections::BTreeSet<_> = before.iter().flat_map(|(_, places)| places).map(String::as_str).collect();
    for place in [
        "calls.transcript",
        "consents.evidence",
        "deliveries.body",
        "inbox.body",
        "rehearsals.report",
        "recordings.remote_id",
        "leads.notes",
        "orders.notes",
        "import_keys.key",
        "import_changes.before",
        "import_problems.cells",
    ] {
        assert!(places.contains(place), "this test proves nothing about {place}: {places:?}");
    }
    assert!(!places.contains("events.text"), "the record names nobody from the first: {places:?}");
    let mut tx = person.room.world.tx(&person.room.acme).await;
    let wallet = crate::credits::wallet(&mut tx).await.expect("wallet");
    drop(tx);
    person.erase("+1 212 555 0187").await.expect("erased");
    assert_eq!(person.left().await, []);
    let mut tx = person.room.world.tx(&person.room.acme).await;
    assert_eq!(crate::credits::wallet(&mut tx).await.expect("wallet").spent, wallet.spent);
    let row = load(&mut tx, person.id).await.expect("the row stays");
    assert_eq!((row.name.as_str(), row.calls, row.status), ("Forgotten", 1, ContactStatus::Archived));
    let kept: Vec<String> = sqlx::query_scalar("select findings[1] from audits").fetch_all(tx.conn()).await.expect("read");
    assert_eq!(kept, ["another"]);
    drop(tx);
    // What a provider tells late, by our own id of the call, is not kept either.
    person.hear().await;
    assert_eq!(person.left().await, []);
    let again = told(person.erase(PHONE).await);
    assert!(matches!(again, model::Error::Conflict { .. }), "{again}");
    person.room.holds().await;
}

#[tokio::test]
async fn a_number_on_the_list_stays_on_it_and_nothing_else_does() {
    let person = Person::met().await;
    person.talked().await;
    let mut tx = person.room.world.tx(&person.room.acme).await;
    suppressions::add(&mut tx, PHONE, "By letter").await.expect("added");
    tx.commit().await.expect("commit");
    person.erase(PHONE).await.expect("erased");
    for (_, places) in person.left().await {
        assert_eq!(places, ["suppression_moves.phone", "suppressions.phone"]);
    }
    // Whoever uploads them again does not call them.
    let mut tx = person.room.world.tx(&person.room.acme).await;
    let again = create(&mut tx, &ContactForm { name: "Ada".to_owned(), phone: PHONE.to_owned(), ..ContactForm::default() }).await;
    let row = load(&mut tx, again.expect("a new contact")).await.expect("row");
    assert!(row.suppressed);
    drop(tx);
    person.room.holds().await;
}

#[tokio::test]
async fn nobody_is_erased_on_a_call_or_by_a_wrong_number_or_by_somebody_else() {
    let person = Person::met().await;
    assert!(matches!(told(person.erase(PHONE).await), model::Error::Conflict { .. }), "they are on a call");
    assert!(told(person.erase("+12125550100").await).of_field("number").is_some());
    person.talked().await;
    for role in [Role::Operator, Role::Viewer] {
        let actor = person.room.world.member(&person.room.acme, role).await;
        let mut tx = person.room.world.db.begin(&actor).await.expect("begin");
        for refusal in [told(super::erase(&mut tx, person.id, PHONE).await), told(export(&mut tx, person.id).await)] {
            assert!(matches!(refusal, model::Error::Forbidden { .. }), "{role}: {refusal}");
        }
    }
    let birch = person.room.world.company("birch").await;
    let mut tx = person.room.world.tx(&birch).await;
    assert_eq!(told(super::erase(&mut tx, person.id, PHONE).await), model::Error::not_found("contact"));
    assert_eq!(told(export(&mut tx, person.id).await), model::Error::not_found("contact"));
    drop(tx);
    assert!(!person.left().await.is_empty(), "all of it is still there");
    person.room.holds().await;
}

#[tokio::test]
async fn a_waiting_person_is_erased_and_their_campaign_counts_them_as_done() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 2, |_| {}).await;
    let mut tx = room.world.tx(&room.acme).await;
    let page = list(&mut tx, &ContactFilter::default()).await.expect("list");
    let first = page.items.iter().find(|row| row.name == "Person 0").expect("there").id;
    super::erase(&mut tx, first, &crate::testing::phone(0)).await.expect("erased");
    tx.commit().await.expect("commit");
    assert_eq!(room.plan(campaign).await.dials.len(), 1);
    let mut tx = room.world.tx(&room.acme).await;
    let finished: i64 = sqlx::query_scalar("select finished from campaign_stats where campaign_id = $1")
        .bind(campaign)
        .fetch_one(tx.conn())
        .await
        .expect("stats");
    assert_eq!(finished, 1);
    drop(tx);
    room.holds().await;
}

#[tokio::test]
async fn the_file_has_everything_and_the_record_says_only_that_it_was_taken() {
    let person = Person::met().await;
    person.talked().await;
    person.room.world.clock.advance(TimeDelta::minutes(1));
    let mut tx = person.room.world.tx(&person.room.acme).await;
    let file = String::from_utf8(export(&mut tx, person.id).await.expect("exported")).expect("text");
    for part in [
        PHONE,
        "Zanzibar Ada",
        "ada@zanzi.example",
        "Likes Zanzibar",
        "I am Ada of Zanzibar.",
        "form v3",
        "2001:db8::77",
        "Spring",
    ] {
        assert!(file.contains(part), "{part}");
    }
    let filter = EventFilter { kind: Some(EventKind::ContactExported), ..EventFilter::default() };
    let events = events::list(&mut tx, &filter).await.expect("events").items;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].subject.as_deref(), Some(&*person.id.to_string()));
    assert!(!events[0].text.contains("Zanzibar") && !events[0].text.contains("0187"));
}
