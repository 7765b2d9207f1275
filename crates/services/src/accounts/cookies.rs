//! The cookies of people who sign in. Each holds a token that nobody can guess; tables know its hash only.

use super::sessions::{ABSOLUTE_DAYS, HALF_MINUTES};
use crate::identities::{NEWCOMER_MINUTES, TRIP_MINUTES};
use chrono::TimeDelta;
use providers::{HeaderMap, HeaderValue};

/// What a browser keeps for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// Who is signed in.
    Session,
    /// Between password and code.
    Half,
    /// Between us and a provider of identities.
    Trip,
    /// Between coming back from one and having registered.
    Newcomer,
}

impl Cookie {
    /// Browsers take a `__Host-` cookie only with `Secure`, `Path=/` and without `Domain`, so no other host can
    /// plant one. Plain http in development cannot have that.
    const fn name(self, dev: bool) -> &'static str {
        match (self, dev) {
            (Self::Session, true) => "sid",
            (Self::Session, false) => "__Host-sid",
            (Self::Half, true) => "half",
            (Self::Half, false) => "__Host-half",
            (Self::Trip, true) => "trip",
            (Self::Trip, false) => "__Host-trip",
            (Self::Newcomer, true) => "newcomer",
            (Self::Newcomer, false) => "__Host-newcomer",
        }
    }

    const fn life(self) -> TimeDelta {
        match self {
            Self::Session => TimeDelta::days(ABSOLUTE_DAYS),
            Self::Half => TimeDelta::minutes(HALF_MINUTES),
            Self::Trip => TimeDelta::minutes(TRIP_MINUTES),
            Self::Newcomer => TimeDelta::minutes(NEWCOMER_MINUTES),
        }
    }

    /// The `Set-Cookie` value by which a browser keeps a token of ours, or forgets it (`None`).
    pub fn set(self, token: Option<&str>, dev: bool) -> HeaderValue {
        let secure = if dev { "" } else { "; Secure" };
        let life = token.map_or_else(TimeDelta::zero, |_| self.life());
        let (name, token, seconds) = (self.name(dev), token.unwrap_or_default(), life.num_seconds());
        let text = format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
        // A token that is no header text is none of ours: the browser is told nothing.
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
    }

    /// The token among a request's cookies, if there is one.
    pub fn read(self, headers: &HeaderMap, dev: bool) -> Option<String> {
        headers
            .get_all("cookie")
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, value)| *name == self.name(dev) && !value.is_empty())
            .map(|(_, value)| value.to_owned())
    }
}
