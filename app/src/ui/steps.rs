//! Where one is: tabs as links, the stepper of a long form, the timeline of what happened.

use super::{Icon, Tone, join, some};
use crate::prelude::*;

/// One tab. The caller says which is current, from the URL.
#[derive(Clone)]
pub struct Tab {
    label: String,
    href: String,
    current: bool,
    count: String,
}

impl Tab {
    /// A tab that is a link.
    pub fn new(label: impl Into<String>, href: impl Into<String>, current: bool) -> Self {
        Self { label: label.into(), href: href.into(), current, count: String::new() }
    }
    /// A number after the label.
    pub fn count(mut self, count: impl ToString) -> Self {
        self.count = count.to_string();
        self
    }
}

/// Tabs as links: each is a URL, the current one has `aria-current="page"`.
#[component]
pub fn Tabs(
    #[prop(into)] label: String,
    #[prop(into)] items: Signal<Vec<Tab>>,
    #[prop(optional, into)] class: String,
) -> impl IntoView {
    let links = move || {
        items
            .get()
            .into_iter()
            .map(|tab| {
                let count = some(tab.count).map(|count| view! { <span class="count">{count}</span> });
                view! { <a href=tab.href aria-current=tab.current.then_some("page")>{tab.label} {count}</a> }
            })
            .collect_view()
    };
    view! { <nav class=join("tabs", &class) aria-label=label>{move || links()}</nav> }
}

/// The steps of a long form; `current` counts from 0. With `on_pick`, steps already done can be gone back to.
#[component]
pub fn Stepper(
    steps: Vec<String>,
    #[prop(into)] current: Signal<usize>,
    /// A column beside the form instead of a row above it.
    #[prop(optional)]
    vertical: bool,
    #[prop(optional, into)] on_pick: Option<Callback<usize>>,
    #[prop(optional, into)] class: String,
) -> impl IntoView {
    let count = steps.len();
    let items = steps
        .into_iter()
        .enumerate()
        .map(|(i, label)| {
            let mark = move || {
                if i < current.get() {
                    view! { <Icon icon=icondata::LuCheck class="size-3"/> }
                } else {
                    view! { <span>{i + 1}</span> }
                }
            };
            let inside =
                view! { <span class="mark" aria-hidden="true">{move || mark()}</span> <span class="step-label">{label}</span> };
            let body = match on_pick {
                Some(pick) => {
                    let ahead = move || i >= current.get();
                    view! { <button type="button" disabled=ahead on:click=move |_| pick.run(i)>{inside}</button> }
                }
                None => view! { <span class="contents">{inside}</span> },
            };
            let line = (!vertical && i + 1 < count).then(|| {
                view! {
                    <li class="step-gap" aria-hidden="true">
                        <Icon icon=icondata::LuChevronRight class="size-3.5 opacity-50 rtl:-scale-x-100"/>
                    </li>
                }
            });
            let done = move || i < current.get();
            let here = move || (i == current.get()).then_some("step");
            view! {
                <li class:done=done aria-current=here>{body}</li>
                {line}
            }
        })
        .collect_view();
    let class = join(if vertical { "stepper stepper-vertical" } else { "stepper" }, &class);
    view! { <ol class=class aria-label="Steps">{items}</ol> }
}

/// What happened, oldest or newest first as the caller orders it.
#[component]
pub fn Timeline(#[prop(optional, into)] class: String, children: Children) -> impl IntoView {
    view! { <ol class=join("timeline text-sm", &class)>{children()}</ol> }
}

/// One moment: what, when, and details as children.
#[component]
pub fn TimelineItem(
    #[prop(into)] title: String,
    #[prop(optional, into)] time: String,
    #[prop(optional)] tone: Tone,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <li class=tone.class()>
            <div class="flex items-baseline justify-between gap-3">
                <span class="font-medium">{title}</span>
                {some(time).map(|time| view! { <span class="shrink-0 text-xs text-muted-foreground tabular-nums">{time}</span> })}
            </div>
            {children.map(|children| view! { <div class="text-muted-foreground">{children()}</div> })}
        </li>
    }
}
