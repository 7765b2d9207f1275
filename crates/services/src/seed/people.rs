//! Who is on a company's list, and the imports that brought them there.

use super::luck::Luck;
use super::plans::CompanyPlan;
use super::rows;
use super::words::{DOMAINS, Place};
use crate::dialer::eligible::Past;
use crate::phones;
use crate::rules::Place as Whereabouts;
use anyhow::{Context, anyhow, ensure};
use chrono::TimeDelta;
use model::id::{ContactId, ImportId};
use model::imports::{Counts, ImportKind, ImportStatus, Mapping};
use model::phone::Phone;
use model::time::Timestamp;

/// Of ten people this many stated their zone where the number alone would tell it too.
const STATED_OF_TEN: i64 = 8;
/// Rows of each file that could not be read, as people really write them.
const BAD_ROWS: &[(i64, &str, &str)] = &[
    (37, "555-0142", "The area code is missing."),
    (118, "n/a", "Letters are not a phone number."),
    (204, "4.41135E+11", "A spreadsheet rounded this number."),
];

pub(super) struct Person {
    pub id: ContactId,
    pub name: String,
    pub phone: Phone,
    pub phone_raw: String,
    pub email: String,
    pub stated: Option<&'static str>,
    pub place: Whereabouts,
    pub segment: &'static str,
    pub notes: &'static str,
    pub import: Option<ImportId>,
    pub created_at: Timestamp,
    /// When calls to them began.
    pub past: Vec<Past>,
    pub busy_until: Option<Timestamp>,
    pub is_suppressed: bool,
    /// Their seats in campaigns.
    pub seats: Vec<usize>,
}

impl Person {
    pub fn first_name(&self) -> &str {
        self.name.split(' ').next().unwrap_or(&self.name)
    }
    pub fn last_name(&self) -> &str {
        self.name.split_once(' ').map_or("", |(_, last)| last)
    }

    pub fn row(&self) -> rows::Contact {
        rows::Contact {
            id: self.id.uuid(),
            name: self.name.clone(),
            phone: self.phone.to_string(),
            phone_raw: self.phone_raw.clone(),
            email: self.email.clone(),
            company: String::new(),
            time_zone: self.stated,
            segment: self.segment,
            notes: self.notes.to_owned(),
            status: "active",
            import_id: self.import.map(ImportId::uuid),
            calls: i32::try_from(self.past.len()).unwrap_or(i32::MAX),
            last_called_at: self.past.last().map(|call| call.at),
            created_at: self.created_at,
            updated_at: self.created_at,
        }
    }
}

/// One import, who came with it, and its rows that could not be read.
pub(super) struct Imported {
    pub row: rows::Import,
    pub problems: Vec<rows::Problem>,
}

/// Everyone of a company: first the imported ones, then those typed in by hand between the opening and `now`.
pub(super) fn gather(
    luck: &mut Luck,
    plan: &'static CompanyPlan,
    by: &str,
    moments: &[Timestamp],
    now: Timestamp,
) -> anyhow::Result<(Vec<Person>, Vec<Imported>)> {
    let mut numbers = Numbers::new(luck, plan.places);
    let (mut people, mut imports): (Vec<Person>, _) = (Vec::new(), Vec::new());
    for (import, at) in plan.imports.iter().zip(moments) {
        let id: ImportId = luck.id(*at);
        let begin = people.len();
        for _ in 0..import.people {
            people.push(person(luck, plan, &mut numbers, *at, Some(id))?);
        }
        imports.push(imported(plan, import, id, by, *at, &people[begin..]));
    }
    let opened = moments.first().copied().context("a company has an import")?;
    for _ in 0..plan.by_hand {
        let at = opened + TimeDelta::seconds(luck.between(0, (now - opened).num_seconds()));
        people.push(person(luck, plan, &mut numbers, at, None)?);
    }
    Ok((people, imports))
}

/// The reserved numbers that are not given away yet, by place.
struct Numbers(Vec<(&'static Place, Vec<u32>)>);

impl Numbers {
    fn new(luck: &mut Luck, places: &'static [Place]) -> Self {
        let shuffled = |place: &'static Place| {
            let mut free: Vec<u32> = (place.first..=place.last).collect();
            luck.shuffle(&mut free);
            (place, free)
        };
        Self(places.iter().map(shuffled).collect())
    }

    fn take(&mut self, luck: &mut Luck) -> Option<(&'static Place, u32)> {
        let weights: Vec<u32> = self.0.iter().map(|(place, free)| if free.is_empty() { 0 } else { place.weight }).collect();
        if weights.iter().all(|w| *w == 0) {
            return None;
        }
        let (place, free) = &mut self.0[luck.weighted(&weights)];
        free.pop().map(|number| (*place, number))
    }
}

fn person(
    luck: &mut Luck,
    plan: &'static CompanyPlan,
    numbers: &mut Numbers,
    at: Timestamp,
    import: Option<ImportId>,
) -> anyhow::Result<Person> {
    let (place, number) = numbers.take(luck).context("the reserved numbers are used up")?;
    let last_digits = format!("{number:0width$}", width = place.digits);
    let phone_raw = format!("{}{last_digits}", place.written);
    let phone = phones::parse(&phone_raw, plan.region).map_err(|why| anyhow!("{phone_raw}: {why}"))?;
    ensure!(phone.as_str() == format!("{}{last_digits}", place.prefix), "{phone} is not in the reserved range {}", place.prefix);
    let (first, last) = (*luck.pick(plan.first_names), *luck.pick(plan.last_names));
    let name = format!("{first} {last}");
    let email = format!("{}.{}{}@{}", plain(first), plain(last), number % 100, luck.pick(DOMAINS));
    // Outside the company's own zone a number may tell too little, so these people always stated theirs.
    let is_stated = place.zone != plan.zone || luck.between(1, 10) <= STATED_OF_TEN;
    let stated = is_stated.then_some(place.zone);
    let weights: Vec<u32> = plan.segments.iter().map(|(_, weight)| *weight).collect();
    Ok(Person {
        id: luck.id(at),
        place: Whereabouts::of(stated, &phone),
        name,
        phone,
        phone_raw,
        email: if luck.chance(0.85) { email } else { String::new() },
        stated,
        segment: plan.segments[luck.weighted(&weights)].0,
        notes: if luck.chance(0.35) { luck.pick::<&str>(plan.notes) } else { "" },
        import,
        created_at: at,
        past: Vec::new(),
        busy_until: None,
        is_suppressed: false,
        seats: Vec::new(),
    })
}

/// A name as people write it before an @.
fn plain(name: &str) -> String {
    let ascii = |c: char| match c {
        'í' => 'i',
        'á' => 'a',
        'ø' => 'o',
        other => other,
    };
    name.to_lowercase().chars().map(ascii).filter(char::is_ascii_alphabetic).collect()
}

fn imported(
    plan: &CompanyPlan,
    import: &super::plans::ImportPlan,
    id: ImportId,
    by: &str,
    at: Timestamp,
    people: &[Person],
) -> Imported {
    let headers: Vec<String> = ["Full name", "Mobile", "E-mail", "Time zone", "Segment", "Notes"].map(str::to_owned).to_vec();
    let line = |p: &Person| {
        vec![
            p.name.clone(),
            p.phone_raw.clone(),
            p.email.clone(),
            p.stated.unwrap_or_default().to_owned(),
            p.segment.to_owned(),
            p.notes.to_owned(),
        ]
    };
    let (created, invalid) = (i64::try_from(people.len()).unwrap_or(0), i64::try_from(BAD_ROWS.len()).unwrap_or(0));
    let counts =
        Counts { rows: created + invalid + import.duplicates, created, merged: 0, duplicates: import.duplicates, invalid };
    let file_bytes = people.iter().map(|p| line(p).iter().map(|cell| cell.len() + 1).sum::<usize>()).sum::<usize>();
    let file_bytes = i64::try_from(file_bytes).unwrap_or(0);
    let problem = |(line, value, why): &(i64, &'static str, &'static str)| rows::Problem {
        import_id: id.uuid(),
        dry_run: false,
        line: *line,
        field: "phone",
        value,
        why,
    };
    tracing::debug!(company = plan.name, file = import.file, created, "demo import");
    Imported {
        problems: BAD_ROWS.iter().map(problem).collect(),
        row: rows::Import {
            id: id.uuid(),
            kind: ImportKind::Contacts,
            status: ImportStatus::Completed,
            file_name: import.file.to_owned(),
            file_bytes,
            encoding: "UTF-8",
            delimiter: ",",
            samples: people.iter().take(5).map(line).collect(),
            mapping: Mapping::guess(ImportKind::Contacts, &headers),
            headers,
            segment: "",
            checked: counts,
            done: counts,
            bytes_done: file_bytes,
            lines_done: counts.rows + 1,
            created_by: by.to_owned(),
            created_at: at - TimeDelta::minutes(6),
            phase: 2,
            phase_started_at: at - TimeDelta::seconds(2),
            phase_ended_at: at,
            finished_at: at,
        },
    }
}
