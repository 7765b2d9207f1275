//! Imports on screen: the list, the upload, and one import from its columns to its last row.
//! What is imported is a parameter (`ImportKind`); later kinds reuse these pages.

pub mod detail;
pub mod list;
mod mapper;
mod problems;
mod progress;
pub mod upload;

use model::imports::{Counts, ImportStatus};

use crate::prelude::*;
use crate::ui::{Stat, Stats, Tone, grouped};

/// Which colour an import's status has, everywhere.
pub const fn tone(status: ImportStatus) -> Tone {
    match status {
        ImportStatus::Pending => Tone::Neutral,
        ImportStatus::Validating | ImportStatus::Running => Tone::Info,
        ImportStatus::Checked => Tone::Primary,
        ImportStatus::Completed => Tone::Success,
        ImportStatus::Failed => Tone::Danger,
        ImportStatus::Cancelled => Tone::Warning,
    }
}

/// The figures of a dry run or a run, changing in place.
fn figures(label: &str, counts: Signal<Counts>) -> AnyView {
    let figure = move |read: fn(&Counts) -> i64| Signal::derive(move || grouped(counts.with(read)));
    view! {
        <Stats label=label.to_owned() class="grid-cols-2 sm:grid-cols-5">
            <Stat label="Rows read" value=figure(|c| c.rows)/>
            <Stat label="New contacts" value=figure(|c| c.created)/>
            <Stat label="Merged" value=figure(|c| c.merged) note="Known number"/>
            <Stat label="Duplicates" value=figure(|c| c.duplicates) note="Twice in the file"/>
            <Stat label="Problems" value=figure(|c| c.invalid) note="Left out"/>
        </Stats>
    }
}
