//! What can be turned on and off for each company.

use crate::id::CompanyId;
use crate::time::Moment;
use crate::words;

words! {
    /// Something that a company has or has not. Each switches one thing, and nothing is switched that is not here.
    pub enum Feature {
        RestApi = "rest_api", "REST API";
        RecordingCopies = "recording_copies", "Copies of recordings";
        ClientCompanies = "client_companies", "Client companies";
    }
}

impl Feature {
    /// What a company has that nobody decided about.
    pub const fn is_on_by_itself(self) -> bool {
        match self {
            Self::RestApi | Self::RecordingCopies => true,
            Self::ClientCompanies => false,
        }
    }

    /// What is different without it.
    pub const fn about(self) -> &'static str {
        match self {
            Self::RestApi => {
                "Programs with an API key or a token are answered. Without it they are refused, and no keys are made."
            }
            Self::RecordingCopies => {
                "Recordings are copied from the provider and can be played here. Without it they stay with the provider."
            }
            Self::ClientCompanies => "The company may open companies of its own clients, give them credits and act inside them.",
        }
    }
}

/// One feature of a company.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FeatureRow {
    pub feature: Feature,
    pub is_on: bool,
    /// Who decided so, and when; nobody where the platform's own default holds.
    pub set: Option<(String, Moment)>,
}

/// A company's features, for super admins.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CompanyFeatures {
    pub company: CompanyId,
    pub name: String,
    pub features: Vec<FeatureRow>,
}
