//! Browsers on their way to Google or LinkedIn and back. What the provider says is verified by `oidc`, whose account it is decides
//! `services::identities`; here are the cookies and addresses between them. A trip is bound to the browser that makes it: all
//! that goes away with it follows from a token in its cookie.

use crate::answers;
use crate::caller::client;
use app::auth::safe_next;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderValue;
use http::header::SET_COOKIE;
use model::identities::{Claims, IdentityProvider, Refusal};
use oidc::{Bonds, Registration, Trouble};
use serde::Deserialize;
use services::accounts::{self, Caller, Client, Cookie, Entry};
use services::identities::{self, Arrival, Trip};
use services::{Config, Db};

/// Where a sign-in leads.
#[derive(Deserialize)]
pub struct Onward {
    next: Option<String>,
}

/// What a provider sends a browser home with.
#[derive(Deserialize)]
pub struct Home {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

/// `GET /sign-in/with/{provider}?next=…`: sends the browser there.
pub async fn set_out(
    State(db): State<Db>,
    Path(provider): Path<IdentityProvider>,
    Query(onward): Query<Onward>,
    request: Request,
) -> Response {
    let Some(registration) = registration(db.config(), provider) else { return refuse(provider, Refusal::Off) };
    let (next, visitor) = (safe_next(onward.next.as_deref().unwrap_or("/")), Visitor::of(&request, &db));
    let token = match identities::set_out(&db, provider, next, &visitor.client).await {
        Ok(token) => token,
        Err(error) => return visitor.failed(provider, error),
    };
    match oidc::away(&registration, &Bonds::of(&token)).await {
        Ok(url) => with_cookie(Redirect::to(&url), Cookie::Trip.set(Some(&token), db.config().dev)),
        Err(trouble) => trouble_with(provider, &trouble),
    }
}

/// `GET /sign-in/link/{provider}`: the same for somebody who has proven their password to link an account. A page that leads on by
/// itself: a form that ends at another site is stopped by our own content policy.
pub async fn set_out_to_link(State(db): State<Db>, Path(provider): Path<IdentityProvider>, request: Request) -> Response {
    let Some(registration) = registration(db.config(), provider) else { return refuse(provider, Refusal::Off) };
    let Some(token) = Visitor::of(&request, &db).trip else { return refuse(provider, Refusal::Lost) };
    match oidc::away(&registration, &Bonds::of(&token)).await {
        Ok(url) => answers::lead(&format!("On to {}", provider.label()), &url),
        Err(trouble) => trouble_with(provider, &trouble),
    }
}

/// `GET /sign-in/from/{provider}?code=…&state=…`: where it sends the browser back to.
pub async fn come_home(
    State(db): State<Db>,
    Path(provider): Path<IdentityProvider>,
    Query(home): Query<Home>,
    request: Request,
) -> Response {
    let visitor = Visitor::of(&request, &db);
    let response = match come_back(&db, provider, home, &visitor).await {
        Ok((trip, claims)) => arrive(&db, &trip, &claims, &visitor).await,
        Err(refused) => refused,
    };
    with_cookie(response, Cookie::Trip.set(None, db.config().dev))
}

/// The end of the trip: what it was for, and who came back.
async fn come_back(db: &Db, provider: IdentityProvider, home: Home, visitor: &Visitor) -> Result<(Trip, Claims), Response> {
    let registration = registration(db.config(), provider).ok_or_else(|| refuse(provider, Refusal::Off))?;
    let lost = || refuse(provider, Refusal::Lost);
    let token = visitor.trip.as_deref().ok_or_else(lost)?;
    let bonds = Bonds::of(token);
    if home.state.as_ref() != Some(&bonds.state) {
        return Err(lost());
    }
    let trip = identities::come_back(db, provider, token).await.map_err(|error| visitor.failed(provider, error))?;
    let trip = trip.ok_or_else(lost)?;
    let code = match (home.code, home.error.as_deref()) {
        (Some(code), None) => code,
        // The words of RFC 6749 and of LinkedIn.
        (_, Some("access_denied" | "user_cancelled_login" | "user_cancelled_authorize")) => {
            return Err(refuse(provider, Refusal::Denied));
        }
        (_, error) => {
            let error: String = error.unwrap_or("no code").chars().take(80).collect();
            return Err(trouble_with(provider, &Trouble::Unanswered(format!("sent back with {error:?}"))));
        }
    };
    let claims = oidc::come_back(&registration, code, &bonds, db.clock().now()).await;
    Ok((trip, claims.map_err(|trouble| trouble_with(provider, &trouble))?))
}

async fn arrive(db: &Db, trip: &Trip, claims: &Claims, visitor: &Visitor) -> Response {
    let (provider, dev) = (claims.provider, db.config().dev);
    if trip.linking.is_some() {
        return match identities::link(db, trip, visitor.caller.as_ref(), claims, &visitor.client).await {
            Ok(None) => Redirect::to(&trip.next).into_response(),
            Ok(Some(refusal)) => refuse(provider, refusal),
            Err(error) => visitor.failed(provider, error),
        };
    }
    match identities::arrive(db, claims, &visitor.client).await {
        Ok(Arrival::Known(Entry::In(token))) => match visitor.leave(db).await {
            Ok(()) => with_cookie(Redirect::to(&trip.next), Cookie::Session.set(Some(&token), dev)),
            Err(error) => visitor.failed(provider, error),
        },
        Ok(Arrival::Known(Entry::Half(token))) => {
            let code = format!("/sign-in/code?next={}", app::auth::escape(&trip.next));
            with_cookie(Redirect::to(&code), Cookie::Half.set(Some(&token), dev))
        }
        Ok(Arrival::New(token)) => with_cookie(Redirect::to("/register/with"), Cookie::Newcomer.set(Some(&token), dev)),
        Ok(Arrival::Refused(refusal)) => refuse(provider, refusal),
        Err(error) => visitor.failed(provider, error),
    }
}

fn registration(config: &Config, provider: IdentityProvider) -> Option<Registration<'_>> {
    let ours = identities::registration(config, provider)?;
    let redirect = format!("{}/sign-in/from/{provider}", config.public_url);
    let (client_id, client_secret, issuer) = (&ours.client_id, &ours.client_secret, &ours.issuer);
    Some(Registration { provider, issuer, client_id, client_secret, redirect })
}

/// The page that says why not, and leads back.
fn refuse(provider: IdentityProvider, why: Refusal) -> Response {
    Redirect::to(&format!("/sign-in/refused?why={why}&with={provider}")).into_response()
}

fn trouble_with(provider: IdentityProvider, trouble: &Trouble) -> Response {
    tracing::warn!(%provider, %trouble, "nobody was signed in");
    refuse(
        provider,
        match trouble {
            Trouble::Unanswered(_) => Refusal::Unanswered,
            Trouble::Untrusted(_) => Refusal::Untrusted,
        },
    )
}

/// What is to be known of a request: its body may not be looked at by two threads, so it is not kept.
struct Visitor {
    client: Client,
    caller: Option<Caller>,
    trip: Option<String>,
    session: Option<String>,
    wants_html: bool,
}

impl Visitor {
    fn of(request: &Request, db: &Db) -> Self {
        Self {
            client: client(request),
            caller: request.extensions().get().cloned(),
            trip: Cookie::Trip.read(request.headers(), db.config().dev),
            session: Cookie::Session.read(request.headers(), db.config().dev),
            wants_html: answers::wants_html(request),
        }
    }

    /// Ends the session that the browser came with: whoever else has its token is out.
    async fn leave(&self, db: &Db) -> Result<(), services::Error> {
        match &self.session {
            Some(token) => accounts::sign_out(db, token).await,
            None => Ok(()),
        }
    }

    fn failed(&self, provider: IdentityProvider, error: services::Error) -> Response {
        match error.into() {
            model::Error::RateLimited { .. } => refuse(provider, Refusal::TooMany),
            error => answers::refuse(self.wants_html, error),
        }
    }
}

fn with_cookie(response: impl IntoResponse, cookie: HeaderValue) -> Response {
    let mut response = response.into_response();
    response.headers_mut().append(SET_COOKIE, cookie);
    response
}
