//! Buttons and links that look like buttons. One primary per view. Clicks are attached by the caller: `<Button on:click=…>`.

use leptos::ev;

use super::{Icon, Size, Variant, join};
use crate::prelude::*;

fn class_of(variant: Variant, size: Size, icon_only: bool, extra: &str) -> String {
    let mut class = format!("btn {}", variant.class());
    if size == Size::Small {
        class.push_str(" btn-sm");
    }
    if icon_only {
        class.push_str(" btn-icon");
    }
    join(&class, extra)
}

/// A busy button swallows clicks, so nothing is sent twice; it keeps focus, which `disabled` would lose.
fn swallow(busy: Signal<bool>) -> impl Fn(ev::MouseEvent) + Clone {
    move |event| {
        if busy.get_untracked() {
            event.prevent_default();
            event.stop_immediate_propagation();
        }
    }
}

/// The leading icon, or a spinner while busy. The place is kept, so the label does not jump when there is an icon.
fn lead(icon: Option<icondata::Icon>, busy: Signal<bool>) -> impl IntoView {
    move || {
        if busy.get() {
            Some(view! { <Icon icon=icondata::LuLoaderCircle class="animate-spin"/> })
        } else {
            icon.map(|icon| view! { <Icon icon=icon class=""/> })
        }
    }
}

/// A button. `submit=true` submits its form (or the form named by `form`); `busy` shows a spinner and swallows clicks.
#[component]
pub fn Button(
    #[prop(optional)] variant: Variant,
    #[prop(optional)] size: Size,
    #[prop(optional)] icon: Option<icondata::Icon>,
    #[prop(optional)] submit: bool,
    /// Id of a form elsewhere on the page, for buttons in a dialog's foot.
    #[prop(optional, into)]
    form: Option<String>,
    /// Sent with the form when this button submits it.
    #[prop(optional, into)]
    name: Option<String>,
    #[prop(optional, into)] value: Option<String>,
    #[prop(optional, into)] busy: Signal<bool>,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(optional, into)] class: String,
    children: Children,
) -> impl IntoView {
    view! {
        <button
            class=class_of(variant, size, false, &class)
            type=if submit { "submit" } else { "button" }
            form=form
            name=name
            value=value
            disabled=disabled
            aria-busy=move || busy.get().then_some("true")
            on:click=swallow(busy)
        >
            {lead(icon, busy)}
            {children()}
        </button>
    }
}

/// A square button with an icon; `label` is its accessible name and its tooltip.
#[component]
pub fn IconButton(
    icon: icondata::Icon,
    #[prop(into)] label: String,
    #[prop(default = Variant::Ghost)] variant: Variant,
    #[prop(optional)] size: Size,
    #[prop(optional)] submit: bool,
    #[prop(optional, into)] busy: Signal<bool>,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(optional, into)] class: String,
) -> impl IntoView {
    view! {
        <button
            class=class_of(variant, size, true, &class)
            type=if submit { "submit" } else { "button" }
            aria-label=label.clone()
            title=label
            disabled=disabled
            aria-busy=move || busy.get().then_some("true")
            on:click=swallow(busy)
        >
            {lead(Some(icon), busy)}
        </button>
    }
}

/// A link that looks like a button. With no children and a `label` it is a square icon link.
#[component]
pub fn LinkButton(
    #[prop(into)] href: String,
    #[prop(optional)] variant: Variant,
    #[prop(optional)] size: Size,
    #[prop(optional)] icon: Option<icondata::Icon>,
    /// Accessible name when there is no text.
    #[prop(optional, into)]
    label: Option<String>,
    /// `rel="external"` makes the router leave the link to the browser: downloads, other origins.
    #[prop(optional)]
    external: bool,
    #[prop(optional, into)] class: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let class = class_of(variant, size, children.is_none(), &class);
    view! {
        <a class=class href=href aria-label=label.clone() title=label rel=external.then_some("external")>
            {icon.map(|icon| view! { <Icon icon=icon/> })}
            {children.map(|children| children())}
        </a>
    }
}

/// One of a few views, as links: `Segment::new("Week", "?range=week", false)`.
#[derive(Clone)]
pub struct Segment {
    label: String,
    href: String,
    current: bool,
}

impl Segment {
    /// One choice of a [`Segmented`].
    pub fn new(label: impl Into<String>, href: impl Into<String>, current: bool) -> Self {
        Self { label: label.into(), href: href.into(), current }
    }
}

/// A row of links of which one is current; the query string is the state.
#[component]
pub fn Segmented(#[prop(into)] label: String, items: Vec<Segment>) -> impl IntoView {
    let items = items
        .into_iter()
        .map(|item| view! { <a href=item.href aria-current=item.current.then_some("true")>{item.label}</a> })
        .collect_view();
    view! { <nav class="segmented" aria-label=label>{items}</nav> }
}
