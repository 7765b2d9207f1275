//! Stripe's forms: keys with brackets are a tree, `line_items[0][price_data][currency]=usd`. Reading is strict: what Stripe does
//! not know it refuses, and so is what it knows and we do not play.

use serde_json::{Map, Value};
use url::form_urlencoded;

use super::Refusal;

/// Brackets inside one another.
const DEPTH_MAX: usize = 8;
/// Pairs of one form; a checkout with a hundred items has fewer.
const PAIRS_MAX: usize = 1_000;
/// Maps whose keys are the customer's own, digits or not.
const FREE: &str = "metadata";
/// Stripe's own limits of metadata.
const METADATA_MAX: usize = 50;
const METADATA_KEY_CHARS_MAX: usize = 40;
const METADATA_VALUE_CHARS_MAX: usize = 500;

/// A form, or a part of one, and where in the whole it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    value: Value,
    place: String,
}

impl Form {
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let mut root = Value::Object(Map::new());
        for (n, (key, value)) in form_urlencoded::parse(text.as_bytes()).enumerate() {
            if n >= PAIRS_MAX {
                return Err(Refusal::invalid("Too many parameters."));
            }
            put(&mut root, &key, &value)?;
        }
        Ok(Self { value: listed(root), place: String::new() })
    }

    /// The tree itself: two forms that say the same are equal.
    pub fn tree(&self) -> &Value {
        &self.value
    }

    /// The name of a parameter as errors have it.
    pub fn param(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}[{name}]", self.place) }
    }

    /// Refuses everything but these.
    pub fn only(&self, names: &[&str]) -> Result<(), Refusal> {
        let unknown = self.value.as_object().into_iter().flatten().find(|(name, _)| !names.contains(&name.as_str()));
        match unknown {
            None => Ok(()),
            Some((name, _)) => {
                let param = self.param(name);
                Err(Refusal::param("parameter_unknown", &param, format!("Received unknown parameter: {param}")))
            }
        }
    }

    /// A text; one that is empty is none.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.value.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A text that may be set to nothing: `Some(None)` then.
    pub fn settable(&self, name: &str) -> Option<Option<&str>> {
        self.value.get(name)?.as_str().map(|text| Some(text).filter(|text| !text.is_empty()))
    }

    pub fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).ok_or_else(|| self.missing(name))
    }

    pub fn missing(&self, name: &str) -> Refusal {
        let param = self.param(name);
        Refusal::param("parameter_missing", &param, format!("Missing required param: {param}."))
    }

    pub fn wrong(&self, name: &str, code: &str, message: impl Into<String>) -> Refusal {
        Refusal::param(code, &self.param(name), message)
    }

    pub fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let wrong = |_| self.wrong(name, "parameter_invalid_integer", format!("Invalid integer: {text}"));
        text.parse().map(Some).map_err(wrong)
    }

    pub fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(self.wrong(name, "parameter_invalid_string_empty", format!("Invalid boolean: {other}"))),
        }
    }

    /// One of these words.
    pub fn word<'a>(&'a self, name: &str, words: &[&str]) -> Result<Option<&'a str>, Refusal> {
        match self.text(name) {
            Some(word) if !words.contains(&word) => {
                Err(self.wrong(name, "parameter_invalid_string", format!("Invalid {name}: must be one of {}", words.join(", "))))
            }
            found => Ok(found),
        }
    }

    pub fn part(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name)?;
        value.is_object().then(|| Self { value: value.clone(), place: self.param(name) })
    }

    /// The parts of a list.
    pub fn parts(&self, name: &str) -> Vec<Self> {
        let all = self.value.get(name).and_then(Value::as_array).into_iter().flatten().enumerate();
        all.map(|(n, value)| Self { value: value.clone(), place: format!("{}[{n}]", self.param(name)) }).collect()
    }

    /// The texts of a list.
    pub fn texts(&self, name: &str) -> Option<Vec<&str>> {
        Some(self.value.get(name)?.as_array()?.iter().filter_map(Value::as_str).collect())
    }

    /// What is kept of metadata once this was said: an empty value takes a key away, an empty map all of them.
    pub fn metadata(&self, kept: &Value) -> Result<Value, Refusal> {
        let said = match self.value.get(FREE) {
            None => return Ok(kept.clone()),
            Some(Value::Object(said)) => said,
            Some(_) => return Ok(Value::Object(Map::new())),
        };
        let mut kept = kept.as_object().cloned().unwrap_or_default();
        for (key, value) in said {
            let text = value.as_str().unwrap_or_default();
            if key.chars().count() > METADATA_KEY_CHARS_MAX || text.chars().count() > METADATA_VALUE_CHARS_MAX {
                return Err(self.wrong(
                    FREE,
                    "parameter_invalid_string",
                    "Metadata keys have up to 40 characters, values up to 500.",
                ));
            }
            if text.is_empty() {
                kept.remove(key);
            } else {
                kept.insert(key.clone(), text.into());
            }
        }
        if kept.len() > METADATA_MAX {
            return Err(self.wrong(FREE, "parameter_invalid_string", "Metadata has up to 50 keys."));
        }
        Ok(Value::Object(kept))
    }
}

/// Puts one pair into the tree.
fn put(root: &mut Value, key: &str, value: &str) -> Result<(), Refusal> {
    let wrong = || Refusal::invalid(format!("Invalid parameter name: {key}"));
    let (first, rest) = key.split_once('[').map_or((key, None), |(first, rest)| (first, Some(rest)));
    let mut names = vec![first];
    if let Some(rest) = rest {
        names.extend(rest.strip_suffix(']').ok_or_else(wrong)?.split("]["));
    }
    if first.is_empty() || names.len() > DEPTH_MAX {
        return Err(wrong());
    }
    let mut here = root;
    for name in names {
        if here.is_null() {
            *here = Value::Object(Map::new());
        }
        let map = here.as_object_mut().ok_or_else(wrong)?;
        let name = if name.is_empty() { map.len().to_string() } else { name.to_owned() };
        here = map.entry(name).or_insert(Value::Null);
    }
    if here.is_object() {
        return Err(wrong());
    }
    *here = value.into();
    Ok(())
}

/// Maps whose keys are places are lists.
fn listed(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    let mut places: Vec<(usize, Value)> = Vec::new();
    let is_list = !map.is_empty() && map.keys().all(|key| key.parse::<usize>().is_ok());
    let mut named = Map::new();
    for (key, value) in map {
        let value = if key == FREE { value } else { listed(value) };
        match key.parse::<usize>() {
            Ok(place) if is_list => places.push((place, value)),
            _ => drop(named.insert(key, value)),
        }
    }
    if !is_list {
        return Value::Object(named);
    }
    places.sort_by_key(|(place, _)| *place);
    Value::Array(places.into_iter().map(|(_, value)| value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tree(text: &str) -> Value {
        Form::read(text).expect("a form").value
    }

    #[test]
    fn brackets_are_a_tree() {
        assert_eq!(
            tree("mode=payment&line_items[0][price_data][currency]=usd&line_items[0][quantity]=2&line_items%5B1%5D%5Bprice%5D=p"),
            json!({ "mode": "payment", "line_items": [{ "price_data": { "currency": "usd" }, "quantity": "2" }, { "price": "p" }] })
        );
        assert_eq!(tree("expand[]=a&expand[]=b&empty="), json!({ "expand": ["a", "b"], "empty": "" }));
        assert_eq!(tree("x[10]=k&x[9]=j"), json!({ "x": ["j", "k"] }));
        assert_eq!(tree("metadata[0]=a&metadata[%D0%9A]=%F0%9F%98%80"), json!({ "metadata": { "0": "a", "К": "😀" } }));
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        let deep = format!("a{}=1", "[b]".repeat(DEPTH_MAX));
        for bad in ["a=1&a[b]=2", "a[b]=2&a=1", "a[b=1", "[a]=1", &deep, &"a=1&".repeat(PAIRS_MAX + 1)] {
            assert!(Form::read(bad).is_err(), "{bad}");
        }
        assert!(Form::read(&format!("a{}=1", "[b]".repeat(DEPTH_MAX - 1))).is_ok());
    }

    #[test]
    fn metadata_is_merged_and_bounded() {
        let kept = json!({ "a": "1", "b": "2" });
        let after = |text: &str| Form::read(text).expect("a form").metadata(&kept);
        assert_eq!(after("x=1").expect("kept"), kept);
        assert_eq!(after("metadata[a]=&metadata[c]=3").expect("merged"), json!({ "b": "2", "c": "3" }));
        assert_eq!(after("metadata=").expect("cleared"), json!({}));
        assert!(after(&format!("metadata[k]={}", "x".repeat(500))).is_ok());
        assert!(after(&format!("metadata[k]={}", "x".repeat(501))).is_err());
        assert!(after(&format!("metadata[{}]=1", "k".repeat(41))).is_err());
        let many = |n: usize| (0..n).map(|n| format!("metadata[k{n}]=1&")).collect::<String>();
        assert!(after(&many(48)).is_ok() && after(&many(49)).is_err());
    }

    #[test]
    fn errors_name_the_parameter_in_its_place() {
        let form = Form::read("line_items[0][price_data][unit_amount]=ten").expect("a form");
        let data = form.parts("line_items")[0].part("price_data").expect("a part");
        assert_eq!(data.param("unit_amount"), "line_items[0][price_data][unit_amount]");
        assert!(data.integer("unit_amount").is_err() && data.required("currency").is_err());
        assert!(form.only(&["line_items"]).is_ok() && form.only(&["mode"]).is_err());
    }
}
