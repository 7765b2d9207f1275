//! Ninety days of one company, lived through in memory: an agenda of moments, and the engine's own rules
//! (`dialer::eligible`, `dialer::retry`, `rules`) asked at each of them. Nothing here decides
//! differently from the dialer; only who picks up is made up. What campaigns do is in `moves.rs`.

use super::attempt::Attempt;
use super::ledger::Ledger;
use super::luck::Luck;
use super::people::Person;
use super::plans::{CampaignPlan, CompanyPlan};
use super::rows;
use super::talk::{Speakers, Talks};
use crate::dialer::eligible::{Decision, Facts, Past, decide, start_of_next_day};
use crate::dialer::retry::{DayPart, DayParts, Ended, History, Next, next, rule_of};
use crate::dialer::window::Schedule;
use crate::rules;
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use model::agents::AgentForm;
use model::calls::Outcome;
use model::campaigns::{CampaignForm, Status};
use model::companies::Compliance;
use model::credits::Credits;
use model::enrollments::{EnrollmentStatus, Reason};
use model::events::EventKind;
use model::id::{AgentId, CallId, CampaignId, EnrollmentId, GatewayId, UserId};
use model::suppressions::Source;
use model::time::Timestamp;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Calls of the last days tell their story step by step and have their line in the record.
pub(super) const RECENT_DAYS: i64 = 14;
/// From the end of a call to its settlement.
pub(super) const SETTLE: TimeDelta = TimeDelta::seconds(1);
/// Longest call, as the default form has it.
pub(super) const CALL_SECONDS_MAX: i64 = 300;
/// The price of the longest call, held before each.
pub(super) const HOLD: Credits = Credits(CALL_SECONDS_MAX / 60 * 1_000);

/// Something that will happen at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moment {
    TopUp(i64),
    Suppress(usize, Source),
    Launch(usize),
    Dial(usize),
    Settle(usize),
    Pause(usize),
    Archive(usize),
}

/// An agent as it calls.
pub(super) struct Caller {
    pub id: AgentId,
    pub version: i32,
    pub form: AgentForm,
}

/// A campaign while it lives.
pub(super) struct Run {
    pub id: CampaignId,
    pub plan: &'static CampaignPlan,
    pub form: CampaignForm,
    pub status: Status,
    pub pause_reason: Option<&'static str>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub launched_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub stats: rows::Stats,
    pub live: i32,
    pub by_day: HashMap<NaiveDate, i32>,
}

/// One person in one campaign.
pub(super) struct Seat {
    pub id: EnrollmentId,
    pub run: usize,
    pub person: usize,
    pub status: EnrollmentStatus,
    pub next: Option<Timestamp>,
    pub why: Option<(Reason, String)>,
    pub last_call: Option<CallId>,
    /// The retry rule of each attempt so far.
    pub rules: Vec<Outcome>,
    /// Parts of the person's day in which it was tried.
    pub tried: DayParts,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

pub(super) struct Life {
    pub plan: &'static CompanyPlan,
    pub luck: Luck,
    pub now: Timestamp,
    pub zone: Tz,
    pub gateway: GatewayId,
    pub caller_id: String,
    pub admin: (UserId, String),
    pub talks: Talks,
    pub callers: Vec<Caller>,
    pub people: Vec<Person>,
    pub runs: Vec<Run>,
    pub seats: Vec<Seat>,
    pub calls: Vec<rows::Call>,
    /// The seat of each call.
    pub called: Vec<usize>,
    /// Which calls ended with a person who wants no more of them.
    pub stops: HashMap<usize, Source>,
    pub steps: Vec<rows::Step>,
    pub events: Vec<rows::Event>,
    pub suppressions: Vec<rows::Suppression>,
    pub ledger: Ledger,
    pub agenda: BinaryHeap<Reverse<(Timestamp, usize, Moment)>>,
    /// Counts entries of the agenda, so that equal moments come in the order they were written down.
    pub written: usize,
}

impl Life {
    pub fn plan_for(&mut self, at: Timestamp, moment: Moment) {
        self.written += 1;
        self.agenda.push(Reverse((at, self.written, moment)));
    }

    /// Lives until now.
    pub fn live(&mut self) {
        while let Some(Reverse((at, _, moment))) = self.agenda.pop() {
            if at > self.now {
                break;
            }
            match moment {
                Moment::TopUp(credits) => self.top_up(at, Credits::whole(credits)),
                Moment::Suppress(person, source) => self.suppress(at, person, source, None),
                Moment::Launch(run) => self.launch(at, run),
                Moment::Dial(seat) => self.dial(at, seat),
                Moment::Settle(call) => self.settle(at, call),
                Moment::Pause(run) => self.pause(at, run),
                Moment::Archive(run) => self.archive(at, run),
            }
        }
    }

    /// The seat is looked at again at a moment.
    pub fn wait(&mut self, seat: usize, until: Timestamp, why: Option<(Reason, String)>) {
        (self.seats[seat].next, self.seats[seat].why) = (Some(until), why);
        self.plan_for(until, Moment::Dial(seat));
    }

    fn dial(&mut self, at: Timestamp, s: usize) {
        let seat = &self.seats[s];
        let run = &self.runs[seat.run];
        if seat.status != EnrollmentStatus::Queued || run.status != Status::Active || seat.next != Some(at) {
            return; // opted out meanwhile, paused, or moved: the seat keeps what it has
        }
        let today = at.with_timezone(&self.zone).date_naive();
        if run.form.calls_per_day_max.is_some_and(|max| run.by_day.get(&today).is_some_and(|made| *made >= max)) {
            let later = start_of_next_day(at, self.zone) + self.luck.minutes(9 * 60, 18 * 60);
            return self.wait(s, later, Some((Reason::CampaignDayCap, String::new())));
        }
        if run.live >= run.form.concurrency_max {
            let soon = at + self.luck.minutes(1, 2);
            return self.wait(s, soon, None);
        }
        match self.decision(at, s) {
            Decision::Dial => {
                if self.afford(at, self.seats[s].run) {
                    self.place(at, s);
                } else if self.runs[self.seats[s].run].status == Status::Active {
                    self.wait(s, at + TimeDelta::seconds(40), None);
                }
            }
            Decision::Wait { reason, detail, until } => {
                // Everybody at the opening bell would be a queue, so some are looked at later that day.
                let spread = if reason == Reason::Busy { 1 } else { 240 };
                let until = until + self.luck.minutes(0, spread);
                self.wait(s, until, Some((reason, detail)));
            }
            Decision::Stop { status, reason, detail } => self.finish(at, s, status, Some((reason, detail))),
        }
    }

    /// What the dialer would decide about this seat at a moment.
    pub fn decision(&self, at: Timestamp, s: usize) -> Decision {
        let seat = &self.seats[s];
        let (run, person) = (&self.runs[seat.run], &self.people[seat.person]);
        let (own, open) = (Compliance::default(), CompanyPlan::open());
        decide(&Facts {
            now: at,
            due_at: at,
            suppressed: person.is_suppressed,
            archived: false,
            consent: model::consents::Asked::default(),
            enabled: rules::is_enabled(&own, self.plan.region, &person.place),
            attempts: i32::try_from(seat.rules.len()).unwrap_or(i32::MAX),
            attempts_max: run.form.retries.attempts_max,
            calls: &person.past,
            calls_ever: 0,
            per_day_max: run.form.retries.attempts_per_day_max,
            per_week_max: own.attempts_per_week_max,
            ever_max: None,
            schedule: Schedule { company: &open, holidays: &[], campaign: run.form.hours.as_ref(), place: &person.place },
            number_busy: person.busy_until.is_some_and(|until| until >= at),
            speed: 1,
        })
    }

    /// Dials, unless the call would still be under way now: then it is left to the dialer.
    fn place(&mut self, at: Timestamp, s: usize) {
        let seat = &self.seats[s];
        let (run, person) = (&self.runs[seat.run], &self.people[seat.person]);
        let caller = &self.callers[run.plan.agent];
        let who = Speakers {
            agent: &caller.form.name,
            scripts: &caller.form.scripts,
            company: self.plan.name,
            first: person.first_name(),
            last: person.last_name(),
        };
        let zone = person.place.zones.first().copied().unwrap_or(self.zone);
        let local = at.with_timezone(&zone);
        let attempt = Attempt::draw(&mut self.luck, &self.talks, run.plan.purpose, &who, local);
        let settled_at = at + attempt.length() + SETTLE;
        if settled_at > self.now {
            let soon = self.now + self.luck.minutes(1, 4);
            return self.wait(s, soon, None);
        }
        let (id, r, p): (CallId, _, _) = (self.luck.id(at), seat.run, seat.person);
        let campaign = run.id;
        let call = self.call(id, at, s, attempt);
        self.ledger.hold(&mut self.luck, at, campaign, id, HOLD);
        let seat = &mut self.seats[s];
        (seat.status, seat.next, seat.why, seat.last_call, seat.updated_at) =
            (EnrollmentStatus::Calling, None, None, Some(id), at);
        seat.rules.push(rule_of(call.outcome, call.talk_seconds));
        seat.tried = seat.tried.with(DayPart::at(at, zone));
        self.people[p].past.push(Past { at, answered: call.outcome == Outcome::Completed });
        self.people[p].busy_until = Some(settled_at);
        let run = &mut self.runs[r];
        run.live += 1;
        *run.by_day.entry(at.with_timezone(&self.zone).date_naive()).or_default() += 1;
        self.calls.push(call);
        self.called.push(s);
        self.plan_for(settled_at, Moment::Settle(self.calls.len() - 1));
    }

    fn settle(&mut self, at: Timestamp, k: usize) {
        let call = &self.calls[k];
        let (id, outcome, talk_seconds, cost) = (CallId::from(call.id), call.outcome, call.talk_seconds, call.cost);
        let text = format!("{} after {talk_seconds} s, {cost} credits", outcome.label());
        let s = self.called[k];
        let run = &mut self.runs[self.seats[s].run];
        run.live -= 1;
        count(&mut run.stats, outcome, talk_seconds, cost);
        self.ledger.settle(&mut self.luck, at, run.id, id, HOLD, cost);
        if at > self.now - TimeDelta::days(RECENT_DAYS) {
            self.record(at, EventKind::CallEnded, Some(id.to_string()), None, text);
        }
        if let Some(source) = self.stops.get(&k).copied() {
            let reason = if source == Source::Dtmf { format!("Pressed 9 on {id}") } else { format!("Said so on {id}") };
            self.suppress(at, self.seats[s].person, source, Some(reason));
            return self.finish(at, s, EnrollmentStatus::OptedOut, None);
        }
        let zone = self.people[self.seats[s].person].place.zones.first().copied();
        self.follow(at, s, Ended { outcome, talk_seconds, permanent: false, uncertain: false, at, zone });
    }

    fn follow(&mut self, at: Timestamp, s: usize, ended: Ended) {
        let seat = &mut self.seats[s];
        let rule = rule_of(ended.outcome, ended.talk_seconds);
        let alike = seat.rules.iter().filter(|r| **r == rule).count();
        let history = History {
            attempts: i32::try_from(seat.rules.len()).unwrap_or(i32::MAX),
            alike: i32::try_from(alike).unwrap_or(i32::MAX),
            tried: seat.tried,
        };
        match next(ended, history, &self.runs[seat.run].form.retries) {
            Next::Done(status) => self.finish(at, s, status, None),
            Next::Again { wait } => {
                (seat.status, seat.updated_at) = (EnrollmentStatus::Queued, at);
                let why = format!("after {}", ended.outcome.label().to_lowercase());
                self.wait(s, at + wait, Some((Reason::NotDue, why)));
            }
        }
    }

    /// The number will not be called again; whoever waits with it is done.
    fn suppress(&mut self, at: Timestamp, p: usize, source: Source, reason: Option<String>) {
        let person = &mut self.people[p];
        if std::mem::replace(&mut person.is_suppressed, true) {
            return;
        }
        let (contact, phone, seats) = (person.id, person.phone.clone(), person.seats.clone());
        let (reason, by_name, kind, text) = match source {
            Source::Manual | Source::Import => {
                let reason =
                    if source == Source::Manual { "Asked by e-mail" } else { "On the do-not-call list of the old system" };
                let text = format!("{} will not be called", phone.masked());
                (reason.to_owned(), Some(self.admin.1.clone()), EventKind::SuppressionAdded, text)
            }
            Source::Dtmf | Source::Keyword => {
                let text = format!("{} asked not to be called again ({})", phone.masked(), source.label().to_lowercase());
                (reason.unwrap_or_default(), None, EventKind::ContactOptedOut, text)
            }
        };
        // The wish was heard just before the call ended.
        let created_at = if by_name.is_none() { at - TimeDelta::seconds(2) } else { at };
        let id: model::id::SuppressionId = self.luck.id(created_at);
        let subject = if by_name.is_some() { id.to_string() } else { contact.to_string() };
        let by = by_name.is_some().then(|| self.admin.clone());
        self.suppressions.push(rows::Suppression {
            id: id.uuid(),
            phone: phone.to_string(),
            source,
            reason,
            by_name,
            created_at,
        });
        self.record(created_at, kind, Some(subject), by, text);
        for s in seats {
            if self.seats[s].status == EnrollmentStatus::Queued {
                self.finish(at, s, EnrollmentStatus::OptedOut, Some((Reason::Suppressed, String::new())));
            }
        }
    }

    /// A line of the audit record, by a person or by Belfry itself.
    pub fn record(
        &mut self,
        at: Timestamp,
        kind: EventKind,
        subject: Option<String>,
        by: Option<(UserId, String)>,
        text: String,
    ) {
        let (user_id, who) = by.map_or((None, "Belfry".to_owned()), |(id, name)| (Some(id.uuid()), name));
        self.events.push(rows::Event { id: self.luck.id(at), at, kind, subject, user_id, who, text });
    }
}

/// Counts an ended call as `campaigns::repo` does.
fn count(stats: &mut rows::Stats, outcome: Outcome, talk_seconds: i64, cost: Credits) {
    stats.calls += 1;
    stats.talk_seconds += talk_seconds;
    stats.spent += cost;
    *match outcome {
        Outcome::Completed => &mut stats.connected,
        Outcome::Voicemail => &mut stats.voicemail,
        Outcome::Busy => &mut stats.busy,
        Outcome::NoAnswer => &mut stats.no_answer,
        Outcome::Failed | Outcome::Rejected | Outcome::Canceled | Outcome::Unknown => &mut stats.failed,
    } += 1;
}
