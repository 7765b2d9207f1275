//! Secrets that the database keeps and cannot read: sealed with AES-256-GCM under a key that follows from `SECRET_KEY`. Each
//! seal is tied to its purpose and its owner, so that one cannot be moved to another row, and names the key it was made under,
//! so that `SECRET_KEY` can be changed while `SECRET_KEY_OLD` still opens what is there.

use crate::config::Config;
use crate::db::Db;
use crate::error::Result;
use crate::{gateways, two_factor, webhooks};
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use anyhow::{anyhow, bail};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use uuid::Uuid;

/// The first byte of what is sealed this way; another way gets another.
const VERSION: u8 = 2;
/// The way of before, which did not name its key.
const NAMELESS: u8 = 1;
const NONCE: usize = 12;
const ID: usize = 4;

/// What a secret is for: seals of one purpose do not open as another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What an authenticator app shares with us, and recovery codes before they are shown. Its owner is the user.
    TwoFactor,
    /// What a gateway's account is opened with. Its owner is the gateway in its company.
    GatewayKey,
    /// What a gateway's callbacks are signed with. Its owner is the gateway in its company.
    WebhookSecret,
    /// What messages to an endpoint are signed with. Its owner is the endpoint in its company.
    EndpointSecret,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::TwoFactor => "two_factor",
            Self::GatewayKey => "gateway_key",
            Self::WebhookSecret => "webhook_secret",
            Self::EndpointSecret => "endpoint_secret",
        }
    }
}

/// Seals a secret of `owner`.
///
/// # Errors
/// When there is more than AES-GCM can take.
pub(crate) fn seal(db: &Db, purpose: Purpose, owner: &[Uuid], secret: &[u8]) -> Result<Vec<u8>> {
    let (key, nonce) = (&db.config().secret_key, db.luck::<NONCE>());
    let payload = Payload { msg: secret, aad: &bytes(owner) };
    let sealed = cipher(key, purpose).encrypt(&Nonce::from(nonce), payload).map_err(|_| anyhow!("too long to seal"))?;
    Ok([current(db.config()).as_slice(), &nonce, &sealed].concat())
}

/// Opens what [`seal`] gave for the same purpose and owner.
///
/// # Errors
/// When it was sealed under a key that is not configured, for somebody else, or was changed.
pub(crate) fn open(config: &Config, purpose: Purpose, owner: &[Uuid], sealed: &[u8]) -> Result<Vec<u8>> {
    let broken = || anyhow!("a {} secret does not open: it was changed, or moved here from another row", purpose.word());
    let keys: Vec<_> = keys(config).collect();
    let (rest, fitting) = match sealed.split_first() {
        Some((&NAMELESS, rest)) => (rest, keys),
        Some((&VERSION, rest)) => {
            let (made_under, rest) = rest.split_first_chunk::<ID>().ok_or_else(broken)?;
            let fitting: Vec<_> = keys.into_iter().filter(|key| id(key) == *made_under).collect();
            if fitting.is_empty() {
                return Err(anyhow!(
                    "a {} secret was sealed under another SECRET_KEY (its name is {}); set SECRET_KEY_OLD to that key",
                    purpose.word(),
                    name(*made_under)
                )
                .into());
            }
            (rest, fitting)
        }
        _ => return Err(broken().into()),
    };
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or_else(broken)?;
    let open = |key: &SecretString| {
        let payload = Payload { msg: sealed, aad: &bytes(owner) };
        cipher(key, purpose).decrypt(&Nonce::from(*nonce), payload).ok()
    };
    Ok(fitting.into_iter().find_map(open).ok_or_else(broken)?)
}

/// How everything begins that is sealed under today's key.
pub(crate) fn current(config: &Config) -> [u8; 1 + ID] {
    let [a, b, c, d] = id(&config.secret_key);
    [VERSION, a, b, c, d]
}

/// What becomes of a gateway's key that no configured key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Nothing starts: most likely a setting is wrong.
    Refuse,
    /// It is replaced by one that nobody knows, and the gateway asks for it.
    Replace,
}

/// Seals anew, under today's key, whatever is sealed under another or not at all. Returns how many secrets were; none when
/// there is nothing to do. Any number of processes may do it at once.
///
/// # Errors
/// When a gateway's key was sealed under a key that is not configured, unless those are lost; says which. Everything else is
/// sealed by then.
pub async fn reseal(db: &Db, lost: Lost) -> anyhow::Result<usize> {
    let (done, trouble) = gateways::keys::reseal(db, lost).await?;
    let done = done + two_factor::reseal(db).await? + webhooks::reseal(db).await?;
    if let Some(trouble) = trouble {
        bail!("{trouble}");
    }
    Ok(done)
}

fn keys(config: &Config) -> impl Iterator<Item = &SecretString> {
    [Some(&config.secret_key), config.secret_key_old.as_ref()].into_iter().flatten()
}

/// A key's own name, which tells nothing of it.
fn id(key: &SecretString) -> [u8; ID] {
    let [a, b, c, d, ..] = derived(key, "name");
    [a, b, c, d]
}

fn name(id: [u8; ID]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A key per purpose.
fn cipher(key: &SecretString, purpose: Purpose) -> Aes256Gcm {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(derived(key, purpose.word())))
}

/// HMAC-SHA256 of a word under the key.
fn derived(key: &SecretString, word: &str) -> [u8; 32] {
    let secret = key.expose_secret().as_bytes();
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(b"belfry/seal/1/");
    mac.update(word.as_bytes());
    mac.finalize().into_bytes().into()
}

/// What a seal is tied to.
fn bytes(owner: &[Uuid]) -> Vec<u8> {
    owner.iter().flat_map(|id| *id.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    const OTHER: &str = "another key that only tests know, so";

    #[tokio::test]
    async fn a_secret_opens_for_its_owner_under_its_key_and_unchanged() {
        let w = World::new().await;
        let config = w.db.config();
        let (maya, ines) = ([Uuid::from_u128(1)], [Uuid::from_u128(2)]);
        let sealed = seal(&w.db, Purpose::TwoFactor, &maya, b"JBSWY3DP").expect("sealed");
        assert!(!sealed.windows(4).any(|part| part == b"JBSW"));
        assert_ne!(sealed, seal(&w.db, Purpose::TwoFactor, &maya, b"JBSWY3DP").expect("sealed"), "no two seals are alike");
        assert_eq!(open(config, Purpose::TwoFactor, &maya, &sealed).expect("opens"), b"JBSWY3DP");
        assert!(open(config, Purpose::TwoFactor, &ines, &sealed).is_err(), "moved to another row");
        assert!(open(config, Purpose::TwoFactor, &[maya[0], ines[0]], &sealed).is_err(), "moved to another company's");
        assert!(open(config, Purpose::GatewayKey, &maya, &sealed).is_err(), "moved to another column");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(config, Purpose::TwoFactor, &maya, &changed).is_err(), "byte {at}");
        }
        for short in [&[][..], &[VERSION], &sealed[..ID], &sealed[..NONCE]] {
            assert!(open(config, Purpose::TwoFactor, &maya, short).is_err());
        }
    }

    #[tokio::test]
    async fn the_key_of_before_opens_what_it_sealed_and_another_is_told_by_name() {
        let w = World::new().await;
        let maya = [Uuid::from_u128(1)];
        let sealed = seal(&w.db, Purpose::TwoFactor, &maya, b"JBSWY3DP").expect("sealed");
        let with = |key: &str, old: Option<SecretString>| Config {
            secret_key: key.to_owned().into(),
            secret_key_old: old,
            ..w.db.config().clone()
        };
        let rotated = with(OTHER, Some(w.db.config().secret_key.clone()));
        assert_eq!(open(&rotated, Purpose::TwoFactor, &maya, &sealed).expect("opens"), b"JBSWY3DP");
        assert!(!sealed.starts_with(&current(&rotated)) && sealed.starts_with(&current(w.db.config())));
        let why = open(&with(OTHER, None), Purpose::TwoFactor, &maya, &sealed).expect_err("under another key").to_string();
        assert!(why.contains("another SECRET_KEY") && why.contains("SECRET_KEY_OLD"), "{why}");
    }

    #[tokio::test]
    async fn what_was_sealed_before_keys_had_names_opens_under_either() {
        let w = World::new().await;
        let maya = [Uuid::from_u128(1)];
        let sealed = seal(&w.db, Purpose::TwoFactor, &maya, b"JBSWY3DP").expect("sealed");
        let nameless = [&[NAMELESS], &sealed[1 + ID..]].concat();
        assert_eq!(open(w.db.config(), Purpose::TwoFactor, &maya, &nameless).expect("opens"), b"JBSWY3DP");
        let old = Some(w.db.config().secret_key.clone());
        let rotated = Config { secret_key: OTHER.to_owned().into(), secret_key_old: old, ..w.db.config().clone() };
        assert_eq!(open(&rotated, Purpose::TwoFactor, &maya, &nameless).expect("opens"), b"JBSWY3DP");
    }
}
