//! Orders with items and leads from files: across chunks, after a kill, and out again.

use super::super::jobs::UndoImport;
use super::*;
use crate::{leads, orders};
use chrono::TimeDelta;
use model::imports::Undone;
use model::leads::{LeadFilter, LeadStatus};
use model::orders::{OrderFilter, OrderStatus};

const ORDERS: &str = "Order number,Customer phone,Customer name,SKU,Quantity,Price,Currency,Order status,Order date
A-1,+12025550101,Ada,S-1,2,1.50,USD,paid,2026-01-02
A-2,+12025550102,Bo,S-2,1,10,USD,,2026-01-02 10:00:00
a-1,+12025550101,Ada,S-2,1,10.00,usd,paid,2026-01-02
A-1,+12025550101,Ada,S-3,1,5,EUR,paid,2026-01-02
A-3,12,Cy,S-1,1,1.50,USD,lost,2026-01-02
OLD,+12025550103,Di,S-9,9,9,USD,,2026-01-02
A-2,+12025550102,Bo,S-4,3,2,USD,,2026-01-02
";

async fn all(w: &World, someone: &Someone) -> Vec<(String, i64, i64, OrderStatus)> {
    let orders = orders::list(&mut w.tx(someone).await, &OrderFilter::default()).await.expect("list");
    let mut all: Vec<_> = orders.page.items.into_iter().map(|row| (row.number, row.items, row.total.minor, row.status)).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// An order that was there before.
async fn old(w: &World, someone: &Someone) {
    let item = model::orders::ItemForm { sku: "S-1".into(), price: "1".into(), ..Default::default() };
    let form = model::orders::OrderForm {
        number: "old".into(),
        customer_phone: "+12025550103".into(),
        currency: "USD".into(),
        items: vec![item],
        ..Default::default()
    };
    let mut tx = w.tx(someone).await;
    orders::create(&mut tx, &form).await.expect("created");
    tx.commit().await.expect("commit");
    w.clock.advance(TimeDelta::minutes(1));
}

async fn undo_all(w: &World, someone: &Someone, id: ImportId) -> Undone {
    let mut tx = w.tx(someone).await;
    undo(&mut tx, id).await.expect("undo");
    tx.commit().await.expect("commit");
    w.jobs::<UndoImport>(someone.company).await.expect("jobs").pop().expect("a job").run(w.db.clone()).await.expect("undone");
    import(w, someone, id).await.undone
}

#[tokio::test]
async fn rows_with_one_number_are_one_order_across_chunks_and_kills() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    old(&w, &acme).await;
    let id = checked_as(&w, &acme, ImportKind::Orders, ORDERS.as_bytes()).await;
    let dry = import(&w, &acme, id).await;
    assert_eq!(dry.checked, Counts { rows: 7, created: 2, merged: 1, duplicates: 3, invalid: 1 });
    let job = start_run(&w, &acme, id).await;
    step(&w.db, acme.company, id, job.phase, 2).await.expect("step");
    {
        // The kill: a chunk did everything but commit.
        let mut doomed = w.db.begin(&Actor::engine(acme.company)).await.expect("begin");
        jobs::chunk(&mut doomed, id, job.phase, 2).await.expect("chunk");
    }
    w.clock.advance(TimeDelta::minutes(1));
    while step(&w.db, acme.company, id, job.phase, 2).await.expect("step").is_some() {}
    let done = import(&w, &acme, id).await;
    // That an item is in another currency shows when its order is there.
    assert_eq!(
        (done.status, done.done),
        (ImportStatus::Completed, Counts { rows: 7, created: 2, merged: 1, duplicates: 2, invalid: 2 })
    );
    let row = |number: &str, items, total, status| (number.to_owned(), items, total, status);
    let here =
        [row("A-1", 2, 1_300, OrderStatus::Paid), row("A-2", 2, 1_600, OrderStatus::New), row("old", 1, 100, OrderStatus::New)];
    assert_eq!(all(&w, &acme).await, here);
    let told = problems(&mut w.tx(&acme).await, id, Paging::default()).await.expect("problems").items;
    let told: Vec<_> = told.iter().map(|p| (p.line, p.field.as_str(), p.why.as_str())).collect();
    assert_eq!(
        told,
        [
            (5, "currency", "This order is in USD."),
            (6, "phone", "This number is too short."),
            (6, "status", "Use new, confirmed, paid, fulfilled, cancelled or refunded.")
        ]
    );
    let (_, refused) = rejected(&mut w.tx(&acme).await, id).await.expect("a file");
    assert!(refused.contains("A-1,'+12025550101,Ada,S-3,1,5,EUR,paid,2026-01-02,5,Currency: This order is in USD."), "{refused}");
    // Campaigns may call the customers.
    assert_eq!(contacts_of(&w, &acme, ContactFilter { import: Some(id), ..ContactFilter::default() }).await.total, 2);

    assert_eq!(undo_all(&w, &acme, id).await, Undone { removed: 2, ..Undone::default() });
    assert_eq!(all(&w, &acme).await, here[2..]);
    assert_eq!(contacts_of(&w, &acme, ContactFilter::default()).await.total, 1, "who came along went along");
    let again = checked_as(&w, &acme, ImportKind::Orders, ORDERS.as_bytes()).await;
    assert_eq!(import(&w, &acme, again).await.checked.created, 2);
    start_run(&w, &acme, again).await.run(w.db.clone()).await.expect("run");
    assert_eq!(all(&w, &acme).await, here);
}

#[tokio::test]
async fn an_order_that_was_changed_stays_with_its_customer() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let id = checked_as(&w, &acme, ImportKind::Orders, ORDERS.as_bytes()).await;
    start_run(&w, &acme, id).await.run(w.db.clone()).await.expect("run");
    w.clock.advance(TimeDelta::minutes(1));
    let mut tx = w.tx(&acme).await;
    let rows =
        orders::list(&mut tx, &OrderFilter { search: "A-1".into(), ..OrderFilter::default() }).await.expect("list").page.items;
    let order = orders::load(&mut tx, rows[0].id).await.expect("load");
    orders::edit(&mut tx, rows[0].id, &order.form()).await.expect("edited");
    tx.commit().await.expect("commit");
    assert_eq!(undo_all(&w, &acme, id).await, Undone { removed: 2, kept: 1, restored: 0 });
    assert_eq!(all(&w, &acme).await.len(), 1);
    let left = contacts_of(&w, &acme, ContactFilter::default()).await;
    assert_eq!(left.items.into_iter().map(|row| row.name).collect::<Vec<_>>(), ["Ada"]);
}

#[tokio::test]
async fn leads_come_in_once_and_go_out_again() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let text = "Name,Phone,Lead status,Next step,Due\nAda,+12025550101,Qualified,Call,2026-12-01\nBo,+12025550102,,,\n\
                Ada again,+12025550101,,,\nCy,+12025550103,soon,,1.2.2026\n";
    let id = checked_as(&w, &acme, ImportKind::Leads, text.as_bytes()).await;
    let expected = Counts { rows: 4, created: 2, duplicates: 1, invalid: 1, ..Counts::default() };
    let job = start_run(&w, &acme, id).await;
    let first = step(&w.db, acme.company, id, job.phase, 1).await.expect("step").expect("more");
    {
        let mut doomed = w.db.begin(&Actor::engine(acme.company)).await.expect("begin");
        assert!(jobs::chunk(&mut doomed, id, job.phase, 1).await.expect("chunk") > Some(first));
    }
    job.run(w.db.clone()).await.expect("run");
    let done = import(&w, &acme, id).await;
    assert_eq!((done.status, done.checked, done.done), (ImportStatus::Completed, expected, expected));
    let listed = async || leads::list(&mut w.tx(&acme).await, &LeadFilter::default()).await.expect("list").items;
    let mut statuses: Vec<_> = listed().await.into_iter().map(|lead| lead.status).collect();
    statuses.sort();
    assert_eq!(statuses, [LeadStatus::New, LeadStatus::Qualified]);
    let fields: Vec<_> = problems(&mut w.tx(&acme).await, id, Paging::default())
        .await
        .expect("problems")
        .items
        .into_iter()
        .map(|p| p.field)
        .collect();
    assert_eq!(fields, ["follow_up_on", "status"]);
    let again = checked_as(&w, &acme, ImportKind::Leads, text.as_bytes()).await;
    assert_eq!(import(&w, &acme, again).await.checked.merged, 2);
    assert_eq!(undo_all(&w, &acme, id).await, Undone { removed: 2, ..Undone::default() });
    assert!(listed().await.is_empty());
    assert_eq!(contacts_of(&w, &acme, ContactFilter::default()).await.total, 0);
}
