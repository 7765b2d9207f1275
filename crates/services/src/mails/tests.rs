//! Mail on its way: through the queue of jobs to a mail server that speaks SMTP, which may agree, ask to come back, or refuse.

use super::*;
use crate::accounts::{self, Client};
use crate::actor::Actor;
use crate::jobs;
use crate::testing::World;
use chrono::TimeZone;
use model::accounts::{Register, Role};
use model::events::{EventFilter, EventKind};
use model::mails::{LetterKind, Wording};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A mail that the server took: its recipient, and all of its lines.
type Taken = (String, String);

/// Answers to `RCPT`, one conversation each; agreed to when there are no more. Tells each mail it took.
async fn server(answers: &'static [&'static str]) -> (String, mpsc::UnboundedReceiver<Taken>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("smtp://{}", listener.local_addr().expect("an address"));
    let (told, heard) = mpsc::unbounded_channel();
    #[expect(clippy::disallowed_methods, reason = "the other end of the wire")]
    tokio::spawn(async move {
        let mut answers = answers.iter();
        while let Ok((stream, _)) = listener.accept().await {
            let (read, mut write) = stream.into_split();
            let (mut lines, mut to, mut in_data) = (BufReader::new(read).lines(), String::new(), false);
            let mut data = String::new();
            let mut answer = "220 mail.test ESMTP";
            loop {
                if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                    break;
                }
                let mut line = lines.next_line().await.ok().flatten();
                while in_data && line.as_deref().is_some_and(|line| line != ".") {
                    data.extend(line.iter().flat_map(|line| [line.as_str(), "\n"]));
                    line = lines.next_line().await.ok().flatten();
                }
                answer = match line.as_deref() {
                    None => break,
                    Some(".") if in_data => {
                        in_data = false;
                        told.send((to.clone(), std::mem::take(&mut data))).ok();
                        "250 queued"
                    }
                    Some("DATA") => {
                        in_data = true;
                        "354 go on"
                    }
                    Some("QUIT") => "221 bye",
                    Some(line) if line.starts_with("RCPT TO:") => {
                        to = line.to_owned();
                        answers.next().unwrap_or(&"250 fine")
                    }
                    Some(_) => "250 fine",
                };
            }
        }
    });
    (url, heard)
}

/// A world whose mails go to `url`. Its clock stands in the past, so that every wait of the queue is over at once.
async fn world(url: Option<String>, dev: bool) -> World {
    rustls::crypto::ring::default_provider().install_default().ok();
    let w = World::configured(1, |config| {
        config.smtp_url = url.map(Into::into);
        config.dev = dev;
    })
    .await;
    w.clock.set(chrono::Utc.with_ymd_and_hms(2026, 1, 5, 9, 0, 0).single().expect("a moment"));
    w
}

/// Causes one mail.
async fn register(w: &World) {
    let form = Register {
        name: "Maya Okafor".into(),
        email: "maya@harbor.example".into(),
        password: "correct-horse-7".into(),
        company_name: "Harbor".into(),
        time_zone: String::new(),
    };
    accounts::register(&w.db, &form, &Client::default()).await.expect("registration");
}

/// Runs the queue of mails until `done` says so.
async fn until<T>(w: &World, done: impl Future<Output = T>) -> T {
    let stop = CancellationToken::new();
    let queue = jobs::dispatch(&w.db, stop.clone(), |monitor, db, boot| jobs::register::<SendMail>(monitor, db, boot, 1));
    let work = async {
        let patience = std::time::Duration::from_secs(60);
        let got = tokio::time::timeout(patience, done).await.expect("within a minute");
        stop.cancel();
        got
    };
    let (got, ended) = tokio::join!(work, queue);
    ended.expect("the queue ends well");
    got
}

async fn sent(w: &World) -> (i64, i64) {
    let mut tx = w.db.begin_system(SystemTask::Mail).await.expect("begin");
    sqlx::query_as("select count(*), count(sent_at) from mails").fetch_one(tx.conn()).await.expect("counts")
}

/// The first job that was given up, once there is one.
async fn buried(w: &World) -> String {
    loop {
        let mut tx = w.db.begin_system(SystemTask::Mail).await.expect("begin");
        let why: Option<String> = sqlx::query_scalar("select error from dead_jobs where queue = 'send_mail'")
            .fetch_optional(tx.conn())
            .await
            .expect("dead jobs");
        match why {
            Some(why) => return why,
            None => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    }
}

#[tokio::test]
async fn a_mail_goes_out_again_when_the_server_asks_to_come_back() {
    let (url, mut heard) = server(&["451 4.7.1 greylisted", "421 4.3.2 restarting"]).await;
    let w = world(Some(url), false).await;
    register(&w).await;
    let (to, _) = until(&w, heard.recv()).await.expect("a mail");
    assert_eq!(to, "RCPT TO:<maya@harbor.example>");
    // The queue has ended, and with it the job that wrote this down.
    assert_eq!(sent(&w).await, (1, 1));
    assert!(heard.try_recv().is_err(), "one mail, once");
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_buried_with_the_servers_words() {
    let (url, mut heard) = server(&["550 5.1.1 no such mailbox"]).await;
    let w = world(Some(url), false).await;
    register(&w).await;
    let why = until(&w, buried(&w)).await;
    assert!(why.contains("5.1.1 no such mailbox"), "{why}");
    assert_eq!(sent(&w).await, (1, 0));
    assert!(heard.try_recv().is_err(), "it was not tried again");
}

#[tokio::test]
async fn a_mail_that_went_out_is_not_sent_by_a_job_that_runs_twice() {
    let (url, mut heard) = server(&[]).await;
    let w = world(Some(url), true).await;
    register(&w).await;
    let job = SendMail { mail: recent(&w.db).await.expect("mails")[0].id };
    job.clone().run(w.db.clone()).await.expect("sent");
    job.run(w.db.clone()).await.expect("nothing to do");
    assert!(heard.try_recv().is_ok());
    assert!(heard.try_recv().is_err(), "once");
}

#[tokio::test]
async fn without_a_server_a_mail_waits_but_in_development_it_is_read_in_the_mailbox() {
    for (dev, outcome) in [(false, (1, 0)), (true, (1, 1))] {
        let w = world(None, dev).await;
        register(&w).await;
        let mut tx = w.db.begin_system(SystemTask::Mail).await.expect("begin");
        let mail = sqlx::query_scalar("select id from mails").fetch_one(tx.conn()).await.expect("a mail");
        drop(tx);
        let ran = SendMail { mail }.run(w.db.clone()).await;
        assert_eq!(ran.is_ok(), dev);
        assert_eq!(sent(&w).await, outcome);
    }
}

/// What is left of the one mail there is.
async fn left(w: &World) -> (String, String) {
    let mut tx = w.db.begin_system(SystemTask::Mail).await.expect("begin");
    sqlx::query_as("select body, html from mails").fetch_one(tx.conn()).await.expect("a mail")
}

#[tokio::test]
async fn a_link_that_went_out_is_not_in_the_database_any_more() {
    let (url, mut heard) = server(&[]).await;
    let w = world(Some(url), false).await;
    register(&w).await;
    assert!(left(&w).await.0.contains("/confirm?token="));
    until(&w, heard.recv()).await.expect("a mail");
    assert_eq!(left(&w).await, (String::new(), String::new()));
}

#[tokio::test]
async fn a_link_that_is_too_old_is_forgotten_and_not_sent() {
    let (url, mut heard) = server(&[]).await;
    let w = world(Some(url), false).await;
    register(&w).await;
    let mut tx = w.db.begin_system(SystemTask::Mail).await.expect("begin");
    let mail = sqlx::query_scalar("select id from mails").fetch_one(tx.conn()).await.expect("a mail");
    drop(tx);
    w.clock.advance(TimeDelta::hours(48));
    let refused = SendMail { mail }.run(w.db.clone()).await.expect_err("nothing to send");
    assert!(refused.is::<Hopeless>(), "{refused}");
    assert!(heard.try_recv().is_err());
    assert_eq!(left(&w).await, (String::new(), String::new()));
}

#[tokio::test]
async fn what_carries_no_link_that_lets_in_is_kept() {
    let (url, mut heard) = server(&[]).await;
    let w = world(Some(url), false).await;
    let mut tx = w.db.begin_system(SystemTask::Mail).await.expect("begin");
    let letter = letters::notice("Maya", "Your password was changed", "203.0.113.7", "https://b.test/account".to_owned());
    send(&mut tx, "maya@harbor.example", &letter).await.expect("written");
    tx.commit().await.expect("commit");
    until(&w, heard.recv()).await.expect("a mail");
    assert!(left(&w).await.0.contains("Your password was changed"));
}

#[test]
fn tries_spread_over_hours() {
    let waits: Vec<i64> = (1..SendMail::ATTEMPTS_MAX).map(|n| SendMail::backoff(n).num_seconds()).collect();
    assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
}

// ── other words ─────────────────────────────────────────────────────────────

/// A super admin, in a company of their own.
async fn root(w: &World) -> Actor {
    let home = w.company("platform").await;
    w.member(&home, Role::SuperAdmin).await
}

fn reworded() -> Wording {
    Wording {
        subject: "Servus! Bitte bestaetigen".into(),
        text: "{{greeting}}\r\nhier entlang: {{link}}\r\n".into(),
        html: "<p>{{greeting}}</p><a href=\"{{link}}\">Hier entlang</a>".into(),
    }
}

#[tokio::test]
async fn a_letter_in_other_words_goes_out_in_them() {
    let (url, mut heard) = server(&[]).await;
    let w = world(Some(url), false).await;
    let root = root(&w).await;
    wordings::draft(&w.db, &root, LetterKind::Confirm, &reworded()).await.expect("kept");
    let page = wordings::load(&w.db, &root, LetterKind::Confirm).await.expect("page");
    assert!(page.row.has_draft && page.row.changed.is_none() && page.problems.is_empty(), "{page:?}");
    assert!(page.preview.html.contains("<p>Hello Maya Okafor,</p>") && page.preview.text.contains("hier entlang: https://"));
    assert!(!page.wording.text.contains('\r'));
    let mut tx = w.db.begin_system(SystemTask::Mail).await.expect("begin");
    assert_eq!(
        wordings::in_use(&mut tx, LetterKind::Confirm).await.expect("words").subject,
        "Confirm your e-mail",
        "a draft is none"
    );
    drop(tx);
    wordings::adopt(&w.db, &root, LetterKind::Confirm).await.expect("in use");
    register(&w).await;
    let (to, data) = until(&w, heard.recv()).await.expect("a mail");
    assert_eq!(to, "RCPT TO:<maya@harbor.example>");
    for part in ["Subject: Servus! Bitte bestaetigen", "Hello Maya Okafor,", "hier entlang: http", "Hier entlang</a>"] {
        assert!(data.contains(part), "{part} is not in {data}");
    }
    assert!(!data.contains("by opening this link"), "{data}");
}

#[tokio::test]
async fn a_wording_with_problems_is_kept_and_not_used() {
    let w = World::new().await;
    let root = root(&w).await;
    let (kind, db) = (LetterKind::Invite, &w.db);
    let none = wordings::adopt(db, &root, kind).await.expect_err("no draft");
    assert!(matches!(none, crate::Error::Told(model::Error::Conflict { .. })), "{none}");
    let bad = Wording { text: "{{link}} {{campaign}}".into(), html: "<script>{{link}}</script>".into(), ..reworded() };
    wordings::draft(db, &root, kind, &bad).await.expect("kept");
    let page = wordings::load(db, &root, kind).await.expect("page");
    assert_eq!(page.problems.keys().map(String::as_str).collect::<Vec<_>>(), ["html", "text"]);
    let refused = model::Error::from(wordings::adopt(db, &root, kind).await.expect_err("problems"));
    assert!(refused.of_field("text").is_some_and(|why| why.contains("no {{campaign}}")), "{refused}");
    let page = wordings::load(db, &root, kind).await.expect("page");
    assert!(page.row.has_draft && page.row.changed.is_none(), "the draft is still there");
    let long = Wording { text: "x".repeat(model::mails::BODY_MAX + 1), ..reworded() };
    assert!(model::Error::from(wordings::draft(db, &root, kind, &long).await.expect_err("too long")).of_field("text").is_some());
}

#[tokio::test]
async fn the_way_back_to_the_built_in_words_and_who_went_it_is_in_the_record() {
    let w = World::new().await;
    let root = root(&w).await;
    let (kind, db) = (LetterKind::Reset, &w.db);
    wordings::draft(db, &root, kind, &reworded()).await.expect("kept");
    wordings::adopt(db, &root, kind).await.expect("in use");
    let changed =
        wordings::list(db, &root).await.expect("list").into_iter().find(|row| row.kind == kind).expect("listed").changed;
    assert_eq!(changed.map(|(who, _)| who), Some("Super admin".to_owned()));
    wordings::draft(db, &root, kind, &reworded()).await.expect("kept");
    wordings::restore(db, &root, kind).await.expect("restored");
    let page = wordings::load(db, &root, kind).await.expect("page");
    assert_eq!((page.wording, page.row.changed, page.row.has_draft), (letters::built_in(kind), None, false));
    let mut tx = db.begin(&root).await.expect("begin");
    let filter = EventFilter { kind: Some(EventKind::LetterChanged), ..EventFilter::default() };
    let mut texts: Vec<_> =
        crate::events::list(&mut tx, &filter).await.expect("events").items.into_iter().map(|e| e.text).collect();
    texts.sort();
    assert_eq!(
        texts,
        [
            "Choose a new password: new words in use; subject Choose a new password → Servus! Bitte bestaetigen",
            "Choose a new password: the built-in words again",
        ]
    );
}

#[tokio::test]
async fn only_super_admins_word_letters() {
    let w = World::new().await;
    let admin = w.company("acme").await.actor;
    let (kind, db) = (LetterKind::Notice, &w.db);
    for refused in [
        wordings::list(db, &admin).await.err(),
        wordings::load(db, &admin, kind).await.err(),
        wordings::draft(db, &admin, kind, &reworded()).await.err(),
        wordings::adopt(db, &admin, kind).await.err(),
        wordings::restore(db, &admin, kind).await.err(),
    ] {
        assert!(matches!(refused, Some(crate::Error::Told(model::Error::Forbidden { .. }))), "{refused:?}");
    }
}

#[tokio::test]
async fn what_is_a_month_old_is_deleted_by_night() {
    let w = World::new().await;
    register(&w).await;
    let count = async || {
        let mut tx = w.db.begin_system(SystemTask::Mail).await.expect("begin");
        let sql = "select (select count(*) from mails), (select count(*) from dead_jobs)";
        sqlx::query_as::<_, (i64, i64)>(sql).fetch_one(tx.conn()).await.expect("counts")
    };
    let mut tx = w.db.begin_system(SystemTask::Mail).await.expect("begin");
    let now = tx.now();
    sqlx::query("insert into dead_jobs (id, queue, payload, error, died_at) values ('1', 'send_mail', '{}', 'refused', $1)")
        .bind(now)
        .execute(tx.conn())
        .await
        .expect("buried");
    tx.commit().await.expect("commit");
    // World's noon is 15:00; the night's work begins at 3.
    w.clock.advance(TimeDelta::days(29));
    assert!(crate::check::nightly(&w.db).await.expect("night"));
    assert_eq!(count().await, (1, 1));
    w.clock.advance(TimeDelta::days(2));
    assert!(crate::check::nightly(&w.db).await.expect("night"));
    assert_eq!(count().await, (0, 0));
}
