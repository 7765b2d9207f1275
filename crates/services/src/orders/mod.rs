//! What customers ordered: pushing orders by number, creating, editing, archiving and listing them. Customers are contacts;
//! products, categories and brands are created when they are new.

mod repo;
#[cfg(test)]
mod tests;

use crate::db::Tx;
use crate::error::Result;
use crate::{contacts, phones};
use model::FieldErrors;
use model::accounts::Permission;
use model::contacts::{ContactForm, NewContact};
use model::events::EventKind;
use model::id::{ContactId, OrderId, ProductId};
use model::money::Money;
use model::orders::{ItemRow, NewOrder, Order, OrderFilter, OrderForm, OrderRow, Orders, PUSH_MAX, Pushed};
use model::page::Page;
use std::collections::{HashMap, HashSet};

/// The constraint that keeps orders apart.
const NUMBER_TAKEN: &str = "orders_number_unique";

/// What became of one row: the order, or what is wrong with it.
pub type Outcome = Result<Pushed<OrderId>, FieldErrors>;

/// One page of orders, the newest first, with the sums of all that match. Roles that may not see numbers get them masked, and
/// cannot search by them.
///
/// # Errors
/// `Forbidden` without `ViewContacts`.
pub async fn list(tx: &mut Tx, filter: &OrderFilter) -> Result<Orders> {
    tx.require(Permission::ViewContacts)?;
    let starts = contacts::number_search(tx, &filter.customer).await?;
    let sums = repo::sums(tx, filter, &starts).await?;
    let total = sums.iter().map(|sum| sum.orders).sum();
    let totals = sums.into_iter().map(|sum| Ok(Money::new(sum.total, currency(&sum.currency)?))).collect::<Result<_>>()?;
    let rows = repo::list(tx, filter, &starts).await?;
    let items = rows.into_iter().map(|row| shown(tx, row)).collect::<Result<_>>()?;
    Ok(Orders { page: Page::new(items, total, filter.paging), totals })
}

/// One order with its items, archived ones too.
///
/// # Errors
/// `Forbidden` without `ViewContacts`; `NotFound`.
pub async fn load(tx: &mut Tx, id: OrderId) -> Result<Order> {
    tx.require(Permission::ViewContacts)?;
    let stored = repo::find(tx, id).await?.ok_or_else(|| model::Error::not_found("order"))?;
    let notes = stored.notes.clone();
    let row = shown(tx, stored)?;
    let item = |item: repo::StoredItem| ItemRow {
        product: item.product_id,
        sku: item.sku,
        name: item.name,
        category: item.category.unwrap_or_default(),
        brand: item.brand.unwrap_or_default(),
        quantity: item.quantity,
        price: Money::new(item.price, row.total.currency),
    };
    let items = repo::items(tx, id).await?.into_iter().map(item).collect();
    Ok(Order { row, notes, items })
}

/// How many orders a contact has.
pub(crate) async fn count_of(tx: &mut Tx, contact: ContactId) -> Result<i64> {
    repo::count_of(tx, contact).await
}

/// Stores orders by their numbers: one that is new is created, one that is there is replaced as a whole, and comes back if it was
/// archived. Each row stands for itself: what is wrong with one keeps no other from being stored. The answers are in the order
/// of the rows. A few statements, however many rows; the caller commits.
///
/// # Errors
/// `Forbidden` without `ManageContacts`; `Invalid` for more than [`PUSH_MAX`] rows.
pub async fn push(tx: &mut Tx, forms: &[OrderForm]) -> Result<Vec<Outcome>> {
    tx.require(Permission::ManageContacts)?;
    if forms.len() > PUSH_MAX {
        return Err(model::Error::field("orders", format!("Send at most {PUSH_MAX} orders at once.")).into());
    }
    let region = phones::region(tx).await?;
    let mut met = HashSet::new();
    let read = forms.iter().map(|form| {
        let (new, person) = read_form(form, &region)?;
        if met.insert(new.number.to_lowercase()) { Ok((new, person)) } else { Err(twice()) }
    });
    let (mut answers, mut good) = (Vec::with_capacity(forms.len()), Vec::new());
    for row in read {
        answers.push(match row {
            // Overwritten below, where the order is stored.
            Ok(row) => {
                good.push((answers.len(), row));
                Err(FieldErrors::new())
            }
            Err(problems) => Err(problems),
        });
    }
    let (places, rows): (Vec<_>, Vec<_>) = good.into_iter().unzip();
    for (place, stored) in places.into_iter().zip(store(tx, rows).await?) {
        answers[place] = Ok(stored);
    }
    Ok(answers)
}

/// Stores one order whose number is new.
///
/// # Errors
/// `Forbidden` without `ManageContacts`; `Invalid`, also when the number is taken.
pub async fn create(tx: &mut Tx, form: &OrderForm) -> Result<OrderId> {
    tx.require(Permission::ManageContacts)?;
    let region = phones::region(tx).await?;
    let row = read_form(form, &region).map_err(|fields| model::Error::Invalid { fields })?;
    let stored = store(tx, vec![row]).await?;
    match stored.first() {
        Some(Pushed { id, created: true }) => Ok(*id),
        // Nothing of it is kept: the caller does not commit.
        _ => Err(taken().into()),
    }
}

/// Changes an order. Whose it is stays.
///
/// # Errors
/// `Forbidden` without `ManageContacts`; `NotFound`; `Invalid`, also when the number is another order's.
pub async fn edit(tx: &mut Tx, id: OrderId, form: &OrderForm) -> Result<()> {
    tx.require(Permission::ManageContacts)?;
    let new = form.read().map_err(|fields| model::Error::Invalid { fields })?;
    if !repo::lock(tx, id).await? {
        return Err(model::Error::not_found("order").into());
    }
    repo::update(tx, id, &new).await.map_err(|e| e.when(NUMBER_TAKEN, taken))?;
    put_items(tx, &[(id, &new)]).await?;
    tx.record(EventKind::OrderChanged, Some(id.to_string()), new.number).await
}

/// Takes an order out of all lists. Doing it twice changes nothing.
///
/// # Errors
/// `Forbidden` without `ManageContacts`; `NotFound`.
pub async fn archive(tx: &mut Tx, id: OrderId) -> Result<()> {
    tx.require(Permission::ManageContacts)?;
    let order = repo::find(tx, id).await?.ok_or_else(|| model::Error::not_found("order"))?;
    if repo::archive(tx, id).await? {
        tx.record(EventKind::OrderArchived, Some(id.to_string()), order.number).await?;
    }
    Ok(())
}

fn taken() -> model::Error {
    model::Error::field("number", "Another order has this number.")
}

fn twice() -> FieldErrors {
    FieldErrors::from([("number".to_owned(), "This number is there twice.".to_owned())])
}

/// Checks an order or a row of a file; phone numbers without country code belong to `region`.
///
/// # Errors
/// All field problems at once.
pub fn read_form(form: &OrderForm, region: &str) -> Result<(NewOrder, NewContact), FieldErrors> {
    let name = Some(form.customer_name.trim()).filter(|name| !name.is_empty()).unwrap_or(contacts::UNKNOWN_CUSTOMER);
    let person = ContactForm {
        name: name.to_owned(),
        phone: form.customer_phone.clone(),
        email: form.customer_email.trim().to_owned(),
        ..ContactForm::default()
    };
    match (form.read(), contacts::read_form(&person, region)) {
        (Ok(order), Ok(person)) => Ok((order, person)),
        (order, person) => {
            let mut problems = order.err().unwrap_or_default();
            let theirs = person.err().unwrap_or_default();
            problems.extend(theirs.into_iter().map(|(field, why)| (format!("customer_{field}"), why)));
            Err(problems)
        }
    }
}

/// Stores what was checked, and answers in its order. No two have one number.
async fn store(tx: &mut Tx, rows: Vec<(NewOrder, NewContact)>) -> Result<Vec<Pushed<OrderId>>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let (orders, people): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let contacts = contacts::meet(tx, &people).await?;
    let ids: Vec<OrderId> = orders.iter().map(|_| tx.id()).collect();
    let stored = repo::upsert(tx, &ids, &orders, &contacts).await?;
    let both: Vec<_> = stored.iter().zip(&orders).map(|(stored, order)| (stored.id, order)).collect();
    put_items(tx, &both).await?;
    for (kind, created) in [(EventKind::OrderCreated, true), (EventKind::OrderChanged, false)] {
        let told = stored.iter().zip(&orders).filter(|(stored, _)| stored.created == created);
        let lines: Vec<_> = told.map(|(stored, order)| (Some(stored.id.to_string()), order.number.clone())).collect();
        if !lines.is_empty() {
            tx.record_all(kind, lines).await?;
        }
    }
    Ok(stored)
}

/// Gives orders these items and no others.
async fn put_items(tx: &mut Tx, orders: &[(OrderId, &NewOrder)]) -> Result<()> {
    let products = products(tx, orders).await?;
    let ids: Vec<_> = orders.iter().map(|(id, _)| *id).collect();
    let items = orders.iter().flat_map(|(id, order)| order.items.iter().zip(1..).map(|(item, no)| (*id, no, item)));
    let lines: Vec<_> =
        items.zip(products).map(|((order, no, item), product)| (order, no, product, item.quantity, item.price)).collect();
    repo::replace_items(tx, &ids, &lines).await
}

/// The product of each item, one after another. What is new is created; a product that had no category or brand gets it.
async fn products(tx: &mut Tx, orders: &[(OrderId, &NewOrder)]) -> Result<Vec<ProductId>> {
    let items: Vec<_> = orders.iter().flat_map(|(_, order)| &order.items).collect();
    let named = |read: fn(&model::orders::NewItem) -> &String| items.iter().map(|item| read(item).clone()).collect::<Vec<_>>();
    let categories = repo::categories(tx, &named(|item| &item.category)).await?;
    let brands = repo::brands(tx, &named(|item| &item.brand)).await?;
    let (skus, names) = (named(|item| &item.sku), named(|item| &item.name));
    repo::insert_products(tx, &skus, &names, &categories, &brands).await?;
    let found = repo::products(tx, &skus, &names).await?;
    let mut belongs = HashMap::new();
    for ((product, category), brand) in found.iter().zip(&categories).zip(&brands) {
        let known: &mut (Option<_>, Option<_>) = belongs.entry(*product).or_default();
        *known = (known.0.or(*category), known.1.or(*brand));
    }
    repo::fill_in_products(tx, &belongs).await?;
    Ok(found)
}

/// A currency as it was stored.
fn currency(text: &str) -> Result<model::money::Currency> {
    Ok(text.parse().map_err(|e| anyhow::anyhow!("a stored currency: {e}"))?)
}

fn shown(tx: &Tx, r: repo::Stored) -> Result<OrderRow> {
    Ok(OrderRow {
        id: r.id,
        number: r.number,
        contact: r.contact_id,
        customer: r.customer,
        phone: if contacts::sees(tx, r.theirs) { r.phone.into() } else { r.phone.masked() },
        status: r.status,
        ordered_on: r.ordered_on,
        total: Money::new(r.total, currency(&r.currency)?),
        items: i64::from(r.items),
        created_at: tx.moment(r.created_at),
        updated_at: tx.moment(r.updated_at),
        archived: r.archived,
    })
}
