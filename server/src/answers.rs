//! How a door says no: `model::Error` as JSON or as a plain page, and the honest status of server functions.

use crate::limits;
use app::wire::{OURS, speaks_ours};
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use leptos::server_fn::error::FromServerFnError;
use services::Db;
use std::any::Any;

/// Set by `server_fn` on every error it answers.
const SERVER_FN_ERROR: &str = "serverfnerror";

/// A refusal as JSON with its status.
pub struct Refused(pub model::Error);

impl From<model::Error> for Refused {
    fn from(error: model::Error) -> Self {
        Self(error)
    }
}

impl From<services::Error> for Refused {
    fn from(error: services::Error) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = (status(&self.0), Json(&self.0)).into_response();
        say_when(response.headers_mut(), &self.0);
        response.extensions_mut().insert(self.0);
        response
    }
}

/// When to come again, where that is known.
fn say_when(headers: &mut HeaderMap, error: &model::Error) {
    if let model::Error::RateLimited { retry_seconds } = error {
        headers.insert(header::RETRY_AFTER, (*retry_seconds).into());
    }
}

fn status(error: &model::Error) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Says every refusal in the words of whoever asked: packed to our pages, JSON to programs. Leptos answers each refused server
/// function with 500 and packed; this gives it the status its error deserves.
pub async fn honest(request: Request, next: Next) -> Response {
    let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let is_ours = speaks_ours(accepts).unwrap_or(false);
    let mut response = next.run(request).await;
    let refused = response.extensions_mut().remove::<model::Error>();
    let is_server_fn = response.headers().contains_key(SERVER_FN_ERROR);
    match refused {
        Some(error) if is_ours => packed(response.into_parts().0, &error),
        None if is_server_fn && response.status() == StatusCode::INTERNAL_SERVER_ERROR => {
            let (parts, body) = response.into_parts();
            let Ok(bytes) = to_bytes(body, limits::ERROR_BYTES_MAX).await else {
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            };
            let error = model::Error::de(bytes);
            if is_ours { packed(parts, &error) } else { said(parts, &error) }
        }
        _ => response,
    }
}

/// Keeps redirects in the house. Leptos leads a form without scripts back to the page that the request says it comes from.
pub async fn stay(State(db): State<Db>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut response = next.run(request).await;
    let to = response.headers().get(header::LOCATION).map(|to| to.to_str().unwrap_or_default());
    if to.is_some_and(|to| !is_ours(to, &host, &db.config().public_url)) {
        response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/"));
    }
    response
}

/// Whether an address is a path, or leads to the host that was asked.
fn is_ours(to: &str, host: &str, public_url: &str) -> bool {
    let rest = to.strip_prefix("http://").or_else(|| to.strip_prefix("https://"));
    match rest {
        Some(rest) => {
            let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
            authority == host || public_url.split_once("://").is_some_and(|(_, ours)| ours == authority)
        }
        None => to.starts_with('/') && !to.starts_with("//") && !to.starts_with("/\\"),
    }
}

fn packed(mut parts: Parts, error: &model::Error) -> Response {
    parts.status = status(error);
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(OURS));
    say_when(&mut parts.headers, error);
    Response::from_parts(parts, Body::from(error.ser()))
}

fn said(parts: Parts, error: &model::Error) -> Response {
    let mut response = (status(error), Json(error)).into_response();
    say_when(response.headers_mut(), error);
    for (name, value) in &parts.headers {
        if ![header::CONTENT_TYPE, header::CONTENT_LENGTH].contains(name) {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

/// A refusal before Leptos could draw anything: a page for people, JSON for programs.
pub fn refuse(wants_html: bool, error: model::Error) -> Response {
    if wants_html { page(status(&error), "Belfry is not available", &error.to_string()) } else { Refused(error).into_response() }
}

/// The answer when a handler panicked. What it was stays in the log.
pub fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    let text = "Something went wrong on our side. Go back and try again.";
    page(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", text)
}

/// A page without the frame, for when the frame cannot be drawn. Texts are ours and need no escaping.
fn page(status: StatusCode, title: &str, text: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;max-width:32rem;\
         margin:20vh auto;padding:0 1rem}}</style></head><body><main><h1>{title}</h1><p>{text}</p>\
         <p><a href=\"\">Try again</a></p></main></body></html>"
    );
    (status, Html(html)).into_response()
}

/// A page that leads on to another site by itself; a link stands by where it does not.
pub fn lead(title: &str, url: &str) -> Response {
    let url = url.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"refresh\" content=\"0; url={url}\"><title>{title}</title><style>:root{{color-scheme:light dark}}\
         body{{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}}</style></head><body><main>\
         <h1>{title}</h1><p><a href=\"{url}\">Go on</a></p></main></body></html>"
    );
    Html(html).into_response()
}

/// Whether a person navigates here, as opposed to a program that reads JSON.
pub fn wants_html(request: &Request) -> bool {
    let accepted = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_paths_and_our_own_host_are_ours() {
        let ours = |to: &str| is_ours(to, "belfry.test", "https://app.belfry.test");
        for to in ["/", "/a?next=//x", "http://belfry.test/a", "https://app.belfry.test?a", "https://belfry.test"] {
            assert!(ours(to), "{to}");
        }
        for to in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "https://belfry.test.evil.example",
            "https://belfry.test@evil.example",
            "https://belfry.test\\@evil.example/x@evil",
            "javascript:1",
            "",
        ] {
            // Browsers read a backslash as a slash: the host before it is ours.
            assert_eq!(ours(to), to.starts_with("https://belfry.test\\"), "{to}");
        }
    }
}
