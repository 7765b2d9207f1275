//! The internal error of verbs, and its one conversion to the error that may leave the system.

use std::fmt;

/// Result of a verb.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a verb may fail with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Meant for the caller, as it is.
    #[error(transparent)]
    Told(#[from] model::Error),
    /// The database refused or is away.
    #[error("database: {0}")]
    Db(#[from] sqlx::Error),
    /// Anything else that is our fault.
    #[error("{0:#}")]
    Inside(#[from] anyhow::Error),
}

impl Error {
    /// The name of the violated constraint, when that is what happened.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Db(sqlx::Error::Database(e)) => e.constraint(),
            _ => None,
        }
    }

    /// Turns the violation of `constraint` into `told`; leaves every other error alone.
    #[must_use]
    pub fn when(self, constraint: &str, told: impl FnOnce() -> model::Error) -> Self {
        if self.constraint() == Some(constraint) { Self::Told(told()) } else { self }
    }

    /// Whether trying the same transaction again may help: serialization, deadlock, lost connection.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Db(sqlx::Error::Database(e)) => {
                matches!(e.code().as_deref(), Some("40001" | "40P01" | "57P01" | "57P02" | "57P03"))
            }
            Self::Db(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) => true,
            _ => false,
        }
    }
}

impl From<Error> for model::Error {
    /// Logs the inside once under a fresh trace id and hides it from the caller.
    fn from(error: Error) -> Self {
        match error {
            Error::Told(told) => told,
            other => {
                let trace = Trace::new();
                tracing::error!(%trace, error = %other, "verb failed");
                if other.is_transient() {
                    Self::Unavailable { provider: "The database".to_owned() }
                } else {
                    Self::Internal { trace: trace.to_string() }
                }
            }
        }
    }
}

/// Eight hex digits that find an error in the log. Not secret, not guess-proof.
struct Trace(u32);

impl Trace {
    fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a label for the log, not part of any state that must replay")]
        Self(rand::Rng::next_u32(&mut rand::rng()))
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}
