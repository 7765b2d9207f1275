//! TwiML, the XML that tells Twilio what to say and which keys to listen for. Writing only; nothing is read here.
//! Texts come from customers, so everything is escaped and what XML 1.0 cannot carry is left out.

use crate::voice::{Reply, Script, ScriptAudio, ScriptTooLong};

/// The most characters the `Twiml` field of a call takes (twilio-oai, CreateCallRequest).
pub const LENGTH_MAX: usize = 4000;
/// Room kept for the gather URL when a script is checked before the URL is known.
const URL_ROOM: usize = 300;
/// How long we wait for a key after the texts.
const KEY_WAIT_SECONDS: u32 = 5;
const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#;
const TAIL: &str = "</Response>";

/// The document for a call: greeting and main text while listening for a key, closing, end.
pub fn outbound(script: &Script, gather_url: &str) -> Result<String, ScriptTooLong> {
    let xml = talk(script, gather_url);
    // The provider's unit is not documented; UTF-16 units are the strictest reading of "characters".
    let length = xml.encode_utf16().count();
    if length > LENGTH_MAX { Err(ScriptTooLong { length, length_max: LENGTH_MAX }) } else { Ok(xml) }
}

/// The document itself. As the answer to a webhook it may be longer than a field of a form.
fn talk(script: &Script, gather_url: &str) -> String {
    let mut xml = String::from(HEAD);
    if script.opt_out_digit.is_some() {
        // finishOnKey="" lets * and # arrive as keys like any other.
        xml.push_str(r#"<Gather input="dtmf" numDigits="1" finishOnKey="" method="POST""#);
        xml.push_str(&format!(r#" timeout="{KEY_WAIT_SECONDS}" action="{}">"#, escape(gather_url)));
    }
    part(&mut xml, &script.greeting, script, |audio| &audio.greeting);
    part(&mut xml, &script.main, script, |audio| &audio.main);
    if script.opt_out_digit.is_some() {
        xml.push_str("</Gather>");
    }
    part(&mut xml, &script.closing, script, |audio| &audio.closing);
    xml.push_str("<Hangup/>");
    xml.push_str(TAIL);
    xml
}

/// Does the script fit, whatever the URL of the call will be?
pub fn check(script: &Script) -> Result<(), ScriptTooLong> {
    outbound(script, &"x".repeat(URL_ROOM)).map(drop)
}

/// The answer to a callback.
pub fn reply(reply: &Reply) -> String {
    match reply {
        // Agents live at other providers: there is nobody to connect to.
        Reply::Acknowledge | Reply::Connect { .. } => format!("{HEAD}{TAIL}"),
        Reply::Decline => format!("{HEAD}<Reject/>{TAIL}"),
        Reply::Talk { script, gather_url } => talk(script, gather_url),
        Reply::SayAndHangUp { text, language, voice } => {
            let script = Script { language: language.clone(), voice: voice.clone(), ..Script::default() };
            let mut xml = String::from(HEAD);
            say(&mut xml, text, &script);
            xml.push_str("<Hangup/>");
            xml.push_str(TAIL);
            xml
        }
    }
}

/// One text of a script: played where there is sound of it, read out otherwise. Keys are heard during both.
fn part(xml: &mut String, text: &str, script: &Script, url: impl Fn(&ScriptAudio) -> &String) {
    match script.audio.as_ref().map(url).filter(|url| !url.is_empty() && !text.trim().is_empty()) {
        Some(url) => xml.push_str(&format!("<Play>{}</Play>", escape(url))),
        None => say(xml, text, script),
    }
}

/// Silence is not said: an empty `<Say>` is a TwiML error.
fn say(xml: &mut String, text: &str, script: &Script) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    xml.push_str("<Say");
    for (name, value) in [("language", Some(script.language.as_str())), ("voice", script.voice.as_deref())] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            xml.push_str(&format!(r#" {name}="{}""#, escape(value)));
        }
    }
    xml.push('>');
    xml.push_str(&escape(text));
    xml.push_str("</Say>");
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push(' '),
            // Not characters of XML 1.0: no escape exists for them.
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script() -> Script {
        Script {
            greeting: "Hello from Ravi & Sons".into(),
            main: "Prices are <down>. To stop calls, press 9.".into(),
            closing: "Goodbye".into(),
            language: "en-US".into(),
            voice: None,
            audio: None,
            opt_out_digit: Some('9'),
        }
    }

    #[test]
    fn sound_is_played_where_there_is_some_and_keys_are_heard_meanwhile() {
        let url = |part: &str| format!("https://b.example/speech/{part}.mp3?signature=a&b");
        let audio = ScriptAudio { greeting: url("greeting"), main: String::new(), closing: url("closing") };
        let script = Script { audio: Some(audio.clone()), ..script() };
        let talk = Reply::Talk { script: script.clone(), gather_url: "https://b.example/gather".into() };
        assert_eq!(
            reply(&talk),
            concat!(
                r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#,
                r#"<Gather input="dtmf" numDigits="1" finishOnKey="" method="POST" timeout="5" action="https://b.example/gather">"#,
                "<Play>https://b.example/speech/greeting.mp3?signature=a&amp;b</Play>",
                r#"<Say language="en-US">Prices are &lt;down&gt;. To stop calls, press 9.</Say></Gather>"#,
                "<Play>https://b.example/speech/closing.mp3?signature=a&amp;b</Play><Hangup/></Response>",
            )
        );
        let silent = Script { audio: Some(audio), closing: " ".into(), ..script };
        assert!(!outbound(&silent, "").expect("fits").contains("closing.mp3"), "what is not said is not played");
    }

    #[test]
    fn a_script_becomes_a_gather_with_everything_escaped() {
        let xml = outbound(&script(), "https://b.example/hook?call=cal_1&x=\"").expect("fits");
        assert_eq!(
            xml,
            concat!(
                r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#,
                r#"<Gather input="dtmf" numDigits="1" finishOnKey="" method="POST" timeout="5" "#,
                r#"action="https://b.example/hook?call=cal_1&amp;x=&quot;">"#,
                r#"<Say language="en-US">Hello from Ravi &amp; Sons</Say>"#,
                r#"<Say language="en-US">Prices are &lt;down&gt;. To stop calls, press 9.</Say></Gather>"#,
                r#"<Say language="en-US">Goodbye</Say><Hangup/></Response>"#,
            )
        );
    }

    #[test]
    fn without_an_opt_out_key_nobody_listens_and_empty_texts_are_not_said() {
        let script = Script { greeting: "Hi".into(), main: " \n".into(), voice: Some("alice".into()), ..Script::default() };
        let xml = outbound(&script, "https://b.example").expect("fits");
        assert_eq!(xml, format!(r#"{HEAD}<Say voice="alice">Hi</Say><Hangup/></Response>"#));
    }

    #[test]
    fn what_xml_cannot_carry_is_left_out() {
        assert_eq!(escape("a\u{0}b\u{1b}c\nd\u{ffff}"), "abc d");
        assert_eq!(escape("مرحبا 😀 'x'"), "مرحبا 😀 &apos;x&apos;");
    }

    #[test]
    fn the_limit_holds_at_the_limit_and_breaks_one_past_it() {
        let empty = Script { main: "a".into(), ..Script::default() };
        let frame = outbound(&empty, "").expect("fits").len() - 1;
        let exact = Script { main: "a".repeat(LENGTH_MAX - frame), ..Script::default() };
        assert_eq!(outbound(&exact, "").expect("fits").len(), LENGTH_MAX);
        let over = Script { main: "a".repeat(LENGTH_MAX - frame + 1), ..Script::default() };
        assert_eq!(outbound(&over, ""), Err(ScriptTooLong { length: LENGTH_MAX + 1, length_max: LENGTH_MAX }));
    }

    #[test]
    fn a_script_that_is_checked_fits_whatever_the_url() {
        let mut script = script();
        script.main = "a".repeat(3_200);
        check(&script).expect("fits with room for the URL");
        script.main = "&".repeat(800);
        assert!(check(&script).is_err(), "escapes count");
    }

    #[test]
    fn a_reply_says_one_thing_and_ends() {
        let reply_to_nine = Reply::SayAndHangUp { text: "We will not call again.".into(), language: "en-US".into(), voice: None };
        assert_eq!(
            reply(&reply_to_nine),
            format!(r#"{HEAD}<Say language="en-US">We will not call again.</Say><Hangup/></Response>"#)
        );
        assert_eq!(reply(&Reply::Acknowledge), format!("{HEAD}</Response>"));
    }
}
