//! Credits: one credit is one minute at base rate, kept as integer thousandths. No floats touch money.

use crate::id::{CallId, CampaignId, MovementId};
use crate::page::Paging;
use crate::time::Moment;
use crate::words;
use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// Thousandths of a credit. Prints as `12.500`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]
#[serde(transparent)]
pub struct Credits(pub i64);

impl Credits {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Whole credits.
    pub const fn whole(n: i64) -> Self {
        Self(n * 1000)
    }
    /// For lists and tiles: `4,218` above a hundred, `12.5` below.
    pub fn rounded(self) -> String {
        if self.0.abs() >= 100_000 {
            thousands(self.0 / 1000)
        } else {
            format!("{}.{}", self.0 / 1000, (self.0 % 1000).abs() / 100)
        }
    }
}
impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let abs = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:03}", thousands(i64::try_from(abs / 1000).unwrap_or(i64::MAX)), abs % 1000)
    }
}
impl Add for Credits {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self(self.0 + o.0)
    }
}
impl AddAssign for Credits {
    fn add_assign(&mut self, o: Self) {
        self.0 += o.0;
    }
}
impl Sub for Credits {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Self(self.0 - o.0)
    }
}
impl std::iter::Sum for Credits {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

/// Groups digits by three with commas: `1234567` → `1,234,567`.
pub fn thousands(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if n < 0 {
        out.push('-');
    }
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// What a minute of talk costs, and how seconds are rounded up. Fixed on the call when it is dialed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Price {
    /// Thousandths of a credit per minute.
    pub per_minute: i64,
    /// Seconds billed at once when answered.
    pub initial_seconds: i64,
    /// Seconds per further step.
    pub step_seconds: i64,
}

impl Price {
    /// One credit per started minute (60/60).
    pub const BASE: Self = Self { per_minute: 1000, initial_seconds: 60, step_seconds: 60 };

    /// Seconds that are paid for: nothing for a call nobody answered (`seconds ≤ 0`), else
    /// `initial + ⌈(s − initial) / step⌉ · step`.
    pub fn billable_seconds(self, seconds: i64) -> i64 {
        if seconds <= 0 {
            return 0;
        }
        let beyond = (seconds - self.initial_seconds).max(0);
        self.initial_seconds + (beyond + self.step_seconds - 1) / self.step_seconds * self.step_seconds
    }

    /// `⌈billable · rate / 60⌉`.
    pub fn cost(self, seconds: i64) -> Credits {
        Credits((self.billable_seconds(seconds) * self.per_minute + 59) / 60)
    }
}

words! {
    /// Where credits can be. `Bank`, `Promo` and `Adjust` are outside the company.
    pub enum Account {
        Available = "available", "Available";
        Escrow = "escrow", "Reserved";
        Held = "held", "On a call";
        Spent = "spent", "Spent";
        Bank = "bank", "Paid";
        Promo = "promo", "Granted";
        Adjust = "adjust", "Adjusted";
    }
}

words! {
    /// Why credits moved. The lawful pair of accounts follows from the kind; see [`MovementKind::path`].
    pub enum MovementKind {
        Purchase = "purchase", "Top-up";
        Refund = "refund", "Refund";
        Grant = "grant", "Grant";
        Reserve = "reserve", "Reserved for campaign";
        Unreserve = "unreserve", "Returned from campaign";
        Hold = "hold", "Held for call";
        Release = "release", "Released from call";
        Capture = "capture", "Spent on call";
        HoldDirect = "hold_direct", "Held for call, without campaign";
        ReleaseDirect = "release_direct", "Released from call, without campaign";
        AdjustUp = "adjust_up", "Adjustment up";
        AdjustDown = "adjust_down", "Adjustment down";
    }
}

impl MovementKind {
    /// Source and target account.
    pub const fn path(self) -> (Account, Account) {
        use Account as A;
        match self {
            Self::Purchase => (A::Bank, A::Available),
            Self::Refund => (A::Available, A::Bank),
            Self::Grant => (A::Promo, A::Available),
            Self::Reserve => (A::Available, A::Escrow),
            Self::Unreserve => (A::Escrow, A::Available),
            Self::Hold => (A::Escrow, A::Held),
            Self::Release => (A::Held, A::Escrow),
            Self::Capture => (A::Held, A::Spent),
            Self::HoldDirect => (A::Available, A::Held),
            Self::ReleaseDirect => (A::Held, A::Available),
            Self::AdjustUp => (A::Adjust, A::Available),
            Self::AdjustDown => (A::Available, A::Adjust),
        }
    }
}

/// What a company has, as of the transaction that read it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Wallet {
    pub available: Credits,
    /// In escrow of running campaigns.
    pub reserved: Credits,
    /// Held by calls in flight.
    pub held: Credits,
    pub spent: Credits,
    /// Spent in the last seven days, divided by seven.
    pub daily_spend: Credits,
    /// Everything that ever came in: purchases and grants and adjustments, less refunds.
    pub received: Credits,
}

/// One line of the ledger page.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MovementRow {
    pub id: MovementId,
    pub at: Moment,
    pub kind: MovementKind,
    pub amount: Credits,
    pub campaign: Option<(CampaignId, String)>,
    pub call: Option<CallId>,
    pub note: String,
    /// `available` after this movement.
    pub balance: Credits,
}

/// What the ledger page may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct LedgerFilter {
    pub kind: Option<MovementKind>,
    pub campaign: Option<CampaignId>,
    pub paging: Paging,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn price(initial: i64, step: i64) -> Price {
        Price { per_minute: 1000, initial_seconds: initial, step_seconds: step }
    }

    #[test]
    fn increments_round_up_as_carriers_publish_them() {
        for (initial, step, seconds, billed) in [
            (60, 60, 133, 180),
            (60, 60, 60, 60),
            (60, 60, 61, 120),
            (60, 60, 1, 60),
            (30, 6, 1, 30),
            (30, 6, 31, 36),
            (30, 6, 36, 36),
            (30, 6, 37, 42),
            (15, 15, 1, 15),
            (15, 15, 16, 30),
            (15, 15, 35, 45),
            (6, 6, 7, 12),
            (1, 1, 133, 133),
            (60, 60, 0, 0),
            (1, 1, 0, 0),
        ] {
            assert_eq!(price(initial, step).billable_seconds(seconds), billed, "{initial}/{step} of {seconds} s");
        }
        assert_eq!(Price::BASE.cost(133), Credits(3000));
    }

    #[test]
    fn a_fraction_of_a_thousandth_is_rounded_up() {
        let odd = Price { per_minute: 1001, initial_seconds: 1, step_seconds: 1 };
        assert_eq!(odd.cost(1), Credits(17));
    }

    #[test]
    fn credits_print_with_three_decimals_and_grouping() {
        assert_eq!(Credits(4_218_440).to_string(), "4,218.440");
        assert_eq!(Credits(-5).to_string(), "-0.005");
        assert_eq!(Credits(12_540).rounded(), "12.5");
    }

    proptest! {
        #[test]
        fn longer_talk_never_costs_less_and_the_bill_covers_the_talk(
            s in 0i64..20_000, more in 0i64..2_000, initial in 1i64..120, step in 1i64..120, rate in 0i64..10_000,
        ) {
            let p = Price { per_minute: rate, initial_seconds: initial, step_seconds: step };
            prop_assert!(p.cost(s) <= p.cost(s + more));
            prop_assert!(s == 0 || p.billable_seconds(s) >= s);
            prop_assert!(p.billable_seconds(s) < s.max(initial) + step.max(initial));
        }
    }
}
