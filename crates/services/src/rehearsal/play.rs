//! One run of a rehearsal: a discrete-event simulation of the dialer's loop. The clock jumps from event to event; every
//! decision about a person is the dialer's own. Nothing here reads a clock or a database.

use super::network::{self, Drawn};
use super::stage::{Past, Stage};
use crate::dialer::eligible::{self, Decision, start_of_next_day};
use crate::dialer::retry::Next;
use chrono::{DateTime, TimeDelta, Utc};
use model::calls::Outcome;
use model::campaigns::CallOrder;
use model::credits::Credits;
use model::enrollments::{EnrollmentStatus, Reason};
use model::rehearsal::{Effect, Ending, Limit};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Steps kept of one person's story.
const STEPS_MAX: usize = 60;
/// Spreads the runs of one seed apart.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// What one run came to. Counts are people and calls as played, not yet those they stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Played {
    pub ended_at: DateTime<Utc>,
    pub ending: Ending,
    pub calls: i64,
    pub connected: i64,
    pub spent: Credits,
    /// From the start, hour by hour.
    pub hours: Vec<Tally>,
    pub skips: BTreeMap<Skip, i64>,
    /// By [`Limit`]: how long it held the next call back, in milliseconds.
    pub held_back: [i64; Limit::ALL.len()],
    pub stories: Vec<(u32, Vec<Step>)>,
}

/// Calls of one hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub calls: i64,
    pub retries: i64,
    pub connected: i64,
}

/// A rule and what it does.
pub(super) type Skip = (Effect, Reason, String);

/// A moment in somebody's story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub at: DateTime<Utc>,
    pub title: String,
    pub detail: String,
}

/// People who are due and behind the same gate, first in line on top.
struct Queue {
    ready: BinaryHeap<Reverse<(i64, u32)>>,
    /// Closed before this moment.
    opens_at: DateTime<Utc>,
    /// By which rule.
    closed_by: String,
}

/// A person while it is played.
struct State {
    past: Past,
    now_on: Option<Drawn>,
    /// Rules that moved this person already, as bits of [`Reason`]: each counts once.
    moved: u32,
}

struct Run<'a> {
    stage: &'a Stage,
    luck: StdRng,
    now: DateTime<Utc>,
    people: Vec<State>,
    /// Not due yet.
    waiting: BinaryHeap<Reverse<(DateTime<Utc>, u32)>>,
    queues: Vec<Queue>,
    live: BinaryHeap<Reverse<(DateTime<Utc>, u32)>>,
    /// Thousandths of a call, as of `bucket_at`.
    bucket_milli: i64,
    bucket_at: DateTime<Utc>,
    made_today: i64,
    day_ends_at: DateTime<Utc>,
    held: i64,
    watched: BTreeMap<u32, Vec<Step>>,
    is_expired: bool,
    /// The end date took somebody's turn.
    is_cut_off: bool,
    out: Played,
}

/// Why no further call is placed at this moment, and when that may change without a call ending.
struct Stopped {
    limit: Limit,
    until: Option<DateTime<Utc>>,
}

/// Plays a stage once. The same stage, seed and run give the same result; `watched` people tell their story.
pub(super) fn play(stage: &Stage, seed: u32, run: u64, watched: &[u32]) -> Played {
    let mut run = Run::new(stage, u64::from(seed) ^ (run + 1).wrapping_mul(GOLDEN), watched);
    while let Some(next) = run.turn() {
        run.now = next;
    }
    run.finish()
}

impl<'a> Run<'a> {
    fn new(stage: &'a Stage, seed: u64, watched: &[u32]) -> Self {
        let now = stage.starts_at;
        let queues =
            stage.gates.iter().map(|_| Queue { ready: BinaryHeap::new(), opens_at: now, closed_by: String::new() }).collect();
        let out = Played {
            ended_at: now,
            ending: Ending::ListDone,
            calls: 0,
            connected: 0,
            spent: Credits::ZERO,
            hours: Vec::new(),
            skips: BTreeMap::new(),
            held_back: [0; Limit::ALL.len()],
            stories: Vec::new(),
        };
        let mut run = Self {
            stage,
            luck: StdRng::seed_from_u64(seed),
            now,
            people: stage.people.iter().map(|p| State { past: p.past.clone(), now_on: None, moved: 0 }).collect(),
            waiting: BinaryHeap::with_capacity(stage.people.len()),
            queues,
            live: BinaryHeap::new(),
            bucket_milli: stage.calls_per_second * 1000,
            bucket_at: now,
            made_today: stage.made_today,
            day_ends_at: start_of_next_day(now, stage.zone),
            held: 0,
            watched: watched.iter().map(|who| (*who, Vec::new())).collect(),
            is_expired: false,
            is_cut_off: false,
            out,
        };
        for (n, person) in stage.people.iter().enumerate() {
            let who = n as u32;
            if person.calling {
                run.ring(who);
            } else {
                run.waiting.push(Reverse((person.due, who)));
            }
        }
        run
    }

    /// Everything that happens at this moment; returns the next one, or `None` at the end.
    fn turn(&mut self) -> Option<DateTime<Utc>> {
        self.end_calls();
        if !self.is_expired && self.stage.ends_at.is_some_and(|end| end <= self.now) {
            self.expire();
        }
        self.admit();
        let stopped = self.dial();
        let ends = self.live.peek().map(|Reverse((at, _))| *at);
        let end_date = self.stage.ends_at.filter(|_| !self.is_expired);
        let Some(next) = [stopped.until, ends].into_iter().flatten().min() else {
            self.out.ending = match stopped.limit {
                Limit::Credits => Ending::Credits,
                _ if self.is_cut_off => Ending::EndDate,
                _ => Ending::ListDone,
            };
            return None;
        };
        let next = end_date.map_or(next, |end| next.min(end));
        if next > self.stage.horizon() {
            self.out.ending = Ending::Horizon;
            self.out.ended_at = self.stage.horizon();
            return None;
        }
        self.out.held_back[stopped.limit as usize] += (next - self.now).num_milliseconds();
        Some(next)
    }

    /// Ends the calls whose time has come: pays, and asks what follows.
    fn end_calls(&mut self) {
        while let Some(Reverse((at, who))) = self.live.peek().copied().filter(|Reverse((at, _))| *at <= self.now) {
            self.live.pop();
            let Some(call) = self.people[who as usize].now_on.take() else { continue };
            let hold = self.stage.hold();
            self.held -= hold;
            let cost = self.stage.cost(call.talk_seconds).min(hold);
            self.out.spent += Credits(cost);
            self.out.ended_at = self.out.ended_at.max(at);
            if call.outcome == Outcome::Completed {
                self.out.connected += 1;
                self.tally().connected += 1;
                if let Some(call) = self.people[who as usize].past.calls.last_mut() {
                    call.answered = true;
                }
            }
            let past = &mut self.people[who as usize].past;
            past.count(call.outcome, call.talk_seconds);
            let next = self.stage.next(&self.stage.people[who as usize], past, call.outcome, call.talk_seconds, at);
            let one_in = self.stage.one_in;
            self.tell(who, call.outcome.label(), || {
                if call.talk_seconds > 0 {
                    format!("{} s of talk, {} credits", call.talk_seconds, Credits(cost / one_in))
                } else {
                    String::new()
                }
            });
            match next {
                Next::Done(status) => self.tell(who, "Done", || status.label().to_owned()),
                Next::Again { wait } if !self.is_expired => {
                    self.tell(who, "Tries again", || format!("in {} minutes at the earliest", wait.num_minutes()));
                    self.waiting.push(Reverse((at + wait, who)));
                }
                Next::Again { .. } => {
                    self.is_cut_off = true;
                    self.tell(who, "Done", || EnrollmentStatus::Cancelled.label().to_owned());
                }
            }
        }
    }

    /// The end date: whoever waits is not called any more.
    fn expire(&mut self) {
        self.is_expired = true;
        let ready = self.queues.iter_mut().flat_map(|q| q.ready.drain()).map(|Reverse((_, who))| who);
        let left: Vec<u32> = self.waiting.drain().map(|Reverse((_, who))| who).chain(ready).collect();
        if left.is_empty() {
            return;
        }
        self.is_cut_off = true;
        self.out.ended_at = self.now;
        self.out.skips.insert((Effect::Skipped, Reason::CampaignOver, String::new()), left.len() as i64);
        for who in left {
            self.tell(who, "Done", || EnrollmentStatus::Expired.label().to_owned());
        }
    }

    /// Lets people who are due line up behind their gate.
    fn admit(&mut self) {
        while let Some(Reverse((due, who))) = self.waiting.peek().copied().filter(|Reverse((due, _))| *due <= self.now) {
            self.waiting.pop();
            let key = match self.stage.order {
                CallOrder::Fifo => due.timestamp_millis(),
                CallOrder::Newest => -i64::from(who),
            };
            let gate = self.stage.people[who as usize].gate;
            self.queues[gate].ready.push(Reverse((key, who)));
            if self.queues[gate].opens_at > self.now {
                let rule = self.queues[gate].closed_by.clone();
                self.mark_moved(who, Reason::OutsideHours, &rule);
            }
        }
    }

    /// Places calls until something stops it, in the dialer's order: lines, the day's cap, tokens, people, credits.
    fn dial(&mut self) -> Stopped {
        loop {
            if self.live.len() >= self.stage.lines {
                return Stopped { limit: Limit::Lines, until: None };
            }
            if self.now >= self.day_ends_at {
                self.made_today = 0;
                self.day_ends_at = start_of_next_day(self.now, self.stage.zone);
            }
            if self.stage.calls_per_day_max.is_some_and(|cap| self.made_today >= cap) && self.is_anyone_left() {
                return Stopped { limit: Limit::DayCap, until: Some(self.day_ends_at) };
            }
            let Some(gate) = self.open_gate() else { return self.nobody() };
            self.refill();
            if self.bucket_milli < 1000 {
                let wait = (1000 - self.bucket_milli) / self.stage.calls_per_second + 1;
                return Stopped { limit: Limit::Pace, until: Some(self.now + TimeDelta::milliseconds(wait)) };
            }
            let Some(Reverse((key, who))) = self.queues[gate].ready.pop() else { continue };
            let person = &self.stage.people[who as usize];
            match self.stage.decide(person, &self.people[who as usize].past, self.now) {
                Decision::Dial if self.stage.funds.0 - self.out.spent.0 - self.held < self.stage.hold() => {
                    self.queues[gate].ready.push(Reverse((key, who)));
                    return Stopped { limit: Limit::Credits, until: None };
                }
                Decision::Dial => self.place(who),
                Decision::Wait { reason: Reason::OutsideHours, detail, until } => {
                    self.queues[gate].ready.push(Reverse((key, who)));
                    self.close(gate, &detail, until);
                }
                Decision::Wait { reason, detail, until } => {
                    self.mark_moved(who, reason, &detail);
                    self.tell(who, reason.label(), || detail);
                    self.waiting.push(Reverse((until, who)));
                }
                Decision::Stop { status, reason, detail } => {
                    self.tell(who, status.label(), || format!("{}. {detail}", reason.label()));
                    *self.out.skips.entry((Effect::Skipped, reason, detail)).or_default() += 1;
                }
            }
        }
    }

    fn is_anyone_left(&self) -> bool {
        !self.waiting.is_empty() || self.queues.iter().any(|q| !q.ready.is_empty())
    }

    /// The open gate whose first person is first in line.
    fn open_gate(&self) -> Option<usize> {
        let open = self.queues.iter().enumerate().filter(|(_, q)| q.opens_at <= self.now);
        open.filter_map(|(gate, q)| q.ready.peek().map(|Reverse(head)| (*head, gate))).min().map(|(_, gate)| gate)
    }

    /// Nobody may be called now: until a gate opens or somebody is due.
    fn nobody(&self) -> Stopped {
        let opens = self.queues.iter().filter(|q| !q.ready.is_empty()).map(|q| q.opens_at).min();
        let due = self.waiting.peek().map(|Reverse((due, _))| *due);
        let limit = if opens.is_some() { Limit::Hours } else { Limit::Retries };
        Stopped { limit, until: [opens, due].into_iter().flatten().min() }
    }

    /// Outside its hours nobody behind a gate is called: all of them wait for the same moment.
    fn close(&mut self, gate: usize, detail: &str, until: DateTime<Utc>) {
        // `20:05 in New York: Florida stops at 20:00`: here the rule counts, not the moment.
        let rule = detail.split_once(": ").map_or(detail, |(_, rule)| rule);
        self.queues[gate].opens_at = until;
        rule.clone_into(&mut self.queues[gate].closed_by);
        let ready = std::mem::take(&mut self.queues[gate].ready);
        for Reverse((_, who)) in &ready {
            self.mark_moved(*who, Reason::OutsideHours, rule);
            self.tell(*who, Reason::OutsideHours.label(), || detail.to_owned());
        }
        self.queues[gate].ready = ready;
    }

    fn mark_moved(&mut self, who: u32, reason: Reason, rule: &str) {
        let (moved, bit) = (&mut self.people[who as usize].moved, 1 << (reason as u32));
        if *moved & bit == 0 {
            *moved |= bit;
            *self.out.skips.entry((Effect::Moved, reason, rule.to_owned())).or_default() += 1;
        }
    }

    /// The token bucket of the gateway holds one second's worth.
    fn refill(&mut self) {
        let rate = self.stage.calls_per_second;
        let elapsed = (self.now - self.bucket_at).num_milliseconds().clamp(0, 86_400_000);
        self.bucket_milli = (self.bucket_milli + elapsed * rate).min(1000 * rate);
        self.bucket_at = self.now;
    }

    /// Places a call: it counts from here on.
    fn place(&mut self, who: u32) {
        let one_in = self.stage.one_in;
        self.bucket_milli -= 1000 * one_in;
        self.made_today += one_in;
        let past = &mut self.people[who as usize].past;
        past.attempts += 1;
        past.calls.push(eligible::Past { at: self.now, answered: false });
        let attempt = past.attempts;
        self.out.calls += 1;
        let tally = self.tally();
        tally.calls += 1;
        tally.retries += i64::from(attempt > 1);
        self.tell(who, "Called", || format!("attempt {attempt}"));
        self.ring(who);
    }

    /// A phone rings, and what comes of it is drawn at once.
    fn ring(&mut self, who: u32) {
        let stage = self.stage;
        let hour = stage.hour(&stage.people[who as usize], self.now);
        let drawn = network::draw(&mut self.luck, &stage.model, hour, stage.ring_seconds_max, stage.talk_seconds_max);
        self.held += stage.hold();
        self.people[who as usize].now_on = Some(drawn);
        // Standing for many, it keeps its line as long as all of them would, one after the other.
        let takes = drawn.takes * i32::try_from(stage.one_in).unwrap_or(1);
        self.live.push(Reverse((self.now + takes, who)));
    }

    /// The hour this moment is in, counted from the start.
    fn tally(&mut self) -> &mut Tally {
        let hour = usize::try_from((self.now - floor_hour(self.stage.starts_at)).num_hours()).unwrap_or(0);
        if self.out.hours.len() <= hour {
            self.out.hours.resize(hour + 1, Tally::default());
        }
        &mut self.out.hours[hour]
    }

    fn tell(&mut self, who: u32, title: &str, detail: impl FnOnce() -> String) {
        if let Some(steps) = self.watched.get_mut(&who).filter(|steps| steps.len() < STEPS_MAX) {
            steps.push(Step { at: self.now, title: title.to_owned(), detail: detail() });
        }
    }

    fn finish(mut self) -> Played {
        self.out.stories = self.watched.into_iter().collect();
        self.out
    }
}

/// The full hour a moment is in.
pub(super) fn floor_hour(at: DateTime<Utc>) -> DateTime<Utc> {
    at - TimeDelta::milliseconds(at.timestamp_millis().rem_euclid(3_600_000))
}
