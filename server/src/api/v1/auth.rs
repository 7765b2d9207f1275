//! Signing in with a password, renewing, signing out, and who one is.

use super::Nothing;
use crate::api::Api;
use crate::api::door::{Who, read};
use crate::api::envelope::{Answer, Done, Refusal, done};
use crate::limits;
use axum::Extension;
use axum::extract::{FromRequest, Request, State};
use http::StatusCode;
use model::Error;
use model::accounts::Register;
use serde::{Deserialize, Serialize};
use services::accounts::{self, Client, reset, tokens};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn paths() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .routes(routes!(register))
        .routes(routes!(reset_password))
        .routes(routes!(profile))
}

/// A body from somebody who need not be known.
pub struct Sent<T>(T);

impl<T: serde::de::DeserializeOwned, S: Send + Sync> FromRequest<S> for Sent<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let too_large = |_| Refusal::of_status(StatusCode::PAYLOAD_TOO_LARGE);
        let bytes = axum::body::to_bytes(request.into_body(), limits::FORM_BYTES_MAX).await.map_err(too_large)?;
        Ok(Self(read(&bytes)?))
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"email": "maya@harbor.example", "password": "correct-horse-7"}))]
struct Login {
    email: String,
    password: String,
    /// Of the authenticator app, or a recovery code, for whoever has two-factor sign-in on.
    code: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Refresh {
    refresh_token: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Registration {
    name: String,
    email: String,
    password: String,
    company_name: String,
    /// Where the company is, like `America/New_York`.
    time_zone: Option<String>,
}

/// With an e-mail address alone, a link is mailed to it. With the token of that link, the password is set.
#[derive(Deserialize, ToSchema)]
struct Reset {
    email: Option<String>,
    token: Option<String>,
    password: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    /// Opens the API for an hour.
    token: String,
    /// Gives new ones, once.
    refresh_token: String,
    /// Seconds.
    expires_in: i64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SignedIn {
    token: String,
    refresh_token: String,
    expires_in: i64,
    user: User,
}

#[derive(Serialize, ToSchema)]
struct User {
    id: String,
    email: String,
    name: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Profile {
    id: String,
    email: String,
    name: String,
    /// Whether the e-mail address is confirmed.
    confirmed: bool,
    role: String,
    company_id: String,
    company_name: String,
    time_zone: String,
}

/// Sign in with a password
#[utoipa::path(post, path = "/auth/login", operation_id = "login", tag = "auth", security(()), request_body = Login,
    responses((status = 200, body = Done<SignedIn>)))]
async fn login(State(api): State<Api>, Extension(client): Extension<Client>, Sent(form): Sent<Login>) -> Answer {
    if form.email.trim().is_empty() || form.password.is_empty() {
        return Err(Error::field(if form.email.trim().is_empty() { "email" } else { "password" }, "Send it.").into());
    }
    let signed_in = tokens::sign_in(&api.db, &form.email, &form.password, form.code.as_deref(), &client).await;
    let pair = match signed_in.map_err(Error::from) {
        Ok(pair) => pair,
        // Wrong, as opposed to missing.
        Err(error) if error.of_field("password").is_some() => return Err(Refusal::WrongPassword),
        Err(error) => return Err(error.into()),
    };
    let caller = tokens::resolve(&api.db, &pair.access).await?.ok_or(Refusal::Unknown)?;
    let me = accounts::me(&api.db, &caller).await?;
    let user = User { id: me.user.to_string(), email: me.email, name: me.name };
    let expires_in = tokens::ACCESS_SECONDS;
    done(SignedIn { token: pair.access, refresh_token: pair.refresh, expires_in, user }, "Signed in")
}

/// Renew an access token
///
/// A refresh token works once. When one comes a second time, every token of its sign-in ends.
#[utoipa::path(post, path = "/auth/refresh", operation_id = "refresh", tag = "auth", security(()), request_body = Refresh,
    responses((status = 200, body = Done<Tokens>)))]
async fn refresh(State(api): State<Api>, Extension(client): Extension<Client>, Sent(form): Sent<Refresh>) -> Answer {
    let pair = tokens::refresh(&api.db, &form.refresh_token, &client).await?.ok_or(Refusal::Unknown)?;
    done(Tokens { token: pair.access, refresh_token: pair.refresh, expires_in: tokens::ACCESS_SECONDS }, "Renewed")
}

/// Sign out
///
/// Ends every token of this sign-in.
#[utoipa::path(post, path = "/auth/logout", operation_id = "logout", tag = "auth", responses((status = 200, body = Done<Nothing>)))]
async fn logout(who: Who) -> Answer {
    tokens::sign_out(&who.db, who.person()?).await?;
    done(Nothing {}, "Signed out")
}

/// Register a company
#[utoipa::path(post, path = "/auth/register", operation_id = "register", tag = "auth", security(()), request_body = Registration,
    responses((status = 200, body = Done<Nothing>)))]
async fn register(State(api): State<Api>, Extension(client): Extension<Client>, Sent(form): Sent<Registration>) -> Answer {
    let form = Register {
        name: form.name,
        email: form.email,
        password: form.password,
        company_name: form.company_name,
        time_zone: form.time_zone.unwrap_or_default(),
    };
    accounts::register(&api.db, &form, &client).await?;
    done(Nothing {}, "Registered. A link to confirm the e-mail address is on its way.")
}

/// Ask for a new password, or set it
#[utoipa::path(post, path = "/auth/reset-password", operation_id = "resetPassword", tag = "auth", security(()),
    request_body = Reset, responses((status = 200, body = Done<Nothing>)))]
async fn reset_password(State(api): State<Api>, Extension(client): Extension<Client>, Sent(form): Sent<Reset>) -> Answer {
    if let Some(token) = &form.token {
        reset::finish(&api.db, token, form.password.as_deref().unwrap_or_default(), &client).await?;
        return done(Nothing {}, "The new password holds. All sessions ended.");
    }
    reset::ask(&api.db, form.email.as_deref().unwrap_or_default(), &client).await?;
    done(Nothing {}, "If somebody has this address, a link is on its way.")
}

/// Who one is
#[utoipa::path(get, path = "/auth/profile", operation_id = "profile", tag = "auth",
    responses((status = 200, body = Done<Profile>)))]
async fn profile(who: Who) -> Answer {
    let me = accounts::me(&who.db, who.person()?).await?;
    let profile = Profile {
        id: me.user.to_string(),
        email: me.email,
        name: me.name,
        confirmed: me.confirmed,
        role: me.role.to_string(),
        company_id: me.company.to_string(),
        company_name: me.company_name,
        time_zone: me.time_zone,
    };
    done(profile, "OK")
}
