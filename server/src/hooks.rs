//! Callbacks of telephone providers. The signature is their session: it is checked in `services::inbox` over
//! the raw bytes and the public URL, and the answer follows the commit.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use model::id::GatewayId;
use services::inbox::{self, CallbackRequest, Refused, ReplyBody};
use services::{Db, calls};

/// News about a call, or keys pressed during one; the latter is answered with what to say next.
pub async fn twilio(
    State(db): State<Db>,
    Path(gateway): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Ok(gateway) = gateway.parse::<GatewayId>() else { return refused(&Refused::UnknownGateway) };
    let url = public_url(&db, &uri);
    let request = CallbackRequest { method: &method, url: &url, headers: &headers, body: &body };
    replied(inbox::receive(&db, gateway, request).await)
}

/// Somebody calls one of our numbers; answered with what they hear.
pub async fn voice(
    State(db): State<Db>,
    Path(gateway): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Ok(gateway) = gateway.parse::<GatewayId>() else { return refused(&Refused::UnknownGateway) };
    let url = public_url(&db, &uri);
    let request = CallbackRequest { method: &method, url: &url, headers: &headers, body: &body };
    replied(calls::answer(&db, gateway, request).await)
}

/// The provider signed the URL it was given. What this request came through may have changed it.
fn public_url(db: &Db, uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    format!("{}{path}", db.config().public_url)
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
