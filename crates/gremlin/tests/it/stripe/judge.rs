//! Does an answer keep to the slice of Stripe's specification beside this file? Stricter than Stripe: a property that nobody
//! named is a violation.

use std::{collections::HashMap, sync::Mutex};

use jsonschema::{Draft, Validator};
use reqwest::StatusCode;
use serde_json::{Map, Value, json};

pub struct Judge {
    document: Value,
    schemas: Value,
    compiled: Mutex<HashMap<String, &'static Validator>>,
}

impl Judge {
    pub fn new() -> Self {
        let document: Value = serde_json::from_str(include_str!("openapi.json")).expect("the slice is JSON");
        let schemas = document["components"]["schemas"].as_object().expect("schemas");
        let schemas = schemas.iter().map(|(name, schema)| (name.clone(), strict(schema))).collect::<Map<_, _>>().into();
        Self { document, schemas, compiled: Mutex::default() }
    }

    /// What is wrong with an answer.
    pub fn violations(&self, method: &str, path: &str, status: StatusCode, body: &Value) -> Vec<String> {
        let Some((template, operation)) = self.operation(method, path) else { return vec!["is not in the specification".into()] };
        let responses = &operation["responses"];
        let (which, response) = match &responses[status.as_str()] {
            Value::Null => ("default", &responses["default"]),
            exact => (status.as_str(), exact),
        };
        let schema = &response["content"]["application/json"]["schema"];
        let mut compiled = self.compiled.lock().expect("nobody panics with it");
        let validator =
            compiled.entry(format!("{method} {template} {which}")).or_insert_with(|| Box::leak(Box::new(self.compile(schema))));
        validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// The most literal template.
    fn operation(&self, method: &str, path: &str) -> Option<(&String, &Value)> {
        let fits = |template: &str| {
            let (a, b): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a == b || a.starts_with('{'))
        };
        let all = self.document["paths"].as_object().expect("paths").iter();
        let fitting = all.filter(|(template, item)| fits(template) && item[method.to_lowercase()].is_object());
        fitting
            .min_by_key(|(template, _)| template.matches('{').count())
            .map(|(template, item)| (template, &item[method.to_lowercase()]))
    }

    fn compile(&self, schema: &Value) -> Validator {
        let mut root = strict(schema);
        root["components"] = json!({ "schemas": self.schemas });
        jsonschema::options().with_draft(Draft::Draft202012).should_ignore_unknown_formats(true).build(&root).expect("a schema")
    }
}

/// From OpenAPI 3.0 to JSON Schema, without room for what nobody named. Stripe puts no schemas together of parts (`allOf`).
fn strict(schema: &Value) -> Value {
    let fields = match schema {
        Value::Array(all) => return all.iter().map(strict).collect(),
        Value::Object(fields) => fields,
        other => return other.clone(),
    };
    let mut made = Map::new();
    for (name, value) in fields {
        match name.as_str() {
            "nullable" => {}
            "properties" => {
                let properties = value.as_object().expect("properties").iter();
                made.insert(
                    name.clone(),
                    properties.map(|(name, one)| (name.clone(), strict(one))).collect::<Map<_, _>>().into(),
                );
            }
            "enum" | "required" => drop(made.insert(name.clone(), value.clone())),
            _ => drop(made.insert(name.clone(), strict(value))),
        }
    }
    let names_some = fields.get("properties").and_then(Value::as_object).is_some_and(|properties| !properties.is_empty());
    if names_some && !made.contains_key("additionalProperties") {
        made.insert("additionalProperties".to_owned(), false.into());
    }
    let made = Value::Object(made);
    if fields.get("nullable") == Some(&Value::Bool(true)) { json!({ "anyOf": [made, { "type": "null" }] }) } else { made }
}

#[test]
fn the_judge_is_strict() {
    let judge = Judge::new();
    let good = json!({ "id": "cus_1", "object": "customer", "created": 1, "livemode": false, "email": null, "metadata": {} });
    let wrong = |body: &Value| judge.violations("GET", "/v1/customers/cus_1", StatusCode::OK, body);
    assert_eq!(wrong(&good), Vec::<String>::new());
    for (name, value) in [("colour", json!("red")), ("email", json!(7)), ("created", json!(null)), ("object", json!("refund"))] {
        let mut bad = good.clone();
        bad[name] = value;
        assert!(!wrong(&bad).is_empty(), "{name}");
    }
    let error = json!({ "error": { "type": "card_error", "message": "No." } });
    assert!(judge.violations("POST", "/v1/refunds", StatusCode::PAYMENT_REQUIRED, &error).is_empty());
    assert!(!judge.violations("POST", "/v1/refunds", StatusCode::OK, &error).is_empty());
    assert!(!judge.violations("GET", "/v1/unicorns", StatusCode::OK, &good).is_empty());
}
