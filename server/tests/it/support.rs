//! A site and browsers in front of it. A browser keeps its cookie and says where its requests come from.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::{HeaderMap, Method, Request, StatusCode, header};
use model::accounts::{Register, Role};
use model::companies::CompanyType;
use serde::de::DeserializeOwned;
use server::Patience;
use services::accounts::{self, Client};
use services::testing::{Someone, World};
use services::{Config, Db, mails};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// More than any answer of ours.
const BODY_MAX: usize = 8 * 1024 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";
pub const PASSWORD: &str = "correct-horse-7";

/// One world and its site.
pub struct Site {
    pub world: Arc<World>,
    router: Router,
}

/// Somebody with a browser; signed in or not.
#[derive(Clone, Default)]
pub struct Browser {
    pub cookie: Option<String>,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Site {
    pub async fn new() -> Self {
        Self::patient(Patience::default()).await
    }

    /// A site that waits less than usual.
    pub async fn patient(patience: Patience) -> Self {
        Self::configured(patience, |_| {}).await
    }

    /// The same with another configuration.
    pub async fn configured(patience: Patience, edit: impl FnOnce(&mut Config)) -> Self {
        // As `main` does. Every test but the first finds it installed.
        rustls::crypto::ring::default_provider().install_default().ok();
        let world = Arc::new(World::configured(1, edit).await);
        let router = made(&world.db, patience);
        Self { world, router }
    }

    /// A site beside this one, as of another process: what a process remembers is its own.
    pub fn beside(&self, patience: Patience) -> Self {
        Self { world: self.world.clone(), router: made(&self.world.db, patience) }
    }

    /// Sends any request; the body of the answer is still open.
    pub async fn send(&self, request: Request<Body>) -> Response {
        self.send_from([203, 0, 113, 7], request).await
    }

    /// The same from another machine.
    pub async fn send_from(&self, ip: [u8; 4], mut request: Request<Body>) -> Response {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((ip, 50_000))));
        self.router.clone().oneshot(request).await.expect("a router never fails")
    }

    /// Registers a company, confirms its administrator and signs them in.
    pub async fn newcomer(&self, company: &str) -> Browser {
        let email = format!("admin@{company}.example");
        let form = Register {
            name: format!("{company} admin"),
            email: email.clone(),
            password: PASSWORD.to_owned(),
            company_name: company.to_owned(),
            time_zone: String::new(),
        };
        accounts::register(&self.world.db, &form, &Client::default()).await.expect("registration");
        accounts::confirm(&self.world.db, &self.mailed_token().await).await.expect("confirmation");
        let client = Client { ip: "203.0.113.7".to_owned(), user_agent: "test".to_owned() };
        let token = accounts::sign_in(&self.world.db, &email, PASSWORD, &client).await.expect("sign in");
        let newcomer = Browser { cookie: Some(format!("sid={token}")) };
        self.choose_type(&newcomer).await;
        newcomer
    }

    /// Says what the company does, which is asked before any page inside the frame.
    pub async fn choose_type(&self, admin: &Browser) {
        let mut tx = self.world.tx(&self.company(admin).await).await;
        accounts::choose_type(&mut tx, CompanyType::Generic).await.expect("type");
        tx.commit().await.expect("commit");
    }

    /// The company of somebody signed in, for what a test does behind the doors.
    pub async fn company(&self, of: &Browser) -> Someone {
        let caller = accounts::resolve(&self.world.db, of.token()).await.expect("database").expect("a session");
        Someone { company: caller.actor.company(), actor: caller.actor }
    }

    /// A member of the same company who may look and not touch.
    pub async fn viewer(&self, of: &Browser) -> Browser {
        let viewer = self.world.member(&self.company(of).await, Role::Viewer).await;
        Browser { cookie: Some(format!("sid={}", self.world.session(&viewer).await)) }
    }

    /// The token in the newest confirmation mail.
    pub async fn mailed_token(&self) -> String {
        let mails = mails::recent(&self.world.db).await.expect("the mailbox");
        let token = mails.iter().find_map(|mail| Some(mail.body.split_once("/confirm?token=")?.1)).expect("a link");
        token.split_whitespace().next().expect("a token").to_owned()
    }

    pub async fn get(&self, who: &Browser, path: &str) -> Answer {
        Answer::read(self.send(who.request(Method::GET, path).body(Body::empty()).expect("a request")).await).await
    }

    /// Opens a page, as a person does.
    pub async fn visit(&self, who: &Browser, path: &str) -> Answer {
        let request = who.request(Method::GET, path).header(header::ACCEPT, "text/html,*/*;q=0.8").body(Body::empty());
        Answer::read(self.send(request.expect("a request")).await).await
    }

    /// Sends a form as a browser without JavaScript does, and follows where it leads, with what it was given to keep.
    pub async fn followed(&self, who: &Browser, from: &str, path: &str, form: &str) -> Answer {
        let answer = self.submit(who, from, &format!("/fn/app/{path}"), form).await;
        assert!(answer.status.is_redirection(), "{path}: {} {}", answer.status, answer.text());
        let given =
            answer.headers.get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        let cookies: Vec<_> = who.cookie.as_deref().into_iter().chain(given).collect();
        let to = answer.header("location").trim_start_matches("http://belfry.test").to_owned();
        self.visit(&Browser { cookie: Some(cookies.join("; ")) }, &to).await
    }

    /// Calls a server function with JSON or a form, as the browser client does.
    pub async fn call(&self, who: &Browser, path: &str, arguments: &str) -> Answer {
        let kind = if arguments.starts_with('{') { "application/json" } else { FORM };
        let request = who.request(Method::POST, path).header(header::CONTENT_TYPE, kind).header("sec-fetch-site", "same-origin");
        Answer::read(self.send(request.body(arguments.to_owned().into()).expect("a request")).await).await
    }

    /// Sends a form as a browser without JavaScript does, from the page `from`.
    pub async fn submit(&self, who: &Browser, from: &str, path: &str, form: &str) -> Answer {
        let request = who
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, FORM)
            .header(header::ACCEPT, "text/html")
            .header(header::ORIGIN, "http://belfry.test")
            .header(header::REFERER, format!("http://belfry.test{from}"));
        Answer::read(self.send(request.body(form.to_owned().into()).expect("a request")).await).await
    }
}

impl Browser {
    /// The session token in the cookie.
    pub fn token(&self) -> &str {
        self.cookie.as_deref().and_then(|cookie| cookie.strip_prefix("sid=")).expect("a session cookie")
    }

    /// Keeps or forgets the session as the answer says.
    pub fn keep(&mut self, answer: &Answer) {
        if let Some(pair) = answer.header("set-cookie").split(';').next().filter(|pair| !pair.is_empty()) {
            self.cookie = (pair != "sid=").then(|| pair.to_owned());
        }
    }

    pub fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "belfry.test");
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        request
    }
}

impl Answer {
    pub async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, BODY_MAX).await.expect("a body");
        Self { status: parts.status, headers: parts.headers, body }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e} in {}: {}", self.status, self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

fn made(db: &Db, patience: Patience) -> Router {
    let options = server::leptos_options(db.config()).expect("options");
    server::patient(db.clone(), options, CancellationToken::new(), patience)
}

/// A port that nobody listens at.
pub async fn free_port() -> u16 {
    listen().await.1.port()
}

/// A port of its own.
pub async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// A site and its sandbox, for whoever needs both over real HTTP; they stop with the set.
pub fn serve(world: &World, site: TcpListener, sandbox: TcpListener, speed: f64) -> JoinSet<()> {
    let options = server::leptos_options(world.db.config()).expect("options");
    let router: Router = server::router(world.db.clone(), options);
    let mut servers = JoinSet::new();
    servers.spawn(async move {
        axum::serve(site, router.into_make_service_with_connect_info::<SocketAddr>()).await.expect("the site runs");
    });
    let settings = gremlin::Settings { speed, ..gremlin::Settings::default() };
    servers.spawn(async move { gremlin::serve(sandbox, settings).await.expect("gremlin runs") });
    servers
}

/// One HTTP/1.1 exchange, written by hand: the server's crates have no client.
pub async fn send(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let (status, answer) = exchange(to, method, path, headers, body).await;
    (status, String::from_utf8(answer).expect("a text"))
}

/// A file, or a part of one.
pub async fn fetch(from: SocketAddr, path: &str, headers: &[(&str, &str)]) -> (u16, Vec<u8>) {
    exchange(from, "GET", path, headers, "").await
}

async fn exchange(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Vec<u8>) {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(to).await.expect("it listens");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
    (status, answer.split_off(end + 4))
}
