//! The doors, tried from outside: the real router in-process, over a real database.

mod accounts;
mod campaigns;
mod hooks;
mod inbound;
mod isolation;
mod live;
mod pages;
mod speech;
mod support;
mod uploads;
mod wire;
