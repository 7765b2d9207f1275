//! The do-not-call list.

use crate::id::SuppressionId;
use crate::page::Paging;
use crate::time::Moment;
use crate::words;

words! {
    /// How a number came onto the list.
    pub enum Source {
        Dtmf = "dtmf", "Pressed 9";
        Manual = "manual", "Added by hand";
        Keyword = "keyword", "Said stop";
        Import = "import", "Imported";
    }
}

/// A suppressed number.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SuppressionRow {
    pub id: SuppressionId,
    pub phone: String,
    pub source: Source,
    pub reason: String,
    pub by: Option<String>,
    pub created_at: Moment,
}

/// What the list may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct SuppressionFilter {
    /// Start of the number.
    pub search: String,
    pub paging: Paging,
}
