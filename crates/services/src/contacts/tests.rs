//! Contacts: reading what people type, searching, fixed numbers, archiving.

mod erasing;

use super::*;
use crate::error::Error;
use crate::suppressions::tests::{campaign, state};
use crate::testing::World;
use model::accounts::Role;
use model::page::Paging;
use sqlx::{Connection, PgConnection};

fn form(name: &str, phone: &str) -> ContactForm {
    ContactForm { name: name.into(), phone: phone.into(), ..ContactForm::default() }
}

async fn found(tx: &mut Tx, filter: ContactFilter) -> Vec<String> {
    list(tx, &filter).await.expect("list").items.into_iter().map(|c| c.name).collect()
}

async fn search(tx: &mut Tx, text: &str) -> Vec<String> {
    found(tx, ContactFilter { search: text.into(), ..ContactFilter::default() }).await
}

fn problem(error: Error, field: &str) -> String {
    model::Error::from(error).of_field(field).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_contact_is_stored_as_typed_and_read_as_a_number() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let typed = ContactForm {
        name: " Maya Okafor ".into(),
        phone: "(202) 555-0101".into(),
        email: "maya@pine.example".into(),
        company: "Pine".into(),
        time_zone: "america/chicago".into(),
        segment: "vip".into(),
        notes: "Calls back late".into(),
    };
    let id = create(&mut tx, &typed).await.expect("created");
    let row = load(&mut tx, id).await.expect("load");
    assert_eq!(
        (row.name.as_str(), row.phone.as_str(), row.time_zone.as_str()),
        ("Maya Okafor", "+12025550101", "America/Chicago")
    );
    assert_eq!((row.status, row.suppressed, row.calls), (ContactStatus::Active, false, 0));
    assert_eq!(segments(&mut tx).await.expect("segments"), ["vip"]);
}

#[tokio::test]
async fn all_problems_of_a_form_are_told_at_once() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let bad = ContactForm { email: "x".into(), time_zone: "Mars/Olympus".into(), ..form("", "12") };
    let model::Error::Invalid { fields } = create(&mut tx, &bad).await.expect_err("bad").into() else { panic!("invalid") };
    assert_eq!(fields.keys().map(String::as_str).collect::<Vec<_>>(), ["email", "name", "phone", "time_zone"]);
}

#[tokio::test]
async fn a_number_belongs_to_one_contact() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    create(&mut tx, &form("Maya", "+12025550101")).await.expect("created");
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&acme).await;
    let taken = create(&mut tx, &form("Bo", "202-555-0101")).await.expect_err("taken");
    assert_eq!(problem(taken, "phone"), "Another contact has this number.");
}

#[tokio::test]
async fn search_is_by_start_of_name_or_number() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    create(&mut tx, &form("Maya", "+12025550101")).await.expect("created");
    create(&mut tx, &form("maynard", "+12025550102")).await.expect("created");
    create(&mut tx, &ContactForm { segment: "vip".into(), ..form("Bo", "+442079460018") }).await.expect("created");
    assert_eq!(search(&mut tx, "MAY").await.len(), 2);
    assert_eq!(search(&mut tx, "+1202555").await.len(), 2);
    assert_eq!(search(&mut tx, "(202) 555-0102").await, ["maynard"]);
    assert_eq!(search(&mut tx, "44 20").await, ["Bo"]);
    assert!(search(&mut tx, "aya").await.is_empty());
    assert_eq!(found(&mut tx, ContactFilter { segment: "vip".into(), ..ContactFilter::default() }).await, ["Bo"]);
    let second = ContactFilter { paging: Paging::new(2, 2), ..ContactFilter::default() };
    let page = list(&mut tx, &second).await.expect("list");
    assert_eq!((page.items.len(), page.total), (1, 3));
}

#[tokio::test]
async fn searches_use_their_index_below_row_security() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let now = tx.now();
    sqlx::query(
        "insert into contacts (id, name, phone, phone_raw, created_at, updated_at)
         select md5(n::text)::uuid, 'Person ' || n, '+1202555' || lpad(n::text, 4, '0'), '', $1, $1 from generate_series(0, 4999) as n",
    )
    .bind(now)
    .execute(tx.conn())
    .await
    .expect("people");
    tx.commit().await.expect("commit");
    let mut owner = PgConnection::connect(&w.owner_url()).await.expect("owner");
    sqlx::query("analyze contacts").execute(&mut owner).await.expect("analyzed");
    let mut tx = w.tx(&acme).await;
    let by_name = ContactFilter { search: "may".into(), ..ContactFilter::default() };
    let plan = repo::explain(&mut tx, &by_name, &[]).await.expect("plan");
    assert!(plan.contains("contacts_name") && plan.contains("name_lower ~>=~ "), "{plan}");
    let plan = repo::explain(&mut tx, &ContactFilter::default(), &["+120255501".to_owned()]).await.expect("plan");
    assert!(plan.contains("contacts_phone_prefix"), "{plan}");
}

#[tokio::test]
async fn a_number_that_was_called_is_fixed() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, &form("Maya", "+12025550101")).await.expect("created");
    edit(&mut tx, id, &form("Maya O.", "+12025550102")).await.expect("not called yet");
    sqlx::query("update contacts set calls = 1 where id = $1").bind(id).execute(tx.conn()).await.expect("called");
    let fixed = edit(&mut tx, id, &form("Maya", "+12025550103")).await.expect_err("fixed");
    assert!(problem(fixed, "phone").starts_with("This number was called already"));
    edit(&mut tx, id, &form("Maya Okafor", "202 555 0102")).await.expect("the same number, written differently");
    assert_eq!(load(&mut tx, id).await.expect("load").name, "Maya Okafor");
}

#[tokio::test]
async fn archiving_leaves_lists_and_queues_and_creating_again_brings_back() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, &form("Maya", "+12025550101")).await.expect("created");
    let spring = campaign(&mut tx, id).await;
    for _ in 0..2 {
        archive(&mut tx, id).await.expect("archived");
    }
    assert_eq!(state(&mut tx, spring).await, (EnrollmentStatus::Cancelled, false, 1, true));
    assert!(search(&mut tx, "").await.is_empty());
    assert_eq!(load(&mut tx, id).await.expect("load").status, ContactStatus::Archived);
    let again = create(&mut tx, &form("Maya Okafor", "+12025550101")).await.expect("back");
    assert_eq!(again, id);
    assert_eq!(search(&mut tx, "maya").await, ["Maya Okafor"]);
}

#[tokio::test]
async fn a_viewer_sees_masked_numbers_and_changes_nothing() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, &form("Maya", "+12025550101")).await.expect("created");
    tx.commit().await.expect("commit");
    let viewer = w.member(&acme, Role::Viewer).await;
    let mut tx = w.db.begin(&viewer).await.expect("begin");
    assert_eq!(load(&mut tx, id).await.expect("load").phone, "+12•••••••01");
    // A search by number would tell its digits one by one.
    assert!(search(&mut tx, "+1202").await.is_empty());
    let refused = [
        create(&mut tx, &form("Bo", "+12025550102")).await.err(),
        edit(&mut tx, id, &form("Bo", "+12025550102")).await.err(),
        archive(&mut tx, id).await.err(),
    ];
    assert!(refused.iter().all(|e| matches!(e, Some(Error::Told(model::Error::Forbidden { .. })))));
}

#[tokio::test]
async fn another_companys_contact_does_not_exist() {
    let w = World::new().await;
    let (acme, birch) = (w.company("acme").await, w.company("birch").await);
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, &form("Maya", "+12025550101")).await.expect("created");
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&birch).await;
    assert!(search(&mut tx, "").await.is_empty());
    let missing = [
        load(&mut tx, id).await.err(),
        open(&mut tx, id).await.err(),
        edit(&mut tx, id, &form("Bo", "+12025550102")).await.err(),
        archive(&mut tx, id).await.err(),
    ];
    assert!(missing.iter().all(|e| matches!(e, Some(Error::Told(model::Error::NotFound { .. })))));
    create(&mut tx, &form("Maya", "+12025550101")).await.expect("the same number is free here");
}

#[tokio::test]
async fn a_contacts_page_tells_its_campaigns_and_what_happened_as_far_as_the_role_sees() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, &form("Maya", "+12025550101")).await.expect("created");
    let other = create(&mut tx, &form("Bo", "+12025550102")).await.expect("created");
    let spring = campaign(&mut tx, id).await;
    tx.commit().await.expect("commit");

    let mut tx = w.tx(&acme).await;
    let contact = open(&mut tx, id).await.expect("open");
    assert_eq!(contact.campaigns.iter().map(|c| (c.id, c.status)).collect::<Vec<_>>(), [(spring, EnrollmentStatus::Queued)]);
    assert_eq!(contact.suppression, None);
    let [Happening::Event(made)] = &contact.story[..] else { panic!("one event: {:?}", contact.story) };
    assert_eq!((made.kind, contact.is_cut), (EventKind::ContactCreated, false));
    assert_eq!(open(&mut tx, other).await.expect("open").campaigns, []);

    suppressions::add(&mut tx, "+12025550101", "asked by letter").await.expect("added");
    tx.commit().await.expect("commit");
    let viewer = w.member(&acme, Role::Viewer).await;
    let mut tx = w.db.begin(&viewer).await.expect("begin");
    let contact = open(&mut tx, id).await.expect("open");
    let why = contact.suppression.expect("on the list");
    assert_eq!((why.reason.as_str(), why.phone.as_str()), ("asked by letter", "+12•••••••01"));
    assert_eq!(contact.campaigns[0].status, EnrollmentStatus::OptedOut);
    // The event record is not for viewers.
    assert_eq!(contact.story, []);
}

#[tokio::test]
async fn a_long_story_is_cut_and_says_so() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, &form("Maya", "+12025550101")).await.expect("created");
    for n in 0..STORY_MAX {
        edit(&mut tx, id, &form(&format!("Maya {n}"), "+12025550101")).await.expect("edited");
    }
    let contact = open(&mut tx, id).await.expect("open");
    assert_eq!((contact.story.len(), contact.is_cut), (STORY_MAX as usize, true));
    let Some(Happening::Event(newest)) = contact.story.first() else { panic!("events") };
    assert_eq!(newest.kind, EventKind::ContactChanged);
}

/// An order and a lead of each.
async fn sold(tx: &mut Tx, people: [(&str, ContactId); 2]) {
    for (phone, id) in people {
        let item = model::orders::ItemForm { name: "Lamp".into(), price: "1".into(), ..Default::default() };
        let order = model::orders::OrderForm {
            number: phone.into(),
            customer_phone: phone.into(),
            currency: "EUR".into(),
            items: vec![item],
            ..Default::default()
        };
        crate::orders::create(tx, &order).await.expect("order");
        crate::leads::create(tx, Some(id), &Default::default()).await.expect("lead");
    }
}

/// The numbers in the list of orders and in that of leads, by their last digit.
async fn numbers_elsewhere(tx: &mut Tx) -> [Vec<String>; 2] {
    let orders = crate::orders::list(tx, &Default::default()).await.expect("orders").page.items;
    let leads = crate::leads::list(tx, &Default::default()).await.expect("leads").items;
    let mut both = [orders.into_iter().map(|row| row.phone).collect(), leads.into_iter().map(|row| row.phone).collect()];
    both.iter_mut().for_each(|phones: &mut Vec<String>| phones.sort_by_key(|phone| phone.chars().last()));
    both
}

#[tokio::test]
async fn who_may_not_see_numbers_sees_masks_and_an_operator_sees_whom_they_call() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let with_mail = |name: &str, phone: &str| ContactForm { email: format!("{name}@pine.example"), ..form(name, phone) };
    let [ada, bea] = [("ada", "+12025550101"), ("bea", "+12025550102")].map(|(name, phone)| with_mail(name, phone));
    let ada = create(&mut tx, &ada).await.expect("created");
    let bea = create(&mut tx, &bea).await.expect("created");
    let spring = campaign(&mut tx, ada).await;
    campaign(&mut tx, bea).await;
    sold(&mut tx, [("+12025550101", ada), ("+12025550102", bea)]).await;
    for phone in ["+12025550101", "+12025550102"] {
        sqlx::query("insert into suppressions (id, phone, source, reason, created_at) values ($1, $2, 'manual', '', $3)")
            .bind(tx.id::<model::id::SuppressionId>())
            .bind(phone)
            .bind(w.clock.now())
            .execute(tx.conn())
            .await
            .expect("on the list");
    }
    tx.commit().await.expect("commit");
    let operator = w.member(&acme, Role::Operator).await;
    crate::team::access::assign(&w.db, &acme.actor, operator.user_id().expect("a person"), &[spring]).await.expect("assigned");
    let viewer = w.member(&acme, Role::Viewer).await;
    let whole = |name: &str, phone: &str| (phone.to_owned(), format!("{name}@pine.example"));
    let masked = |name: &str, phone: &str| (phone.to_owned(), format!("{}•••@p•••.example", &name[..1]));
    let (ada_whole, bea_whole) = (whole("ada", "+12025550101"), whole("bea", "+12025550102"));
    let (ada_masked, bea_masked) = (masked("ada", "+12•••••••01"), masked("bea", "+12•••••••02"));
    for (actor, expected) in [
        (&acme.actor, [ada_whole.clone(), bea_whole]),
        (&operator, [ada_whole, bea_masked.clone()]),
        (&viewer, [ada_masked, bea_masked]),
    ] {
        let mut tx = w.db.begin(actor).await.expect("begin");
        let mut rows = list(&mut tx, &ContactFilter::default()).await.expect("list").items;
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        let listed: Vec<_> = rows.iter().map(|row| (row.phone.clone(), row.email.clone())).collect();
        assert_eq!(listed, expected, "the list of {}", actor.name());
        for (id, expected) in [ada, bea].iter().zip(&expected) {
            let one = load(&mut tx, *id).await.expect("row");
            assert_eq!(&(one.phone, one.email), expected, "one of {}", actor.name());
            let open = open(&mut tx, *id).await.expect("page");
            assert_eq!(&(open.row.phone, open.row.email), expected, "the page of {}", actor.name());
            assert_eq!(open.suppression.expect("on the list").phone, expected.0);
        }
        for phones in numbers_elsewhere(&mut tx).await {
            assert_eq!(phones, expected.each_ref().map(|(phone, _)| phone.clone()), "orders and leads of {}", actor.name());
        }
        let mut on_list: Vec<_> = crate::suppressions::list(&mut tx, &Default::default())
            .await
            .expect("list")
            .items
            .into_iter()
            .map(|row| row.phone)
            .collect();
        on_list.sort_by_key(|phone| phone.chars().last());
        assert_eq!(on_list, expected.each_ref().map(|(phone, _)| phone.clone()));
    }
    // Nobody finds out by searching what they see masked.
    let mut tx = w.db.begin(&operator).await.expect("begin");
    assert_eq!(search(&mut tx, "+1202555010").await, ["ada"]);
    assert_eq!(search(&mut tx, "+12025550102").await, [""; 0]);
    let leads = |search: &str| model::leads::LeadFilter { search: search.to_owned(), ..Default::default() };
    assert_eq!(crate::leads::list(&mut tx, &leads("+1202555010")).await.expect("leads").total, 0, "only whole numbers");
    assert_eq!(crate::leads::list(&mut tx, &leads("+12025550102")).await.expect("leads").total, 1, "who knows a number may ask");
}

#[tokio::test]
async fn a_page_leads_to_the_lead_and_the_orders_of_its_contact() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let maya = create(&mut tx, &form("Maya", "+12025550101")).await.expect("created");
    let links = |contact: Contact| contact.links.into_iter().map(|(text, href)| format!("{text} {href}")).collect::<Vec<_>>();
    let before = links(open(&mut tx, maya).await.expect("open"));
    assert_eq!(before, [format!("Make a lead /leads/lead?contact={maya}")]);
    let item = model::orders::ItemForm { name: "Lamp".into(), price: "1".into(), ..Default::default() };
    let order = model::orders::OrderForm {
        number: "A-1".into(),
        customer_phone: "+12025550101".into(),
        currency: "EUR".into(),
        items: vec![item],
        ..Default::default()
    };
    crate::orders::create(&mut tx, &order).await.expect("order");
    let lead = crate::leads::create(&mut tx, Some(maya), &Default::default()).await.expect("lead");
    let after = links(open(&mut tx, maya).await.expect("open"));
    assert_eq!(after, [format!("Lead: new, score 0 /leads/lead?id={lead}"), format!("1 order /orders?contact={maya}")]);
    let found = look_up(&mut tx, "(202) 555-0101").await.expect("found");
    assert_eq!((found.row.id, found.lead.map(|lead| lead.id), found.orders), (maya, Some(lead), 1));
    tx.commit().await.expect("commit");
    let viewer = w.member(&acme, Role::Viewer).await;
    let mut tx = w.db.begin(&viewer).await.expect("begin");
    assert!(matches!(look_up(&mut tx, "+12025550101").await, Err(Error::Told(model::Error::Forbidden { .. }))));
}
