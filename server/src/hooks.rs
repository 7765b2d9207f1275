//! Callbacks of telephone providers. The signature is their session: it is checked in `services::inbox` over
//! the raw bytes and the public URL, and the answer follows the commit.

use axum::body::Bytes;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Path, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{StatusCode, header};
use model::id::GatewayId;
use services::inbox::{self, CallbackRequest, Refused, ReplyBody};
use services::{Db, calls};

/// News about a call, or keys pressed during one; the latter is answered with what to say next.
pub async fn news(hook: Hook) -> Response {
    replied(inbox::receive(&hook.db, hook.gateway, hook.request()).await)
}

/// Somebody calls one of our numbers; answered with what they hear.
pub async fn voice(hook: Hook) -> Response {
    replied(calls::answer(&hook.db, hook.gateway, hook.request()).await)
}

/// Somebody has picked up; answered with what they hear.
pub async fn script(hook: Hook) -> Response {
    let call = hook.parts.uri.query().into_iter().flat_map(|query| query.split('&')).find_map(|pair| pair.strip_prefix("call="));
    match call.and_then(|call| call.parse().ok()) {
        Some(call) => replied(calls::script(&hook.db, hook.gateway, call, hook.request()).await),
        None => refused(&Refused::Malformed("it names no call".to_owned())),
    }
}

/// A request to one gateway's address, as it came.
pub struct Hook {
    db: Db,
    gateway: GatewayId,
    parts: Parts,
    url: String,
    body: Bytes,
}

impl Hook {
    fn request(&self) -> CallbackRequest<'_> {
        CallbackRequest { method: &self.parts.method, url: &self.url, headers: &self.parts.headers, body: &self.body }
    }
}

impl<S: Send + Sync> FromRequest<S> for Hook
where
    Db: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        // Which provider it is says the gateway; the word in the address is for people who read logs.
        let Ok(Path((_, gateway))) = Path::<(String, String)>::from_request_parts(&mut parts, state).await else {
            return Err(refused(&Refused::UnknownGateway));
        };
        let Ok(gateway) = gateway.parse() else { return Err(refused(&Refused::UnknownGateway)) };
        let db = Db::from_ref(state);
        // The provider signed the URL it was given. What this request came through may have changed it.
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let url = format!("{}{path}", db.config().public_url);
        let body =
            Bytes::from_request(Request::from_parts(parts.clone(), body), state).await.map_err(IntoResponse::into_response)?;
        Ok(Self { db, gateway, parts, url, body })
    }
}

fn replied(answer: Result<ReplyBody, Refused>) -> Response {
    match answer {
        Ok(reply) => ([(header::CONTENT_TYPE, reply.content_type)], reply.body).into_response(),
        Err(why) => refused(&why),
    }
}

/// The status says what a provider needs to know; the reason is for our log.
fn refused(why: &Refused) -> Response {
    let status = match why {
        Refused::UnknownGateway => StatusCode::NOT_FOUND,
        Refused::BadSignature => StatusCode::FORBIDDEN,
        Refused::Malformed(_) => StatusCode::BAD_REQUEST,
        Refused::Inside(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    tracing::warn!(%status, %why, "callback refused");
    status.into_response()
}
