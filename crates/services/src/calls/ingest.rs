//! Stored callbacks into calls.

use super::{Report, Step, absorb, absorb_all, analysis, heard, repo, report_of, step, steps};
use crate::db::Tx;
use crate::dialer;
use crate::error::Result;
use crate::{leads, recordings, suppressions};
use model::calls::{AnsweredBy, CallState};
use model::id::{CallId, GatewayId};
use model::suppressions::Source;
use providers::{Analysis, Callback, CallbackKind, ProviderCallId, Recording};
use std::collections::{HashMap, HashSet};

/// The key that means "do not call me again".
pub const OPT_OUT_DIGIT: char = '9';

/// Callbacks of one company that fit into one transaction.
#[derive(Default)]
pub(crate) struct Batch {
    /// With the gateway whose callback it was; `None` where nobody's address says so: we asked.
    calls: HashMap<CallId, Option<GatewayId>>,
    /// Calls of which something was put off: what comes after it waits with it.
    put_off: HashSet<CallId>,
    /// One for each call.
    reports: Vec<(CallId, Report)>,
    analyses: Vec<(CallId, Analysis)>,
    recordings: Vec<(CallId, Recording)>,
    steps: Vec<Step>,
    keys: Option<(CallId, String)>,
}

impl Batch {
    /// Takes in what one callback tells of a call, unless it must go into another transaction: there is one already about
    /// this call, or it may be an opt-out, which locks campaigns and numbers that no other may hold before, and is not
    /// `alone`. `by` is the gateway whose key verified it.
    pub fn add(&mut self, call: CallId, by: Option<GatewayId>, news: Vec<Callback>, alone: bool) -> bool {
        let may_opt_out = news.iter().any(|one| match &one.kind {
            CallbackKind::Digits(_) => true,
            CallbackKind::Analysis(analysis) => analysis.opted_out == Some(true),
            _ => false,
        });
        if may_opt_out && !alone || self.put_off.contains(&call) || self.calls.contains_key(&call) {
            self.put_off.insert(call);
            return false;
        }
        self.calls.insert(call, by);
        for one in news {
            self.take(call, one);
        }
        true
    }

    fn take(&mut self, call: CallId, one: Callback) {
        let provider_call_id = Some(one.id.to_string());
        match one.kind {
            CallbackKind::Status(seen) => self.report(call, Report { provider_call_id, ..report_of(&seen) }),
            CallbackKind::MachineDetected(who) => {
                let state = CallState::NEW.answered_by(Some(heard(who)));
                self.report(call, Report { provider_call_id, ..Report::state(state) });
            }
            CallbackKind::Recording(recording) => {
                self.recordings.push((call, recording));
            }
            CallbackKind::Analysis(analysis) => {
                if analysis.voicemail == Some(true) {
                    let state = CallState::NEW.answered_by(Some(AnsweredBy::Voicemail));
                    self.report(call, Report { provider_call_id, ..Report::state(state) });
                }
                self.analyses.push((call, *analysis));
            }
            CallbackKind::Unknown(raw) => {
                // The callback itself holds phone numbers: it stays in the inbox and on the call, not in the log.
                tracing::warn!(%call, "callback not understood; kept");
                self.steps.push(Step { call, title: "Unknown callback", detail: raw });
            }
            CallbackKind::Digits(digits) => self.keys = Some((call, digits)),
        }
    }

    fn report(&mut self, call: CallId, report: Report) {
        match self.reports.last_mut().filter(|(last, _)| *last == call) {
            Some((_, told)) => *told = told.clone().and(report),
            None => self.reports.push((call, report)),
        }
    }
}

/// The call a callback is about: ours from its address or from what it carries along, else by the provider's id. That it is
/// a call of this gateway is checked when it is locked, in [`ingest_all`].
///
/// # Errors
/// `NotFound` when the call is not known (yet): the inbox tries again.
pub(crate) async fn call_of(tx: &mut Tx, gateway: GatewayId, call: Option<CallId>, callback: &Callback) -> Result<CallId> {
    match call.or(callback.call) {
        Some(id) => Ok(id),
        None => {
            let found = repo::find_by_provider_id(tx, gateway, callback.id.as_str()).await?;
            Ok(found.ok_or_else(|| model::Error::not_found("call"))?)
        }
    }
}

/// Applies callbacks.
///
/// # Errors
/// `NotFound` for a call of nobody, or of another gateway than the one that tells of it: a key speaks for the calls of its own
/// account only. Then nothing is applied.
pub(crate) async fn ingest_all(tx: &mut Tx, batch: Batch) -> Result<()> {
    let Batch { reports, analyses, recordings, steps: mut lines, keys, calls, .. } = batch;
    let ids: Vec<_> = calls.keys().copied().collect();
    let known = repo::lock_all(tx, &ids).await?;
    for (call, by) in calls {
        known
            .get(&call)
            .filter(|known| by.is_none_or(|by| by == known.gateway_id))
            .ok_or_else(|| model::Error::not_found("call"))?;
    }
    for (call, recording) in recordings {
        // Told again, it is no news.
        if !recording.ready || recordings::note(tx, call, &recording).await? {
            lines.push(Step { call, title: "Recording", detail: recording.raw_status });
        }
    }
    let mut people = Vec::new();
    for (call, told) in &analyses {
        let noted = analysis::note(tx, *call, told).await?;
        people.extend(noted.heard.map(|(contact, heard)| (*call, contact, heard)));
        if noted.has_summary {
            lines.push(Step { call: *call, title: "Analysis", detail: told.summary.clone().unwrap_or_default() });
        }
        if told.opted_out == Some(true) {
            // Before the end is settled, so that it is settled as the opt-out it is.
            opt_out(tx, *call, Source::Keyword, &format!("Said so in {call}")).await?;
        }
    }
    steps(tx, lines).await?;
    absorb_all(tx, reports, &[]).await?;
    if let Some((call, digits)) = keys {
        repo::add_digits(tx, call, &digits).await?;
        step(tx, call, "Key pressed", &digits).await?;
        if digits.contains(OPT_OUT_DIGIT) {
            opt_out(tx, call, Source::Dtmf, &format!("Pressed {OPT_OUT_DIGIT} on {call}")).await?;
        }
    }
    leads::hear(tx, people).await
}

/// Applies what a provider told of a call when it was asked.
///
/// # Errors
/// As [`ingest_all`].
pub(crate) async fn ingest_news(tx: &mut Tx, call: CallId, id: &ProviderCallId, news: Vec<CallbackKind>) -> Result<()> {
    let told = |kind| Callback { id: id.clone(), call: Some(call), event_id: String::new(), at: None, sequence: None, kind };
    let mut batch = Batch::default();
    batch.add(call, None, news.into_iter().map(told).collect(), true);
    ingest_all(tx, batch).await
}

/// Applies one callback that was verified.
///
/// # Errors
/// As [`ingest_all`].
pub(crate) async fn ingest(tx: &mut Tx, call: CallId, callback: Callback) -> Result<()> {
    let mut batch = Batch::default();
    batch.add(call, None, vec![callback], true);
    ingest_all(tx, batch).await
}

/// The person does not want to be called again. Locks the call's slots before campaigns and numbers, because its end may
/// be settled in the same transaction.
async fn opt_out(tx: &mut Tx, id: CallId, source: Source, reason: &str) -> Result<()> {
    let call = repo::lock(tx, id).await?;
    dialer::lock_company_slots(tx).await?;
    dialer::lock_more_slots(tx, call.gateway_id, call.campaign_id, call.number_id).await?;
    suppressions::opt_out(tx, &call.phone, source, reason).await?;
    if call.settled_at.is_some() {
        // It was told after the end, which could not count it.
        absorb::count_opt_out(tx, &call).await?;
    }
    Ok(())
}
