//! A call's state is a join, not a script: events come late, twice and out of order, and the result is
//! the same. [`CallState::join`] is total, commutative, associative and idempotent.

use crate::campaigns::Status as CampaignStatus;
use crate::credits::{Credits, Price};
use crate::id::{AgentId, CallId, CampaignId, ContactId};
use crate::page::Paging;
use crate::time::Moment;
use crate::words;

words! {
    /// How far a call has come. The order of the variants is the rank: a lower one never overwrites a
    /// higher one.
    pub enum CallStatus {
        /// The intent is committed; the provider may or may not know.
        Dialing = "dialing", "Dialing";
        Ringing = "ringing", "Ringing";
        Answered = "answered", "Answered";
        InProgress = "in_progress", "In progress";
        Ended = "ended", "Ended";
    }
}

words! {
    /// Who called whom.
    pub enum Direction {
        Outbound = "outbound", "Outbound";
        Inbound = "inbound", "Inbound";
    }
}

words! {
    /// Why an inbound call was not taken; the caller heard the fallback text.
    pub enum Declined {
        UnknownNumber = "unknown_number", "The number called is not one of the company's";
        NoCampaign = "no_campaign", "No campaign answers this number";
        Paused = "paused", "The campaign is paused";
        OutsideHours = "outside_hours", "Outside the campaign's hours";
        NoAgent = "no_agent", "The campaign's agent is not published";
        NoLine = "no_line", "All lines were busy";
        OnCall = "on_call", "Another call with this person was under way";
        NoCredits = "no_credits", "Not enough credits for the longest call";
    }
}

words! {
    /// How a call ended, weakest first. When two reports disagree the later variant wins, whichever
    /// came first; so `unknown` gives way to anything and `completed` gives way to `voicemail`.
    pub enum Outcome {
        Unknown = "unknown", "Unknown";
        Failed = "failed", "Failed";
        Canceled = "canceled", "Cancelled";
        NoAnswer = "no_answer", "No answer";
        Busy = "busy", "Busy";
        Rejected = "rejected", "Rejected";
        Completed = "completed", "Completed";
        Voicemail = "voicemail", "Voicemail";
    }
}

words! {
    /// What picked up, kept apart from the outcome. Later variants win.
    pub enum AnsweredBy {
        Unclear = "unclear", "Unclear";
        Silence = "silence", "Silence";
        Human = "human", "Human";
        CallScreen = "call_screen", "Call screen";
        Ivr = "ivr", "Phone menu";
        Fax = "fax", "Fax";
        Voicemail = "voicemail", "Voicemail";
    }
}

/// The part of a call that callbacks move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CallState {
    pub status: CallStatus,
    /// Set exactly when the status is `Ended`.
    pub outcome: Option<Outcome>,
    pub answered_by: Option<AnsweredBy>,
}

impl CallState {
    /// The committed intent to dial.
    pub const NEW: Self = Self { status: CallStatus::Dialing, outcome: None, answered_by: None };

    /// A call that is under way.
    pub const fn live(status: CallStatus) -> Self {
        Self { status, outcome: None, answered_by: None }
    }

    /// A call that ended.
    pub const fn ended(outcome: Outcome) -> Self {
        Self { status: CallStatus::Ended, outcome: Some(outcome), answered_by: None }
    }

    /// The same state, with what picked up.
    pub fn answered_by(mut self, who: Option<AnsweredBy>) -> Self {
        self.answered_by = who;
        self.settle()
    }

    /// The least state that both reports are true of.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            status: self.status.max(other.status),
            outcome: self.outcome.max(other.outcome),
            answered_by: self.answered_by.max(other.answered_by),
        }
        .settle()
    }

    /// A completed call that a machine picked up is a voicemail.
    fn settle(mut self) -> Self {
        if self.outcome == Some(Outcome::Completed) && matches!(self.answered_by, Some(AnsweredBy::Voicemail | AnsweredBy::Fax)) {
            self.outcome = Some(Outcome::Voicemail);
        }
        self
    }

    /// What programs are told, in one word: how it ended, or else how far it has come.
    pub const fn word(self) -> &'static str {
        match (self.outcome, self.status) {
            (Some(Outcome::Completed), _) => "completed",
            (Some(Outcome::NoAnswer), _) => "no-answer",
            (Some(Outcome::Busy), _) => "busy",
            (Some(Outcome::Voicemail), _) => "voicemail",
            (Some(Outcome::Failed | Outcome::Canceled | Outcome::Rejected | Outcome::Unknown), _) => "failed",
            (None, CallStatus::Dialing) => "dialing",
            (None, CallStatus::Ringing) => "ringing",
            (None, CallStatus::Answered) => "answered",
            (None, CallStatus::InProgress | CallStatus::Ended) => "in-progress",
        }
    }

    /// Nothing will follow but corrections and enrichment.
    pub fn is_ended(self) -> bool {
        self.status == CallStatus::Ended
    }
}

/// A call in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CallRow {
    pub id: CallId,
    pub direction: Direction,
    /// Why it was not taken; only inbound calls are declined.
    pub declined: Option<Declined>,
    pub contact: Option<ContactId>,
    pub contact_name: String,
    /// Masked for roles that may not see numbers.
    pub phone: String,
    pub campaign: Option<(CampaignId, String)>,
    pub agent_name: String,
    pub attempt: i32,
    pub state: CallState,
    pub started_at: Moment,
    pub talk_seconds: i64,
    /// Captured so far; `None` until settled.
    pub cost: Option<Credits>,
    pub sandbox: bool,
}

/// One line of a call's story.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CallStep {
    pub at: Moment,
    pub title: String,
    pub detail: String,
}

/// Somebody said something.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Turn {
    /// `agent`, `person`, or a name.
    pub speaker: String,
    pub text: String,
    /// From the begin of the conversation, where the provider says so.
    pub seconds: Option<i32>,
}

/// A call with everything its page shows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Call {
    pub row: CallRow,
    pub campaign_status: Option<CampaignStatus>,
    pub agent: Option<AgentId>,
    pub agent_version: i32,
    pub settings_version: i32,
    /// Our number: where an outbound call came from, or what an inbound caller called.
    pub from: String,
    pub provider_call_id: Option<String>,
    /// The provider's own word for the status.
    pub provider_status: Option<String>,
    pub answered_at: Option<Moment>,
    pub ended_at: Option<Moment>,
    pub held: Credits,
    /// As it was when the call was dialed.
    pub price: Price,
    pub digits: String,
    pub transcript: Vec<Turn>,
    /// Nobody wrote the conversation down: these are the texts that were read out, and the keys that were pressed.
    pub read_out: bool,
    /// What the provider charges, with its currency; comes late.
    pub provider_price: Option<String>,
    pub summary: String,
    pub sentiment: Option<Sentiment>,
    /// Whether the agent reached what it was for, as the provider judged.
    pub successful: Option<bool>,
    pub keywords: Vec<String>,
    /// Found out in the conversation: name, value.
    pub found: Vec<(String, String)>,
    /// For whoever may listen.
    pub recordings: Vec<RecordingRow>,
    pub steps: Vec<CallStep>,
}

words! {
    /// Whether we have the sound of a call.
    pub enum RecordingKeeping {
        Waiting = "waiting", "Being copied";
        /// Tried again at night for two weeks.
        Failed = "failed", "Could not be copied yet, will be tried again";
        Kept = "kept", "Kept";
        Lost = "lost", "Could not be copied";
    }
}

/// The sound of a call.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RecordingRow {
    /// Plays it, for a while.
    pub link: Option<String>,
    pub seconds: Option<i32>,
    pub keeping: RecordingKeeping,
    /// Why it is not available.
    pub problem: String,
}

words! {
    /// How a person took the conversation, as the provider judged.
    pub enum Sentiment {
        Positive = "positive", "Positive";
        Neutral = "neutral", "Neutral";
        Negative = "negative", "Negative";
    }
}

words! {
    /// Quick ranges of the call log.
    pub enum CallRange {
        Today = "today", "Today";
        Yesterday = "yesterday", "Yesterday";
        Week = "7d", "Last 7 days";
        Fortnight = "15d", "Last 15 days";
        Month = "30d", "Last 30 days";
        All = "all", "All time";
    }
}

/// What the call log may ask for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct CallFilter {
    /// Exact phone number or its start.
    pub search: String,
    pub range: CallRange,
    pub outcome: Option<Outcome>,
    pub live: bool,
    pub campaign: Option<CampaignId>,
    pub contact: Option<ContactId>,
    pub paging: Paging,
}

impl Default for CallFilter {
    fn default() -> Self {
        Self {
            search: String::new(),
            range: CallRange::All,
            outcome: None,
            live: false,
            campaign: None,
            contact: None,
            paging: Paging::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_state() -> impl Strategy<Value = CallState> {
        let status = prop::sample::select(CallStatus::ALL);
        let outcome = prop::sample::select(Outcome::ALL);
        let who = prop::option::of(prop::sample::select(AnsweredBy::ALL));
        (status, outcome, who).prop_map(|(status, outcome, who)| match status {
            CallStatus::Ended => CallState::ended(outcome).answered_by(who),
            live => CallState::live(live).answered_by(who),
        })
    }

    proptest! {
        #[test]
        fn any_order_and_any_repetition_of_reports_gives_the_same_state(
            states in prop::collection::vec(any_state(), 1..8), order in any::<u64>(), again in any::<prop::sample::Index>(),
        ) {
            let fold = |list: &[CallState]| list.iter().copied().fold(CallState::NEW, CallState::join);
            let expected = fold(&states);
            let mut shuffled = states.clone();
            shuffled.push(states[again.index(states.len())]);
            let n = shuffled.len();
            let mut seed = order;
            for i in (1..n).rev() {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                shuffled.swap(i, (seed >> 33) as usize % (i + 1));
            }
            prop_assert_eq!(fold(&shuffled), expected);
        }

        #[test]
        fn join_is_associative_and_an_end_is_never_left(a in any_state(), b in any_state(), c in any_state()) {
            prop_assert_eq!(a.join(b).join(c), a.join(b.join(c)));
            prop_assert!(!a.is_ended() || a.join(b).is_ended());
            prop_assert_eq!(a.join(b).outcome.is_some(), a.join(b).is_ended());
        }
    }

    #[test]
    fn the_grid_of_outcomes() {
        let mut out = String::new();
        for a in Outcome::ALL {
            let row: Vec<_> = Outcome::ALL
                .iter()
                .map(|b| CallState::ended(*a).join(CallState::ended(*b)).outcome.expect("ended").as_str())
                .collect();
            out.push_str(&format!("{:10} {}\n", a.as_str(), row.join(" ")));
        }
        insta::assert_snapshot!(out);
    }

    #[test]
    fn late_detection_turns_a_completed_call_into_a_voicemail() {
        let done = CallState::ended(Outcome::Completed).answered_by(Some(AnsweredBy::Human));
        let late = CallState::live(CallStatus::Answered).answered_by(Some(AnsweredBy::Voicemail));
        assert_eq!(done.join(late).outcome, Some(Outcome::Voicemail));
        assert_eq!(late.join(done).outcome, Some(Outcome::Voicemail));
    }
}
