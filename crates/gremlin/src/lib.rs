//! gremlin, a phone network in a box: it speaks the wire protocols of providers (Twilio 2010-04-01, Retell, Vapi,
//! ElevenLabs, Maqsam), has a scripted person behind every number, and a menu of faults. For the demo, for rehearsals and for
//! tests. Beside them it plays Stripe, with a page to pay on.
//! State lives in memory and dies with the process. It shares no code with `providers`, so that each judges the other.
//!
//! # Numbers with a fixed behaviour
//! By the last four digits of the number called; every other number is drawn from seed, number, attempt and day.
//!
//! | ends in | what happens |
//! |---|---|
//! | 0001 | a person answers |
//! | 0002 | busy |
//! | 0003 | nobody answers |
//! | 0004 | voicemail answers |
//! | 0005 | refused at creation as invalid (at Twilio: 21211) |
//! | 0006 | a person answers and presses 9; says "stop calling me" where an agent listens |
//! | 0007 | busy the first time, a person afterwards |
//! | 0008 | the call is taken and rings, but the request is never answered |
//! | 0009 | a person answers; every callback is lost |
//! | 0010 | the first request gets 429 with `Retry-After: 1`, the next is taken |
//! | 0011 | the first request gets 500, the next is taken |
//! | 0012 | callbacks come twice and out of order |
//! | 0013 | a person answers and hangs up after 2 seconds |
//! | 0014 | voicemail; the detector's verdict comes after the end |
//! | 0015 | a person answers and talks for ten minutes |
//!
//! # People who call
//! `POST /control/numbers` sets a number up with its voice URL, as `POST IncomingPhoneNumbers/{sid}.json` does;
//! `POST /control/inbound` makes somebody call it. The page has a button for that.
//!
//! # A person at the control page
//! `PUT /control/handset {"takes": "0123"}` lets calls to numbers that end so (all numbers: `""`, none: `null`) ring for a person,
//! who answers for the callee by `POST /control/calls/{id}/deeds`: `{"do": "accept"}`, `decline`, `press` (`key`), `say` (`text`),
//! `hang_up`. Such a call runs at the speed of people, whatever the speed of the network.
//!
//! # Accounts
//! Any account exists (at Twilio: `AC` and 32 hexadecimal digits); its auth token is [`token_for`] of the secret, its key
//! where a provider asks for one only is [`key_for`], unless another one was set by `POST /control/accounts`.
//! Stripe's key is [`stripe_key_for`] of the secret.
//! What people set up in Maqsam's portal is set by `POST /control/maqsam`.

mod admission;
mod call;
mod callbacks;
mod callee;
mod chance;
mod clock;
mod control;
mod conversation;
mod documents;
mod elevenlabs;
mod faults;
mod handset;
mod inbound;
mod keys;
mod life;
mod maqsam;
mod mp3;
mod network;
mod numbers;
mod person;
mod retell;
mod sound;
mod speaker;
mod stripe;
mod tone;
mod twilio;
mod vapi;

pub use elevenlabs::sign::signature as sign_elevenlabs;
pub use retell::sign::signature as sign_retell;
pub use stripe::sign::signature as sign_stripe;
pub use twilio::sign;
pub use vapi::sign::signature as sign_vapi;

use std::sync::Arc;

use anyhow::{Context, ensure};
use axum::{Router, extract::DefaultBodyLimit};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::net::TcpListener;

/// The secret that tokens derive from unless another one is given.
pub const TOKEN_SECRET: &str = "gremlin";
/// The largest request we read; a call with a full script is below 20 KB.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// The largest document we take: what a customer hands over for agents to know.
pub const DOCUMENT_BYTES_MAX: usize = 24 * 1024 * 1024;
/// Fastest clock: above this the real time of our own work is longer than any call.
pub const SPEED_MAX: f64 = 100_000.0;

/// How the network behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Virtual seconds per real second. Waits shrink by it; durations are reported in virtual time, moments in real time.
    pub speed: f64,
    /// The same for calls that a person at the control page holds: nobody lives sixty times as fast.
    pub person_speed: f64,
    pub seed: u64,
    pub token_secret: String,
    /// Where others reach us, for recording links; the listening address when absent.
    pub public_url: Option<String>,
    /// Calls that may be under way at once; one more is refused with 429.
    pub calls_live_max: usize,
    /// Calls remembered; the oldest ended one is forgotten first.
    pub calls_kept_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            speed: 1.0,
            person_speed: 1.0,
            seed: 1,
            token_secret: TOKEN_SECRET.to_owned(),
            public_url: None,
            calls_live_max: 20_000,
            calls_kept_max: 200_000,
        }
    }
}

/// The auth token of an account: the first 32 hexadecimal digits of HMAC-SHA256(secret, account SID).
pub fn token_for(secret: &str, account_sid: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(account_sid.as_bytes());
    chance::hex(&mac.finalize().into_bytes())[..32].to_owned()
}

/// The bearer key of an account at a provider that asks for one key only: the account, `_`, and its [`token_for`].
pub fn key_for(secret: &str, account: &str) -> String {
    format!("{account}_{}", token_for(secret, account))
}

/// The secret key of an account at Stripe: `sk_test_` and its [`key_for`].
pub fn stripe_key_for(secret: &str, account: &str) -> String {
    format!("sk_test_{}", key_for(secret, account))
}

/// What the webhooks of an account are signed with at a provider that makes a secret for them: `wsec_` and its [`token_for`].
pub fn webhook_secret_for(secret: &str, account: &str) -> String {
    webhook_secret(&token_for(secret, account))
}

fn webhook_secret(token: &str) -> String {
    format!("wsec_{token}")
}

/// Runs the network until the future is dropped; calls under way stop with it.
pub async fn serve(listener: TcpListener, settings: Settings) -> anyhow::Result<()> {
    for speed in [settings.speed, settings.person_speed] {
        ensure!(speed > 0.0 && speed <= SPEED_MAX, "speed must be above 0 and at most {SPEED_MAX}");
    }
    // Whoever started this process may have installed a TLS provider already; either will do.
    rustls::crypto::ring::default_provider().install_default().ok();
    let address = listener.local_addr().context("no local address")?;
    let public_url = settings.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let network = Arc::new(network::Network::new(settings, public_url)?);
    let _hang_up_all = network.stop.clone().drop_guard();
    let router = Router::new()
        .nest("/2010-04-01", twilio::routes(&network))
        .merge(retell::routes(&network))
        .merge(vapi::routes(&network))
        .merge(elevenlabs::routes(&network))
        .merge(maqsam::routes(&network))
        .merge(stripe::routes())
        .merge(control::routes())
        .merge(handset::routes())
        .merge(inbound::routes())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(network);
    axum::serve(listener, router).await.context("the listener failed")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_token_depends_on_the_secret_and_the_account() {
        let token = super::token_for("gremlin", "AC00000000000000000000000000000001");
        assert_eq!(token.len(), 32);
        assert!(token.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(token, super::token_for("gremlin", "AC00000000000000000000000000000001"));
        assert_ne!(token, super::token_for("gremlin", "AC00000000000000000000000000000002"));
        assert_ne!(token, super::token_for("other", "AC00000000000000000000000000000001"));
    }
}
