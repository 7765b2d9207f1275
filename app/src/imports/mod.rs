//! Imports on screen: the list, the upload, and one import from its columns to its last row. What is imported is a parameter
//! (`ImportKind`). Only the list and the dialog live in the browser; the rest is plain pages.

#[cfg(feature = "ssr")]
pub mod detail;
pub mod list;
#[cfg(feature = "ssr")]
mod mapper;
#[cfg(feature = "ssr")]
pub mod new;
#[cfg(feature = "ssr")]
mod problems;
#[cfg(feature = "ssr")]
mod progress;
#[cfg(feature = "ssr")]
mod undo;
pub mod upload;

use model::imports::ImportStatus;
#[cfg(feature = "ssr")]
use model::imports::{Counts, Import, ImportKind};

#[cfg(feature = "ssr")]
use crate::prelude::*;
use crate::ui::Tone;
#[cfg(feature = "ssr")]
use crate::ui::{Stat, Stats, grouped};

/// Which colour an import's status has, everywhere.
pub const fn tone(status: ImportStatus) -> Tone {
    match status {
        ImportStatus::Pending => Tone::Neutral,
        ImportStatus::Validating | ImportStatus::Running | ImportStatus::Undoing => Tone::Info,
        ImportStatus::Checked => Tone::Primary,
        ImportStatus::Completed => Tone::Success,
        ImportStatus::Failed => Tone::Danger,
        ImportStatus::Cancelled | ImportStatus::Undone => Tone::Warning,
    }
}

/// The figures of a dry run or a run.
#[cfg(feature = "ssr")]
fn figures(label: &str, import: &Import, counts: Counts) -> AnyView {
    let several = import.kind.nouns().1;
    let (known, why) = match import.kind {
        ImportKind::Contacts => ("Merged", "Known number"),
        ImportKind::Suppressions => ("Known", "On the list already"),
        ImportKind::Leads | ImportKind::Orders => ("Known", "Left as they are"),
    };
    let (again, of) = match import.kind {
        ImportKind::Orders => ("More items", "Of orders above"),
        _ => ("Duplicates", "Twice in the file"),
    };
    view! {
        <Stats label=label.to_owned() class="grid-cols-2 sm:grid-cols-5">
            <Stat label="Rows read" value=grouped(counts.rows)/>
            <Stat label=format!("New {several}") value=grouped(counts.created)/>
            <Stat label=known value=grouped(counts.merged) note=why/>
            <Stat label=again value=grouped(counts.duplicates) note=of/>
            <Stat label="Problems" value=grouped(counts.invalid) note="Left out"/>
        </Stats>
    }
}
