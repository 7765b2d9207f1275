//! What our mails say: every letter with its values, the words it has unless a super admin chose others, and the one frame all
//! share, as text and as HTML. Who gets one, and when, is up to the slice that sends it.

use chrono::TimeDelta;
use model::mails::{LetterKind, Wording, escape};

/// A mail before it has words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    pub kind: LetterKind,
    /// What stands in its places; see `LetterKind::places`.
    values: Vec<(&'static str, String)>,
    /// How long its link lets whoever has this mail in; nothing where it only leads to a page.
    pub secret_for: Option<TimeDelta>,
}

impl Letter {
    /// A letter that greets `name`, or nobody by name when that is empty.
    fn new(kind: LetterKind, name: &str, url: String) -> Self {
        let name = plain(name);
        let greeting = if name.is_empty() { "Hello,".to_owned() } else { format!("Hello {name},") };
        Self { kind, values: vec![("greeting", greeting), ("link", url)], secret_for: None }
    }

    fn with(mut self, place: &'static str, value: impl ToString) -> Self {
        self.values.push((place, plain(&value.to_string())));
        self
    }

    /// Its link does something by itself, for so long.
    fn works_for(mut self, time: TimeDelta) -> Self {
        self.secret_for = Some(time);
        self
    }

    /// The letter in these words, as it goes out.
    pub fn written(&self, wording: &Wording) -> Wording {
        let value =
            |name: &str| self.values.iter().find(|(place, _)| *place == name).map(|(_, value)| value.clone()).unwrap_or_default();
        framed(wording.filled(value))
    }
}

/// Puts what a letter says into what all share: our name below the text, and around the HTML a page. Styles stand in the elements:
/// mail programs drop style sheets.
pub(crate) fn framed(letter: Wording) -> Wording {
    let Wording { subject, text, html } = letter;
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title></head><body style=\"margin:0;padding:24px;background:#f5f6f8\">\
         <div style=\"max-width:520px;margin:0 auto;padding:32px;background:#ffffff;border:1px solid #e3e5ea;border-radius:12px;\
         font:15px/1.6 system-ui,-apple-system,'Segoe UI',sans-serif;color:#1a1d24\">\
         <p style=\"margin:0 0 24px;font-weight:700;font-size:17px\">Belfry</p>{html}</div></body></html>",
        title = escape(&subject),
    );
    Wording { text: format!("{}\n\n-- \nBelfry\n", text.trim_end()), html, subject }
}

/// The words of a letter before they have a shape.
struct Words {
    subject: &'static str,
    lines: &'static [&'static str],
    button: &'static str,
    /// The small print: how long the link works, what to do when one did not ask for it.
    small: &'static str,
}

/// The words of a kind of letter that nobody chose others for.
pub(crate) fn built_in(kind: LetterKind) -> Wording {
    let Words { subject, lines, button, small } = words(kind);
    let text: Vec<_> = ["{{greeting}}"].iter().chain(lines).map(|line| (*line).to_owned()).collect();
    let text = [text, vec![format!("{button}:"), "{{link}}".to_owned(), small.to_owned()]].concat().join("\n\n");
    let line = |text: &&str| format!("<p style=\"margin:0 0 16px\">{text}</p>\n");
    let lines: String = ["{{greeting}}"].iter().chain(lines).map(line).collect();
    let html = format!(
        "{lines}<p style=\"margin:24px 0\"><a href=\"{{{{link}}}}\" style=\"display:inline-block;padding:10px 18px;border-radius:8px;\
         background:#006a6b;color:#ffffff;text-decoration:none;font-weight:600\">{button}</a></p>\n\
         <p style=\"margin:0 0 16px;font-size:13px;color:#5b6070\">Or open this address: \
         <a href=\"{{{{link}}}}\" style=\"color:#006a6b;word-break:break-all\">{{{{link}}}}</a></p>\n\
         <p style=\"margin:0;font-size:13px;color:#5b6070\">{small}</p>"
    );
    Wording { subject: subject.to_owned(), text, html }
}

const fn words(kind: LetterKind) -> Words {
    const UNWANTED: &str =
        "You get this because you administer {{company}} at Belfry. Choose what you are told under your account.";
    match kind {
        LetterKind::Confirm => Words {
            subject: "Confirm your e-mail",
            lines: &["please confirm your e-mail address by opening this link."],
            button: "Confirm the address",
            small: "It works for {{hours}} hours. If you did not register at Belfry, ignore this mail.",
        },
        LetterKind::Reset => Words {
            subject: "Choose a new password",
            lines: &["somebody, we hope you, asked for a new password for your account."],
            button: "Choose a password",
            small: "The link works once, for {{minutes}} minutes. If you did not ask for it, ignore this mail: nothing changes.",
        },
        LetterKind::NewAddress => Words {
            subject: "Confirm your new address",
            lines: &["open this link to sign in to Belfry with this address from now on."],
            button: "Use this address",
            small: "It works once, for {{hours}} hours. If you did not ask for it, ignore this mail: nothing changes.",
        },
        LetterKind::Invite => Words {
            subject: "Join {{company}} at Belfry",
            lines: &[
                "{{who}} invites you to the team of {{company}} as {{role}}.",
                "Belfry makes phone campaigns with voice agents that answer for themselves.",
            ],
            button: "Join the team",
            small: "The link works once, for {{days}} days. If you do not know who this is, ignore this mail.",
        },
        LetterKind::Notice => Words {
            subject: "Security notice: {{what}}",
            lines: &["{{what}}.{{place}}"],
            button: "Look at your account",
            small: "If this was you, there is nothing to do. If it was not, choose a new password at once.",
        },
        LetterKind::CreditsLow => Words {
            subject: "{{company}} is low on credits",
            lines: &[
                "{{company}} has {{available}} credits left, less than the {{threshold}} at which you want to be told.",
                "Campaigns pause themselves when nothing is left. Nothing is lost then.",
            ],
            button: "Look at the wallet",
            small: UNWANTED,
        },
        LetterKind::CampaignFinished => Words {
            subject: "{{campaign}} is finished",
            lines: &["everybody of the campaign {{campaign}} of {{company}} was called, or is not to be called any more."],
            button: "See how it went",
            small: UNWANTED,
        },
        LetterKind::CampaignPaused => Words {
            subject: "{{campaign}} paused itself",
            lines: &[
                "the campaign {{campaign}} of {{company}} paused itself: {{why}}",
                "It calls nobody until somebody resumes it.",
            ],
            button: "Look at the campaign",
            small: UNWANTED,
        },
        LetterKind::ImportDone => Words {
            subject: "The import of {{file}} is done",
            lines: &["the import of {{file}} into {{company}} is done: {{result}}"],
            button: "Look at the import",
            small: UNWANTED,
        },
    }
}

/// Proves the address of somebody who registered.
pub(crate) fn confirm(name: &str, url: String, hours: i64) -> Letter {
    Letter::new(LetterKind::Confirm, name, url).with("hours", hours).works_for(TimeDelta::hours(hours))
}

/// Lets somebody choose a new password.
pub(crate) fn reset(name: &str, url: String, minutes: i64) -> Letter {
    Letter::new(LetterKind::Reset, name, url).with("minutes", minutes).works_for(TimeDelta::minutes(minutes))
}

/// Proves the new address of somebody who changes theirs.
pub(crate) fn new_address(name: &str, url: String, hours: i64) -> Letter {
    Letter::new(LetterKind::NewAddress, name, url).with("hours", hours).works_for(TimeDelta::hours(hours))
}

/// Asks somebody into a company.
pub(crate) fn invite(who: &str, company: &str, role: &str, url: String, days: i64) -> Letter {
    Letter::new(LetterKind::Invite, "", url)
        .with("who", who)
        .with("company", company)
        .with("role", role.to_lowercase())
        .with("days", days)
        .works_for(TimeDelta::days(days))
}

/// Tells somebody what happened to their account, so that they notice when it was not them.
pub(crate) fn notice(name: &str, what: &str, from: &str, url: String) -> Letter {
    let mut letter = Letter::new(LetterKind::Notice, name, url).with("what", what);
    if !from.is_empty() {
        // With the space before it, which only this sentence needs.
        letter.values.push(("place", format!(" It came from the address {}.", plain(from))));
    }
    letter
}

/// Tells an administrator what happened in their company.
pub(crate) fn told(kind: LetterKind, name: &str, company: &str, facts: &[(String, String)], url: String) -> Letter {
    let letter = Letter::new(kind, name, url).with("company", company);
    let fact = |place: &str| facts.iter().find(|(name, _)| name == place).map(|(_, fact)| fact);
    kind.places().iter().fold(letter, |letter, (place, _)| match fact(place) {
        Some(fact) => letter.with(place, fact),
        None => letter,
    })
}

/// On one line, whatever somebody called themself: a subject with a line break would be two headers.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(letter: &Letter) -> Wording {
        letter.written(&built_in(letter.kind))
    }

    #[test]
    fn a_letter_says_the_same_in_both_shapes() {
        let letter = invite("Maya Okafor", "Harbor", "Viewer", "https://b.test/invite?token=abc".to_owned(), 7);
        let letter = written(&letter);
        insta::assert_snapshot!(letter.text);
        for part in
            ["Maya Okafor invites you to the team of Harbor as viewer.", "href=\"https://b.test/invite?token=abc\"", "7 days"]
        {
            assert!(letter.html.contains(part), "{part} is not in {}", letter.html);
        }
    }

    #[test]
    fn a_stranger_writes_neither_headers_nor_html() {
        let evil = "Eve\r\nBcc: all@example.com<script>alert(1)</script>{{link}}";
        let letter = invite(evil, evil, "Viewer", "https://b.test/?a=1&b=\"2\"".to_owned(), 7);
        let letter = written(&letter);
        assert!(!letter.subject.contains(['\r', '\n']), "{}", letter.subject);
        assert!(!letter.html.contains("<script") && !letter.html.contains("b=\"2\""), "{}", letter.html);
        assert!(letter.subject.contains("{{link}}"), "what a value says is not read again");
    }

    #[test]
    fn the_built_in_words_pass_what_others_must_pass_and_fill_every_place() {
        for kind in LetterKind::ALL {
            let words = built_in(*kind);
            words.check(*kind).unwrap_or_else(|why| panic!("{kind}: {why}"));
            let facts: Vec<_> = kind.places().iter().map(|(place, sample)| ((*place).to_owned(), (*sample).to_owned())).collect();
            let letter = told(*kind, "Maya", "Harbor", &facts, "https://b.test".to_owned()).written(&words);
            for text in [&letter.subject, &letter.text, &letter.html] {
                assert!(!text.contains("{{") && !text.contains("}}"), "{kind}: {text}");
            }
        }
    }

    #[test]
    fn a_notice_without_a_place_does_not_speak_of_one() {
        let url = || "https://b.test/account".to_owned();
        let told = written(&notice("Maya", "Your password was changed", "", url()));
        assert!(told.text.contains("Your password was changed.\n"), "{}", told.text);
        let told = written(&notice("Maya", "Your password was changed", "203.0.113.7", url()));
        assert!(told.text.contains("Your password was changed. It came from the address 203.0.113.7.\n"), "{}", told.text);
    }
}
