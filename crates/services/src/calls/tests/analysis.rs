//! What a provider tells of a conversation: kept, shown, and obeyed.

use super::*;
use crate::suppressions;
use model::calls::{Sentiment, Turn};
use model::suppressions::{Source, SuppressionFilter};
use providers::{Analysis, CallbackKind, ProviderCallId, Segment, Speaker, scripted};

fn said(speaker: Speaker, text: &str) -> Segment {
    Segment { speaker, text: text.to_owned(), start_ms: None, end_ms: None }
}

fn analysis() -> Analysis {
    Analysis {
        transcript: vec![
            Segment { start_ms: Some(999), ..said(Speaker::Agent, "Hello!") },
            said(Speaker::Person, "I want the blue one."),
        ],
        summary: Some("Wants the blue one.".to_owned()),
        sentiment: Some(providers::Sentiment::Positive),
        successful: Some(true),
        keywords: vec!["blue".to_owned()],
        fields: [("colour".to_owned(), "blue".to_owned())].into(),
        ..Analysis::default()
    }
}

impl Room {
    async fn analysed(&self, analysis: Analysis) {
        let kind = CallbackKind::Analysis(Box::new(analysis));
        let callback = scripted::news(ProviderCallId::new("CA1"), kind);
        self.world.callback(self.acme.company, self.call, callback).await.expect("applied");
        assert_eq!(check::run(&self.world.db).await.expect("checked").violations, Vec::<String>::new());
    }

    async fn suppressed(&self) -> Vec<Source> {
        let mut tx = self.world.tx(&self.acme).await;
        let page = suppressions::list(&mut tx, &SuppressionFilter::default()).await.expect("list");
        page.items.into_iter().map(|row| row.source).collect()
    }
}

#[tokio::test]
async fn a_conversation_is_kept_and_a_second_telling_takes_nothing_back() {
    let room = Room::new().await;
    room.analysed(analysis()).await;
    room.analysed(Analysis { fields: [("size".to_owned(), "M".to_owned())].into(), ..Analysis::default() }).await;
    let mut tx = room.world.tx(&room.acme).await;
    let call = load(&mut tx, room.call).await.expect("call");
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
    let turn = |speaker: &str, text: &str, seconds| Turn { speaker: speaker.to_owned(), text: text.to_owned(), seconds };
    assert_eq!(call.transcript, [turn("agent", "Hello!", Some(0)), turn("person", "I want the blue one.", None)]);
    assert!(!call.read_out);
    assert_eq!(
        (call.summary.as_str(), call.sentiment, call.successful),
        ("Wants the blue one.", Some(Sentiment::Positive), Some(true))
    );
    assert_eq!((call.keywords, call.found), (vec!["blue".to_owned()], pairs(&[("colour", "blue"), ("size", "M")])));
    drop(tx);
    assert_eq!(room.suppressed().await, []);
}

#[tokio::test]
async fn who_says_stop_is_not_called_again_whether_it_is_told_before_the_end_or_after() {
    for is_late in [false, true] {
        let room = Room::new().await;
        let no = Analysis { opted_out: Some(true), ..analysis() };
        if is_late {
            room.absorb(ended(Outcome::NoAnswer, 0)).await;
            assert_eq!(room.person().await, EnrollmentStatus::Queued);
            room.analysed(no.clone()).await;
        } else {
            room.analysed(no.clone()).await;
            room.absorb(ended(Outcome::Completed, 30)).await;
        }
        room.analysed(no).await;
        assert_eq!(room.suppressed().await, [Source::Keyword]);
        assert_eq!(room.person().await, EnrollmentStatus::OptedOut, "late: {is_late}");
        let mut tx = room.world.tx(&room.acme).await;
        let counted: i64 = sqlx::query_scalar("select opted_out from campaign_stats").fetch_one(tx.conn()).await.expect("counts");
        assert_eq!(counted, 1, "late: {is_late}");
    }
}

#[tokio::test]
async fn no_text_of_a_conversation_keeps_the_call_from_its_end() {
    let room = Room::new().await;
    let nul = "a\0b".to_owned();
    let long = "x".repeat(100_000);
    room.analysed(Analysis {
        transcript: vec![said(Speaker::Person, &nul), said(Speaker::Agent, &long)],
        summary: Some(nul.clone()),
        keywords: vec![nul.clone(); 1_000],
        fields: (0..1_000).map(|n| (format!("{n}\0"), nul.clone())).collect(),
        ..Analysis::default()
    })
    .await;
    let mut tx = room.world.tx(&room.acme).await;
    let call = load(&mut tx, room.call).await.expect("call");
    assert_eq!((call.transcript[0].text.as_str(), call.transcript[1].text.len(), call.summary.as_str()), ("ab", 4_000, "ab"));
    assert_eq!((call.keywords.len(), call.found.len()), (100, 100));
}

#[tokio::test]
async fn a_machine_that_the_judgement_finds_is_counted_as_one() {
    let room = Room::new().await;
    room.absorb(ended(Outcome::Completed, 20)).await;
    room.analysed(Analysis { voicemail: Some(true), ..Analysis::default() }).await;
    let progress = room.progress().await;
    assert_eq!((progress.connected, progress.voicemail), (0, 1));
}

#[tokio::test]
async fn what_was_read_out_is_shown_where_nobody_wrote_down_what_was_said() {
    for (keys, expected) in [
        (&[][..], &["agent: Hello Person 0, this is Nora of acme.", "agent: Press 9.", "agent: Goodbye."][..]),
        (
            &["5", "9"],
            &[
                "agent: Hello Person 0, this is Nora of acme.",
                "agent: Press 9.",
                "person: Pressed 5",
                "person: Pressed 9",
                "agent: You will not be called again. Goodbye.",
            ],
        ),
        (&["5"], &["agent: Hello Person 0, this is Nora of acme.", "agent: Press 9.", "person: Pressed 5"]),
    ] {
        let room = Room::new().await;
        let read = async || load(&mut room.world.tx(&room.acme).await, room.call).await.expect("call");
        let before = read().await;
        assert!(before.transcript.is_empty() && !before.read_out, "nobody is there yet");
        let mut tx = room.world.tx(&room.acme).await;
        sqlx::query(
            "update agent_versions set form = jsonb_set(form, '{scripts}',
                '{\"greeting\": \"Hello {{name}}, this is {{agent}} of {{company}}.\", \"main\": \"Press 9.\", \"voicemail\": \"\", \"closing\": \"Goodbye.\"}')",
        )
        .execute(tx.conn())
        .await
        .expect("a script of our own");
        tx.commit().await.expect("commit");
        for key in keys {
            let news = scripted::news(ProviderCallId::new("CA1"), CallbackKind::Digits((*key).to_owned()));
            room.world.callback(room.acme.company, room.call, news).await.expect("applied");
        }
        room.absorb(Report { price: Some((14_000, "USD".to_owned())), ..ended(Outcome::Completed, 30) }).await;
        // It was picked up, as the report says that it talked.
        let mut tx = room.world.tx(&room.acme).await;
        sqlx::query("update calls set answered_at = created_at").execute(tx.conn()).await.expect("answered");
        tx.commit().await.expect("commit");
        let call = read().await;
        let lines: Vec<_> = call.transcript.iter().map(|turn| format!("{}: {}", turn.speaker, turn.text)).collect();
        assert_eq!((lines.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), call.read_out), (expected, true));
        assert_eq!(call.provider_price.as_deref(), Some("$0.014"));
        room.analysed(analysis()).await;
        let call = read().await;
        assert!(!call.read_out && call.transcript.len() == 2, "the provider's own words come first");
    }
}
