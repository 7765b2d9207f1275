//! Calls: what came back from the provider, joined into one state, and the settlement at the end.
//!
//! [`absorb`] is the only function that moves a call. Whatever tells us something (callback, look-up, the
//! answer to the request) becomes a [`Report`]; reports may come late, twice and out of order.

mod absorb;
mod analysis;
mod arrivals;
mod collect;
mod inbound;
mod ingest;
mod read;
pub(crate) mod repo;
mod script;
#[cfg(test)]
mod tests;

pub(crate) use absorb::{absorb, absorb_all};
pub use collect::CollectNews;
pub use inbound::answer;
pub(crate) use ingest::{Batch, OPT_OUT_DIGIT, call_of, ingest, ingest_all, ingest_news};
pub use read::{list, load};
pub(crate) use script::lines;
pub use script::script;

use crate::Actor;
use crate::db::{Db, Tx};
use crate::dialer::Network;
use crate::error::Result;
use crate::jobs::Job;
use crate::suppressions;
use model::accounts::Permission;
use model::calls::{AnsweredBy, CallState, CallStatus, Outcome};
use model::id::{CallId, CompanyId};
use model::phone::Phone;
use model::time::Timestamp;
use providers::{Observed, ProviderStatus};
use uuid::Uuid;

/// Something a provider told us about a call.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub state: CallState,
    pub provider_call_id: Option<String>,
    pub provider_status: Option<String>,
    pub provider_code: Option<String>,
    pub answered_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// Seconds from answer to end, as billed by the provider.
    pub talk_seconds: Option<i64>,
    /// What the provider charges us, in millionths of a currency.
    pub price: Option<(i64, String)>,
    /// The number is refused for good.
    pub permanent: bool,
    /// Not the contact's doing: not an attempt, and not before this moment again.
    pub uncounted_until: Option<Timestamp>,
    /// It may have rung without our knowing.
    pub uncertain: bool,
    /// The campaign must pause for this reason.
    pub pause: Option<String>,
}

impl Report {
    /// What the same message tells besides.
    pub(crate) fn and(self, more: Self) -> Self {
        Self {
            state: self.state.join(more.state),
            provider_call_id: more.provider_call_id.or(self.provider_call_id),
            provider_status: more.provider_status.or(self.provider_status),
            provider_code: more.provider_code.or(self.provider_code),
            answered_at: more.answered_at.or(self.answered_at),
            ended_at: more.ended_at.or(self.ended_at),
            talk_seconds: more.talk_seconds.max(self.talk_seconds),
            price: more.price.or(self.price),
            permanent: more.permanent || self.permanent,
            uncounted_until: more.uncounted_until.or(self.uncounted_until),
            uncertain: more.uncertain || self.uncertain,
            pause: more.pause.or(self.pause),
        }
    }

    /// A report that tells only the state.
    pub(crate) fn state(state: CallState) -> Self {
        Self {
            state,
            provider_call_id: None,
            provider_status: None,
            provider_code: None,
            answered_at: None,
            ended_at: None,
            talk_seconds: None,
            price: None,
            permanent: false,
            uncounted_until: None,
            uncertain: false,
            pause: None,
        }
    }
}

/// What an adapter saw, in our words. An unknown status says nothing and is kept raw.
pub(crate) fn report_of(seen: &Observed) -> Report {
    let who = seen.answered_by.map(heard);
    let state = match seen.status {
        ProviderStatus::Dialing | ProviderStatus::Unrecognised => CallState::NEW,
        ProviderStatus::Ringing => CallState::live(CallStatus::Ringing),
        ProviderStatus::Answered => CallState::live(CallStatus::Answered),
        ProviderStatus::InProgress => CallState::live(CallStatus::InProgress),
        ProviderStatus::Ended(outcome) => CallState::ended(match outcome {
            providers::Outcome::Completed => Outcome::Completed,
            providers::Outcome::Voicemail => Outcome::Voicemail,
            providers::Outcome::Busy => Outcome::Busy,
            providers::Outcome::NoAnswer => Outcome::NoAnswer,
            providers::Outcome::Rejected => Outcome::Rejected,
            providers::Outcome::Failed => Outcome::Failed,
            providers::Outcome::Canceled => Outcome::Canceled,
        }),
    };
    Report {
        provider_call_id: Some(seen.id.to_string()),
        provider_status: Some(kept(&seen.raw_status, WORD_MAX)),
        answered_at: seen.answered_at,
        ended_at: seen.ended_at,
        talk_seconds: seen.talk_seconds,
        price: seen.price_micros.zip(seen.currency.clone()),
        ..Report::state(state.answered_by(who))
    }
}

pub(crate) fn heard(who: providers::AnsweredBy) -> AnsweredBy {
    match who {
        providers::AnsweredBy::Human => AnsweredBy::Human,
        providers::AnsweredBy::Voicemail => AnsweredBy::Voicemail,
        providers::AnsweredBy::Fax => AnsweredBy::Fax,
        providers::AnsweredBy::Unclear => AnsweredBy::Unclear,
    }
}

/// A line of a call's story.
#[derive(Debug)]
pub(crate) struct Step {
    pub call: CallId,
    pub title: &'static str,
    pub detail: String,
}

/// Adds a line to a call's story.
pub(crate) async fn step(tx: &mut Tx, call: CallId, title: &'static str, detail: &str) -> Result<()> {
    steps(tx, vec![Step { call, title, detail: detail.to_owned() }]).await
}

/// Adds lines to the stories of calls.
pub(crate) async fn steps(tx: &mut Tx, lines: Vec<Step>) -> Result<()> {
    /// Longest detail kept.
    const DETAIL_MAX: usize = 400;
    if lines.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = lines.iter().map(|_| tx.id()).collect();
    let now = tx.now();
    sqlx::query(
        "insert into call_steps (call_id, id, title, detail, at)
         select n.*, $5 from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) as n",
    )
    .bind(lines.iter().map(|line| line.call).collect::<Vec<_>>())
    .bind(ids)
    .bind(lines.iter().map(|line| line.title).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| kept(&line.detail, DETAIL_MAX)).collect::<Vec<_>>())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Longest word of a provider for a status.
const WORD_MAX: usize = 200;

/// A stranger's text as it is kept: not longer than that, and without the one character that Postgres keeps nowhere.
fn kept(text: &str, chars_max: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(chars_max).collect()
}

/// Asks the provider to end a call, for a person. The end itself comes back like any other.
///
/// # Errors
/// `NotFound`, or `Conflict` when the call is over or its provider ends none.
pub async fn hang_up(tx: &mut Tx, call: CallId) -> Result<()> {
    tx.require(Permission::RunCampaigns)?;
    let row = repo::lock(tx, call).await?;
    if row.state().is_ended() {
        return Err(model::Error::conflict("This call is over already.").into());
    }
    if let Some(kind) = crate::gateways::kind(tx, row.gateway_id).await?.filter(|kind| !kind.hangs_up()) {
        let why = format!("{} cannot be asked to end a call; it ends when those who talk hang up.", kind.label());
        return Err(model::Error::conflict(why).into());
    }
    let who = tx.actor().name().to_owned();
    step(tx, call, "Hang-up asked for", &who).await?;
    ask_to_hang_up(tx, call).await
}

/// Asks the provider to end a call before somebody who opted out picks up. Touches no call: whoever calls this
/// holds a number's lock, which comes after calls in the order of locks.
pub(crate) async fn spare(tx: &mut Tx, call: CallId) -> Result<()> {
    let job = HangUp { company: tx.actor().company(), call, opted_out: true };
    tx.enqueue(&job).await
}

/// The provider told us its ids of calls to these numbers: from here on they can be ended. An intent may be older than a
/// suppression that committed after it; whoever takes the number's lock second, this or the suppression, ends it.
pub(crate) async fn spare_suppressed(tx: &mut Tx, calls: &[(CallId, Phone)]) -> Result<()> {
    if calls.is_empty() {
        return Ok(());
    }
    let phones: Vec<_> = calls.iter().map(|(_, phone)| phone.clone()).collect();
    suppressions::lock_phones(tx, &phones).await?;
    let suppressed = suppressions::is_suppressed(tx, &phones).await?;
    for (call, _) in calls.iter().filter(|(_, phone)| suppressed.contains(phone)) {
        spare(tx, *call).await?;
    }
    Ok(())
}

/// Enqueues the request; it goes over the network outside of any transaction.
pub(crate) async fn ask_to_hang_up(tx: &mut Tx, call: CallId) -> Result<()> {
    let job = HangUp { company: tx.actor().company(), call, opted_out: false };
    tx.enqueue(&job).await
}

/// Asks the provider to end one call.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct HangUp {
    company: CompanyId,
    call: CallId,
    /// Why: the number is on the do-not-call list since it was dialed.
    #[serde(default)]
    opted_out: bool,
}

impl Job for HangUp {
    const QUEUE: &'static str = "calls.hang_up.v1";
    const ATTEMPTS_MAX: i32 = 3;

    async fn run(self, db: Db) -> anyhow::Result<()> {
        let mut tx = db.begin(&Actor::engine(self.company)).await?;
        let call = repo::lock(&mut tx, self.call).await?;
        let gateway = crate::dialer::gateway_for_reading(&mut tx, call.gateway_id).await?;
        if self.opted_out && call.status != CallStatus::Ended {
            let what = if gateway.kind.hangs_up() { "is asked to hang up" } else { "cannot be asked to hang up" };
            let why = format!("On the do-not-call list since it was dialed; the provider {what}.");
            step(&mut tx, call.id, "Opted out", &why).await?;
        }
        tx.commit().await?;
        if !gateway.kind.hangs_up() {
            return Ok(());
        }
        let Some(id) = call.provider_call_id.filter(|_| call.status != CallStatus::Ended) else { return Ok(()) };
        let provider = Network::shared()?.provider(&gateway);
        provider.hang_up(&providers::ProviderCallId::new(id)).await?;
        Ok(())
    }
}
