//! Who sends this request: session cookie → `Caller`, once per request, before Leptos and every other handler.

use crate::answers::{self, Refused};
use crate::limits;
use crate::rates::Rates;
use app::ssr::Barred;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, header};
use services::accounts::{self, Caller, Client};
use services::{Actor, Config, Db};
use std::net::{IpAddr, SocketAddr};

/// Written by proxies, each adding whom it heard from at the end.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Puts [`Client`] and, with a living session, [`Caller`] into the request's extensions. Whom the company does not let in yet
/// is put there as [`Barred`], which no door but a few asks for: to all others they are nobody. Who asks too often is told so.
pub async fn resolve(State(db): State<Db>, State(rates): State<Rates>, mut request: Request, next: Next) -> Response {
    let wants_html = answers::wants_html(&request);
    let client = client(&request, db.config());
    tracing::Span::current().record("ip", &client.ip);
    match known(&db, &rates, &client, request.headers()).await {
        Ok(Some(caller)) if caller.barred.is_some() => {
            request.extensions_mut().insert(Barred(caller));
        }
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
        }
        Ok(None) => {}
        Err(error) => return answers::refuse(wants_html, error),
    }
    request.extensions_mut().insert(client);
    next.run(request).await
}

/// Who it is, and that they do not ask too often.
async fn known(db: &Db, rates: &Rates, client: &Client, headers: &HeaderMap) -> Result<Option<Caller>, model::Error> {
    let now = db.clock().now();
    // Before the database is asked: whoever makes sessions up costs nothing.
    rates.admit(&limits::PER_ADDRESS, &counted_as(&client.ip), now).await?;
    let Some(token) = accounts::session_token(headers, db.config().dev) else { return Ok(None) };
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

/// The machine behind a request. Its address is the socket's; of a proxy that we trust, the last address it was given that is no
/// such proxy. From anybody else the header that says so is not read: whoever may write it would escape throttling.
pub fn client(request: &Request, config: &Config) -> Client {
    let socket = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    let told: Vec<_> = request.headers().get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let ip = socket.map(|socket| behind(socket, &told.join(","), &config.trusted_proxies).to_string()).unwrap_or_default();
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Client { ip, user_agent: user_agent.to_owned() }
}

fn behind(socket: IpAddr, told: &str, trusted: &[IpAddr]) -> IpAddr {
    let mut ip = socket;
    let mut hops = told.rsplit(',').map(str::trim);
    while trusted.contains(&ip)
        && let Some(next) = hops.next().and_then(|hop| hop.parse::<IpAddr>().ok())
    {
        ip = next.to_canonical();
    }
    ip
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
    fn only_a_proxy_we_trust_says_where_a_request_comes_from() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let trusted = [ip("10.0.0.1"), ip("10.0.0.2")];
        for (socket, told, is) in [
            ("198.51.100.7", "", "198.51.100.7"),
            ("198.51.100.7", "192.0.2.1", "198.51.100.7"),
            ("10.0.0.1", "192.0.2.1", "192.0.2.1"),
            ("10.0.0.1", "203.0.113.9, 192.0.2.1", "192.0.2.1"),
            ("10.0.0.1", "192.0.2.1, 10.0.0.2", "192.0.2.1"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "192.0.2.1, nonsense", "10.0.0.1"),
            ("10.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(behind(ip(socket), told, &trusted), ip(is), "{socket} with {told:?}");
        }
    }

    #[test]
    fn the_addresses_of_one_network_are_counted_together() {
        assert_eq!(counted_as("2001:db8:1:2:3:4:5:6"), counted_as("2001:db8:1:2::9"));
        assert_ne!(counted_as("2001:db8:1:2::9"), counted_as("2001:db8:1:3::9"));
        assert_eq!(counted_as("192.0.2.1"), "192.0.2.1");
    }
}
