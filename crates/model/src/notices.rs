//! What a company's administrators are told by mail when it happens, unless they do not want to.

use crate::credits::Credits;
use crate::mails::LetterKind;
use crate::words;

words! {
    /// What can be told.
    pub enum NoticeKind {
        CreditsLow = "credits_low", "Credits are low";
        CampaignFinished = "campaign_finished", "A campaign is finished";
        CampaignPaused = "campaign_paused", "A campaign paused itself";
        ImportDone = "import_done", "An import is done";
    }
}

impl NoticeKind {
    /// The letter that tells it.
    pub const fn letter(self) -> LetterKind {
        match self {
            Self::CreditsLow => LetterKind::CreditsLow,
            Self::CampaignFinished => LetterKind::CampaignFinished,
            Self::CampaignPaused => LetterKind::CampaignPaused,
            Self::ImportDone => LetterKind::ImportDone,
        }
    }
}

/// What one person is told in one company.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NoticeChoices {
    pub company_name: String,
    /// Whether their role gets such letters at all.
    pub is_told: bool,
    /// Each kind, and whether they want it.
    pub wanted: Vec<(NoticeKind, bool)>,
    /// Below this the credits are low.
    pub credits_low: Credits,
    /// Whether they may change that, for everybody.
    pub may_set: bool,
}
