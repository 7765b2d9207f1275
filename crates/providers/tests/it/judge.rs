//! A judge: does an exchange keep to the slice of the provider's OpenAPI file in `src/<provider>/fixtures/openapi.json`?
//! Stricter than the provider: what the specification does not name is a violation, in both directions.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::{schema, support::Exchange};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const MULTIPART: &str = "multipart/form-data";

/// A specification, with its schemas made strict.
pub struct Spec {
    document: Value,
    components: Value,
    compiled: Mutex<HashMap<String, &'static Validator>>,
}

/// An operation that an exchange is one of.
struct Matched<'a> {
    /// For the cache.
    name: String,
    operation: &'a Value,
    parameters: Vec<&'a Value>,
    in_path: Vec<(String, String)>,
}

impl Spec {
    pub fn new(text: &str) -> Self {
        let document: Value = serde_json::from_str(text).expect("the fixture is JSON");
        let components = schema::strict_components(&document);
        Self { document, components, compiled: Mutex::default() }
    }

    /// Everything wrong with an exchange. `is_error` knows the errors that the specification leaves out.
    pub fn violations(&self, exchange: &Exchange, is_error: &dyn Fn(&Exchange) -> bool) -> Vec<String> {
        let mut wrong = Vec::new();
        match self.matching(exchange) {
            None => wrong.push("is not in the specification".to_owned()),
            Some(matched) => {
                self.check_parameters(&matched, exchange, &mut wrong);
                self.check_body(&matched, exchange, &mut wrong);
                self.check_answer(&matched, exchange, is_error, &mut wrong);
            }
        }
        wrong.into_iter().map(|why| format!("{} {}: {why}", exchange.method, exchange.path)).collect()
    }

    /// The most literal template wins, as the standard says.
    fn matching(&self, exchange: &Exchange) -> Option<Matched<'_>> {
        let paths = self.document["paths"].as_object().expect("paths");
        let mut best: Option<Matched<'_>> = None;
        for (template, item) in paths {
            let (Some(in_path), Some(operation)) =
                (variables(template, &exchange.path), item.get(exchange.method.to_lowercase()))
            else {
                continue;
            };
            if best.as_ref().is_none_or(|known| in_path.len() < known.in_path.len()) {
                let both = [&item["parameters"], &operation["parameters"]];
                let parameters = both.into_iter().filter_map(Value::as_array).flatten().map(|one| self.resolve(one)).collect();
                best = Some(Matched { name: format!("{} {template}", exchange.method), operation, parameters, in_path });
            }
        }
        best
    }

    fn check_parameters(&self, matched: &Matched<'_>, exchange: &Exchange, wrong: &mut Vec<String>) {
        let given = |place: &str| match place {
            "path" => matched.in_path.clone(),
            "query" => exchange.query.clone(),
            _ => exchange.headers.clone(),
        };
        for place in ["path", "query", "header"] {
            let given = given(place);
            let named = |name: &str| {
                let same = |one: &Value| {
                    if place == "header" {
                        one["name"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name))
                    } else {
                        one["name"] == name
                    }
                };
                matched.parameters.iter().find(|one| one["in"] == place && same(one)).copied()
            };
            for (name, value) in &given {
                match named(name) {
                    Some(parameter) => {
                        let about = format!("{} {place} {name}", matched.name);
                        let typed = self.typed(value, &parameter["schema"]);
                        self.check(&about, &typed, &parameter["schema"], true, wrong);
                    }
                    // Every request has headers that no specification names.
                    None if place == "header" => {}
                    None => wrong.push(format!("unknown {place} parameter {name}")),
                }
            }
            for parameter in matched.parameters.iter().filter(|one| one["in"] == place && one["required"] == true) {
                let name = parameter["name"].as_str().expect("a name");
                if !given.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)) {
                    wrong.push(format!("{place} parameter {name} is missing"));
                }
            }
        }
    }

    fn check_body(&self, matched: &Matched<'_>, exchange: &Exchange, wrong: &mut Vec<String>) {
        let body = self.resolve(&matched.operation["requestBody"]);
        let Some(content) = body["content"].as_object() else {
            if !exchange.body.is_empty() {
                wrong.push("a body where none is expected".into());
            }
            return;
        };
        if exchange.body.is_empty() && body["required"] != true {
            return;
        }
        let kind = exchange.content_type.split(';').next().unwrap_or_default().trim();
        let Some(media) = content.get(kind) else {
            wrong.push(format!("the body is {kind:?}, not one of {:?}", content.keys().collect::<Vec<_>>()));
            return;
        };
        let schema = &media["schema"];
        let value = match kind {
            JSON => match serde_json::from_slice(&exchange.body) {
                Ok(value) => value,
                Err(why) => return wrong.push(format!("the body is no JSON: {why}")),
            },
            FORM => self.object(&exchange.form, schema, wrong),
            MULTIPART => self.object(&parts(exchange), schema, wrong),
            other => return wrong.push(format!("the judge cannot read {other}")),
        };
        self.check(&format!("{} body", matched.name), &value, schema, true, wrong);
    }

    fn check_answer(
        &self,
        matched: &Matched<'_>,
        exchange: &Exchange,
        is_error: &dyn Fn(&Exchange) -> bool,
        wrong: &mut Vec<String>,
    ) {
        let responses = &matched.operation["responses"];
        let status = exchange.status.to_string();
        let ranged = format!("{}XX", &status[..1]);
        let Some(response) = responses.get(&status).or_else(|| responses.get(&ranged)) else {
            if exchange.status < 400 {
                wrong.push(format!("status {status} is not in the specification"));
            } else if !is_error(exchange) {
                wrong.push(format!("{status} is no error of this provider: {}", exchange.answer));
            }
            return;
        };
        let response = self.resolve(response);
        match response["content"].as_object().filter(|content| !content.is_empty()) {
            None if exchange.answer.is_null() => {}
            None => wrong.push("an answer where none is expected".into()),
            Some(content) => match content.get(JSON) {
                Some(media) if exchange.answer_is_json => {
                    let about = format!("{} answer {status}", matched.name);
                    self.check(&about, &exchange.answer, &media["schema"], false, wrong);
                }
                Some(_) => wrong.push("the answer is no JSON".into()),
                None => {}
            },
        }
    }

    /// `about` names the schema: it is compiled once.
    fn check(&self, about: &str, value: &Value, schema: &Value, is_request: bool, wrong: &mut Vec<String>) {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = *compiled.entry(about.to_owned()).or_insert_with(|| {
            // Lives as long as the test's process; there are some dozens.
            Box::leak(Box::new(schema::compile(schema, &self.components, is_request)))
        });
        drop(compiled);
        for error in validator.iter_errors(value) {
            wrong.push(format!("{about}{}: {error}", error.instance_path()));
        }
    }

    /// A form as the object that its schema describes: repeated keys are arrays, numbers are numbers.
    fn object(&self, pairs: &[(String, String)], schema: &Value, wrong: &mut Vec<String>) -> Value {
        let schema = self.resolve(schema);
        let mut object = Map::new();
        for (name, text) in pairs {
            let property = self.resolve(&schema["properties"][name]);
            if property["type"] == "array" {
                let item = self.typed(text, &property["items"]);
                // A multipart form carries some arrays whole, as JSON.
                let whole = serde_json::from_str::<Value>(text).ok().filter(Value::is_array);
                match (object.get_mut(name), whole) {
                    (_, Some(whole)) => drop(object.insert(name.clone(), whole)),
                    (Some(Value::Array(items)), None) => items.push(item),
                    (_, None) => drop(object.insert(name.clone(), json!([item]))),
                }
            } else if object.insert(name.clone(), self.typed(text, property)).is_some() {
                wrong.push(format!("{name} is repeated and is no array"));
            }
        }
        Value::Object(object)
    }

    /// A text of a form or query as what its schema says it is; as a text where it is none.
    fn typed(&self, text: &str, schema: &Value) -> Value {
        let schema = self.resolve(schema);
        let wants = |kind: &str| {
            let own = schema["type"] == kind;
            let any = ["anyOf", "oneOf"].iter().filter_map(|key| schema[*key].as_array()).flatten();
            own || any.into_iter().any(|one| self.resolve(one)["type"] == kind)
        };
        let read = serde_json::from_str::<Value>(text).ok();
        match read {
            Some(number) if number.is_i64() && (wants("integer") || wants("number")) => number,
            Some(number) if number.is_number() && wants("number") => number,
            Some(value) if value.is_boolean() && wants("boolean") => value,
            Some(value) if value.is_object() && wants("object") => value,
            _ => Value::String(text.to_owned()),
        }
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')).expect("a reference into the document"),
            None => value,
        }
    }
}

/// What the variables of a template are in this path, if it is one of its paths. A variable does not span a slash.
fn variables(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (wanted, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    if wanted.len() != given.len() {
        return None;
    }
    let mut found = Vec::new();
    for (want, have) in wanted.into_iter().zip(given) {
        let Some((before, rest)) = want.split_once('{') else {
            if want == have {
                continue;
            }
            return None;
        };
        let (name, after) = rest.split_once('}').expect("a variable ends");
        let value = have.strip_prefix(before)?.strip_suffix(after)?;
        let decoded = url::form_urlencoded::parse(format!("v={}", value.replace('+', "%2B")).as_bytes()).next()?.1.into_owned();
        if decoded.is_empty() || (after.is_empty() && template.ends_with(".json") && decoded.contains('.')) {
            return None;
        }
        found.push((name.to_owned(), decoded));
    }
    Some(found)
}

/// Names and texts of a multipart body; the bytes of a file stand for themselves as far as they are text.
fn parts(exchange: &Exchange) -> Vec<(String, String)> {
    let Some((_, boundary)) = exchange.content_type.split_once("boundary=") else { return Vec::new() };
    let text = String::from_utf8_lossy(&exchange.body);
    let delimiter = format!("--{}", boundary.trim_matches('"'));
    let read = |part: &str| {
        let (head, content) = part.split_once("\r\n\r\n")?;
        let name = head.split("name=\"").nth(1)?.split('"').next()?;
        Some((name.to_owned(), content.strip_suffix("\r\n").unwrap_or(content).to_owned()))
    };
    text.split(delimiter.as_str()).filter_map(read).collect()
}

#[test]
fn a_path_is_read_by_its_template() {
    let found = |template, path| variables(template, path).map(|all| all.into_iter().map(|(_, value)| value).collect::<Vec<_>>());
    assert_eq!(found("/a/{x}/b", "/a/1/b"), Some(vec!["1".to_owned()]));
    assert_eq!(found("/n/{phone}", "/n/%2B14155550100"), Some(vec!["+14155550100".to_owned()]));
    assert_eq!(found("/Calls/{Sid}.json", "/Calls/CA1.json"), Some(vec!["CA1".to_owned()]));
    for (template, path) in [
        ("/a/{x}", "/a"),
        ("/a/{x}", "/a/"),
        ("/a/{x}", "/a/1/b"),
        ("/a/{x}.json", "/a/1"),
        ("/a/{x}/c.json", "/a/1.json/c.json"),
    ] {
        assert_eq!(found(template, path), None, "{template} {path}");
    }
}
