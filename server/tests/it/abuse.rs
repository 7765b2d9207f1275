//! What people do who mean harm, over real connections to the running server. Each is refused cleanly, and nothing happened.

use crate::support::{Answer, Browser, PASSWORD, Site, listen};
use axum::body::{Body, Bytes};
use futures::{StreamExt, stream};
use http::{Method, StatusCode, header};
use model::api_keys::Scope;
use serde_json::{Value, json};
use server::Patience;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

const SIGN_IN: &str = "/fn/app/auth/sign_in/sign_in";
const WHO: &str = "/fn/app/session/current_session";
const FORM: &str = "application/x-www-form-urlencoded";
const EVIL: &str = "https://evil.example";
const MIB: usize = 1024 * 1024;

/// A site that really listens.
struct Street {
    site: Site,
    at: SocketAddr,
    _serving: JoinSet<()>,
    _stop: DropGuard,
}

/// An answer as it came over the wire.
struct Heard {
    status: u16,
    head: String,
    body: String,
}

impl Heard {
    /// Of a text that may hold more than one.
    fn parse(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no answer: {text:?}"));
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn header(&self, name: &str) -> &str {
        let mut pairs = self.head.lines().filter_map(|line| line.split_once(": "));
        pairs.find(|(n, _)| n.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    /// The session that the browser is told to keep.
    fn session(&self) -> Option<Browser> {
        let pair = self.header("set-cookie").split(';').next().filter(|pair| pair.starts_with("sid=") && *pair != "sid=")?;
        Some(Browser { cookie: Some(pair.to_owned()) })
    }
}

impl Street {
    async fn new() -> Self {
        Self::patient(Patience::default()).await
    }

    async fn patient(patience: Patience) -> Self {
        let site = Site::new().await;
        let (listener, at) = listen().await;
        let (db, options) = (site.world.db.clone(), server::leptos_options(site.world.db.config()).expect("options"));
        let (stop, mut serving) = (CancellationToken::new(), JoinSet::new());
        serving.spawn(server::serve(db, options, listener, stop.clone(), patience));
        Self { site, at, _serving: serving, _stop: stop.drop_guard() }
    }

    /// Sends bytes as they are and reads until the server closes.
    async fn raw(&self, from: u8, bytes: &[u8]) -> Vec<u8> {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, from], 0))).expect("this machine has all of 127.0.0.0/8");
        let mut stream = socket.connect(self.at).await.expect("it listens");
        stream.write_all(bytes).await.expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        answer
    }

    /// One request from one of this machine's addresses.
    async fn ask(&self, from: u8, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Heard {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: belfry.test\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        Heard::parse(&self.raw(from, request.as_bytes()).await)
    }

    /// A form of a program: no browser says where it comes from.
    async fn post(&self, from: u8, path: &str, who: &Browser, form: &str) -> Heard {
        let cookie = who.cookie.clone().unwrap_or_default();
        self.ask(from, "POST", path, &[("content-type", FORM), ("cookie", &cookie)], form).await
    }

    async fn sign_in(&self, from: u8, email: &str, password: &str) -> Heard {
        let email = email.replace('@', "%40");
        self.post(from, SIGN_IN, &Browser::default(), &format!("email={email}&password={password}")).await
    }

    async fn is_somebody(&self, who: &Browser) -> bool {
        self.post(1, WHO, who, "").await.body != "null"
    }
}

// ── guessing ────────────────────────────────────────────────────────────────

#[tokio::test]
async fn one_address_that_tries_many_accounts_is_stopped_and_others_are_not() {
    let street = Street::new().await;
    street.site.newcomer("harbor").await;
    for n in 0..50 {
        let wrong = street.sign_in(9, &format!("person{n}@harbor.example"), "Spring-2026-x").await;
        assert_eq!(wrong.status, 422, "{n}: {}", wrong.body);
    }
    let stopped = street.sign_in(9, "admin@harbor.example", PASSWORD).await;
    assert_eq!((stopped.status, stopped.session().is_none()), (429, true), "even the right password");
    assert!(stopped.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds <= 900), "{}", stopped.head);
    let program = json!({"email": "admin@harbor.example", "password": PASSWORD}).to_string();
    let by_rest = street.ask(9, "POST", "/api/v1/auth/login", &[("content-type", "application/json")], &program).await;
    assert_eq!(by_rest.status, 429, "the API is no way around: {}", by_rest.body);
    let honest = street.sign_in(10, "admin@harbor.example", PASSWORD).await;
    assert!(honest.session().is_some(), "{}", honest.head);
}

#[tokio::test]
async fn many_addresses_that_try_one_account_are_stopped_together() {
    let street = Street::new().await;
    street.site.newcomer("harbor").await;
    street.site.newcomer("quay").await;
    for from in 20..25 {
        assert_eq!(street.sign_in(from, "admin@harbor.example", "Spring-2026-x").await.status, 422);
    }
    assert_eq!(street.sign_in(25, "ADMIN@harbor.example", PASSWORD).await.status, 429, "however it is written");
    assert!(street.sign_in(25, "admin@quay.example", PASSWORD).await.session().is_some(), "another account is not concerned");
    street.site.world.clock.advance(chrono::TimeDelta::minutes(15));
    assert!(street.sign_in(25, "admin@harbor.example", PASSWORD).await.session().is_some(), "and nobody is locked out for long");
}

#[tokio::test]
async fn a_forged_forwarded_address_escapes_no_limit() {
    let street = Street::new().await;
    for n in 0..50 {
        let headers = [("content-type", FORM), ("x-forwarded-for", &*format!("198.51.100.{n}")), ("forwarded", "for=1.1.1.1")];
        let form = format!("email=person{n}%40harbor.example&password=Spring-2026-x");
        assert_eq!(street.ask(9, "POST", SIGN_IN, &headers, &form).await.status, 422);
    }
    let headers = [("content-type", FORM), ("x-forwarded-for", "198.51.100.200"), ("x-real-ip", "198.51.100.200")];
    let stopped = street.ask(9, "POST", SIGN_IN, &headers, "email=x%40harbor.example&password=Spring-2026-x").await;
    assert_eq!(stopped.status, 429);
}

#[tokio::test]
async fn an_address_and_a_person_that_ask_without_end_are_told_to_wait() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let get = async |ip: [u8; 4], who: &Browser| {
        let request = who.request(Method::GET, "/events/export").body(Body::empty()).expect("a request");
        Answer::read(site.send_from(ip, request).await).await
    };
    for n in 0..1_200 {
        assert_eq!(get([198, 51, 100, 1], &maya).await.status, StatusCode::OK, "{n}");
    }
    let told = get([198, 51, 100, 2], &maya).await;
    assert_eq!((told.status, told.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "60"), "a person, wherever they are");
    for _ in 0..4_800 {
        assert_eq!(get([198, 51, 100, 1], &Browser::default()).await.status, StatusCode::UNAUTHORIZED);
    }
    let told = get([198, 51, 100, 1], &Browser::default()).await;
    assert_eq!(told.status, StatusCode::TOO_MANY_REQUESTS, "an address, whoever asks");
    let program = site.api(None, Method::GET, "/api/v1/campaigns", None).await;
    assert_eq!(program.status, StatusCode::UNAUTHORIZED, "another address");
    site.world.clock.advance(chrono::TimeDelta::minutes(1));
    assert_eq!(get([198, 51, 100, 1], &maya).await.status, StatusCode::OK, "a minute later");
}

// ── sessions ────────────────────────────────────────────────────────────────

#[tokio::test]
async fn a_planted_session_is_never_the_victims() {
    let street = Street::new().await;
    street.site.newcomer("harbor").await;
    let theirs = street.site.newcomer("evil").await;
    let made_up = Browser { cookie: Some(format!("sid={}", "A".repeat(43))) };
    for planted in [theirs, made_up] {
        let form = format!("email=admin%40harbor.example&password={PASSWORD}");
        let victim = street.post(1, SIGN_IN, &planted, &form).await.session().expect("signed in");
        assert_ne!(victim.cookie, planted.cookie, "a sign-in makes a token of its own");
        assert!(street.is_somebody(&victim).await);
        assert!(!street.is_somebody(&planted).await, "and ends the one it came with");
    }
}

#[tokio::test]
async fn an_invite_lets_one_person_in_once() {
    let street = Street::new().await;
    let maya = street.site.newcomer("harbor").await;
    let invite = "/fn/app/team/invite/invite_member";
    assert_eq!(street.post(1, invite, &maya, "email=ines%40quay.example&role=viewer").await.status, 200);
    let (_, token) = street.site.world.mailed("/invite").await.expect("an invite");
    let join = "/fn/app/auth/invite/join_as_new";
    let form = format!("token={token}&name=Ines&password={PASSWORD}");
    assert!(street.post(1, join, &Browser::default(), &form).await.session().is_some());
    for (again, what) in [
        (form.clone(), "the same"),
        (format!("token={token}&name=Mallory&password=other-horse-9"), "another password"),
        (format!("token={token}&name=Ines&password={PASSWORD}&role=company_admin"), "another role"),
    ] {
        let replay = street.post(1, join, &Browser::default(), &again).await;
        assert!((400..500).contains(&replay.status) && replay.session().is_none(), "{what}: {} {}", replay.status, replay.body);
    }
    let replay =
        street.post(1, "/fn/app/auth/invite/join_as_known", &street.site.newcomer("evil").await, &format!("token={token}")).await;
    assert!((400..500).contains(&replay.status) && replay.session().is_none(), "{}", replay.body);
    assert!(street.sign_in(1, "ines@quay.example", "other-horse-9").await.session().is_none(), "the password stayed");
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_ends_the_whole_sign_in() {
    let street = Street::new().await;
    street.site.newcomer("harbor").await;
    let post = async |path: &str, body: Value| {
        street.ask(1, "POST", &format!("/api/v1{path}"), &[("content-type", "application/json")], &body.to_string()).await
    };
    let tokens = |heard: &Heard| serde_json::from_str::<Value>(&heard.body).expect("JSON")["data"].clone();
    let first = tokens(&post("/auth/login", json!({"email": "admin@harbor.example", "password": PASSWORD})).await);
    let second = tokens(&post("/auth/refresh", json!({"refreshToken": first["refreshToken"]})).await);
    assert_eq!(post("/auth/refresh", json!({"refreshToken": first["refreshToken"]})).await.status, 401, "it was stolen");
    assert_eq!(post("/auth/refresh", json!({"refreshToken": second["refreshToken"]})).await.status, 401, "or this one was");
    for token in [&first["token"], &second["token"]] {
        let bearer = format!("Bearer {}", token.as_str().expect("a token"));
        let profile = street.ask(1, "GET", "/api/v1/auth/profile", &[("authorization", &bearer)], "").await;
        assert_eq!(profile.status, 401, "access tokens end with it");
    }
    let mails = services::mails::recent(&street.site.world.db).await.expect("mails");
    assert!(mails.iter().any(|mail| mail.body.contains("refresh token")), "and its owner is told: {mails:?}");
}

// ── other sites ─────────────────────────────────────────────────────────────

#[tokio::test]
async fn no_server_function_and_no_upload_obeys_another_site() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let functions: BTreeSet<_> = server_fn::axum::server_fn_paths().map(|(path, _)| path.to_owned()).collect();
    assert!(functions.len() > 100, "{}", functions.len());
    let uploads = ["/imports/upload?kind=contacts&name=a.csv", "/imports/upload-form", "/agents/documents"].map(str::to_owned);
    let signs = [
        ("origin", EVIL),
        ("origin", "null"),
        ("origin", "http://belfry.test.evil.example"),
        ("origin", "http://belfry.test:8080"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    for path in functions.iter().chain(&uploads) {
        for (name, value) in signs {
            // What a form of another site can send without asking first.
            for kind in [FORM, "text/plain", "multipart/form-data; boundary=x"] {
                let request = maya.request(Method::POST, path).header(name, value).header(header::CONTENT_TYPE, kind);
                let answer = site.send(request.body(Body::from("x=1")).expect("a request")).await;
                assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path} with {name}: {value}");
            }
            site.world.clock.advance(chrono::TimeDelta::milliseconds(100));
        }
        // A link or an image of another site makes the browser GET: that does nothing.
        let request =
            maya.request(Method::GET, path).header("sec-fetch-site", "cross-site").body(Body::empty()).expect("a request");
        let status = site.send(request).await.status();
        assert!([StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_FOUND].contains(&status), "GET {path}: {status}");
    }
    let me: Value = site.call(&maya, WHO, "").await.json();
    assert_eq!(me["me"]["company_name"], "harbor", "still signed in, so nobody signed out or switched");
}

#[tokio::test]
async fn nothing_leads_to_another_site() {
    let street = Street::new().await;
    street.site.newcomer("harbor").await;
    let right = format!("email=admin%40harbor.example&password={PASSWORD}");
    // Without scripts Leptos leads back to where the request says it comes from.
    for (form, what) in [
        ("email=admin%40harbor.example&password=wrong-horse-7".to_owned(), "refused"),
        (format!("{right}&next=%2F%2Fevil.example"), "signed in"),
        (format!("{right}&next=https%3A%2F%2Fevil.example"), "signed in"),
    ] {
        for referer in [EVIL, "http://belfry.test@evil.example/sign-in", "//evil.example/sign-in"] {
            let headers = [("content-type", FORM), ("accept", "text/html"), ("referer", referer)];
            let heard = street.ask(1, "POST", SIGN_IN, &headers, &form).await;
            assert!((300..400).contains(&heard.status), "{what}: {} {}", heard.status, heard.body);
            assert!(heard.header("location").starts_with('/') && !heard.head.contains("evil"), "{what}: {}", heard.head);
        }
    }
    for page in ["/sign-in?next=//evil.example", "/sign-in?next=https://evil.example", "/sign-in/code?next=%5C%5Cevil.example"] {
        let heard = street.ask(1, "GET", page, &[("accept", "text/html")], "").await;
        let links = ["href=\"//evil", "href=\"https://evil", "value=\"//evil", "value=\"https://evil", "action=\"//evil"];
        assert!(links.iter().all(|link| !heard.body.contains(link)) && !heard.header("location").contains("evil"), "{page}");
    }
    for path in ["//evil.example", "//evil.example/%2e%2e", "/%5Cevil.example", "/\\evil.example"] {
        let heard = street.ask(1, "GET", path, &[("accept", "text/html")], "").await;
        assert!(!heard.header("location").contains("evil"), "{path}: {}", heard.head);
    }
}

// ── messages ────────────────────────────────────────────────────────────────

#[tokio::test]
async fn a_line_break_in_a_name_makes_no_header() {
    let street = Street::new().await;
    let register = "/fn/app/auth/register/open_account";
    let form = format!(
        "form[name]=Eve%0D%0ABcc%3A+all%40evil.example&form[email]=eve%40evil.example&form[password]={PASSWORD}\
         &form[company_name]=Evil%0D%0ASubject%3A+You+won%0D%0A%0D%0A%3Cb%3Ehi"
    );
    let made = street.post(1, register, &Browser::default(), &form).await;
    let eve = made.session().expect("such a name is odd, and harmless");
    street.site.call(&eve, "/fn/app/auth/welcome/choose_company_type", "company_type=generic").await;
    let link = format!("/confirm?token={}", street.site.mailed_token().await);
    assert_eq!(street.site.get(&Browser::default(), &link).await.status, StatusCode::OK);
    let invited = street.post(1, "/fn/app/team/invite/invite_member", &eve, "email=ines%40quay.example&role=viewer").await;
    assert_eq!(invited.status, 200, "{}", invited.body);
    let odd = street
        .post(1, "/fn/app/team/invite/invite_member", &eve, "email=x%40quay.example%0D%0ABcc%3Aall%40evil.example&role=viewer")
        .await;
    assert_eq!(odd.status, 422, "an address is no place for it");
    for mail in services::mails::recent(&street.site.world.db).await.expect("mails") {
        assert!(!mail.subject.contains(['\r', '\n']) && !mail.to_address.contains(['\r', '\n']), "{mail:?}");
    }
    let quiet = |heard: &Heard| !heard.head.to_lowercase().contains("evil") && heard.head.matches("HTTP/1.1").count() == 1;
    let cookie = eve.cookie.clone().expect("a cookie");
    for path in [
        "/imports/upload?kind=contacts&name=a%0D%0ASet-Cookie%3A%20evil%3D1.csv",
        "/imports/upload?kind=contacts%0D%0Aevil:1&name=a.csv",
    ] {
        let heard = street.ask(1, "POST", path, &[("cookie", &cookie)], "name,phone\nAda,+12025550123\n").await;
        assert!(quiet(&heard), "{path}: {}", heard.head);
    }
    let body = "--x\r\nContent-Disposition: form-data; name=\"agent\"\r\n\r\nagt_1\r\nSet-Cookie: evil=1\r\n--x--\r\n";
    let headers = [("cookie", &*cookie), ("content-type", "multipart/form-data; boundary=x")];
    let heard = street.ask(1, "POST", "/agents/documents", &headers, body).await;
    assert!(quiet(&heard), "{}", heard.head);
    for path in ["/campaigns/x%0D%0ASet-Cookie:%20evil=1", "/sign-in?next=/a%0D%0Aevil:1", "/api/v1/calls/%0d%0aevil"] {
        let heard = street.ask(1, "GET", path, &[("cookie", &cookie), ("x-request-id", "7")], "").await;
        assert!(quiet(&heard), "{path}: {}", heard.head);
    }
}

#[tokio::test]
async fn one_message_is_one_request_however_it_is_framed() {
    let street = Street::new().await;
    let inner = "GET /healthz HTTP/1.1\r\nhost: belfry.test\r\n\r\n";
    for framing in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n".to_owned(),
        "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n".to_owned(),
        "content-length: 5\r\ncontent-length: 50\r\n\r\nx=1&y".to_owned(),
        "content-length: +5\r\n\r\nx=1&y".to_owned(),
    ] {
        let request =
            format!("POST {SIGN_IN} HTTP/1.1\r\nhost: belfry.test\r\ncontent-type: {FORM}\r\nconnection: close\r\n{framing}");
        let answer = street.raw(1, format!("{request}{inner}").as_bytes()).await;
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{framing:?} smuggled: {text}");
        assert!((400..500).contains(&Heard::parse(&answer).status), "{text}");
    }
    for method in ["TRACE", "CONNECT", "PUT", "DELETE"] {
        let heard = street.ask(1, method, "/fn/app/session/sign_out", &[], "").await;
        assert!([400, 403, 404, 405].contains(&heard.status), "{method}: {}", heard.head);
    }
}

#[tokio::test]
async fn what_nobody_asked_for_is_not_assigned() {
    let street = Street::new().await;
    let site = &street.site;
    let other = site.company(&site.newcomer("other").await).await;
    let extra = format!(
        "&form[role]=super_admin&role=super_admin&form[company_id]={0}&company_id={0}&form[credits]=9999&credits=9999&form[confirmed]=true\
         &form[confirmed_at]=2026-01-01T00:00:00Z&form[id]=usr_{1}",
        other.company,
        "7".repeat(32)
    );
    let form = format!("form[name]=Eve&form[email]=eve%40evil.example&form[password]={PASSWORD}&form[company_name]=Evil{extra}");
    let eve = street.post(1, "/fn/app/auth/register/open_account", &Browser::default(), &form).await.session().expect("in");
    let me: Value = site.call(&eve, WHO, "").await.json();
    let me = &me["me"];
    assert_eq!((&me["role"], &me["company_name"], &me["confirmed"]), (&json!("company_admin"), &json!("Evil"), &json!(false)));
    let own = site.company(&eve).await;
    assert_ne!(own.company, other.company);

    // Through REST, with every name our tables have.
    let key = site.key(&own.actor, Scope::ALL).await;
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", &*bearer), ("content-type", "application/json")];
    let stuffed = |mut body: Value| {
        for name in ["companyId", "company_id", "company"] {
            body[name] = json!(other.company.to_string());
        }
        for (name, value) in [("id", json!("con_1")), ("credits", json!(9999)), ("role", json!("super_admin"))] {
            body[name] = value;
        }
        for name in ["status", "createdAt", "created_at", "archivedAt", "publishedVersion", "scopes", "confirmed"] {
            body[name] = json!("active");
        }
        body.to_string()
    };
    let contact = stuffed(json!({"name": "Sam", "phone": "+12025550143"}));
    let campaign = stuffed(json!({"name": "Spring"}));
    for (path, body) in [("/api/v1/contacts", contact), ("/api/v1/campaigns", campaign)] {
        let heard = street.ask(1, "POST", path, &headers, &body).await;
        let made: Value = serde_json::from_str(&heard.body).expect("JSON");
        if heard.status == 201 {
            assert_ne!(made["data"]["id"], "con_1", "{path}");
            assert!(path != "/api/v1/campaigns" || made["data"]["status"] == "draft", "a draft is launched by its own operation");
        } else {
            assert_eq!(heard.status, 400, "{path}: {}", heard.body);
        }
    }
    let theirs = site.key(&other.actor, Scope::ALL).await;
    for path in ["/api/v1/contacts", "/api/v1/campaigns"] {
        let list: Value = site.api(Some(&theirs), Method::GET, path, None).await.json();
        assert_eq!(list["pagination"]["total"], 0, "{path}: nothing of ours landed at the other company");
    }
}

#[tokio::test]
async fn nobody_is_promoted_and_nobody_invites_a_super_administrator() {
    let street = Street::new().await;
    let site = &street.site;
    let eve = site.newcomer("evil").await;
    let before: Value = site.call(&eve, WHO, "").await.json();
    let me = &before["me"];
    for (path, form) in [
        ("/fn/app/team/invite/invite_member", "email=pal%40evil.example&role=super_admin".to_owned()),
        ("/fn/app/team/change_role", format!("user={}&role=super_admin", me["user"].as_str().expect("an id"))),
        ("/fn/app/account/save_name", format!("name=Eve&role=super_admin&company_id=com_{}", "7".repeat(32))),
        ("/fn/app/auth/welcome/choose_company_type", "company_type=generic&credits=9999&role=super_admin".to_owned()),
    ] {
        let heard = street.post(1, path, &eve, &form).await;
        assert!(heard.status < 500, "{path}: {}", heard.body);
    }
    let viewer = site.viewer(&eve).await;
    let session: Value = site.call(&viewer, WHO, "").await.json();
    let user = session["me"]["user"].as_str().expect("an id").to_owned();
    let promoted = street.post(1, "/fn/app/team/change_role", &viewer, &format!("user={user}&role=company_admin")).await;
    assert_eq!(promoted.status, 403, "{}", promoted.body);
    let after: Value = site.call(&eve, WHO, "").await.json();
    assert_eq!((&after["me"]["role"], &after["me"]["available"]), (&json!("company_admin"), &me["available"]));
    let mails = services::mails::recent(&site.world.db).await.expect("mails");
    assert!(mails.iter().all(|mail| mail.to_address != "pal@evil.example"), "no such invite went out");
}

// ── floods ──────────────────────────────────────────────────────────────────

/// A body of a gigabyte that counts how much of it was taken.
fn gigabyte() -> (Body, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = taken.clone();
    let piece = Bytes::from(vec![b'a'; 64 * 1024]);
    let pieces = stream::iter(0..16 * 1024).map(move |_| {
        counted.fetch_add(piece.len(), Ordering::Relaxed);
        Ok::<_, Infallible>(piece.clone())
    });
    (Body::from_stream(pieces), taken)
}

#[tokio::test]
async fn a_gigabyte_is_refused_before_it_is_read() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let key = site.key(&site.company(&maya).await.actor, Scope::ALL).await;
    let gateway = model::id::GatewayId::from(site.company(&maya).await.company.uuid());
    let small = 4 * MIB;
    for (path, kind, most) in [
        (SIGN_IN.to_owned(), FORM, small),
        ("/fn/app/account/save_name".to_owned(), "application/json", small),
        ("/fn/app/account/save_name".to_owned(), "application/x-belfry", small),
        ("/api/v1/contacts".to_owned(), "application/json", small),
        ("/api/v1/auth/login".to_owned(), "application/json", small),
        (format!("/hooks/twilio/{gateway}"), FORM, small),
        ("/agents/documents".to_owned(), "multipart/form-data; boundary=x", small),
        ("/imports/upload-form".to_owned(), "multipart/form-data; boundary=x", small),
        ("/api/v1/contacts/upload".to_owned(), "multipart/form-data; boundary=x", small),
        // One line without an end is no spreadsheet.
        ("/imports/upload?kind=contacts&name=a.csv".to_owned(), "text/csv", small),
    ] {
        let (body, taken) = gigabyte();
        let request = maya
            .request(Method::POST, &path)
            .header("sec-fetch-site", "same-origin")
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, kind);
        let answer = Answer::read(site.send(request.body(body).expect("a request")).await).await;
        let taken = taken.load(Ordering::Relaxed);
        assert!(answer.status.is_client_error(), "{path} as {kind}: {} {}", answer.status, answer.text());
        assert!(taken <= most, "{path} as {kind} read {taken} bytes");
    }
}

#[tokio::test]
async fn a_gigabyte_over_a_connection_is_cut_off_early() {
    let street = Street::new().await;
    // Announced: not a byte of it is waited for.
    let announced =
        format!("POST {SIGN_IN} HTTP/1.1\r\nhost: belfry.test\r\ncontent-type: {FORM}\r\ncontent-length: 1073741824\r\n\r\n");
    assert_eq!(Heard::parse(&street.raw(1, announced.as_bytes()).await).status, 413);
    // Unannounced: as much as one form may have, and what lies in the buffers of two sockets.
    let mut stream = TcpStream::connect(street.at).await.expect("it listens");
    let head =
        format!("POST {SIGN_IN} HTTP/1.1\r\nhost: belfry.test\r\ncontent-type: {FORM}\r\ntransfer-encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut piece = b"10000\r\n".to_vec();
    piece.extend([b'a'; 0x10000]);
    piece.extend(b"\r\n");
    let mut sent = 0;
    while sent < 1024 * MIB && stream.write_all(&piece).await.is_ok() {
        sent += 0x10000;
    }
    assert!(sent < 64 * MIB, "it took {sent} bytes");
    let after = street.ask(1, "GET", "/healthz", &[], "").await;
    assert_eq!(after.status, 200, "and it answers others");
}

#[tokio::test]
async fn a_slow_body_is_given_up() {
    let short = Duration::from_millis(50);
    let street = Street::patient(Patience { request: short, upload_pause: short, ..Patience::default() }).await;
    let maya = street.site.newcomer("harbor").await;
    let cookie = maya.cookie.clone().expect("a cookie");
    for path in [
        SIGN_IN,
        "/api/v1/auth/login",
        "/hooks/twilio/gtw_0000000000000000000000000000000a",
        "/imports/upload?kind=contacts&name=a.csv",
    ] {
        // One byte of many, and then nothing for ever.
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: belfry.test\r\ncookie: {cookie}\r\ncontent-type: {FORM}\r\ncontent-length: 5000\r\nconnection: close\r\n\r\nx"
        );
        let heard = Heard::parse(&street.raw(1, request.as_bytes()).await);
        // 502 is how the contract of the API says that something was not available.
        assert!([400, 404, 408, 422, 502, 503].contains(&heard.status), "{path}: {} {}", heard.head, heard.body);
    }
}

#[tokio::test]
async fn a_slow_head_and_a_silent_connection_are_closed() {
    let street = Street::patient(Patience { head: Duration::from_millis(50), ..Patience::default() }).await;
    for said in ["", "GET / HTTP/1.1\r\nhost: belfry.test\r\nx-slow: ", "GET /healthz HTTP/1.1\r\nhost: belfry.test\r\n\r\n"] {
        // Returns only when the server closes.
        let answer = street.raw(1, said.as_bytes()).await;
        let text = String::from_utf8_lossy(&answer);
        match said.ends_with("\r\n\r\n") {
            true => assert!(text.starts_with("HTTP/1.1 200"), "what was whole is answered: {text}"),
            false => assert!(text.is_empty() || text.starts_with("HTTP/1.1 408"), "{text}"),
        }
    }
}

#[tokio::test]
async fn an_endless_head_is_refused() {
    let street = Street::new().await;
    let request = format!("GET / HTTP/1.1\r\nhost: belfry.test\r\nx-long: {}\r\n\r\n", "a".repeat(2 * MIB));
    let mut stream = TcpStream::connect(street.at).await.expect("it listens");
    // It may close before it has all of it.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || Heard::parse(&answer).status == 431, "{}", String::from_utf8_lossy(&answer));
    assert_eq!(street.ask(1, "GET", "/healthz", &[], "").await.status, 200);
}
