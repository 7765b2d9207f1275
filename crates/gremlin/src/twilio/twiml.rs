//! Reading TwiML: a small, tolerant XML reader and the verbs that a scripted phone call needs.
//! Verbs we do not know take no time, as on a real network that ignores attributes it does not know.

use anyhow::{Context, bail, ensure};

use crate::conversation::speaking_seconds;

/// Elements inside one another.
const DEPTH_MAX: usize = 8;
const PLAY_SECONDS: f64 = 3.0;

/// One step of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Verb {
    Sound(Sound),
    Gather(Gather),
    Redirect { url: String, method: String },
    Hangup,
}

/// What is heard, whatever it is: `Say`, `Play`, `Pause`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Empty for silence.
    pub text: String,
    pub seconds: f64,
    /// Where it is to be fetched from, for `Play`.
    pub url: Option<String>,
}

/// Listening for keys, or for speech.
#[derive(Debug, Clone, PartialEq)]
pub struct Gather {
    pub prompts: Vec<Sound>,
    pub hears_keys: bool,
    pub hears_speech: bool,
    pub timeout: f64,
    pub action: Option<String>,
    pub method: String,
    pub on_empty: bool,
}

/// The verbs of a document.
pub fn parse(text: &str) -> anyhow::Result<Vec<Verb>> {
    let mut reader = Reader { rest: text };
    let root = reader.element(0)?;
    ensure!(root.name == "Response", "the root element is {:?}, not Response", root.name);
    Ok(root.children.iter().filter_map(verb).collect())
}

fn verb(element: &Element) -> Option<Verb> {
    let method = element.attribute("method").unwrap_or("POST").to_ascii_uppercase();
    let sound = |text: &str, seconds| Verb::Sound(Sound { text: text.to_owned(), seconds, url: None });
    let hears = |what| element.attribute("input").unwrap_or("dtmf").split_whitespace().any(|one| one == what);
    Some(match element.name.as_str() {
        "Say" => sound(element.text.trim(), speaking_seconds(&element.text)),
        "Play" => {
            let url = element.text.trim().to_owned();
            Verb::Sound(Sound { text: format!("♪ {url}"), seconds: PLAY_SECONDS, url: Some(url) })
        }
        "Pause" => sound("", element.number("length", 1.0)),
        "Hangup" | "Reject" => Verb::Hangup,
        "Redirect" => Verb::Redirect { url: element.text.trim().to_owned(), method },
        "Gather" => Verb::Gather(Gather {
            prompts: element
                .children
                .iter()
                .filter_map(verb)
                .filter_map(|verb| if let Verb::Sound(sound) = verb { Some(sound) } else { None })
                .collect(),
            hears_keys: hears("dtmf"),
            hears_speech: hears("speech"),
            timeout: element.number("timeout", 5.0),
            action: element.attribute("action").map(str::to_owned),
            method,
            on_empty: element.attribute("actionOnEmptyResult") == Some("true"),
        }),
        _ => return None,
    })
}

#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: String,
}

impl Element {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
    fn number(&self, name: &str, default: f64) -> f64 {
        self.attribute(name).and_then(|text| text.parse().ok()).filter(|n: &f64| n.is_finite() && *n >= 0.0).unwrap_or(default)
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn take_until(&mut self, end: &str) -> anyhow::Result<&'a str> {
        let (before, after) = self.rest.split_once(end).with_context(|| format!("{end} is missing"))?;
        self.rest = after;
        Ok(before)
    }

    /// Past white space, the XML declaration and comments.
    fn skip_noise(&mut self) -> anyhow::Result<()> {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with("<?") {
                self.take_until("?>")?;
            } else if self.rest.starts_with("<!--") {
                self.take_until("-->")?;
            } else {
                return Ok(());
            }
        }
    }

    fn element(&mut self, depth: usize) -> anyhow::Result<Element> {
        ensure!(depth < DEPTH_MAX, "elements are nested too deep");
        self.skip_noise()?;
        let Some(rest) = self.rest.strip_prefix('<') else { bail!("an element is missing") };
        self.rest = rest;
        let mut element = Element { name: self.name()?, ..Element::default() };
        loop {
            self.rest = self.rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix("/>") {
                self.rest = rest;
                return Ok(element);
            }
            if let Some(rest) = self.rest.strip_prefix('>') {
                self.rest = rest;
                break;
            }
            let attribute = self.attribute()?;
            element.attributes.push(attribute);
        }
        self.content(&mut element, depth)?;
        Ok(element)
    }

    fn content(&mut self, element: &mut Element, depth: usize) -> anyhow::Result<()> {
        loop {
            let start = self.rest.find('<').with_context(|| format!("{} does not end", element.name))?;
            element.text.push_str(&unescape(&self.rest[..start])?);
            self.rest = &self.rest[start..];
            if let Some(rest) = self.rest.strip_prefix("</") {
                self.rest = rest;
                let name = self.take_until(">")?.trim();
                ensure!(name == element.name, "{} is closed by {name}", element.name);
                return Ok(());
            }
            if let Some(rest) = self.rest.strip_prefix("<![CDATA[") {
                self.rest = rest;
                let text = self.take_until("]]>")?;
                element.text.push_str(text);
            } else if self.rest.starts_with("<!--") {
                self.take_until("-->")?;
            } else {
                let child = self.element(depth + 1)?;
                element.children.push(child);
            }
        }
    }

    fn name(&mut self) -> anyhow::Result<String> {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || "-_:.".contains(c))).unwrap_or(self.rest.len());
        ensure!(end > 0, "a name is missing");
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(name.to_owned())
    }

    fn attribute(&mut self) -> anyhow::Result<(String, String)> {
        let name = self.name()?;
        let Some(rest) = self.rest.trim_start().strip_prefix('=') else { bail!("{name} has no value") };
        self.rest = rest.trim_start();
        let quote = if self.rest.starts_with('\'') { "'" } else { "\"" };
        let Some(rest) = self.rest.strip_prefix(quote) else { bail!("{name} is not quoted") };
        self.rest = rest;
        let value = unescape(self.take_until(quote)?)?;
        Ok((name, value))
    }
}

fn unescape(text: &str) -> anyhow::Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (entity, tail) = after.split_once(';').context("a bare & in the text")?;
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let digits = entity.strip_prefix('#').with_context(|| format!("unknown entity {entity}"))?;
                let code = match digits.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => digits.parse(),
                };
                code.ok().and_then(char::from_u32).with_context(|| format!("unknown entity {entity}"))?
            }
        });
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(text: &str, seconds: f64) -> Sound {
        Sound { text: text.to_owned(), seconds, url: None }
    }

    #[test]
    fn a_script_is_read_verb_by_verb() {
        let verbs = parse(concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?><!-- hi --><Response>"#,
            r#"<Gather input="dtmf" numDigits="1" timeout="4" action="https://x/y?a=1&amp;b=2" method="post">"#,
            r#"<Say language="en-US">one two three four five</Say><Pause length='2'/></Gather>"#,
            "<Unheard/><Say><![CDATA[bye & bye]]></Say><Redirect>/next</Redirect><Hangup/></Response>",
        ))
        .expect("valid");
        assert_eq!(
            verbs,
            [
                Verb::Gather(Gather {
                    prompts: vec![sound("one two three four five", 2.5), sound("", 2.0)],
                    hears_keys: true,
                    hears_speech: false,
                    timeout: 4.0,
                    action: Some("https://x/y?a=1&b=2".into()),
                    method: "POST".into(),
                    on_empty: false,
                }),
                Verb::Sound(sound("bye & bye", 1.7)),
                Verb::Redirect { url: "/next".into(), method: "POST".into() },
                Verb::Hangup,
            ]
        );
    }

    #[test]
    fn what_is_not_twiml_is_refused() {
        for bad in [
            "",
            "hello",
            "<Say>x</Say>",
            "<Response>",
            "<Response><Say>x</Response>",
            "<Response><Say>a & b</Say></Response>",
            "<Response><Say x=1>a</Say></Response>",
            "<Response><Say>&nope;</Say></Response>",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let deep = format!("<Response>{}{}</Response>", "<a>".repeat(DEPTH_MAX), "</a>".repeat(DEPTH_MAX));
        assert!(parse(&deep).is_err());
        assert_eq!(parse("<Response/>").expect("empty is fine"), []);
    }
}
