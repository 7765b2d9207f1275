//! The wallet, to read.

use super::{Money, instant, number};
use crate::api::Api;
use crate::api::door::{Asked, Pages, Who};
use crate::api::envelope::{Answer, Done, Listed, done, listed};
use model::credits::{LedgerFilter, MovementRow, Wallet};
use serde::Serialize;
use services::credits;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn paths() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(balance))
        .routes(routes!(user_credits))
        .routes(routes!(spend))
        .routes(routes!(transactions))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Balance {
    /// Credits that may be used.
    current_balance: f64,
    /// Minutes of talk at the base price.
    estimated_minutes: i64,
    avg_daily_spend: f64,
    /// In escrow of running campaigns.
    reserved: f64,
    /// Set aside for calls in flight.
    held: f64,
    auto_topup: AutoTopup,
}

#[derive(Serialize, ToSchema)]
struct AutoTopup {
    enabled: bool,
    threshold: f64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Spend {
    /// Since the beginning.
    total: Money,
    avg_daily: Money,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Transaction {
    id: String,
    at: String,
    /// Like `purchase`, `reserve`, `capture`.
    kind: String,
    amount: Money,
    campaign_id: Option<String>,
    call_id: Option<String>,
    note: String,
    /// Credits that may be used, after it.
    balance: f64,
}

impl From<MovementRow> for Transaction {
    fn from(row: MovementRow) -> Self {
        Self {
            id: row.id.to_string(),
            at: instant(row.at.at),
            kind: row.kind.to_string(),
            amount: row.amount.into(),
            campaign_id: row.campaign.map(|(id, _)| id.to_string()),
            call_id: row.call.map(|id| id.to_string()),
            note: row.note,
            balance: number(row.balance),
        }
    }
}

impl From<Wallet> for Balance {
    fn from(wallet: Wallet) -> Self {
        Self {
            current_balance: number(wallet.available),
            estimated_minutes: wallet.available.0 / 1_000,
            avg_daily_spend: number(wallet.daily_spend),
            reserved: number(wallet.reserved),
            held: number(wallet.held),
            auto_topup: AutoTopup { enabled: false, threshold: 0.0 },
        }
    }
}

async fn wallet(who: Who) -> Answer {
    let mut tx = who.begin().await?;
    done(Balance::from(credits::wallet(&mut tx).await?), "OK")
}

/// What there is
#[utoipa::path(get, path = "/wallet/balance", operation_id = "balance", tag = "wallet", responses((status = 200, body = Done<Balance>)))]
async fn balance(who: Who) -> Answer {
    wallet(who).await
}

/// The same under its older name
#[utoipa::path(get, path = "/user/credits", operation_id = "userCredits", tag = "wallet", responses((status = 200, body = Done<Balance>)))]
async fn user_credits(who: Who) -> Answer {
    wallet(who).await
}

/// What was spent
#[utoipa::path(get, path = "/wallet/spend", operation_id = "spend", tag = "wallet", responses((status = 200, body = Done<Spend>)))]
async fn spend(who: Who) -> Answer {
    let mut tx = who.begin().await?;
    let wallet = credits::wallet(&mut tx).await?;
    done(Spend { total: wallet.spent.into(), avg_daily: wallet.daily_spend.into() }, "OK")
}

/// Every movement of credits, the newest first
#[utoipa::path(get, path = "/wallet/transactions", operation_id = "transactions", tag = "wallet", params(Pages),
    responses((status = 200, body = Listed<Transaction>)))]
async fn transactions(who: Who, Asked(pages): Asked<Pages>) -> Answer {
    let mut tx = who.begin().await?;
    let filter = LedgerFilter { paging: pages.paging(), ..LedgerFilter::default() };
    listed(credits::ledger(&mut tx, &filter).await?.map(Transaction::from))
}
