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
pub use services::accounts::{Caller, Client, Cookie, Entry};
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

/// What this request's browser keeps for us under this name.
pub fn kept(cookie: Cookie) -> Option<String> {
    let dev = db().ok()?.config().dev;
    cookie.read(&use_context::<Parts>()?.headers, dev)
}

/// Lets the browser keep (`Some`) or forget a token. For that of a session: [`keep_session`].
///
/// # Errors
/// `Internal` outside a request.
pub fn keep(cookie: Cookie, token: Option<&str>) -> Result<(), Error> {
    set_cookie(cookie.set(token, db()?.config().dev))
}

/// Lets the browser keep (`Some`) or forget the session. The one it came with ends: whoever else has its token, because
/// they planted it or stole it, is out.
///
/// # Errors
/// `Internal` outside a request, or when the database is away.
pub async fn keep_session(token: Option<&str>) -> Result<(), Error> {
    if let Some(old) = kept(Cookie::Session) {
        services::accounts::sign_out(&db()?, &old).await?;
    }
    keep(Cookie::Session, token)
}

/// Lets the browser keep something that is no secret.
///
/// # Errors
/// `Internal` outside a request, or when it is no header.
pub fn set_plain_cookie(cookie: &str) -> Result<(), Error> {
    set_cookie(HeaderValue::from_str(cookie).map_err(|error| Error::Internal { trace: error.to_string() })?)
}

fn set_cookie(cookie: HeaderValue) -> Result<(), Error> {
    let response =
        use_context::<ResponseOptions>().ok_or_else(|| Error::Internal { trace: "no response in context".to_owned() })?;
    response.append_header(SET_COOKIE, cookie);
    Ok(())
}

/// The name of a cookie that no other host can plant, save in development, where browsers would not keep it.
fn of_host(name: &str) -> String {
    if db().is_ok_and(|db| db.config().dev) { name.to_owned() } else { format!("__Host-{name}") }
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
    HeaderValue::from_str(&format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", of_host(name)))
}

/// A secret that the next page shows, and no page after it.
const ONCE: &str = "once";
/// What went well, for the next plain page.
const SAID: &str = "said";

/// Lets the next page of this browser show a secret. It is on its way for a minute, readable for no script.
pub fn show_once(secret: &str) {
    leave(ONCE, secret);
}

/// The secret that the page before this one left here, and forgets it.
pub fn shown_once() -> Option<String> {
    take_left(ONCE)
}

/// Goes to a plain page, which says once what went well.
pub fn redirect_saying(path: &str, what: &str) {
    leave(SAID, what);
    redirect(path);
}

/// What [`redirect_saying`] said, and forgets it.
pub(crate) fn said() -> Option<String> {
    take_left(SAID)
}

fn leave(name: &str, text: &str) {
    if let (Some(response), Ok(kept)) = (use_context::<ResponseOptions>(), short_cookie(name, &Url::escape(text), TYPED_SECONDS))
    {
        response.append_header(SET_COOKIE, kept);
    }
}

fn take_left(name: &str) -> Option<String> {
    let text = Url::unescape(&cookie(&use_context::<Parts>()?, &of_host(name))?);
    if let (Some(response), Ok(gone)) = (use_context::<ResponseOptions>(), short_cookie(name, "", 0)) {
        response.append_header(SET_COOKIE, gone);
    }
    Some(text)
}

/// Hands what was typed to the form that is drawn again, and forgets it.
fn provide_typed() {
    let Some(parts) = use_context::<Parts>().filter(|parts| parts.uri.query().is_some_and(|query| query.contains("__err=")))
    else {
        return;
    };
    let Some(value) = cookie(&parts, &of_host(TYPED)) else { return };
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
