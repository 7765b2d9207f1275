//! Letters and how they are worded: which kinds there are, what each may name, and what a wording must not do.

use crate::error::{Check, FieldErrors, Result};
use crate::time::Moment;
use crate::words;

words! {
    /// The letters we send.
    pub enum LetterKind {
        Confirm = "confirm", "Confirm an address";
        NewAddress = "new_address", "Confirm a new address";
        Reset = "reset", "Choose a new password";
        Invite = "invite", "Join a team";
        Notice = "notice", "Security notice";
        CreditsLow = "credits_low", "Credits are low";
        CampaignFinished = "campaign_finished", "A campaign is finished";
        CampaignPaused = "campaign_paused", "A campaign paused itself";
        ImportDone = "import_done", "An import is done";
    }
}

/// Longest subject.
pub const SUBJECT_MAX: usize = 150;
/// Longest body, in either shape.
pub const BODY_MAX: usize = 20_000;
/// The place that every letter must have: without it nobody gets where it leads.
pub const LINK: &str = "link";

impl LetterKind {
    /// What a letter of this kind may name between two pairs of braces, each with a value as in a real letter.
    pub const fn places(self) -> &'static [(&'static str, &'static str)] {
        const GREETING: (&str, &str) = ("greeting", "Hello Maya Okafor,");
        const COMPANY: (&str, &str) = ("company", "Harbor & Sons");
        const URL: &str = "https://belfry.example/page?id=sample";
        match self {
            Self::Confirm | Self::NewAddress => &[GREETING, (LINK, URL), ("hours", "24")],
            Self::Reset => &[GREETING, (LINK, URL), ("minutes", "30")],
            Self::Invite => &[GREETING, (LINK, URL), ("who", "Maya Okafor"), COMPANY, ("role", "operator"), ("days", "7")],
            Self::Notice => &[
                GREETING,
                (LINK, URL),
                ("what", "Your password was changed"),
                ("place", " It came from the address 203.0.113.7."),
            ],
            Self::CreditsLow => &[GREETING, (LINK, URL), COMPANY, ("available", "4.250"), ("threshold", "5.000")],
            Self::CampaignFinished => &[GREETING, (LINK, URL), COMPANY, ("campaign", "Spring reminders")],
            Self::CampaignPaused => {
                &[GREETING, (LINK, URL), COMPANY, ("campaign", "Spring reminders"), ("why", "Out of credits. Top up and resume.")]
            }
            Self::ImportDone => {
                &[GREETING, (LINK, URL), COMPANY, ("file", "people.csv"), ("result", "200 created, 3 merged, 1 left out")]
            }
        }
    }

    fn knows(self, name: &str) -> bool {
        self.places().iter().any(|(known, _)| *known == name)
    }
}

/// Subject, text and HTML of a letter, with `{{places}}` for what differs from letter to letter. The HTML is what stands inside our
/// frame.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Wording {
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl Wording {
    /// Whether it can be stored: short enough. What is wrong with it otherwise is told by [`Wording::check`].
    ///
    /// # Errors
    /// `Invalid` with a message per field.
    pub fn fits(&self) -> Result<()> {
        let mut check = Check::new();
        check.text(&self.subject, "subject", "a subject", SUBJECT_MAX);
        check.text(&self.text, "text", "a text", BODY_MAX).text(&self.html, "html", "the HTML", BODY_MAX);
        check.done()
    }

    /// Whether letters may go out so.
    ///
    /// # Errors
    /// `Invalid` with a message per field: a place that letters of this kind do not know, no link, or HTML in which a value could do
    /// harm.
    pub fn check(&self, kind: LetterKind) -> Result<()> {
        self.fits()?;
        let mut check = Check::new();
        check.need(!self.subject.chars().any(char::is_control), "subject", "Write the subject on one line.");
        for (field, text) in [("subject", &self.subject), ("text", &self.text), ("html", &self.html)] {
            match places(text) {
                Err(problem) => drop(check.need(false, field, &problem)),
                Ok(named) => {
                    if let Some(strange) = named.iter().find(|name| !kind.knows(name)) {
                        let known: Vec<_> = kind.places().iter().map(|(name, _)| format!("{{{{{name}}}}}")).collect();
                        let problem = format!("This letter knows no {{{{{strange}}}}}. It knows {}.", known.join(", "));
                        check.need(false, field, &problem);
                    }
                    let has_link = named.contains(&LINK);
                    check.need(field == "subject" || has_link, field, "Put {{link}} in: it is what the letter is for.");
                    check.need(field != "subject" || !has_link, field, "Leave {{link}} out of the subject.");
                }
            }
        }
        if let Some(problem) = harmful(&self.html) {
            check.need(false, "html", &problem);
        }
        check.done()
    }

    /// Every problem by field; none when letters may go out so.
    pub fn problems(&self, kind: LetterKind) -> FieldErrors {
        match self.check(kind) {
            Err(crate::Error::Invalid { fields }) => fields,
            _ => FieldErrors::new(),
        }
    }

    /// The wording with a value in each place; those of the HTML are escaped. A place without a value stays empty.
    pub fn filled(&self, value: impl Fn(&str) -> String) -> Self {
        Self {
            subject: fill(&self.subject, &value),
            text: fill(&self.text, &value),
            html: fill(&self.html, &|name: &str| escape(&value(name))),
        }
    }
}

/// The next place of a text: what is before it, its name, and what is after it.
fn next_place(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (name, after) = rest.split_once("}}")?;
    Some((before, name.trim(), after))
}

/// The names of a text's places.
fn places(mut text: &str) -> Result<Vec<&str>, String> {
    let mut names = Vec::new();
    while let Some((before, name, after)) = next_place(text) {
        if before.contains("}}") || name.contains(['{', '}']) {
            break;
        }
        names.push(name);
        text = after;
    }
    if text.contains("{{") || text.contains("}}") {
        return Err("Close every {{ with }}, and use neither for anything else.".to_owned());
    }
    Ok(names)
}

fn fill(mut text: &str, value: &dyn Fn(&str) -> String) -> String {
    let mut filled = String::with_capacity(text.len());
    while let Some((before, name, after)) = next_place(text) {
        filled.push_str(before);
        filled.push_str(&value(name));
        text = after;
    }
    filled + text
}

/// What our frame has already, and what no mail program runs but a browser would.
const NOT_HERE: &[&str] = &["<script", "<style", "<iframe", "<!", "<html", "<head", "<body", "javascript:"];

/// Why a value put into this HTML could become more than text, if it could: escaping protects text and quoted attributes only.
fn harmful(html: &str) -> Option<String> {
    let lower = html.to_ascii_lowercase();
    if let Some(word) = NOT_HERE.iter().find(|word| lower.contains(**word)) {
        return Some(format!("Leave {word} out: our frame around the letter has what is needed."));
    }
    let mut rest = html;
    while let Some((_, tag)) = rest.split_once('<') {
        let Some(end) = end_of_tag(tag) else { return Some("Close every tag and every quote.".to_owned()) };
        let (tag, after) = tag.split_at(end);
        let quoted_link = ["\"{{link}}\"", "\"{{ link }}\""].iter().fold(tag.to_owned(), |tag, link| tag.replace(link, ""));
        if quoted_link.contains("{{") {
            return Some("Inside a tag only \"{{link}}\" may stand, alone between double quotes.".to_owned());
        }
        rest = after;
    }
    None
}

/// Where a tag ends: at the first `>` outside of quotes.
fn end_of_tag(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

/// Text as HTML that shows it and does nothing else, also between quotes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// One kind of letter in the list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LetterRow {
    pub kind: LetterKind,
    /// Who gave it other words than the built-in ones, and when.
    pub changed: Option<(String, Moment)>,
    /// Somebody writes another wording that is not in use yet.
    pub has_draft: bool,
}

/// A kind of letter, for whoever words it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LetterPage {
    pub row: LetterRow,
    /// The draft where there is one, else what is in use.
    pub wording: Wording,
    /// What keeps it from being used, by field.
    pub problems: FieldErrors,
    /// The same as somebody would get it, with sample values.
    pub preview: Wording,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Wording {
        Wording {
            subject: "Hi".into(),
            text: "{{greeting}} go to {{ link }}".into(),
            html: "<p>{{greeting}}</p><a href=\"{{link}}\" title='a > b'>Go</a>".into(),
        }
    }

    #[test]
    fn a_wording_names_what_its_letter_knows_and_leads_somewhere() {
        good().check(LetterKind::Confirm).expect("good");
        for (field, part, bad) in [
            ("subject", "one line", Wording { subject: "a\r\nBcc: x".into(), ..good() }),
            ("subject", "Leave {{link}}", Wording { subject: "{{link}}".into(), ..good() }),
            ("subject", "Enter a subject", Wording { subject: " ".into(), ..good() }),
            ("subject", "150", Wording { subject: "s".repeat(151), ..good() }),
            ("text", "no {{campaign}}", Wording { text: "{{link}} {{campaign}}".into(), ..good() }),
            ("text", "no {{}}", Wording { text: "{{link}} {{}}".into(), ..good() }),
            ("text", "Put {{link}} in", Wording { text: "{{greeting}}".into(), ..good() }),
            ("text", "Close every {{", Wording { text: "{{link}} {{greeting".into(), ..good() }),
            ("text", "Close every {{", Wording { text: "{{link}} }}".into(), ..good() }),
            ("text", "Close every {{", Wording { text: "{{a {{link}} }}".into(), ..good() }),
            ("html", "Put {{link}} in", Wording { html: "<p>{{greeting}}</p>".into(), ..good() }),
            ("html", "Leave <script out", Wording { html: "{{link}}<SCRIPT>".into(), ..good() }),
            ("html", "Leave javascript:", Wording { html: "{{link}}<a href=\"javascript:x\">".into(), ..good() }),
            ("html", "Close every tag", Wording { html: "{{link}} <a".into(), ..good() }),
            ("html", "Inside a tag", Wording { html: "<a href={{link}}>x</a>".into(), ..good() }),
            ("html", "Inside a tag", Wording { html: "<a href='{{link}}'>x</a>".into(), ..good() }),
            ("html", "Inside a tag", Wording { html: "<a href=\"{{link}}\" title=\"{{greeting}}\">x</a>".into(), ..good() }),
            ("html", "Inside a tag", Wording { html: "{{link}}<{{greeting}}>".into(), ..good() }),
        ] {
            let problems = bad.problems(LetterKind::Confirm);
            assert!(problems.get(field).is_some_and(|why| why.contains(part)), "{bad:?}: {problems:?}");
        }
    }

    #[test]
    fn values_are_text_in_html_and_stay_what_they_are_in_text() {
        let evil = "<b onclick=\"x\">'&{{link}}";
        let filled =
            good().filled(|name| if name == "greeting" { evil.to_owned() } else { "https://b.test/?a=1&b=2".to_owned() });
        assert_eq!(filled.text, format!("{evil} go to https://b.test/?a=1&b=2"));
        assert_eq!(
            filled.html,
            "<p>&lt;b onclick=&quot;x&quot;&gt;&#39;&amp;{{link}}</p><a href=\"https://b.test/?a=1&amp;b=2\" title='a > b'>Go</a>"
        );
    }

    #[test]
    fn every_letter_knows_whom_it_greets_and_where_it_leads() {
        for kind in LetterKind::ALL {
            assert!(kind.knows("greeting") && kind.knows(LINK), "{kind}");
        }
    }
}
