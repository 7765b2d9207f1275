//! gremlin from outside: over HTTP, as its users meet it.

mod handset;
mod limits;
mod stripe;
mod support;
