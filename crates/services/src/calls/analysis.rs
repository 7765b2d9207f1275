//! What a conversation came to, as the provider tells it: bounded, and kept with the call.

use crate::db::Tx;
use crate::error::Result;
use crate::webhooks::Told;
use model::calls::Sentiment;
use model::id::{CallId, CampaignId};
use model::phone::Phone;
use providers::Analysis;
use sqlx::types::Json;
use std::collections::BTreeMap;

/// Turns of a conversation kept; keywords, and things found out.
const TURNS_MAX: usize = 2_000;
const FOUND_MAX: usize = 100;
/// Longest text of a turn, a summary, or something found out.
const TEXT_MAX: usize = 4_000;

/// What of it is kept: in HIPAA mode whether it reached its aim and how the person took it, and not a word.
pub(super) fn lawful(a: Analysis) -> Analysis {
    let Analysis { sentiment, successful, voicemail, opted_out, .. } = a;
    Analysis { sentiment, successful, voicemail, opted_out, ..Analysis::default() }
}

/// What a conversation came to. A second telling adds to the first and takes nothing back; `true` when the summary is new.
pub(super) async fn note(tx: &mut Tx, id: CallId, a: &Analysis) -> Result<bool> {
    let kept = |text: &String| super::kept(text, TEXT_MAX);
    let said = |said: &providers::Segment| (speaker(said.speaker), kept(&said.text));
    let transcript: Vec<_> = a.transcript.iter().take(TURNS_MAX).map(said).collect();
    let seconds = |said: &providers::Segment| said.start_ms.and_then(|ms| i32::try_from(ms / 1000).ok());
    let turn_seconds: Vec<Option<i32>> = a.transcript.iter().take(TURNS_MAX).map(seconds).collect();
    let keywords: Vec<_> = a.keywords.iter().take(FOUND_MAX).map(kept).collect();
    let found: BTreeMap<_, _> = a.fields.iter().take(FOUND_MAX).map(|(name, value)| (kept(name), kept(value))).collect();
    let lead = (a.successful == Some(true)).then(|| found.clone());
    let told: Option<(bool, bool, Option<CampaignId>, Phone)> = sqlx::query_as(
        "with was as (select id, summary <> '' as told, successful is true as good from calls where id = $1)
         update calls set transcript = case when $2 = '[]'::jsonb then transcript else $2 end,
                turn_seconds = case when $2 = '[]'::jsonb then turn_seconds else $8 end, summary = coalesce($3, summary),
                sentiment = coalesce($4, sentiment), successful = coalesce($5, successful),
                keywords = case when $6 = '{}' then keywords else $6 end, found = found || $7
         from was where calls.id = was.id and calls.forgotten_at is null returning was.told, was.good, calls.campaign_id, calls.phone",
    )
    .bind(id)
    .bind(Json(transcript))
    .bind(a.summary.as_ref().map(kept))
    .bind(a.sentiment.map(sentiment))
    .bind(a.successful)
    .bind(keywords)
    .bind(Json(found))
    .bind(turn_seconds)
    .fetch_optional(tx.conn())
    .await?;
    // Told of somebody who is forgotten: it comes too late.
    let Some((had_summary, was_lead, campaign, phone)) = told else { return Ok(false) };
    if let Some(found) = lead.filter(|_| !was_lead) {
        tx.tell(Told::qualified(id, campaign, &phone, a.sentiment.map(sentiment), &found));
    }
    Ok(!had_summary && a.summary.is_some())
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
