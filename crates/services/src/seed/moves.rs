//! What campaigns of the demo do: launch, pause, run out of their budget, complete, be put away. The
//! consequences are those of `campaigns`; here they happen to rows that are not written yet.

use super::attempt::minute_of_first_call;
use super::life::{HOLD, Life, Moment, Run, Seat};
use super::plans::Fate;
use super::rows;
use crate::dialer::eligible::Decision;
use crate::dialer::retry::DayParts;
use crate::dialer::window::midnight;
use chrono::{Days, TimeDelta};
use model::campaigns::{Parked, Status};
use model::credits::Credits;
use model::enrollments::{EnrollmentStatus, Reason};
use model::events::EventKind;
use model::id::EnrollmentId;
use model::time::Timestamp;

/// Expected cost of a contact before there is a history, as in `campaigns::launch`.
const COST_PER_CONTACT: i64 = 1_200;
const HISTORY_MIN: i64 = 50;
/// Of a running campaign's people this share still waits for the first call.
const WAITING: f64 = 0.24;
/// And of those, this share is due within minutes, so that a demo shows calls at once.
const DUE_SOON: f64 = 0.45;
/// A campaign extends its reservation by this many longest calls.
const EXTENSION_CALLS: i64 = 5;

impl Life {
    pub(super) fn top_up(&mut self, at: Timestamp, amount: Credits) {
        self.ledger.top_up(&mut self.luck, at, amount);
        self.record(at, EventKind::CreditsMoved, None, Some(self.admin.clone()), format!("{amount} credits bought"));
    }

    /// Enrolls the audience and sets credits aside.
    pub(super) fn launch(&mut self, at: Timestamp, r: usize) {
        let segment = self.runs[r].plan.segment;
        let audience: Vec<usize> = (0..self.people.len())
            .filter(|p| {
                let person = &self.people[*p];
                person.created_at <= at && !person.is_suppressed && segment.is_none_or(|s| s == person.segment)
            })
            .collect();
        let contacts = i64::try_from(audience.len()).unwrap_or(0);
        let (finished, spent) = self.runs.iter().fold((0, 0), |(f, s), run| (f + run.stats.finished, s + run.stats.spent.0));
        let each = if finished >= HISTORY_MIN { (spent / finished).max(1) } else { COST_PER_CONTACT };
        let run = &mut self.runs[r];
        (run.status, run.launched_at, run.updated_at, run.stats.contacts) = (Status::Active, Some(at), at, contacts);
        let (id, name) = (run.id, run.form.name.clone());
        let reserve = run.form.budget.unwrap_or(Credits(contacts * each)).max(HOLD);
        self.ledger.reserve(&mut self.luck, at, id, reserve);
        let by = Some(self.admin.clone());
        self.record(
            at,
            EventKind::CreditsMoved,
            Some(id.to_string()),
            by.clone(),
            format!("{reserve} credits set aside for {name}"),
        );
        self.record(at, EventKind::CampaignLaunched, Some(id.to_string()), by, format!("{name} launched"));
        for person in audience {
            let seat = self.seats.len();
            let id: EnrollmentId = self.luck.id(at);
            self.people[person].seats.push(seat);
            self.seats.push(Seat {
                id,
                run: r,
                person,
                status: EnrollmentStatus::Queued,
                next: None,
                why: None,
                last_call: None,
                rules: Vec::new(),
                tried: DayParts::default(),
                created_at: at,
                updated_at: at,
            });
            let due = self.first_due(at, r, person);
            self.wait(seat, due, None);
        }
    }

    /// When somebody is called first: over the days of the plan, at the hours people plan for.
    fn first_due(&mut self, launched: Timestamp, r: usize, person: usize) -> Timestamp {
        let plan = self.runs[r].plan;
        if plan.fate == Fate::Running && self.luck.chance(WAITING) {
            let wait = if self.luck.chance(DUE_SOON) { self.luck.minutes(1, 25) } else { self.luck.minutes(25, 20 * 60) };
            return self.now + wait;
        }
        let days = if plan.fate == Fate::Running { plan.launched_days_ago } else { plan.span_days };
        let zone = self.people[person].place.zones.first().copied().unwrap_or(self.zone);
        let first = launched.with_timezone(&zone).date_naive();
        let ahead = u64::try_from(self.luck.between(0, days.max(0))).unwrap_or(0);
        let day = first.checked_add_days(Days::new(ahead)).unwrap_or(first);
        let due = midnight(day, zone) + TimeDelta::minutes(minute_of_first_call(&mut self.luck)) + self.luck.minutes(0, 1);
        // What would come before the launch or, today, after now is called in the first hours or in the last.
        let due = if due < launched { launched + self.luck.minutes(1, 180) } else { due };
        if plan.fate == Fate::Running && due > self.now { self.now - self.luck.minutes(5, 300) } else { due }
    }

    /// Whether the escrow covers one more call; extends it, or pauses a campaign whose budget is used up.
    pub(super) fn afford(&mut self, at: Timestamp, r: usize) -> bool {
        let run = &self.runs[r];
        let id = run.id;
        if self.ledger.escrow(id) >= HOLD {
            return true;
        }
        if run.form.budget.is_none() {
            self.ledger.reserve(&mut self.luck, at, id, Credits(HOLD.0 * EXTENSION_CALLS));
            return true;
        }
        if run.live == 0 {
            let why = "The budget is used up.";
            let name = run.form.name.clone();
            let run = &mut self.runs[r];
            (run.status, run.pause_reason, run.updated_at) = (Status::Paused, Some(why), at);
            self.record(at, EventKind::CampaignPaused, Some(id.to_string()), None, format!("{name} paused itself: {why}"));
            self.record(at, EventKind::CreditsLow, Some(id.to_string()), None, format!("{name}: {why}"));
        }
        false
    }

    /// A final state for one seat; the last one completes its campaign.
    pub(super) fn finish(&mut self, at: Timestamp, s: usize, status: EnrollmentStatus, why: Option<(Reason, String)>) {
        let seat = &mut self.seats[s];
        (seat.status, seat.next, seat.why, seat.updated_at) = (status, None, why, at);
        let r = seat.run;
        let run = &mut self.runs[r];
        run.stats.finished += 1;
        if run.status == Status::Active && run.live == 0 && run.stats.finished == run.stats.contacts {
            let (id, text) = (run.id, format!("{} completed", run.form.name));
            (run.status, run.finished_at, run.updated_at) = (Status::Completed, Some(at), at);
            self.ledger.unreserve(&mut self.luck, at, id);
            self.record(at, EventKind::CampaignCompleted, Some(id.to_string()), None, text);
        }
    }

    pub(super) fn pause(&mut self, at: Timestamp, r: usize) {
        let run = &mut self.runs[r];
        if run.status == Status::Active {
            (run.status, run.updated_at) = (Status::Paused, at);
            let (id, text) = (run.id, format!("{} paused", run.form.name));
            self.record(at, EventKind::CampaignPaused, Some(id.to_string()), Some(self.admin.clone()), text);
        }
    }

    /// Puts a completed campaign away; one that still runs is looked at the next day.
    pub(super) fn archive(&mut self, at: Timestamp, r: usize) {
        let run = &mut self.runs[r];
        if run.status != Status::Completed {
            return self.plan_for(at + TimeDelta::days(1), Moment::Archive(r));
        }
        (run.status, run.updated_at) = (Status::Archived, at);
        let (id, text) = (run.id, format!("{} archived", run.form.name));
        self.record(at, EventKind::CampaignArchived, Some(id.to_string()), Some(self.admin.clone()), text);
    }

    /// Whoever waits in a running campaign outside of their hours waits for their own opening from now on.
    pub(super) fn rest(&mut self) {
        for s in 0..self.seats.len() {
            let seat = &self.seats[s];
            if seat.status != EnrollmentStatus::Queued || self.runs[seat.run].status != Status::Active {
                continue;
            }
            if let Decision::Wait { reason: Reason::OutsideHours, detail, until } = self.decision(self.now, s) {
                let until = until + self.luck.minutes(0, 50);
                let seat = &mut self.seats[s];
                // A retry that is due later than the opening stays where it is.
                if seat.next.is_none_or(|next| next < until) {
                    (seat.next, seat.why) = (Some(until), Some((Reason::OutsideHours, detail)));
                }
            }
        }
    }
}

impl Run {
    /// The campaign's row; `runnable_at` is when the first of its people is due.
    pub(super) fn row(&self, agent: model::id::AgentId, gateway: model::id::GatewayId, due: Option<Timestamp>) -> rows::Campaign {
        let is_active = self.status == Status::Active;
        rows::Campaign {
            id: self.id.uuid(),
            name: self.plan.name,
            status: self.status,
            pause_reason: self.pause_reason.map(str::to_owned),
            form: self.form.clone(),
            settings_version: 1,
            agent_id: agent.uuid(),
            gateway_id: (self.status != Status::Draft && self.status != Status::Scheduled).then(|| gateway.uuid()),
            starts_at: self.form.starts_at,
            ends_at: self.form.ends_at,
            runnable_at: if is_active { due } else { None },
            parked: is_active.then_some(Parked::Due),
            launched_at: self.launched_at,
            finished_at: self.finished_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

impl Seat {
    pub(super) fn row(&self, campaign: uuid::Uuid, contact: uuid::Uuid) -> rows::Enrollment {
        let attempts = i32::try_from(self.rules.len()).unwrap_or(i32::MAX);
        let (reason, reason_detail) = self.why.clone().map_or((None, String::new()), |(reason, detail)| (Some(reason), detail));
        rows::Enrollment {
            id: self.id.uuid(),
            campaign_id: campaign,
            contact_id: contact,
            status: self.status,
            attempts,
            dials: attempts,
            next_attempt_at: self.next,
            reason,
            reason_detail,
            last_call_id: self.last_call.map(model::id::CallId::uuid),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}
