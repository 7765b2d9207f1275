//! The five steps of the campaign dialog in which something is entered. Each shows its own errors under its own fields.

use model::campaigns::CallOrder;

use super::canary;
use super::choices::{Choices, CountAudience};
use super::draft::{Draft, RETRIED, RetryRow};
use super::settings::hours_line;
use crate::prelude::*;
use crate::screen::count;
use crate::ui::{
    Choice, Field, HoursEditor, Input, LinkButton, Note, Opt, RadioCards, Select, Size, Switch, Textarea, Tone, Variant,
};
use crate::wire::Late;

/// The problem of one field, followed.
pub(super) fn error(draft: Draft, field: &'static str) -> Signal<Option<String>> {
    Signal::derive(move || draft.errors.with(|errors| errors.get(field).cloned()))
}

pub(super) fn basics(draft: Draft, is_draft: bool) -> AnyView {
    view! {
        {is_draft.then(|| view! {
            <RadioCards
                legend="Direction"
                name="direction"
                bind=draft.direction
                class="sm:grid-cols-2"
                choices=vec![
                    Choice::new("outbound", "Call people", "The agent calls everyone in an audience.").icon(icondata::LuPhoneOutgoing),
                    Choice::new("inbound", "Answer calls", "The agent answers whoever calls your numbers.").icon(icondata::LuPhoneIncoming),
                ]
            />
        })}
        <Field label="Name" name="name" hint="For your team; nobody you call hears it." error=error(draft, "name")>
            <Input bind=draft.name maxlength=120 autocomplete="off"/>
        </Field>
        <Field label="Description" name="description" optional=true error=error(draft, "description")>
            <Textarea bind=draft.description rows=4 maxlength=2000/>
        </Field>
    }
}

pub(super) fn audience(draft: Draft, known: &Choices, is_draft: bool) -> AnyView {
    if !is_draft {
        return view! {
            <Note>"The people were enrolled at launch. To call others, duplicate the campaign and choose another audience."</Note>
        };
    }
    let segments = Signal::stored(options("Choose a segment", known.segments.iter().map(|s| (s.clone(), s.clone()))));
    let imports =
        Signal::stored(options("Choose an import", known.imports.iter().map(|(id, name)| (id.to_string(), name.clone()))));
    let people = Late::new(move || draft.chosen_audience().map(|audience| CountAudience { audience }));
    let counted = move || match people.get() {
        _ if draft.chosen_audience().is_none() => ().into_any(),
        Some(Ok(0)) => view! {
            <Note tone=Tone::Warning live=true>
                "Nobody is in this audience. " <a class="link" href="/imports">"Import contacts"</a> " first."
            </Note>
        },
        Some(Ok(n)) => view! {
            <Note tone=Tone::Primary icon=icondata::LuUsers live=true>
                <b class="font-semibold">{count(n, "contact", "contacts")}</b>
                " today. Opted-out numbers are left out, and everyone is called at most once at a time."
            </Note>
        },
        Some(Err(problem)) => view! { <Note tone=Tone::Danger live=true>{problem.to_string()}</Note> },
        None => view! { <p class="text-sm text-muted-foreground" role="status">"Counting…"</p> },
    };
    let mut choices = vec![
        Choice::new("everyone", "Everyone", "Every active contact."),
        Choice::new("segment", "A segment", "Contacts with one segment name."),
        Choice::new("import", "An import", "The contacts of one file."),
    ];
    // What a duplicated test call has; nobody chooses it here.
    if draft.audience.with_untracked(|audience| audience == "person") {
        choices.push(Choice::new("person", "One person", "Whom the test call called."));
    }
    view! {
        <RadioCards legend="Who is called" name="audience" bind=draft.audience class="sm:grid-cols-3" choices=choices/>
        {move || match draft.audience.get().as_str() {
            "segment" => view! {
                <Field label="Segment" name="segment" error=error(draft, "segment")>
                    <Select options=segments bind=draft.segment/>
                </Field>
            },
            "import" => view! {
                <Field label="Import" name="import" error=error(draft, "import")>
                    <Select options=imports bind=draft.import/>
                </Field>
            },
            _ => ().into_any(),
        }}
        {move || counted()}
    }
}

fn options(first: &str, rest: impl Iterator<Item = (String, String)>) -> Vec<Opt> {
    std::iter::once(Opt::new("", first)).chain(rest.map(|(value, label)| Opt::new(value, label))).collect()
}

pub(super) fn agent(draft: Draft, known: &Choices) -> AnyView {
    if known.agents.is_empty() {
        return view! {
            <Note tone=Tone::Info icon=icondata::LuBot>
                <p>"You have no agent yet. A template gives you one that can speak in a minute."</p>
                <div class="mt-3">
                    <LinkButton href="/agents?templates=1" variant=Variant::Outline size=Size::Small>"Create from template"</LinkButton>
                </div>
            </Note>
        };
    }
    let names = known
        .agents
        .iter()
        .map(|(id, name, published)| (id.to_string(), if *published { name.clone() } else { format!("{name} (draft)") }));
    let agents = Signal::stored(options("Choose an agent", names));
    let unpublished: Vec<String> =
        known.agents.iter().filter(|(.., published)| !published).map(|(id, ..)| id.to_string()).collect();
    let warning = move || {
        let chosen = draft.agent.get();
        unpublished.contains(&chosen).then(|| {
            view! {
                <Note tone=Tone::Warning live=true>
                    "This agent is a draft. "
                    <a class="link" href=format!("/agents/{chosen}")>"Open it"</a>
                    " and publish it before the launch."
                </Note>
            }
        })
    };
    view! {
        <Field label="Agent" name="agent" hint="Who speaks. The launch uses its last published script." error=error(draft, "agent")>
            <Select options=agents bind=draft.agent/>
        </Field>
        {move || warning()}
        <p class="text-sm text-muted-foreground">
            "Need another voice or script? " <a class="link" href="/agents?templates=1">"Create from template"</a>
        </p>
    }
}

pub(super) fn schedule(draft: Draft, known: &Choices) -> AnyView {
    let zone = known.zone.replace('_', " ");
    view! {
        <div class="grid gap-4 sm:grid-cols-2">
            <Field label="Starts" name="starts_at" optional=true hint=format!("Empty: as soon as you launch. Time in {zone}.") error=error(draft, "starts_at")>
                <Input kind="datetime-local" bind=draft.starts/>
            </Field>
            <Field label="Ends" name="ends_at" optional=true hint="Empty: when everyone is done." error=error(draft, "ends_at")>
                <Input kind="datetime-local" bind=draft.ends/>
            </Field>
        </div>
        {hours(draft, known, "Narrower hours for this campaign; the company's hours still apply.", "In each contact's own zone.".to_owned())}
    }
}

/// The company's hours, or the campaign's own.
pub(super) fn hours(draft: Draft, known: &Choices, own: &'static str, zone_hint: String) -> AnyView {
    let company = hours_line(&known.hours);
    view! {
        <RadioCards
            legend="Hours"
            name="hours_of"
            bind=draft.hours_of
            class="sm:grid-cols-2"
            choices=vec![Choice::new("company", "The company's hours", company), Choice::new("own", "Own hours", own)]
        />
        {move || (draft.hours_of.get() == "own").then(|| view! {
            <HoursEditor legend="Hours of this campaign" hint=zone_hint.clone() days=draft.hours/>
        })}
        {move || draft.errors.with(|errors| errors.get("hours").cloned()).map(|text| view! { <Note tone=Tone::Danger live=true>{text}</Note> })}
    }
}

pub(super) fn calling(draft: Draft, known: &Choices) -> AnyView {
    let orders: Vec<Opt> = CallOrder::ALL.iter().map(|order| Opt::new(order.as_str(), order.label())).collect();
    let at_once = format!("Your company may have {} in flight in all.", known.concurrency_max);
    view! {
        <div class="grid items-start gap-4 sm:grid-cols-2 lg:grid-cols-3">
            <Field label="Calls at once" name="concurrency_max" hint=at_once error=error(draft, "concurrency_max")>
                <Input kind="number" min="1" max="1000" inputmode="numeric" bind=draft.concurrency/>
            </Field>
            <Field label="Calls a day" name="calls_per_day_max" optional=true hint="Empty: no daily cap." error=error(draft, "calls_per_day_max")>
                <Input kind="number" min="1" inputmode="numeric" bind=draft.per_day/>
            </Field>
            <Field label="Order" name="order">
                <Select options=orders bind=draft.order/>
            </Field>
            <Field label="Longest call, minutes" name="call_minutes_max" hint="Also what is held before dialing." error=error(draft, "call_minutes_max")>
                <Input kind="number" min="1" max="60" inputmode="numeric" bind=draft.minutes/>
            </Field>
            <Field label="Budget, credits" name="budget" optional=true hint="Empty: the estimate is reserved." error=error(draft, "budget")>
                <Input kind="number" min="1" inputmode="numeric" bind=draft.budget/>
            </Field>
            <div class="pt-1 sm:pt-7"><Switch label="Record calls" hint="Say so in the greeting." bind=draft.record/></div>
        </div>
        {gateways(draft, known)}
        {canary::fields(draft)}
        {retry_table(draft)}
        <div class="grid items-start gap-4 sm:grid-cols-2">
            <Field label="Attempts per contact" name="attempts_max" hint="All outcomes together." error=error(draft, "attempts_max")>
                <Input kind="number" min="1" max="20" inputmode="numeric" bind=draft.attempts/>
            </Field>
            <Field label="Attempts per contact and day" name="attempts_per_day_max" error=error(draft, "attempts_per_day_max")>
                <Input kind="number" min="1" max="10" inputmode="numeric" bind=draft.attempts_per_day/>
            </Field>
        </div>
    }
}

/// Which way calls go out; with one gateway there is nothing to choose.
fn gateways(draft: Draft, known: &Choices) -> Option<AnyView> {
    let named = |first| Signal::stored(options(first, known.gateways.iter().map(|(id, name)| (id.to_string(), name.clone()))));
    let (first, second) = (named("The company's first"), named("None: wait until it works again"));
    (known.gateways.len() > 1).then(|| {
        view! {
            <div class="grid items-start gap-4 sm:grid-cols-2">
                <Field label="Gateway" name="gateway" error=error(draft, "gateway")>
                    <Select options=first bind=draft.gateway/>
                </Field>
                <Field label="While it has trouble" name="fallback_gateway" hint="New calls go through this one." error=error(draft, "fallback_gateway")>
                    <Select options=second bind=draft.fallback_gateway/>
                </Field>
            </div>
        }
    })
}

fn retry_table(draft: Draft) -> impl IntoView {
    let rows = RETRIED
        .into_iter()
        .zip(draft.retries)
        .map(|((field, label), RetryRow { wait, times })| {
            let problem = error(draft, field);
            view! {
                <tr>
                    <th scope="row" class="font-normal">
                        {label}
                        {move || problem.get().map(|text| view! { <span class="error whitespace-normal" role="alert">{text}</span> })}
                    </th>
                    <td><Input kind="number" min="1" max="20160" inputmode="numeric" size=Size::Small class="w-24 tabular-nums" label=format!("Minutes to wait after {label}") bind=wait/></td>
                    <td><Input kind="number" min="0" max="20" inputmode="numeric" size=Size::Small class="w-20 tabular-nums" label=format!("Retries after {label}") bind=times/></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby="retries-title">
            <h3 id="retries-title" class="label">"Retries"</h3>
            <p class="hint mb-2">"After how many minutes to try again, and how often. 0 times: never."</p>
            <div class="overflow-x-auto rounded-lg border">
                <table class="table">
                    <caption class="sr-only">"Retries by outcome"</caption>
                    <thead>
                        <tr><th scope="col">"After"</th><th scope="col">"Wait, minutes"</th><th scope="col">"Times"</th></tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
}
