//! Who sends this request: session cookie → `Caller`, once per request, before Leptos and every other handler.

use crate::address;
use crate::answers::{self, Refused};
use app::ssr::Barred;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header;
use http::request::Parts;
use services::Db;
use services::accounts::{self, Caller, Client, Cookie};
use std::net::SocketAddr;

/// Puts, with a living session, [`Caller`] into the request's extensions. Whom the company does not let in yet
/// is put there as [`Barred`], which no door but a few asks for: to all others they are nobody.
pub async fn resolve(State(db): State<Db>, mut request: Request, next: Next) -> Response {
    if let Some(token) = Cookie::Session.read(request.headers(), db.config().dev) {
        match accounts::resolve(&db, &token).await {
            Ok(Some(caller)) if caller.barred.is_some() => {
                request.extensions_mut().insert(Barred(caller));
            }
            Ok(Some(caller)) => {
                request.extensions_mut().insert(caller);
            }
            Ok(None) => {}
            Err(error) => return answers::refuse(answers::wants_html(&request), error.into()),
        }
    }
    next.run(request).await
}

/// Puts [`Client`] into the request's extensions, once for every door.
pub async fn locate(State(db): State<Db>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let ip = peer.map(|peer| address::of(peer, request.headers(), &db.config().trusted_proxies).to_string());
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let client = Client { ip: ip.unwrap_or_default(), user_agent: user_agent.to_owned() };
    request.extensions_mut().insert(client);
    next.run(request).await
}

/// The machine a request comes from.
pub fn client(request: &Request) -> Client {
    request.extensions().get().cloned().unwrap_or_default()
}

/// Extracts the caller; without one the answer is 401.
pub struct SignedIn(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        parts.extensions.get::<Caller>().cloned().map(Self).ok_or(Refused(model::Error::Unauthenticated))
    }
}
