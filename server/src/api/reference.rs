//! The description of the API: OpenAPI for programs, and a page for people, drawn from it here, so that it needs no scripts and no
//! network.

use super::envelope::{Code, Failure, Fault};
use super::{Api, v1};
use crate::limits::{self, Patience};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use std::fmt::Write;
use std::sync::LazyLock;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Content, InfoBuilder, OpenApi, Ref, Required, ResponseBuilder, Server};
use utoipa::{PartialSchema, ToSchema};

/// What every operation may refuse with.
const REFUSALS: &[(&str, &str)] = &[
    ("400", "`VALIDATION_ERROR`: details say what, per field."),
    ("401", "`AUTH_REQUIRED`, or `AUTH_INVALID` for a key or token that is unknown, over, or not taken from this address."),
    ("402", "`INSUFFICIENT_CREDITS`"),
    ("403", "`FORBIDDEN`: the role or the scopes do not allow it, or the company is suspended."),
    ("404", "`NOT_FOUND`, also for what belongs to another company."),
    ("409", "`CONFLICT`: the message says why."),
    ("429", "`RATE_LIMIT_EXCEEDED`: see `Retry-After`."),
    ("500", "`SERVER_ERROR`: ours; quote the message to support."),
    ("502", "`UPSTREAM_ERROR`: try again."),
];

/// Writes that take no `Idempotency-Key`: their answers are not kept.
const UNKEYED: &[&str] = &["uploadContacts", "createWebhook", "editWebhook", "rotateWebhook"];

/// The whole description. It never changes while a process runs.
static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(describe);
static PAGE: LazyLock<String> = LazyLock::new(|| page(&serde_json::to_value(&*DOCUMENT).unwrap_or_default()));

/// The OpenAPI document.
fn document() -> &'static OpenApi {
    &DOCUMENT
}

pub fn router() -> Router<Api> {
    Router::new()
        .route("/openapi.json", get(async || Json(document())))
        .route("/reference", get(async || -> Response { Html(PAGE.as_str()).into_response() }))
}

fn describe() -> OpenApi {
    let mut doc = v1::documented(Patience::default()).into_openapi();
    doc.info = InfoBuilder::new()
        .title("Belfry API")
        .version("v1")
        .description(Some(format!(
            "Send `Authorization: Bearer <API key or access token>`. {} requests an hour per key; `X-RateLimit-Limit`, `-Remaining` \
             and `-Reset` (seconds) say where you are. Lists take `page` and `limit`. Writes take an `Idempotency-Key`: sent again \
             within a day, the same request is answered as it was, and another one is refused.",
            limits::PER_KEY.max
        )))
        .build();
    doc.servers = Some(vec![Server::new("/api/v1")]);
    doc.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], _>("bearer", [])]);
    let components = doc.components.get_or_insert_with(Components::new);
    components.add_security_scheme("bearer", SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()));
    for (name, schema) in [("Failure", Failure::schema()), ("Fault", Fault::schema()), ("Code", Code::schema())] {
        components.schemas.insert(name.to_owned(), schema);
    }
    debug_assert_eq!(Failure::name(), "Failure");
    for item in doc.paths.paths.values_mut() {
        refusals(&mut item.get);
        for write in [&mut item.put, &mut item.post, &mut item.delete, &mut item.patch] {
            refusals(write);
            idempotency(write);
        }
    }
    doc
}

fn refusals(operation: &mut Option<Operation>) {
    let Some(operation) = operation else { return };
    for (status, text) in REFUSALS {
        let content = Content::new(Some(Ref::from_schema_name("Failure")));
        let response = ResponseBuilder::new().description(*text).content("application/json", content).build();
        operation.responses.responses.insert((*status).to_owned(), response.into());
    }
}

fn idempotency(operation: &mut Option<Operation>) {
    let Some(operation) = operation else { return };
    let is_auth = operation.tags.as_ref().is_some_and(|tags| tags.iter().any(|tag| tag == "auth"));
    if is_auth || operation.operation_id.as_deref().is_some_and(|id| UNKEYED.contains(&id)) {
        return;
    }
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(200)).build();
    let header: Parameter = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("Of your choice; sent again, the write is not done again."))
        .schema(Some(text))
        .build();
    operation.parameters.get_or_insert_default().push(header);
}

// ── the page ────────────────────────────────────────────────────────────────

const STYLE: &str = ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;\
    padding:0 1rem}code,pre{font:13px/1.5 ui-monospace,monospace}pre{overflow:auto;padding:.75rem;border:1px solid #8884;\
    border-radius:.4rem}summary{cursor:pointer;padding:.3rem 0}summary b{display:inline-block;width:4.5rem}td,th{text-align:left;\
    vertical-align:top;padding:.15rem .8rem .15rem 0}h2{margin-top:2rem;text-transform:capitalize}";

fn page(doc: &Value) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Belfry API</title><style>{STYLE}</style></head><body><main><h1>Belfry API</h1><p>{}</p>\
         <p><a href=\"openapi.json\">OpenAPI document</a></p>",
        prose(&doc["info"]["description"])
    );
    let mut tag = String::new();
    let mut operations: Vec<(&str, &str, &Value)> = doc["paths"]
        .as_object()
        .map_or_else(Vec::new, |paths| paths.iter().flat_map(|(path, item)| methods(path, item)).collect());
    operations.sort_by_key(|(_, _, op)| op["tags"][0].as_str().unwrap_or_default().to_owned());
    for (path, method, operation) in operations {
        let this = operation["tags"][0].as_str().unwrap_or_default();
        if this != tag {
            tag = this.to_owned();
            let _ = write!(html, "<h2>{}</h2>", escape(this));
        }
        entry(&mut html, doc, path, method, operation);
    }
    html.push_str("</main></body></html>");
    html
}

fn methods<'a>(path: &'a str, item: &'a Value) -> Vec<(&'a str, &'a str, &'a Value)> {
    let names = ["get", "post", "put", "patch", "delete"];
    names.into_iter().filter_map(|name| item.get(name).map(|op| (path, name, op))).collect()
}

/// One operation, folded.
fn entry(html: &mut String, doc: &Value, path: &str, method: &str, operation: &Value) {
    let upper = method.to_uppercase();
    let _ = write!(
        html,
        "<details><summary><b>{upper}</b> <code>/api/v1{}</code> {}</summary><p>{}</p>",
        escape(path),
        prose(&operation["summary"]),
        prose(&operation["description"])
    );
    if let Some(parameters) = operation["parameters"].as_array() {
        html.push_str("<table>");
        for p in parameters {
            let name = escape(p["name"].as_str().unwrap_or_default());
            let place = escape(p["in"].as_str().unwrap_or_default());
            let _ = write!(html, "<tr><td><code>{name}</code></td><td>{place}</td><td>{}</td></tr>", prose(&p["description"]));
        }
        html.push_str("</table>");
    }
    let body = operation["requestBody"]["content"]["application/json"]["schema"].clone();
    let schema = named(doc, &body);
    if let Some(fields) = schema.and_then(|schema| schema["properties"].as_object()) {
        html.push_str("<table><tr><th>Field</th><th></th></tr>");
        for (name, field) in fields {
            let _ = write!(html, "<tr><td><code>{}</code></td><td>{}</td></tr>", escape(name), prose(&field["description"]));
        }
        html.push_str("</table>");
    }
    let example = schema.map(|schema| &schema["example"]).filter(|example| !example.is_null());
    let mut curl = format!("curl -X {upper} \"$BELFRY/api/v1{path}\" -H \"Authorization: Bearer $KEY\"");
    if let Some(example) = example {
        let _ = write!(curl, " \\\n  -H 'Content-Type: application/json' -d '{example}'");
    }
    let _ = write!(html, "<pre>{}</pre></details>", escape(&curl));
}

/// The schema a reference leads to.
fn named<'a>(doc: &'a Value, schema: &Value) -> Option<&'a Value> {
    let name = schema["$ref"].as_str()?.rsplit('/').next()?;
    doc["components"]["schemas"].get(name)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A text with `code` in it.
fn prose(text: &Value) -> String {
    let parts = text.as_str().unwrap_or_default().split('`').map(escape).enumerate();
    parts.map(|(n, part)| if n % 2 == 1 { format!("<code>{part}</code>") } else { part }).collect()
}
