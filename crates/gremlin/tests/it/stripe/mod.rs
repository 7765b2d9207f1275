//! gremlin as Stripe: every answer is held against Stripe's specification.

mod checkout;
mod customers;
mod events;
mod intents;
mod judge;
mod requests;

use gremlin::{Settings, TOKEN_SECRET, stripe_key_for};
use reqwest::{RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::Value;

use super::support::{Ear, World};
use judge::Judge;

pub struct Stripe {
    pub world: World,
    key: String,
    judge: Judge,
}

impl Stripe {
    pub async fn new() -> Self {
        Self::at(Settings::default()).await
    }

    pub async fn at(settings: Settings) -> Self {
        Self { world: World::new(settings).await, key: stripe_key_for(TOKEN_SECRET, "acme"), judge: Judge::new() }
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        self.world.client.request(method, format!("{}{path}", self.world.url)).bearer_auth(&self.key)
    }

    /// Sends it and holds the answer against the specification.
    pub async fn send(&self, request: RequestBuilder) -> (StatusCode, Value, HeaderMap) {
        let request = request.build().expect("a request");
        let (method, path) = (request.method().to_string(), request.url().path().to_owned());
        let response = self.world.client.execute(request).await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let body: Value = response.json().await.expect("JSON");
        let wrong = self.judge.violations(&method, &path, status, &body);
        assert!(wrong.is_empty(), "{method} {path}: {wrong:#?}\n{body:#}");
        (status, body, headers)
    }

    pub async fn ask(&self, method: &str, path: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let request = self.request(method, path);
        let request = if method == "POST" { request.form(form) } else { request.query(form) };
        let (status, body, _) = self.send(request).await;
        (status, body)
    }

    /// What must succeed.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let (status, body) = self.ask("POST", path, form).await;
        assert_eq!(status, StatusCode::OK, "{body:#}");
        body
    }

    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let (status, body) = self.ask("GET", path, query).await;
        assert_eq!(status, StatusCode::OK, "{body:#}");
        body
    }

    /// What must not: the error.
    pub async fn refused(&self, path: &str, form: &[(&str, &str)], status: u16) -> Value {
        let (answered, body) = self.ask("POST", path, form).await;
        assert_eq!(answered.as_u16(), status, "{body:#}");
        body["error"].clone()
    }

    pub async fn customer(&self) -> String {
        id(&self.post("/v1/customers", &[("email", "zoe@example.com"), ("name", "Zoë مرحبا")]).await)
    }

    /// An endpoint for all events at this ear, and its secret.
    pub async fn listens(&self, ear: &Ear) -> (String, String) {
        let endpoint = self.post("/v1/webhook_endpoints", &[("url", &ear.url), ("enabled_events[]", "*")]).await;
        (id(&endpoint), endpoint["secret"].as_str().expect("a secret").to_owned())
    }

    /// The types of all events so far, oldest first.
    pub async fn told(&self) -> Vec<String> {
        let events = self.get("/v1/events", &[("limit", "100")]).await;
        let events = events["data"].as_array().expect("events").iter().rev();
        events.map(|event| event["type"].as_str().expect("a type").to_owned()).collect()
    }
}

pub fn id(thing: &Value) -> String {
    thing["id"].as_str().unwrap_or_else(|| panic!("no id: {thing:#}")).to_owned()
}

pub fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().expect("data").iter().map(id).collect()
}

/// A checkout of two lines, for 30.00 dollars.
pub const CHECKOUT: [(&str, &str); 11] = [
    ("mode", "payment"),
    ("success_url", "https://shop.example/done?session={CHECKOUT_SESSION_ID}"),
    ("cancel_url", "https://shop.example/back"),
    ("line_items[0][quantity]", "2"),
    ("line_items[0][price_data][currency]", "USD"),
    ("line_items[0][price_data][unit_amount]", "1000"),
    ("line_items[0][price_data][product_data][name]", "Credits & مرحبا"),
    ("line_items[1][quantity]", "1"),
    ("line_items[1][price_data][currency]", "usd"),
    ("line_items[1][price_data][unit_amount]", "1000"),
    ("line_items[1][price_data][product_data][name]", "Setting up"),
];
