//! Humans: roles, what each role may do, and the forms they fill in to get here.

use crate::clients::Brand;
use crate::companies::{CompanyRow, CompanyType};
use crate::credits::Credits;
use crate::error::{Check, Result};
use crate::id::{CompanyId, SessionId, UserId};
use crate::time::Moment;
use crate::words;

words! {
    /// A member's role in one company.
    pub enum Role {
        SuperAdmin = "super_admin", "Super admin";
        CompanyAdmin = "company_admin", "Company admin";
        Operator = "operator", "Operator";
        Viewer = "viewer", "Viewer";
    }
}

words! {
    /// One thing a role may or may not do. Every verb names one in its first line.
    pub enum Permission {
        ViewCampaigns = "view_campaigns", "See campaigns";
        ManageCampaigns = "manage_campaigns", "Create and edit campaigns";
        RunCampaigns = "run_campaigns", "Launch, pause and stop campaigns";
        ViewContacts = "view_contacts", "See contacts, leads and orders";
        ManageContacts = "manage_contacts", "Edit contacts, leads and orders";
        ImportContacts = "import_contacts", "Import contacts";
        ViewPhones = "view_phones", "See full phone numbers";
        ViewCalls = "view_calls", "See calls";
        HearCalls = "hear_calls", "Listen to recordings";
        ViewAgents = "view_agents", "See agents";
        ManageAgents = "manage_agents", "Create and edit agents";
        ViewWallet = "view_wallet", "See the wallet and ledger";
        ViewSuppressions = "view_suppressions", "See the do-not-call list";
        ManageSuppressions = "manage_suppressions", "Change the do-not-call list";
        ViewEvents = "view_events", "See the event record";
        ViewTeam = "view_team", "See the team";
        ManageTeam = "manage_team", "Invite, change and remove people";
        ManageSettings = "manage_settings", "Change company settings";
        ManageKeys = "manage_keys", "Make and revoke API keys";
        ManageWebhooks = "manage_webhooks", "Manage webhooks";
        ManageClients = "manage_clients", "Open companies for clients and act inside them";
        AdjustCredits = "adjust_credits", "Adjust a company's credits";
        AdminPlatform = "admin_platform", "Run the platform";
    }
}

words! {
    /// Why somebody with a session is not let in.
    pub enum Bar {
        TwoFactor = "two_factor", "The company lets nobody in without a second factor";
        Suspended = "suspended", "The company is suspended";
    }
}

impl Role {
    /// The permission table: the only place that says who may do what.
    pub const fn may(self, p: Permission) -> bool {
        use Permission as P;
        match self {
            Self::SuperAdmin => true,
            Self::CompanyAdmin => !matches!(p, P::AdminPlatform | P::AdjustCredits),
            Self::Operator => !matches!(
                p,
                P::AdminPlatform
                    | P::AdjustCredits
                    | P::ManageSettings
                    | P::ManageKeys
                    | P::ManageWebhooks
                    | P::ManageTeam
                    | P::ManageClients
                    | P::ViewEvents
                    | P::ViewWallet
                    | P::ManageCampaigns
                    | P::ManageAgents
            ),
            Self::Viewer => matches!(p, P::ViewCampaigns | P::ViewContacts | P::ViewCalls | P::ViewAgents | P::ViewSuppressions),
        }
    }
}

/// Shortest password.
pub const PASSWORD_MIN: usize = 8;
/// Longest password; longer ones are a way to burn our memory.
pub const PASSWORD_MAX: usize = 128;

/// Creates a user and a company.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Register {
    pub name: String,
    pub email: String,
    pub password: String,
    pub company_name: String,
    /// The browser's zone, which the company starts with; empty without scripts.
    #[serde(default)]
    pub time_zone: String,
}

impl Register {
    /// All field problems at once. Whether the e-mail is taken only the server knows.
    pub fn check(&self) -> Result<()> {
        let mut check = Check::new();
        newcomer(&mut check, &self.name, &self.email, &self.company_name);
        if let Some(problem) = password_problem(&self.password) {
            check.need(false, "password", problem);
        }
        check.done()
    }
}

/// What everybody says who registers, however they sign in.
pub(crate) fn newcomer(check: &mut Check, name: &str, email: &str, company_name: &str) {
    check.text(name, "name", "your name", 120).text(company_name, "company_name", "the company's name", 120);
    check.need(looks_like_email(email), "email", "Enter an e-mail address like name@company.com.");
}

/// One `@` with something before it and a dotted name after it. The confirmation mail is the real test.
pub fn looks_like_email(text: &str) -> bool {
    let Some((user, host)) = text.trim().split_once('@') else {
        return false;
    };
    text.len() <= 254
        && !user.is_empty()
        && host.contains('.')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !host.contains("..")
        && text.trim().chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | ',' | ';' | '\\'))
        && text.matches('@').count() == 1
}

/// What is wrong with a password, if anything. Length counts characters; common ones are refused.
pub fn password_problem(password: &str) -> Option<&'static str> {
    let length = password.chars().count();
    let has = |f: fn(char) -> bool| password.chars().any(f);
    if length < PASSWORD_MIN {
        Some("Use at least 8 characters.")
    } else if length > PASSWORD_MAX {
        Some("Use at most 128 characters.")
    } else if !has(char::is_alphabetic) || !has(|c| c.is_ascii_digit()) || !has(|c| !c.is_alphanumeric()) {
        Some("Use a letter, a digit and a special character.")
    } else if COMMON.contains(&password.to_lowercase().as_str()) {
        Some("This password is too common. Choose another.")
    } else {
        None
    }
}

/// Those of the most used passwords that pass the other rules.
const COMMON: &[&str] = &[
    "password1!",
    "password123!",
    "passw0rd!",
    "p@ssw0rd",
    "p@ssword1",
    "p@ssw0rd1",
    "qwerty123!",
    "qwerty1!",
    "welcome1!",
    "welcome123!",
    "admin123!",
    "admin@123",
    "abc123!@",
    "abcd1234!",
    "abcd@1234",
    "letmein1!",
    "iloveyou1!",
    "1qaz!qaz",
    "1qaz@wsx",
    "1q2w3e4r!",
    "zaq1@wsx",
    "changeme1!",
    "test1234!",
    "test@123",
    "pass@123",
    "pass@1234",
    "india@123",
    "hello123!",
    "summer2026!",
    "winter2026!",
];

/// Who is looking at the screen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Me {
    pub user: UserId,
    pub name: String,
    pub email: String,
    /// Unconfirmed people may look and may not launch.
    pub confirmed: bool,
    pub role: Role,
    pub company: CompanyId,
    pub company_name: String,
    /// `None` until the newcomer chose one: screens lead there first.
    pub company_type: Option<CompanyType>,
    pub time_zone: String,
    /// Why screens lead this person elsewhere, if they do.
    pub barred: Option<Bar>,
    /// What those read whose company is suspended.
    pub suspended_because: Option<String>,
    /// A super admin inside somebody else's company, or an administrator inside one of their clients.
    pub acting: bool,
    /// The company may open companies for clients of its own.
    pub has_clients: bool,
    /// How the company it is a client of shows itself, or its own brand where it has clients.
    pub brand: Option<Brand>,
    pub companies: Vec<CompanyRow>,
    /// What is left; nothing for roles that may not see the wallet.
    pub available: Option<Credits>,
    /// What ever came in, for the same roles.
    pub received: Option<Credits>,
    pub live_calls: i64,
}

impl Me {
    /// `MO` for Maya Okafor.
    pub fn initials(&self) -> String {
        self.name.split_whitespace().filter_map(|w| w.chars().next()).take(2).collect::<String>().to_uppercase()
    }
}

/// A person's own account, as they see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Account {
    pub name: String,
    pub email: String,
    /// Whether they sign in with a code.
    pub two_factor: bool,
    /// How else they sign in, as a sentence; nothing where that is not offered.
    pub identities: Option<String>,
    /// Where they are signed in, the newest first.
    pub sessions: Vec<SessionRow>,
}

/// One place where somebody is signed in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SessionRow {
    pub id: SessionId,
    /// Like `Firefox on Linux`.
    pub device: String,
    pub ip: String,
    pub company_name: String,
    pub created_at: Moment,
    pub last_seen_at: Moment,
    /// The one that asks.
    pub current: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_permission_table() {
        let mut out = String::new();
        for p in Permission::ALL {
            let who: Vec<_> = Role::ALL.iter().filter(|r| r.may(*p)).map(|r| r.as_str()).collect();
            out.push_str(&format!("{:20} {}\n", p.as_str(), who.join(" ")));
        }
        insta::assert_snapshot!(out);
    }

    #[test]
    fn weak_passwords_are_refused_with_the_reason() {
        for (password, part) in [
            ("aB1!", "at least 8"),
            ("abcdefgh1", "special"),
            ("abcdefgh!", "digit"),
            ("12345678!", "letter"),
            ("P@ssw0rd", "common"),
        ] {
            assert!(password_problem(password).is_some_and(|why| why.contains(part)), "{password}");
        }
        assert_eq!(password_problem(&format!("a1!{}", "x".repeat(125))), None);
        assert!(password_problem(&format!("a1!{}", "x".repeat(126))).is_some());
    }

    #[test]
    fn an_address_needs_a_user_one_at_and_a_dotted_host() {
        for good in ["maya@harbor.example", "a.b+c@x.co"] {
            assert!(looks_like_email(good), "{good}");
        }
        for bad in ["", "maya", "@x.co", "a@b", "a@.co", "a@b.", "a@b..c", "a b@c.de", "a@b@c.de", "a@c.de\r\nBcc: x", "<a@b.co>"]
        {
            assert!(!looks_like_email(bad), "{bad}");
        }
    }
}
