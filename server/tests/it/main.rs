//! The doors, tried from outside: the real router in-process, over a real database.

mod account;
mod accounts;
mod api;
mod campaigns;
mod company;
mod hooks;
mod inbound;
mod isolation;
mod knowledge;
mod live;
mod pages;
mod speech;
mod support;
mod team;
mod two_factor;
mod uploads;
mod wire;
