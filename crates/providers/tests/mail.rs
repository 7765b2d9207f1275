//! Mail by SMTP: the conversation, what arrives at the other end of it, and what a server may answer instead. The server here
//! speaks RFC 5321 by itself; what it was given is read by Python's `email`, which never heard of ours.

use chrono::{TimeZone, Utc};
use providers::mail::{Mail, MailError, Mailer};
use std::io::Write;
use std::process::{Command, Stdio};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What one conversation brought: the lines of the client, and the mail as it was sent.
#[derive(Debug, Default)]
struct Heard {
    commands: Vec<String>,
    mail: String,
}

/// Listens for one conversation; `refuse` answers commands that begin so, instead of agreeing.
async fn server(refuse: Option<(&'static str, &'static str)>) -> (String, JoinHandle<Heard>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("smtp://belfry:open%20sesame@{}", listener.local_addr().expect("an address"));
    #[expect(clippy::disallowed_methods, reason = "the other end of the wire")]
    let talk = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let (read, mut write) = stream.into_split();
        let (mut lines, mut heard) = (BufReader::new(read).lines(), Heard::default());
        write.write_all(b"220 mail.test ESMTP\r\n").await.expect("greeting");
        while let Ok(Some(line)) = lines.next_line().await {
            let answer = match refuse.filter(|(command, _)| line.starts_with(command)) {
                Some((_, answer)) => answer,
                None if line.starts_with("EHLO") => "250-mail.test\r\n250-AUTH PLAIN\r\n250 8BITMIME",
                None if line.starts_with("AUTH") => "235 welcome",
                None if line == "DATA" => "354 go on",
                None if line == "QUIT" => "221 bye",
                None => "250 fine",
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await.expect("an answer");
            heard.commands.push(line.clone());
            if line == "DATA" && answer.starts_with("354") {
                while let Some(line) = lines.next_line().await.expect("the mail") {
                    if line == "." {
                        break;
                    }
                    heard.mail.push_str(line.strip_prefix('.').unwrap_or(&line));
                    heard.mail.push_str("\r\n");
                }
                write.write_all(b"250 queued\r\n").await.expect("an answer");
            }
            if line == "QUIT" {
                break;
            }
        }
        heard
    });
    (url, talk)
}

fn mailer(url: &str) -> Mailer {
    rustls::crypto::ring::default_provider().install_default().ok();
    Mailer::new(&url.to_owned().into(), "Belfry <mail@belfry.example>").expect("a server")
}

fn mail() -> Mail<'static> {
    Mail {
        id: "mai_7",
        to: "ines@quay.example",
        subject: "Join Café Søren at Belfry",
        text: "Hello Inès,\n\n.a line that begins with a dot, and one that is very long: 0123456789012345678901234567890123456789012345678901234567890123456789\n\nhttps://belfry.test/invite?token=abc=def\n",
        html: "<!doctype html><p>Hello Inès</p><a href=\"https://belfry.test/invite?token=abc=def\">Join</a>",
        written_at: Utc.with_ymd_and_hms(2026, 11, 23, 15, 0, 0).single().expect("a moment"),
    }
}

/// What a mail program shows of it, by Python.
fn read_by_python(mail: &str) -> serde_json::Value {
    const SCRIPT: &str = "import sys, json, email, email.policy
m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
part = lambda kind: m.get_body((kind,)).get_content()
print(json.dumps({'from': m['from'], 'to': m['to'], 'subject': m['subject'], 'date': m['date'], 'id': m['message-id'],
    'type': m.get_content_type(), 'text': part('plain'), 'html': part('html'), 'defects': len(m.defects)}))";
    let mut python = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the reader is Python 3.9 or later, as python3");
    python.stdin.take().expect("piped").write_all(mail.as_bytes()).expect("it reads");
    let out = python.wait_with_output().expect("it ends");
    serde_json::from_slice(&out.stdout).expect("JSON")
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let (url, talk) = server(None).await;
    mailer(&url).send(&mail()).await.expect("sent");
    let heard = talk.await.expect("a conversation");
    let verbs: Vec<_> = heard.commands.iter().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(&verbs[..5], ["EHLO", "AUTH", "MAIL", "RCPT", "DATA"]);
    // RFC 4616: nobody else's name, the user, the password, by NUL.
    assert_eq!(heard.commands[1], "AUTH PLAIN AGJlbGZyeQBvcGVuIHNlc2FtZQ==");
    assert!(heard.commands[2].starts_with("MAIL FROM:<mail@belfry.example>"), "{:?}", heard.commands);
    assert_eq!(heard.commands[3], "RCPT TO:<ines@quay.example>");
    assert!(heard.mail.lines().all(|line| line.len() < 998), "RFC 5322 §2.1.1");
    let seen = read_by_python(&heard.mail);
    let mail = mail();
    assert_eq!(seen["from"], "Belfry <mail@belfry.example>");
    assert_eq!((&seen["to"], &seen["subject"]), (&mail.to.into(), &mail.subject.into()));
    assert_eq!((&seen["id"], &seen["type"]), (&"<mai_7@belfry.example>".into(), &"multipart/alternative".into()));
    assert_eq!(seen["date"], "Mon, 23 Nov 2026 15:00:00 +0000");
    let lines = |text: &str| text.replace("\r\n", "\n").trim_end().to_owned();
    assert_eq!(lines(seen["text"].as_str().expect("text")), lines(mail.text));
    assert_eq!(lines(seen["html"].as_str().expect("html")), lines(mail.html));
    assert_eq!(seen["defects"], 0);
}

#[tokio::test]
async fn a_server_says_whether_trying_again_helps() {
    for (command, answer, later) in [
        ("RCPT", "550 5.1.1 no such mailbox", false),
        ("RCPT", "451 4.7.1 greylisted, come back", true),
        ("MAIL", "421 4.3.2 shutting down", true),
        ("DATA", "554 5.7.1 looks like spam", false),
        ("AUTH", "454 4.7.0 temporary authentication failure", true),
        ("AUTH", "535 5.7.8 the password was changed", true),
        ("MAIL", "530 5.7.0 sign in first", true),
    ] {
        let (url, talk) = server(Some((command, answer))).await;
        let error = mailer(&url).send(&mail()).await.expect_err("refused");
        drop(talk);
        assert_eq!(matches!(error, MailError::Later(_)), later, "{answer}: {error}");
        assert!(error.to_string().contains(&answer[4..]), "the server's words are kept: {error}");
    }
}

#[tokio::test]
async fn a_server_that_is_away_may_be_there_later() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("smtp://{}", listener.local_addr().expect("an address"));
    drop(listener);
    assert!(matches!(mailer(&url).send(&mail()).await, Err(MailError::Later(_))));
}

#[tokio::test]
async fn an_address_that_is_none_or_two_never_reaches_a_server() {
    let (url, talk) = server(None).await;
    for to in ["nobody", "a@b.example, c@d.example", "a@b.example\r\nBcc: c@d.example"] {
        let error = mailer(&url).send(&Mail { to, ..mail() }).await.expect_err("refused");
        assert!(matches!(error, MailError::Refused(_)), "{to}: {error}");
    }
    let subject = "Hello\r\nBcc: c@d.example";
    mailer(&url).send(&Mail { subject, ..mail() }).await.expect("sent");
    let heard = talk.await.expect("one conversation, of the last");
    assert_eq!(heard.commands.iter().filter(|line| line.starts_with("RCPT")).count(), 1);
    assert!(!heard.mail.lines().any(|line| line.starts_with("Bcc")), "{}", heard.mail);
}
