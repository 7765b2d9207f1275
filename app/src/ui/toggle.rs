//! Form controls that are chosen rather than typed: checkbox, switch, radio cards. Plain HTML before hydration;
//! `checked`/`value` is where it starts, `bind` is a signal kept in step with it.

use leptos::html;

use super::{Icon, join, some};
use crate::prelude::*;

fn toggle_input(
    class: &'static str,
    role: Option<&'static str>,
    name: Option<String>,
    value: String,
    checked: bool,
    bind: Option<RwSignal<bool>>,
    disabled: Signal<bool>,
) -> impl IntoView {
    let start = bind.map_or(checked, |signal| signal.get_untracked());
    let node = NodeRef::<html::Input>::new();
    if let Some(signal) = bind {
        Effect::new(move |_| {
            let wanted = signal.get();
            if let Some(element) = node.get() {
                element.set_checked(wanted);
            }
        });
    }
    view! {
        <input
            node_ref=node
            class=class
            type="checkbox"
            role=role
            name=name
            value=value
            checked=start
            disabled=disabled
            on:change=move |event| {
                if let Some(signal) = bind {
                    signal.set(event_target_checked(&event));
                }
            }
        />
    }
}

/// A checkbox with its label; `hint` is a second, quieter line. Sends `value` ("true" unless said) when checked.
#[component]
pub fn Checkbox(
    #[prop(into)] label: String,
    #[prop(optional, into)] name: Option<String>,
    #[prop(default = "true".into(), into)] value: String,
    #[prop(optional, into)] hint: String,
    #[prop(optional)] checked: bool,
    #[prop(optional)] bind: Option<RwSignal<bool>>,
    #[prop(optional, into)] disabled: Signal<bool>,
) -> impl IntoView {
    view! {
        <label class="flex items-start gap-2.5 text-sm">
            <span class="flex h-5 items-center">{toggle_input("check", None, name, value, checked, bind, disabled)}</span>
            <span>{label} {some(hint).map(|hint| view! { <span class="hint mt-0.5">{hint}</span> })}</span>
        </label>
    }
}

/// A setting that takes effect at once, or is saved with the form; same props as `Checkbox`.
#[component]
pub fn Switch(
    #[prop(into)] label: String,
    #[prop(optional, into)] name: Option<String>,
    #[prop(default = "true".into(), into)] value: String,
    #[prop(optional, into)] hint: String,
    #[prop(optional)] checked: bool,
    #[prop(optional)] bind: Option<RwSignal<bool>>,
    #[prop(optional, into)] disabled: Signal<bool>,
) -> impl IntoView {
    view! {
        <label class="flex items-start gap-3 text-sm">
            {toggle_input("switch", Some("switch"), name, value, checked, bind, disabled)}
            <span>{label} {some(hint).map(|hint| view! { <span class="hint mt-0.5">{hint}</span> })}</span>
        </label>
    }
}

/// One card of `RadioCards`.
#[derive(Clone)]
pub struct Choice {
    value: String,
    label: String,
    hint: String,
    icon: Option<icondata::Icon>,
    badge: String,
}

impl Choice {
    /// A choice with its one-line explanation.
    pub fn new(value: impl Into<String>, label: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: hint.into(), icon: None, badge: String::new() }
    }
    /// Draws an icon before the label.
    pub fn icon(mut self, icon: icondata::Icon) -> Self {
        self.icon = Some(icon);
        self
    }
    /// A short word after the label, e.g. "Advised".
    pub fn badge(mut self, badge: impl Into<String>) -> Self {
        self.badge = badge.into();
        self
    }
}

/// A few exclusive choices that need a line of explanation each. `class` sets the grid, e.g. `sm:grid-cols-2`.
#[component]
pub fn RadioCards(
    #[prop(into)] legend: String,
    #[prop(into)] name: String,
    choices: Vec<Choice>,
    #[prop(optional, into)] value: String,
    #[prop(optional)] bind: Option<RwSignal<String>>,
    /// Keeps the legend for screen readers only.
    #[prop(optional)]
    quiet: bool,
    #[prop(optional, into)] class: String,
) -> impl IntoView {
    let value = bind.map_or(value, |signal| signal.get_untracked());
    let cards = choices.into_iter().map(|choice| radio_card(choice, name.clone(), &value, bind)).collect_view();
    view! {
        <fieldset class="min-w-0">
            <legend class=if quiet { "sr-only" } else { "label mb-2" }>{legend}</legend>
            <div class=join("grid gap-3", &class)>{cards}</div>
        </fieldset>
    }
}

fn radio_card(choice: Choice, name: String, chosen: &str, bind: Option<RwSignal<String>>) -> AnyView {
    let checked = choice.value == chosen;
    let value = choice.value.clone();
    let of_signal = choice.value.clone();
    let input = view! {
        <input
            class="check"
            type="radio"
            name=name
            value=choice.value
            checked=checked
            prop:checked=move || bind.map_or(checked, |signal| signal.with(|now| *now == of_signal))
            on:change=move |_| {
                if let Some(signal) = bind {
                    signal.set(value.clone());
                }
            }
        />
    };
    let badge = some(choice.badge).map(|text| view! { <span class="badge soft plain tone-primary">{text}</span> });
    let words = view! {
        <span class="min-w-0 flex-1">
            <span class="flex flex-wrap items-center gap-x-2 text-sm font-medium">{choice.label} {badge}</span>
            <span class="hint mt-0.5">{choice.hint}</span>
        </span>
    };
    match choice.icon {
        Some(icon) => view! {
            <label class="choice">
                <span class="avatar square size-9" aria-hidden="true"><Icon icon=icon class="size-[18px]"/></span>
                {words}
                {input}
            </label>
        },
        None => view! { <label class="choice">{input} {words}</label> },
    }
}
