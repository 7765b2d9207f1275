//! From OpenAPI 3.0 and 3.1 to JSON Schema, made strict: an object may have no property that nobody named. That is said where a
//! schema is used, not where it is defined, because a definition may be one part of several (`allOf`).

use chrono::DateTime;
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// Keywords under which a schema is one part of the one around it.
const PARTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Keywords under which schemas are kept by name.
const NAMED: [&str; 3] = ["properties", "patternProperties", "$defs"];

/// The components of a specification, as the schemas refer to them.
pub fn strict_components(document: &Value) -> Value {
    let schemas = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let strict: Map<String, Value> = schemas.into_iter().map(|(name, schema)| (name, part(&schema))).collect();
    json!({ "schemas": strict })
}

/// A validator for one use of a schema. Formats of what we send are checked; answers are looser, Twilio's URIs are relative.
pub fn compile(schema: &Value, components: &Value, is_request: bool) -> Validator {
    let mut root = used(schema);
    root["components"] = components.clone();
    let uri = if is_request { |text: &str| url::Url::parse(text).is_ok() } else { |_: &str| true };
    let phone = if is_request { |text: &str| model::phone::Phone::parse(text).is_ok() } else { |_: &str| true };
    let twiml = if is_request { |text: &str| text.contains("<Response>") } else { |_: &str| true };
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(true)
        .with_format("uri", uri)
        .with_format("uri-map", |_: &str| true)
        .with_format("http-method", |text: &str| matches!(text, "GET" | "POST"))
        .with_format("phone-number", phone)
        .with_format("endpoint", phone)
        .with_format("twiml", twiml)
        .with_format("date-time-rfc-2822", |text: &str| DateTime::parse_from_rfc2822(text).is_ok())
        .build(&root)
        .unwrap_or_else(|error| panic!("a schema that cannot be compiled: {error}: {schema}"))
}

/// A schema where it is used: nothing beyond what it names.
fn used(schema: &Value) -> Value {
    let mut strict = part(schema);
    let Some(object) = strict.as_object_mut() else { return strict };
    let names = ["properties", "$ref", "allOf", "anyOf"].iter().any(|key| object.contains_key(*key));
    if names && !object.contains_key("additionalProperties") {
        object.insert("unevaluatedProperties".to_owned(), Value::Bool(false));
    }
    strict
}

/// A schema as one part of what is used.
fn part(schema: &Value) -> Value {
    let Some(object) = schema.as_object() else { return schema.clone() };
    let mut strict = Map::new();
    for (key, value) in object {
        match (key.as_str(), value) {
            ("nullable" | "example" | "examples" | "discriminator" | "xml" | "deprecated" | "description" | "default", _) => {}
            (key, Value::Array(all)) if PARTS.contains(&key) => {
                // Providers' alternatives overlap: one that fits is enough.
                let key = if key == "oneOf" { "anyOf" } else { key };
                strict.insert(key.to_owned(), all.iter().map(part).collect());
            }
            (key, Value::Object(named)) if NAMED.contains(&key) => {
                let named: Map<_, _> = named.iter().map(|(name, one)| (name.clone(), used(one))).collect();
                strict.insert(key.to_owned(), Value::Object(named));
            }
            ("items" | "additionalProperties", Value::Object(_)) => {
                strict.insert(key.clone(), used(value));
            }
            // OpenAPI 3.0 says by a flag what JSON Schema says by the limit itself.
            ("exclusiveMinimum" | "exclusiveMaximum", Value::Bool(_)) => {}
            _ => {
                strict.insert(key.clone(), value.clone());
            }
        }
    }
    // An object of which nothing is said, or a schema that says nothing, lets anything in.
    let says_nothing =
        !["type", "properties", "$ref", "allOf", "anyOf", "enum", "const"].iter().any(|key| strict.contains_key(*key));
    let is_free = strict.get("type") == Some(&json!("object"))
        && !["properties", "allOf", "anyOf"].iter().any(|key| strict.contains_key(*key));
    if (says_nothing || is_free) && !strict.contains_key("additionalProperties") {
        strict.insert("additionalProperties".to_owned(), Value::Bool(true));
    }
    let strict = Value::Object(strict);
    if object.get("nullable") == Some(&Value::Bool(true)) { json!({ "anyOf": [strict, { "type": "null" }] }) } else { strict }
}

#[test]
fn schemas_are_strict_about_names_and_only_about_those() {
    let components = json!({ "schemas": {
        "Base": { "type": "object", "properties": { "id": { "type": "string" } }, "required": ["id"] },
        "Cat": { "allOf": [{ "$ref": "#/components/schemas/Base" },
                            { "type": "object", "properties": { "lives": { "type": "integer", "nullable": true } } }] },
        "Free": { "type": "object" },
        "Map": { "type": "object", "additionalProperties": { "type": "string" } },
    }});
    let components = strict_components(&json!({ "components": components }));
    let schema = json!({ "type": "object", "required": ["cat"], "properties": {
        "cat": { "$ref": "#/components/schemas/Cat" },
        "free": { "$ref": "#/components/schemas/Free" },
        "map": { "$ref": "#/components/schemas/Map" },
        "kind": { "oneOf": [{ "type": "string", "enum": ["a"] }, { "type": "string" }, { "$ref": "#/components/schemas/Base" }] },
        "url": { "type": "string", "format": "uri" },
    }});
    let validator = compile(&schema, &components, true);
    let good = json!({ "cat": { "id": "1", "lives": null }, "free": { "any": 1 }, "map": { "k": "v" }, "kind": "a", "url": "https://x/" });
    assert!(validator.is_valid(&good), "{:?}", validator.iter_errors(&good).map(|error| error.to_string()).collect::<Vec<_>>());
    for (pointer, bad) in [
        ("/colour", json!("red")),
        ("/cat/colour", json!("red")),
        ("/cat/lives", json!("nine")),
        ("/cat/id", json!(null)),
        ("/map/k", json!(1)),
        ("/kind", json!({ "id": "1", "colour": "red" })),
        ("/kind", json!(7)),
        ("/url", json!("/hook")),
        ("/cat", json!(null)),
    ] {
        let mut broken = good.clone();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        broken.pointer_mut(parent).expect("an object")[name] = bad;
        assert!(!validator.is_valid(&broken), "{broken}");
    }
    assert!(compile(&schema, &components, false).is_valid(&json!({ "cat": { "id": "1" }, "url": "/relative" })));
}
