//! The one error that leaves the system: server functions, REST and screens all speak it.
//!
//! It carries nothing private: it may end up in a URL (a form without JavaScript) or in a log.

use std::collections::BTreeMap;

/// Field name → what to do about it.
pub type FieldErrors = BTreeMap<String, String>;
/// Shorthand for results that cross the wire.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for the person or program that asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(remote = "Self", tag = "code", rename_all = "snake_case")]
pub enum Error {
    /// Nobody is signed in, or the session ended.
    #[error("Sign in to continue.")]
    Unauthenticated,
    /// Signed in, but the role lacks this permission.
    #[error("Your role may not do this.")]
    Forbidden { permission: String },
    /// It does not exist, or belongs to another company: the answer is the same.
    #[error("This {what} does not exist or is not yours.")]
    NotFound { what: String },
    /// One or more fields need attention.
    #[error("{}", first(fields))]
    Invalid { fields: FieldErrors },
    /// The thing is not in a state that allows this.
    #[error("{why}")]
    Conflict { why: String },
    /// Amounts in thousandths of a credit.
    #[error("{} credits are needed and {} are available. Top up to go on.", crate::credits::Credits(*needed), crate::credits::Credits(*available))]
    InsufficientCredits { needed: i64, available: i64 },
    /// Too many tries.
    #[error("Too many tries. Wait {retry_seconds} seconds and try again.")]
    RateLimited { retry_seconds: u32 },
    /// A provider or the network did not answer.
    #[error("{provider} does not answer right now. Try again in a moment.")]
    Unavailable { provider: String },
    /// Our fault; the trace id finds it in the log.
    #[error("Something went wrong on our side. Quote {trace} to support.")]
    Internal { trace: String },
}

/// [`Error`] on our own wire.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(remote = "Error")]
enum Packed {
    Unauthenticated,
    Forbidden { permission: String },
    NotFound { what: String },
    Invalid { fields: FieldErrors },
    Conflict { why: String },
    InsufficientCredits { needed: i64, available: i64 },
    RateLimited { retry_seconds: u32 },
    Unavailable { provider: String },
    Internal { trace: String },
}

crate::wire::two_forms!(Error, Packed);

fn first(fields: &FieldErrors) -> &str {
    fields.values().next().map_or("Check the form.", String::as_str)
}

impl Error {
    /// The only table from error to HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::InsufficientCredits { .. } => 402,
            Self::Forbidden { .. } => 403,
            Self::NotFound { .. } => 404,
            Self::Conflict { .. } => 409,
            Self::Invalid { .. } => 422,
            Self::RateLimited { .. } => 429,
            Self::Internal { .. } => 500,
            Self::Unavailable { .. } => 503,
        }
    }

    /// An `Invalid` about one field.
    pub fn field(name: &str, problem: impl Into<String>) -> Self {
        Self::Invalid { fields: FieldErrors::from([(name.to_owned(), problem.into())]) }
    }

    /// A `NotFound` that names the kind of thing.
    pub fn not_found(what: &str) -> Self {
        Self::NotFound { what: what.to_owned() }
    }

    /// A `Conflict` that says why.
    pub fn conflict(why: impl Into<String>) -> Self {
        Self::Conflict { why: why.into() }
    }

    /// The problem of one field, if this error has one.
    pub fn of_field(&self, name: &str) -> Option<&str> {
        match self {
            Self::Invalid { fields } => fields.get(name).map(String::as_str),
            _ => None,
        }
    }
}

/// Collects field problems and turns them into a result at the end, so that a form shows all at once.
#[derive(Debug, Default)]
pub struct Check(FieldErrors);

impl Check {
    /// Starts without problems.
    pub fn new() -> Self {
        Self::default()
    }
    /// Notes `problem` on `field` unless `ok`; the first problem of a field wins.
    pub fn need(&mut self, ok: bool, field: &str, problem: &str) -> &mut Self {
        if !ok {
            self.0.entry(field.to_owned()).or_insert_with(|| problem.to_owned());
        }
        self
    }
    /// `text` must be 1 to `max` characters after trimming.
    pub fn text(&mut self, text: &str, field: &str, what: &str, max: usize) -> &mut Self {
        self.need(!text.trim().is_empty(), field, &format!("Enter {what}."));
        self.need(text.chars().count() <= max, field, &format!("Use at most {max} characters."))
    }
    /// `Ok` if nothing was noted.
    pub fn done(&mut self) -> Result<()> {
        let fields = std::mem::take(&mut self.0);
        if fields.is_empty() { Ok(()) } else { Err(Error::Invalid { fields }) }
    }
}

#[cfg(feature = "server_fn")]
impl server_fn::error::FromServerFnError for Error {
    type Encoder = crate::wire::Compact;
    fn from_server_fn_error(e: server_fn::error::ServerFnErrorErr) -> Self {
        use server_fn::error::ServerFnErrorErr as E;
        match e {
            E::Args(m) | E::MissingArg(m) | E::Deserialization(m) => Self::field("form", m),
            E::Request(_) => Self::Unavailable { provider: "Belfry".to_owned() },
            other => Self::Internal { trace: other.to_string() },
        }
    }
}
