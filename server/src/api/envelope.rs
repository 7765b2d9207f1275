//! What every answer of the REST API looks like, good or bad; see docs/api-design.md.

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use model::Error;
use model::accounts::Bar;
use model::features::Feature;
use model::page::Page;
use model::time::Timestamp;
use serde::Serialize;
use services::idempotency::Answered;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Says that an answer was given before, to the same `Idempotency-Key`.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What a handler answers.
pub type Answer = Result<Response, Refusal>;

/// One thing.
#[derive(Serialize, ToSchema)]
pub struct Done<T> {
    /// Always true.
    success: bool,
    data: T,
    message: String,
}

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub struct Listed<T> {
    /// Always true.
    success: bool,
    data: Vec<T>,
    pagination: Pagination,
}

/// Where a page is in its list.
#[derive(Serialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// Counted from 1.
    page: u32,
    /// Rows per page, 1 to 100.
    limit: u32,
    /// Rows in all.
    total: i64,
    total_pages: u32,
    has_next: bool,
    has_prev: bool,
}

/// A refusal.
#[derive(Serialize, ToSchema)]
pub struct Failure {
    /// Always false.
    success: bool,
    error: Fault,
}

/// Why something was refused.
#[derive(Serialize, ToSchema)]
pub struct Fault {
    code: Code,
    /// For people.
    message: String,
    /// For `VALIDATION_ERROR` a sentence per field; for `INSUFFICIENT_CREDITS` what is needed and what is there.
    details: BTreeMap<String, String>,
    #[schema(format = DateTime)]
    timestamp: String,
}

/// What kind of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    AuthRequired,
    AuthInvalid,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    ValidationError,
    Conflict,
    InsufficientCredits,
    RateLimitExceeded,
    NotImplemented,
    UpstreamError,
    ServerError,
}

/// One answer, and 200.
pub fn done<T: Serialize>(data: T, message: &str) -> Answer {
    Ok(Json(Done { success: true, data, message: message.to_owned() }).into_response())
}

/// The body of one answer, as text.
pub fn done_text<T: Serialize>(data: T, message: &str) -> Result<String, Refusal> {
    let done = Done { success: true, data, message: message.to_owned() };
    serde_json::to_string(&done).map_err(|e| Refusal::Told(Error::Internal { trace: e.to_string() }))
}

/// One page, and 200.
pub fn listed<T: Serialize>(page: Page<T>) -> Answer {
    let pagination = Pagination::of(&page);
    Ok(Json(Listed { success: true, data: page.items, pagination }).into_response())
}

impl Pagination {
    pub fn of<T>(page: &Page<T>) -> Self {
        let (now, pages) = (page.paging.page, page.pages());
        Self {
            page: now,
            limit: page.paging.per_page,
            total: page.total,
            total_pages: pages,
            has_next: now < pages,
            has_prev: now > 1,
        }
    }
}

/// Why a request is not answered, or not anew. Rendered by [`super::dress`], which knows the time.
#[derive(Debug, Clone)]
pub enum Refusal {
    /// What a verb said, or what was wrong with the request.
    Told(Error),
    /// The key or token is none, is over, or does not come from here.
    Unknown,
    /// Address and password do not belong together.
    WrongPassword,
    /// The company does not let anybody in at the moment.
    Barred(Bar),
    /// The company does not have it.
    Off(Feature),
    /// Only people do this; a key does not.
    PeopleOnly,
    /// The path has other methods.
    Method,
    /// The contract has it and we do not, yet.
    Absent,
    /// It came before, with the same `Idempotency-Key`: this was the answer.
    Before(Answered),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

impl From<services::Error> for Refusal {
    fn from(error: services::Error) -> Self {
        Self::Told(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Self::Before(answered) = self {
            return stored(answered);
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        response
    }
}

/// A stored answer once more.
fn stored(answered: Answered) -> Response {
    let mut response = json(StatusCode::from_u16(answered.status).unwrap_or(StatusCode::OK), answered.body);
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// A text that is JSON already.
pub fn json(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

impl Refusal {
    /// The refusal that a status of somebody else's making stands for: of the router, a limit, a time-out.
    pub fn of_status(status: StatusCode) -> Self {
        let invalid = |what: &str| Self::Told(Error::field("body", what));
        match status {
            StatusCode::NOT_FOUND => Self::Told(Error::not_found("path")),
            StatusCode::METHOD_NOT_ALLOWED => Self::Method,
            StatusCode::PAYLOAD_TOO_LARGE => invalid("The body is too large."),
            StatusCode::SERVICE_UNAVAILABLE => Self::Told(Error::Unavailable { provider: "Belfry".to_owned() }),
            other if other.is_client_error() => invalid("The request cannot be read."),
            other => Self::Told(Error::Internal { trace: other.as_str().to_owned() }),
        }
    }

    fn code(&self) -> Code {
        match self {
            Self::Told(error) => match error {
                Error::Unauthenticated => Code::AuthRequired,
                Error::Forbidden { .. } => Code::Forbidden,
                Error::NotFound { .. } => Code::NotFound,
                Error::Invalid { .. } => Code::ValidationError,
                Error::Conflict { .. } => Code::Conflict,
                Error::InsufficientCredits { .. } => Code::InsufficientCredits,
                Error::RateLimited { .. } => Code::RateLimitExceeded,
                Error::Unavailable { .. } => Code::UpstreamError,
                Error::Internal { .. } => Code::ServerError,
            },
            Self::Unknown | Self::WrongPassword => Code::AuthInvalid,
            Self::Barred(_) | Self::Off(_) | Self::PeopleOnly => Code::Forbidden,
            Self::Method => Code::MethodNotAllowed,
            Self::Absent => Code::NotImplemented,
            Self::Before(_) => Code::Conflict,
        }
    }

    /// The contract's status of each code.
    pub fn status(&self) -> StatusCode {
        match self.code() {
            Code::AuthRequired | Code::AuthInvalid => StatusCode::UNAUTHORIZED,
            Code::Forbidden => StatusCode::FORBIDDEN,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Code::ValidationError => StatusCode::BAD_REQUEST,
            Code::Conflict => StatusCode::CONFLICT,
            Code::InsufficientCredits => StatusCode::PAYMENT_REQUIRED,
            Code::RateLimitExceeded => StatusCode::TOO_MANY_REQUESTS,
            Code::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Code::UpstreamError => StatusCode::BAD_GATEWAY,
            Code::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Told(Error::Unauthenticated) => "Send an API key or access token as `Authorization: Bearer …`.".to_owned(),
            Self::Told(Error::Invalid { .. }) => "Some fields need attention; see details.".to_owned(),
            Self::Told(error) => error.to_string(),
            Self::Unknown => "This key or token is unknown, over, or not taken from your address.".to_owned(),
            Self::WrongPassword => "E-mail and password do not match.".to_owned(),
            Self::Barred(bar) => format!("{}.", bar.label()),
            Self::Off(feature) => format!("{} is off for this company.", feature.label()),
            Self::PeopleOnly => "API keys may not do this. Sign in.".to_owned(),
            Self::Method => "This path does not take that method.".to_owned(),
            Self::Absent => "This is not there yet.".to_owned(),
            Self::Before(_) => String::new(),
        }
    }

    fn details(&self) -> BTreeMap<String, String> {
        match self {
            Self::Told(Error::Invalid { fields }) => fields.iter().map(|(name, what)| (camel(name), what.clone())).collect(),
            Self::Told(Error::InsufficientCredits { needed, available }) => {
                let text = |n: i64| model::credits::Credits(n).to_string();
                BTreeMap::from([("needed".to_owned(), text(*needed)), ("available".to_owned(), text(*available))])
            }
            Self::Told(Error::Forbidden { permission }) => BTreeMap::from([("permission".to_owned(), permission.clone())]),
            _ => BTreeMap::new(),
        }
    }

    /// The refusal as an answer. `dressed` carries the headers that it has already.
    pub fn dress(&self, dressed: Response, now: Timestamp) -> Response {
        let fault =
            Fault { code: self.code(), message: self.message(), details: self.details(), timestamp: super::v1::instant(now) };
        let (mut parts, _) = dressed.into_parts();
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.remove(header::CONTENT_TYPE);
        let mut response = (self.status(), Json(Failure { success: false, error: fault })).into_response();
        if self.status() == StatusCode::UNAUTHORIZED {
            parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Self::Told(Error::RateLimited { retry_seconds }) = self {
            parts.headers.insert(header::RETRY_AFTER, (*retry_seconds).into());
        }
        response.headers_mut().extend(parts.headers);
        response
    }
}

/// `concurrency_max` → `concurrencyMax`: verbs name fields as Rust does, the API as JavaScript does.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut all, word| {
        let mut letters = word.chars();
        all.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        all.push_str(letters.as_str());
        all
    })
}

#[cfg(test)]
mod tests {
    use super::camel;

    #[test]
    fn fields_are_named_as_the_api_names_them() {
        for (ours, theirs) in
            [("name", "name"), ("concurrency_max", "concurrencyMax"), ("Idempotency-Key", "Idempotency-Key"), ("", "")]
        {
            assert_eq!(camel(ours), theirs);
        }
    }
}
