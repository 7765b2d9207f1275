//! Who sends this request: session cookie → `Caller`, once per request, before Leptos and every other handler.

use crate::address;
use crate::answers::{self, Refused};
use crate::limits;
use crate::rates::Rates;
use app::ssr::Barred;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, header};
use services::accounts::{self, Caller, Client, Cookie};
use services::{Actor, Db};
use std::net::{IpAddr, SocketAddr};

/// Puts, with a living session, [`Caller`] into the request's extensions. Whom the company does not let in yet is put there as
/// [`Barred`], which no door but a few asks for: to all others they are nobody. Who asks too often is told so.
pub async fn resolve(State(db): State<Db>, State(rates): State<Rates>, mut request: Request, next: Next) -> Response {
    let wants_html = answers::wants_html(&request);
    match known(&db, &rates, &client(&request), request.headers()).await {
        Ok(Some(caller)) if caller.barred.is_some() => {
            request.extensions_mut().insert(Barred(caller));
        }
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
        }
        Ok(None) => {}
        Err(error) => return answers::refuse(wants_html, error),
    }
    next.run(request).await
}

/// Puts [`Client`] into the request's extensions, once for every door.
pub async fn locate(State(db): State<Db>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let ip = peer.map(|peer| address::of(peer, request.headers(), &db.config().trusted_proxies).to_string());
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let client = Client { ip: ip.unwrap_or_default(), user_agent: user_agent.to_owned() };
    tracing::Span::current().record("ip", &client.ip);
    request.extensions_mut().insert(client);
    next.run(request).await
}

/// The machine a request comes from.
pub fn client(request: &Request) -> Client {
    request.extensions().get().cloned().unwrap_or_default()
}

/// Who it is, and that they do not ask too often.
async fn known(db: &Db, rates: &Rates, client: &Client, headers: &HeaderMap) -> Result<Option<Caller>, model::Error> {
    let now = db.clock().now();
    // Before the database is asked: whoever makes sessions up costs nothing.
    rates.admit(&limits::PER_ADDRESS, &counted_as(&client.ip), now).await?;
    let Some(token) = Cookie::Session.read(headers, db.config().dev) else { return Ok(None) };
    let Some(caller) = accounts::resolve(db, &token).await? else { return Ok(None) };
    told(&caller.actor);
    rates.admit(&limits::PER_USER, &caller.user.to_string(), now).await?;
    rates.admit(&limits::PER_COMPANY, &caller.actor.company().to_string(), now).await?;
    Ok(Some(caller))
}

/// Says in the log who it is.
pub fn told(actor: &Actor) {
    let span = tracing::Span::current();
    span.record("company", tracing::field::display(actor.company()));
    if let Some(user) = actor.user_id() {
        span.record("user", tracing::field::display(user));
    }
}

/// What an address is counted as: a machine with IPv6 has a whole network of them.
pub fn counted_as(ip: &str) -> String {
    match ip.parse() {
        Ok(IpAddr::V6(ip)) => {
            format!("{:x}:{:x}:{:x}:{:x}::/64", ip.segments()[0], ip.segments()[1], ip.segments()[2], ip.segments()[3])
        }
        _ => ip.to_owned(),
    }
}

/// Extracts the caller; without one the answer is 401.
pub struct SignedIn(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        parts.extensions.get::<Caller>().cloned().map(Self).ok_or(Refused(model::Error::Unauthenticated))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_one_network_are_counted_together() {
        assert_eq!(counted_as("2001:db8:1:2:3:4:5:6"), counted_as("2001:db8:1:2::9"));
        assert_ne!(counted_as("2001:db8:1:2::9"), counted_as("2001:db8:1:3::9"));
        assert_eq!(counted_as("192.0.2.1"), "192.0.2.1");
    }
}
