//! Configuration: one struct, from the environment only. `.env.example` lists the same names.

use anyhow::{Context, bail};
use secrecy::SecretString;
use std::net::IpAddr;
use std::path::PathBuf;

/// Shortest `SECRET_KEY`.
const SECRET_MIN: usize = 32;

/// How this process runs. Secrets print as `[REDACTED]`.
#[derive(Debug, Clone)]
pub struct Config {
    /// Login that may become `company`.
    pub app_database_url: SecretString,
    /// Login that may become `system`.
    pub system_database_url: SecretString,
    /// Where the server listens.
    pub addr: String,
    /// How browsers and providers reach us; without a trailing slash.
    pub public_url: String,
    /// Where gremlin answers; the address behind every sandbox gateway.
    pub sandbox_url: String,
    /// How many times faster sandbox phones live; waits of sandbox campaigns are divided by it.
    pub sandbox_speed: i32,
    /// From which gremlin derives the token of each sandbox account.
    pub sandbox_secret: SecretString,
    /// Seals what must not be read in the database, and signs links; see `secrets`.
    pub secret_key: SecretString,
    /// The one before it, for as long as something is sealed under it.
    pub secret_key_old: Option<SecretString>,
    /// Where mail goes: `smtps://user:password@host` or `smtp://…?tls=required`. Without it they
    /// are tried for some three hours and then given up; in development they are read in the mailbox.
    pub smtp_url: Option<SecretString>,
    /// Who our mails are from, like `Belfry <mail@belfry.example>`.
    pub mail_from: String,
    /// Where limits are counted when several processes answer: `redis://…` or `rediss://…`, also of a Valkey. Without it each
    /// process counts for itself.
    pub redis_url: Option<SecretString>,
    /// Proxies in front of us, whose word on where a request comes from is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// The built site.
    pub site_root: PathBuf,
    /// Uploaded files.
    pub data_dir: PathBuf,
    /// Development mode: mailbox page, gallery, cookies without `Secure`.
    pub dev: bool,
}

/// Every name [`Config::from_env`] reads; a test compares it with `.env.example`.
pub const NAMES: &[&str] = &[
    "APP_DATABASE_URL",
    "SYSTEM_DATABASE_URL",
    "ADDR",
    "PUBLIC_URL",
    "SANDBOX_URL",
    "SANDBOX_SPEED",
    "SANDBOX_SECRET",
    "SECRET_KEY",
    "SECRET_KEY_OLD",
    "SMTP_URL",
    "MAIL_FROM",
    "REDIS_URL",
    "TRUSTED_PROXIES",
    "SITE_ROOT",
    "DATA_DIR",
    "DEV",
    "DATABASE_URL",
    "ADMIN_DATABASE_URL",
    "BELFRY_DB_PASSWORD",
];

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be read.
    pub fn from_env() -> anyhow::Result<Self> {
        let secret_key = need("SECRET_KEY")?;
        if secret_key.len() < SECRET_MIN {
            bail!("SECRET_KEY must have at least {SECRET_MIN} characters");
        }
        let speed: i32 = or("SANDBOX_SPEED", "1").parse().context("SANDBOX_SPEED must be a whole number")?;
        if !(1..=100_000).contains(&speed) {
            bail!("SANDBOX_SPEED must be 1 to 100000");
        }
        let (smtp_url, mail_from) = (read("SMTP_URL").map(SecretString::from), or("MAIL_FROM", "Belfry <mail@localhost>"));
        if let Some(url) = &smtp_url {
            // A typing error is found at the start, and not with the first mail.
            providers::mail::Mailer::new(url, &mail_from).map_err(anyhow::Error::msg)?;
        }
        let redis_url = read("REDIS_URL");
        if redis_url.as_ref().is_some_and(|url| !url.starts_with("redis://") && !url.starts_with("rediss://")) {
            bail!("REDIS_URL must begin with redis:// or rediss://");
        }
        let proxies = or("TRUSTED_PROXIES", "");
        let trusted_proxies = proxies.split(',').map(str::trim).filter(|ip| !ip.is_empty()).map(str::parse);
        let addr = or("ADDR", "127.0.0.1:3000");
        Ok(Self {
            app_database_url: need("APP_DATABASE_URL")?.into(),
            system_database_url: need("SYSTEM_DATABASE_URL")?.into(),
            public_url: or("PUBLIC_URL", &format!("http://{addr}")).trim_end_matches('/').to_owned(),
            addr,
            sandbox_url: or("SANDBOX_URL", "http://127.0.0.1:3010").trim_end_matches('/').to_owned(),
            sandbox_speed: speed,
            sandbox_secret: or("SANDBOX_SECRET", "gremlin").into(),
            secret_key: secret_key.into(),
            secret_key_old: read("SECRET_KEY_OLD").map(SecretString::from),
            smtp_url,
            mail_from,
            redis_url: redis_url.map(SecretString::from),
            trusted_proxies: trusted_proxies
                .collect::<Result<_, _>>()
                .context("TRUSTED_PROXIES must be addresses with commas")?,
            site_root: or("SITE_ROOT", "target/site").into(),
            data_dir: or("DATA_DIR", ".data/files").into(),
            dev: or("DEV", "0") == "1",
        })
    }
}

/// One variable, required.
///
/// # Errors
/// Names it when it is missing.
pub fn need(name: &str) -> anyhow::Result<String> {
    read(name).with_context(|| format!("{name} is not set; see .env.example"))
}

fn or(name: &str, default: &str) -> String {
    read(name).unwrap_or_else(|| default.to_owned())
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn read(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}
