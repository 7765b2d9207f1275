//! Campaigns on screen: the list, one campaign, the dialog that makes and edits them, and the launch.
//! What the words of a campaign look like is decided here, once.

mod answering;
mod canary;
mod choices;
pub mod detail;
mod draft;
mod enrollments;
mod form;
mod launch;
pub mod list;
mod moves;
mod numbers;
mod overview;
mod rehearsal;
mod rehearsal_form;
mod settings;
mod steps;
mod why;

pub use form::CampaignDialog;

use model::campaigns::{CampaignRow, Progress, Status};
use model::enrollments::EnrollmentStatus;

use crate::prelude::*;
use crate::screen;
use crate::ui::{Badge, Tone};

/// Which colour a campaign's status has, everywhere.
pub const fn tone(status: Status) -> Tone {
    match status {
        Status::Draft | Status::Archived | Status::Cancelled => Tone::Neutral,
        Status::Scheduled => Tone::Info,
        Status::Active => Tone::Success,
        Status::Paused => Tone::Warning,
        Status::Completed => Tone::Primary,
    }
}

/// Which colour an enrollment's status has.
pub const fn enrollment_tone(status: EnrollmentStatus) -> Tone {
    match status {
        EnrollmentStatus::Queued => Tone::Info,
        EnrollmentStatus::Calling => Tone::Primary,
        EnrollmentStatus::Success | EnrollmentStatus::Called => Tone::Success,
        EnrollmentStatus::Failed | EnrollmentStatus::OptedOut => Tone::Danger,
        EnrollmentStatus::Skipped | EnrollmentStatus::Expired => Tone::Warning,
        EnrollmentStatus::Cancelled => Tone::Neutral,
    }
}

/// The status of a campaign as a badge that follows it.
#[component]
pub fn StatusBadge(#[prop(into)] status: Signal<Status>) -> impl IntoView {
    view! {
        <Badge
            label=Signal::derive(move || status.get().label().to_owned())
            tone=Signal::derive(move || tone(status.get()))
        />
    }
}

/// A thin bar with its percentage; grey when the campaign is not running.
#[component]
pub fn ProgressBar(#[prop(into)] progress: Signal<Progress>, #[prop(into)] running: Signal<bool>) -> impl IntoView {
    let percent = move || progress.with(Progress::percent);
    view! {
        <span class="inline-flex items-center gap-2.5">
            <span class="progress w-24 sm:w-28" role="progressbar" aria-label="Progress" aria-valuemin="0" aria-valuemax="100" aria-valuenow=percent>
                <i class=move || if running.get() { "" } else { "bg-muted-foreground/50!" } style:width=move || format!("{}%", percent())></i>
            </span>
            <span class="w-9 text-end text-muted-foreground tabular-nums">{move || percent()} "%"</span>
        </span>
    }
}

/// `41.2%`, or nothing before the first call.
pub fn connect_rate(progress: &Progress) -> String {
    progress.connect_permille().map(screen::permille).unwrap_or_default()
}

/// The quiet second line of a campaign in a list: who speaks, or why it stopped.
pub fn second_line(row: &CampaignRow) -> String {
    match (&row.pause_reason, &row.agent_name) {
        (Some(why), _) if row.status == Status::Paused => why.clone(),
        (_, Some(agent)) => agent.clone(),
        _ => "No agent yet".to_owned(),
    }
}
