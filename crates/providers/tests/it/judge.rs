//! A judge: does an exchange keep to the OpenAPI slice in `src/twilio/fixtures/openapi.json`?
//! Stricter than Twilio: a field that the specification does not name is a violation, in both directions.

use chrono::DateTime;
use serde_json::{Map, Value};

use super::support::Exchange;

const SPEC: &str = include_str!("../../src/twilio/fixtures/openapi.json");
const FORM: &str = "application/x-www-form-urlencoded";

/// The specification.
pub struct Spec(Value);

impl Spec {
    pub fn load() -> Self {
        Self(serde_json::from_str(SPEC).expect("the fixture is JSON"))
    }

    /// Everything wrong with an exchange.
    pub fn violations(&self, exchange: &Exchange) -> Vec<String> {
        let mut wrong = Vec::new();
        let Some((operation, sids)) = self.operation(&exchange.method, &exchange.path) else {
            return vec![format!("{} {} is not in the specification", exchange.method, exchange.path)];
        };
        for sid in sids.iter().filter(|sid| !is_sid(sid)) {
            wrong.push(format!("{sid} in the path is no SID"));
        }
        self.check_query(operation, exchange, &mut wrong);
        self.check_form(operation, exchange, &mut wrong);
        self.check_answer(operation, exchange, &mut wrong);
        wrong.into_iter().map(|why| format!("{} {}: {why}", exchange.method, exchange.path)).collect()
    }

    fn operation<'a>(&'a self, method: &str, path: &str) -> Option<(&'a Value, Vec<String>)> {
        let path = path.strip_suffix(".json")?;
        let matching = |template: &str| -> Option<Vec<String>> {
            let template = template.strip_suffix(".json")?;
            let (wanted, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
            let fits = |(want, have): (&&str, &&str)| want == have || (want.starts_with('{') && !have.contains('.'));
            if wanted.len() != given.len() || !wanted.iter().zip(&given).all(fits) {
                return None;
            }
            Some(
                wanted.iter().zip(&given).filter(|(want, _)| want.starts_with('{')).map(|(_, have)| (*have).to_owned()).collect(),
            )
        };
        let paths = self.0["paths"].as_object().expect("paths");
        paths.iter().find_map(|(template, operations)| {
            let sids = matching(template)?;
            Some((operations.get(method.to_lowercase())?, sids))
        })
    }

    fn check_query(&self, operation: &Value, exchange: &Exchange, wrong: &mut Vec<String>) {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        for (name, value) in &exchange.query {
            match parameters.iter().find(|parameter| parameter["in"] == "query" && parameter["name"] == name.as_str()) {
                Some(parameter) => self.check_text(name, value, &parameter["schema"], wrong),
                None => wrong.push(format!("unknown query parameter {name}")),
            }
        }
    }

    fn check_form(&self, operation: &Value, exchange: &Exchange, wrong: &mut Vec<String>) {
        let schema = &operation["requestBody"]["content"][FORM]["schema"];
        let Some(properties) = schema["properties"].as_object() else {
            if !exchange.form.is_empty() {
                wrong.push("a body where none is expected".into());
            }
            return;
        };
        if !exchange.content_type.starts_with(FORM) {
            wrong.push(format!("the body is {:?}, not a form", exchange.content_type));
        }
        for (name, value) in &exchange.form {
            let Some(property) = properties.get(name) else {
                wrong.push(format!("unknown field {name}"));
                continue;
            };
            let many = exchange.form.iter().filter(|(other, _)| other == name).count() > 1;
            match property["type"].as_str() {
                Some("array") => self.check_text(name, value, &property["items"], wrong),
                _ if many => wrong.push(format!("{name} is repeated and is no array")),
                _ => self.check_text(name, value, property, wrong),
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !exchange.form.iter().any(|(given, value)| given == name && !value.is_empty()) {
                wrong.push(format!("{name} is missing"));
            }
        }
    }

    /// A value in a form or query, where everything is text.
    fn check_text(&self, name: &str, text: &str, schema: &Value, wrong: &mut Vec<String>) {
        let schema = self.resolve(schema);
        let fine = match schema["type"].as_str() {
            Some("integer") => text.parse::<i64>().is_ok_and(|number| within(number, schema)),
            Some("boolean") => matches!(text, "true" | "false"),
            _ => fits_text(text, schema) && fits_form_format(text, schema),
        };
        if !fine {
            wrong.push(format!("{name}={text:?} does not fit {schema}"));
        }
    }

    fn check_answer(&self, operation: &Value, exchange: &Exchange, wrong: &mut Vec<String>) {
        if exchange.status >= 400 {
            let number = |key: &str| exchange.answer[key].is_u64();
            let text = |key: &str| exchange.answer[key].is_string();
            if !(number("code") && text("message") && text("more_info") && exchange.answer["status"] == exchange.status) {
                wrong.push(format!("{} is no Twilio error: {}", exchange.status, exchange.answer));
            }
            return;
        }
        match operation["responses"].get(exchange.status.to_string()) {
            None => wrong.push(format!("status {} is not in the specification", exchange.status)),
            Some(response) => match response["content"]["application/json"].get("schema") {
                Some(schema) => self.check_json("answer", &exchange.answer, schema, wrong),
                None if exchange.answer.is_null() => {}
                None => wrong.push("an answer where none is expected".into()),
            },
        }
    }

    fn check_json(&self, at: &str, value: &Value, schema: &Value, wrong: &mut Vec<String>) {
        let schema = self.resolve(schema);
        if value.is_null() {
            if schema["nullable"] != true {
                wrong.push(format!("{at} is null"));
            }
            return;
        }
        let fine = match schema["type"].as_str() {
            Some("object") => value.as_object().is_some_and(|object| self.check_object(at, object, schema, wrong)),
            Some("array") => value.as_array().is_some_and(|items| {
                for (n, item) in items.iter().enumerate() {
                    self.check_json(&format!("{at}[{n}]"), item, &schema["items"], wrong);
                }
                true
            }),
            Some("integer") => value.as_i64().is_some_and(|number| within(number, schema)),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            _ => value.as_str().is_some_and(|text| fits_text(text, schema)),
        };
        if !fine {
            wrong.push(format!("{at} = {value} does not fit {schema}"));
        }
    }

    fn check_object(&self, at: &str, object: &Map<String, Value>, schema: &Value, wrong: &mut Vec<String>) -> bool {
        let Some(properties) = schema["properties"].as_object() else { return true };
        for (name, value) in object {
            match properties.get(name) {
                Some(property) => self.check_json(&format!("{at}.{name}"), value, property, wrong),
                None => wrong.push(format!("{at}.{name} is not in the specification")),
            }
        }
        true
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => {
                let name = reference.rsplit('/').next().expect("a reference has parts");
                &self.0["components"]["schemas"][name]
            }
            None => schema,
        }
    }
}

fn within(number: i64, schema: &Value) -> bool {
    schema["minimum"].as_i64().is_none_or(|low| number >= low) && schema["maximum"].as_i64().is_none_or(|high| number <= high)
}

fn fits_text(text: &str, schema: &Value) -> bool {
    let listed = schema["enum"].as_array().is_none_or(|words| words.iter().any(|word| word == text));
    let shaped = schema["pattern"].as_str().is_none_or(|pattern| {
        // Every pattern of the slice is that of a SID.
        let prefix = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix("[0-9a-fA-F]{32}$")).expect("a SID's pattern");
        text.starts_with(prefix) && is_sid(text)
    });
    let dated = schema["format"] != "date-time-rfc-2822" || DateTime::parse_from_rfc2822(text).is_ok();
    listed && shaped && dated
}

/// Formats of what we send. Answers are looser: their URIs are relative.
fn fits_form_format(text: &str, schema: &Value) -> bool {
    match schema["format"].as_str() {
        Some("uri") => url::Url::parse(text).is_ok(),
        Some("date-time") => DateTime::parse_from_rfc3339(text).is_ok(),
        Some("phone-number" | "endpoint") => model::phone::Phone::parse(text).is_ok(),
        Some("http-method") => matches!(text, "GET" | "POST"),
        Some("twiml") => text.contains("<Response>"),
        _ => true,
    }
}

fn is_sid(text: &str) -> bool {
    text.len() == 34
        && text[..2].bytes().all(|byte| byte.is_ascii_uppercase())
        && text[2..].bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[test]
fn the_judge_sees_what_is_wrong() {
    let spec = Spec::load();
    let fine = Exchange {
        method: "POST".into(),
        path: "/2010-04-01/Accounts/AC00000000000000000000000000000001/Calls.json".into(),
        content_type: FORM.into(),
        form: vec![("To".into(), "+14155550123".into()), ("From".into(), "+14155550124".into()), ("Timeout".into(), "30".into())],
        status: 201,
        answer: serde_json::json!({ "sid": "CA00000000000000000000000000000001", "status": "queued" }),
        ..Exchange::default()
    };
    assert_eq!(spec.violations(&fine), Vec::<String>::new());
    let broken: &[fn(&mut Exchange)] = &[
        |x| x.path = "/2010-04-01/Accounts/AC1/Calls.json".into(),
        |x| x.path = "/2010-04-01/Calls.json".into(),
        |x| x.method = "PUT".into(),
        |x| x.content_type = "application/json".into(),
        |x| x.query.push(("Colour".into(), "red".into())),
        |x| x.form.retain(|(name, _)| name != "To"),
        |x| x.form.push(("Colour".into(), "red".into())),
        |x| x.form.push(("Timeout".into(), "31".into())),
        |x| x.form.push(("Method".into(), "PUT".into())),
        |x| x.form.push(("TimeLimit".into(), "soon".into())),
        |x| x.form.push(("Record".into(), "yes".into())),
        |x| x.form.push(("StatusCallback".into(), "/hook".into())),
        |x| x.status = 200,
        |x| x.status = 500,
        |x| x.answer["sid"] = "CA1".into(),
        |x| x.answer["status"] = "initiated".into(),
        |x| x.answer["status"] = Value::Null,
        |x| x.answer["duration"] = 7.into(),
        |x| x.answer["start_time"] = "2026-11-21".into(),
        |x| x.answer["colour"] = "red".into(),
    ];
    for (n, break_it) in broken.iter().enumerate() {
        let mut exchange = fine.clone();
        break_it(&mut exchange);
        assert!(!spec.violations(&exchange).is_empty(), "case {n} went unseen");
    }
}
