//! Menus and tooltips on the Popover API: top layer, light dismiss and Escape come with the browser, and so does their place
//! (anchors, in `overlays.css`); arrow keys are ours.

use leptos::{ev, html};
use wasm_bindgen::{JsCast, JsValue};

use super::{Icon, join, some};
use crate::prelude::*;

fn items(menu: &web_sys::HtmlElement) -> Vec<web_sys::HtmlElement> {
    let Ok(list) = menu.query_selector_all("[role=menuitem]:not([disabled])") else { return Vec::new() };
    let items = (0..list.length()).filter_map(|i| list.item(i)?.dyn_into::<web_sys::HtmlElement>().ok());
    // What the style sheet hides takes no focus.
    items.filter(|item| item.offset_height() > 0).collect()
}

/// Moves focus to the item `step` from the focused one, around the ends.
fn focus_item(menu: &web_sys::HtmlElement, key: &str) -> bool {
    let items = items(menu);
    let (Some(last), active) = (items.len().checked_sub(1), document().active_element()) else { return false };
    let here = items.iter().position(|item| active.as_deref() == Some(item.unchecked_ref()));
    let next = match (key, here) {
        ("ArrowDown", Some(i)) => {
            if i == last {
                0
            } else {
                i + 1
            }
        }
        ("ArrowUp", Some(i)) => {
            if i == 0 {
                last
            } else {
                i - 1
            }
        }
        ("ArrowDown" | "Home", _) => 0,
        ("ArrowUp" | "End", _) => last,
        _ => return false,
    };
    // A menu item can always take focus while its menu is open.
    let _ = items[next].focus();
    true
}

/// Whether a `toggle` event says that its popover is open now.
fn is_opening(event: &ev::Event) -> bool {
    let state = js_sys::Reflect::get(event, &JsValue::from_str("newState")).ok().and_then(|v| v.as_string());
    state.as_deref() == Some("open")
}

/// A button with a menu. `id` is unique on the page. `trigger` is drawn inside the button; without it an ellipsis is.
/// `<Menu id="m1" label="Actions for Acme"><MenuItem label="Edit" …/></Menu>`
#[component]
pub fn Menu(
    #[prop(into)] id: String,
    /// Accessible name of the button.
    #[prop(into)]
    label: String,
    #[prop(optional, into)] trigger: Option<ViewFn>,
    /// Class of the button; a small ghost icon button when empty.
    #[prop(optional, into)]
    class: String,
    /// Class of the menu itself.
    #[prop(optional, into)]
    menu_class: String,
    /// Aligns the menu's start edge with the button's; the end edges otherwise.
    #[prop(optional)]
    start: bool,
    children: Children,
) -> impl IntoView {
    let menu = NodeRef::<html::Div>::new();
    let open = RwSignal::new(false);
    let toggled = move |event: ev::Event| {
        open.set(is_opening(&event));
        if let (true, Some(menu)) = (open.get_untracked(), menu.get_untracked()) {
            focus_item(&menu, "Home");
        }
    };
    let keys = move |event: ev::KeyboardEvent| {
        if menu.get_untracked().is_some_and(|menu| focus_item(&menu, &event.key())) {
            event.prevent_default();
        }
    };
    let chosen = move |_: ev::MouseEvent| {
        if let Some(menu) = menu.get_untracked() {
            // Already hidden is the only way this fails.
            let _ = menu.hide_popover();
        }
    };
    let class = some(class).unwrap_or_else(|| "btn btn-ghost btn-icon btn-sm".into());
    let inside = trigger.map_or_else(|| view! { <Icon icon=icondata::LuEllipsis/> }, |trigger| trigger.run());
    let name = label.clone();
    view! {
        <button
            class=class
            type="button"
            aria-haspopup="menu"
            aria-expanded=move || open.get().to_string()
            popovertarget=id.clone()
        >
            {inside}
            // Text rather than aria-label: a trigger may have words of its own, and then both are its name.
            <span class="sr-only">{name}</span>
        </button>
        <div
            node_ref=menu
            id=id
            class=join(if start { "menu menu-start" } else { "menu" }, &menu_class)
            popover="auto"
            role="menu"
            aria-label=label
            on:toggle=toggled
            on:keydown=keys
            on:click=chosen
        >
            {children()}
        </div>
    }
}

/// An action of a menu; attach `on:click`. `submit` makes it submit the form it stands in.
#[component]
pub fn MenuItem(
    #[prop(into)] label: Signal<String>,
    #[prop(optional)] icon: Option<icondata::Icon>,
    #[prop(optional)] danger: bool,
    #[prop(optional)] submit: bool,
    #[prop(optional, into)] disabled: Signal<bool>,
) -> impl IntoView {
    view! {
        <button
            role="menuitem"
            type=if submit { "submit" } else { "button" }
            class=danger.then_some("danger")
            disabled=disabled
            tabindex="-1"
        >
            {icon.map(|icon| view! { <Icon icon=icon/> })}
            {label}
        </button>
    }
}

/// A menu entry that goes somewhere.
#[component]
pub fn MenuLink(
    #[prop(into)] href: String,
    #[prop(into)] label: String,
    #[prop(optional)] icon: Option<icondata::Icon>,
    #[prop(optional)] external: bool,
) -> impl IntoView {
    view! {
        <a role="menuitem" href=href tabindex="-1" rel=external.then_some("external")>
            {icon.map(|icon| view! { <Icon icon=icon/> })}
            {label}
        </a>
    }
}

/// A line between groups of a menu.
#[component]
pub fn MenuLine() -> impl IntoView {
    view! { <hr/> }
}

/// Words that appear on hover and focus. Screen readers get them as text, so use it for more than repeats the child.
#[component]
pub fn Tooltip(#[prop(into)] text: String, children: Children) -> impl IntoView {
    let bubble = NodeRef::<html::Span>::new();
    let show = move || {
        if let Some(bubble) = bubble.get_untracked() {
            // Already shown is the only way this fails.
            let _ = bubble.show_popover();
        }
    };
    let hide = move || {
        if let Some(bubble) = bubble.get_untracked() {
            // Already hidden is the only way this fails.
            let _ = bubble.hide_popover();
        }
    };
    view! {
        <span
            class="tipped inline-flex"
            on:mouseenter=move |_| show()
            on:mouseleave=move |_| hide()
            on:focusin=move |_| show()
            on:focusout=move |_| hide()
        >
            {children()}
            <span class="sr-only">" (" {text.clone()} ")"</span>
            <span node_ref=bubble class="tooltip" popover="manual" aria-hidden="true">{text}</span>
        </span>
    }
}
