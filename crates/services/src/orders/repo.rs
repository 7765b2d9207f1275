//! The SQL of orders and of what they name. What is compared by `lower` is lowered apart from the tables, or no index is used
//! below row security.

use crate::db::Tx;
use crate::error::Result;
use crate::phones::prefix_end;
use chrono::NaiveDate;
use model::id::{BrandId, CategoryId, ContactId, OrderId, ProductId};
use model::orders::{NewOrder, OrderFilter, OrderStatus, Pushed};
use model::phone::Phone;
use model::time::Timestamp;
use sqlx::{Postgres, QueryBuilder};
use std::collections::HashMap;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
pub(super) struct Stored {
    pub id: OrderId,
    pub number: String,
    pub contact_id: ContactId,
    pub customer: String,
    pub phone: Phone,
    pub status: OrderStatus,
    pub ordered_on: NaiveDate,
    pub currency: String,
    pub total: i64,
    pub items: i32,
    pub notes: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub archived: bool,
}

const COLUMNS: &str =
    "select o.id, o.number, o.contact_id, c.name as customer, c.phone, o.status, o.ordered_on, o.currency, o.total, o.items, o.notes,
    o.created_at, o.updated_at, o.archived_at is not null as archived
    from orders o join contacts c on c.id = o.contact_id";

/// What all that match come to in one currency.
#[derive(sqlx::FromRow)]
pub(super) struct Sum {
    pub currency: String,
    pub orders: i64,
    pub total: i64,
}

/// `starts`: the numbers that the customer's search may be the start of; without them it is the start of a name.
pub(super) async fn sums(tx: &mut Tx, filter: &OrderFilter, starts: &[String]) -> Result<Vec<Sum>> {
    let mut sql = QueryBuilder::new("select o.currency, count(*) as orders, sum(o.total)::bigint as total from orders o");
    matching(&mut sql, filter, starts);
    sql.push(" group by o.currency order by o.currency");
    Ok(sql.build_query_as().fetch_all(tx.conn()).await?)
}

pub(super) async fn list(tx: &mut Tx, filter: &OrderFilter, starts: &[String]) -> Result<Vec<Stored>> {
    let mut sql = QueryBuilder::new(COLUMNS);
    matching(&mut sql, filter, starts);
    sql.push(" order by o.ordered_on desc, o.id desc limit ").push_bind(filter.paging.limit());
    sql.push(" offset ").push_bind(filter.paging.offset());
    Ok(sql.build_query_as().fetch_all(tx.conn()).await?)
}

fn matching(sql: &mut QueryBuilder<Postgres>, filter: &OrderFilter, starts: &[String]) {
    sql.push(" where o.archived_at is null");
    starting(sql, "o.number_lower", &filter.search);
    let customer = filter.customer.trim().to_lowercase();
    if !starts.is_empty() {
        sql.push(" and o.contact_id in (select p.id from contacts p where false");
        for start in starts {
            sql.push(" or (p.phone ~>=~ ").push_bind(start.clone());
            sql.push(" and p.phone ~<~ ").push_bind(prefix_end(start)).push(")");
        }
        sql.push(")");
    } else if !customer.is_empty() {
        sql.push(" and o.contact_id in (select p.id from contacts p where true");
        starting(sql, "p.name_lower", &customer);
        sql.push(")");
    }
    if let Some(contact) = filter.contact {
        sql.push(" and o.contact_id = ").push_bind(contact);
    }
    let product = filter.product.trim().to_lowercase();
    if !product.is_empty() {
        sql.push(
            " and o.id in (select i.order_id from order_items i join products p on p.id = i.product_id where (p.sku_lower = ",
        );
        sql.push_bind(product.clone()).push(" or (true");
        starting(sql, "p.name_lower", &product);
        sql.push(")))");
    }
    if let Some(status) = filter.status {
        sql.push(" and o.status = ").push_bind(status);
    }
    let (from, to) = filter.days();
    if let Some(from) = from {
        sql.push(" and o.ordered_on >= ").push_bind(from);
    }
    if let Some(to) = to {
        sql.push(" and o.ordered_on <= ").push_bind(to);
    }
}

fn starting(sql: &mut QueryBuilder<Postgres>, column: &str, text: &str) {
    let text = text.trim().to_lowercase();
    if !text.is_empty() {
        sql.push(" and ").push(column).push(" ~>=~ ").push_bind(text.clone());
        sql.push(" and ").push(column).push(" ~<~ ").push_bind(prefix_end(&text));
    }
}

/// How Postgres would look for them, for the test that a list uses an index below row security.
#[cfg(test)]
pub(super) async fn explain(tx: &mut Tx, filter: &OrderFilter) -> Result<String> {
    let mut sql = QueryBuilder::new("explain (costs off) select o.id from orders o");
    matching(&mut sql, filter, &[]);
    sql.push(" order by o.ordered_on desc, o.id desc limit 25");
    let lines: Vec<String> = sql.build_query_scalar().fetch_all(tx.conn()).await?;
    Ok(lines.join("\n"))
}

pub(super) async fn find(tx: &mut Tx, id: OrderId) -> Result<Option<Stored>> {
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push(" where o.id = ").push_bind(id);
    Ok(sql.build_query_as().fetch_optional(tx.conn()).await?)
}

pub(super) async fn count_of(tx: &mut Tx, contact: ContactId) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from orders where contact_id = $1 and archived_at is null")
        .bind(contact)
        .fetch_one(tx.conn())
        .await?)
}

#[derive(sqlx::FromRow)]
pub(super) struct StoredItem {
    pub product_id: ProductId,
    pub sku: String,
    pub name: String,
    pub category: Option<String>,
    pub brand: Option<String>,
    pub quantity: i64,
    pub price: i64,
}

pub(super) async fn items(tx: &mut Tx, id: OrderId) -> Result<Vec<StoredItem>> {
    Ok(sqlx::query_as(
        "select i.product_id, p.sku, p.name, c.name as category, b.name as brand, i.quantity, i.price
         from order_items i join products p on p.id = i.product_id
         left join product_categories c on c.id = p.category_id left join product_brands b on b.id = p.brand_id
         where i.order_id = $1 order by i.no",
    )
    .bind(id)
    .fetch_all(tx.conn())
    .await?)
}

/// Whether it is there.
pub(super) async fn lock(tx: &mut Tx, id: OrderId) -> Result<bool> {
    let found: Option<bool> =
        sqlx::query_scalar("select true from orders where id = $1 for update").bind(id).fetch_optional(tx.conn()).await?;
    Ok(found.is_some())
}

pub(super) async fn update(tx: &mut Tx, id: OrderId, order: &NewOrder) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "update orders set number = $2, status = coalesce($3, status), ordered_on = coalesce($4, ordered_on), currency = $5, total = $6,
             items = $7, notes = $8, updated_at = $9
         where id = $1",
    )
    .bind(id)
    .bind(&order.number)
    .bind(order.status)
    .bind(order.ordered_on)
    .bind(order.currency.as_str())
    .bind(order.total)
    .bind(lines_of(order))
    .bind(&order.notes)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn lines_of(order: &NewOrder) -> i32 {
    i32::try_from(order.items.len()).unwrap_or(i32::MAX)
}

/// Whether it was in the lists until now.
pub(super) async fn archive(tx: &mut Tx, id: OrderId) -> Result<bool> {
    let now = tx.now();
    let done = sqlx::query("update orders set archived_at = $2, updated_at = $2 where id = $1 and archived_at is null")
        .bind(id)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Inserts or replaces orders by their numbers. Those that are there are locked in the order of numbers, in which the others are
/// inserted: two that push the same never wait for each other in a circle.
pub(super) async fn upsert(
    tx: &mut Tx,
    ids: &[OrderId],
    orders: &[NewOrder],
    contacts: &[ContactId],
) -> Result<Vec<Pushed<OrderId>>> {
    let (now, today) = (tx.now(), tx.today());
    let numbers: Vec<_> = orders.iter().map(|order| order.number.clone()).collect();
    sqlx::query(
        "with n as materialized (select lower(number) as key from unnest($1::text[]) as number)
         select o.id from orders o where o.number_lower in (select key from n) order by o.number_lower for update",
    )
    .bind(&numbers)
    .execute(tx.conn())
    .await?;
    const ROWS: &str = "with n as materialized (
            select n.*, lower(n.number) as key, $10::timestamptz as at, $11::date as today from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::date[], $6::text[],
                $7::bigint[], $8::int[], $9::text[]) as n (id, number, contact_id, status, ordered_on, currency, total, items, notes))";
    const INSERT: &str = "
        insert into orders (id, number, contact_id, status, ordered_on, currency, total, items, notes, created_at, updated_at)
        select id, number, contact_id, coalesce(status, 'new'), coalesce(ordered_on, today), currency, total, items, notes, at, at
        from n order by key on conflict on constraint orders_number_unique do nothing";
    const REPLACE: &str = "
        update orders o set number = n.number, contact_id = n.contact_id, status = coalesce(n.status, o.status),
            ordered_on = coalesce(n.ordered_on, o.ordered_on), currency = n.currency, total = n.total, items = n.items, notes = n.notes,
            updated_at = n.at, archived_at = null
        from n where o.number_lower = n.key and o.id <> n.id";
    for what in [INSERT, REPLACE] {
        let mut sql = QueryBuilder::<Postgres>::new(ROWS);
        sql.push(what);
        sql.build()
            .bind(ids)
            .bind(&numbers)
            .bind(contacts)
            .bind(orders.iter().map(|order| order.status).collect::<Vec<_>>())
            .bind(orders.iter().map(|order| order.ordered_on).collect::<Vec<_>>())
            .bind(orders.iter().map(|order| order.currency.to_string()).collect::<Vec<_>>())
            .bind(orders.iter().map(|order| order.total).collect::<Vec<_>>())
            .bind(orders.iter().map(lines_of).collect::<Vec<_>>())
            .bind(orders.iter().map(|order| order.notes.clone()).collect::<Vec<_>>())
            .bind(now)
            .bind(today)
            .execute(tx.conn())
            .await?;
    }
    let stored: Vec<(OrderId, bool)> = sqlx::query_as(
        "with n as materialized (select n.no, n.id, lower(n.number) as key from unnest($1::uuid[], $2::text[]) with ordinality as n (id, number, no))
         select o.id, o.id = n.id from n join orders o on o.number_lower = n.key order by n.no",
    )
    .bind(ids)
    .bind(&numbers)
    .fetch_all(tx.conn())
    .await?;
    Ok(stored.into_iter().map(|(id, created)| Pushed { id, created }).collect())
}

/// One line: the order, its place in it, the product, how many, and the price of one.
pub(super) type Line = (OrderId, i32, ProductId, i64, i64);

pub(super) async fn replace_items(tx: &mut Tx, orders: &[OrderId], lines: &[Line]) -> Result<()> {
    sqlx::query("delete from order_items where order_id = any($1)").bind(orders).execute(tx.conn()).await?;
    sqlx::query(
        "insert into order_items (order_id, no, product_id, quantity, price)
         select * from unnest($1::uuid[], $2::int[], $3::uuid[], $4::bigint[], $5::bigint[])",
    )
    .bind(lines.iter().map(|line| line.0).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.1).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.2).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.3).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.4).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The categories with these names, in their order, created when new. No name is no category.
pub(super) async fn categories(tx: &mut Tx, names: &[String]) -> Result<Vec<Option<CategoryId>>> {
    let ids = named(tx, "product_categories", names).await?;
    Ok(ids.into_iter().map(|id| id.map(CategoryId::from)).collect())
}

/// The brands with these names, in their order, created when new. No name is no brand.
pub(super) async fn brands(tx: &mut Tx, names: &[String]) -> Result<Vec<Option<BrandId>>> {
    let ids = named(tx, "product_brands", names).await?;
    Ok(ids.into_iter().map(|id| id.map(BrandId::from)).collect())
}

async fn named(tx: &mut Tx, table: &'static str, names: &[String]) -> Result<Vec<Option<Uuid>>> {
    let (now, mut new) = (tx.now(), HashMap::new());
    for name in names.iter().filter(|name| !name.is_empty()) {
        new.entry(name.to_lowercase()).or_insert_with(|| (tx.id::<Uuid>(), name.clone()));
    }
    if new.is_empty() {
        return Ok(vec![None; names.len()]);
    }
    let (ids, texts): (Vec<_>, Vec<_>) = new.into_values().unzip();
    let mut insert = QueryBuilder::<Postgres>::new("insert into ");
    insert.push(table).push(
        " (id, name, created_at) select n.id, n.name, $3 from unnest($1::uuid[], $2::text[]) as n (id, name)
          order by lower(n.name), n.id on conflict (company_id, name_lower) do nothing",
    );
    insert.build().bind(ids).bind(texts).bind(now).execute(tx.conn()).await?;
    let mut found = QueryBuilder::<Postgres>::new(
        "with n as materialized (select n.no, lower(n.name) as key from unnest($1::text[]) with ordinality as n (name, no))
         select t.id from n left join ",
    );
    found.push(table).push(" t on t.name_lower = n.key order by n.no");
    Ok(found.build_query_scalar().bind(names).fetch_all(tx.conn()).await?)
}

/// Products that are not there yet.
pub(super) async fn insert_products(
    tx: &mut Tx,
    skus: &[String],
    names: &[String],
    categories: &[Option<CategoryId>],
    brands: &[Option<BrandId>],
) -> Result<()> {
    let now = tx.now();
    let ids: Vec<ProductId> = skus.iter().map(|_| tx.id()).collect();
    sqlx::query(
        "insert into products (id, sku, name, category_id, brand_id, created_at)
         select n.*, $6 from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::uuid[]) as n (id, sku, name, category_id, brand_id)
         order by lower(n.sku), lower(n.name), n.id on conflict do nothing",
    )
    .bind(ids)
    .bind(skus)
    .bind(names)
    .bind(categories)
    .bind(brands)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The products with these SKUs, or with these names where there is none, in their order; each is there.
pub(super) async fn products(tx: &mut Tx, skus: &[String], names: &[String]) -> Result<Vec<ProductId>> {
    Ok(sqlx::query_scalar(
        "with n as materialized (select n.no, lower(n.sku) as sku, lower(n.name) as name
                                 from unnest($1::text[], $2::text[]) with ordinality as n (sku, name, no))
         select coalesce(s.id, m.id) from n
         left join products s on n.sku <> '' and s.sku_lower <> '' and s.sku_lower = n.sku
         left join products m on n.sku = '' and m.sku_lower = '' and m.name_lower = n.name
         order by n.no",
    )
    .bind(skus)
    .bind(names)
    .fetch_all(tx.conn())
    .await?)
}

/// Gives products the category and the brand that they did not have.
pub(super) async fn fill_in_products(
    tx: &mut Tx,
    belongs: &HashMap<ProductId, (Option<CategoryId>, Option<BrandId>)>,
) -> Result<()> {
    let known: Vec<_> = belongs.iter().filter(|(_, (category, brand))| category.is_some() || brand.is_some()).collect();
    if known.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "with n as (select * from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as n (id, category_id, brand_id)),
         lacking as materialized (
             select p.id from products p join n on n.id = p.id
             where p.category_id is null and n.category_id is not null or p.brand_id is null and n.brand_id is not null
             order by p.id for update of p)
         update products p set category_id = coalesce(p.category_id, n.category_id), brand_id = coalesce(p.brand_id, n.brand_id)
         from n where n.id = p.id and p.id in (select id from lacking)",
    )
    .bind(known.iter().map(|(id, _)| **id).collect::<Vec<_>>())
    .bind(known.iter().map(|(_, (category, _))| *category).collect::<Vec<_>>())
    .bind(known.iter().map(|(_, (_, brand))| *brand).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}
