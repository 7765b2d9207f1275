//! The adapters and gremlin over real HTTP, with each provider's published OpenAPI as the judge of every exchange. What holds
//! for every kind is in `contract`, `capabilities`, `faults` and `failures`; what only one provider does is in its own file.

mod accounts;
mod capabilities;
mod conformance;
mod contract;
mod elevenlabs;
mod failures;
mod faults;
mod fixture;
mod heard;
mod judge;
mod maqsam;
mod news;
mod retell;
mod schema;
mod speech;
mod support;
mod twilio;
mod vapi;
