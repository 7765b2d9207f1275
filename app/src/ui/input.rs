//! Form controls that are typed into or picked from. Each works as plain HTML before hydration; inside a `Field` it takes
//! name, id and ARIA from it. `value` is where it starts; `bind` is a signal kept in step with it.

use leptos::html;
use wasm_bindgen::JsValue;

use super::{IconButton, Size, field::FieldContext, join};
use crate::prelude::*;

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
                id: id.or_else(|| Some(field.id.clone())),
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
