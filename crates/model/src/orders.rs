//! What customers ordered: orders with items, and the products, categories and brands that items name. Amounts are `money`.

use crate::error::{FieldErrors, Result};
use crate::id::{ContactId, OrderId, ProductId};
use crate::money::{Currency, Money};
use crate::page::{Page, Paging};
use crate::time::Moment;
use crate::words;
use chrono::NaiveDate;

words! {
    /// What became of an order. Whoever sells decides it, in any order.
    pub enum OrderStatus {
        New = "new", "New";
        Confirmed = "confirmed", "Confirmed";
        Paid = "paid", "Paid";
        Fulfilled = "fulfilled", "Fulfilled";
        Cancelled = "cancelled", "Cancelled";
        Refunded = "refunded", "Refunded";
    }
}

/// Items of one order.
pub const ITEMS_MAX: usize = 200;
/// Orders that are pushed in one transaction.
pub const PUSH_MAX: usize = 1_000;
/// Pieces of one item.
pub const QUANTITY_MAX: i64 = 1_000_000;
/// The most an order may come to, in minor units: a hundred items at their highest price.
pub const TOTAL_MAX: i64 = 100 * crate::money::MINOR_MAX;

/// One line of an order, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct ItemForm {
    /// By which the product is found; where there is none, by its name.
    pub sku: String,
    /// The product's name. One that is known keeps the name it has.
    pub name: String,
    pub category: String,
    pub brand: String,
    /// Pieces; empty is one.
    pub quantity: String,
    /// Of one piece, in the order's currency.
    pub price: String,
}

impl ItemForm {
    /// A line that nobody filled in.
    pub fn is_blank(&self) -> bool {
        [&self.sku, &self.name, &self.category, &self.brand, &self.quantity, &self.price]
            .iter()
            .all(|text| text.trim().is_empty())
    }
}

/// An order, as typed or as a program sends it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct OrderForm {
    /// What the shop calls it: one order of the company has this number.
    pub number: String,
    /// For a customer whose number is new; one that is known keeps the name they have.
    pub customer_name: String,
    /// With country code, or as the company's region writes it.
    pub customer_phone: String,
    /// For a customer whose number is new.
    pub customer_email: String,
    /// Left out: `new`, or what it was.
    pub status: Option<OrderStatus>,
    /// `2026-11-22`; empty: today, or what it was.
    pub ordered_on: String,
    /// Three letters (ISO 4217).
    pub currency: String,
    pub notes: String,
    /// Blank ones are passed over.
    pub items: Vec<ItemForm>,
}

/// A line of an order that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    pub sku: String,
    pub name: String,
    pub category: String,
    pub brand: String,
    pub quantity: i64,
    /// Of one piece, in minor units.
    pub price: i64,
}

/// An order that was checked. Whose it is, the server finds out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    pub number: String,
    pub status: Option<OrderStatus>,
    pub ordered_on: Option<NaiveDate>,
    pub currency: Currency,
    pub notes: String,
    pub items: Vec<NewItem>,
    /// Sum of all items, in minor units.
    pub total: i64,
}

impl OrderForm {
    /// Reads everything but the customer.
    ///
    /// # Errors
    /// All field problems at once; those of an item are named `items.0.price`.
    pub fn read(&self) -> Result<NewOrder, FieldErrors> {
        let mut bad = FieldErrors::new();
        let long = |text: &str, max: usize| text.trim().chars().count() > max;
        if self.number.trim().is_empty() {
            bad.insert("number".to_owned(), "Enter the order's number.".to_owned());
        }
        for (field, text, max) in [("number", &self.number, 80), ("notes", &self.notes, 2_000)] {
            if long(text, max) {
                bad.insert(field.to_owned(), format!("Use at most {max} characters."));
            }
        }
        let currency = Currency::parse(&self.currency);
        if let Err(why) = currency {
            bad.insert("currency".to_owned(), why.to_string());
        }
        let ordered_on = day(&self.ordered_on);
        if ordered_on.is_err() {
            bad.insert("ordered_on".to_owned(), "Write a day like 2026-11-22.".to_owned());
        }
        // Without a currency nothing is known of decimals; what else is wrong is told all the same.
        let decimals = currency.unwrap_or_else(|_| Currency::parse("USD").expect("a currency"));
        let filled = self.items.iter().enumerate().filter(|(_, item)| !item.is_blank());
        let items: Vec<_> = filled.filter_map(|(n, item)| read_item(n, item, &decimals, &mut bad)).collect();
        if self.items.iter().all(ItemForm::is_blank) {
            bad.insert("items".to_owned(), "Add at least one item.".to_owned());
        }
        if self.items.len() > ITEMS_MAX {
            bad.insert("items".to_owned(), format!("An order has at most {ITEMS_MAX} items."));
        }
        let total = items.iter().try_fold(0_i64, |sum, item| sum.checked_add(item.quantity.checked_mul(item.price)?));
        let total = total.filter(|total| *total <= TOTAL_MAX);
        if total.is_none() {
            bad.insert("items".to_owned(), "The order comes to more than can be kept.".to_owned());
        }
        match (currency, ordered_on, total) {
            (Ok(currency), Ok(ordered_on), Some(total)) if bad.is_empty() => Ok(NewOrder {
                number: self.number.trim().to_owned(),
                status: self.status,
                ordered_on,
                currency,
                notes: self.notes.trim().to_owned(),
                items,
                total,
            }),
            _ => Err(bad),
        }
    }
}

fn read_item(n: usize, item: &ItemForm, currency: &Currency, bad: &mut FieldErrors) -> Option<NewItem> {
    let before = bad.len();
    let mut need = |ok: bool, field: &str, why: &str| {
        if !ok {
            bad.entry(format!("items.{n}.{field}")).or_insert_with(|| why.to_owned());
        }
    };
    let names = [("sku", &item.sku, 80), ("name", &item.name, 200), ("category", &item.category, 80), ("brand", &item.brand, 80)];
    for (field, text, max) in names {
        need(text.trim().chars().count() <= max, field, &format!("Use at most {max} characters."));
    }
    need(!(item.name.trim().is_empty() && item.sku.trim().is_empty()), "name", "Enter a name or an SKU.");
    let quantity = match item.quantity.trim() {
        "" => Some(1),
        text if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    let quantity = quantity.filter(|quantity| (1..=QUANTITY_MAX).contains(quantity));
    need(quantity.is_some(), "quantity", "Use a whole number from 1 to 1,000,000.");
    let price = currency.amount(&item.price);
    if let Err(why) = price {
        need(false, "price", why);
    }
    if bad.len() > before {
        return None;
    }
    let text = |text: &str| text.trim().to_owned();
    let (sku, name) = (text(&item.sku), text(&item.name));
    let name = if name.is_empty() { sku.clone() } else { name };
    Some(NewItem { sku, name, category: text(&item.category), brand: text(&item.brand), quantity: quantity?, price: price.ok()? })
}

/// A day of our time, or none.
pub(crate) fn day(text: &str) -> Result<Option<NaiveDate>, ()> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (first, last) = (NaiveDate::from_ymd_opt(2000, 1, 1), NaiveDate::from_ymd_opt(2100, 12, 31));
    let day = text.parse::<NaiveDate>().ok().filter(|day| text.len() == 10 && Some(*day) >= first && Some(*day) <= last);
    day.map(Some).ok_or(())
}

/// What the list may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct OrderFilter {
    /// Start of the order's number.
    pub search: String,
    /// Start of the customer's name, or of their phone number.
    pub customer: String,
    pub contact: Option<ContactId>,
    /// A whole SKU, or the start of a product's name.
    pub product: String,
    pub status: Option<OrderStatus>,
    /// First day, as `2026-11-22`; what is no day is no filter.
    pub from: String,
    /// Last day.
    pub to: String,
    pub paging: Paging,
}

impl OrderFilter {
    /// The days it names.
    pub fn days(&self) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let day = |text: &str| day(text).ok().flatten();
        (day(&self.from), day(&self.to))
    }
    /// Whether it leaves anything out.
    pub fn is_empty(&self) -> bool {
        let texts = [&self.search, &self.customer, &self.product, &self.from, &self.to];
        texts.iter().all(|text| text.trim().is_empty()) && self.contact.is_none() && self.status.is_none()
    }
}

/// An order in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OrderRow {
    pub id: OrderId,
    pub number: String,
    pub contact: ContactId,
    pub customer: String,
    /// Masked for roles that may not see numbers.
    pub phone: String,
    pub status: OrderStatus,
    pub ordered_on: NaiveDate,
    pub total: Money,
    /// How many lines it has.
    pub items: i64,
    pub created_at: Moment,
    pub updated_at: Moment,
    /// Out of all lists.
    pub archived: bool,
}

/// One page of orders, and what all that match come to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Orders {
    pub page: Page<OrderRow>,
    /// One sum for each currency, by its letters.
    pub totals: Vec<Money>,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ItemRow {
    pub product: ProductId,
    pub sku: String,
    pub name: String,
    pub category: String,
    pub brand: String,
    pub quantity: i64,
    /// Of one piece.
    pub price: Money,
}

/// An order with everything its page shows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Order {
    pub row: OrderRow,
    pub notes: String,
    pub items: Vec<ItemRow>,
}

impl Order {
    /// What its form says.
    pub fn form(&self) -> OrderForm {
        let item = |item: &ItemRow| ItemForm {
            sku: item.sku.clone(),
            name: item.name.clone(),
            category: item.category.clone(),
            brand: item.brand.clone(),
            quantity: item.quantity.to_string(),
            price: item.price.plain(),
        };
        OrderForm {
            number: self.row.number.clone(),
            customer_name: self.row.customer.clone(),
            customer_phone: self.row.phone.clone(),
            customer_email: String::new(),
            status: Some(self.row.status),
            ordered_on: self.row.ordered_on.to_string(),
            currency: self.row.total.currency.to_string(),
            notes: self.notes.clone(),
            items: self.items.iter().map(item).collect(),
        }
    }
}

/// What became of a row that was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushed<I> {
    pub id: I,
    /// It was not there before.
    pub created: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(sku: &str, quantity: &str, price: &str) -> ItemForm {
        ItemForm { sku: sku.into(), quantity: quantity.into(), price: price.into(), ..ItemForm::default() }
    }

    fn order() -> OrderForm {
        OrderForm { number: " A-1 ".into(), currency: "usd".into(), items: vec![item("S", "2", "1.50")], ..OrderForm::default() }
    }

    #[test]
    fn an_order_is_read_with_its_total() {
        let mut form = order();
        form.items.extend([ItemForm::default(), item("T", "", "0.05")]);
        let new = form.read().expect("fine");
        assert_eq!((new.number.as_str(), new.currency.as_str(), new.total, new.items.len()), ("A-1", "USD", 305, 2));
        assert_eq!((new.items[0].name.as_str(), new.items[1].quantity), ("S", 1));
    }

    #[test]
    fn all_problems_are_told_at_once_and_say_which_item() {
        let form = OrderForm {
            currency: "XXX".into(),
            ordered_on: "22.11.2026".into(),
            items: vec![item("S", "0", "1"), ItemForm { price: "x".into(), ..ItemForm::default() }],
            ..OrderForm::default()
        };
        let problems = form.read().expect_err("bad");
        let fields: Vec<_> = problems.keys().map(String::as_str).collect();
        assert_eq!(fields, ["currency", "items.0.quantity", "items.1.name", "items.1.price", "number", "ordered_on"]);
        let none = OrderForm { items: vec![ItemForm::default()], ..order() };
        assert!(none.read().expect_err("nothing in it").contains_key("items"));
    }

    #[test]
    fn limits_hold_at_the_limit_and_one_past_it() {
        let with = |items: Vec<ItemForm>| OrderForm { items, ..order() }.read();
        assert!(with(vec![item("S", "1", "1"); ITEMS_MAX]).is_ok());
        assert!(with(vec![item("S", "1", "1"); ITEMS_MAX + 1]).is_err());
        let highest = "10000000000";
        assert_eq!(with(vec![item("S", "100", highest)]).map(|order| order.total), Ok(TOTAL_MAX));
        assert!(with(vec![item("S", "100", highest), item("T", "1", "0.01")]).is_err());
        assert!(with(vec![item("S", "1000000", highest); ITEMS_MAX]).is_err());
        assert!(with(vec![item("S", "1000001", "1")]).is_err());
    }

    #[test]
    fn a_day_is_written_in_one_way() {
        assert_eq!(day(" 2026-02-28 "), Ok(NaiveDate::from_ymd_opt(2026, 2, 28)));
        assert_eq!(day(""), Ok(None));
        for bad in ["2026-02-30", "2026-2-28", "1999-12-31", "2101-01-01", "+12026-01-01", "today"] {
            assert!(day(bad).is_err(), "{bad}");
        }
    }
}
