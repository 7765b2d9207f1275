//! Small marks: badges, chips, avatars, deltas, keys. The dot carries the tone, the text stays readable.

use super::{Icon, Tone, join};
use crate::prelude::*;

/// A status or a judgement. Plain by default (dot and text); `soft` fills it, for one judgement per view.
#[component]
pub fn Badge(
    #[prop(into)] label: Signal<String>,
    #[prop(optional, into)] tone: Signal<Tone>,
    #[prop(optional)] soft: bool,
    #[prop(optional, into)] class: String,
) -> impl IntoView {
    let base = join(if soft { "badge soft plain" } else { "badge" }, &class);
    view! { <span class=move || join(&base, tone.get().class())>{label}</span> }
}

/// An active filter: what it is, its value, and a link that removes it.
#[component]
pub fn Chip(#[prop(into)] label: String, #[prop(into)] value: String, #[prop(into)] remove_href: String) -> impl IntoView {
    let name = format!("Remove filter {label}");
    view! {
        <span class="chip">
            <span>{label}</span>
            <b>{value}</b>
            <a href=remove_href aria-label=name><Icon icon=icondata::LuX/></a>
        </span>
    }
}

/// Up to two initials of a name: "Maya Okafor" → "MO", "Belfry" → "B".
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter(|word| word.starts_with(char::is_alphanumeric));
    let first = words.next();
    let last = words.next();
    [first, last].into_iter().flatten().filter_map(|word| word.chars().next()).flat_map(char::to_uppercase).collect()
}

/// Initials in a circle, or in a square for organisations. Decoration: the name stands beside it.
#[component]
pub fn Avatar(
    #[prop(into)] text: String,
    #[prop(optional)] square: bool,
    #[prop(optional, into)] class: String,
) -> impl IntoView {
    let class = join(if square { "avatar square" } else { "avatar" }, &class);
    view! { <span class=class aria-hidden="true">{text}</span> }
}

/// Which way a figure moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    Up,
    Down,
    Flat,
}

/// A change against a period before. `good` decides the colour: a falling cost is down and good.
#[component]
pub fn Delta(#[prop(into)] text: String, trend: Trend, #[prop(default = true)] good: bool) -> impl IntoView {
    let (icon, word) = match trend {
        Trend::Up => (icondata::LuArrowUp, "up "),
        Trend::Down => (icondata::LuArrowDown, "down "),
        Trend::Flat => (icondata::LuMinus, "unchanged "),
    };
    let class = match (trend, good) {
        (Trend::Flat, _) => "delta flat",
        (_, true) => "delta up",
        (_, false) => "delta down",
    };
    view! {
        <span class=class>
            <Icon icon=icon/>
            <span class="sr-only">{word}</span>
            {text}
        </span>
    }
}

/// A key on the keyboard.
#[component]
pub fn Kbd(#[prop(into)] key: String) -> impl IntoView {
    view! { <kbd class="kbd">{key}</kbd> }
}

/// The green dot that says something is happening now; `stale=true` greys it when the stream is down.
#[component]
pub fn LiveDot(#[prop(optional, into)] stale: Signal<bool>) -> impl IntoView {
    view! { <span class="live-dot" class:stale=stale aria-hidden="true"></span> }
}
