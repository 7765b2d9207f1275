//! What can be done: every verb of Belfry, and the only SQL.
//!
//! A door (page, REST route, callback, job) opens one [`Tx`], calls a verb with it and commits. Each slice
//! is a folder named as the customer names it, with `mod.rs` (verbs), `repo.rs` (SQL, visible to its slice
//! only) and `tests.rs`.

pub mod accounts;
pub mod actor;
pub mod agents;
pub mod api_keys;
pub mod audits;
pub mod calls;
pub mod campaigns;
pub mod check;
pub mod clients;
pub mod clock;
pub mod companies;
pub mod config;
pub mod contacts;
pub mod credits;
pub mod dashboard;
pub mod db;
pub mod dialer;
pub mod enrollments;
pub mod error;
pub mod events;
pub mod features;
pub mod gateways;
pub mod idempotency;
pub mod identities;
pub mod imports;
pub mod inbox;
pub mod jobs;
pub mod leads;
pub(crate) mod links;
pub mod mails;
pub mod notices;
pub mod numbers;
pub mod orders;
pub mod phones;
pub mod recordings;
pub mod rehearsal;
pub mod retention;
pub mod rules;
pub mod secrets;
pub mod seed;
pub mod speech;
pub mod suppressions;
pub mod team;
#[doc(hidden)]
pub mod testing;
pub mod two_factor;
pub mod webhooks;
pub mod zones;

pub use actor::{Actor, SystemTask};
pub use clock::Clock;
pub use config::Config;
pub use db::{Db, SystemTx, Tx};
pub use error::{Error, Result};
