//! The program: flags and environment in, [`gremlin::serve`] out. Everything else is in the library.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use tracing_subscriber::EnvFilter;

/// A phone network in a box: speaks the APIs of Twilio, Retell, Vapi, ElevenLabs, Maqsam and Stripe, with scripted people behind
/// them. Open its address in a browser.
#[derive(Parser)]
struct Flags {
    /// Where to listen.
    #[arg(long, env = "GREMLIN_ADDR", default_value = "127.0.0.1:3010")]
    addr: SocketAddr,
    /// How many virtual seconds pass in one real second.
    #[arg(long, env = "GREMLIN_SPEED", default_value_t = 1.0)]
    speed: f64,
    /// Same seed, same numbers, same day: same people.
    #[arg(long, env = "GREMLIN_SEED", default_value_t = 1)]
    seed: u64,
    /// The auth token of every account is derived from this.
    #[arg(long, env = "GREMLIN_TOKEN_SECRET", default_value = gremlin::TOKEN_SECRET)]
    token_secret: String,
    /// The address others reach us by, for recording links.
    #[arg(long, env = "GREMLIN_PUBLIC_URL")]
    public_url: Option<String>,
    /// Print the auth token of this account and exit.
    #[arg(long, value_name = "ACCOUNT_SID")]
    token: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    if let Some(account) = &flags.token {
        println!("{}", gremlin::token_for(&flags.token_secret, account));
        return Ok(());
    }
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).init();
    let listener = tokio::net::TcpListener::bind(flags.addr).await.with_context(|| format!("cannot listen on {}", flags.addr))?;
    let settings = gremlin::Settings {
        speed: flags.speed,
        seed: flags.seed,
        token_secret: flags.token_secret,
        public_url: flags.public_url,
        ..gremlin::Settings::default()
    };
    tracing::info!(address = %flags.addr, speed = settings.speed, seed = settings.seed, "gremlin is listening");
    tokio::select! {
        served = gremlin::serve(listener, settings) => served,
        stopped = tokio::signal::ctrl_c() => stopped.context("cannot wait for Ctrl-C"),
    }
}
