//! One stored callback into one call.

use super::{Report, absorb, heard, repo, report_of, step};
use crate::db::Tx;
use crate::error::Result;
use crate::suppressions;
use model::calls::CallState;
use model::id::{CallId, GatewayId};
use model::suppressions::Source;
use providers::{Callback, CallbackKind};

/// The key that means "do not call me again".
pub const OPT_OUT_DIGIT: char = '9';

/// Applies a callback. `call` is our id from its URL; without it the provider's id finds the call.
///
/// # Errors
/// `NotFound` when the call is not known (yet): the inbox tries again.
pub(crate) async fn ingest(tx: &mut Tx, gateway: GatewayId, call: Option<CallId>, callback: Callback) -> Result<()> {
    let id = match call {
        Some(id) => id,
        None => {
            repo::find_by_provider_id(tx, gateway, callback.id.as_str()).await?.ok_or_else(|| model::Error::not_found("call"))?
        }
    };
    let provider_call_id = Some(callback.id.to_string());
    match callback.kind {
        CallbackKind::Status(seen) => absorb(tx, id, Report { provider_call_id, ..report_of(&seen) }).await,
        CallbackKind::MachineDetected(who) => {
            let state = CallState::NEW.answered_by(Some(heard(who)));
            absorb(tx, id, Report { provider_call_id, ..Report::state(state) }).await
        }
        CallbackKind::Digits(digits) => {
            // The call is locked before campaigns and numbers, as in `absorb`.
            let call = repo::lock(tx, id).await?;
            repo::add_digits(tx, id, &digits).await?;
            step(tx, id, "Key pressed", &digits).await?;
            if digits.contains(OPT_OUT_DIGIT) {
                suppressions::opt_out(tx, &call.phone, Source::Dtmf, &format!("Pressed {OPT_OUT_DIGIT} on {id}")).await?;
                if call.settled_at.is_some() {
                    // The key was reported after the end, which could not count it.
                    absorb::count_opt_out(tx, &call).await?;
                }
            }
            Ok(())
        }
        CallbackKind::Recording(recording) => step(tx, id, "Recording", &recording.raw_status).await,
        CallbackKind::Analysis(_) => step(tx, id, "Analysis", "The conversation was analysed.").await,
        CallbackKind::Unknown(raw) => {
            // The callback itself holds phone numbers: it stays in the inbox and on the call, not in the log.
            tracing::warn!(call = %id, "callback not understood; kept");
            step(tx, id, "Unknown callback", &raw).await
        }
    }
}
