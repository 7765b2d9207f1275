//! Stored callbacks into calls.

use super::{Report, Step, absorb, absorb_all, heard, repo, report_of, step, steps};
use crate::db::Tx;
use crate::error::Result;
use crate::suppressions;
use model::calls::CallState;
use model::id::{CallId, GatewayId};
use model::suppressions::Source;
use providers::{Callback, CallbackKind};
use std::collections::HashSet;

/// The key that means "do not call me again".
pub const OPT_OUT_DIGIT: char = '9';

/// Callbacks of one company that fit into one transaction.
#[derive(Default)]
pub(crate) struct Batch {
    calls: HashSet<CallId>,
    /// One for each call.
    reports: Vec<(CallId, Report)>,
    /// What the same callback tells besides.
    more: Vec<(CallId, Report)>,
    steps: Vec<Step>,
    keys: Option<(CallId, String)>,
}

impl Batch {
    /// Takes in what one callback tells of a call, unless it must go into another transaction: there is one already about
    /// this call, or it is about pressed keys, which may lock campaigns and numbers before anything else does, and is not
    /// `alone`.
    pub fn add(&mut self, call: CallId, news: Vec<Callback>, alone: bool) -> bool {
        let has_keys = news.iter().any(|one| matches!(one.kind, CallbackKind::Digits(_)));
        if has_keys && !alone || !self.calls.insert(call) {
            return false;
        }
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
                self.steps.push(Step { call, title: "Recording", detail: recording.raw_status });
            }
            CallbackKind::Analysis(_) => {
                self.steps.push(Step { call, title: "Analysis", detail: "The conversation was analysed.".to_owned() });
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
        let is_first = self.reports.last().is_none_or(|(last, _)| *last != call);
        if is_first { &mut self.reports } else { &mut self.more }.push((call, report));
    }
}

/// The call a callback is about: ours from its address or from what it carries along, else by the provider's id.
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
/// `NotFound` for a call of nobody; then nothing is applied.
pub(crate) async fn ingest_all(tx: &mut Tx, batch: Batch) -> Result<()> {
    let Batch { reports, more, steps: lines, keys, calls } = batch;
    let ids: Vec<_> = calls.into_iter().collect();
    repo::lock_all(tx, &ids).await?;
    steps(tx, lines).await?;
    absorb_all(tx, reports).await?;
    for (call, report) in more {
        absorb(tx, call, report).await?;
    }
    if let Some((call, digits)) = keys {
        press(tx, call, &digits).await?;
    }
    Ok(())
}

/// Applies one callback.
///
/// # Errors
/// As [`ingest_all`].
pub(crate) async fn ingest(tx: &mut Tx, call: CallId, callback: Callback) -> Result<()> {
    let mut batch = Batch::default();
    batch.add(call, vec![callback], true);
    ingest_all(tx, batch).await
}

/// Somebody pressed keys.
async fn press(tx: &mut Tx, id: CallId, digits: &str) -> Result<()> {
    // The call is locked before campaigns and numbers, as in `absorb_all`.
    let call = repo::lock(tx, id).await?;
    repo::add_digits(tx, id, digits).await?;
    step(tx, id, "Key pressed", digits).await?;
    if digits.contains(OPT_OUT_DIGIT) {
        suppressions::opt_out(tx, &call.phone, Source::Dtmf, &format!("Pressed {OPT_OUT_DIGIT} on {id}")).await?;
        if call.settled_at.is_some() {
            // The key was reported after the end, which could not count it.
            absorb::count_opt_out(tx, &call).await?;
        }
    }
    Ok(())
}
