//! From most to fewest: horizontal bars, each with its share of the first.

use crate::prelude::*;

/// One step of a funnel: name, count as text, and its share of the first step in percent.
#[derive(Clone)]
pub struct FunnelStep {
    label: String,
    count: String,
    percent: f64,
}

impl FunnelStep {
    /// A step; `percent` is of the first step.
    pub fn new(label: impl Into<String>, count: impl Into<String>, percent: f64) -> Self {
        Self { label: label.into(), count: count.into(), percent: percent.clamp(0.0, 100.0) }
    }
}

/// Horizontal bars from most to fewest. Goes inside a `Card`.
#[component]
pub fn Funnel(#[prop(into)] steps: Signal<Vec<FunnelStep>>) -> impl IntoView {
    let rows = move || {
        steps
            .get()
            .into_iter()
            .map(|step| {
                view! {
                    <li>
                        <div class="flex items-baseline justify-between gap-3 text-sm">
                            <span>{step.label}</span>
                            <span class="tabular-nums">
                                <b class="font-semibold">{step.count}</b>
                                " "
                                <span class="ms-1 inline-block w-13 text-end text-muted-foreground">
                                    {format!("{:.1}%", step.percent)}
                                </span>
                            </span>
                        </div>
                        <div class="mt-1.5 h-5 overflow-hidden rounded-[5px] bg-muted">
                            <div class="h-full rounded-[5px] bg-chart-1" style=format!("width:{:.1}%", step.percent)></div>
                        </div>
                    </li>
                }
            })
            .collect_view()
    };
    view! { <ol class="flex h-full flex-col justify-between gap-4">{move || rows()}</ol> }
}
