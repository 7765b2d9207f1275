//! Secrets that the database keeps and cannot read: sealed with AES-256-GCM under a key that follows from `SECRET_KEY`. Each
//! seal is tied to its purpose and its owner, so that one cannot be moved to another row.

use crate::db::Db;
use crate::error::Result;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use anyhow::anyhow;
use hmac::{Hmac, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;
use uuid::Uuid;

/// The first byte of what is sealed this way; another way gets another.
const VERSION: u8 = 1;
const NONCE: usize = 12;

/// What a secret is for: seals of one purpose do not open as another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What an authenticator app shares with us, and recovery codes before they are shown.
    TwoFactor,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::TwoFactor => "two_factor",
        }
    }
}

/// Seals a secret of `owner`.
///
/// # Errors
/// When there is more than AES-GCM can take.
pub(crate) fn seal(db: &Db, purpose: Purpose, owner: Uuid, secret: &[u8]) -> Result<Vec<u8>> {
    let nonce: [u8; NONCE] = db.luck();
    let payload = Payload { msg: secret, aad: owner.as_bytes() };
    let sealed = cipher(db, purpose).encrypt(&Nonce::from(nonce), payload).map_err(|_| anyhow!("too long to seal"))?;
    Ok([&[VERSION], nonce.as_slice(), &sealed].concat())
}

/// Opens what [`seal`] gave for the same purpose and owner.
///
/// # Errors
/// When it was sealed under another `SECRET_KEY`, for somebody else, or was changed.
pub(crate) fn open(db: &Db, purpose: Purpose, owner: Uuid, sealed: &[u8]) -> Result<Vec<u8>> {
    let broken = || anyhow!("a {} secret does not open: was SECRET_KEY changed?", purpose.word());
    let rest = sealed.strip_prefix(&[VERSION]).ok_or_else(broken)?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or_else(broken)?;
    let payload = Payload { msg: sealed, aad: owner.as_bytes() };
    Ok(cipher(db, purpose).decrypt(&Nonce::from(*nonce), payload).map_err(|_| broken())?)
}

/// A key per purpose: HMAC-SHA256 of its name under `SECRET_KEY`.
fn cipher(db: &Db, purpose: Purpose) -> Aes256Gcm {
    let secret = db.config().secret_key.expose_secret().as_bytes();
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(b"belfry/seal/1/");
    mac.update(purpose.word().as_bytes());
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(<[u8; 32]>::from(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[tokio::test]
    async fn a_secret_opens_for_its_owner_under_its_key_and_unchanged() {
        let w = World::new().await;
        let (maya, ines) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let sealed = seal(&w.db, Purpose::TwoFactor, maya, b"JBSWY3DP").expect("sealed");
        assert!(!sealed.windows(4).any(|part| part == b"JBSW"));
        assert_ne!(sealed, seal(&w.db, Purpose::TwoFactor, maya, b"JBSWY3DP").expect("sealed"), "no two seals are alike");
        assert_eq!(open(&w.db, Purpose::TwoFactor, maya, &sealed).expect("opens"), b"JBSWY3DP");
        assert!(open(&w.db, Purpose::TwoFactor, ines, &sealed).is_err(), "moved to another row");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&w.db, Purpose::TwoFactor, maya, &changed).is_err(), "byte {at}");
        }
        let other = World::configured(1, |config| config.secret_key = "another key that only tests know".to_owned().into()).await;
        assert!(open(&other.db, Purpose::TwoFactor, maya, &sealed).is_err());
        for short in [&[][..], &[VERSION], &sealed[..NONCE]] {
            assert!(open(&w.db, Purpose::TwoFactor, maya, short).is_err());
        }
    }
}
