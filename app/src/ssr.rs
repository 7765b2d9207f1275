//! The only module that exists on the server alone: what server functions need from the request (database, caller, cookies),
//! and the document around [`crate::App`]. Server functions start with `use crate::ssr::*;`.

use http::header::{COOKIE, SET_COOKIE};
use http::request::Parts;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::{HashedStylesheet, MetaTags};
use model::Error;

pub use leptos_axum::redirect;
pub use services::accounts::{Caller, Client};
pub use services::{Db, Tx};

/// The database of this process.
///
/// # Errors
/// `Internal` when the server forgot to provide it.
pub fn db() -> Result<Db, Error> {
    use_context::<Db>().ok_or_else(|| Error::Internal { trace: "no database in context".to_owned() })
}

/// Who sends this request.
///
/// # Errors
/// `Unauthenticated` without a living session.
pub fn caller() -> Result<Caller, Error> {
    use_context::<Caller>().ok_or(Error::Unauthenticated)
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
    let response =
        use_context::<ResponseOptions>().ok_or_else(|| Error::Internal { trace: "no response in context".to_owned() })?;
    let cookie = match token {
        Some(token) => services::accounts::session_cookie(token, dev),
        None => services::accounts::ended_cookie(dev),
    };
    response.append_header(SET_COOKIE, cookie);
    Ok(())
}

/// `dark` or `light` when the person chose one (see `frame`); the system decides otherwise.
fn theme() -> Option<&'static str> {
    let parts = use_context::<Parts>()?;
    let cookies = parts.headers.get_all(COOKIE);
    let mut pairs = cookies.iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';')).map(str::trim);
    match pairs.find_map(|pair| pair.strip_prefix("theme="))? {
        "dark" => Some("dark"),
        "light" => Some("light"),
        _ => None,
    }
}

/// The document: head, style sheet, hydration script, [`crate::App`].
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en" class=theme()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <HashedStylesheet options=options.clone()/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <crate::App/>
            </body>
        </html>
    }
}
