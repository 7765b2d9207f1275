//! What a conversation came to, as the provider tells it: bounded, and kept with the call.

use crate::db::Tx;
use crate::error::Result;
use crate::webhooks::Told;
use model::calls::Sentiment;
use model::id::{CallId, CampaignId, ContactId};
use model::leads::Heard;
use model::phone::Phone;
use providers::Analysis;
use sqlx::types::Json;
use std::collections::BTreeMap;

/// Turns of a conversation kept; keywords, and things found out.
const TURNS_MAX: usize = 2_000;
const FOUND_MAX: usize = 100;
/// Longest text of a turn, a summary, or something found out.
const TEXT_MAX: usize = 4_000;

/// What is new in a telling.
pub(super) struct Noted {
    pub has_summary: bool,
    /// Who spoke and what of it makes a lead, where more interest was told than before.
    pub heard: Option<(ContactId, Heard)>,
}

/// What is known of a call before and after a telling.
#[derive(sqlx::FromRow)]
struct Known {
    told: bool,
    was_successful: Option<bool>,
    was_sentiment: Option<Sentiment>,
    was_keywords: Vec<String>,
    was_found: Json<BTreeMap<String, String>>,
    campaign_id: Option<CampaignId>,
    contact_id: Option<ContactId>,
    phone: Phone,
    successful: Option<bool>,
    sentiment: Option<Sentiment>,
    keywords: Vec<String>,
    found: Json<BTreeMap<String, String>>,
}

/// What a conversation came to. A second telling adds to the first and takes nothing back.
pub(super) async fn note(tx: &mut Tx, id: CallId, a: &Analysis) -> Result<Noted> {
    let kept = |text: &String| super::kept(text, TEXT_MAX);
    let said = |said: &providers::Segment| (speaker(said.speaker), kept(&said.text));
    let transcript: Vec<_> = a.transcript.iter().take(TURNS_MAX).map(said).collect();
    let seconds = |said: &providers::Segment| said.start_ms.and_then(|ms| i32::try_from(ms / 1000).ok());
    let turn_seconds: Vec<Option<i32>> = a.transcript.iter().take(TURNS_MAX).map(seconds).collect();
    let keywords: Vec<_> = a.keywords.iter().take(FOUND_MAX).map(kept).collect();
    let found: BTreeMap<_, _> = a.fields.iter().take(FOUND_MAX).map(|(name, value)| (kept(name), kept(value))).collect();
    let lead = (a.successful == Some(true)).then(|| found.clone());
    let known: Known = sqlx::query_as(
        "with was as (select id, summary <> '' as told, successful as was_successful, sentiment as was_sentiment,
                keywords as was_keywords, found as was_found from calls where id = $1)
         update calls set transcript = case when $2 = '[]'::jsonb then transcript else $2 end,
                turn_seconds = case when $2 = '[]'::jsonb then turn_seconds else $8 end, summary = coalesce($3, summary),
                sentiment = coalesce($4, sentiment), successful = coalesce($5, successful),
                keywords = case when $6 = '{}' then keywords else $6 end, found = found || $7
         from was where calls.id = was.id
         returning was.told, was.was_successful, was.was_sentiment, was.was_keywords, was.was_found, calls.campaign_id,
                calls.contact_id, calls.phone, calls.successful, calls.sentiment, calls.keywords, calls.found",
    )
    .bind(id)
    .bind(Json(transcript))
    .bind(a.summary.as_ref().map(kept))
    .bind(a.sentiment.map(sentiment))
    .bind(a.successful)
    .bind(keywords)
    .bind(Json(found))
    .bind(turn_seconds)
    .fetch_one(tx.conn())
    .await?;
    if let Some(found) = lead.filter(|_| known.was_successful != Some(true)) {
        tx.tell(Told::qualified(id, known.campaign_id, &known.phone, a.sentiment.map(sentiment), &found));
    }
    let has_summary = !known.told && a.summary.is_some();
    Ok(Noted { has_summary, heard: heard(a, known) })
}

/// What makes a lead, where a telling shows more interest than the ones before it. Who does not want to be called becomes none.
fn heard(a: &Analysis, known: Known) -> Option<(ContactId, Heard)> {
    let before = Heard {
        successful: known.was_successful,
        sentiment: known.was_sentiment,
        keywords: known.was_keywords,
        found: known.was_found.0,
        answers: 0,
    };
    let after = Heard {
        successful: known.successful,
        sentiment: known.sentiment,
        keywords: known.keywords,
        found: known.found.0,
        answers: a.transcript.iter().filter(|turn| turn.speaker == providers::Speaker::Person).count(),
    };
    let is_more = after.interest() > before.interest() && a.opted_out != Some(true);
    known.contact_id.filter(|_| is_more).map(|contact| (contact, after))
}

const fn speaker(who: providers::Speaker) -> &'static str {
    match who {
        providers::Speaker::Agent => "agent",
        providers::Speaker::Person => "person",
        providers::Speaker::Colleague => "Colleague",
        providers::Speaker::Event => "Event",
    }
}

const fn sentiment(told: providers::Sentiment) -> Sentiment {
    match told {
        providers::Sentiment::Positive => Sentiment::Positive,
        providers::Sentiment::Neutral => Sentiment::Neutral,
        providers::Sentiment::Negative => Sentiment::Negative,
    }
}
