//! Form controls. Each works as plain HTML before hydration; inside a `Field` it takes name, id and ARIA from it.
//! `value`/`checked` is where it starts; `bind` is a signal kept in step with it.

use leptos::{html, prelude::*};
use wasm_bindgen::JsValue;

use super::{Icon, IconButton, Size, field::FieldContext, join};

/// Keeps a control and a signal in step without overwriting what was typed before hydration: the first run
/// takes the control's text if it differs, later runs write the signal's.
fn keep_in_step(signal: RwSignal<String>, element: impl Fn() -> Option<JsValue> + 'static) {
    Effect::new(move |before: Option<bool>| {
        let key = JsValue::from_str("value");
        let wanted = signal.get();
        let Some(element) = element() else { return false };
        let shown = js_sys::Reflect::get(&element, &key).ok().and_then(|v| v.as_string()).unwrap_or_default();
        if shown != wanted {
            if before != Some(true) && !shown.is_empty() {
                signal.set(shown);
            } else {
                // Setting a value on a live element cannot fail; there is nothing to do if it does.
                let _ = js_sys::Reflect::set(&element, &key, &JsValue::from_str(&wanted));
            }
        }
        true
    });
}

/// What every text-like control shares, resolved from props and the surrounding field.
struct Wiring {
    id: Option<String>,
    name: Option<String>,
    required: bool,
    described: Signal<Option<String>>,
    invalid: Signal<Option<&'static str>>,
}

fn wire(id: Option<String>, name: Option<String>) -> Wiring {
    match use_context::<FieldContext>() {
        Some(field) => {
            let error = field.error;
            Wiring {
                id: id.or_else(|| Some(field.id())),
                name: name.or_else(|| Some(field.name.clone())),
                required: field.required,
                described: Signal::derive(move || field.described_by()),
                invalid: Signal::derive(move || error.with(Option::is_some).then_some("true")),
            }
        }
        None => Wiring { id, name, required: false, described: Signal::default(), invalid: Signal::default() },
    }
}

fn control_class(small: Size, extra: &str) -> String {
    join(if small == Size::Small { "input input-sm" } else { "input" }, extra)
}

/// A one-line input. `kind` is the HTML type. Name and id come from the surrounding `Field`.
#[component]
pub fn Input(
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional, into)] value: String,
    #[prop(optional)] bind: Option<RwSignal<String>>,
    #[prop(optional, into)] name: Option<String>,
    #[prop(optional, into)] id: Option<String>,
    /// Accessible name when there is no visible label.
    #[prop(optional, into)]
    label: Option<String>,
    #[prop(optional, into)] placeholder: Option<String>,
    #[prop(optional, into)] autocomplete: Option<String>,
    #[prop(optional, into)] inputmode: Option<String>,
    #[prop(optional, into)] min: Option<String>,
    #[prop(optional, into)] max: Option<String>,
    #[prop(optional, into)] step: Option<String>,
    #[prop(optional)] maxlength: Option<u32>,
    #[prop(optional)] size: Size,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(optional, into)] class: String,
) -> impl IntoView {
    let wiring = wire(id, name);
    let node = NodeRef::<html::Input>::new();
    let value = bind.map_or(value, |signal| signal.get_untracked());
    if let Some(signal) = bind {
        keep_in_step(signal, move || node.get().map(JsValue::from));
    }
    view! {
        <input
            node_ref=node
            class=control_class(size, &class)
            type=kind
            id=wiring.id
            name=wiring.name
            value=value
            required=wiring.required
            placeholder=placeholder
            autocomplete=autocomplete
            inputmode=inputmode
            min=min
            max=max
            step=step
            maxlength=maxlength
            aria-label=label
            aria-describedby=wiring.described
            aria-invalid=wiring.invalid
            disabled=disabled
            on:input=move |event| {
                if let Some(signal) = bind {
                    signal.set(event_target_value(&event));
                }
            }
        />
    }
}

/// A password input with a button that shows what was typed.
#[component]
pub fn PasswordInput(
    #[prop(default = "current-password")] autocomplete: &'static str,
    #[prop(optional)] bind: Option<RwSignal<String>>,
    #[prop(optional, into)] name: Option<String>,
) -> impl IntoView {
    let wiring = wire(None, name);
    let shown = RwSignal::new(false);
    let node = NodeRef::<html::Input>::new();
    if let Some(signal) = bind {
        keep_in_step(signal, move || node.get().map(JsValue::from));
    }
    view! {
        <div class="relative">
            <input
                node_ref=node
                class="input pe-10"
                type=move || if shown.get() { "text" } else { "password" }
                id=wiring.id
                name=wiring.name
                required=wiring.required
                autocomplete=autocomplete
                aria-describedby=wiring.described
                aria-invalid=wiring.invalid
                on:input=move |event| {
                    if let Some(signal) = bind {
                        signal.set(event_target_value(&event));
                    }
                }
            />
            <IconButton
                icon=icondata::LuEye
                label="Show password"
                size=Size::Small
                class="absolute end-0.5 top-0.5"
                attr:aria-pressed=move || shown.get().to_string()
                on:click=move |_| shown.update(|shown| *shown = !*shown)
            />
        </div>
    }
}

/// Several lines of text.
#[component]
pub fn Textarea(
    #[prop(optional, into)] value: String,
    #[prop(optional)] bind: Option<RwSignal<String>>,
    #[prop(optional, into)] name: Option<String>,
    #[prop(optional, into)] id: Option<String>,
    #[prop(optional, into)] label: Option<String>,
    #[prop(optional, into)] placeholder: Option<String>,
    #[prop(default = 4)] rows: u32,
    #[prop(optional)] maxlength: Option<u32>,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(optional, into)] class: String,
) -> impl IntoView {
    let wiring = wire(id, name);
    let node = NodeRef::<html::Textarea>::new();
    let value = bind.map_or(value, |signal| signal.get_untracked());
    if let Some(signal) = bind {
        keep_in_step(signal, move || node.get().map(JsValue::from));
    }
    view! {
        <textarea
            node_ref=node
            class=join("input", &class)
            id=wiring.id
            name=wiring.name
            required=wiring.required
            placeholder=placeholder
            rows=rows
            maxlength=maxlength
            aria-label=label
            aria-describedby=wiring.described
            aria-invalid=wiring.invalid
            disabled=disabled
            on:input=move |event| {
                if let Some(signal) = bind {
                    signal.set(event_target_value(&event));
                }
            }
        >
            {value}
        </textarea>
    }
}

/// One entry of a `Select`: what is sent and what is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opt {
    pub value: String,
    pub label: String,
}

impl Opt {
    /// An entry of a select.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// A native select. `options` may change; `value` is the one chosen at the start.
#[component]
pub fn Select(
    #[prop(into)] options: Signal<Vec<Opt>>,
    #[prop(optional, into)] value: String,
    #[prop(optional)] bind: Option<RwSignal<String>>,
    #[prop(optional, into)] name: Option<String>,
    #[prop(optional, into)] id: Option<String>,
    #[prop(optional, into)] label: Option<String>,
    #[prop(optional)] size: Size,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(optional, into)] class: String,
) -> impl IntoView {
    let wiring = wire(id, name);
    let node = NodeRef::<html::Select>::new();
    if let Some(signal) = bind {
        keep_in_step(signal, move || {
            options.track();
            node.get().map(JsValue::from)
        });
    }
    let chosen = move || bind.map_or_else(|| value.clone(), |signal| signal.get_untracked());
    view! {
        <select
            node_ref=node
            class=join(&control_class(size, "select"), &class)
            id=wiring.id
            name=wiring.name
            required=wiring.required
            aria-label=label
            aria-describedby=wiring.described
            aria-invalid=wiring.invalid
            disabled=disabled
            on:change=move |event| {
                if let Some(signal) = bind {
                    signal.set(event_target_value(&event));
                }
            }
        >
            {move || {
                let chosen = chosen();
                options
                    .get()
                    .into_iter()
                    .map(|option| view! { <option value=option.value.clone() selected=option.value == chosen>{option.label}</option> })
                    .collect_view()
            }}
        </select>
    }
}

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
            <span>{label} {super::some(hint).map(|hint| view! { <span class="hint mt-0.5">{hint}</span> })}</span>
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
            <span>{label} {super::some(hint).map(|hint| view! { <span class="hint mt-0.5">{hint}</span> })}</span>
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
    let cards = choices
        .into_iter()
        .map(|choice| radio_card(choice, name.clone(), &value, bind))
        .collect_view();
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
    let badge = super::some(choice.badge).map(|text| view! { <span class="badge soft plain tone-primary">{text}</span> });
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
        }
        .into_any(),
        None => view! { <label class="choice">{input} {words}</label> }.into_any(),
    }
}
