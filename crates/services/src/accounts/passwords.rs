//! Argon2id, off the async threads, and at any moment on fewer cores than there are: one is left for callbacks and calls, and a
//! flood of sign-ins is no flood of memory, of which each run takes 19 MiB.

use crate::db::Db;
use crate::error::Result;
use anyhow::anyhow;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// OWASP's first recommendation for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

static SLOTS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(at_once(std::thread::available_parallelism().map_or(1, std::num::NonZero::get))));

/// What unknown users are verified against, so that the answer takes as long as for known ones.
static NOBODY: LazyLock<Result<String, String>> = LazyLock::new(|| compute("nobody has this password", &[0; 16]));

/// How many passwords may be hashed at once on so many cores.
const fn at_once(cores: usize) -> usize {
    if cores > 1 { cores - 1 } else { 1 }
}

/// Hashes into a PHC string.
pub(super) async fn hash(db: &Db, password: &str) -> Result<String> {
    let (password, salt) = (password.to_owned(), db.luck::<16>());
    let hashed = in_slot(move || compute(&password, &salt)).await?;
    Ok(hashed.map_err(|e| anyhow!("password hashing: {e}"))?)
}

/// Whether the password belongs to the hash; without a hash the work is done all the same, and it never does.
pub(super) async fn verify(password: &str, stored: Option<String>) -> Result<bool> {
    let password = password.to_owned();
    let known = stored.is_some();
    let right = in_slot(move || {
        let stored = stored.map_or_else(|| NOBODY.clone(), Ok)?;
        let parsed = PasswordHash::new(&stored).map_err(|e| e.to_string())?;
        Ok::<_, String>(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
    })
    .await?;
    Ok(known && right.map_err(|e| anyhow!("password verification: {e}"))?)
}

fn compute(password: &str, salt: &[u8]) -> Result<String, String> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|e| e.to_string())?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash =
        argon2.hash_password_with_salt(password.as_bytes(), salt).map_err(|e: argon2::password_hash::Error| e.to_string())?;
    Ok(hash.to_string())
}

async fn in_slot<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    // The slot travels with the work: a caller who hangs up does not free the core.
    let slot = SLOTS.acquire().await.map_err(anyhow::Error::from)?;
    let done = tokio::task::spawn_blocking(move || {
        let _slot = slot;
        work()
    });
    Ok(done.await.map_err(anyhow::Error::from)?)
}

#[cfg(test)]
mod tests {
    use super::at_once;

    #[test]
    fn a_core_is_left_for_everything_else() {
        assert_eq!([1, 2, 4, 64].map(at_once), [1, 1, 3, 63]);
    }
}
