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
        Self(n.saturating_mul(1000))
    }
    /// What a person types: `12`, `12.5`, `-0.125`. At most three decimals, because there is nothing smaller.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.trim().strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.trim()),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || part.len() > 3 || !plain(whole) || !plain(part) || digits.ends_with('.') {
            return None;
        }
        let thousandths: i64 = format!("{part:0<3}").parse().ok()?;
        let sum = whole.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(thousandths)?;
        Some(Self(if negative { -sum } else { sum }))
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
// Saturating: an absurd sum stays absurdly large and is refused; it never wraps around into a small one.
impl Add for Credits {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self(self.0.saturating_add(o.0))
    }
}
impl AddAssign for Credits {
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}
impl Sub for Credits {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Self(self.0.saturating_sub(o.0))
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

    /// A rate, rounded as the company's plan says.
    pub const fn new(per_minute: i64, increment: Increment) -> Self {
        let (initial_seconds, step_seconds) = increment.seconds();
        Self { per_minute, initial_seconds, step_seconds }
    }

    /// Seconds that are paid for: nothing for a call nobody answered (`seconds ≤ 0`), else
    /// `initial + ⌈(s − initial) / step⌉ · step`.
    pub fn billable_seconds(self, seconds: i64) -> i64 {
        self.billable(seconds).try_into().unwrap_or(i64::MAX)
    }

    /// In 128 bits, where no number a provider may report can overflow.
    fn billable(self, seconds: i64) -> i128 {
        if seconds <= 0 {
            return 0;
        }
        let (initial, step) = (i128::from(self.initial_seconds.max(0)), i128::from(self.step_seconds.max(1)));
        let beyond = (i128::from(seconds) - initial).max(0);
        initial + (beyond + step - 1) / step * step
    }

    /// `⌈billable · rate / 60⌉`.
    pub fn cost(self, seconds: i64) -> Credits {
        let thousandths = (self.billable(seconds) * i128::from(self.per_minute.max(0)) + 59) / 60;
        Credits(thousandths.try_into().unwrap_or(i64::MAX))
    }
}

/// `1.000 credits a minute, billed 60/60`
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} credits a minute, billed {}/{}", Credits(self.per_minute), self.initial_seconds, self.step_seconds)
    }
}

words! {
    /// How seconds of talk are rounded up: those billed at once, and those of every further step.
    pub enum Increment {
        Minute = "60/60", "By the minute";
        ThirtySix = "30/6", "30 seconds, then every 6";
        Fifteen = "15/15", "Every 15 seconds";
        Six = "6/6", "Every 6 seconds";
        Second = "1/1", "By the second";
    }
}

impl Increment {
    /// Initial and step seconds.
    pub const fn seconds(self) -> (i64, i64) {
        match self {
            Self::Minute => (60, 60),
            Self::ThirtySix => (30, 6),
            Self::Fifteen => (15, 15),
            Self::Six => (6, 6),
            Self::Second => (1, 1),
        }
    }
}

/// What a minute costs at one destination, for one engine (empty: any).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// Leading digits of the number, without the plus; empty is everywhere.
    pub prefix: String,
    pub engine: String,
    /// Thousandths of a credit.
    pub per_minute: i64,
}

/// The rate of a number: the longest prefix wins, and at the same prefix the one that names the engine.
pub fn rate_of<'a>(rates: &'a [Rate], phone: &str, engine: &str) -> Option<&'a Rate> {
    let digits = phone.trim_start_matches('+');
    let fits = |rate: &&Rate| digits.starts_with(&rate.prefix) && (rate.engine.is_empty() || rate.engine == engine);
    rates.iter().filter(fits).max_by_key(|rate| (rate.prefix.len(), !rate.engine.is_empty()))
}

words! {
    /// Where credits can be. `Bank`, `Promo`, `Adjust` and `Transfer` are outside the company.
    pub enum Account {
        Available = "available", "Available";
        Escrow = "escrow", "Reserved";
        Held = "held", "On a call";
        Spent = "spent", "Spent";
        Bank = "bank", "Paid";
        Promo = "promo", "Granted";
        Adjust = "adjust", "Adjusted";
        Transfer = "transfer", "Transferred";
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
        TransferOut = "transfer_out", "Given to a client";
        TransferIn = "transfer_in", "Given by the reseller";
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
            Self::TransferOut => (A::Available, A::Transfer),
            Self::TransferIn => (A::Transfer, A::Available),
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

/// What recomputing a company's ledger found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Proof {
    /// Movements whose hash was recomputed, and the blocks they are in.
    pub movements: i64,
    pub blocks: i64,
    /// Movements too young to be in a block.
    pub waiting: i64,
    /// The hash of the newest block, in hex: it stands for everything before it.
    pub head: Option<String>,
    /// What does not add up, in plain words; empty when everything holds.
    pub problems: Vec<String>,
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
    fn the_cost_follows_from_rate_and_increment() {
        for (rate, increment, seconds, cost) in [
            (1_000, Increment::Minute, 133, 3_000),
            (2_500, Increment::Minute, 61, 5_000),
            (1_000, Increment::ThirtySix, 31, 600),
            (1_000, Increment::ThirtySix, 29, 500),
            (1_000, Increment::Fifteen, 16, 500),
            (1_200, Increment::Six, 7, 240),
            (1_000, Increment::Second, 133, 2_217),
            (0, Increment::Minute, 600, 0),
            (9_999, Increment::Second, 0, 0),
        ] {
            assert_eq!(Price::new(rate, increment).cost(seconds), Credits(cost), "{rate} {increment} {seconds} s");
        }
        for increment in Increment::ALL {
            let (initial, step) = increment.seconds();
            assert_eq!(increment.as_str(), format!("{initial}/{step}"));
        }
        assert_eq!(Price::new(2_500, Increment::ThirtySix).to_string(), "2.500 credits a minute, billed 30/6");
    }

    #[test]
    fn absurd_numbers_stay_absurd_and_never_wrap() {
        for increment in Increment::ALL {
            let absurd = Price::new(i64::MAX, *increment);
            assert_eq!(absurd.cost(i64::MAX), Credits(i64::MAX));
            assert_eq!(absurd.cost(i64::MIN), Credits::ZERO);
            assert!(Price::new(1_000, *increment).cost(i64::MAX) > Credits::whole(1_000_000));
        }
        let broken = Price { per_minute: -1, initial_seconds: -1, step_seconds: 0 };
        assert_eq!(broken.cost(61), Credits::ZERO);
        assert_eq!(Credits(i64::MAX) + Credits(1), Credits(i64::MAX));
        assert_eq!(Credits(i64::MIN) - Credits(1), Credits(i64::MIN));
        assert_eq!(Credits::whole(i64::MAX), Credits(i64::MAX));
    }

    #[test]
    fn the_longest_prefix_wins_and_then_the_engine() {
        let rate = |prefix: &str, engine: &str, per_minute| Rate { prefix: prefix.into(), engine: engine.into(), per_minute };
        let rates = [rate("", "", 1), rate("", "fine", 2), rate("44", "", 3), rate("4477", "", 4), rate("44", "fine", 5)];
        for (phone, engine, expected) in [
            ("+12125550100", "plain", 1),
            ("+12125550100", "fine", 2),
            ("+442079460000", "plain", 3),
            ("+442079460000", "fine", 5),
            ("+447700900000", "plain", 4),
            ("+447700900000", "fine", 4),
        ] {
            assert_eq!(rate_of(&rates, phone, engine).map(|r| r.per_minute), Some(expected), "{phone} {engine}");
        }
        assert_eq!(rate_of(&rates[2..], "+12125550100", "plain"), None);
    }

    #[test]
    fn credits_are_read_as_people_type_them() {
        for (text, credits) in
            [("12", Some(12_000)), (" 12.5 ", Some(12_500)), ("-0.125", Some(-125)), ("0", Some(0)), ("007.050", Some(7_050))]
        {
            assert_eq!(Credits::parse(text), credits.map(Credits), "{text}");
        }
        for text in ["", "-", ".5", "5.", "1.2345", "1,5", "1e3", "--1", "+1", "9223372036854775807", "1.-5"] {
            assert_eq!(Credits::parse(text), None, "{text}");
        }
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
