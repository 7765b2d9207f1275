//! Orders: pushed many at once, listed, read.

use super::instant;
use crate::api::Api;
use crate::api::door::{Asked, Pages, Who, Write, named, word};
use crate::api::envelope::{Answer, Done, Listed, done, listed};
use axum::extract::Path;
use http::StatusCode;
use model::FieldErrors;
use model::id::OrderId;
use model::money::Money;
use model::orders::{ItemForm, ItemRow, Order, OrderFilter, OrderForm, OrderRow, OrderStatus, Pushed};
use serde::{Deserialize, Serialize};
use services::orders;
use std::collections::BTreeMap;
use std::fmt::Display;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const STATUSES: &str = "new, confirmed, paid, fulfilled, cancelled, refunded";

pub fn paths() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list, push)).routes(routes!(load))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct OrderQuery {
    /// The start of the order's number.
    search: Option<String>,
    /// The start of the customer's name or phone number.
    customer: Option<String>,
    /// A whole SKU, or the start of a product's name.
    product: Option<String>,
    /// `new`, `confirmed`, `paid`, `fulfilled`, `cancelled` or `refunded`.
    status: Option<String>,
    /// The first day, like `2026-11-22`.
    date_from: Option<String>,
    date_to: Option<String>,
    #[param(minimum = 1, default = 1)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Orders of a shop, at most 1,000.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"orders": [{
    "number": "A-1001", "status": "paid", "orderedOn": "2026-11-22", "currency": "USD",
    "customer": {"name": "Sam Lee", "phone": "+12025550143"},
    "items": [{"sku": "L-1", "name": "Lamp", "category": "Light", "brand": "Lumen", "quantity": 2, "price": 19.9}]
}]}))]
struct OrdersBody {
    #[serde(default)]
    orders: Vec<OrderBody>,
}

/// An order. One of the company has its number: pushed again, it is replaced.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
struct OrderBody {
    number: String,
    /// Left out: `new`, or what it was.
    status: Option<String>,
    /// A day; left out: today, or what it was.
    ordered_on: Option<String>,
    /// Three letters (ISO 4217).
    currency: String,
    notes: String,
    customer: CustomerBody,
    items: Vec<ItemBody>,
}

/// Whose it is: the contact with this number. Who is known keeps what is known of them.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
struct CustomerBody {
    phone: String,
    name: String,
    email: String,
}

/// A line of an order. The product is found by its SKU, or by its name where there is none, and created when it is new.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
struct ItemBody {
    sku: String,
    name: String,
    category: String,
    brand: String,
    /// Pieces; left out: one.
    quantity: Option<u32>,
    /// Of one piece, with no more decimals than the currency has.
    price: f64,
}

impl OrderBody {
    /// What a form says; a status that is none is a problem of its row.
    fn form(self) -> Result<OrderForm, FieldErrors> {
        let status = self.status.as_deref().map(|text| word::<OrderStatus>("status", text, STATUSES)).transpose();
        let item = |item: ItemBody| ItemForm {
            sku: item.sku,
            name: item.name,
            category: item.category,
            brand: item.brand,
            quantity: item.quantity.map(|quantity| quantity.to_string()).unwrap_or_default(),
            // The shortest text of a number is what the program wrote.
            price: item.price.to_string(),
        };
        Ok(OrderForm {
            number: self.number,
            customer_name: self.customer.name,
            customer_phone: self.customer.phone,
            customer_email: self.customer.email,
            status: status.map_err(|_| FieldErrors::from([("status".to_owned(), format!("Choose one of: {STATUSES}."))]))?,
            ordered_on: self.ordered_on.unwrap_or_default(),
            currency: self.currency,
            notes: self.notes,
            items: self.items.into_iter().map(item).collect(),
        })
    }
}

/// What became of the rows that were pushed, in their order.
#[derive(Serialize, ToSchema)]
pub(super) struct PushedView {
    stored: usize,
    refused: usize,
    rows: Vec<PushedRow>,
}

#[derive(Serialize, ToSchema)]
struct PushedRow {
    /// Where it was stored, if it was.
    id: Option<String>,
    /// It was not there before.
    created: bool,
    /// A sentence per field, if it was refused.
    errors: BTreeMap<String, String>,
}

impl PushedView {
    pub(super) fn of<I: Display>(rows: Vec<Result<Pushed<I>, FieldErrors>>) -> Self {
        let stored = rows.iter().filter(|row| row.is_ok()).count();
        let refused = rows.len() - stored;
        let view = |row: Result<Pushed<I>, FieldErrors>| match row {
            Ok(pushed) => PushedRow { id: Some(pushed.id.to_string()), created: pushed.created, errors: BTreeMap::new() },
            Err(errors) => PushedRow { id: None, created: false, errors },
        };
        Self { stored, refused, rows: rows.into_iter().map(view).collect() }
    }
}

/// Puts the rows that could not even be read back between the others.
pub(super) fn with_unread<F, I>(read: Vec<Result<F, FieldErrors>>, stored: Vec<Result<Pushed<I>, FieldErrors>>) -> PushedView
where
    I: Display,
{
    let mut stored = stored.into_iter();
    PushedView::of(read.into_iter().filter_map(|row| row.map_or_else(|bad| Some(Err(bad)), |_| stored.next())).collect())
}

/// What something costs.
#[derive(Serialize, ToSchema)]
struct Amount {
    amount: f64,
    /// Three letters (ISO 4217).
    currency: String,
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        // Its text is exact; nothing is reckoned with the number here.
        Self { amount: money.plain().parse().unwrap_or_default(), currency: money.currency.to_string() }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrderView {
    id: String,
    number: String,
    contact_id: String,
    customer: String,
    /// Masked without the scope `phones`.
    phone: String,
    status: String,
    ordered_on: String,
    total: Amount,
    item_count: i64,
    archived: bool,
    created_at: String,
    updated_at: String,
}

impl From<OrderRow> for OrderView {
    fn from(row: OrderRow) -> Self {
        Self {
            id: row.id.to_string(),
            number: row.number,
            contact_id: row.contact.to_string(),
            customer: row.customer,
            phone: row.phone,
            status: row.status.to_string(),
            ordered_on: row.ordered_on.to_string(),
            total: row.total.into(),
            item_count: row.items,
            archived: row.archived,
            created_at: instant(row.created_at.at),
            updated_at: instant(row.updated_at.at),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ItemView {
    product_id: String,
    sku: String,
    name: String,
    category: String,
    brand: String,
    quantity: i64,
    price: Amount,
}

impl From<ItemRow> for ItemView {
    fn from(row: ItemRow) -> Self {
        Self {
            product_id: row.product.to_string(),
            sku: row.sku,
            name: row.name,
            category: row.category,
            brand: row.brand,
            quantity: row.quantity,
            price: row.price.into(),
        }
    }
}

#[derive(Serialize, ToSchema)]
struct WholeOrder {
    order: OrderView,
    notes: String,
    items: Vec<ItemView>,
}

impl From<Order> for WholeOrder {
    fn from(order: Order) -> Self {
        Self { order: order.row.into(), notes: order.notes, items: order.items.into_iter().map(ItemView::from).collect() }
    }
}

/// List orders
#[utoipa::path(get, path = "/orders", operation_id = "listOrders", tag = "orders", params(OrderQuery),
    responses((status = 200, body = Listed<OrderView>)))]
async fn list(who: Who, Asked(query): Asked<OrderQuery>) -> Answer {
    let filter = OrderFilter {
        search: query.search.unwrap_or_default(),
        customer: query.customer.unwrap_or_default(),
        contact: None,
        product: query.product.unwrap_or_default(),
        status: query.status.map(|text| word("status", &text, STATUSES)).transpose()?,
        from: super::maybe_date("dateFrom", query.date_from.as_deref())?.map(|day| day.to_string()).unwrap_or_default(),
        to: super::maybe_date("dateTo", query.date_to.as_deref())?.map(|day| day.to_string()).unwrap_or_default(),
        paging: Pages::new(query.page, query.limit).paging(),
    };
    let mut tx = who.begin().await?;
    listed(orders::list(&mut tx, &filter).await?.page.map(OrderView::from))
}

/// Push orders
///
/// At most 1,000. Each row is answered for itself, in the order sent: what is wrong with one keeps no other from being stored.
#[utoipa::path(post, path = "/orders", operation_id = "pushOrders", tag = "orders", request_body = OrdersBody,
    responses((status = 200, body = Done<PushedView>)))]
async fn push(write: Write<OrdersBody>) -> Answer {
    let (mut w, body) = write.begin().await?;
    let read: Vec<_> = body.orders.into_iter().map(OrderBody::form).collect();
    let forms: Vec<_> = read.iter().filter_map(|row| row.as_ref().ok().cloned()).collect();
    let stored = orders::push(&mut w.tx, &forms).await?;
    w.answer(StatusCode::OK, with_unread(read, stored), "Stored").await
}

/// One order with its items
#[utoipa::path(get, path = "/orders/{id}", operation_id = "order", tag = "orders", params(("id" = String, Path)),
    responses((status = 200, body = Done<WholeOrder>)))]
async fn load(who: Who, Path(id): Path<String>) -> Answer {
    let id: OrderId = named("order", &id)?;
    let mut tx = who.begin().await?;
    done(WholeOrder::from(orders::load(&mut tx, id).await?), "OK")
}
