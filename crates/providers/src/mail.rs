//! Mail by SMTP: one server, one mail per connection. Whether a mail is due, and what happens to one that fails, is decided in
//! `services::mails`; this says only whether trying again may help.

use crate::{ExposeSecret, SecretString};
use chrono::{DateTime, Utc};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::response::{Code, Severity};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::net::IpAddr;
use std::time::Duration;
use url::Url;

/// How long one command may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why a mail did not go out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The server will not have it, now or later.
    #[error("refused: {0}")]
    Refused(String),
    /// The server is away, or asks to try again.
    #[error("not now: {0}")]
    Later(String),
}

/// A mail as it leaves.
#[derive(Debug, Clone, Copy)]
pub struct Mail<'a> {
    /// Unique for ever; a mail that is sent twice is seen as one by those who look at it.
    pub id: &'a str,
    pub to: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    /// Beside the text; empty for none.
    pub html: &'a str,
    pub written_at: DateTime<Utc>,
}

/// A mail server and who we are to it.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    /// A server by its URL: `smtps://user:password@host`, or `smtp://user:password@host:587?tls=required`. Without TLS only on
    /// this machine: mails carry links that let people in. `from` is like `Belfry <mail@belfry.example>`.
    ///
    /// # Errors
    /// Says which of the two cannot be read, without the password.
    pub fn new(url: &SecretString, from: &str) -> Result<Self, String> {
        let parsed = Url::parse(url.expose_secret()).map_err(|e| format!("SMTP_URL cannot be read: {e}"))?;
        let is_required = parsed.query_pairs().any(|(name, value)| name == "tls" && value == "required");
        // For schemes it does not know, `url` leaves an address as the text it is.
        let host = parsed.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if parsed.scheme() != "smtps" && !is_required && !is_here {
            return Err("SMTP_URL must be smtps://…, or smtp://…?tls=required".to_owned());
        }
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret())
            .map_err(|e| format!("SMTP_URL cannot be used: {e}"))?;
        let from = from.parse().map_err(|e| format!("MAIL_FROM is no address: {e}"))?;
        Ok(Self { transport: builder.timeout(Some(PATIENCE)).build(), from })
    }

    /// Hands a mail to the server.
    ///
    /// # Errors
    /// As [`MailError`] says.
    pub async fn send(&self, mail: &Mail<'_>) -> Result<(), MailError> {
        let message = self.message(mail).map_err(MailError::Refused)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.status().is_some_and(is_about_the_mail) => Err(MailError::Refused(told(&error))),
            Err(error) => Err(MailError::Later(told(&error))),
        }
    }

    fn message(&self, mail: &Mail<'_>) -> Result<Message, String> {
        let to: Mailbox = mail.to.parse().map_err(|e| format!("no address: {e}"))?;
        let builder = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject)
            .date(mail.written_at.into())
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())));
        let body = match mail.html {
            "" => builder.body(mail.text.to_owned()),
            html => builder.multipart(MultiPart::alternative_plain_html(mail.text.to_owned(), html.to_owned())),
        };
        body.map_err(|e| e.to_string())
    }
}

/// Does this answer refuse this mail for good? What a server says of our password (RFC 4954 §6) is about every mail, and is
/// over once somebody mends the setting.
fn is_about_the_mail(code: Code) -> bool {
    code.severity == Severity::PermanentNegativeCompletion && !matches!(u16::from(code), 530 | 534 | 535 | 538)
}

/// An error with what is behind it; lettre keeps the server's words there.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut inner = error.source();
    while let Some(error) = inner {
        text.push_str(": ");
        text.push_str(&error.to_string());
        inner = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_links_do_not_travel_in_the_open() {
        let from = "Belfry <mail@belfry.example>";
        for bad in [
            "smtp://u:hunter2@mail.example",
            "smtp://u:hunter2@mail.example?tls=opportunistic",
            "smtp://10.0.0.1",
            "http://mail.example",
            "mail",
        ] {
            let why = Mailer::new(&bad.to_owned().into(), from).err().expect(bad);
            assert!(!why.contains("hunter2"), "{why}");
        }
        for good in ["smtp://127.0.0.1:25", "smtp://[::1]:25", "smtp://u:p@localhost:1025"] {
            assert!(Mailer::new(&good.to_owned().into(), from).is_ok(), "{good}");
        }
        assert!(Mailer::new(&"smtp://127.0.0.1".to_owned().into(), "nobody").is_err());
    }
}
