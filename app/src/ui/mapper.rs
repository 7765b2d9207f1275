//! Rows that map one thing to another: a column of a file to a field. The options and the verdict come from the caller.

use super::{Icon, Opt, Select, Size, Tone};
use crate::prelude::*;

/// How well a column is matched; decides the icon of its note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Matched, nothing to do.
    Good,
    /// The reader has to choose.
    Choose,
    /// Left out on purpose.
    Out,
}

/// The table around `MapperRow`s, with its head.
#[component]
pub fn MapperTable(
    #[prop(default = "Column in file".into(), into)] from: String,
    #[prop(default = "Field".into(), into)] to: String,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="overflow-x-auto" tabindex="0" role="region" aria-label="Column mapping">
            <table class="table border-t">
                <caption class="sr-only">"Column mapping"</caption>
                <thead>
                    <tr class="bg-muted/60">
                        <th scope="col">{from}</th>
                        <th scope="col">"First rows"</th>
                        <th scope="col"><span class="sr-only">"maps to"</span></th>
                        <th scope="col">{to}</th>
                        <th scope="col">"Match"</th>
                    </tr>
                </thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
}

/// One column: its name, a sample of its cells, a select of targets and a note. `name` is the form field; `bind` the choice.
#[component]
pub fn MapperRow(
    #[prop(into)] column: String,
    #[prop(into)] sample: String,
    #[prop(into)] name: String,
    #[prop(into)] options: Signal<Vec<Opt>>,
    #[prop(optional, into)] value: String,
    #[prop(optional)] bind: Option<RwSignal<String>>,
    #[prop(into)] verdict: Signal<Match>,
    #[prop(into)] note: Signal<String>,
) -> impl IntoView {
    let bind = bind.unwrap_or_else(|| RwSignal::new(value));
    let label = format!("Field for column {column}");
    let mark = move || {
        let (icon, tone) = match verdict.get() {
            Match::Good => (icondata::LuCheck, Tone::Success),
            Match::Choose => (icondata::LuTriangleAlert, Tone::Warning),
            Match::Out => (icondata::LuMinus, Tone::Neutral),
        };
        view! { <Icon icon=icon class=format!("tone-text {}", tone.class())/> }
    };
    view! {
        <tr>
            <td class="font-medium">{column}</td>
            <td class="max-w-48 truncate text-muted-foreground tabular-nums">{sample}</td>
            <td class="px-0! text-muted-foreground"><Icon icon=icondata::LuArrowRight class="rtl:-scale-x-100"/></td>
            <td class="w-52"><Select name=name label=label options=options bind=bind size=Size::Small/></td>
            <td class="w-56">
                <span class="inline-flex items-center gap-1.5 align-middle text-muted-foreground">{move || mark()} {note}</span>
            </td>
        </tr>
    }
}
