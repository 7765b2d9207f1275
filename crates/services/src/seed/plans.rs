//! The three companies of the demo as data: who they are, whom they call with whom, and how it went.

use super::words::{DALLAS, FIRST_GB, FIRST_US, LAST_GB, LAST_US, LEEDS, Place, TAMPA};
use model::companies::CompanyType;
use model::time::{Hours, Window};

pub(super) struct CompanyPlan {
    /// Where its luck begins.
    pub seed: u64,
    pub name: &'static str,
    pub kind: CompanyType,
    pub zone: &'static str,
    pub region: &'static str,
    /// Open minutes on weekdays, on Saturdays; closed on Sundays.
    pub weekdays: (u16, u16),
    pub saturday: (u16, u16),
    pub domain: &'static str,
    /// Administrator first; the others only in the first company.
    pub members: &'static [(&'static str, &'static str)],
    pub places: &'static [Place],
    pub first_names: &'static [&'static str],
    pub last_names: &'static [&'static str],
    pub segments: &'static [(&'static str, u32)],
    pub notes: &'static [&'static str],
    pub imports: &'static [ImportPlan],
    /// Contacts typed in by hand over the months.
    pub by_hand: usize,
    /// Names of templates to make published agents from, then of one that stays a draft.
    pub agents: &'static [&'static str],
    pub draft_agent: &'static str,
    pub top_ups: &'static [(i64, i64)],
    pub campaigns: &'static [CampaignPlan],
}

pub(super) struct ImportPlan {
    pub file: &'static str,
    pub days_ago: i64,
    pub people: usize,
    pub duplicates: i64,
}

pub(super) struct CampaignPlan {
    pub name: &'static str,
    pub description: &'static str,
    /// What the dialogues are about.
    pub purpose: &'static str,
    /// Index into the company's agents.
    pub agent: usize,
    pub segment: Option<&'static str>,
    pub launched_days_ago: i64,
    /// Days over which first calls are spread.
    pub span_days: i64,
    pub calls_per_day_max: Option<i32>,
    /// Opens the whole lawful day, also on Sundays.
    pub all_hours: bool,
    pub fate: Fate,
}

/// What became of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Completed,
    /// Completed and put away this many days ago.
    Archived(i64),
    /// Paused by a person this many days ago.
    Paused(i64),
    /// Paused itself when this many credits were used.
    Budget(i64),
    Running,
    /// Starts in this many days.
    Scheduled(i64),
    Draft,
}

impl CompanyPlan {
    /// The company itself is open as long as any law lets it; its campaigns have hours of their own.
    pub fn open() -> Hours {
        Hours::weekly(0, 6, Window { start_minute: 8 * 60, end_minute: 21 * 60 })
    }

    pub fn hours(&self) -> Hours {
        let window = |(start, end): (u16, u16)| vec![Window { start_minute: start * 60, end_minute: end * 60 }];
        Hours(std::array::from_fn(|day| match day {
            0..=4 => window(self.weekdays),
            5 => window(self.saturday),
            _ => Vec::new(),
        }))
    }
}

/// Defaults that keep the lists below readable.
const PLAN: CampaignPlan = CampaignPlan {
    name: "",
    description: "",
    purpose: "any",
    agent: 0,
    segment: None,
    launched_days_ago: 0,
    span_days: 0,
    calls_per_day_max: None,
    all_hours: false,
    fate: Fate::Draft,
};

pub(super) const COMPANIES: &[CompanyPlan] = &[HARBOR, CEDAR, LOOM];

const HARBOR: CompanyPlan = CompanyPlan {
    seed: 0x4841_5242_4f52,
    name: "Harbor & Pine Realty",
    kind: CompanyType::RealEstate,
    zone: "America/New_York",
    region: "US",
    weekdays: (9, 20),
    saturday: (10, 18),
    domain: "harborpine.example",
    members: &[("Maya Okafor", "maya"), ("Luis Ortega", "luis"), ("Hannah Brandt", "hannah")],
    places: TAMPA,
    first_names: FIRST_US,
    last_names: LAST_US,
    segments: &[("Buyers", 46), ("Sellers", 18), ("Renters", 22), ("Investors", 14)],
    notes: &[
        "Prefers calls after work",
        "Pre-approved",
        "Wants a yard",
        "Has a dog",
        "Relocating for work",
        "Saw two homes with us",
        "Asked about schools",
        "Parking for two cars",
        "First home",
    ],
    imports: &[
        ImportPlan { file: "tampa-bay-enquiries.csv", days_ago: 91, people: 540, duplicates: 11 },
        ImportPlan { file: "open-house-signups.csv", days_ago: 57, people: 190, duplicates: 4 },
    ],
    by_hand: 40,
    agents: &["Elena", "Theo", "Priya"],
    draft_agent: "Sergio",
    top_ups: &[(89, 1_500), (58, 1_500), (29, 750), (10, 2_500)],
    campaigns: &[
        CampaignPlan {
            name: "Relocation list, first calls",
            description: "Everyone who asked us about moving to Tampa Bay.",
            purpose: "buyer",
            launched_days_ago: 89,
            span_days: 27,
            calls_per_day_max: Some(60),
            fate: Fate::Archived(52),
            ..PLAN
        },
        CampaignPlan {
            name: "St. Pete open house invites",
            description: "Invitations to the Saturday viewings, with the address by text afterwards.",
            purpose: "open_house",
            agent: 1,
            launched_days_ago: 56,
            span_days: 25,
            calls_per_day_max: Some(80),
            fate: Fate::Completed,
            ..PLAN
        },
        CampaignPlan {
            name: "Price-drop alerts, waterfront",
            description: "Buyers who viewed a waterfront home that now costs less.",
            purpose: "price_change",
            agent: 2,
            segment: Some("Buyers"),
            launched_days_ago: 26,
            span_days: 14,
            fate: Fate::Budget(330),
            ..PLAN
        },
        CampaignPlan {
            name: "Tampa Bay buyer follow-up",
            description: "Everyone on the list, asked what they are looking for now.",
            purpose: "buyer",
            launched_days_ago: 11,
            fate: Fate::Running,
            ..PLAN
        },
        CampaignPlan {
            name: "Mortgage pre-approval check-in",
            description: "Investors who said they would speak to their bank.",
            purpose: "buyer",
            segment: Some("Investors"),
            fate: Fate::Scheduled(3),
            ..PLAN
        },
        CampaignPlan {
            name: "Downtown loft launch",
            description: "Waiting for the photographs.",
            agent: 1,
            segment: Some("Renters"),
            ..PLAN
        },
    ],
};

const CEDAR: CompanyPlan = CompanyPlan {
    seed: 0x4345_4441_5220,
    name: "Cedar Valley Dental",
    kind: CompanyType::Healthcare,
    zone: "America/Chicago",
    region: "US",
    weekdays: (9, 19),
    saturday: (9, 14),
    domain: "cedarvalley.example",
    members: &[("Priya Raman", "priya")],
    places: DALLAS,
    first_names: FIRST_US,
    last_names: LAST_US,
    segments: &[("Recall due", 40), ("New patients", 18), ("Families", 27), ("Missed a visit", 15)],
    notes: &[
        "Prefers mornings",
        "Call after 5 pm",
        "Spanish at home",
        "Insurance card on file",
        "Two children",
        "Prefers text afterwards",
    ],
    imports: &[
        ImportPlan { file: "patients-export.csv", days_ago: 91, people: 470, duplicates: 23 },
        ImportPlan { file: "recall-list.csv", days_ago: 56, people: 150, duplicates: 6 },
    ],
    by_hand: 30,
    agents: &["Grace", "Daniel", "Amara"],
    draft_agent: "काजल",
    top_ups: &[(89, 1_000), (55, 1_500), (34, 1_500), (12, 2_000)],
    campaigns: &[
        CampaignPlan {
            name: "Check-up reminders, first round",
            description: "Appointments that were made before the practice moved.",
            purpose: "reminder",
            launched_days_ago: 89,
            span_days: 28,
            calls_per_day_max: Some(60),
            fate: Fate::Archived(50),
            ..PLAN
        },
        CampaignPlan {
            name: "Missed appointments, new times",
            description: "Nobody is asked why. Offers the next free time.",
            purpose: "missed",
            agent: 1,
            launched_days_ago: 55,
            span_days: 19,
            calls_per_day_max: Some(90),
            fate: Fate::Completed,
            ..PLAN
        },
        CampaignPlan {
            name: "After-visit check-in",
            description: "How people are doing; worries go to a nurse the same day.",
            purpose: "check_in",
            agent: 2,
            launched_days_ago: 33,
            span_days: 17,
            calls_per_day_max: Some(90),
            fate: Fate::Completed,
            ..PLAN
        },
        CampaignPlan {
            name: "Families, school holidays",
            description: "Times for two or three children in one morning.",
            purpose: "reminder",
            segment: Some("Families"),
            launched_days_ago: 19,
            span_days: 12,
            fate: Fate::Paused(13),
            ..PLAN
        },
        CampaignPlan {
            name: "Appointment reminders, this month",
            description: "Everyone with a visit this month.",
            purpose: "reminder",
            launched_days_ago: 10,
            fate: Fate::Running,
            ..PLAN
        },
        CampaignPlan {
            name: "New patients, welcome call",
            description: "To be read by the front desk first.",
            agent: 2,
            segment: Some("New patients"),
            ..PLAN
        },
    ],
};

const LOOM: CompanyPlan = CompanyPlan {
    seed: 0x4c4f_4f4d_2026,
    name: "Loom & Larder",
    kind: CompanyType::Ecommerce,
    zone: "Europe/London",
    region: "GB",
    weekdays: (9, 20),
    saturday: (10, 18),
    domain: "loomandlarder.example",
    members: &[("Tessa Whitlock", "tessa")],
    places: LEEDS,
    first_names: FIRST_GB,
    last_names: LAST_GB,
    segments: &[("Basket left", 38), ("Repeat buyers", 30), ("Cash on delivery", 22), ("Wholesale", 10)],
    notes: &[
        "Gift wrap every time",
        "Leave with neighbour",
        "Collects in the shop",
        "Allergic to lanolin",
        "Prefers e-mail",
        "Bell is broken",
    ],
    imports: &[
        ImportPlan { file: "shop-customers.csv", days_ago: 91, people: 600, duplicates: 17 },
        ImportPlan { file: "winback-q3.csv", days_ago: 60, people: 220, duplicates: 9 },
    ],
    by_hand: 30,
    agents: &["Nora", "Marcus", "Ivy"],
    draft_agent: "Lucía",
    top_ups: &[(90, 1_500), (59, 2_000), (36, 2_000), (9, 2_500)],
    campaigns: &[
        CampaignPlan {
            name: "Missed parcels, redelivery",
            description: "Parcels that came back to the depot in Leeds.",
            purpose: "delivery",
            agent: 1,
            launched_days_ago: 90,
            span_days: 25,
            calls_per_day_max: Some(80),
            fate: Fate::Archived(56),
            ..PLAN
        },
        CampaignPlan {
            name: "Cash-on-delivery confirmations",
            description: "Every order that is paid at the door is confirmed before it ships.",
            purpose: "order",
            launched_days_ago: 59,
            span_days: 21,
            calls_per_day_max: Some(110),
            fate: Fate::Completed,
            ..PLAN
        },
        CampaignPlan {
            name: "Basket reminders, first wave",
            description: "People who left something in their basket.",
            purpose: "basket",
            agent: 2,
            launched_days_ago: 35,
            span_days: 19,
            calls_per_day_max: Some(110),
            fate: Fate::Completed,
            ..PLAN
        },
        CampaignPlan {
            name: "Basket reminders, all regions",
            description: "The same for Australia and the United States; the whole lawful day in each region.",
            purpose: "basket",
            agent: 2,
            launched_days_ago: 9,
            all_hours: true,
            fate: Fate::Running,
            ..PLAN
        },
        CampaignPlan {
            name: "Gift season, repeat buyers",
            description: "Waiting for the prices.",
            agent: 2,
            segment: Some("Repeat buyers"),
            ..PLAN
        },
    ],
};
