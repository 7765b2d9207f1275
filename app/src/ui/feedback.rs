//! What is shown while waiting, when there is nothing, and when something failed: progress, skeleton, empty, error, meter.

use super::{Button, CopyButton, Icon, Variant, join, some};
use crate::prelude::*;

/// Keeps a percentage drawable and readable.
fn whole(percent: f64) -> u8 {
    // The clamp makes the cast exact and in range.
    percent.clamp(0.0, 100.0).round() as u8
}

/// Long work in numbers: a bar, and under it what was done and when it will be over. `label` names it for screen readers.
#[component]
pub fn Progress(
    #[prop(into)] percent: Signal<f64>,
    #[prop(into)] label: String,
    /// "8,420 of 18,240 rows"
    #[prop(optional, into)]
    done: Signal<String>,
    /// "about 2 min left"
    #[prop(optional, into)]
    eta: Signal<String>,
    #[prop(optional, into)] class: String,
) -> impl IntoView {
    let now = move || whole(percent.get());
    let line = move || {
        let (done, eta) = (done.get(), eta.get());
        (!done.is_empty() || !eta.is_empty()).then(|| {
            view! {
                <div class="mt-1.5 flex justify-between gap-3 text-xs text-muted-foreground tabular-nums">
                    <span>{done}</span>
                    <span>{eta}</span>
                </div>
            }
        })
    };
    view! {
        <div class=join("w-full", &class)>
            <div class="progress" role="progressbar" aria-label=label aria-valuemin="0" aria-valuemax="100" aria-valuenow=now>
                <i style:width=move || format!("{}%", now())></i>
            </div>
            {move || line()}
        </div>
    }
}

/// A level that is not progress: minutes left, capacity used. Turns to the warning colour when `low`.
#[component]
pub fn Meter(
    #[prop(into)] percent: Signal<f64>,
    #[prop(into)] label: String,
    #[prop(optional, into)] low: Signal<bool>,
    #[prop(optional, into)] class: String,
) -> impl IntoView {
    let now = move || whole(percent.get());
    view! {
        <div class=join("progress", &class) role="meter" aria-label=label aria-valuemin="0" aria-valuemax="100" aria-valuenow=now>
            <i class:low=low style:width=move || format!("{}%", now())></i>
        </div>
    }
}

/// A grey shape in the place of what is loading; size it with `class`.
#[component]
pub fn Skeleton(#[prop(into)] class: String) -> impl IntoView {
    view! { <div class=join("skeleton", &class) aria-hidden="true"></div> }
}

/// A few lines of text that are loading.
#[component]
pub fn SkeletonText(#[prop(default = 3)] lines: usize) -> impl IntoView {
    let widths = ["w-full", "w-11/12", "w-3/5"];
    let lines = (0..lines).map(|i| view! { <Skeleton class=format!("h-3.5 {}", widths[i % widths.len()])/> }).collect_view();
    view! { <div class="flex flex-col gap-2.5" role="status" aria-label="Loading">{lines}</div> }
}

/// Table rows that are loading; the same height as real ones.
#[component]
pub fn SkeletonRows(#[prop(default = 8)] rows: usize, columns: usize) -> impl IntoView {
    let widths = ["w-36", "w-20", "w-28", "w-16", "w-24"];
    (0..rows)
        .map(|row| {
            let cells = (0..columns)
                .map(|col| view! { <td><Skeleton class=format!("h-3.5 {}", widths[(row + col) % widths.len()])/></td> })
                .collect_view();
            view! { <tr>{cells}</tr> }
        })
        .collect_view()
}

/// Nothing here yet: icon, one sentence, one action (the children).
#[component]
pub fn Empty(
    icon: icondata::Icon,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <span class="icon-wrap"><Icon icon=icon/></span>
            <p class="font-semibold">{title}</p>
            <p class="mt-1 max-w-80 text-sm text-muted-foreground">{text}</p>
            {children.map(|children| view! { <div class="mt-5 flex items-center gap-2">{children()}</div> })}
        </div>
    }
}

/// Something failed: what happened, a retry, and the trace id to quote. `text` says what it means for the reader.
#[component]
pub fn ErrorState(
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional, into)] trace: String,
    #[prop(optional, into)] on_retry: Option<Callback<()>>,
) -> impl IntoView {
    let retry = on_retry.map(|retry| {
        view! {
            <Button variant=Variant::Outline icon=icondata::LuRotateCw on:click=move |_| retry.run(())>"Try again"</Button>
        }
    });
    let trace = some(trace).map(|trace| {
        let label = format!("Trace {trace}");
        view! { <CopyButton text=trace label=label class="font-mono text-xs"/> }
    });
    view! {
        <div class="empty" role="alert">
            <span class="icon-wrap text-destructive!"><Icon icon=icondata::LuCloudOff/></span>
            <p class="font-semibold">{title}</p>
            <p class="mt-1 max-w-80 text-sm text-muted-foreground">{text}</p>
            <div class="mt-5 flex flex-wrap items-center justify-center gap-2">{retry} {trace}</div>
        </div>
    }
}
