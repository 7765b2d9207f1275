//! The people of a company: who they are, who was asked in, and who an invite speaks to.

use crate::accounts::Role;
use crate::campaigns::Status;
use crate::id::{CampaignId, InviteId, UserId};
use crate::time::Moment;
use crate::words;

/// Roles that a company gives to its people, the most trusted first.
pub const ROLES: [Role; 3] = [Role::CompanyAdmin, Role::Operator, Role::Viewer];

/// Everybody, and everybody who was asked in and has not come yet.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Team {
    pub members: Vec<MemberRow>,
    pub invites: Vec<InviteRow>,
    /// Nobody comes in without a second factor.
    pub two_factor_required: bool,
}

/// One member, as the team sees them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MemberRow {
    pub id: UserId,
    pub name: String,
    pub email: String,
    pub role: Role,
    /// The last time they were in this company; nothing when they never were, or long ago.
    pub seen_at: Option<Moment>,
    /// The one who asks.
    pub is_you: bool,
    /// Kept out for now.
    pub deactivated: bool,
}

/// What one member may reach, for whoever manages the team.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Access {
    pub user: UserId,
    pub name: String,
    pub role: Role,
    pub deactivated: bool,
    /// The one who asks.
    pub is_you: bool,
    /// What can be given to an operator; empty for all others, who see all campaigns.
    pub campaigns: Vec<AssignmentRow>,
}

/// A campaign, and whether an operator handles it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AssignmentRow {
    pub id: CampaignId,
    pub name: String,
    pub status: Status,
    pub assigned: bool,
}

/// An invite that is open.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct InviteRow {
    pub id: InviteId,
    pub email: String,
    pub role: Role,
    pub invited_by: String,
    pub sent_at: Moment,
    /// Too old: send it again.
    pub expired: bool,
}

words! {
    /// What whoever opens an invite has to do.
    pub enum Guest {
        New = "new", "Create an account";
        Stranger = "stranger", "Sign in";
        You = "you", "Join";
        Other = "other", "Sign in as somebody else";
    }
}

/// An invite, as the person it was sent to sees it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Invitation {
    pub company_name: String,
    pub email: String,
    pub role: Role,
    pub invited_by: String,
    pub guest: Guest,
}
