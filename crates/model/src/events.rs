//! The audit record: every state change, who made it, and what it was about.

use crate::id::EventId;
use crate::page::Paging;
use crate::time::Moment;
use crate::words;

words! {
    /// What happened; past tense.
    pub enum EventKind {
        CompanyRegistered = "company.registered", "Company registered";
        CompanyTypeChosen = "company.type_chosen", "Company type chosen";
        CompanySuspended = "company.suspended", "Company suspended";
        CompanyReinstated = "company.reinstated", "Company reinstated";
        CompanyEntered = "company.entered", "Super admin came in";
        CompanyLeft = "company.left", "Super admin left";
        SettingsChanged = "settings.changed", "Settings changed";
        LetterChanged = "platform.letter_changed", "Letter reworded";
        FeatureSet = "company.feature_set", "Feature turned on or off";
        ClientOpened = "company.client_opened", "Company opened for a client";
        UserConfirmed = "user.confirmed", "E-mail confirmed";
        UserSignedIn = "user.signed_in", "Signed in";
        UserSignedOut = "user.signed_out", "Signed out";
        UserChanged = "user.changed", "Profile changed";
        UserEmailChanged = "user.email_changed", "E-mail changed";
        UserPasswordChanged = "user.password_changed", "Password changed";
        UserPasswordReset = "user.password_reset", "Password reset";
        UserSessionsEnded = "user.sessions_ended", "Sessions ended";
        TwoFactorOn = "user.two_factor_on", "Two-factor turned on";
        TwoFactorOff = "user.two_factor_off", "Two-factor turned off";
        IdentityLinked = "user.identity_linked", "Identity linked";
        IdentityUnlinked = "user.identity_unlinked", "Identity unlinked";
        MemberInvited = "member.invited", "Member invited";
        InviteRevoked = "member.invite_revoked", "Invite taken back";
        MemberJoined = "member.joined", "Member joined";
        MemberRoleChanged = "member.role_changed", "Role changed";
        MemberAssigned = "member.assigned", "Campaigns assigned";
        MemberDeactivated = "member.deactivated", "Member deactivated";
        MemberReactivated = "member.reactivated", "Member reactivated";
        MemberRemoved = "member.removed", "Member removed";
        KeyCreated = "key.created", "API key made";
        KeyRotated = "key.rotated", "API key rotated";
        KeyRevoked = "key.revoked", "API key revoked";
        EndpointCreated = "endpoint.created", "Webhook endpoint made";
        EndpointChanged = "endpoint.changed", "Webhook endpoint changed";
        EndpointRotated = "endpoint.rotated", "Webhook secret rotated";
        EndpointDisabled = "endpoint.disabled", "Webhook endpoint switched off";
        EndpointRemoved = "endpoint.removed", "Webhook endpoint removed";
        TokenReused = "user.token_reused", "Refresh token used twice";
        ContactCreated = "contact.created", "Contact created";
        ContactChanged = "contact.changed", "Contact changed";
        ContactArchived = "contact.archived", "Contact archived";
        ContactExported = "contact.exported", "Contact exported";
        ContactErased = "contact.erased", "Contact erased";
        OrderCreated = "order.created", "Order created";
        OrderChanged = "order.changed", "Order changed";
        OrderArchived = "order.archived", "Order archived";
        LeadCreated = "lead.created", "Lead created";
        LeadChanged = "lead.changed", "Lead changed";
        LeadArchived = "lead.archived", "Lead archived";
        ContactOptedOut = "contact.opted_out", "Contact opted out";
        ConsentGiven = "consent.given", "Consent recorded";
        ConsentWithdrawn = "consent.withdrawn", "Consent taken back";
        EvidenceTaken = "evidence.taken", "Evidence pack taken";
        SuppressionAdded = "suppression.added", "Number suppressed";
        SuppressionRemoved = "suppression.removed", "Number no longer suppressed";
        ImportStarted = "import.started", "Import started";
        ImportCompleted = "import.completed", "Import completed";
        ImportFailed = "import.failed", "Import failed";
        ImportCancelled = "import.cancelled", "Import cancelled";
        ImportUndone = "import.undone", "Import undone";
        AgentCreated = "agent.created", "Agent created";
        AgentChanged = "agent.changed", "Agent changed";
        AgentPublished = "agent.published", "Agent published";
        AgentArchived = "agent.archived", "Agent archived";
        CampaignCreated = "campaign.created", "Campaign created";
        CampaignChanged = "campaign.changed", "Campaign changed";
        CampaignLaunched = "campaign.launched", "Campaign launched";
        CampaignScheduled = "campaign.scheduled", "Campaign scheduled";
        CampaignStarted = "campaign.started", "Campaign started";
        CampaignPaused = "campaign.paused", "Campaign paused";
        CampaignResumed = "campaign.resumed", "Campaign resumed";
        CampaignCompleted = "campaign.completed", "Campaign completed";
        CampaignCancelled = "campaign.cancelled", "Campaign cancelled";
        CampaignArchived = "campaign.archived", "Campaign archived";
        CanaryPassed = "campaign.canary_passed", "Canary passed";
        CanaryFailed = "campaign.canary_failed", "Canary failed";
        CallStarted = "call.started", "Call started";
        CallEnded = "call.ended", "Call ended";
        CreditsMoved = "credits.moved", "Credits moved";
        CreditsLow = "credits.low", "Credits low";
        CreditsAdjusted = "credits.adjusted", "Credits adjusted";
        CallOverrun = "call.overrun", "Billed beyond the hold";
    }
}

/// One line of the event list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EventRow {
    pub id: EventId,
    pub at: Moment,
    pub kind: EventKind,
    /// Prefixed id of what it is about.
    pub subject: Option<String>,
    /// Name of a person, or `Belfry`.
    pub who: String,
    pub text: String,
}

/// What the event list may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct EventFilter {
    pub kind: Option<EventKind>,
    pub subject: Option<String>,
    /// The whole name of a person, or `Belfry`.
    pub who: String,
    /// First day, as `2026-11-22` in the company's zone; what is no day is no filter.
    pub from: String,
    /// Last day.
    pub to: String,
    pub paging: Paging,
}

/// What recomputing the record found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Chain {
    /// Sealed events that were recomputed.
    pub events: i64,
    pub blocks: i64,
    /// Events too young to be sealed.
    pub waiting: i64,
    /// Hash of the newest block, which stands for everything before it.
    pub head: Option<String>,
    /// What does not fit, in sentences; empty when the record holds.
    pub problems: Vec<String>,
}

words! {
    /// What changed, for screens that listen. A hint to read again, never data.
    pub enum Topic {
        Campaigns = "campaigns", "Campaigns";
        Calls = "calls", "Calls";
        Imports = "imports", "Imports";
        Contacts = "contacts", "Contacts";
        Credits = "credits", "Credits";
        Agents = "agents", "Agents";
        Events = "events", "Events";
        Suppressions = "suppressions", "Suppressions";
        Settings = "settings", "Settings";
    }
}

impl EventKind {
    /// Which screens want to know.
    pub const fn topic(self) -> Topic {
        use EventKind as K;
        match self {
            K::CompanyRegistered
            | K::CompanyTypeChosen
            | K::SettingsChanged
            | K::LetterChanged
            | K::FeatureSet
            | K::ClientOpened
            | K::CompanySuspended
            | K::CompanyReinstated => Topic::Settings,
            K::ContactCreated
            | K::ContactChanged
            | K::ContactArchived
            | K::ContactExported
            | K::ContactErased
            | K::OrderCreated
            | K::OrderChanged
            | K::OrderArchived
            | K::LeadCreated
            | K::LeadChanged
            | K::LeadArchived => Topic::Contacts,
            K::ConsentGiven
            | K::ConsentWithdrawn
            | K::EvidenceTaken
            | K::ContactOptedOut
            | K::SuppressionAdded
            | K::SuppressionRemoved => Topic::Suppressions,
            K::ImportStarted | K::ImportCompleted | K::ImportFailed | K::ImportCancelled | K::ImportUndone => Topic::Imports,
            K::AgentCreated | K::AgentChanged | K::AgentPublished | K::AgentArchived => Topic::Agents,
            K::CampaignCreated
            | K::CampaignChanged
            | K::CampaignLaunched
            | K::CampaignScheduled
            | K::CampaignStarted
            | K::CampaignPaused
            | K::CampaignResumed
            | K::CampaignCompleted
            | K::CampaignCancelled
            | K::CampaignArchived
            | K::CanaryPassed
            | K::CanaryFailed => Topic::Campaigns,
            K::CallStarted | K::CallEnded | K::CallOverrun => Topic::Calls,
            K::CreditsMoved | K::CreditsLow | K::CreditsAdjusted => Topic::Credits,
            // People, members, keys and endpoints: the record itself shows them.
            _ => Topic::Events,
        }
    }
}
