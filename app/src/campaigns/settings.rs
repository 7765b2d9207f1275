//! The settings of a campaign as facts: beside the overview in short, on the settings tab in full.

use model::campaigns::{Audience, Campaign, CampaignForm, Retry};
use model::time::{Hours, Moment};

use super::canary;
use super::draft::RETRIED;
use crate::prelude::*;
use crate::screen::{When, count};
use crate::ui::{Card, Cell, Column, Fact, Facts, LinkButton, Size, Table, Variant};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// `Mon–Fri 09:00–18:00, Sat 10:00–15:00`.
pub fn hours_line(hours: &Hours) -> String {
    let label = |day: usize| hours.0[day].iter().map(|w| w.label()).collect::<Vec<_>>().join(" and ");
    let mut parts = Vec::new();
    let mut day = 0;
    while day < 7 {
        let first = day;
        while day < 6 && hours.0[day + 1] == hours.0[first] {
            day += 1;
        }
        if !hours.0[first].is_empty() {
            let days = if first == day { DAYS[first].to_owned() } else { format!("{}–{}", DAYS[first], DAYS[day]) };
            parts.push(format!("{days} {}", label(first)));
        }
        day += 1;
    }
    if parts.is_empty() { "Never open".to_owned() } else { parts.join(", ") }
}

fn audience_line(form: &CampaignForm) -> String {
    match &form.audience {
        None => "Not chosen".to_owned(),
        Some(Audience::Everyone) => "Every active contact".to_owned(),
        Some(Audience::Segment { segment }) => format!("Segment “{segment}”"),
        Some(Audience::Import { .. }) => "One import".to_owned(),
        Some(Audience::Person { .. }) => "One person".to_owned(),
    }
}

fn hours_of(form: &CampaignForm) -> String {
    form.hours.as_ref().map_or_else(|| "The company’s hours".to_owned(), hours_line)
}

fn pace_line(form: &CampaignForm) -> String {
    let cap = form.calls_per_day_max.map(|n| format!(", {n} a day")).unwrap_or_default();
    format!("{} at once{cap}", form.concurrency_max)
}

/// A label and its value, ready for a list of facts.
type Line = (&'static str, AnyView);

fn line(label: &'static str, text: impl Into<String>) -> Line {
    (label, text.into().into_any())
}

fn at(label: &'static str, moment: Option<Moment>, otherwise: &'static str) -> Line {
    match moment {
        Some(moment) => (label, view! { <When moment=moment/> }),
        None => line(label, otherwise),
    }
}

fn facts(lines: Vec<Line>) -> impl IntoView {
    let lines = lines.into_iter().map(|(label, value)| view! { <Fact label=label>{value}</Fact> }).collect_view();
    view! { <Facts>{lines}</Facts> }
}

/// What a reader wants beside the figures.
fn in_short(c: &Campaign) -> Vec<Line> {
    if c.form.is_inbound() {
        return answering(c);
    }
    let mut lines = vec![
        line("Agent", c.agent_name.as_deref().unwrap_or("None yet")),
        line("Audience", audience_line(&c.form)),
        line("Hours", hours_of(&c.form)),
        line("Calls", pace_line(&c.form)),
        line("Attempts", format!("Up to {}, by outcome", c.form.retries.attempts_max)),
        line("Recording", if c.form.record { "On" } else { "Off" }),
        line("Network", if c.sandbox { "Sandbox, simulated phones" } else { "Real phones" }),
        at("Starts", c.starts_at, "At launch"),
        at("Ends", c.ends_at, "When everyone is done"),
    ];
    let past = [("Launched", c.launched_at), ("Finished", c.finished_at), ("Created", Some(c.created_at))];
    lines.extend(past.into_iter().filter(|(_, moment)| moment.is_some()).map(|(label, moment)| at(label, moment, "")));
    lines
}

/// What there is to know about a campaign that answers.
fn answering(c: &Campaign) -> Vec<Line> {
    let fallback = if c.form.fallback_text.is_empty() { "A sentence of ours" } else { &c.form.fallback_text };
    let mut lines = vec![
        line("Direction", c.form.direction.label()),
        line("Agent", c.agent_name.as_deref().unwrap_or("None yet")),
        line("Numbers", c.form.numbers.len().to_string()),
        line("Hours", hours_of(&c.form)),
        line("Calls", pace_line(&c.form)),
        line("Longest call", count(c.form.call_minutes_max.into(), "minute", "minutes")),
        line("When nobody can answer", fallback),
        line("Network", if c.sandbox { "Sandbox, simulated phones" } else { "Real phones" }),
    ];
    let past = [("Launched", c.launched_at), ("Finished", c.finished_at), ("Created", Some(c.created_at))];
    lines.extend(past.into_iter().filter(|(_, moment)| moment.is_some()).map(|(label, moment)| at(label, moment, "")));
    lines
}

/// Everything the dialog edits, but for the retries.
fn in_full(c: &Campaign) -> Vec<Line> {
    if c.form.is_inbound() {
        return answering(c);
    }
    let description = if c.form.description.is_empty() { "None" } else { &c.form.description };
    vec![
        line("Description", description),
        line("Audience", audience_line(&c.form)),
        line("Agent", c.agent_name.as_deref().unwrap_or("None yet")),
        at("Starts", c.starts_at, "At launch"),
        at("Ends", c.ends_at, "When everyone is done"),
        line("Calling hours", hours_of(&c.form)),
        line("Order", c.form.order.label()),
        line("Calls", pace_line(&c.form)),
        line("Longest call", count(c.form.call_minutes_max.into(), "minute", "minutes")),
        line("Budget", c.form.budget.map_or_else(|| "The estimate".to_owned(), |b| format!("{b} credits"))),
        line("Recording", if c.form.record { "On" } else { "Off" }),
        line("Canary", canary::line(&c.form)),
    ]
}

/// What is in force, in the right column of the overview.
#[component]
pub fn FactsCard(campaign: Signal<Campaign>) -> impl IntoView {
    let version = move || campaign.with(|c| format!("Version {}", c.settings_version));
    let facts = move || campaign.with(|c| facts(in_short(c)));
    view! { <Card title="Settings in force" scope=Signal::derive(version)>{move || facts()}</Card> }
}

/// The settings tab.
#[component]
pub fn SettingsTab(campaign: Signal<Campaign>, #[prop(into)] editable: Signal<bool>) -> impl IntoView {
    let id = campaign.with_untracked(|c| c.id);
    let edit = move || {
        editable.get().then(|| {
            view! {
                <LinkButton href=format!("/campaigns/{id}?tab=settings&edit=1") variant=Variant::Outline size=Size::Small icon=icondata::LuPencil>
                    "Edit"
                </LinkButton>
            }
        })
    };
    let general = move || campaign.with(|c| facts(in_full(c)));
    view! {
        <div class="grid gap-6 lg:grid-cols-2">
            <Card title="Settings" scope=Signal::derive(move || campaign.with(|c| format!("Version {}; changes apply from the next call", c.settings_version))) actions=edit>
                {move || general()}
            </Card>
            {move || campaign.with(|c| !c.form.is_inbound()).then(|| view! { <Card title="Retries" scope="When someone was not reached" flush=true foot=move || campaign.with(|c| format!(
                "At most {} attempts per contact, {} a day", c.form.retries.attempts_max, c.form.retries.attempts_per_day_max))>
                <Table caption="Retries by outcome" cards=false columns=vec![Column::new("After"), Column::new("Wait").number(), Column::new("Retries").number()]>
                    {move || campaign.with(|c| retry_rows(&c.form))}
                </Table>
            </Card> })}
        </div>
    }
}

fn retry_rows(form: &CampaignForm) -> impl IntoView + use<> {
    let r = form.retries;
    RETRIED
        .into_iter()
        .zip([r.busy, r.no_answer, r.voicemail, r.rejected, r.failed])
        .map(|((_, label), retry)| {
            view! {
                <tr>
                    <td>{label}</td>
                    <Cell number=true>{wait(retry)}</Cell>
                    <Cell number=true>{if retry.times == 0 { "Never".to_owned() } else { retry.times.to_string() }}</Cell>
                </tr>
            }
        })
        .collect_view()
}

/// `20 min`, `3 h`, `2 h 30 min`.
fn wait(retry: Retry) -> String {
    match (retry.times, retry.wait_minutes / 60, retry.wait_minutes % 60) {
        (0, ..) => "–".to_owned(),
        (_, 0, minutes) => format!("{minutes} min"),
        (_, hours, 0) => format!("{hours} h"),
        (_, hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::time::Window;

    #[test]
    fn equal_days_are_read_as_one_range() {
        assert_eq!(hours_line(&Hours::business()), "Mon–Fri 09:00–18:00");
        let mut hours = Hours::business();
        hours.0[5] = vec![Window { start_minute: 600, end_minute: 900 }];
        assert_eq!(hours_line(&hours), "Mon–Fri 09:00–18:00, Sat 10:00–15:00");
        assert_eq!(hours_line(&Hours(Default::default())), "Never open");
    }

    #[test]
    fn waits_read_as_hours_and_minutes() {
        let retry = |wait_minutes| Retry { wait_minutes, times: 1 };
        assert_eq!([wait(retry(20)), wait(retry(180)), wait(retry(150))], ["20 min", "3 h", "2 h 30 min"]);
    }
}
