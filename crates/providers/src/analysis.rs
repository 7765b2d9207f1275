//! What a conversation came to, as a provider that holds conversations tells it afterwards. Absent means "not said".
//! What the call cost is in [`crate::Observed`], which such a provider sends along.

use std::collections::BTreeMap;

/// The name under which every agent of ours reports "do not call me again": of the tool it calls in the conversation, and of
/// the field that is judged afterwards.
pub const OPT_OUT: &str = "opt_out";
/// The name of the field that lists keywords, separated by commas.
pub const KEYWORDS: &str = "keywords";

/// A conversation, judged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Analysis {
    /// In the order it was said.
    pub transcript: Vec<Segment>,
    pub summary: Option<String>,
    pub sentiment: Option<Sentiment>,
    /// Did the agent reach what it was for?
    pub successful: Option<bool>,
    /// Was it a machine after all?
    pub voicemail: Option<bool>,
    /// Were we told not to call again? Set when the agent's tool was called, or the judgement says so.
    pub opted_out: Option<bool>,
    pub keywords: Vec<String>,
    /// What was asked to be found out, by name; values as text. [`OPT_OUT`] and [`KEYWORDS`] are not among them.
    pub fields: BTreeMap<String, String>,
}

impl Analysis {
    /// Is there anything in it?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Puts one field found out where it belongs.
    pub fn note(&mut self, name: &str, value: &serde_json::Value) {
        use serde_json::Value;
        let text = match value {
            Value::Null => return,
            Value::String(text) if text.trim().is_empty() => return,
            Value::String(text) => text.trim().to_owned(),
            other => other.to_string(),
        };
        match name {
            OPT_OUT => self.opted_out = Some(self.opted_out == Some(true) || text.eq_ignore_ascii_case("true")),
            KEYWORDS => {
                let words = text.split(',').map(|word| word.trim().to_lowercase()).filter(|word| !word.is_empty());
                self.keywords.extend(words);
            }
            _ => {
                self.fields.insert(name.to_owned(), text);
            }
        }
    }
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub speaker: Speaker,
    pub text: String,
    /// Milliseconds since the phone was picked up.
    pub start_ms: Option<i64>,
    pub end_ms: Option<i64>,
}

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Speaker {
    Agent,
    Person,
    /// Whoever the call was handed to.
    Colleague,
    /// Nobody: a tool was called, a key was pressed. The text says what.
    Event,
}

/// How the person took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sentiment {
    Positive,
    Neutral,
    Negative,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_find_their_places() {
        let mut analysis = Analysis::default();
        assert!(analysis.is_empty());
        for (name, value) in [
            ("opt_out", json!(true)),
            ("opt_out", json!(false)),
            ("keywords", json!("Price, delivery,, ")),
            ("order_number", json!(17)),
            ("mood", json!(" fine ")),
            ("nothing", json!(null)),
            ("empty", json!("")),
        ] {
            analysis.note(name, &value);
        }
        assert_eq!(analysis.opted_out, Some(true), "a no does not take back a yes");
        assert_eq!(analysis.keywords, ["price", "delivery"]);
        let fields: Vec<_> = analysis.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(fields, [("mood", "fine"), ("order_number", "17")]);
    }
}
