//! Surfaces: card with head and foot, notes, and the facts card of a detail page's right column.

use super::{Icon, Tone, join, some};
use crate::prelude::*;

/// A bordered block. `scope` is the grey line under the title: period, filter, zone, comparison.
/// `flush` leaves the padding of the body to the children (tables, lists).
#[component]
pub fn Card(
    #[prop(optional, into)] title: String,
    #[prop(optional, into)] scope: Signal<String>,
    /// Buttons or links at the head's end.
    #[prop(optional, into)]
    actions: Option<ViewFn>,
    #[prop(optional, into)] foot: Option<ViewFn>,
    #[prop(optional)] flush: bool,
    #[prop(optional, into)] class: String,
    children: Children,
) -> impl IntoView {
    let named = (!title.is_empty()).then(|| title.clone());
    let head = (!title.is_empty()).then(|| {
        view! {
            <div class=if flush { "card-head pb-3" } else { "card-head" }>
                <div class="min-w-0">
                    <h2>{title}</h2>
                    {move || some(scope.get()).map(|scope| view! { <p>{scope}</p> })}
                </div>
                {actions.map(|actions| view! { <div class="flex shrink-0 items-center gap-2">{move || actions.run()}</div> })}
            </div>
        }
    });
    view! {
        <section class=join("card", &class) aria-label=named>
            {head}
            <div class=if flush { "min-w-0 flex-1" } else { "card-body flex-1" }>{children()}</div>
            {foot.map(|foot| view! { <div class="card-foot">{move || foot.run()}</div> })}
        </section>
    }
}

/// One thing worth saying, in its tone. `live=true` announces it when it appears.
#[component]
pub fn Note(
    #[prop(optional)] tone: Tone,
    #[prop(optional)] icon: Option<icondata::Icon>,
    #[prop(optional)] live: bool,
    #[prop(optional, into)] class: String,
    children: Children,
) -> impl IntoView {
    let role = live.then_some(if tone == Tone::Danger { "alert" } else { "status" });
    view! {
        <div class=join(&join("note", tone.class()), &class) role=role>
            <Icon icon=icon.unwrap_or(tone.icon())/>
            <div class="min-w-0 flex-1">{children()}</div>
        </div>
    }
}

/// A list of facts: `<Facts><Fact label="Agent">"Nora"</Fact></Facts>`. Put it in a `Card`.
#[component]
pub fn Facts(#[prop(optional, into)] class: String, children: Children) -> impl IntoView {
    view! { <dl class=join("facts", &class)>{children()}</dl> }
}

/// One fact: what it is, and its value.
#[component]
pub fn Fact(#[prop(into)] label: String, children: Children) -> impl IntoView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd>{children()}</dd>
        </div>
    }
}
