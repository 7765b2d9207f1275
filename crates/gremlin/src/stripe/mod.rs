//! Stripe's REST API: the key, errors, keys of idempotency, and which verb a path is. Everything an account keeps is in `books`;
//! what a request does is done under one lock, so that half of it is never seen. Resources are in the files beside this one.
//!
//! Cards are Stripe's own test payment methods, `methods::CARDS`. A checkout is paid at the `url` of its session: `page`.

mod books;
mod checkout;
mod customers;
mod endpoints;
mod events;
mod form;
mod intents;
mod methods;
mod money;
mod page;
mod payment;
mod refunds;
pub mod sign;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::{Value, json};

use books::Answer;
pub use books::Books;
use form::Form;

use crate::{BODY_BYTES_MAX, admission::Unadmitted, clock, faults::FaultKind, keys, network::Network};

/// The version of whoever names none.
const VERSION: &str = "2026-10-28.endive";
/// Stripe's own limit.
const KEY_CHARS_MAX: usize = 255;
const RESOURCES: [&str; 8] =
    ["charges", "checkout/sessions", "customers", "events", "payment_intents", "payment_methods", "refunds", "webhook_endpoints"];

pub type Done = Result<Value, Refusal>;

pub fn routes() -> Router<Arc<Network>> {
    RESOURCES.iter().fold(page::routes(), |router, one| {
        router.route(&format!("/v1/{one}"), any(answer)).route(&format!("/v1/{one}/{{*rest}}"), any(answer))
    })
}

/// An error as Stripe writes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub status: StatusCode,
    pub error: Value,
}

impl Refusal {
    fn of(status: StatusCode, kind: &str, message: impl Into<String>) -> Self {
        Self { status, error: json!({ "type": kind, "message": message.into() }) }
    }
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::of(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }
    pub fn param(code: &str, param: &str, message: impl Into<String>) -> Self {
        Self::invalid(message).with("param", param).coded(code)
    }
    /// What a path names is not there.
    pub fn missing(kind: &str, id: &str) -> Self {
        let name = kind.rsplit('.').next().unwrap_or(kind);
        let gone = Self::param("resource_missing", if name == "payment_intent" { "intent" } else { "id" }, "");
        Self { status: StatusCode::NOT_FOUND, ..gone }.with("message", format!("No such {name}: '{id}'"))
    }
    pub fn too_many() -> Self {
        Self::of(StatusCode::TOO_MANY_REQUESTS, "invalid_request_error", "Too many requests. Please try again.")
            .coded("rate_limit")
    }
    fn internal() -> Self {
        Self::of(StatusCode::INTERNAL_SERVER_ERROR, "api_error", "An error occurred. Please try again.")
    }
    fn down() -> Self {
        Self::of(StatusCode::SERVICE_UNAVAILABLE, "api_error", "Stripe is down for a moment.")
    }
    /// A card that does not pay.
    pub fn card(error: Value) -> Self {
        Self { status: StatusCode::PAYMENT_REQUIRED, error }
    }
    pub fn coded(self, code: &str) -> Self {
        self.with("code", code).with("doc_url", format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-")))
    }
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.error[name] = value.into();
        self
    }
}

impl From<Unadmitted> for Refusal {
    fn from(why: Unadmitted) -> Self {
        match why {
            Unadmitted::Broken => Self::internal(),
            Unadmitted::TooMany | Unadmitted::Full => Self::too_many(),
        }
    }
}

/// A request that was understood.
struct Asked<'a> {
    account: &'a str,
    id: String,
    method: &'a Method,
    path: &'a str,
    form: Form,
    key: Option<&'a str>,
    version: &'a str,
}

/// What is answered, and whether it had been answered before.
struct Reply {
    status: StatusCode,
    body: Value,
    is_replay: bool,
}

async fn answer(State(network): State<Arc<Network>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let id = format!("req_{}", &network.new_sid("", &format!("request {}", network.next_request()))[..14]);
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let key = text("idempotency-key").filter(|_| parts.method == Method::POST);
    let version = text("stripe-version").unwrap_or(VERSION);
    let done = async {
        let account = owner(&network, &parts.headers)?;
        if network.strikes(FaultKind::Down, &account, parts.uri.path()).is_some() {
            return Err(Refusal::down());
        }
        let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| Refusal::invalid("The request is too large."))?;
        let text = if parts.method == Method::POST {
            std::str::from_utf8(&body).map_err(|_| Refusal::invalid("The form is not UTF-8."))?
        } else {
            parts.uri.query().unwrap_or_default()
        };
        let form = Form::read(text)?;
        if key.is_some_and(|key| key.chars().count() > KEY_CHARS_MAX) {
            return Err(Refusal::invalid("Idempotency keys have up to 255 characters."));
        }
        let asked =
            Asked { account: &account, id: id.clone(), method: &parts.method, path: parts.uri.path(), form, key, version };
        perform(&network, &asked).await
    };
    let reply = done.await.unwrap_or_else(|refusal| Reply::refused(&refusal, &id));
    let mut response = reply.into_response();
    for (name, value) in [("request-id", Some(id.as_str())), ("idempotency-key", key), ("stripe-version", Some(version))] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

impl Reply {
    fn refused(refusal: &Refusal, request: &str) -> Self {
        let mut error = refusal.error.clone();
        error["request_log_url"] = format!("https://dashboard.stripe.com/test/logs/{request}").into();
        Self { status: refusal.status, body: json!({ "error": error }), is_replay: false }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if self.is_replay {
            response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, 1.into());
            response.headers_mut().insert("stripe-should-retry", HeaderValue::from_static("true"));
        }
        response
    }
}

/// The account of a key, `sk_test_` and the account's own, or one that was set by hand; as a bearer or as the user's name.
fn owner(network: &Network, headers: &HeaderMap) -> Result<String, Refusal> {
    let basic = keys::basic(headers).map(|(user, _)| user);
    let key = keys::bearer(headers).map(str::to_owned).or(basic).filter(|key| !key.is_empty());
    let unauthorized = |message: String| Refusal::of(StatusCode::UNAUTHORIZED, "invalid_request_error", message);
    let key = key.ok_or_else(|| unauthorized("You did not provide an API key.".to_owned()))?;
    let account = key.strip_prefix("sk_test_").and_then(|own| network.account_of(own).or_else(|| network.account_of(&key)));
    account.ok_or_else(|| {
        let shown: String = key.chars().take(8).collect();
        unauthorized(format!("Invalid API Key provided: {shown}****"))
    })
}

/// Does it, with the faults of requests that change something.
async fn perform(network: &Arc<Network>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let changes = asked.method == Method::POST;
    if changes {
        network.refuses(asked.account, asked.path)?;
    }
    let reply = settle(network, asked)?;
    if changes && reply.status == StatusCode::OK {
        network.answers(asked.account, asked.path).await?;
    }
    Ok(reply)
}

/// Answers as before, or does it and remembers the answer, all under one lock.
fn settle(network: &Arc<Network>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let mut state = network.state();
    let books = state.stripe.entry(asked.account.to_owned()).or_default();
    let question = (format!("{} {}", asked.method, asked.path), asked.form.tree().clone());
    if let Some(known) = asked.key.and_then(|key| books.answered(key)) {
        if known.asked != question {
            let key = asked.key.unwrap_or_default();
            let why = format!(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '{key}' if you meant to execute a different request."
            );
            return Err(Refusal::of(StatusCode::BAD_REQUEST, "idempotency_error", why));
        }
        return Ok(Reply { status: known.status, body: known.body.clone(), is_replay: true });
    }
    let mut desk = Desk::open(network, books, asked);
    let done = desk.act(asked.method, asked.path, &asked.form).and_then(|done| desk.expanded(done, &asked.form));
    let told = desk.close();
    let reply = match done {
        Ok(body) => Reply { status: StatusCode::OK, body, is_replay: false },
        Err(refusal) => Reply::refused(&refusal, &asked.id),
    };
    // What was refused before anything was done may be asked again under the same key.
    if let Some(key) = asked.key
        && (reply.status == StatusCode::OK || !told.is_empty())
    {
        books.remember(key, Answer { asked: question, status: reply.status, body: reply.body.clone() });
    }
    events::send(network, asked.account, books, &told);
    Ok(reply)
}

/// A thing with these fields, of which nothing is known yet.
pub fn with_nulls(mut thing: Value, names: &[&str]) -> Value {
    for name in names {
        thing[*name] = Value::Null;
    }
    thing
}

/// One request at work on the books of its account.
pub struct Desk<'a> {
    pub network: &'a Arc<Network>,
    pub account: &'a str,
    pub books: &'a mut Books,
    /// Seconds.
    pub now: i64,
    request: Option<(&'a str, Option<&'a str>)>,
    version: &'a str,
    told: Vec<String>,
}

impl<'a> Desk<'a> {
    fn open(network: &'a Arc<Network>, books: &'a mut Books, asked: &'a Asked<'_>) -> Self {
        let request = Some((asked.id.as_str(), asked.key));
        Self { request, version: asked.version, ..Self::unasked(network, books, asked.account) }
    }

    /// Without a request over the API: a page, or time that has passed.
    fn unasked(network: &'a Arc<Network>, books: &'a mut Books, account: &'a str) -> Self {
        let now = clock::now().timestamp();
        Self { network, account, books, now, request: None, version: VERSION, told: Vec::new() }
    }

    /// The events that came of it, by id.
    fn close(self) -> Vec<String> {
        self.told
    }

    /// An id that no other run gives.
    pub fn new_id(&mut self, prefix: &str) -> String {
        let serial = self.books.next_serial();
        let digits = self.network.new_sid("", &format!("stripe {} {serial}", self.account));
        format!("{prefix}_{}", &digits[..24])
    }

    /// Which verb a path is.
    fn act(&mut self, method: &Method, path: &str, form: &Form) -> Done {
        let names: Vec<&str> = path.trim_start_matches("/v1/").trim_end_matches('/').split('/').collect();
        match (method.as_str(), names.as_slice()) {
            ("GET", ["customers"]) => customers::list(self, form),
            ("POST", ["customers"]) => customers::create(self, form),
            ("GET", ["customers", id]) => customers::fetch(self, id),
            ("POST", ["customers", id]) => customers::update(self, id, form),
            ("DELETE", ["customers", id]) => customers::remove(self, id),
            ("GET", ["customers", id, "payment_methods"]) => methods::of_customer(self, id, form),
            ("GET", ["checkout", "sessions"]) => checkout::list(self, form),
            ("POST", ["checkout", "sessions"]) => checkout::create(self, form),
            ("GET", ["checkout", "sessions", id]) => self.books.load(checkout::KIND, id),
            ("GET", ["checkout", "sessions", id, "line_items"]) => checkout::line_items(self, id),
            ("POST", ["checkout", "sessions", id, "expire"]) => checkout::expire(self, id),
            ("GET", ["payment_intents"]) => intents::list(self, form),
            ("POST", ["payment_intents"]) => intents::create(self, form),
            ("GET", ["payment_intents", id]) => self.books.load(intents::KIND, id),
            ("POST", ["payment_intents", id]) => intents::update(self, id, form),
            ("POST", ["payment_intents", id, "confirm"]) => intents::confirm(self, id, form),
            ("POST", ["payment_intents", id, "capture"]) => intents::capture(self, id, form),
            ("POST", ["payment_intents", id, "cancel"]) => intents::cancel(self, id, form),
            ("GET", ["payment_methods", id]) => self.books.load(methods::KIND, id),
            ("POST", ["payment_methods", id, "attach"]) => methods::attach(self, id, form),
            ("POST", ["payment_methods", id, "detach"]) => methods::detach(self, id),
            ("GET", ["charges", id]) => self.books.load(payment::CHARGE, id),
            ("GET", ["refunds"]) => refunds::list(self, form),
            ("POST", ["refunds"]) => refunds::create(self, form),
            ("GET", ["refunds", id]) => self.books.load(refunds::KIND, id),
            ("GET", ["events"]) => events::list(self, form),
            ("GET", ["events", id]) => self.books.load(books::EVENT, id),
            ("GET", ["webhook_endpoints"]) => endpoints::list(self, form),
            ("POST", ["webhook_endpoints"]) => endpoints::create(self, form),
            ("GET", ["webhook_endpoints", id]) => self.books.load(endpoints::KIND, id),
            ("DELETE", ["webhook_endpoints", id]) => endpoints::remove(self, id),
            (method, _) => {
                let why = format!("Unrecognized request URL ({method}: {path}).");
                Err(Refusal { status: StatusCode::NOT_FOUND, ..Refusal::invalid(why) })
            }
        }
    }

    /// Puts whole things where `expand` names ids.
    fn expanded(&self, mut done: Value, form: &Form) -> Done {
        for path in form.texts("expand").unwrap_or_default() {
            let names: Vec<&str> = path.split('.').collect();
            if !self.expand(&mut done, &names) {
                return Err(Refusal::invalid(format!("This property cannot be expanded ({path}).")));
            }
        }
        Ok(done)
    }

    fn expand(&self, thing: &mut Value, path: &[&str]) -> bool {
        if let Value::Array(all) = thing {
            return all.iter_mut().all(|one| self.expand(one, path));
        }
        if thing.is_null() {
            return true;
        }
        let [first, rest @ ..] = path else { return true };
        if *first == "line_items" && thing["object"] == checkout::KIND {
            let items = checkout::line_items(self, thing["id"].as_str().unwrap_or_default());
            thing["line_items"] = items.unwrap_or_default();
            return true;
        }
        let Some(place) = thing.get_mut(first) else { return false };
        if let Some(whole) = place.as_str().and_then(|id| self.books.any(id)) {
            *place = whole.clone();
        }
        (rest.is_empty() && (place.is_object() || place.is_null())) || (!rest.is_empty() && self.expand(place, rest))
    }
}
