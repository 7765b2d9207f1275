//! Who is acting, for which company. An actor comes only from a session, an API key, a job or the engine itself.

use chrono::{NaiveDate, Offset};
use chrono_tz::Tz;
use model::accounts::{Permission, Role};
use model::api_keys::Scope;
use model::id::{CompanyId, UserId};
use model::time::{Moment, Timestamp};

/// Who acts inside one company. Fields are private: nobody outside `services` makes one up.
#[derive(Debug, Clone)]
pub struct Actor {
    pub(crate) company: CompanyId,
    pub(crate) zone: Tz,
    pub(crate) role: Role,
    pub(crate) user: Option<ActingUser>,
    /// What the key was made for through which the user acts; `None` for the user in person.
    pub(crate) scopes: Option<Vec<Scope>>,
}

/// The human behind an actor.
#[derive(Debug, Clone)]
pub(crate) struct ActingUser {
    pub id: UserId,
    pub name: String,
    pub confirmed: bool,
}

impl Actor {
    /// Belfry itself, inside a company: the dialer, ingest, jobs.
    pub(crate) fn engine(company: CompanyId) -> Self {
        Self { company, zone: Tz::UTC, role: Role::CompanyAdmin, user: None, scopes: None }
    }

    /// Whoever has a shell on the machine, inside a company: a super admin.
    pub(crate) fn console(company: CompanyId) -> Self {
        Self { company, zone: Tz::UTC, role: Role::SuperAdmin, user: None, scopes: None }
    }

    /// The company everything is done for.
    pub fn company(&self) -> CompanyId {
        self.company
    }

    /// The human who acts, in person or through a key.
    pub fn user_id(&self) -> Option<UserId> {
        self.user.as_ref().map(|user| user.id)
    }

    /// Whether the role allows it, and through a key also its scopes.
    pub fn may(&self, p: Permission) -> bool {
        self.role.may(p) && self.scopes.as_ref().is_none_or(|scopes| Scope::any_may(scopes, p))
    }

    /// Who this is, if they see only the campaigns that were given to them.
    pub(crate) fn handles_only(&self) -> Option<UserId> {
        self.user.as_ref().filter(|_| self.role == Role::Operator).map(|user| user.id)
    }

    /// Refuses unless the role has the permission; for verbs that open their own transaction. See `Tx::require`.
    ///
    /// # Errors
    /// `Forbidden`, naming the permission.
    pub(crate) fn require(&self, p: Permission) -> crate::error::Result<()> {
        if self.may(p) { Ok(()) } else { Err(model::Error::Forbidden { permission: p.as_str().to_owned() }.into()) }
    }

    /// An instant with this actor's offset, for display.
    pub(crate) fn moment(&self, at: Timestamp) -> Moment {
        let offset = at.with_timezone(&self.zone).offset().fix().local_minus_utc() / 60;
        Moment { at, offset_minutes: i16::try_from(offset).unwrap_or(0) }
    }

    /// The instant at which a day begins where this actor is.
    pub fn midnight(&self, day: NaiveDate) -> Timestamp {
        crate::zones::midnight(self.zone, day)
    }

    /// The name in the audit record.
    pub fn name(&self) -> &str {
        match (&self.user, self.role) {
            (Some(user), _) => &user.name,
            (None, Role::SuperAdmin) => "Super admin",
            (None, _) => "Belfry",
        }
    }
}

/// Why a transaction sees all companies. Each use is named, so that the list can be read and kept short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemTask {
    /// Registration, confirmation, sign-in: before a company is known.
    SignIn,
    /// The people of a company, who have accounts above it, and invites, which are opened before it is known.
    Team,
    /// A provider callback is routed to its gateway's company.
    RouteCallback,
    /// The dialer looks for companies with work.
    FindWork,
    /// Worker leases.
    Lease,
    /// A program shows a key: whose it is and in which company is not known before.
    Key,
    /// Outgoing mail.
    Mail,
    /// Demo data and templates.
    Seed,
    /// The invariant checker.
    Check,
    /// A super admin looks after the platform.
    Admin,
    /// A company looks after those that it opened for its clients.
    Clients,
    /// The sealer looks for companies with movements that are in no block yet.
    Seal,
    /// Secrets are sealed under the key of today.
    Keys,
    /// The live stream looks up what a session may hear.
    Live,
    /// Messages to endpoints leave, whosever they are.
    Webhooks,
}
