//! The steps of the campaign dialog that only a campaign which answers has: its numbers, its hours, and how it answers.

use model::id::NumberId;
use model::numbers::NumberRow;

use super::choices::Choices;
use super::draft::Draft;
use super::steps::{self, error};
use crate::prelude::*;
use crate::screen::phone;
use crate::ui::{Checkbox, Field, Input, Note, Textarea, Tone};

pub(super) fn numbers(draft: Draft, known: &Choices) -> AnyView {
    let rows = known.numbers.iter().map(|row| number(draft, row)).collect_view();
    view! {
        <fieldset class="flex flex-col gap-3">
            <legend class="label mb-3">"Numbers it answers"</legend>
            {rows}
        </fieldset>
        {move || draft.errors.with(|errors| errors.get("numbers").cloned()).map(|text| view! { <Note tone=Tone::Danger live=true>{text}</Note> })}
        <p class="text-sm text-muted-foreground">"One campaign at a time answers a number. Campaigns that call people may still use it."</p>
    }
}

fn number(draft: Draft, row: &NumberRow) -> impl IntoView + use<> {
    let id: NumberId = row.id;
    let bind = RwSignal::new(draft.numbers.with_untracked(|chosen| chosen.contains(&id)));
    Effect::new(move |_| {
        let wanted = bind.get();
        draft.numbers.update(|chosen| {
            chosen.retain(|other| *other != id);
            if wanted {
                chosen.push(id);
            }
        });
    });
    let hint = match &row.campaign {
        Some((campaign, name)) if draft.id.get_untracked() != Some(*campaign) => format!("Answered by {name} now"),
        _ => format!("{}, {} calls at once", row.gateway_name, row.concurrency_max),
    };
    view! { <Checkbox label=phone(&row.phone) hint=hint bind=bind/> }
}

pub(super) fn hours(draft: Draft, known: &Choices) -> AnyView {
    let zone = known.zone.replace('_', " ");
    steps::hours(draft, known, "When the agent answers; outside them callers hear a message.", format!("In {zone}."))
}

pub(super) fn answering(draft: Draft, known: &Choices) -> AnyView {
    let at_once = format!("Your company may have {} in flight in all.", known.concurrency_max);
    view! {
        <div class="grid items-start gap-4 sm:grid-cols-2">
            <Field label="Calls at once" name="concurrency_max" hint=at_once error=error(draft, "concurrency_max")>
                <Input kind="number" min="1" max="1000" inputmode="numeric" bind=draft.concurrency/>
            </Field>
            <Field label="Longest call, minutes" name="call_minutes_max" hint="Also what is held while a call lasts." error=error(draft, "call_minutes_max")>
                <Input kind="number" min="1" max="60" inputmode="numeric" bind=draft.minutes/>
            </Field>
        </div>
        <Field
            label="When nobody can answer"
            name="fallback_text"
            optional=true
            hint="Said outside hours, without credits and when all lines are busy. Empty: a short sentence of ours."
            error=error(draft, "fallback_text")
        >
            <Textarea bind=draft.fallback_text rows=3 maxlength=500/>
        </Field>
    }
}
