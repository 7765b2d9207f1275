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

/// Requests of one API key, or of one program that signed in, in an hour; see rest-contract in docs/api-design.md.
pub const API_PER_HOUR: u32 = 1_000;

/// Any request but uploads and live streams.
pub const REQUEST: Duration = Duration::from_secs(30);
/// An upload that sends nothing for this long is given up.
pub const UPLOAD_PAUSE: Duration = Duration::from_secs(30);
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
/// How often a stream asks whether its session still lives: one that ended hears nothing more within a minute.
pub const STREAM_LOOK: Duration = Duration::from_secs(45);
/// How long a browser waits before it returns.
pub const STREAM_RETRY: Duration = Duration::from_secs(2);
