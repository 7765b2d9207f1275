//! What a listener heard: requests as they arrived, and the news in them.

use chrono::{DateTime, Utc};
use providers::*;

/// A callback as it arrived, with our verdict on its signature.
#[derive(Debug, Clone)]
pub struct Heard {
    pub authentic: bool,
    /// Of one request.
    pub request: usize,
    pub callback: Callback,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub at: DateTime<Utc>,
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Arrived {
    pub fn request(&self) -> CallbackRequest<'_> {
        CallbackRequest { method: &self.method, url: &self.url, headers: &self.headers, body: &self.body }
    }
}

impl Heard {
    /// The status, if it was one.
    pub fn status(&self) -> Option<ProviderStatus> {
        match &self.callback.kind {
            CallbackKind::Status(observed) => Some(observed.status),
            _ => None,
        }
    }
    pub fn is_end(&self) -> bool {
        matches!(self.status(), Some(ProviderStatus::Ended(_)))
    }
    pub fn recording(&self) -> Option<&Recording> {
        if let CallbackKind::Recording(recording) = &self.callback.kind { Some(recording) } else { None }
    }
    pub fn analysis(&self) -> Option<&Analysis> {
        if let CallbackKind::Analysis(analysis) = &self.callback.kind { Some(analysis) } else { None }
    }
}
