//! The development mailbox: every mail Belfry would have sent. Not routed outside development.

use crate::answers::Refused;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::header;
use model::mails::escape;
use services::Db;
use services::mails::{self, Mail};

/// The page brings its own few styles and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const STYLE: &str = ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;\
    padding:0 1rem}article{border:1px solid #8886;border-radius:8px;padding:1rem;margin:1rem 0}h2{font-size:1rem;margin:0}\
    pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit}";

/// `GET /dev/mail`
pub async fn mailbox(State(db): State<Db>) -> Result<Response, Refused> {
    let mails = mails::recent(&db).await?;
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Mailbox</title><style>{STYLE}</style></head><body><main><h1>Mailbox</h1>"
    );
    if mails.is_empty() {
        html.push_str("<p>No mail yet.</p>");
    }
    for mail in &mails {
        html.push_str(&article(mail));
    }
    html.push_str("</main></body></html>");
    Ok(([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response())
}

fn article(mail: &Mail) -> String {
    format!(
        "<article><h2>{}</h2><p>To {} · {} UTC</p><pre>{}</pre></article>",
        escape(&mail.subject),
        escape(&mail.to_address),
        mail.created_at.format("%-d %b %Y, %H:%M:%S"),
        linked(&mail.body)
    )
}

/// Escapes a text and makes links of its words that are web addresses.
fn linked(text: &str) -> String {
    let word = |word: &str| {
        let safe = escape(word);
        let is_link = word.starts_with("http://") || word.starts_with("https://");
        if is_link { format!("<a href=\"{safe}\">{safe}</a>") } else { safe }
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_wrote_stays_text_and_links_work() {
        let html = linked("Hello <script>alert(1)</script>,\nsee https://belfry.test/confirm?a=1&b=\"2\" now");
        assert_eq!(
            html,
            "Hello &lt;script&gt;alert(1)&lt;/script&gt;,\nsee <a href=\"https://belfry.test/confirm?a=1&amp;b=&quot;2&quot;\">\
             https://belfry.test/confirm?a=1&amp;b=&quot;2&quot;</a> now"
        );
        assert_eq!(linked("javascript:alert(1)"), "javascript:alert(1)");
    }
}
