//! The adapter and gremlin over real HTTP, with Twilio's published OpenAPI as the judge of every exchange.

mod contract;
mod edges;
mod failures;
mod faults;
mod spec;
mod support;
