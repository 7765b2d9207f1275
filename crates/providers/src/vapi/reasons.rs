//! Why a call at Vapi ended, and what that comes to (providers.md §6). There are six hundred reasons, most of them errors of
//! one component each, and more to come: the table goes by how a reason begins.

use crate::voice::Outcome;

/// What a reason comes to; `None` for one that we have not met. `talked` says whether somebody had picked up.
pub fn outcome(reason: &str, talked: bool) -> Option<Outcome> {
    let outcome = match reason {
        "voicemail" => Outcome::Voicemail,
        "customer-busy" | "vonage-rejected" => Outcome::Busy,
        "customer-did-not-answer" => Outcome::NoAnswer,
        "manually-canceled" if talked => Outcome::Completed,
        "manually-canceled"
        | "scheduled-call-deleted"
        | "call-deleted"
        | "call.ringing.sip-inbound-caller-hungup-before-call-connect" => Outcome::Canceled,
        // Whoever answered had been talked to before the call was handed on.
        "call.forwarding.operator-busy" | "call.forwarding.no-answer" => Outcome::Completed,
        "assistant-said-end-call-phrase"
        | "assistant-forwarded-call"
        | "exceeded-max-duration"
        | "silence-timed-out"
        | "call.in-progress.twilio-completed-call"
        | "call.in-progress.sip-completed-call"
        | "vonage-completed" => Outcome::Completed,
        "worker-shutdown"
        | "assistant-not-found"
        | "assistant-not-valid"
        | "assistant-join-timed-out"
        | "vonage-disconnected"
        | "customer-did-not-give-microphone-permission"
        | "twilio-reported-customer-misdialed"
        | "assistant-request-returned-invalid-assistant"
        | "assistant-request-returned-no-assistant"
        | "assistant-request-returned-forwarding-phone-number" => Outcome::Failed,
        _ => return by_pattern(reason),
    };
    Some(outcome)
}

/// Was Vapi full or broken (edge 24)? Then the call is not charged, and Vapi itself advises to place it again. What it calls a
/// provider's fault may be a carrier's answer about the number, and is not meant.
pub fn is_platform_fault(reason: &str) -> bool {
    reason == "worker-shutdown"
        || reason.contains("vapifault")
        || reason == "call.start.error-subscription-concurrency-limit-reached"
}

fn by_pattern(reason: &str) -> Option<Outcome> {
    let has = |part: &str| reason.contains(part);
    let begins = |part: &str| reason.starts_with(part);
    if begins("customer-ended-call") || begins("assistant-ended-call") || has(".hook-executed-") {
        Some(Outcome::Completed)
    } else if has("outbound-sip-408") || has("outbound-sip-480") || has("did-not-receive-customer-audio") {
        Some(Outcome::NoAnswer)
    } else if has("error") || has("fault") || has("failed") || begins("phone-call-provider-") || begins("pipeline-") {
        Some(Outcome::Failed)
    } else {
        None
    }
}
