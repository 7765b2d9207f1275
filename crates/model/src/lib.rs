//! What things are: the nouns of Belfry, shared by server and browser.
//!
//! No IO, no async, no clock, no random numbers, no time-zone database: everything here compiles to
//! wasm and can be tested without a world around it. Foreign derives sit behind features that exactly
//! one crate asks for: `sqlx` (services) and `server_fn` (app).

pub mod accounts;
pub mod agents;
pub mod api_keys;
pub mod calls;
pub mod campaigns;
pub mod canary;
pub mod clients;
pub mod companies;
pub mod contacts;
pub mod credits;
pub mod dashboard;
pub mod enrollments;
pub mod error;
pub mod events;
pub mod features;
pub mod gateways;
pub mod health;
pub mod id;
pub mod identities;
pub mod imports;
pub mod leads;
pub mod mails;
pub mod money;
pub mod notices;
pub mod numbers;
pub mod orders;
pub mod page;
pub mod phone;
pub mod rehearsal;
pub mod rules;
pub mod suppressions;
pub mod team;
pub mod text;
pub mod time;
pub mod two_factor;
pub mod webhooks;
pub mod wire;

pub use error::{Error, FieldErrors, Result};
