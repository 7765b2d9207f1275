//! What a call costs: the rate of its destination and engine, and the increment of the company's plan. The price
//! is fixed when the call is dialed and stored with it; a later rate is for later calls.

use crate::actor::Actor;
use crate::db::{Db, Tx};
use crate::error::Result;
use model::accounts::Permission;
use model::credits::{Increment, Price, Rate, rate_of};
use model::events::EventKind;
use model::id::CompanyId;
use model::phone::Phone;
use std::collections::BTreeSet;

/// What speaks to people today. The rate table may price each engine differently.
pub(crate) const ENGINE: &str = "twilio_tts";

/// The rates in force at a moment for some destinations, and how the company's seconds are rounded.
#[derive(Debug, Clone)]
pub(crate) struct Tariff {
    rates: Vec<Rate>,
    increment: Increment,
    engine: &'static str,
}

impl Tariff {
    /// The price of a call to one of the destinations this was read for. Without any rate, the base rate.
    pub fn price(&self, phone: &Phone) -> Price {
        let rate = rate_of(&self.rates, phone.as_str(), self.engine);
        Price::new(rate.map_or(Price::BASE.per_minute, |rate| rate.per_minute), self.increment)
    }

    /// The lowest and the highest price among some destinations; the base's when there are none.
    pub fn span<'a>(&self, phones: impl IntoIterator<Item = &'a Phone>) -> (Price, Price) {
        let prices: BTreeSet<i64> = phones.into_iter().map(|phone| self.price(phone).per_minute).collect();
        let of = |per_minute: Option<&i64>| {
            let everywhere = rate_of(&self.rates, "", self.engine).map_or(Price::BASE.per_minute, |rate| rate.per_minute);
            Price::new(per_minute.copied().unwrap_or(everywhere), self.increment)
        };
        (of(prices.first()), of(prices.last()))
    }
}

/// The tariff of this moment for these destinations, in two statements however many they are.
pub(crate) async fn tariff<'a>(tx: &mut Tx, engine: &'static str, phones: impl IntoIterator<Item = &'a Phone>) -> Result<Tariff> {
    let now = tx.now();
    let rows: Vec<(String, String, i64)> = sqlx::query_as(
        "select distinct on (prefix, engine) prefix, engine, per_minute from rates
         where prefix = any($1) and engine in ('', $2) and effective_at <= $3 order by prefix, engine, effective_at desc",
    )
    .bind(prefixes(phones))
    .bind(engine)
    .bind(now)
    .fetch_all(tx.conn())
    .await?;
    let increment =
        sqlx::query_scalar("select billing_increment from companies where id = app.company()").fetch_one(tx.conn()).await?;
    let rates = rows.into_iter().map(|(prefix, engine, per_minute)| Rate { prefix, engine, per_minute }).collect();
    Ok(Tariff { rates, increment, engine })
}

/// Every way these numbers begin, the empty one included.
fn prefixes<'a>(phones: impl IntoIterator<Item = &'a Phone>) -> Vec<String> {
    let mut all = BTreeSet::from([String::new()]);
    for phone in phones {
        let digits = phone.as_str().trim_start_matches('+');
        all.extend((1..=digits.len()).map(|n| digits[..n].to_owned()));
    }
    all.into_iter().collect()
}

/// Sets how a company's seconds are rounded, from the next dial on. From the machine's own console.
///
/// # Errors
/// `NotFound` for a company that is not there.
pub async fn set_increment(db: &Db, company: CompanyId, increment: Increment) -> Result<()> {
    let mut tx = db.begin(&Actor::console(company)).await?;
    tx.require(Permission::AdjustCredits)?;
    crate::companies::must_exist(&mut tx).await?;
    sqlx::query("update companies set billing_increment = $1 where id = app.company()")
        .bind(increment)
        .execute(tx.conn())
        .await?;
    let subject = Some(company.to_string());
    tx.record(EventKind::SettingsChanged, subject, format!("Calls are billed {increment}: {}", increment.label().to_lowercase()))
        .await?;
    tx.commit().await
}
