//! Keys for programs: what each may do, from where, and until when. The secret of a key is shown once and is not here.

use crate::accounts::{Permission, Role};
use crate::error::{Check, Result};
use crate::id::ApiKeyId;
use crate::time::Moment;
use crate::words;
use std::net::IpAddr;
use std::str::FromStr;

words! {
    /// One thing a key may be made for. A key may what its scopes name and what the role of its maker allows, whichever is less.
    pub enum Scope {
        Read = "read", "Read campaigns, contacts, leads, orders, calls, agents and the do-not-call list";
        Phones = "phones", "See full phone numbers";
        Recordings = "recordings", "Listen to recordings";
        Wallet = "wallet", "Read the wallet and ledger";
        Contacts = "contacts", "Edit contacts, leads and orders, and import them";
        Campaigns = "campaigns", "Create and edit campaigns";
        Calling = "calling", "Launch, pause and stop campaigns";
        Agents = "agents", "Create and edit agents";
        Suppressions = "suppressions", "Change the do-not-call list";
        Webhooks = "webhooks", "Manage webhooks";
    }
}

impl Scope {
    /// What the scope lets a key do. People, settings, keys and the platform are in none of them.
    pub const fn permissions(self) -> &'static [Permission] {
        use Permission as P;
        match self {
            Self::Read => &[P::ViewCampaigns, P::ViewContacts, P::ViewCalls, P::ViewAgents, P::ViewSuppressions],
            Self::Phones => &[P::ViewPhones],
            Self::Recordings => &[P::ViewCalls, P::HearCalls],
            Self::Wallet => &[P::ViewWallet],
            // Whoever changes something reads what became of it.
            Self::Contacts => &[P::ViewContacts, P::ManageContacts, P::ImportContacts],
            Self::Campaigns => &[P::ViewCampaigns, P::ManageCampaigns],
            Self::Calling => &[P::ViewCampaigns, P::RunCampaigns],
            Self::Agents => &[P::ViewAgents, P::ManageAgents],
            Self::Suppressions => &[P::ViewSuppressions, P::ManageSuppressions],
            Self::Webhooks => &[P::ManageWebhooks],
        }
    }

    /// Whether any of these scopes names the permission.
    pub fn any_may(scopes: &[Self], p: Permission) -> bool {
        scopes.iter().any(|scope| scope.permissions().contains(&p))
    }

    /// Whether somebody in this role may give it to a key.
    pub fn is_givable_by(self, role: Role) -> bool {
        self.permissions().iter().all(|p| role.may(*p))
    }
}

/// Keys a company may have in force.
pub const KEYS_MAX: i64 = 50;
/// Address ranges a key may name.
pub const ADDRESSES_MAX: usize = 20;
/// Days a key may live; longer is without an end.
pub const DAYS_MAX: i64 = 3_650;
/// Hours for which a rotated key's old secret may go on working: a week.
pub const OVERLAP_HOURS_MAX: i64 = 168;

/// A range of addresses as people write it: `203.0.113.0/24`, `2001:db8::/32`, or one address (RFC 4632, RFC 4291).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    address: IpAddr,
    bits: u8,
}

/// The text was no address and no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address range")]
pub struct BadRange;

impl FromStr for Range {
    type Err = BadRange;
    fn from_str(text: &str) -> Result<Self, BadRange> {
        let (address, bits) = text.trim().split_once('/').map_or((text.trim(), None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| BadRange)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            // Without a sign or a space, which `parse` would take.
            Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().map_err(|_| BadRange)?,
            Some(_) => return Err(BadRange),
            None => most,
        };
        if bits > most { Err(BadRange) } else { Ok(Self { address, bits }) }
    }
}

impl Range {
    /// Whether the address lies in it. An IPv4 address that came in through an IPv6 socket is the IPv4 address.
    pub fn contains(self, address: IpAddr) -> bool {
        let (bits, differ) = match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let mapped = if self.address.is_ipv6() { 96 } else { 0 };
                (u32::from(self.bits).saturating_sub(mapped), u128::from(ours.to_bits() ^ theirs.to_bits()) << 96)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => (u32::from(self.bits), ours.to_bits() ^ theirs.to_bits()),
            _ => return false,
        };
        differ.leading_zeros() >= bits
    }
}

/// Whether a key with these ranges is taken from this address; without ranges it is taken from everywhere.
pub fn lets_in(ranges: &[String], address: &str) -> bool {
    let Ok(address) = address.parse::<IpAddr>() else { return ranges.is_empty() };
    ranges.is_empty() || ranges.iter().filter_map(|text| text.parse::<Range>().ok()).any(|range| range.contains(address))
}

/// What people say about a new key.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct ApiKeyForm {
    pub name: String,
    pub scopes: Vec<Scope>,
    /// Address ranges, between commas, spaces or lines; empty: from everywhere.
    pub addresses: String,
    /// Days until it ends by itself; empty: never. As typed.
    pub days: String,
}

impl ApiKeyForm {
    /// All field problems at once. Whether the maker may give the scopes, the verb knows.
    pub fn check(&self) -> Result<()> {
        let addresses = self.ranges();
        Check::new()
            .text(&self.name, "name", "a name", 80)
            .need(!self.scopes.is_empty(), "scopes", "Choose at least one thing the key may do.")
            .need(addresses.len() <= ADDRESSES_MAX, "addresses", "Name at most 20 ranges.")
            .need(
                addresses.iter().all(|text| text.parse::<Range>().is_ok()),
                "addresses",
                "Write ranges like 203.0.113.0/24 or 2001:db8::/32.",
            )
            .need(
                self.days.trim().is_empty() || self.days().is_some_and(|days| (1..=DAYS_MAX).contains(&days)),
                "days",
                "Choose 1 to 3,650 days, or leave it empty.",
            )
            .done()
    }

    /// The ranges, one by one.
    pub fn ranges(&self) -> Vec<String> {
        let parts = self.addresses.split(|c: char| c == ',' || c.is_whitespace());
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// The days, if a number was typed.
    pub fn days(&self) -> Option<i64> {
        self.days.trim().parse().ok()
    }
}

words! {
    /// Whether a key opens anything.
    pub enum ApiKeyState {
        Active = "active", "Active";
        Expired = "expired", "Expired";
        Revoked = "revoked", "Revoked";
    }
}

/// A key in the list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ApiKeyRow {
    pub id: ApiKeyId,
    pub name: String,
    /// The beginning of the secret, so that people tell keys apart: `bfk_Ab3dEf`.
    pub hint: String,
    pub scopes: Vec<Scope>,
    pub addresses: Vec<String>,
    pub state: ApiKeyState,
    /// Who made it: it may never do more than they may.
    pub made_by: String,
    pub created_at: Moment,
    pub expires_at: Option<Moment>,
    /// Until then the secret before the last rotation works too.
    pub old_until: Option<Moment>,
    /// To the minute.
    pub last_used_at: Option<Moment>,
    /// The address it was last used from.
    pub last_used_from: String,
}

/// A key that was just made or rotated: the only time its secret is seen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NewApiKey {
    pub id: ApiKeyId,
    pub secret: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_scopes_and_what_they_allow() {
        let mut out = String::new();
        for scope in Scope::ALL {
            let may: Vec<_> = scope.permissions().iter().map(|p| p.as_str()).collect();
            let givers: Vec<_> = Role::ALL.iter().filter(|r| scope.is_givable_by(**r)).map(|r| r.as_str()).collect();
            out.push_str(&format!("{:13} {} | {}\n", scope.as_str(), may.join(" "), givers.join(" ")));
        }
        insta::assert_snapshot!(out);
    }

    #[test]
    fn no_scope_lets_a_key_touch_people_settings_keys_or_the_platform() {
        use Permission as P;
        let never = [
            P::ManageKeys,
            P::ManageTeam,
            P::ViewTeam,
            P::ViewEvents,
            P::ManageSettings,
            P::ManageClients,
            P::AdjustCredits,
            P::AdminPlatform,
        ];
        for p in Permission::ALL {
            assert_eq!(Scope::any_may(Scope::ALL, *p), !never.contains(p), "{p}");
        }
    }

    #[test]
    fn ranges_are_read_as_people_write_them() {
        for good in ["203.0.113.7", "203.0.113.0/24", "0.0.0.0/0", "2001:db8::/32", "::1", "::/0", " 10.0.0.0/8 "] {
            assert!(good.parse::<Range>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "/",
            "203.0.113",
            "203.0.113.0/33",
            "2001:db8::/129",
            "1.2.3.4/",
            "1.2.3.4/+8",
            "1.2.3.4/-1",
            "x/8",
            "1.2.3.4/8/8",
        ] {
            assert!(bad.parse::<Range>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_range_contains_its_addresses_and_no_others() {
        for (range, address, inside) in [
            ("203.0.113.0/24", "203.0.113.255", true),
            ("203.0.113.0/24", "203.0.114.0", false),
            ("203.0.113.9/24", "203.0.113.1", true),
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.6", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
            ("203.0.113.0/24", "::ffff:203.0.113.5", true),
            ("::ffff:203.0.113.0/120", "203.0.113.5", true),
            ("::ffff:203.0.113.0/120", "203.0.114.5", false),
        ] {
            let range: Range = range.parse().expect("a range");
            assert_eq!(range.contains(address.parse().expect("an address")), inside, "{range:?} {address}");
        }
    }

    #[test]
    fn without_ranges_a_key_is_taken_from_everywhere_and_with_them_from_nowhere_else() {
        let ranges = ["10.0.0.0/8".to_owned()];
        assert!(lets_in(&[], "203.0.113.7") && lets_in(&[], ""));
        assert!(lets_in(&ranges, "10.1.2.3") && !lets_in(&ranges, "203.0.113.7") && !lets_in(&ranges, ""));
    }

    #[test]
    fn a_form_is_told_all_its_problems() {
        let form = ApiKeyForm { addresses: "10.0.0.0/8, nowhere".into(), days: "0".into(), ..ApiKeyForm::default() };
        let error = form.check().expect_err("four problems");
        assert!(["name", "scopes", "addresses", "days"].iter().all(|field| error.of_field(field).is_some()), "{error:?}");
        let form = ApiKeyForm { name: "CRM".into(), scopes: vec![Scope::Read], days: "3650".into(), ..ApiKeyForm::default() };
        assert_eq!(form.check(), Ok(()));
        assert!(ApiKeyForm { days: "3651".into(), ..form.clone() }.check().is_err());
        let ranges = |n: usize| ApiKeyForm { addresses: vec!["10.0.0.0/8"; n].join("\n"), ..form.clone() }.check();
        assert!(ranges(ADDRESSES_MAX).is_ok() && ranges(ADDRESSES_MAX + 1).is_err());
    }

    proptest! {
        #[test]
        fn a_range_holds_its_own_address_whatever_its_length(address in any::<u128>(), bits in 0u8..=128) {
            let address = IpAddr::V6(address.into());
            let range: Range = format!("{address}/{bits}").parse().expect("a range");
            prop_assert!(range.contains(address));
        }
    }
}
