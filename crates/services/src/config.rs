//! Configuration: one struct, from the environment only. `.env.example` lists the same names.

use anyhow::{Context, bail};
use model::api_keys::Range;
use secrecy::SecretString;
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
    /// Our registration at Google, if people may sign in with it.
    pub google: Option<SignInWith>,
    /// The same at LinkedIn.
    pub linkedin: Option<SignInWith>,
    /// Where limits are counted when several processes answer: `redis://…` or `rediss://…`, also of a Valkey. Without it each
    /// process counts for itself.
    pub redis_url: Option<SecretString>,
    /// The proxies in front of us, whose word on a visitor's address is taken; nobody else's is.
    pub trusted_proxies: Vec<Range>,
    /// The built site.
    pub site_root: PathBuf,
    /// Uploaded files.
    pub data_dir: PathBuf,
    /// Development mode: mailbox page, gallery, cookies without `Secure`.
    pub dev: bool,
}

/// A registration at a provider of identities; see docs/operations.md.
#[derive(Debug, Clone)]
pub struct SignInWith {
    pub client_id: String,
    pub client_secret: SecretString,
    /// Where its discovery document is, without `/.well-known/openid-configuration`.
    pub issuer: String,
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
    "GOOGLE_CLIENT_ID",
    "GOOGLE_CLIENT_SECRET",
    "GOOGLE_ISSUER",
    "LINKEDIN_CLIENT_ID",
    "LINKEDIN_CLIENT_SECRET",
    "LINKEDIN_ISSUER",
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
            google: sign_in_with("GOOGLE", "https://accounts.google.com")?,
            linkedin: sign_in_with("LINKEDIN", "https://www.linkedin.com/oauth")?,
            redis_url: redis_url.map(SecretString::from),
            trusted_proxies: ranges(&or("TRUSTED_PROXIES", ""))?,
            site_root: or("SITE_ROOT", "target/site").into(),
            data_dir: or("DATA_DIR", ".data/files").into(),
            dev: or("DEV", "0") == "1",
        })
    }
}

/// The registration at one provider: both its id and its secret, or neither.
fn sign_in_with(name: &str, issuer: &str) -> anyhow::Result<Option<SignInWith>> {
    let (id, secret) = (read(&format!("{name}_CLIENT_ID")), read(&format!("{name}_CLIENT_SECRET")));
    let issuer = or(&format!("{name}_ISSUER"), issuer);
    if !trustworthy(&issuer) {
        bail!("{name}_ISSUER must begin with https:// (or be on this machine)");
    }
    match (id, secret) {
        (None, None) => Ok(None),
        (Some(client_id), Some(secret)) => Ok(Some(SignInWith { client_id, client_secret: secret.into(), issuer })),
        _ => bail!("{name}_CLIENT_ID and {name}_CLIENT_SECRET belong together: set both, or neither"),
    }
}

/// Nobody between us and it can answer in its place.
fn trustworthy(issuer: &str) -> bool {
    issuer.starts_with("https://") || issuer.starts_with("http://127.0.0.1:") || issuer.starts_with("http://localhost:")
}

/// Ranges of addresses between commas or spaces.
fn ranges(text: &str) -> anyhow::Result<Vec<Range>> {
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    words.map(|word| word.parse().with_context(|| format!("TRUSTED_PROXIES: {word:?} is no range like 10.0.0.0/8"))).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_asked_where_nobody_can_answer_in_its_place() {
        for good in ["https://accounts.google.com", "http://127.0.0.1:9000", "http://localhost:9000/a"] {
            assert!(trustworthy(good), "{good}");
        }
        for bad in [
            "http://accounts.google.com",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "accounts.google.com",
        ] {
            assert!(!trustworthy(bad), "{bad}");
        }
    }

    #[test]
    fn proxies_are_a_list_of_ranges_and_a_typing_error_is_named() {
        assert_eq!(ranges("").expect("none"), Vec::new());
        assert_eq!(ranges("10.0.0.0/8, 2001:db8::1").expect("two").len(), 2);
        assert!(ranges("10.0.0.0/8 proxy").expect_err("a name").to_string().contains("\"proxy\""));
    }
}
