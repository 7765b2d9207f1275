//! Orders from a file: each row is an item, and rows with the same number are one order, wherever they stand. A number that is known
//! already is left as it is. Customers who are new come along, and all of them are the import's people, so that a campaign can call them.

use super::rows::{Brought, Cells, Plan, Refused, Row};
use crate::db::Tx;
use crate::error::Result;
use crate::orders;
use model::FieldErrors;
use model::id::{ImportId, OrderId};
use model::orders::{ItemForm, OrderForm, OrderStatus};
use std::collections::HashMap;

/// An item and what its row says about its order.
#[derive(Debug)]
pub(super) struct OrderItem {
    number: String,
    form: OrderForm,
    cells: Vec<String>,
}

impl Row for OrderItem {
    fn read(cells: &Cells<'_>, plan: &Plan) -> std::result::Result<Self, FieldErrors> {
        let item = ItemForm {
            sku: cells.text("sku"),
            name: cells.text("product"),
            category: cells.text("category"),
            brand: cells.text("brand"),
            quantity: cells.text("quantity"),
            price: cells.text("price"),
        };
        let status = cells.get("status");
        let form = OrderForm {
            number: cells.text("number"),
            customer_name: cells.text("name"),
            customer_phone: cells.text("phone"),
            customer_email: cells.text("email"),
            status: OrderStatus::ALL.iter().copied().find(|known| known.as_str().eq_ignore_ascii_case(status)),
            ordered_on: day(cells.get("ordered_on")).to_owned(),
            currency: cells.text("currency"),
            notes: cells.text("notes"),
            items: vec![item],
        };
        let mut wrong = orders::read_form(&form, &plan.region).err().unwrap_or_default();
        if !status.is_empty() && form.status.is_none() {
            wrong.insert("status".to_owned(), "Use new, confirmed, paid, fulfilled, cancelled or refunded.".to_owned());
        }
        if wrong.is_empty() {
            return Ok(Self { number: form.number.to_lowercase(), form, cells: cells.kept() });
        }
        Err(wrong.into_iter().map(|(field, why)| (column(&field).to_owned(), why)).collect())
    }

    fn key(&self) -> &str {
        &self.number
    }

    async fn count_known(tx: &mut Tx, rows: &[(i64, Self)]) -> Result<i64> {
        Ok(known(tx, &numbers(rows)).await?.len() as i64)
    }

    async fn bring_in(tx: &mut Tx, import: ImportId, first: Vec<(i64, Self)>, more: Vec<(i64, Self)>) -> Result<Brought> {
        let mut rows: Vec<_> = first.into_iter().chain(more).collect();
        rows.sort_by_key(|(line, _)| *line);
        let known = known(tx, &numbers(&rows)).await?;
        rows.retain(|(_, row)| known.get(&row.number).is_none_or(|known| known.import_id == Some(import)));
        let (mut brought, mut whole) = (Brought::default(), Vec::<(i64, Vec<String>, OrderForm)>::new());
        let mut at = HashMap::<String, usize>::new();
        for (line, row) in rows {
            let place = match at.get(&row.number) {
                Some(place) => *place,
                None => {
                    let begun = known.get(&row.number).map(|known| known.id);
                    // Items that came with earlier chunks stay.
                    let form = match begun {
                        Some(id) => orders::load(tx, id).await?.form(),
                        None => OrderForm { items: Vec::new(), ..row.form.clone() },
                    };
                    at.insert(row.number.clone(), whole.len());
                    whole.push((line, row.cells.clone(), form));
                    whole.len() - 1
                }
            };
            let form = &mut whole[place].2;
            if row.form.currency.eq_ignore_ascii_case(&form.currency) {
                form.items.extend(row.form.items);
            } else {
                let why = format!("This order is in {}.", form.currency.to_uppercase());
                brought.refused.push((Refused { line, cells: row.cells }, FieldErrors::from([("currency".to_owned(), why)])));
            }
        }
        let forms: Vec<OrderForm> = whole.iter().map(|(_, _, form)| form.clone()).collect();
        let mut stored = Vec::new();
        for (outcome, (line, cells, _)) in orders::push(tx, &forms).await?.into_iter().zip(whole) {
            match outcome {
                Ok(order) => {
                    brought.created += i64::from(order.created);
                    stored.push(order.id);
                }
                Err(wrong) => {
                    let wrong = wrong.into_iter().map(|(field, why)| (column(&field).to_owned(), why)).collect();
                    brought.refused.push((Refused { line, cells }, wrong));
                }
            }
        }
        note(tx, import, &stored).await?;
        Ok(brought)
    }
}

/// The day of a moment, as spreadsheets have it.
fn day(text: &str) -> &str {
    match text.split_at_checked(10) {
        Some((day, rest)) if rest.starts_with([' ', 'T']) => day,
        _ => text,
    }
}

/// The column of the file that a field of the form was read from.
fn column(field: &str) -> &str {
    match field.strip_prefix("customer_") {
        Some(field) => field,
        None if field == "items" => "price",
        None => match field.rsplit_once('.').map_or(field, |(_, field)| field) {
            "name" => "product",
            field => field,
        },
    }
}

fn numbers(rows: &[(i64, OrderItem)]) -> Vec<&str> {
    rows.iter().map(|(_, row)| row.number.as_str()).collect()
}

#[derive(sqlx::FromRow)]
struct Known {
    id: OrderId,
    import_id: Option<ImportId>,
    number_lower: String,
}

async fn known(tx: &mut Tx, numbers: &[&str]) -> Result<HashMap<String, Known>> {
    let rows: Vec<Known> = sqlx::query_as("select id, import_id, number_lower from orders where number_lower = any($1)")
        .bind(numbers)
        .fetch_all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|known| (known.number_lower.clone(), known)).collect())
}

/// Notes whose these orders are, and that nobody touched them since.
async fn note(tx: &mut Tx, import: ImportId, orders: &[OrderId]) -> Result<()> {
    let contacts =
        sqlx::query_scalar("update orders set import_id = $1, updated_at = created_at where id = any($2) returning contact_id")
            .bind(import)
            .bind(orders)
            .fetch_all(tx.conn())
            .await?;
    super::contacts::came_along(tx, import, &contacts).await
}

/// Takes out the next orders that nobody changed since; the others are not the import's any more. Returns how many it looked at and how
/// many it took out.
pub(super) async fn take_out(tx: &mut Tx, import: ImportId, most: i64) -> Result<(usize, i64)> {
    let ids: Vec<OrderId> = sqlx::query_scalar("select id from orders where import_id = $1 order by id limit $2 for update")
        .bind(import)
        .bind(most)
        .fetch_all(tx.conn())
        .await?;
    let gone = sqlx::query("delete from orders where id = any($1) and updated_at = created_at and archived_at is null")
        .bind(&ids)
        .execute(tx.conn())
        .await?;
    sqlx::query("update orders set import_id = null where id = any($1)").bind(&ids).execute(tx.conn()).await?;
    Ok((ids.len(), i64::try_from(gone.rows_affected()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_stand_at_the_columns_of_the_file() {
        for (field, name) in [
            ("customer_phone", "phone"),
            ("customer_name", "name"),
            ("items.0.name", "product"),
            ("items.12.price", "price"),
            ("items", "price"),
            ("number", "number"),
        ] {
            assert_eq!(column(field), name);
        }
    }

    #[test]
    fn of_a_moment_the_day_counts() {
        assert_eq!(day("2026-01-02 10:00:00"), "2026-01-02");
        assert_eq!(day("2026-01-02T10:00:00Z"), "2026-01-02");
        assert_eq!(day("01/02/2026 10"), "01/02/2026");
        assert_eq!(day("2.1.26"), "2.1.26");
    }
}
