//! Every URL prefix on one screen, grouped by who calls it, and the layers around each group.
//!
//! Outside in: request id → trace → panics → headers → compression → honest status, then per group
//! timeout → body limit → CSRF → limits of the address → session → limits of person and company.

use crate::limits::{self, Patience};
use crate::live::Live;
use crate::rates::Rates;
use crate::{answers, api, brand, caller, dev, evidence, hooks, identities, live, record, recordings, speech, uploads};
use app::ssr::Barred;
use app::{App, shell};
use axum::extract::{DefaultBodyLimit, FromRef, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, body::Body};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use leptos::config::LeptosOptions;
use leptos::nonce::use_nonce;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{ErrorHandler, LeptosRoutes, ResponseOptions, generate_route_list};
use services::accounts::{Caller, Client};
use services::{Db, SystemTask};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate};
use tower_http::compression::{CompressionLayer, DefaultPredicate};
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::Level;
use tracing::field::Empty;

/// What handlers take apart.
#[derive(Clone, FromRef)]
struct Site {
    db: Db,
    options: LeptosOptions,
    live: Live,
    rates: Rates,
}

/// The whole site, for tests that call it in-process.
pub fn router(db: Db, options: LeptosOptions) -> Router {
    patient(db, options, CancellationToken::new(), Patience::default())
}

/// The whole site, with live streams that end at `stop`.
pub fn patient(db: Db, options: LeptosOptions, stop: CancellationToken, patience: Patience) -> Router {
    let live = Live::new(db.clone(), stop, patience.stream_look);
    let rates = Rates::new(db.config(), patience.redis_rest);
    let site = Site { db, options, live, rates };
    let request = || TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, patience.request);
    Router::new()
        .merge(people(&site).layer(request()).layer(no_store()))
        .merge(travellers(&site).layer(request()).layer(no_store()))
        .merge(readers(&site).layer(request()).layer(no_store()))
        .merge(uploaders(&site).layer(RequestBodyTimeoutLayer::new(patience.upload_pause)))
        .merge(listeners(&site))
        .merge(providers().layer(request()))
        .merge(listeners_to_calls().layer(request()))
        .merge(operators(&site).layer(request()).layer(no_store()))
        .merge(api::router(&site.db, &site.rates, patience))
        .merge(files(&site))
        .layer(from_fn(answers::honest))
        .layer(from_fn_with_state(site.db.clone(), caller::locate))
        .layer(compression())
        .layer(from_fn_with_state(site.db.config().dev, security_headers))
        .layer(CatchPanicLayer::custom(answers::panicked))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http().make_span_with(span).on_response(DefaultOnResponse::new().level(Level::INFO)))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .with_state(site)
}

/// People with a browser: every page and every server function (`/fn/…`), both registered by Leptos.
fn people(site: &Site) -> Router<Site> {
    let (db, options) = (site.db.clone(), site.options.clone());
    Router::new()
        .leptos_routes_with_context(site, generate_route_list(App), move || provide(&db), move || shell(options.clone()))
        .layer(from_fn_with_state(site.clone(), caller::resolve))
        .layer(from_fn_with_state(site.db.clone(), answers::stay))
        .layer(csrf(site))
        .layer(RequestBodyLimitLayer::new(limits::FORM_BYTES_MAX))
}

/// People on their way to a provider who knows them, and back.
fn travellers(site: &Site) -> Router<Site> {
    Router::new()
        .route("/sign-in/with/{provider}", get(identities::set_out))
        .route("/sign-in/link/{provider}", get(identities::set_out_to_link))
        .route("/sign-in/from/{provider}", get(identities::come_home))
        .layer(from_fn_with_state(site.clone(), caller::resolve))
}

/// People who take a file home.
fn readers(site: &Site) -> Router<Site> {
    Router::new()
        .route("/events/export", get(record::export))
        .route("/evidence/pack", get(evidence::pack))
        .route("/erase/export", get(evidence::person))
        .route("/imports/{id}/refused", get(uploads::refused))
        .route("/brand/logo", get(brand::logo))
        .layer(from_fn_with_state(site.clone(), caller::resolve))
}

/// Browsers that send a file: as large as a file may be, as long as it keeps coming.
fn uploaders(site: &Site) -> Router<Site> {
    Router::new()
        .route("/imports/upload", post(uploads::raw))
        .route("/imports/upload-form", post(uploads::form))
        .route("/agents/documents", post(uploads::document))
        .route("/clients/logo", post(uploads::logo))
        .layer(from_fn_with_state(site.clone(), caller::resolve))
        .layer(csrf(site))
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(limits::UPLOAD_BYTES_MAX))
}

/// Screens that wait for news.
fn listeners(site: &Site) -> Router<Site> {
    Router::new().route("/live", get(live::stream)).layer(from_fn_with_state(site.clone(), caller::resolve)).layer(no_store())
}

/// Whoever has a signed link to a recording, or to what an agent says.
fn listeners_to_calls() -> Router<Site> {
    Router::new()
        .route("/recordings/{company}/{name}", get(recordings::play))
        .route("/speech/{company}/{name}", get(speech::preview))
        .route("/speech/{company}/{call}/{name}", get(speech::of_call))
}

/// Telephone providers: no session and no CSRF, but a signature over the raw bytes.
fn providers() -> Router<Site> {
    Router::new()
        .route("/hooks/{provider}/{gateway}", post(hooks::news))
        .route("/hooks/{provider}/{gateway}/gather", post(hooks::news))
        .route("/hooks/{provider}/{gateway}/voice", post(hooks::voice))
        .route("/hooks/{provider}/{gateway}/script", post(hooks::script))
        .layer(DefaultBodyLimit::max(limits::HOOK_BYTES_MAX))
}

/// Whoever runs this process, and in development whoever writes it.
fn operators(site: &Site) -> Router<Site> {
    let router = Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(ready));
    if site.db.config().dev { router.route("/dev/mail", get(dev::mailbox)) } else { router }
}

/// The built site, and Leptos' page for everything that is nowhere.
fn files(site: &Site) -> Router<Site> {
    let root = &site.db.config().site_root;
    let db = site.db.clone();
    let nowhere = ServiceBuilder::new()
        .layer(from_fn_with_state(site.clone(), caller::resolve))
        .service(ErrorHandler::new_with_context(move || provide(&db), shell, site.options.clone()));
    Router::new()
        .nest_service("/pkg", ServeDir::new(root.join("pkg")).precompressed_br())
        .nest_service("/fonts", ServeDir::new(root.join("fonts")))
        .fallback_service(ServeDir::new(root).precompressed_br().append_index_html_on_directories(false).fallback(nowhere))
        .layer(from_fn(keep))
}

/// What pages and server functions find in their context. Runs once per request, after Leptos provided its own.
fn provide(db: &Db) {
    provide_context(db.clone());
    if let Some(parts) = use_context::<Parts>() {
        if let Some(caller) = parts.extensions.get::<Caller>() {
            provide_context(caller.clone());
        }
        if let Some(barred) = parts.extensions.get::<Barred>() {
            provide_context(barred.clone());
        }
        if let Some(client) = parts.extensions.get::<Client>() {
            provide_context(client.clone());
        }
    }
    // Only a page has a nonce; see `security_headers` for the rest.
    if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>())
        && let Ok(policy) = HeaderValue::from_str(&page_policy(&nonce))
    {
        response.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
}

/// Scripts are our files and the inline ones that carry this response's nonce. Charts write inline styles.
fn page_policy(nonce: &str) -> String {
    format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data:; connect-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
}

/// What is not a page needs nothing; the inline style is for the plain pages of `answers`.
const BARE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
/// As the standard for web applications asks: a year, with whatever lies below our host.
const ONE_YEAR: &str = "max-age=31536000; includeSubDomains";

async fn security_headers(State(dev): State<bool>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    put(headers, CONTENT_SECURITY_POLICY, BARE_POLICY);
    put(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(headers, REFERRER_POLICY, "same-origin");
    if !dev {
        put(headers, STRICT_TRANSPORT_SECURITY, ONE_YEAR);
    }
    response
}

fn put(headers: &mut HeaderMap, name: http::HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

/// Files whose name carries their hash never change; all others are asked for again.
async fn keep(request: Request, next: Next) -> Response {
    let is_hashed = request.uri().path().split('.').any(|part| part.len() == 16 && part.bytes().all(|b| b.is_ascii_hexdigit()));
    let is_font = request.uri().path().starts_with("/fonts/");
    let mut response = next.run(request).await;
    let value = match response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
        true if is_hashed => "public, max-age=31536000, immutable",
        true if is_font => "public, max-age=604800",
        true => "no-cache",
        false => "no-store",
    };
    put(response.headers_mut(), CACHE_CONTROL, value);
    response
}

/// Whether this process can do its work: Postgres answers. Without Redis it can, and says so.
async fn ready(State(db): State<Db>, State(rates): State<Rates>) -> Response {
    match tokio::time::timeout(limits::READY, db.begin_system(SystemTask::Live)).await {
        Ok(Ok(_)) => rates.trouble().map_or("ready".to_owned(), |trouble| format!("ready. {trouble}")).into_response(),
        Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer").into_response(),
    }
}

fn csrf(site: &Site) -> CsrfLayer<impl FnMut(ProtectionError) -> Response + Clone + use<>> {
    let public_url = &site.db.config().public_url;
    // Behind a proxy that rewrites `Host`, browsers still name the public origin.
    let layer = CsrfLayer::new().add_trusted_origin(public_url).unwrap_or_else(|error| {
        tracing::warn!(%error, "PUBLIC_URL is not a plain origin; requests are compared with Host only");
        CsrfLayer::new()
    });
    layer.with_rejection_response(|_| (StatusCode::FORBIDDEN, "This request came from another site.").into_response())
}

fn no_store() -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

/// Release files are compressed beforehand; a debug wasm is too large to compress on every request.
fn compression() -> CompressionLayer<impl Predicate> {
    let predicate = DefaultPredicate::new().and(NotForContentType::const_new("application/wasm"));
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(predicate)
}

/// The path without its query: confirmation links carry a secret there. Who it was is filled in when that is known.
fn span(request: &http::Request<Body>) -> tracing::Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    let path = request.uri().path();
    tracing::info_span!("request", id, method = %request.method(), path, ip = Empty, user = Empty, company = Empty)
}
