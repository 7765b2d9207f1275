//! The only module that exists on the server alone: what server functions need from the request (database, caller, cookies),
//! and the document around [`crate::App`]. Server functions start with `use crate::ssr::*;`.

use http::header::{COOKIE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header::ACCEPT};
use leptos_axum::ResponseOptions;
use leptos_meta::{HashedStylesheet, MetaTags};
use leptos_router::location::Url;
use model::Error;
use model::wire::{pack, unpack};

use serde::Serialize;

use crate::form::Typed;
use crate::prelude::*;
use crate::wire::{Packed, Question};

pub use leptos_axum::redirect;
pub use services::accounts::{Caller, Client, Entry};
pub use services::{Db, Tx};

/// The database of this process.
///
/// # Errors
/// `Internal` when the server forgot to provide it.
pub fn db() -> Result<Db, Error> {
    use_context::<Db>().ok_or_else(|| Error::Internal { trace: "no database in context".to_owned() })
}

/// The way to providers, for server functions that ask one.
///
/// # Errors
/// `Internal` when this machine has no TLS roots.
pub fn network() -> Result<services::dialer::Network, Error> {
    Ok(services::dialer::Network::shared().map_err(services::Error::from)?)
}

/// Who sends this request.
///
/// # Errors
/// `Unauthenticated` without a living session.
pub fn caller() -> Result<Caller, Error> {
    use_context::<Caller>().ok_or(Error::Unauthenticated)
}

/// Somebody with a session whom their company does not let in yet; see `Caller::barred`.
#[derive(Debug, Clone)]
pub struct Barred(pub Caller);

/// Who sends this request, let in or not: for setting up a second factor, going elsewhere and leaving.
///
/// # Errors
/// `Unauthenticated` without a living session.
pub fn anyone() -> Result<Caller, Error> {
    caller().or_else(|_| use_context::<Barred>().map(|barred| barred.0).ok_or(Error::Unauthenticated))
}

/// The machine this request comes from.
pub fn client() -> Client {
    use_context::<Client>().unwrap_or_default()
}

/// Opens the one transaction of a server function, for the caller's company.
///
/// # Errors
/// `Unauthenticated` without a living session.
pub async fn begin() -> Result<Tx, Error> {
    let (db, caller) = (db()?, caller()?);
    Ok(db.begin(&caller.actor).await?)
}

/// Answers a question of the page that is being drawn, without a request.
///
/// # Errors
/// What the server function answers.
pub(crate) async fn answer<S: Question<Output: Serialize>>(question: Vec<u8>) -> Packed {
    pack(&unpack::<S>(&question)?.run_body().await?)
}

/// Gives the page that is being drawn the status of the error it shows: what is not there is not found, for programs too.
pub(crate) fn set_status(error: &Error) {
    if let (Some(response), Ok(status)) = (use_context::<ResponseOptions>(), StatusCode::from_u16(error.status())) {
        response.set_status(status);
    }
}

/// The session token of this request, to end it.
pub fn session_token() -> Option<String> {
    let dev = db().ok()?.config().dev;
    services::accounts::session_token(&use_context::<Parts>()?.headers, dev)
}

/// Lets the browser keep (`Some`) or forget the session.
///
/// # Errors
/// `Internal` outside a request.
pub fn keep_session(token: Option<&str>) -> Result<(), Error> {
    let dev = db()?.config().dev;
    set_cookie(match token {
        Some(token) => services::accounts::session_cookie(token, dev),
        None => services::accounts::ended_cookie(dev),
    })
}

/// The first half of a sign-in that this request carries.
///
/// # Errors
/// `Unauthenticated` without one.
pub fn half() -> Result<String, Error> {
    let dev = db()?.config().dev;
    let token = use_context::<Parts>().and_then(|parts| services::accounts::half_token(&parts.headers, dev));
    token.ok_or(Error::Unauthenticated)
}

/// Lets the browser keep (`Some`) or forget the first half of a sign-in.
///
/// # Errors
/// `Internal` outside a request.
pub fn keep_half(token: Option<&str>) -> Result<(), Error> {
    set_cookie(services::accounts::half_cookie(token, db()?.config().dev))
}

fn set_cookie(cookie: HeaderValue) -> Result<(), Error> {
    let response =
        use_context::<ResponseOptions>().ok_or_else(|| Error::Internal { trace: "no response in context".to_owned() })?;
    response.append_header(SET_COOKIE, cookie);
    Ok(())
}

/// What was typed into a refused form, on its way to the page that shows the form again.
const TYPED: &str = "typed";
/// How long it is kept: the browser is on its way already.
const TYPED_SECONDS: u32 = 60;
/// Longest text kept of one field.
const TYPED_MAX: usize = 254;

/// Keeps what was typed into a form that is refused. Only for browsers without scripts, which draw the page anew; never a
/// password. The error itself travels in the address, where nothing personal may be.
pub fn keep_typed(fields: &[(&str, &str)]) {
    let (Some(parts), Some(response)) = (use_context::<Parts>(), use_context::<ResponseOptions>()) else { return };
    if !parts.headers.get(ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|accept| accept.contains("text/html")) {
        return;
    }
    let escaped = |text: &str| Url::escape(&text.chars().take(TYPED_MAX).collect::<String>());
    let pairs: Vec<_> = fields.iter().map(|(name, text)| format!("{name}={}", escaped(text))).collect();
    if let Ok(cookie) = short_cookie(TYPED, &pairs.join("&"), TYPED_SECONDS) {
        response.append_header(SET_COOKIE, cookie);
    }
}

fn short_cookie(name: &str, value: &str, seconds: u32) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let secure = if db().is_ok_and(|db| db.config().dev) { "" } else { "; Secure" };
    HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"))
}

/// What the next page shows, and no page after it.
const ONCE: &str = "once";

/// Lets the next page of this browser show a secret. It is on its way for a minute, readable for no script.
pub fn show_once(secret: &str) {
    if let (Some(response), Ok(kept)) =
        (use_context::<ResponseOptions>(), short_cookie(ONCE, &Url::escape(secret), TYPED_SECONDS))
    {
        response.append_header(SET_COOKIE, kept);
    }
}

/// The secret that the page before this one left here, and forgets it.
pub fn shown_once() -> Option<String> {
    let secret = Url::unescape(&cookie(&use_context::<Parts>()?, ONCE)?);
    if let (Some(response), Ok(gone)) = (use_context::<ResponseOptions>(), short_cookie(ONCE, "", 0)) {
        response.append_header(SET_COOKIE, gone);
    }
    Some(secret)
}

/// Hands what was typed to the form that is drawn again, and forgets it.
fn provide_typed() {
    let Some(parts) = use_context::<Parts>().filter(|parts| parts.uri.query().is_some_and(|query| query.contains("__err=")))
    else {
        return;
    };
    let Some(value) = cookie(&parts, TYPED) else { return };
    let pairs = value.split('&').filter_map(|pair| pair.split_once('='));
    provide_context(Typed(pairs.map(|(name, text)| (name.to_owned(), Url::unescape(text))).collect()));
    if let (Some(response), Ok(gone)) = (use_context::<ResponseOptions>(), short_cookie(TYPED, "", 0)) {
        response.append_header(SET_COOKIE, gone);
    }
}

/// The value of one cookie of a request.
fn cookie(parts: &Parts, name: &str) -> Option<String> {
    let lines = parts.headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(n, _)| *n == name).map(|(_, value)| value.to_owned())
}

/// `dark` or `light` when the person chose one (see `frame`); the system decides otherwise.
fn theme() -> Option<&'static str> {
    match cookie(&use_context::<Parts>()?, "theme")?.as_str() {
        "dark" => Some("dark"),
        "light" => Some("light"),
        _ => None,
    }
}

/// The document: head, style sheet, hydration script, [`crate::App`].
pub fn shell(options: LeptosOptions) -> impl IntoView {
    provide_typed();
    let is_plain = use_context::<Parts>().is_some_and(|parts| crate::auth::is_plain(parts.uri.path()));
    view! {
        <!DOCTYPE html>
        <html lang="en" class=theme()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <HashedStylesheet options=options.clone()/>
                {(!is_plain).then(|| view! {
                    <AutoReload options=options.clone()/>
                    <HydrationScripts options=options.clone()/>
                })}
                <MetaTags/>
            </head>
            <body>
                <crate::App/>
            </body>
        </html>
    }
}
