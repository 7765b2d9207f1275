//! Calls on screen: the log and one call. What a call's state looks like is decided here, once.

pub mod detail;
pub mod list;

use model::Error;
use model::calls::{CallState, CallStatus, Outcome};
use model::id::CallId;

use crate::prelude::*;
use crate::ui::{Badge, Tone};

/// Which colour a call's state has, everywhere.
pub const fn tone(state: &CallState) -> Tone {
    match (state.status, state.outcome) {
        (_, Some(Outcome::Completed)) => Tone::Success,
        (_, Some(Outcome::Voicemail)) => Tone::Info,
        (_, Some(Outcome::Busy | Outcome::Rejected)) => Tone::Warning,
        (_, Some(Outcome::Failed | Outcome::Unknown)) => Tone::Danger,
        (CallStatus::Ended, _) => Tone::Neutral,
        _ => Tone::Primary,
    }
}

/// The outcome once there is one, until then how far the call is.
pub fn state_label(state: &CallState) -> &'static str {
    match state.outcome {
        Some(outcome) => outcome.label(),
        None => state.status.label(),
    }
}

/// The state of a call as a badge that follows it.
#[component]
pub fn StateBadge(#[prop(into)] state: Signal<CallState>) -> impl IntoView {
    view! {
        <Badge
            label=Signal::derive(move || state.with(state_label).to_owned())
            tone=Signal::derive(move || state.with(tone))
        />
    }
}

/// Asks the provider to end a call that is under way.
#[server(protocol = crate::wire::Wire)]
pub async fn hang_up_call(id: CallId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::calls::hang_up(&mut tx, id).await?;
    tx.commit().await?;
    Ok(())
}
