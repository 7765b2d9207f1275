//! Everything that is known about calls to one number, as it is handed to whoever doubts them.

use crate::consents::ConsentRow;
use crate::time::Moment;

/// A number came onto the do-not-call list, or left it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ListMove {
    pub at: Moment,
    pub is_on: bool,
    /// How it came onto the list, in words; empty where it left it.
    pub source: String,
    pub reason: String,
    pub by: String,
}

/// A rule pack that holds where the number may be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HeldPack {
    pub jurisdiction: String,
    pub title: String,
    /// Each rule with where it is written.
    pub rules: Vec<String>,
}

/// One call to or from the number.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Attempt {
    pub call: String,
    pub campaign: String,
    /// What the campaign calls about today.
    pub purpose: String,
    pub direction: String,
    /// When it was decided on, with the do-not-call list and the consent read in the same transaction.
    pub at: Moment,
    pub ended_at: Option<Moment>,
    pub from: String,
    /// What it came to, and whether a person or a machine answered.
    pub outcome: String,
    pub talk_seconds: i64,
    /// The packs that allowed it, with their version, and until when the window was open; empty for calls in and for those made
    /// before both were kept.
    pub rules: String,
    pub open_until: Option<Moment>,
    /// They asked in this call not to be called again.
    pub opted_out: bool,
    /// Ids of recordings, each with whether its sound is still there.
    pub recordings: Vec<String>,
}

/// The pack. It holds facts only, and not who asked for it or when: as long as nothing happens it is the same, to the byte.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    /// `belfry-evidence/1`
    pub format: String,
    pub company: String,
    pub phone: String,
    /// Where the number may be: country and zones.
    pub country: Option<String>,
    pub zones: Vec<String>,
    /// What holds there today; each attempt names what held then.
    pub packs: Vec<HeldPack>,
    pub on_list: bool,
    pub list: Vec<ListMove>,
    pub consents: Vec<ConsentRow>,
    /// The newest first.
    pub attempts: Vec<Attempt>,
    /// More calls than the pack shows.
    pub is_cut: bool,
}
