//! The HTTP doors of Belfry: pages, uploads, live streams and provider callbacks, all in front of `services`.
//! No rules and no SQL live here. [`router`] is the whole site in one value, so that tests need no socket.

// A view is one type as deep as its markup.
#![recursion_limit = "512"]

mod address;
mod answers;
mod api;
mod brand;
mod caller;
mod dev;
mod evidence;
mod hooks;
mod identities;
mod limits;
mod listen;
mod live;
mod rates;
mod record;
mod recordings;
mod router;
mod speech;
mod uploads;

pub use limits::Patience;
pub use router::{patient, router};

use anyhow::Context;
use leptos::config::LeptosOptions;
use services::{Config, Db};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The name of Leptos' list of hashed file names, beside the executable.
const HASHES: &str = "hash.txt";

/// What Leptos needs to know, from our own configuration. A release site has hashed file names, and then
/// their list lies beside the executable.
///
/// # Errors
/// When `ADDR` is no socket address.
pub fn leptos_options(config: &Config) -> anyhow::Result<LeptosOptions> {
    let hashes = std::env::current_exe().ok().and_then(|exe| std::fs::metadata(exe.with_file_name(HASHES)).ok());
    Ok(LeptosOptions::builder()
        .output_name("app")
        .site_root(config.site_root.display().to_string())
        .site_addr(config.addr.parse::<SocketAddr>().context("ADDR must be an address like 127.0.0.1:3000")?)
        .hash_files(hashes.is_some_and(|file| file.len() > 0))
        .build())
}

/// Answers requests on `listener` until `stop`; then lets running requests finish.
pub async fn serve(db: Db, options: LeptosOptions, listener: TcpListener, stop: CancellationToken, patience: Patience) {
    let router = router::patient(db, options, stop.clone(), patience);
    listen::serve(router, listener, stop, patience.head).await;
}
