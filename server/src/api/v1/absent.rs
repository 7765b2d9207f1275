//! What the contract has and Belfry does not, yet: answered with 501 to whoever may ask at all. docs/api-design.md lists them.

use crate::api::Api;
use crate::api::door::Who;
use crate::api::envelope::Refusal;
use axum::Router;
use axum::routing::any;

/// Paths of the contract without a verb behind them.
const ABSENT: &[&str] = &[
    "/admin/{*rest}",
    "/calls/{id}/transcript/pdf",
    "/campaigns/{id}/calls/export",
    "/dashboard/analytics",
    "/dashboard/export",
    "/projects",
    "/projects/{*rest}",
    "/reports/{kind}",
    "/wallet/auto-topup",
    "/wallet/payment-methods",
    "/wallet/topup",
];

pub fn router() -> Router<Api> {
    ABSENT.iter().fold(Router::new(), |router, path| router.route(path, any(async |_: Who| Refusal::Absent)))
}

#[cfg(test)]
mod tests {
    use super::ABSENT;

    #[test]
    fn what_is_absent_is_listed_in_the_documents() {
        let text = include_str!("../../../../docs/api-design.md");
        let missing: Vec<_> = ABSENT.iter().filter(|path| !text.contains(&format!("`{path}`"))).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
