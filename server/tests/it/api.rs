//! The REST API: who gets in, what every answer looks like, writes that are sent twice, and how often one may ask. Every answer
//! in here is held against our own OpenAPI document.

use crate::isolation::Things;
use crate::support::{Answer, Browser, PASSWORD, Site};
use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use jsonschema::Validator;
use model::accounts::Role;
use model::api_keys::{ApiKeyForm, Scope};
use serde_json::{Value, json};
use services::accounts::tokens;
use services::{Actor, api_keys};
use std::collections::{BTreeMap, BTreeSet};

/// Who sends a request: a key or token, or nobody.
type Bearer<'a> = Option<&'a str>;

impl Site {
    /// Sends JSON, or nothing, to the API.
    pub async fn api(&self, bearer: Bearer<'_>, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.api_with(bearer, method, path, body, &[]).await
    }

    async fn api_with(
        &self,
        bearer: Bearer<'_>,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "belfry.test");
        if let Some(bearer) = bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        Answer::read(self.send(request.body(body).expect("a request")).await).await
    }

    /// The secret of a new key of this member.
    pub async fn key(&self, by: &Actor, scopes: &[Scope]) -> String {
        let form = ApiKeyForm { name: "test".into(), scopes: scopes.to_vec(), ..ApiKeyForm::default() };
        let mut tx = self.world.db.begin(by).await.expect("begin");
        let key = api_keys::create(&mut tx, &form).await.expect("a key");
        tx.commit().await.expect("commit");
        key.secret
    }

    async fn document(&self) -> Value {
        self.api(None, Method::GET, "/api/v1/openapi.json", None).await.json()
    }
}

/// Holds answers against the document.
pub struct Judge {
    document: Value,
    known: BTreeMap<String, Validator>,
}

impl Judge {
    pub async fn new(site: &Site) -> Self {
        Self { document: site.document().await, known: BTreeMap::new() }
    }

    /// The operations: method, path, description.
    pub fn operations(&self) -> Vec<(Method, String, Value)> {
        let paths = self.document["paths"].as_object().expect("paths");
        let of = |(path, item): (&String, &Value)| {
            let item = item.as_object().expect("operations").clone();
            let path = path.clone();
            item.into_iter().map(move |(method, op)| (method.to_uppercase().parse().expect("a method"), path.clone(), op))
        };
        paths.iter().flat_map(of).collect()
    }

    /// Fails unless the status is declared and the body is as declared.
    fn judge(&mut self, method: &Method, path: &str, answer: &Answer) {
        let pointer = path.replace('~', "~0").replace('/', "~1");
        let status = answer.status.as_u16();
        let schema =
            format!("/paths/{pointer}/{}/responses/{status}/content/application~1json/schema", method.as_str().to_lowercase());
        assert!(self.document.pointer(&schema).is_some(), "{method} {path}: {status} is not declared: {}", answer.text());
        let document = &self.document;
        let validator = self.known.entry(schema.clone()).or_insert_with(|| {
            let mut root = document.clone();
            root["$ref"] = json!(format!("#{}", schema.replace('{', "%7B").replace('}', "%7D")));
            jsonschema::options().should_ignore_unknown_formats(true).build(&root).expect("a schema")
        });
        let body: Value = answer.json();
        let problems: Vec<_> = validator.iter_errors(&body).map(|e| format!("{e} at {}", e.instance_path())).collect();
        assert!(problems.is_empty(), "{method} {path}: {problems:#?}\n{body:#}");
        assert_eq!(answer.header("content-type"), "application/json", "{method} {path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{method} {path}");
        assert!(answer.headers.get("set-cookie").is_none(), "{method} {path} set a cookie");
        assert_eq!(body["success"], answer.status.is_success(), "{method} {path}");
        if !answer.status.is_success() {
            let code = body["error"]["code"].as_str().expect("a code");
            let expected = match status {
                400 => &["VALIDATION_ERROR"][..],
                401 => &["AUTH_REQUIRED", "AUTH_INVALID"],
                402 => &["INSUFFICIENT_CREDITS"],
                403 => &["FORBIDDEN"],
                404 => &["NOT_FOUND"],
                409 => &["CONFLICT"],
                429 => &["RATE_LIMIT_EXCEEDED"],
                _ => &[],
            };
            assert!(expected.contains(&code), "{method} {path}: {status} {code}");
        }
    }
}

/// What is sent with each operation so that it is about the thing and not about its form. The rest is sent without a body.
pub fn body(operation: &Value) -> Option<Value> {
    Some(match operation["operationId"].as_str()? {
        "login" => json!({"email": "admin@acme.example", "password": "wrong-horse-7"}),
        "refresh" => json!({"refreshToken": "bfr_none"}),
        "register" => json!({"name": "", "email": "", "password": "", "companyName": ""}),
        "resetPassword" => json!({"email": "admin@acme.example"}),
        "createKey" => json!({"name": "x", "scopes": ["read"]}),
        "createCampaign" | "editCampaign" => json!({"name": "Own", "config": {"maxCallsPerDay": 7}}),
        "moveCampaign" => json!({"status": "cancelled"}),
        "allocateNumber" => json!({"didNumber": "+12025550100"}),
        "createAgent" | "editAgent" => {
            json!({"name": "Own", "role": "r", "scripts": {"greeting": "Hi", "main": "Well", "voicemail": "", "closing": ""}})
        }
        "createContact" | "editContact" => json!({"name": "Own", "phone": "+12025550188"}),
        "recordConsent" => json!({"phones": ["+12025550190"], "purpose": "marketing", "standing": "written", "source": "paper",
            "wording": "v1", "evidence": "folder"}),
        "pushLeads" => json!({"leads": [{"name": "Own", "phone": "+12025550186"}]}),
        "pushOrders" => json!({"orders": [{"number": "Own-3", "currency": "USD", "customer": {"phone": "+12025550185"},
            "items": [{"sku": "L", "price": 1.5}]}]}),
        "suppress" => json!({"phone": "+12025550189", "reason": "asked"}),
        "createWebhook" | "editWebhook" => json!({"url": "http://localhost:9/own"}),
        "replayFailed" => json!({"since": "2026-11-22T00:00:00Z"}),
        "unsuppress" => json!({"reason": "asked"}),
        _ => return None,
    })
}

/// The id of ours that a path asks for.
pub fn ours(path: &str, things: &Things) -> String {
    let area = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    match area {
        "campaigns" => things.campaign.to_string(),
        "calls" => things.call.to_string(),
        "agents" => things.agent.to_string(),
        "contacts" => things.contact.to_string(),
        "suppressions" => things.suppression.to_string(),
        "imports" => things.import.to_string(),
        "leads" => things.lead.to_string(),
        "orders" => things.order.to_string(),
        "auth" => things.key.to_string(),
        "webhooks" if path.starts_with("/webhooks/deliveries/") => things.delivery.to_string(),
        "webhooks" => things.endpoint.to_string(),
        other => panic!("no id is known for {other}: add it here"),
    }
}

/// An id of the same kind that nobody has.
fn nobodys(id: &str) -> String {
    let (kind, _) = id.split_once('_').expect("a prefixed id");
    format!("{kind}_{}", "7".repeat(32))
}

pub const OPEN: &[&str] = &["login", "refresh", "register", "resetPassword"];

async fn ask(site: &Site, who: Bearer<'_>, method: &Method, path: &str, id: &str, operation: &Value) -> Answer {
    let path = format!("/api/v1{}", path.replace("{id}", id));
    site.api(who, method.clone(), &path, body(operation).as_ref()).await
}

#[tokio::test]
async fn every_operation_refuses_nobody_and_who_is_not_let_in() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let admin = site.company(&acme).await.actor;
    let things = Things::make(&site, &acme).await;
    let key = site.key(&admin, Scope::ALL).await;
    let pair = tokens::sign_in(&site.world.db, "admin@acme.example", PASSWORD, None, &Default::default()).await.expect("in");
    site.world.require_second_factor(things.company).await;
    let mut judge = Judge::new(&site).await;
    let mut probes = 0;
    for (method, path, operation) in judge.operations() {
        if OPEN.contains(&operation["operationId"].as_str().expect("an id")) {
            continue;
        }
        let id = if path.contains("{id}") { ours(&path, &things) } else { String::new() };
        for (who, status) in [
            (None, StatusCode::UNAUTHORIZED),
            (Some("bfk_made-up"), StatusCode::UNAUTHORIZED),
            (Some(acme.token()), StatusCode::UNAUTHORIZED),
            (Some(pair.refresh.as_str()), StatusCode::UNAUTHORIZED),
            (Some(key.as_str()), StatusCode::FORBIDDEN),
            (Some(pair.access.as_str()), StatusCode::FORBIDDEN),
        ] {
            let answer = ask(&site, who, &method, &path, &id, &operation).await;
            assert_eq!(answer.status, status, "{method} {path} as {who:?}: {}", answer.text());
            judge.judge(&method, &path, &answer);
            probes += 1;
        }
        // A cookie is nobody here.
        let request = acme.request(method.clone(), &format!("/api/v1{path}")).body(Body::empty()).expect("a request");
        assert_eq!(site.send(request).await.status(), StatusCode::UNAUTHORIZED, "{method} {path} by cookie");
    }
    assert!(probes > 200, "{probes}");
}

#[tokio::test]
async fn another_company_is_answered_as_for_a_thing_that_does_not_exist() {
    let site = Site::new().await;
    let (acme, other) = (site.newcomer("acme").await, site.newcomer("other").await);
    let things = Things::make(&site, &acme).await;
    let key = site.key(&site.company(&other).await.actor, Scope::ALL).await;
    let pair = tokens::sign_in(&site.world.db, "admin@other.example", PASSWORD, None, &Default::default()).await.expect("in");
    let mut judge = Judge::new(&site).await;
    let mut about_things = 0;
    for (method, path, operation) in judge.operations() {
        if operation["operationId"] == "logout" {
            continue;
        }
        for who in [key.as_str(), pair.access.as_str()] {
            let id = if path.contains("{id}") { ours(&path, &things) } else { String::new() };
            let answer = ask(&site, Some(who), &method, &path, &id, &operation).await;
            judge.judge(&method, &path, &answer);
            let text = answer.text();
            assert!(!text.contains("Confidential") && !text.contains("12025550143"), "{method} {path} told: {text}");
            if !id.is_empty() {
                let nothing = ask(&site, Some(who), &method, &path, &nobodys(&id), &operation).await;
                assert_eq!((answer.status, text), (nothing.status, nothing.text()), "{method} {path}");
                let no_id = ask(&site, Some(who), &method, &path, "nonsense", &operation).await;
                assert!([answer.status, StatusCode::NOT_FOUND].contains(&no_id.status), "{method} {path}");
                if answer.status == StatusCode::NOT_FOUND {
                    assert_eq!(answer.text(), no_id.text(), "{method} {path}: what is no id is like an id of nothing");
                }
                let expected =
                    if path.starts_with("/auth/") && who == key { StatusCode::FORBIDDEN } else { StatusCode::NOT_FOUND };
                assert_eq!(answer.status, expected, "{method} {path}: {}", answer.text());
                about_things += 1;
            }
        }
    }
    assert!(about_things > 40, "{about_things}");
}

#[tokio::test]
async fn the_owner_is_answered_as_declared_by_every_operation() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let things = Things::make(&site, &acme).await;
    let pair = tokens::sign_in(&site.world.db, "admin@acme.example", PASSWORD, None, &Default::default()).await.expect("in");
    let mut judge = Judge::new(&site).await;
    let mut refused = BTreeSet::new();
    // Reads first: writes change what there is to read.
    let mut operations = judge.operations();
    operations.sort_by_key(|(method, _, _)| (*method != Method::GET, *method == Method::DELETE));
    for (method, path, operation) in operations {
        let id = if path.contains("{id}") { ours(&path, &things) } else { String::new() };
        if operation["operationId"] == "logout" {
            continue;
        }
        let answer = ask(&site, Some(&pair.access), &method, &path, &id, &operation).await;
        judge.judge(&method, &path, &answer);
        if !answer.status.is_success() {
            refused.insert(format!("{} {}", operation["operationId"].as_str().expect("an id"), answer.status.as_u16()));
        }
    }
    // What cannot go well here: wrong passwords, states that do not allow it, a form without its file.
    insta::assert_snapshot!(refused.into_iter().collect::<Vec<_>>().join("\n"));
    let out = site.api(Some(&pair.access), Method::POST, "/api/v1/auth/logout", None).await;
    judge.judge(&Method::POST, "/auth/logout", &out);
    let after = site.api(Some(&pair.access), Method::GET, "/api/v1/auth/profile", None).await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_key_reaches_what_its_scope_names() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let admin = site.company(&acme).await.actor;
    let things = Things::make(&site, &acme).await;
    let mut grid = String::new();
    let mut judge = Judge::new(&site).await;
    for scope in Scope::ALL {
        let key = site.key(&admin, &[*scope]).await;
        let mut open = Vec::new();
        for (method, path, operation) in judge.operations() {
            let name = operation["operationId"].as_str().expect("an id").to_owned();
            if OPEN.contains(&name.as_str()) {
                continue;
            }
            // Of nobody: what is allowed finds nothing, and nothing changes for the next scope.
            let id = if path.contains("{id}") { nobodys(&ours(&path, &things)) } else { String::new() };
            let path_asked = format!("/api/v1{}", path.replace("{id}", &id));
            let sent =
                if id.is_empty() { Some(json!({"name": "", "phone": "", "reason": "", "scopes": []})) } else { body(&operation) };
            let answer = site.api(Some(&key), method.clone(), &path_asked, sent.as_ref()).await;
            judge.judge(&method, &path, &answer);
            if answer.status != StatusCode::FORBIDDEN {
                open.push(name);
            }
        }
        grid.push_str(&format!("{scope}: {}\n", open.join(" ")));
    }
    insta::assert_snapshot!(grid);
}

#[tokio::test]
async fn a_viewer_and_an_operator_may_what_their_role_may() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let things = Things::make(&site, &acme).await;
    let someone = site.company(&acme).await;
    let mut judge = Judge::new(&site).await;
    let mut grid = String::new();
    for role in [Role::Operator, Role::Viewer] {
        // The program of a member: a key made as administrator, whose maker has the smaller role now.
        let deputy = site.world.member(&someone, Role::CompanyAdmin).await;
        let key = site.key(&deputy, Scope::ALL).await;
        services::team::set_role(&site.world.db, &someone.actor, deputy.user_id().expect("a person"), role).await.expect("role");
        let mut open = Vec::new();
        for (method, path, operation) in judge.operations() {
            let name = operation["operationId"].as_str().expect("an id").to_owned();
            if OPEN.contains(&name.as_str()) || method != Method::GET {
                continue;
            }
            let id = if path.contains("{id}") { ours(&path, &things) } else { String::new() };
            let answer = ask(&site, Some(&key), &method, &path, &id, &operation).await;
            judge.judge(&method, &path, &answer);
            if answer.status.is_success() {
                open.push(name);
            }
            assert!(role == Role::Operator || !answer.text().contains("12025550143"), "{path} showed a number to a viewer");
        }
        grid.push_str(&format!("{role}: {}\n", open.join(" ")));
    }
    insta::assert_snapshot!(grid);
}

#[tokio::test]
async fn a_suspended_company_is_shut_for_programs() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let someone = site.company(&acme).await;
    let key = site.key(&someone.actor, Scope::ALL).await;
    let platform = site.world.company("platform").await;
    let boss = site.world.member(&platform, Role::SuperAdmin).await;
    services::clients::suspend(&site.world.db, &boss, someone.company, "unpaid").await.expect("suspended");
    let answer = site.api(Some(&key), Method::GET, "/api/v1/campaigns", None).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.json::<Value>()["error"]["message"], "The company is suspended.");
}

#[tokio::test]
async fn a_program_signs_in_renews_and_is_told_when_it_is_wrong() {
    let site = Site::new().await;
    site.newcomer("acme").await;
    let mut judge = Judge::new(&site).await;
    let login = |password: &str| json!({"email": "admin@acme.example", "password": password});
    let post = async |path: &str, body: Value| site.api(None, Method::POST, &format!("/api/v1{path}"), Some(&body)).await;
    let wrong = post("/auth/login", login("wrong-horse-7")).await;
    judge.judge(&Method::POST, "/auth/login", &wrong);
    assert_eq!((wrong.status, &wrong.json::<Value>()["error"]["code"]), (StatusCode::UNAUTHORIZED, &json!("AUTH_INVALID")));
    let missing = post("/auth/login", json!({"email": "", "password": "x"})).await;
    assert_eq!(
        (missing.status, &missing.json::<Value>()["error"]["details"]["email"]),
        (StatusCode::BAD_REQUEST, &json!("Send it."))
    );
    let right = post("/auth/login", login(PASSWORD)).await;
    judge.judge(&Method::POST, "/auth/login", &right);
    let data = right.json::<Value>()["data"].clone();
    assert_eq!((&data["user"]["email"], &data["expiresIn"]), (&json!("admin@acme.example"), &json!(3600)));
    let profile = site.api(data["token"].as_str(), Method::GET, "/api/v1/auth/profile", None).await;
    judge.judge(&Method::GET, "/auth/profile", &profile);
    assert_eq!(profile.json::<Value>()["data"]["companyName"], "acme");
    let refresh = json!({"refreshToken": data["refreshToken"]});
    let renewed = post("/auth/refresh", refresh.clone()).await;
    judge.judge(&Method::POST, "/auth/refresh", &renewed);
    let again = post("/auth/refresh", refresh).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED, "a refresh token works once");
    let token = renewed.json::<Value>()["data"]["token"].as_str().expect("a token").to_owned();
    let dead = site.api(Some(&token), Method::GET, "/api/v1/auth/profile", None).await;
    assert_eq!(dead.status, StatusCode::UNAUTHORIZED, "and its second use ends the family");
}

#[tokio::test]
async fn the_same_paths_answer_below_both_addresses() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let key = site.key(&site.company(&acme).await.actor, Scope::ALL).await;
    for path in ["/contacts", "/company", "/wallet/balance", "/user/credits"] {
        let new = site.api(Some(&key), Method::GET, &format!("/api/v1{path}"), None).await;
        let old = site.api(Some(&key), Method::GET, &format!("/api{path}"), None).await;
        assert_eq!((new.status, new.text()), (StatusCode::OK, old.text()), "{path}");
    }
}

#[tokio::test]
async fn a_write_that_is_sent_again_is_done_once() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let key = site.key(&site.company(&acme).await.actor, Scope::ALL).await;
    let sam = json!({"name": "Sam", "phone": "+12025550143"});
    let post = async |body: &Value, idempotency: &str| {
        let headers = [("idempotency-key", idempotency)];
        site.api_with(Some(&key), Method::POST, "/api/v1/contacts", Some(body), &headers).await
    };
    let first = post(&sam, "row 7").await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (StatusCode::CREATED, ""));
    let second = post(&sam, "row 7").await;
    assert_eq!((second.status, second.text()), (StatusCode::CREATED, first.text()));
    assert_eq!(second.header("idempotent-replayed"), "true");
    let other = post(&json!({"name": "Sue", "phone": "+12025550144"}), "row 7").await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{}", other.text());
    let taken = post(&sam, "row 8").await;
    assert_eq!(taken.status, StatusCode::BAD_REQUEST, "without the first key it is another write");
    let corrected = post(&json!({"name": "Sue", "phone": "+12025550144"}), "row 8").await;
    assert_eq!(corrected.status, StatusCode::CREATED, "a refused write left no answer behind");
    let all = site.api(Some(&key), Method::GET, "/api/v1/contacts", None).await;
    assert_eq!(all.json::<Value>()["pagination"]["total"], 2);
    let unkeyed = site.api_with(Some(&key), Method::POST, "/api/v1/contacts", Some(&sam), &[("idempotency-key", "")]).await;
    assert_eq!(unkeyed.status, StatusCode::BAD_REQUEST, "an empty key is none");
}

#[tokio::test]
async fn a_key_asks_a_thousand_times_an_hour() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let admin = site.company(&acme).await.actor;
    let (key, other) = (site.key(&admin, &[Scope::Wallet]).await, site.key(&admin, &[Scope::Read]).await);
    let get = async |key: &str| site.api(Some(key), Method::GET, "/api/v1/company", None).await;
    for n in 1..=1_000 {
        let answer = get(&key).await;
        assert_eq!(answer.status, StatusCode::OK, "{n}");
        assert_eq!(answer.header("x-ratelimit-limit"), "1000");
        assert_eq!(answer.header("x-ratelimit-remaining"), (1_000 - n).to_string());
    }
    site.world.clock.advance(chrono::TimeDelta::minutes(20));
    let refused = get(&key).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!((refused.header("retry-after"), refused.header("x-ratelimit-reset")), ("2400", "2400"));
    assert_eq!(refused.json::<Value>()["error"]["code"], "RATE_LIMIT_EXCEEDED");
    assert_eq!(get(&other).await.status, StatusCode::OK, "another key has its own hour");
    site.world.clock.advance(chrono::TimeDelta::minutes(40));
    assert_eq!(get(&key).await.status, StatusCode::OK, "the next hour");
}

#[tokio::test]
async fn bad_input_is_never_our_fault() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let key = site.key(&site.company(&acme).await.actor, Scope::ALL).await;
    let mut judge = Judge::new(&site).await;
    for (method, path, query) in [
        (Method::GET, "/contacts", "?page=x"),
        (Method::GET, "/contacts", "?page=99999999999"),
        (Method::GET, "/contacts", "?search=%00"),
        (Method::GET, "/calls", "?dateFrom=0001-01-01"),
        (Method::GET, "/calls", "?dateFrom=2026-13-01"),
        (Method::GET, "/calls", "?status=lost"),
        (Method::GET, "/calls", "?filter=last8"),
        (Method::GET, "/calls", "?campaignId=x"),
        (Method::GET, "/campaigns", "?type=both"),
        (Method::GET, "/campaigns", "?status=x"),
        (Method::GET, "/dashboard/overview", "?range=custom"),
        (Method::GET, "/dashboard/overview", "?range=custom&startDate=2026-02-02&endDate=2026-02-01"),
    ] {
        let answer = site.api(Some(&key), method.clone(), &format!("/api/v1{path}{query}"), None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}{query}: {}", answer.text());
        judge.judge(&method, path, &answer);
    }
    for body in [
        json!([]),
        json!("x"),
        json!({"name": 7}),
        json!({"name": "a\u{0}b", "phone": "+12025550143"}),
        json!({"name": "a", "phone": "x".repeat(1_000_000)}),
        json!({"name": "a".repeat(2_000_000)}),
    ] {
        let answer = site.api(Some(&key), Method::POST, "/api/v1/contacts", Some(&body)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
        judge.judge(&Method::POST, "/contacts", &answer);
    }
    for body in [
        json!({"name": "x", "budget": 0.0001}),
        json!({"name": "x", "concurrencyMax": 99_999_999_999_i64}),
        json!({"name": "x", "startDate": "999999-01-01"}),
        json!({"name": "x", "callSchedule": {"enabled": true, "startTime": "25:00", "endTime": "26:00"}}),
        json!({"name": "x", "agentId": "agt_1"}),
        json!({"name": "x", "voiceAgentSettings": {"agentName": "Nobody"}}),
        json!({"name": "x", "audience": {"segment": "a", "importId": "b"}}),
    ] {
        let answer = site.api(Some(&key), Method::POST, "/api/v1/campaigns", Some(&body)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {}", answer.text());
    }
    let nowhere = site.api(Some(&key), Method::GET, "/api/v1/nowhere", None).await;
    assert_eq!((nowhere.status, &nowhere.json::<Value>()["error"]["code"]), (StatusCode::NOT_FOUND, &json!("NOT_FOUND")));
    let method = site.api(Some(&key), Method::PATCH, "/api/v1/contacts", None).await;
    assert_eq!(method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(method.json::<Value>()["error"]["code"], "METHOD_NOT_ALLOWED");
    let absent = site.api(Some(&key), Method::GET, "/api/v1/projects", None).await;
    assert_eq!(
        (absent.status, &absent.json::<Value>()["error"]["code"]),
        (StatusCode::NOT_IMPLEMENTED, &json!("NOT_IMPLEMENTED"))
    );
    assert_eq!(site.api(None, Method::GET, "/api/v1/projects", None).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_campaign_goes_its_way_by_rest() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let things = Things::make(&site, &acme).await;
    let key = site.key(&site.company(&acme).await.actor, Scope::ALL).await;
    let send = async |method: Method, path: &str, body: Value| {
        let answer = site.api(Some(&key), method, &format!("/api/v1{path}"), Some(&body)).await;
        (answer.status, answer.json::<Value>()["data"].clone(), answer.text())
    };
    let config = json!({"maxCallsPerDay": 50, "endDate": "2027-01-31",
        "callSchedule": {"enabled": true, "startTime": "09:00", "endTime": "17:30", "daysOfWeek": ["monday", "friday"]}});
    let body = json!({"name": "Spring", "campaignType": "outgoing", "agentId": things.agent.to_string(), "audience": {}, "budget": 2.5,
        "config": config});
    let (status, made, text) = send(Method::POST, "/campaigns", body).await;
    assert_eq!(status, StatusCode::CREATED, "{text}");
    assert_eq!(
        (&made["status"], &made["budget"], &made["config"]["endDate"]),
        (&json!("draft"), &json!(2.5), &json!("2027-01-31"))
    );
    assert_eq!(made["config"]["callSchedule"], config["callSchedule"]);
    let path = format!("/campaigns/{}", made["id"].as_str().expect("an id"));
    let (status, flat, text) = send(Method::PUT, &path, json!({"description": "For the fair", "maxCallsPerDay": 60})).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    assert_eq!((&flat["name"], &flat["config"]["maxCallsPerDay"]), (&json!("Spring"), &json!(60)), "what is left out stays");
    for (to, status) in [("active", "active"), ("paused", "paused"), ("active", "active"), ("cancelled", "cancelled")] {
        let (code, now, text) = send(Method::PATCH, &format!("{path}/status"), json!({"status": to})).await;
        assert_eq!((code, &now["status"]), (StatusCode::OK, &json!(status)), "{to}: {text}");
    }
    let (code, _, text) = send(Method::PATCH, &format!("{path}/status"), json!({"status": "active"})).await;
    assert_eq!(code, StatusCode::CONFLICT, "{text}");
    let listed = site.api(Some(&key), Method::GET, "/api/v1/campaigns?type=outgoing&search=spring&limit=1", None).await;
    assert_eq!(listed.json::<Value>()["data"][0]["id"], made["id"]);
    let none = site.api(Some(&key), Method::GET, "/api/v1/campaigns?type=incoming", None).await;
    assert_eq!(none.json::<Value>()["pagination"]["total"], 0);
}

#[tokio::test]
async fn the_reference_is_there_for_people_and_programs_and_needs_nothing_from_elsewhere() {
    let site = Site::new().await;
    let page = site.visit(&Browser::default(), "/api/v1/reference").await;
    assert_eq!(page.status, StatusCode::OK);
    let text = page.text();
    assert!(!text.contains("<script") && !text.contains("src=") && !text.contains("=\"https://"), "it loads nothing");
    let judge = Judge::new(&site).await;
    let mut ids = BTreeSet::new();
    for (method, path, operation) in judge.operations() {
        assert!(text.contains(&format!("/api/v1{path}")), "{method} {path} is on the page");
        assert!(operation["summary"].as_str().is_some_and(|s| !s.is_empty()), "{method} {path} says what it does");
        assert!(ids.insert(operation["operationId"].as_str().expect("an id").to_owned()), "{method} {path} has an id of its own");
    }
}
