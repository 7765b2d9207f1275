//! Calling windows against an independent oracle: every minute of two years, by Python's zoneinfo (`windows/oracle.py`).
//! A few difficult zones in every run; every IANA zone with `cargo xtask windows --full`, which sets `BELFRY_WINDOWS=full`.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use chrono_tz::{IANA_TZDB_VERSION, TZ_VARIANTS, Tz};
use model::time::{Hours, Window};
use serde_json::{Value, json};
use services::dialer::window::{Intervals, Opening, Schedule, days_open, opening};
use services::rules::Place;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

const FROM: &str = "2026-01-01T00:00:00Z";
const TO: &str = "2028-01-01T00:00:00Z";

/// Zones whose clocks do what others do not: Ramadan, half-hour steps, negative summer time, the date line, no change.
const SAMPLE: [Tz; 12] = [
    Tz::Africa__Casablanca,
    Tz::Africa__Cairo,
    Tz::America__New_York,
    Tz::America__St_Johns,
    Tz::America__Nuuk,
    Tz::Antarctica__Troll,
    Tz::Asia__Gaza,
    Tz::Asia__Kolkata,
    Tz::Australia__Lord_Howe,
    Tz::Europe__Dublin,
    Tz::Pacific__Apia,
    Tz::Pacific__Chatham,
];

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().expect("a moment")
}

/// The law's day, office hours, the hours in which clocks change, and windows that touch midnight.
fn weeks() -> Vec<Hours> {
    let window = |start_minute, end_minute| Window { start_minute, end_minute };
    let night = vec![window(0, 30), window(61, 125), window(150, 175), window(1290, 1440)];
    vec![
        Hours::weekly(0, 6, window(480, 1260)),
        Hours::weekly(0, 4, window(540, 1020)),
        Hours(std::array::from_fn(|_| night.clone())),
        Hours::weekly(5, 6, window(0, 1440)),
    ]
}

/// What we say is open, as minutes since 1970.
fn ours(zone: Tz, hours: &Hours) -> Vec<[i64; 2]> {
    let (from, to) = (moment(FROM), moment(TO));
    let first: NaiveDate = from.date_naive() - TimeDelta::days(3);
    let on = |day: NaiveDate| hours.0[day.weekday().num_days_from_monday() as usize].clone();
    let open = days_open(first, 2 * 365 + 10, zone, on);
    minutes(open.into_iter().map(|(start, end)| (start.max(from), end.min(to))).filter(|(start, end)| start < end).collect())
}

fn minutes(open: Intervals) -> Vec<[i64; 2]> {
    open.into_iter().map(|(start, end)| [start.timestamp() / 60, end.timestamp() / 60]).collect()
}

/// Asks the oracle about some zones; returns what it printed.
fn ask(zones: &[Tz]) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/windows/oracle.py");
    let mut oracle = Command::new("python3");
    oracle.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut oracle = oracle.spawn().expect("the oracle is Python 3.9 or later, as python3");
    let mut into = oracle.stdin.take().expect("piped");
    let answers = BufReader::new(oracle.stdout.take().expect("piped"));
    let reader = thread::spawn(move || answers.lines().map(|l| serde_json::from_str(&l.expect("text")).expect("JSON")).collect());
    for zone in zones {
        for hours in weeks() {
            let week: Vec<Vec<[u16; 2]>> =
                hours.0.iter().map(|day| day.iter().map(|w| [w.start_minute, w.end_minute]).collect()).collect();
            let (from, to) = (moment(FROM).timestamp() / 60, moment(TO).timestamp() / 60);
            let job = json!({"zone": zone.name(), "from": from, "to": to, "week": week, "open": ours(*zone, &hours)});
            writeln!(into, "{job}").expect("the oracle reads");
        }
    }
    drop(into);
    assert!(oracle.wait().expect("the oracle ends").success());
    reader.join().expect("the oracle's answers")
}

#[test]
fn every_minute_of_two_years_is_open_or_closed_as_an_independent_clock_says() {
    #[expect(clippy::disallowed_methods, reason = "how much is compared is the caller's choice, and no setting of the product")]
    let full = std::env::var("BELFRY_WINDOWS").is_ok_and(|mode| mode == "full");
    let zones: &[Tz] = if full { &TZ_VARIANTS } else { &SAMPLE };
    let (began, at_once) = (Instant::now(), thread::available_parallelism().map_or(2, usize::from));
    let workers: Vec<_> = zones
        .chunks(zones.len().div_ceil(at_once))
        .map(|part| part.to_vec())
        .map(|part| thread::spawn(move || ask(&part)))
        .collect();
    let told: Vec<Value> = workers.into_iter().flat_map(|worker| worker.join().expect("a worker")).collect();
    let (sums, differences): (Vec<&Value>, Vec<&Value>) = told.iter().partition(|line| line.get("minutes").is_some());
    let compared: i64 = sums.iter().filter_map(|sum| sum["minutes"].as_i64()).sum();
    let unknown: Vec<&Value> = sums.iter().filter_map(|sum| sum["unknown"].as_array()).flatten().collect();
    println!(
        "{} zones, {} schedules, {compared} minutes compared in {:.1} s, {} differences; tzdata {IANA_TZDB_VERSION} here and {} there; \
         unknown there: {unknown:?}",
        zones.len(),
        weeks().len(),
        began.elapsed().as_secs_f64(),
        differences.len(),
        sums[0]["tzdata"],
    );
    for difference in &differences {
        println!("{difference}");
    }
    let years = (moment(TO) - moment(FROM)).num_minutes();
    let asked = i64::try_from((zones.len() - unknown.len() / weeks().len().min(1)) * weeks().len()).expect("a count");
    assert!(full || compared == asked * years, "every minute was compared");
    assert!(differences.is_empty(), "a difference is an error of ours, or of two tz databases that disagree: see their versions");
}

/// The decision walks through the same windows: from opening to closing to the next opening, for two years.
#[test]
fn a_walk_through_openings_meets_every_window_and_nothing_else() {
    for zone in SAMPLE {
        let place = Place { zones: vec![zone], ..Place::default() };
        for hours in weeks() {
            let schedule = Schedule { company: &hours, holidays: &[], campaign: None, place: &place };
            let (mut at, mut walked): (_, Intervals) = (moment(FROM), Vec::new());
            while at < moment(TO) {
                match opening(at, &schedule) {
                    Opening::Now { until } => {
                        walked.push((at, until.min(moment(TO))));
                        at = until;
                    }
                    Opening::At(next) => at = next,
                    Opening::Never => break,
                }
            }
            assert_eq!(minutes(walked), ours(zone, &hours), "{zone}");
        }
    }
}
