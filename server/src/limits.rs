//! How much and how long: every limit of the doors, in one place.

use model::imports::FILE_BYTES_MAX;
use std::time::Duration;

/// Body of a page or server-function request. The largest form is an agent with its prompt.
pub const FORM_BYTES_MAX: usize = 1024 * 1024;
/// Body of a provider callback: the report of a long conversation, word by word.
pub const HOOK_BYTES_MAX: usize = 2 * 1024 * 1024;
/// An uploaded file and the multipart frame around it.
pub const UPLOAD_BYTES_MAX: usize = FILE_BYTES_MAX + 64 * 1024;
/// A refused server function's body, read again to set the status.
pub const ERROR_BYTES_MAX: usize = 64 * 1024;

/// How many requests somebody has in a span of time; see `rates`.
pub struct Limit {
    /// Names the count.
    pub name: &'static str,
    pub max: u32,
    pub seconds: u32,
}

/// Of one API key, of one program that signed in, or of whoever guesses keys; see rest-contract in docs/api-design.md.
pub const PER_KEY: Limit = Limit { name: "key", max: 1_000, seconds: 3_600 };
/// Of one address, in pages, server functions and the API. A whole office may share one.
pub const PER_ADDRESS: Limit = Limit { name: "address", max: 6_000, seconds: 60 };
/// Of one person, in pages and server functions. Screens of a busy campaign read again with each notice.
pub const PER_USER: Limit = Limit { name: "user", max: 1_200, seconds: 60 };
/// Of all members, keys and programs of a company together.
pub const PER_COMPANY: Limit = Limit { name: "company", max: 12_000, seconds: 60 };
/// How long a request waits for Redis to count it.
pub const REDIS: Duration = Duration::from_millis(250);

/// How long things may take. Tests have less of it.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Any request but uploads and live streams.
    pub request: Duration,
    /// An upload that sends nothing for this long is given up.
    pub upload_pause: Duration,
    /// A connection says what it wants within this time, and is silent no longer than that between two requests. Proxies in
    /// front of us should close idle connections earlier.
    pub head: Duration,
    /// How often a stream asks whether its session still lives: one that ended hears nothing more within a minute.
    pub stream_look: Duration,
    /// How long Redis is left alone when it did not answer.
    pub redis_rest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            request: seconds(30),
            upload_pause: seconds(30),
            head: seconds(30),
            stream_look: seconds(45),
            redis_rest: seconds(5),
        }
    }
}

/// Connections of this process.
pub const CONNECTIONS_MAX: usize = 20_000;
/// How long nobody is let in after the machine refused a connection.
pub const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// How long `/readyz` waits for Postgres.
pub const READY: Duration = Duration::from_secs(2);
/// How long running requests may take after the process was told to stop.
pub const SHUTDOWN: Duration = Duration::from_secs(15);

/// Live streams of this process.
pub const STREAMS_MAX: usize = 10_000;
/// Notices a slow screen may lag behind before it is told to read everything again.
pub const NOTICES_MAX: usize = 1_024;
/// A comment on silent streams, so that proxies do not close them.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// A stream ends after this long; the browser returns and its session is checked anew.
pub const STREAM: Duration = Duration::from_secs(10 * 60);
/// How long a browser waits before it returns.
pub const STREAM_RETRY: Duration = Duration::from_secs(2);
