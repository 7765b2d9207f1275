//! From runs to a report: percentiles over the runs, hour by hour and rule by rule. Pure.

use super::play::{Played, Skip, Step, floor_hour, play};
use super::stage::Stage;
use chrono::{DateTime, TimeDelta, Utc};
use model::credits::Credits;
use model::rehearsal::{Effect, Ending, HourRow, Limit, Rehearsal, RehearsalForm, SkipRow, Spread, Story, StoryStep};
use model::time::Moment;
use std::collections::{BTreeMap, BTreeSet};

/// People whose story is told.
const STORIES_MAX: usize = 40;
/// Hours shown; a chart of more cannot be read.
const HOURS_MAX: usize = 24 * 28;
/// Rules shown.
const SKIPS_MAX: usize = 30;
/// Times a person is played in one rehearsal, all runs together: what keeps a very long list from taking minutes.
const PLAYS_MAX: usize = 200_000;
/// However long the list, percentiles want this many.
const RUNS_MIN: usize = 5;

/// How often a list of so many people is played, of the times that were asked for.
pub(super) fn runs_of(people: usize, asked: i32) -> usize {
    let asked = usize::try_from(asked).unwrap_or(1).max(1);
    (PLAYS_MAX / people.max(1)).clamp(RUNS_MIN.min(asked), asked)
}

/// Plays a stage `runs` times, on as many threads as the machine has cores. In the first run some people tell their story.
pub(super) fn play_all(stage: &Stage, seed: u32, runs: usize) -> Vec<Played> {
    let watched = watched(stage.people.len());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(runs);
    let some = |thread: usize| {
        let mine = (0..runs).skip(thread).step_by(threads);
        mine.map(|run| (run, play(stage, seed, run as u64, if run == 0 { &watched } else { &[] }))).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(move || some(thread))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    all.sort_by_key(|(run, _)| *run);
    all.into_iter().map(|(_, played)| played).collect()
}

/// Evenly from the whole list.
fn watched(people: usize) -> Vec<u32> {
    let step = people.div_ceil(STORIES_MAX).max(1);
    (0..people).step_by(step).map(|n| n as u32).collect()
}

/// What the report says besides what the runs tell.
pub(super) struct Head {
    pub at: DateTime<Utc>,
    pub by: String,
    pub form: RehearsalForm,
    pub people: i64,
    pub took_ms: i64,
}

/// Folds the runs. `moment` shows an instant in the reader's zone.
pub(super) fn report(stage: &Stage, runs: &[Played], head: Head, moment: impl Fn(DateTime<Utc>) -> Moment) -> Rehearsal {
    let scaled = |n: i64| n * stage.one_in;
    let of = |read: fn(&Played) -> i64| spread(runs.iter().map(read).collect());
    Rehearsal {
        at: moment(head.at),
        by: head.by,
        form: head.form,
        runs: i32::try_from(runs.len()).unwrap_or(i32::MAX),
        people: head.people,
        one_in: stage.one_in,
        concurrency_max: i32::try_from(stage.lines).unwrap_or(i32::MAX),
        starts: moment(stage.starts_at),
        finishes: spread(runs.iter().map(|run| run.ended_at).collect()).map(&moment),
        calls: of(|run| run.calls).map(scaled),
        connected: of(|run| run.connected).map(scaled),
        cost: of(|run| run.spent.0).map(Credits),
        funds: stage.funds,
        endings: endings(runs),
        hours: hours(stage, runs, &moment),
        skips: skips(stage, runs),
        limits: limits(runs),
        stories: runs.first().map(|run| stories(stage, &run.stories, &moment)).unwrap_or_default(),
        took_ms: head.took_ms,
    }
}

/// P10, P50 and P90 by nearest rank.
pub(super) fn spread<T: Copy + Ord>(mut values: Vec<T>) -> Spread<T> {
    values.sort_unstable();
    let rank = |percent: usize| values[(values.len() * percent).div_ceil(100).max(1) - 1];
    Spread { low: rank(10), middle: rank(50), high: rank(90) }
}

fn endings(runs: &[Played]) -> Vec<(Ending, i32)> {
    let mut by: Vec<(Ending, i32)> = Ending::ALL
        .iter()
        .map(|ending| (*ending, i32::try_from(runs.iter().filter(|r| r.ending == *ending).count()).unwrap_or(i32::MAX)))
        .filter(|(_, n)| *n > 0)
        .collect();
    by.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    by
}

fn hours(stage: &Stage, runs: &[Played], moment: &impl Fn(DateTime<Utc>) -> Moment) -> Vec<HourRow> {
    let longest = runs.iter().map(|run| run.hours.len()).max().unwrap_or(0);
    let first = floor_hour(stage.starts_at);
    let row = |hour: usize| {
        let tallies = || runs.iter().map(move |run| run.hours.get(hour).copied().unwrap_or_default());
        let calls = spread(tallies().map(|t| t.calls * stage.one_in).collect());
        HourRow {
            at: moment(first + TimeDelta::hours(hour as i64)),
            calls,
            retries: spread(tallies().map(|t| t.retries * stage.one_in).collect()).middle,
            connected: spread(tallies().map(|t| t.connected * stage.one_in).collect()).middle,
        }
    };
    (0..longest).map(row).filter(|row| row.calls.high > 0).take(HOURS_MAX).collect()
}

fn skips(stage: &Stage, runs: &[Played]) -> Vec<SkipRow> {
    let rules: BTreeSet<&Skip> = runs.iter().flat_map(|run| run.skips.keys()).collect();
    let median = |rule: &Skip| spread(runs.iter().map(|run| run.skips.get(rule).copied().unwrap_or(0)).collect()).middle;
    let row =
        |rule: &Skip| SkipRow { effect: rule.0, reason: rule.1, detail: rule.2.clone(), people: median(rule) * stage.one_in };
    let mut rows: Vec<SkipRow> = rules.into_iter().map(row).filter(|row| row.people > 0).collect();
    rows.sort_by_key(|row| (row.effect == Effect::Moved, std::cmp::Reverse(row.people)));
    rows.truncate(SKIPS_MAX);
    rows
}

/// Shares of the time in which calls were lawful; nights would drown everything else.
fn limits(runs: &[Played]) -> Vec<(Limit, i64)> {
    let mut by: BTreeMap<Limit, i64> = BTreeMap::new();
    for limit in Limit::ALL.iter().filter(|limit| **limit != Limit::Hours) {
        by.insert(*limit, runs.iter().map(|run| run.held_back[*limit as usize]).sum());
    }
    let all: i64 = by.values().sum::<i64>().max(1);
    let mut shares: Vec<_> = by.into_iter().map(|(limit, ms)| (limit, ms * 1000 / all)).filter(|(_, share)| *share > 0).collect();
    shares.sort_by_key(|(_, share)| std::cmp::Reverse(*share));
    shares
}

fn stories(stage: &Stage, told: &[(u32, Vec<Step>)], moment: &impl Fn(DateTime<Utc>) -> Moment) -> Vec<Story> {
    let step = |s: &Step| StoryStep { at: moment(s.at), title: s.title.clone(), detail: s.detail.clone() };
    told.iter()
        .map(|(who, steps)| {
            let person = &stage.people[*who as usize];
            Story { contact: person.contact, name: person.name.clone(), steps: steps.iter().map(step).collect() }
        })
        .collect()
}
