//! What our mails say: every letter, and the one shape they share, as text and as HTML. Who gets one, and when, is up to the
//! slice that sends it.

use chrono::TimeDelta;

/// A mail before it has a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    pub subject: String,
    /// Whom it greets; nobody by name when empty.
    name: String,
    lines: Vec<String>,
    /// What the button says and where it leads.
    button: Option<(&'static str, String)>,
    /// The small print: how long the link works, what to do when one did not ask for it.
    small: String,
    /// How long the button lets whoever has this mail in; nothing where it only leads to a page.
    pub secret_for: Option<TimeDelta>,
}

impl Letter {
    fn new(subject: impl Into<String>, name: &str, line: impl Into<String>) -> Self {
        let subject = plain(&subject.into());
        Self { subject, name: plain(name), lines: vec![line.into()], button: None, small: String::new(), secret_for: None }
    }

    fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    fn button(mut self, label: &'static str, url: String) -> Self {
        self.button = Some((label, url));
        self
    }

    /// A button that does something by itself, for so long.
    fn key(mut self, label: &'static str, url: String, works_for: TimeDelta) -> Self {
        self.secret_for = Some(works_for);
        self.button(label, url)
    }

    fn small(mut self, small: impl Into<String>) -> Self {
        self.small = small.into();
        self
    }

    /// For readers without HTML.
    pub fn text(&self) -> String {
        let greeting = if self.name.is_empty() { "Hello,".to_owned() } else { format!("Hello {},", self.name) };
        let mut parts = vec![greeting];
        parts.extend(self.lines.iter().cloned());
        if let Some((label, url)) = &self.button {
            parts.push(format!("{label}:\n\n{url}"));
        }
        if !self.small.is_empty() {
            parts.push(self.small.clone());
        }
        format!("{}\n\n-- \nBelfry\n", parts.join("\n\n"))
    }

    /// The same with a button. Styles stand in the elements: mail programs drop style sheets.
    pub fn html(&self) -> String {
        let greeting = if self.name.is_empty() { "Hello,".to_owned() } else { format!("Hello {},", escape(&self.name)) };
        let line = |text: &str| format!("<p style=\"margin:0 0 16px\">{text}</p>");
        let lines: String = self.lines.iter().map(|text| line(&escape(text))).collect();
        let button = self.button.as_ref().map_or_else(String::new, |(label, url)| {
            let url = escape(url);
            format!(
                "<p style=\"margin:24px 0\"><a href=\"{url}\" style=\"display:inline-block;padding:10px 18px;border-radius:8px;\
                 background:#2f5bea;color:#ffffff;text-decoration:none;font-weight:600\">{label}</a></p>\
                 <p style=\"margin:0 0 16px;font-size:13px;color:#5b6070\">Or open this address: \
                 <a href=\"{url}\" style=\"color:#2f5bea;word-break:break-all\">{url}</a></p>"
            )
        });
        let small = if self.small.is_empty() {
            String::new()
        } else {
            format!("<p style=\"margin:0;font-size:13px;color:#5b6070\">{}</p>", escape(&self.small))
        };
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title}</title></head><body style=\"margin:0;padding:24px;background:#f5f6f8\">\
             <div style=\"max-width:520px;margin:0 auto;padding:32px;background:#ffffff;border:1px solid #e3e5ea;border-radius:12px;\
             font:15px/1.6 system-ui,-apple-system,'Segoe UI',sans-serif;color:#1a1d24\">\
             <p style=\"margin:0 0 24px;font-weight:700;font-size:17px\">Belfry</p>{greeting}{lines}{button}{small}</div></body></html>",
            title = escape(&self.subject),
            greeting = line(&greeting),
        )
    }
}

/// Proves the address of somebody who registered.
pub(crate) fn confirm(name: &str, url: String, hours: i64) -> Letter {
    Letter::new("Confirm your e-mail", name, "please confirm your e-mail address by opening this link.")
        .key("Confirm the address", url, TimeDelta::hours(hours))
        .small(format!("It works for {hours} hours. If you did not register at Belfry, ignore this mail."))
}

/// Lets somebody choose a new password.
pub(crate) fn reset(name: &str, url: String, minutes: i64) -> Letter {
    Letter::new("Choose a new password", name, "somebody, we hope you, asked for a new password for your account.")
        .key("Choose a password", url, TimeDelta::minutes(minutes))
        .small(format!(
            "The link works once, for {minutes} minutes. If you did not ask for it, ignore this mail: nothing changes."
        ))
}

/// Proves the new address of somebody who changes theirs.
pub(crate) fn new_address(name: &str, url: String, hours: i64) -> Letter {
    Letter::new("Confirm your new address", name, "open this link to sign in to Belfry with this address from now on.")
        .key("Use this address", url, TimeDelta::hours(hours))
        .small(format!("It works once, for {hours} hours. If you did not ask for it, ignore this mail: nothing changes."))
}

/// Asks somebody into a company.
pub(crate) fn invite(who: &str, company: &str, role: &str, url: String, days: i64) -> Letter {
    Letter::new(
        format!("Join {company} at Belfry"),
        "",
        format!("{} invites you to the team of {} as {}.", plain(who), plain(company), role.to_lowercase()),
    )
    .line("Belfry makes phone campaigns with voice agents that answer for themselves.")
    .key("Join the team", url, TimeDelta::days(days))
    .small(format!("The link works once, for {days} days. If you do not know who this is, ignore this mail."))
}

/// Tells somebody what happened to their account, so that they notice when it was not them.
pub(crate) fn notice(name: &str, what: &str, from: &str, url: String) -> Letter {
    let place = if from.is_empty() { String::new() } else { format!(" It came from the address {from}.") };
    Letter::new(format!("Security notice: {what}"), name, format!("{what}.{place}"))
        .button("Look at your account", url)
        .small("If this was you, there is nothing to do. If it was not, choose a new password at once.")
}

/// On one line, whatever somebody called themself: a subject with a line break would be two headers.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

fn escape(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_says_the_same_in_both_shapes() {
        let letter = invite("Maya Okafor", "Harbor", "Viewer", "https://b.test/invite?token=abc".to_owned(), 7);
        insta::assert_snapshot!(letter.text());
        let html = letter.html();
        for part in
            ["Maya Okafor invites you to the team of Harbor as viewer.", "href=\"https://b.test/invite?token=abc\"", "7 days"]
        {
            assert!(html.contains(part), "{part} is not in {html}");
        }
    }

    #[test]
    fn a_stranger_writes_neither_headers_nor_html() {
        let evil = "Eve\r\nBcc: all@example.com<script>alert(1)</script>";
        let letter = invite(evil, evil, "Viewer", "https://b.test/?a=1&b=\"2\"".to_owned(), 7);
        assert!(!letter.subject.contains(['\r', '\n']), "{}", letter.subject);
        let html = letter.html();
        assert!(!html.contains("<script") && !html.contains("b=\"2\""), "{html}");
    }
}
