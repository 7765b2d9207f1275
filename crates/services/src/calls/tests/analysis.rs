//! What a provider tells of a conversation: kept, shown, and obeyed.

use super::*;
use crate::suppressions;
use model::calls::Sentiment;
use model::suppressions::{Source, SuppressionFilter};
use providers::{Analysis, CallbackKind, ProviderCallId, Segment, Speaker, scripted};

fn said(speaker: Speaker, text: &str) -> Segment {
    Segment { speaker, text: text.to_owned(), start_ms: None, end_ms: None }
}

fn analysis() -> Analysis {
    Analysis {
        transcript: vec![said(Speaker::Agent, "Hello!"), said(Speaker::Person, "I want the blue one.")],
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
    assert_eq!(call.transcript, pairs(&[("agent", "Hello!"), ("person", "I want the blue one.")]));
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
    assert_eq!((call.transcript[0].1.as_str(), call.transcript[1].1.len(), call.summary.as_str()), ("ab", 4_000, "ab"));
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
