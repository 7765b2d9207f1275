//! The doors, tried from outside: the real router in-process, over a real database.

mod abuse;
mod account;
mod accounts;
mod api;
mod campaigns;
mod company;
mod hooks;
mod identities;
mod inbound;
mod isolation;
mod issuer;
mod knowledge;
mod live;
mod matrix;
mod pages;
mod privacy;
mod proxies;
mod rates;
mod records;
mod speech;
mod support;
mod team;
mod two_factor;
mod uploads;
mod webhooks;
mod wire;
