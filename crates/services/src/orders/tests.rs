//! Orders: pushing them twice, what is created with them, whose they are, and what is told of bad ones.

use super::*;
use crate::error::Error;
use crate::testing::{Someone, World};
use model::accounts::Role;
use model::orders::{ItemForm, OrderStatus};
use model::page::Paging;
use sqlx::{Connection, PgConnection};

fn item(sku: &str, name: &str, quantity: &str, price: &str) -> ItemForm {
    ItemForm { sku: sku.into(), name: name.into(), quantity: quantity.into(), price: price.into(), ..ItemForm::default() }
}

pub(crate) fn form(number: &str, phone: &str) -> OrderForm {
    OrderForm {
        number: number.into(),
        customer_name: "Maya Okafor".into(),
        customer_phone: phone.into(),
        currency: "USD".into(),
        items: vec![item("L-1", "Lamp", "2", "19.90")],
        ..OrderForm::default()
    }
}

async fn pushed(tx: &mut Tx, forms: &[OrderForm]) -> Vec<Pushed<OrderId>> {
    push(tx, forms).await.expect("pushed").into_iter().map(|row| row.expect("stored")).collect()
}

async fn numbers(tx: &mut Tx, filter: OrderFilter) -> Vec<String> {
    list(tx, &filter).await.expect("list").page.items.into_iter().map(|row| row.number).collect()
}

async fn count(w: &World, of: &Someone, table: &'static str) -> i64 {
    let mut tx = w.tx(of).await;
    let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    sqlx::query_scalar(sql).fetch_one(tx.conn()).await.expect("count")
}

#[tokio::test]
async fn an_order_brings_its_customer_and_its_products() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let lamp = ItemForm { category: "Light".into(), brand: "Lumen".into(), ..item("L-1", "Lamp", "2", "19.90") };
    let order = OrderForm {
        items: vec![lamp, item("", "Wrapping", "", "0.05")],
        notes: " Ring twice ".into(),
        ..form("A-1", "(202) 555-0101")
    };
    let id = create(&mut tx, &order).await.expect("created");
    let stored = load(&mut tx, id).await.expect("load");
    let (row, items) = (&stored.row, &stored.items);
    assert_eq!((row.customer.as_str(), row.phone.as_str(), row.status), ("Maya Okafor", "+12025550101", OrderStatus::New));
    assert_eq!((row.total.to_string().as_str(), row.items, row.ordered_on.to_string().as_str()), ("39.85 USD", 2, "2026-11-23"));
    assert_eq!((items[0].sku.as_str(), items[0].category.as_str(), items[0].brand.as_str()), ("L-1", "Light", "Lumen"));
    assert_eq!((items[1].name.as_str(), items[1].quantity, items[1].price.minor), ("Wrapping", 1, 5));
    assert_eq!(stored.notes, "Ring twice");
    let contact = contacts::load(&mut tx, row.contact).await.expect("contact");
    assert_eq!((contact.name.as_str(), count_of(&mut tx, row.contact).await.expect("count")), ("Maya Okafor", 1));
}

#[tokio::test]
async fn an_order_that_is_pushed_twice_is_one_order() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let first = pushed(&mut tx, &[OrderForm { status: Some(OrderStatus::Paid), ..form("A-1", "+12025550101") }]).await;
    tx.commit().await.expect("commit");
    w.clock.advance(chrono::TimeDelta::days(1));
    let mut tx = w.tx(&acme).await;
    let again = OrderForm { items: vec![item("l-1", "", "1", "5"), item("", "Bulb", "3", "1")], ..form("a-1", "+12025550101") };
    let second = pushed(&mut tx, &[again]).await;
    tx.commit().await.expect("commit");
    assert_eq!((first[0].created, second[0].created, first[0].id == second[0].id), (true, false, true));
    let mut tx = w.tx(&acme).await;
    let stored = load(&mut tx, first[0].id).await.expect("load");
    assert_eq!((stored.row.total.minor, stored.items.len(), stored.row.number.as_str()), (800, 2, "a-1"));
    assert_eq!(
        (stored.row.status, stored.row.ordered_on.to_string().as_str()),
        (OrderStatus::Paid, "2026-11-23"),
        "left out: as it was"
    );
    assert_eq!(stored.items[0].name, "Lamp", "a product that is known keeps its name");
    drop(tx);
    for (table, rows) in [("orders", 1), ("order_items", 2), ("products", 2), ("contacts", 1)] {
        assert_eq!(count(&w, &acme, table).await, rows, "{table}");
    }
}

#[tokio::test]
async fn one_bad_row_does_not_lose_the_others() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let rows = [
        form("A-1", "+12025550101"),
        form("A-2", "12"),
        form("A-3", "+12025550103"),
        form("a-1", "+12025550104"),
        OrderForm { currency: "dollars".into(), customer_email: "x".into(), ..form("A-5", "+12025550105") },
    ];
    let answers = push(&mut tx, &rows).await.expect("pushed");
    let fields = |n: usize| answers[n].as_ref().expect_err("bad").keys().map(String::as_str).collect::<Vec<_>>();
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert_eq!((fields(1), fields(3), fields(4)), (vec!["customer_phone"], vec!["number"], vec!["currency", "customer_email"]));
    assert_eq!(numbers(&mut tx, OrderFilter::default()).await, ["A-3", "A-1"]);
    let many = vec![form("A", "+12025550101"); PUSH_MAX + 1];
    let model::Error::Invalid { fields } = push(&mut tx, &many).await.expect_err("too many").into() else { panic!("invalid") };
    assert!(fields.contains_key("orders"));
    assert_eq!(push(&mut tx, &[]).await.expect("nothing"), []);
}

#[tokio::test]
async fn a_customer_who_is_known_keeps_what_is_known_of_them() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let typed = ContactForm { name: "Maya".into(), phone: "+12025550101".into(), notes: "vip".into(), ..ContactForm::default() };
    let maya = contacts::create(&mut tx, &typed).await.expect("contact");
    contacts::archive(&mut tx, maya).await.expect("archived");
    let rows = [
        OrderForm { customer_name: "Somebody else".into(), customer_email: "x@y.example".into(), ..form("A-1", "202 555 0101") },
        OrderForm { customer_name: String::new(), ..form("A-2", "+12025550102") },
    ];
    let stored = pushed(&mut tx, &rows).await;
    let known = contacts::load(&mut tx, maya).await.expect("contact");
    assert_eq!((known.name.as_str(), known.email.as_str(), known.notes.as_str()), ("Maya", "", "vip"));
    assert_eq!(known.status, model::contacts::ContactStatus::Archived);
    assert_eq!(load(&mut tx, stored[0].id).await.expect("order").row.contact, maya);
    assert_eq!(load(&mut tx, stored[1].id).await.expect("order").row.customer, contacts::UNKNOWN_CUSTOMER);
}

#[tokio::test]
async fn products_are_found_in_any_case_and_get_what_they_lacked() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let with = |category: &str, brand: &str, item: ItemForm| ItemForm { category: category.into(), brand: brand.into(), ..item };
    let orders = [
        ("1", item("L-1", "Lamp", "1", "1")),
        ("2", with("Light", "", item("l-1", "Other", "1", "1"))),
        ("3", with("LIGHT", "Lumen", item("L-1", "", "1", "1"))),
        ("4", with("Garden", "Other", item("L-1", "", "1", "1"))),
        ("5", item("", "lamp", "1", "1")),
        ("6", item("", "LAMP", "1", "1")),
    ];
    for (number, item) in orders {
        pushed(&mut tx, &[OrderForm { items: vec![item], ..form(number, "+12025550101") }]).await;
    }
    type Product = (String, String, Option<String>, Option<String>);
    let products: Vec<Product> = sqlx::query_as(
        "select p.sku, p.name, c.name as \"category?\", b.name as \"brand?\" from products p
         left join product_categories c on c.id = p.category_id left join product_brands b on b.id = p.brand_id order by p.sku_lower desc",
    )
    .fetch_all(tx.conn())
    .await
    .expect("products");
    let text = |text: &str| text.to_owned();
    assert_eq!(
        products,
        [(text("L-1"), text("Lamp"), Some(text("Light")), Some(text("Lumen"))), (text(""), text("lamp"), None, None),]
    );
    let categories: Vec<String> = sqlx::query_scalar("select name from product_categories order by name_lower")
        .fetch_all(tx.conn())
        .await
        .expect("categories");
    assert_eq!(categories, ["Garden", "Light"]);
}

#[tokio::test]
async fn two_who_push_the_same_orders_at_once_make_them_once() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let forwards: Vec<_> = (0..20).map(|n| form(&format!("A-{n}"), &format!("+120255501{n:02}"))).collect();
    let backwards: Vec<_> = forwards.iter().rev().cloned().collect();
    let one = async |forms: &[OrderForm]| {
        let mut tx = w.tx(&acme).await;
        let stored = pushed(&mut tx, forms).await;
        tx.commit().await.expect("commit");
        stored
    };
    let (a, mut b) = tokio::join!(one(&forwards), one(&backwards));
    b.reverse();
    assert!(a.iter().zip(&b).all(|(a, b)| a.id == b.id && a.created != b.created), "each is one order, made by one of them");
    for (table, rows) in [("orders", 20), ("order_items", 20), ("products", 1), ("contacts", 20)] {
        assert_eq!(count(&w, &acme, table).await, rows, "{table}");
    }
}

#[tokio::test]
async fn an_order_is_edited_and_its_customer_stays() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, &form("A-1", "+12025550101")).await.expect("created");
    create(&mut tx, &form("A-2", "+12025550102")).await.expect("created");
    let before = load(&mut tx, id).await.expect("load");
    let changed = OrderForm {
        status: Some(OrderStatus::Paid),
        currency: "JPY".into(),
        items: vec![item("T", "", "3", "100")],
        ..before.form()
    };
    edit(&mut tx, id, &changed).await.expect("edited");
    let after = load(&mut tx, id).await.expect("load");
    assert_eq!(
        (after.row.total.to_string().as_str(), after.row.status, after.row.contact),
        ("300 JPY", OrderStatus::Paid, before.row.contact)
    );
    assert_eq!(after.form().read().map(|order| order.total), Ok(300), "its form reads back");
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&acme).await;
    let taken = edit(&mut tx, id, &OrderForm { number: "a-2".into(), ..changed }).await.expect_err("taken");
    assert_eq!(model::Error::from(taken).of_field("number"), Some("Another order has this number."));
    let mut tx = w.tx(&acme).await;
    let taken = create(&mut tx, &form("a-1", "+12025550103")).await.expect_err("taken");
    assert_eq!(model::Error::from(taken).of_field("number"), Some("Another order has this number."));
}

#[tokio::test]
async fn an_archived_order_is_in_no_list_and_comes_back_when_it_is_pushed() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, &form("A-1", "+12025550101")).await.expect("created");
    archive(&mut tx, id).await.expect("archived");
    archive(&mut tx, id).await.expect("twice is once");
    assert!(numbers(&mut tx, OrderFilter::default()).await.is_empty());
    assert!(load(&mut tx, id).await.expect("load").row.archived);
    assert!(!pushed(&mut tx, &[form("A-1", "+12025550101")]).await[0].created);
    assert_eq!(numbers(&mut tx, OrderFilter::default()).await, ["A-1"]);
    let events: Vec<String> = sqlx::query_scalar("select kind from events where subject = $1 order by kind")
        .bind(id.to_string())
        .fetch_all(tx.conn())
        .await
        .expect("events");
    assert_eq!(events, ["order.archived", "order.changed", "order.created"]);
}

#[tokio::test]
async fn the_list_is_narrowed_and_summed_by_currency() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let rows = [
        OrderForm { ordered_on: "2026-11-01".into(), ..form("A-1", "+12025550101") },
        OrderForm { ordered_on: "2026-11-02".into(), status: Some(OrderStatus::Paid), ..form("A-2", "+12025550101") },
        OrderForm {
            customer_name: "Bo".into(),
            currency: "EUR".into(),
            items: vec![item("C", "Chair", "1", "7")],
            ordered_on: "2026-11-03".into(),
            ..form("B-1", "+442079460018")
        },
    ];
    let stored = pushed(&mut tx, &rows).await;
    let maya = load(&mut tx, stored[0].id).await.expect("order").row.contact;
    let some = |edit: fn(&mut OrderFilter)| {
        let mut filter = OrderFilter::default();
        edit(&mut filter);
        filter
    };
    assert_eq!(numbers(&mut tx, OrderFilter::default()).await, ["B-1", "A-2", "A-1"]);
    assert_eq!(numbers(&mut tx, some(|f| f.search = "a-".into())).await, ["A-2", "A-1"]);
    assert_eq!(numbers(&mut tx, some(|f| f.customer = "ma".into())).await, ["A-2", "A-1"]);
    assert_eq!(numbers(&mut tx, some(|f| f.customer = "+4420".into())).await, ["B-1"]);
    assert_eq!(numbers(&mut tx, OrderFilter { contact: Some(maya), ..OrderFilter::default() }).await, ["A-2", "A-1"]);
    assert_eq!(numbers(&mut tx, some(|f| f.product = "c".into())).await, ["B-1"]);
    assert_eq!(numbers(&mut tx, some(|f| f.product = "LAM".into())).await, ["A-2", "A-1"]);
    assert_eq!(numbers(&mut tx, some(|f| f.status = Some(OrderStatus::Paid))).await, ["A-2"]);
    assert_eq!(numbers(&mut tx, some(|f| (f.from, f.to) = ("2026-11-02".into(), "2026-11-02".into()))).await, ["A-2"]);
    let second = OrderFilter { paging: Paging::new(2, 2), ..OrderFilter::default() };
    let page = list(&mut tx, &second).await.expect("list");
    let totals: Vec<_> = page.totals.iter().map(ToString::to_string).collect();
    assert_eq!((page.page.items.len(), page.page.total, totals), (1, 3, vec!["7.00 EUR".to_owned(), "79.60 USD".to_owned()]));
}

#[tokio::test]
async fn a_list_uses_its_index_below_row_security() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, &form("A-1", "+12025550101")).await.expect("created");
    sqlx::query(
        "insert into orders (id, number, contact_id, status, ordered_on, currency, total, items, created_at, updated_at)
         select md5(n::text)::uuid, 'N' || n, contact_id, 'new', ordered_on - n % 900, currency, 1, 0, created_at, created_at
         from orders, generate_series(0, 9999) as n where id = $1",
    )
    .bind(id)
    .execute(tx.conn())
    .await
    .expect("orders");
    tx.commit().await.expect("commit");
    let mut owner = PgConnection::connect(&w.owner_url()).await.expect("owner");
    sqlx::query("analyze orders").execute(&mut owner).await.expect("analyzed");
    let mut tx = w.tx(&acme).await;
    for (filter, index) in [
        (OrderFilter::default(), "orders_list"),
        (OrderFilter { status: Some(OrderStatus::Paid), ..OrderFilter::default() }, "orders_status_list"),
        (OrderFilter { search: "n77".into(), ..OrderFilter::default() }, "orders_number_prefix"),
    ] {
        let plan = repo::explain(&mut tx, &filter).await.expect("plan");
        assert!(plan.contains(index), "{filter:?}\n{plan}");
    }
}

#[tokio::test]
async fn who_may_only_look_sees_masked_numbers_and_changes_nothing() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, &form("A-1", "+12025550101")).await.expect("created");
    tx.commit().await.expect("commit");
    let viewer = w.member(&acme, Role::Viewer).await;
    let mut tx = w.db.begin(&viewer).await.expect("begin");
    let page = list(&mut tx, &OrderFilter { customer: "+1202".into(), ..OrderFilter::default() }).await.expect("list");
    assert!(page.page.items.is_empty(), "numbers are not searched for who does not see them");
    assert_eq!(load(&mut tx, id).await.expect("load").row.phone, "+12•••••••01");
    let refusals = [
        create(&mut tx, &form("A-2", "+12025550102")).await.map(drop),
        push(&mut tx, &[]).await.map(drop),
        edit(&mut tx, id, &form("A-1", "")).await,
        archive(&mut tx, id).await,
    ];
    assert!(refusals.into_iter().all(|refused| matches!(refused, Err(Error::Told(model::Error::Forbidden { .. })))));
}

#[tokio::test]
async fn nothing_of_another_company_is_found_or_named() {
    let w = World::new().await;
    let (acme, birch) = (w.company("acme").await, w.company("birch").await);
    let mut tx = w.tx(&acme).await;
    let theirs = create(&mut tx, &form("A-1", "+12025550101")).await.expect("created");
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&birch).await;
    let not_found = |result: Result<()>| matches!(result, Err(Error::Told(model::Error::NotFound { .. })));
    assert!(not_found(load(&mut tx, theirs).await.map(drop)));
    assert!(not_found(edit(&mut tx, theirs, &form("A-1", "")).await));
    assert!(not_found(archive(&mut tx, theirs).await));
    let ours = pushed(&mut tx, &[form("A-1", "+12025550101")]).await;
    assert!(ours[0].created, "the same number, customer and product, each their own");
    tx.commit().await.expect("commit");
    for of in [&acme, &birch] {
        assert_eq!((count(&w, of, "orders").await, count(&w, of, "products").await), (1, 1));
    }
}
