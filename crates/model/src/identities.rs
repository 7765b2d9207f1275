//! Who somebody is elsewhere: accounts at Google and LinkedIn that sign in to ours.

use crate::accounts;
use crate::error::{Check, Result};
use crate::time::Moment;
use crate::words;

words! {
    /// Where one may be known already.
    pub enum IdentityProvider {
        Google = "google", "Google";
        LinkedIn = "linkedin", "LinkedIn";
    }
}

words! {
    /// Why somebody who came back from there is not let in, in a sentence for them.
    pub enum Refusal {
        Denied = "denied", "You did not let us know who you are there, so nobody was signed in.";
        Lost = "lost", "This sign-in was begun elsewhere, was used already, or is too long ago.";
        Unanswered = "unanswered", "They do not answer right now. Try again in a moment, or use your password.";
        Untrusted = "untrusted", "What they told us about you could not be verified, so nobody was signed in.";
        Off = "off", "This way to sign in is not offered here.";
        LinkFirst = "link_first", "You have an account with this address. Sign in with your password, then link the two under Your account.";
        Taken = "taken", "This is linked to another account here already.";
        Another = "another", "Your account is linked to somebody else there. Unlink that first.";
        Homeless = "homeless", "Your account is in no company any more. Ask to be invited again.";
        SignedOut = "signed_out", "You were signed out meanwhile. Sign in, and link it again.";
        TooMany = "too_many", "There were too many tries from here. Wait a quarter of an hour.";
    }
}

/// What a provider says about somebody, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    pub provider: IdentityProvider,
    /// Their id there, which never changes and is never given to somebody else.
    pub subject: String,
    pub email: Option<String>,
    /// Whether the provider has seen that they read mail there.
    pub email_verified: bool,
    pub name: Option<String>,
}

/// One linked identity.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct IdentityRow {
    pub provider: IdentityProvider,
    /// Their address there when it was linked.
    pub email: Option<String>,
    pub linked_at: Moment,
}

/// Which identities sign in to an account, and which could.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Identities {
    pub linked: Vec<IdentityRow>,
    /// What may still be linked.
    pub offered: Vec<IdentityProvider>,
    pub has_password: bool,
}

/// Somebody whom a provider knows and we do not yet.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Newcomer {
    pub provider: IdentityProvider,
    pub name: String,
    pub email: String,
}

/// Creates a user without a password, and a company.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RegisterWith {
    pub name: String,
    pub email: String,
    pub company_name: String,
}

impl RegisterWith {
    /// All field problems at once. Whether the e-mail is taken only the server knows.
    ///
    /// # Errors
    /// `Invalid`, naming the fields.
    pub fn check(&self) -> Result<()> {
        let mut check = Check::new();
        accounts::newcomer(&mut check, &self.name, &self.email, &self.company_name);
        check.done()
    }
}
