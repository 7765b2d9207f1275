//! Dialogs on the native `<dialog>`: modal, focus returned, Escape closes, the page behind does not scroll. Three bands:
//! what, body that scrolls, actions. The body exists only while open, so each opening starts fresh.

use leptos::{ev, html};
use wasm_bindgen::JsCast;

use super::{Button, IconButton, Size, Variant, field::error_line, join, some};
use crate::prelude::*;

/// How wide a dialog is. `Side` is a drawer at the page's end edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DialogSize {
    #[default]
    Small,
    Medium,
    Large,
    Side,
}

impl DialogSize {
    const fn class(self) -> &'static str {
        match self {
            Self::Small => "max-w-lg",
            Self::Medium => "max-w-2xl",
            Self::Large => "max-w-4xl",
            Self::Side => "dialog-side",
        }
    }
}

/// Where focus goes on opening: what asks for it, else the first field, else the first action.
const FIRST_FOCUS: &str = "[autofocus],.dialog-body :is(input:not([type=hidden]),select,textarea),.dialog-foot button";

/// Opens and closes the element with the signal. Opening waits for the body to be in the document, and not for a frame: what is
/// typed right after the key that opened it belongs in its first field.
fn follow(node: NodeRef<html::Dialog>, open: RwSignal<bool>) {
    Effect::new(move |_| {
        let wanted = open.get();
        let Some(dialog) = node.get() else { return };
        if !wanted {
            if dialog.open() {
                dialog.close();
            }
            return;
        }
        queue_microtask(move || {
            if dialog.open() || !dialog.is_connected() || !open.get_untracked() {
                return;
            }
            if dialog.show_modal().is_err() {
                return;
            }
            let first = dialog.query_selector(FIRST_FOCUS).ok().flatten();
            if let Some(first) = first.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
                // Focus is a courtesy; the dialog itself has it otherwise.
                let _ = first.focus();
            }
        });
    });
}

/// A modal dialog shown while `open` is true. `foot` holds the actions; a submit button there names its form with `form=`.
/// `sticky` keeps a click on the backdrop from closing it (long forms).
#[component]
pub fn Dialog(
    open: RwSignal<bool>,
    /// Unique on the page; the title's id is derived from it.
    #[prop(into)]
    id: String,
    #[prop(into)] title: Signal<String>,
    #[prop(optional, into)] description: Signal<String>,
    #[prop(optional)] size: DialogSize,
    #[prop(optional, into)] foot: Option<ViewFn>,
    /// Words at the foot's start: the consequence.
    #[prop(optional, into)]
    consequence: Signal<String>,
    #[prop(optional)] sticky: bool,
    /// Leaves the body's padding to the children.
    #[prop(optional)]
    flush: bool,
    children: ChildrenFn,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    follow(node, open);
    let title_id = format!("{id}-title");
    let labelled = title_id.clone();
    // A click on the backdrop has the dialog itself as target: its own box is covered by the bands.
    let backdrop = move |event: ev::MouseEvent| {
        let on_backdrop = node.get_untracked().is_some_and(|dialog| event.target().as_ref() == Some(dialog.as_ref()));
        if on_backdrop && !sticky {
            open.set(false);
        }
    };
    let bands = move || {
        let actions = foot.clone().map(|foot| {
            view! {
                <div class="dialog-foot">
                    <p class="min-w-0 text-sm text-muted-foreground">{consequence}</p>
                    <div class="flex shrink-0 items-center gap-2">{foot.run()}</div>
                </div>
            }
        });
        view! {
            <div class="dialog-head">
                <div class="min-w-0">
                    <h2 id=title_id.clone()>{title}</h2>
                    {move || some(description.get()).map(|text| view! { <p>{text}</p> })}
                </div>
                <IconButton icon=icondata::LuX label="Close" size=Size::Small class="-me-2" on:click=move |_| open.set(false)/>
            </div>
            <div class=if flush { "dialog-body p-0!" } else { "dialog-body" }>{children()}</div>
            {actions}
        }
    };
    view! {
        <dialog
            node_ref=node
            id=id
            class=join("dialog", size.class())
            aria-labelledby=labelled
            on:close=move |_| open.set(false)
            on:click=backdrop
        >
            {move || open.get().then(|| bands().into_any())}
        </dialog>
    }
}

/// Asks before something that matters. With `typed`, the name must be typed first (for what cannot be undone).
/// `on_confirm` runs on the verb; close it yourself when the action has succeeded.
#[component]
pub fn ConfirmDialog(
    open: RwSignal<bool>,
    #[prop(into)] id: String,
    #[prop(into)] title: Signal<String>,
    #[prop(optional, into)] description: Signal<String>,
    /// The verb and its object: "Cancel campaign".
    #[prop(into)]
    confirm: Signal<String>,
    #[prop(default = "Keep it".into(), into)] cancel: String,
    #[prop(optional, into)] typed: String,
    #[prop(default = true)] destructive: bool,
    #[prop(optional, into)] busy: Signal<bool>,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(into)] on_confirm: Callback<()>,
) -> impl IntoView {
    let entry = RwSignal::new(String::new());
    let expected = StoredValue::new(typed);
    let ready = Signal::derive(move || expected.with_value(|name| name.is_empty() || entry.with(|e| e.trim() == name)));
    Effect::new(move |_| {
        if open.get() {
            entry.set(String::new());
        }
    });
    let variant = if destructive { Variant::Destructive } else { Variant::Primary };
    let (name_id, error_id) = (format!("{id}-name"), format!("{id}-error"));
    let foot = move || {
        let cancel = cancel.clone();
        view! {
            <Button variant=Variant::Outline on:click=move |_| open.set(false)>{cancel}</Button>
            <Button
                variant=variant
                busy=busy
                attr:aria-disabled=move || (!ready.get()).then_some("true")
                on:click=move |_| {
                    if ready.get_untracked() {
                        on_confirm.run(());
                    }
                }
            >
                {confirm}
            </Button>
        }
    };
    view! {
        <Dialog open=open id=id title=title description=description foot=foot>
            {
                let name_id = name_id.clone();
                (!expected.with_value(String::is_empty)).then(move || view! {
                    <div class="field">
                        <label class="label" for=name_id.clone()>"Type " <b>{expected.get_value()}</b> " to confirm"</label>
                        <input class="input" id=name_id.clone() autocomplete="off"
                            on:input=move |event| entry.set(event_target_value(&event))/>
                    </div>
                })
            }
            {error_line(error_id.clone(), error)}
        </Dialog>
    }
}
