//! The canary on screen: its fields in the campaign dialog, its facts, and how it does on the overview.

use model::FieldErrors;
use model::campaigns::{Campaign, CampaignForm};
use model::canary::{Canary, CanarySize, CanaryState, CanaryView, Figures, Guardrails};
use model::credits::Credits;

use super::draft::Draft;
use super::rehearsal_form::{percent, permille};
use crate::prelude::*;
use crate::screen::{When, count, share};
use crate::ui::{Badge, Card, Fact, Facts, Field, Input, Meter, Switch, Tone, grouped};

/// What is being typed.
#[derive(Clone, Copy)]
pub struct CanaryDraft {
    on: RwSignal<bool>,
    /// `100` people, or `5 %` of them.
    size: RwSignal<String>,
    calls_min: RwSignal<String>,
    answered: RwSignal<String>,
    opted_out: RwSignal<String>,
    voicemail: RwSignal<String>,
    cost: RwSignal<String>,
    stays_on: RwSignal<bool>,
}

impl CanaryDraft {
    /// Untouched.
    pub fn new() -> Self {
        let text = || RwSignal::new(String::new());
        Self {
            on: RwSignal::new(false),
            size: text(),
            calls_min: text(),
            answered: text(),
            opted_out: text(),
            voicemail: text(),
            cost: text(),
            stays_on: RwSignal::new(false),
        }
    }

    /// Starts from what is stored; one that is not set shows a sensible beginning.
    pub fn fill(self, form: &CampaignForm) {
        self.on.set(form.canary.is_some());
        let Canary { size, guardrails: g, stays_on } = form.canary.unwrap_or_default();
        let share = |permille: Option<i32>| permille.map(percent).unwrap_or_default();
        self.size.set(match size {
            CanarySize::People(n) => n.to_string(),
            CanarySize::Percent(n) => format!("{n} %"),
        });
        self.calls_min.set(g.calls_min.to_string());
        self.answered.set(share(g.answered_permille_min));
        self.opted_out.set(share(g.opted_out_permille_max));
        self.voicemail.set(share(g.voicemail_permille_max));
        self.cost.set(g.cost_per_connect_max.map(|c| (c.0 / 1000).to_string()).unwrap_or_default());
        self.stays_on.set(stays_on);
    }

    /// What was typed; fields that cannot be read are noted.
    pub fn read(self, problems: &mut FieldErrors) -> Option<Canary> {
        if !self.on.get_untracked() {
            return None;
        }
        let mut bad = |field: &str| {
            problems.insert(field.to_owned(), "Enter a number.".to_owned());
        };
        let size = size_of(&self.size.get_untracked()).unwrap_or_else(|| {
            bad("canary_size");
            CanarySize::People(1)
        });
        let calls_min = self.calls_min.get_untracked().trim().parse().unwrap_or_else(|_| {
            bad("canary_calls_min");
            1
        });
        let mut share = |typed: RwSignal<String>, field: &str| {
            let text = typed.get_untracked();
            let read = permille(&text);
            if read.is_none() && !text.trim().is_empty() {
                bad(field);
            }
            read
        };
        let guardrails = Guardrails {
            calls_min,
            answered_permille_min: share(self.answered, "canary_answered_min"),
            opted_out_permille_max: share(self.opted_out, "canary_opted_out_max"),
            voicemail_permille_max: share(self.voicemail, "canary_voicemail_max"),
            cost_per_connect_max: {
                let text = self.cost.get_untracked();
                let read = text.trim().parse::<i64>().ok().and_then(|n| n.checked_mul(1000)).map(Credits);
                if read.is_none() && !text.trim().is_empty() {
                    bad("canary_cost_max");
                }
                read
            },
        };
        Some(Canary { size, guardrails, stays_on: self.stays_on.get_untracked() })
    }
}

/// `100` is people, `5 %` or `5%` a share of them.
fn size_of(text: &str) -> Option<CanarySize> {
    let text = text.trim();
    match text.strip_suffix('%') {
        Some(share) => share.trim().parse().ok().map(CanarySize::Percent),
        None => text.parse().ok().map(CanarySize::People),
    }
}

/// The fields, below the other settings of calling.
pub fn fields(draft: Draft) -> AnyView {
    let typed = draft.canary;
    let error = move |name: &'static str| Signal::derive(move || draft.errors.with(|errors| errors.get(name).cloned()));
    let field = move |label: &'static str, name: &'static str, hint: &'static str, optional: bool, bind: RwSignal<String>| {
        view! {
            <Field label=label name=name hint=hint optional=optional error=error(name)>
                <Input autocomplete="off" bind=bind/>
            </Field>
        }
    };
    let inside = move || {
        typed.on.get().then(|| {
            view! {
                <div class="mt-4 grid items-start gap-4 sm:grid-cols-2 lg:grid-cols-3">
                    {field("People called first", "canary_size", "A number, or a share like 5 %.", false, typed.size)}
                    {field("Judge after (calls)", "canary_calls_min", "Finished calls.", false, typed.calls_min)}
                    {field("Answered, at least %", "canary_answered_min", "By a person, of finished calls.", true, typed.answered)}
                    {field("Opted out, at most %", "canary_opted_out_max", "Of people reached.", true, typed.opted_out)}
                    {field("Voicemail, at most %", "canary_voicemail_max", "Of answered calls.", true, typed.voicemail)}
                    {field("Cost each, at most", "canary_cost_max", "Credits per person reached.", true, typed.cost)}
                </div>
                <div class="mt-4">
                    <Switch label="Keep judging afterwards" hint="Every time as many calls have finished again." bind=typed.stays_on/>
                </div>
            }
        })
    };
    view! {
        <section aria-label="Canary">
            <Switch label="Start with a canary" hint="A few people, chosen at random, are called first. The others follow when the guardrails hold." bind=typed.on/>
            {move || inside()}
        </section>
    }
}

/// For the settings tab: `100 people, judged after 50 calls`.
pub fn line(form: &CampaignForm) -> String {
    let Some(canary) = form.canary else { return "None, everyone from the start".to_owned() };
    let who = match canary.size {
        CanarySize::People(n) => count(n.into(), "person", "people"),
        CanarySize::Percent(n) => format!("{n} % of the people"),
    };
    let after = count(canary.guardrails.calls_min.into(), "call", "calls");
    let on = if canary.stays_on { ", then again and again" } else { "" };
    format!("{who}, judged after {after}{on}")
}

const fn tone(state: CanaryState) -> Tone {
    match state {
        CanaryState::Running => Tone::Info,
        CanaryState::Passed => Tone::Success,
        CanaryState::Failed => Tone::Danger,
        CanaryState::Overruled => Tone::Warning,
    }
}

/// How the canary does; nothing for a campaign without one.
#[component]
pub fn CanaryCard(campaign: Signal<Campaign>) -> impl IntoView {
    move || campaign.with(|c| c.canary.clone().zip(c.form.canary)).map(|(view, canary)| card(view, canary))
}

fn card(view: CanaryView, canary: Canary) -> AnyView {
    let rails = canary.guardrails;
    let wanted = i64::from(rails.calls_min);
    // Once it is judged and nothing follows, counting on would mislead.
    let counts = match view.state {
        CanaryState::Running => true,
        CanaryState::Passed | CanaryState::Overruled => canary.stays_on,
        CanaryState::Failed => false,
    };
    let figures = counts.then(|| progress(view.figures, wanted, &rails));
    let scope = format!("{} first, judged after {}", count(view.people, "person", "people"), count(wanted, "call", "calls"));
    let (label, tone) = (view.state.label(), tone(view.state));
    let why = (!view.why.is_empty()).then(|| {
        let at = view.judged_at.map(|at| view! { " " <span class="text-muted-foreground"><When moment=at/></span> });
        view! { <p class="text-sm">{view.why.clone()}{at}</p> }
    });
    view! {
        <Card title="Canary" scope=scope actions=move || view! { <Badge label=label tone=tone/> }>
            <div class="flex flex-col gap-4">{why}{figures}</div>
        </Card>
    }
}

/// The figures that will be judged next, each beside its limit.
fn progress(f: Figures, wanted: i64, rails: &Guardrails) -> AnyView {
    let done = f.calls.clamp(0, wanted);
    let percent_done = done as f64 * 100.0 / wanted.max(1) as f64;
    let text = format!("{} of {} calls finished", grouped(done), grouped(wanted));
    let at_least = |limit: Option<i32>| limit.map(|n| format!(" (at least {} %)", percent(n))).unwrap_or_default();
    let at_most = |limit: Option<i32>| limit.map(|n| format!(" (at most {} %)", percent(n))).unwrap_or_default();
    let answered = format!("{}{}", dash(share(f.connected, f.calls)), at_least(rails.answered_permille_min));
    let opted_out = format!("{}{}", dash(share(f.opted_out, f.connected)), at_most(rails.opted_out_permille_max));
    let voicemail = format!("{}{}", dash(share(f.voicemail, f.connected + f.voicemail)), at_most(rails.voicemail_permille_max));
    let each = if f.connected > 0 { Credits(f.spent.0 / f.connected).rounded() } else { "–".to_owned() };
    let cost = format!("{each}{}", rails.cost_per_connect_max.map(|c| format!(" (at most {})", c.rounded())).unwrap_or_default());
    view! {
        <div>
            <p class="mb-1.5 text-sm text-muted-foreground tabular-nums">{text}</p>
            <Meter percent=percent_done label="Calls judged"/>
        </div>
        <Facts>
            <Fact label="Answered by a person">{answered}</Fact>
            <Fact label="Opted out">{opted_out}</Fact>
            <Fact label="Voicemail">{voicemail}</Fact>
            <Fact label="Credits per person reached">{cost}</Fact>
        </Facts>
    }
}

fn dash(share: String) -> String {
    if share.is_empty() { "–".to_owned() } else { share }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_people_or_a_share() {
        assert_eq!(size_of(" 100 "), Some(CanarySize::People(100)));
        assert_eq!(size_of("5 %"), Some(CanarySize::Percent(5)));
        assert_eq!(size_of("5%"), Some(CanarySize::Percent(5)));
        assert_eq!(size_of("five"), None);
    }
}
