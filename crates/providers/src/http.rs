//! The one way to make the HTTP client that adapters share, with the limits every provider gets.
//! The binaries install the rustls provider (ring) before calling [`client`]. What an answer means is the adapter's.

use std::sync::Arc;
use std::time::Duration;

use crate::guard::Guard;
use reqwest::{Client, Response, redirect, retry};

/// Time for DNS, TCP and TLS together. Failing here means that no byte of the request was sent.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Time for a whole request. Must stay below the worker's lease, see engine.md §3.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for a recording or a document; nobody dials meanwhile.
pub const TRANSFER_TIMEOUT: Duration = Duration::from_secs(120);
/// Idle connections are dropped before the far end drops them: a stale one would cost us an unknown call.
pub const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest answer we read. A page of 1,000 Twilio calls is below 2 MB.
pub const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The largest recording we read: more than an hour of telephone sound, uncompressed and with a channel for each.
pub const RECORDING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A client that never repeats a request by itself and never follows a redirect: either could dial twice or
/// carry credentials to another host. Proxies of the environment are not used, and names that a company may enter lead to
/// public addresses only; see [`crate::guard`].
///
/// # Panics
/// When no rustls crypto provider is installed in this process.
pub fn client() -> reqwest::Result<Client> {
    client_with_timeout(REQUEST_TIMEOUT)
}

/// Like [`client`], for those who can wait less long, such as the answer to a person at a screen.
pub fn client_with_timeout(request_timeout: Duration) -> reqwest::Result<Client> {
    guarded(Guard::system(), request_timeout)
}

/// A client whose names are looked up by `guard`.
pub(crate) fn guarded(guard: Guard, request_timeout: Duration) -> reqwest::Result<Client> {
    Client::builder()
        .dns_resolver(Arc::new(guard))
        .user_agent(concat!("belfry/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(request_timeout)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .build()
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error(transparent)]
    Network(#[from] reqwest::Error),
}

/// Reads a body up to a limit.
pub(crate) async fn read(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, ReadError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > bytes_max {
            return Err(ReadError::TooLarge(bytes_max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// One request as others write it, and its whole answer, up to `bytes_max` bytes.
///
/// # Errors
/// When nobody answered in time, or more than that.
pub async fn fetch(
    client: &Client,
    request: ::http::Request<Vec<u8>>,
    bytes_max: usize,
) -> Result<::http::Response<Vec<u8>>, ReadError> {
    let response = client.execute(request.try_into()?).await.map_err(reqwest::Error::without_url)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut answer = ::http::Response::new(read(response, bytes_max).await?);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(answer)
}
