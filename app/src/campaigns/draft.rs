//! What has been typed into the campaign dialog so far. Lives beside the dialog, not in it, so that closing it by accident
//! loses nothing; turns text into a `CampaignForm` and back.

use leptos::prelude::*;
use model::FieldErrors;
use model::calls::Direction;
use model::campaigns::{Audience, CallOrder, Campaign, CampaignForm, Retries, Retry};
use model::credits::Credits;
use model::id::{CampaignId, NumberId};
use model::time::{Hours, Moment, Timestamp};
use wasm_bindgen::JsValue;

use super::canary::CanaryDraft;
use crate::settings::week;
use crate::ui::DayHours;

/// Outcomes that can be retried: name in the form, label.
pub const RETRIED: [(&str, &str); 5] =
    [("busy", "Busy"), ("no_answer", "No answer"), ("voicemail", "Voicemail"), ("rejected", "Rejected"), ("failed", "Failed")];

/// One row of the retry table, as typed.
#[derive(Clone, Copy)]
pub struct RetryRow {
    pub wait: RwSignal<String>,
    pub times: RwSignal<String>,
}

/// All fields as text, plus where one is in the dialog.
#[derive(Clone, Copy)]
pub struct Draft {
    /// Set once the draft is stored.
    pub id: RwSignal<Option<CampaignId>>,
    /// Nothing was typed or loaded yet.
    untouched: StoredValue<bool>,
    pub step: RwSignal<usize>,
    pub errors: RwSignal<FieldErrors>,
    /// `outbound` or `inbound`.
    pub direction: RwSignal<String>,
    pub numbers: RwSignal<Vec<NumberId>>,
    pub fallback_text: RwSignal<String>,
    pub name: RwSignal<String>,
    pub description: RwSignal<String>,
    /// `everyone`, `segment` or `import`.
    pub audience: RwSignal<String>,
    pub segment: RwSignal<String>,
    pub import: RwSignal<String>,
    pub agent: RwSignal<String>,
    pub gateway: RwSignal<String>,
    pub fallback_gateway: RwSignal<String>,
    /// As `datetime-local`, in the company's zone.
    pub starts: RwSignal<String>,
    pub ends: RwSignal<String>,
    /// `company` or `own`.
    pub hours_of: RwSignal<String>,
    pub hours: RwSignal<Vec<DayHours>>,
    pub order: RwSignal<String>,
    pub concurrency: RwSignal<String>,
    pub per_day: RwSignal<String>,
    pub retries: [RetryRow; 5],
    pub attempts: RwSignal<String>,
    pub attempts_per_day: RwSignal<String>,
    pub record: RwSignal<bool>,
    pub minutes: RwSignal<String>,
    pub budget: RwSignal<String>,
    pub canary: CanaryDraft,
}

impl Draft {
    /// An untouched form.
    pub fn new() -> Self {
        let empty = || RwSignal::new(String::new());
        let draft = Self {
            id: RwSignal::new(None),
            step: RwSignal::new(0),
            errors: RwSignal::new(FieldErrors::new()),
            direction: empty(),
            untouched: StoredValue::new(true),
            numbers: RwSignal::new(Vec::new()),
            fallback_text: empty(),
            name: empty(),
            description: empty(),
            audience: empty(),
            segment: empty(),
            import: empty(),
            agent: empty(),
            gateway: empty(),
            fallback_gateway: empty(),
            starts: empty(),
            ends: empty(),
            hours_of: empty(),
            hours: RwSignal::new(Vec::new()),
            order: empty(),
            concurrency: empty(),
            per_day: empty(),
            retries: RETRIED.map(|_| RetryRow { wait: empty(), times: empty() }),
            attempts: empty(),
            attempts_per_day: empty(),
            record: RwSignal::new(true),
            minutes: empty(),
            budget: empty(),
            canary: CanaryDraft::new(),
        };
        draft.clear();
        draft
    }

    /// Back to an untouched form.
    pub fn clear(self) {
        self.id.set(None);
        self.untouched.set_value(true);
        self.fill(&CampaignForm::default(), None, None);
    }

    /// Starts a new campaign from what the company starts them from, once that is known.
    pub fn begin(self, blank: &CampaignForm) {
        if self.untouched.get_value() {
            self.untouched.set_value(false);
            self.fill(blank, None, None);
        }
    }

    /// Starts from what is stored.
    pub fn load(self, campaign: &Campaign) {
        self.id.set(Some(campaign.id));
        self.untouched.set_value(false);
        self.fill(&campaign.form, campaign.starts_at, campaign.ends_at);
    }

    fn fill(self, form: &CampaignForm, starts: Option<Moment>, ends: Option<Moment>) {
        self.step.set(0);
        self.errors.set(FieldErrors::new());
        self.direction.set(form.direction.as_str().to_owned());
        self.numbers.set(form.numbers.clone());
        self.fallback_text.set(form.fallback_text.clone());
        self.name.set(form.name.clone());
        self.description.set(form.description.clone());
        let (kind, segment, import) = match &form.audience {
            Some(Audience::Segment { segment }) => ("segment", segment.clone(), String::new()),
            Some(Audience::Import { import }) => ("import", String::new(), import.to_string()),
            Some(Audience::Person { contact }) => ("person", String::new(), contact.to_string()),
            Some(Audience::Everyone) | None => ("everyone", String::new(), String::new()),
        };
        self.audience.set(kind.to_owned());
        self.segment.set(segment);
        self.import.set(import);
        self.agent.set(form.agent.map(|id| id.to_string()).unwrap_or_default());
        self.gateway.set(form.gateway.map(|id| id.to_string()).unwrap_or_default());
        self.fallback_gateway.set(form.fallback_gateway.map(|id| id.to_string()).unwrap_or_default());
        self.starts.set(starts.map(wall).unwrap_or_default());
        self.ends.set(ends.map(wall).unwrap_or_default());
        self.hours_of.set(if form.hours.is_some() { "own" } else { "company" }.to_owned());
        self.hours.set(week::rows(form.hours.as_ref().unwrap_or(&Hours::business())));
        self.order.set(form.order.as_str().to_owned());
        self.concurrency.set(form.concurrency_max.to_string());
        self.per_day.set(form.calls_per_day_max.map(|n| n.to_string()).unwrap_or_default());
        let r = &form.retries;
        for (row, retry) in self.retries.iter().zip([r.busy, r.no_answer, r.voicemail, r.rejected, r.failed]) {
            row.wait.set(retry.wait_minutes.to_string());
            row.times.set(retry.times.to_string());
        }
        self.attempts.set(r.attempts_max.to_string());
        self.attempts_per_day.set(r.attempts_per_day_max.to_string());
        self.record.set(form.record);
        self.minutes.set(form.call_minutes_max.to_string());
        self.canary.fill(form);
        self.budget.set(form.budget.map(|b| (b.0 / 1000).to_string()).unwrap_or_default());
    }

    /// Whether it answers numbers instead of calling people.
    pub fn is_inbound(self) -> bool {
        self.direction.with(|direction| direction == Direction::Inbound.as_str())
    }

    /// Who is called, as chosen; `None` while a segment or import is still to be picked.
    pub fn chosen_audience(self) -> Option<Audience> {
        match self.audience.get().as_str() {
            "segment" => Some(self.segment.get()).filter(|s| !s.is_empty()).map(|segment| Audience::Segment { segment }),
            "import" => self.import.get().parse().ok().map(|import| Audience::Import { import }),
            "person" => self.import.get().parse().ok().map(|contact| Audience::Person { contact }),
            _ => Some(Audience::Everyone),
        }
    }

    /// The form as the verb wants it, or every problem by field.
    pub fn read(self, zone: &str) -> Result<CampaignForm, FieldErrors> {
        let mut problems = FieldErrors::new();
        let mut number = |text: RwSignal<String>, field: &str| {
            text.get_untracked().trim().parse::<i32>().unwrap_or_else(|_| {
                problems.insert(field.to_owned(), "Enter a whole number.".to_owned());
                1
            })
        };
        let [busy, no_answer, voicemail, rejected, failed] = std::array::from_fn(|i| Retry {
            wait_minutes: number(self.retries[i].wait, RETRIED[i].0),
            times: number(self.retries[i].times, RETRIED[i].0),
        });
        let retries = Retries {
            busy,
            no_answer,
            voicemail,
            rejected,
            failed,
            attempts_max: number(self.attempts, "attempts_max"),
            attempts_per_day_max: number(self.attempts_per_day, "attempts_per_day_max"),
        };
        let concurrency_max = number(self.concurrency, "concurrency_max");
        let call_minutes_max = number(self.minutes, "call_minutes_max");
        let filled = |text: RwSignal<String>| !text.with_untracked(|t| t.trim().is_empty());
        let calls_per_day_max = filled(self.per_day).then(|| number(self.per_day, "calls_per_day_max"));
        let budget = filled(self.budget).then(|| Credits::whole(number(self.budget, "budget").into()));
        let mut moment = |text: RwSignal<String>, field: &str| {
            let at = filled(text).then(|| instant(&text.get_untracked(), zone));
            if at == Some(None) {
                problems.insert(field.to_owned(), "Enter a date and a time.".to_owned());
            }
            at.flatten()
        };
        let (starts_at, ends_at) = (moment(self.starts, "starts_at"), moment(self.ends, "ends_at"));
        let own = self.hours_of.get_untracked() == "own";
        let hours = own.then(|| week::hours(&self.hours.get_untracked())).map(|hours| {
            hours.unwrap_or_else(|| {
                problems.insert(
                    "hours".to_owned(),
                    "Give each window a start before its end, and let no two of a day overlap.".to_owned(),
                );
                Hours::business()
            })
        });
        let canary = self.canary.read(&mut problems);
        let form = CampaignForm {
            name: self.name.get_untracked().trim().to_owned(),
            description: self.description.get_untracked(),
            audience: untrack(|| self.chosen_audience()),
            agent: self.agent.get_untracked().parse().ok(),
            gateway: self.gateway.get_untracked().parse().ok(),
            fallback_gateway: self.fallback_gateway.get_untracked().parse().ok(),
            starts_at,
            ends_at,
            hours,
            order: self.order.get_untracked().parse().unwrap_or(CallOrder::Fifo),
            concurrency_max,
            calls_per_day_max,
            retries,
            record: self.record.get_untracked(),
            call_minutes_max,
            budget,
            canary,
            direction: self.direction.get_untracked().parse().unwrap_or(Direction::Outbound),
            numbers: self.numbers.get_untracked(),
            fallback_text: self.fallback_text.get_untracked().trim().to_owned(),
        }
        .relevant();
        if let Err(model::Error::Invalid { fields }) = form.check() {
            for (field, problem) in fields {
                problems.entry(field).or_insert(problem);
            }
        }
        if problems.is_empty() { Ok(form) } else { Err(problems) }
    }
}

/// The step a field is on, to lead there when it needs attention.
pub fn step_of(field: &str) -> usize {
    match field {
        "name" | "description" | "direction" => 0,
        "audience" | "segment" | "import" | "numbers" => 1,
        "agent" => 2,
        "starts_at" | "ends_at" | "hours" => 3,
        _ => 4,
    }
}

/// `2026-11-23T09:00`, what a `datetime-local` input holds.
fn wall(moment: Moment) -> String {
    moment.iso().chars().take(16).collect()
}

/// The instant of a wall-clock time in a zone. The browser knows the zones; this never runs on the server.
fn instant(wall: &str, zone: &str) -> Option<Timestamp> {
    let as_utc: Timestamp = format!("{}:00Z", wall.get(..16)?).parse().ok()?;
    let mut at = as_utc;
    // Twice, because the first guess may lie on the other side of a clock change.
    for _ in 0..2 {
        at = as_utc - chrono::TimeDelta::minutes(offset_minutes(at, zone)?);
    }
    Some(at)
}

/// Minutes a zone is ahead of UTC at an instant, by formatting it there and reading the text back.
fn offset_minutes(at: Timestamp, zone: &str) -> Option<i64> {
    let options = js_sys::Object::new();
    js_sys::Reflect::set(&options, &JsValue::from_str("timeZone"), &JsValue::from_str(zone)).ok()?;
    let date = js_sys::Date::new(&JsValue::from_f64(at.timestamp_millis() as f64));
    // Swedish writes `2026-11-23 09:00:00`.
    let text: String = date.to_locale_string("sv-SE", &options).into();
    let there: Timestamp = format!("{}Z", text.replacen(' ', "T", 1)).parse().ok()?;
    Some((there - at).num_minutes())
}
