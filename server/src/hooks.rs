//! Callbacks of telephone providers. The signature is their session: it is checked in `services::inbox` over
//! the raw bytes and the public URL, and the answer follows the commit.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use model::id::GatewayId;
use services::Db;
use services::inbox::{self, CallbackRequest, Refused};

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
    // The provider signed the URL it was given. What this request came through may have changed it.
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{}{path}", db.config().public_url);
    let request = CallbackRequest { method: &method, url: &url, headers: &headers, body: &body };
    match inbox::receive(&db, gateway, request).await {
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
