//! Billing on screen: what is left, and every movement that led there.

mod ledger;
mod top_up;
mod verify;
pub mod wallet;
