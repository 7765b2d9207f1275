//! Figures of a period: one strip with hairlines between, so the eye compares figures and not boxes.

use super::{Delta, Trend, join, some};
use crate::prelude::*;

/// The strip around `Stat`s. `class` sets the columns; two on a phone by default.
#[component]
pub fn Stats(
    #[prop(into)] label: String,
    #[prop(default = "grid-cols-2 lg:grid-cols-4".into(), into)] class: String,
    children: Children,
) -> impl IntoView {
    view! { <section aria-label=label><dl class=join("stats", &class)>{children()}</dl></section> }
}

/// One figure: name, value with unit, change, a quiet note, and a sparkline of the period. An empty value shows a dash.
#[component]
pub fn Stat(
    #[prop(into)] label: String,
    #[prop(into)] value: Signal<String>,
    #[prop(optional, into)] unit: String,
    /// Change as text, which way, and whether that is good.
    #[prop(optional, into)]
    delta: Option<(String, Trend, bool)>,
    #[prop(optional, into)] note: Signal<String>,
    #[prop(optional)] points: Vec<f64>,
) -> impl IntoView {
    let unit = some(unit).map(|unit| view! { <span class="ms-0.5 text-base font-medium text-muted-foreground">{unit}</span> });
    let figure = move || match some(value.get()) {
        Some(value) => view! { <span>{value}</span> },
        None => view! { <span class="text-muted-foreground">"–"</span> },
    };
    let second = delta.is_some() || !note.with_untracked(String::is_empty);
    let delta = delta.map(|(text, trend, good)| view! { <Delta text=text trend=trend good=good/> });
    view! {
        <div class="stat">
            <dt>{label}</dt>
            <dd>{move || figure()} {unit}</dd>
            {second.then(|| view! {
                <dd class="mt-1 flex items-center gap-1.5 text-xs text-muted-foreground">{delta} <span class="truncate">{note}</span></dd>
            })}
            {(points.len() > 1).then(|| view! { <dd class="mt-3"><Sparkline points=points/></dd> })}
        </div>
    }
}

const SPARK_WIDE: f64 = 140.0;
const SPARK_HIGH: f64 = 30.0;
/// Room above and below the line, for its stroke.
const SPARK_PAD: f64 = 3.0;

/// The line of a sparkline as SVG points; a flat series is drawn in the middle.
fn spark_points(points: &[f64]) -> String {
    let (low, high) = points.iter().fold((f64::MAX, f64::MIN), |(low, high), p| (low.min(*p), high.max(*p)));
    let step = SPARK_WIDE / (points.len().saturating_sub(1).max(1)) as f64;
    let line: Vec<String> = points
        .iter()
        .enumerate()
        .map(|(i, point)| {
            let share = if high > low { (point - low) / (high - low) } else { 0.5 };
            format!("{:.1},{:.1}", i as f64 * step, SPARK_HIGH - SPARK_PAD - share * (SPARK_HIGH - 2.0 * SPARK_PAD))
        })
        .collect();
    line.join(" ")
}

/// A small line without axes; decoration, the figure beside it says the value.
#[component]
pub fn Sparkline(points: Vec<f64>) -> impl IntoView {
    let line = spark_points(&points);
    let area = format!("0,{SPARK_HIGH} {line} {SPARK_WIDE},{SPARK_HIGH}");
    view! {
        <svg class="spark" viewBox="0 0 140 30" preserveAspectRatio="none" aria-hidden="true">
            <polygon points=area/>
            <polyline points=line/>
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_fills_its_box_and_a_flat_one_stays_in_the_middle() {
        assert_eq!(spark_points(&[0.0, 10.0]), "0.0,27.0 140.0,3.0");
        assert_eq!(spark_points(&[4.0, 4.0, 4.0]), "0.0,15.0 70.0,15.0 140.0,15.0");
    }
}
