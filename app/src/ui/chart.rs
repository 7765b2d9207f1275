//! Figures, drawn by us: the server renders them, so they are there without scripts, in both themes, at any width, and no
//! chart library reaches the browser. Scripts add what the pointer asks for, and the same figures as a table.
//!
//! ```ignore
//! let hours = vec!["9\nMon 23 Nov".to_owned(), "10".to_owned(), "11".to_owned()];
//! let chart = Chart::new(Shape::Bars, "Hour", hours)
//!     .series(Series::new("First attempts", 1, vec![170, 185, 190]))
//!     .series(Series::new("Retries", 1, vec![0, 2, 5]).faint());
//! view! { <ChartFrame title="Calls per hour" summary="Bars: most at 11, with 195." chart=chart/> }
//! ```
//! P10, P50 and P90: `Series::new("Credits", 1, p50).spread(p10_and_p90)` draws whiskers on bars and a band around a line. A
//! histogram whose tails are pale: `Series::new("Runs", 1, runs).strong(5..15)`.

mod plot;

use std::ops::Range;

use leptos::{ev, html};

use super::{IconButton, Size, grouped, join, some};
use crate::prelude::*;
use plot::{Plot, percent};

/// How the series of a chart stand together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Filled layers on top of each other, the first at the bottom: parts of a whole over time.
    #[default]
    Area,
    /// Bars whose parts lie on top of each other, the first at the bottom.
    Bars,
    /// Bars beside each other: things to compare.
    Groups,
    /// Lines over each other: levels over time.
    Lines,
}

impl Shape {
    const fn is_stacked(self) -> bool {
        matches!(self, Self::Area | Self::Bars)
    }
    /// Points stand in the middle of their share of the width; those of layers and lines reach both ends.
    const fn is_barred(self) -> bool {
        matches!(self, Self::Bars | Self::Groups)
    }
}

/// One row of figures: its name, its colour, and a value for each label of the chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    name: String,
    colour: u8,
    values: Vec<i64>,
    faint: bool,
    strong: Option<Range<usize>>,
    spread: Vec<(i64, i64)>,
}

impl Series {
    /// A series in colour 1–5 of the chart palette. Values below zero are drawn as zero.
    pub fn new(name: impl Into<String>, colour: u8, values: Vec<i64>) -> Self {
        Self { name: name.into(), colour, values, faint: false, strong: None, spread: Vec::new() }
    }
    /// Drawn paler: what matters less, or a second series of the same colour.
    pub fn faint(mut self) -> Self {
        self.faint = true;
        self
    }
    /// Only the bars at these positions are strong; the others are pale.
    pub fn strong(mut self, positions: Range<usize>) -> Self {
        self.strong = Some(positions);
        self
    }
    /// Low and high around each value: whiskers on bars beside each other, a band around a line.
    pub fn spread(mut self, low_and_high: Vec<(i64, i64)>) -> Self {
        self.spread = low_and_high;
        self
    }
    fn value(&self, i: usize) -> i64 {
        self.values.get(i).copied().unwrap_or_default().max(0)
    }
    fn is_faint_at(&self, i: usize) -> bool {
        self.faint || self.strong.as_ref().is_some_and(|strong| !strong.contains(&i))
    }
}

/// What is drawn: labels along the bottom, and series over them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chart {
    shape: Shape,
    across: String,
    labels: Vec<String>,
    series: Vec<Series>,
    unit: &'static str,
    counted: bool,
}

impl Chart {
    /// A chart without series. `across` says what the labels are ("Day"); a label may have a second line after `\n`.
    pub fn new(shape: Shape, across: impl Into<String>, labels: Vec<String>) -> Self {
        Self { shape, across: across.into(), labels, ..Self::default() }
    }
    /// Adds a series.
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }
    /// What values are counted in, where numbers alone do not say it: `cr`, `%`.
    pub fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }
    /// The legend shows the sum of each series.
    pub fn counted(mut self) -> Self {
        self.counted = true;
        self
    }

    fn text(&self, value: i64) -> String {
        match self.unit {
            "" => grouped(value),
            "%" => format!("{}%", grouped(value)),
            unit => format!("{} {unit}", grouped(value)),
        }
    }

    fn range_text(&self, series: &Series, i: usize) -> String {
        let value = self.text(series.value(i));
        match series.spread.get(i) {
            Some((low, high)) => format!("{value} ({}–{})", grouped(*low), grouped(*high)),
            None => value,
        }
    }
}

/// The classes of a mark: its colour, and whether it is pale.
fn ink(colour: u8, faint: bool) -> &'static str {
    match (colour, faint) {
        (1, false) => "ink-1",
        (2, false) => "ink-2",
        (3, false) => "ink-3",
        (4, false) => "ink-4",
        (_, false) => "ink-5",
        (1, true) => "ink-1 faint",
        (2, true) => "ink-2 faint",
        (3, true) => "ink-3 faint",
        (4, true) => "ink-4 faint",
        (_, true) => "ink-5 faint",
    }
}

fn key(chart: &Chart, series: &Series) -> AnyView {
    // A pale layer is large and a pale line is dashed; the small mark of the legend needs the full colour to be seen.
    let faint = series.faint && chart.shape.is_barred();
    view! { <span class=join("dot ink", ink(series.colour, faint))></span> }
}

/// One series needs no legend: the title says what it is.
fn legend(chart: &Chart) -> AnyView {
    if chart.series.len() < 2 {
        return ().into_any();
    }
    let items = chart
        .series
        .iter()
        .map(|series| {
            let sum = chart.counted.then(|| chart.text(series.values.iter().sum()));
            view! {
                <li class="flex items-center gap-2">
                    {key(chart, series)} {series.name.clone()} <span class="text-muted-foreground tabular-nums">{sum}</span>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="flex flex-wrap gap-x-5 gap-y-1 px-5 pt-3 text-sm" aria-label="Legend">{items}</ul> }
}

fn data_table(title: &str, chart: &Chart) -> AnyView {
    let head = chart.series.iter().map(|series| view! { <th scope="col" class="n">{series.name.clone()}</th> }).collect_view();
    let rows = (chart.labels.iter().enumerate())
        .map(|(i, label)| {
            let cells =
                chart.series.iter().map(|series| view! { <td class="n">{chart.range_text(series, i)}</td> }).collect_view();
            view! { <tr><th scope="row">{label.clone()}</th> {cells}</tr> }
        })
        .collect_view();
    view! {
        <table class="table">
            <caption class="sr-only">{title.to_owned()}</caption>
            <thead><tr><th scope="col">{chart.across.clone()}</th> {head}</tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

/// Axes, lines, and marks.
fn drawing(chart: &Chart) -> AnyView {
    let plot = Plot::of(chart);
    let rules = plot.ticks().map(|tick| view! { <i class="plot-rule" style=format!("bottom:{}", percent(plot.up(tick)))></i> });
    let bars = plot
        .bars()
        .into_iter()
        .map(|bar| {
            let parts =
                bar.parts.into_iter().map(|(class, grow)| view! { <i class=class style=format!("flex-grow:{grow}")></i> });
            view! { <div class="plot-bar" style=bar.style>{parts.collect_view()}</div> }
        })
        .collect_view();
    let whiskers = plot.whiskers().into_iter().map(|style| view! { <i class="plot-whisker" style=style></i> }).collect_view();
    let paths = plot.paths();
    let drawn = (!paths.is_empty()).then(|| {
        let paths = paths.into_iter().map(|(class, d)| view! { <path class=class d=d></path> }).collect_view();
        view! { <svg viewBox=plot::VIEW_BOX preserveAspectRatio="none" aria-hidden="true">{paths}</svg> }
    });
    view! { {rules.collect_view()} {drawn} {bars} {whiskers} }
}

fn scale(chart: &Chart) -> AnyView {
    let plot = Plot::of(chart);
    let texts: Vec<_> = plot.ticks().map(|tick| (plot.up(tick), chart.text(tick))).collect();
    let widest = texts.iter().map(|(_, text)| text.clone()).max_by_key(String::len);
    let ticks = texts.into_iter().map(|(up, text)| view! { <span style=format!("bottom:{}", percent(up))>{text}</span> });
    // The widest label once more, unseen: it gives the column its width.
    view! { <b>{widest}</b> {ticks.collect_view()} }
}

fn labels(chart: &Chart) -> AnyView {
    let plot = Plot::of(chart);
    plot.labels()
        .map(|(i, wide_only)| {
            let at = format!("left:{}", percent(plot.along(i)));
            view! { <span class=wide_only.then_some("max-sm:hidden") style=at>{chart.labels[i].clone()}</span> }
        })
        .collect_view()
        .into_any()
}

/// What the pointer asks for: the label and its values.
fn tip(chart: &Chart, i: usize) -> Option<AnyView> {
    let label = chart.labels.get(i)?.replace('\n', ", ");
    let at = Plot::of(chart).along(i);
    let row = |key: AnyView, name: String, value: String| view! { <div>{key} <dt>{name}</dt> <dd>{value}</dd></div> };
    // Top to bottom as they lie in the stack.
    let rows = chart.series.iter().rev().map(|series| row(key(chart, series), series.name.clone(), chart.range_text(series, i)));
    let sum = (chart.shape.is_stacked() && chart.series.len() > 1)
        .then(|| row(().into_any(), "All".to_owned(), chart.text(chart.series.iter().map(|series| series.value(i)).sum())));
    let class = if at > plot::SIDE / 2 { "plot-tip before" } else { "plot-tip" };
    let shown = view! {
        <i class="plot-here" style=format!("left:{}", percent(at))></i>
        <div class=class style=format!("left:{}", percent(at))>
            <b>{label}</b>
            <dl>{rows.collect_view()} {sum}</dl>
        </div>
    };
    Some(shown.into_any())
}

/// The figure alone, for places that have their own card. `summary` says in a sentence what is seen.
#[component]
pub fn Figure(
    #[prop(into)] chart: Signal<Chart>,
    #[prop(into)] summary: Signal<String>,
    /// Height in px; fixed, so nothing jumps.
    #[prop(default = 300)]
    height: u32,
) -> impl IntoView {
    let node = NodeRef::<html::Div>::new();
    let pointed = RwSignal::new(None::<usize>);
    let follow = move |event: ev::PointerEvent| {
        let wide = node.get_untracked().map_or(0, |node| node.client_width());
        pointed.set(chart.with_untracked(|chart| Plot::of(chart).at(event.offset_x(), wide)));
    };
    let deep = move || chart.with(|chart| chart.labels.iter().any(|label| label.contains('\n')));
    view! {
        <figure class="chart" role="img" aria-label=summary>
            <div class="plot" style=format!("height:{height}px")>
                <div class="plot-y">{move || chart.with(scale)}</div>
                <div class="plot-area" node_ref=node on:pointermove=follow on:pointerdown=follow on:pointerleave=move |_| pointed.set(None)>
                    {move || chart.with(drawing)}
                    {move || pointed.get().and_then(|i| chart.with(|chart| tip(chart, i)))}
                </div>
                <div class="plot-x" class:deep=deep>{move || chart.with(labels)}</div>
            </div>
        </figure>
    }
}

/// A card with a chart: title, scope line, legend, figure, and the same figures as a table behind a button.
#[component]
pub fn ChartFrame(
    #[prop(into)] title: String,
    #[prop(optional, into)] scope: String,
    #[prop(into)] summary: Signal<String>,
    #[prop(into)] chart: Signal<Chart>,
    /// Height of the figure in px.
    #[prop(default = 300)]
    height: u32,
    #[prop(optional, into)] actions: Option<ViewFn>,
    #[prop(optional, into)] foot: Option<ViewFn>,
    #[prop(optional, into)] class: String,
) -> impl IntoView {
    let as_table = RwSignal::new(false);
    let named = title.clone();
    let caption = title.clone();
    view! {
        <section class=join("card chart-card", &class) aria-label=named class:as-table=as_table>
            <div class="card-head">
                <div class="min-w-0">
                    <h2>{title}</h2>
                    {some(scope).map(|scope| view! { <p>{scope}</p> })}
                </div>
                <div class="flex shrink-0 gap-1">
                    {actions.map(|actions| actions.run())}
                    <IconButton
                        icon=icondata::LuTable2
                        label="Show as table"
                        size=Size::Small
                        class="chart-toggle"
                        attr:aria-pressed=move || as_table.get().to_string()
                        on:click=move |_| as_table.update(|on| *on = !*on)
                    />
                </div>
            </div>
            {move || chart.with(legend)}
            <div class="chart-body"><Figure chart=chart summary=summary height=height/></div>
            <div class="chart-data" style=format!("max-height:{}px", height + 12)>
                {move || chart.with(|chart| data_table(&caption, chart))}
            </div>
            {foot.map(|foot| view! { <div class="card-foot">{foot.run()}</div> })}
        </section>
    }
}

/// A ring of shares with its legend; `middle` is what stands inside it. Goes inside a `Card`.
#[component]
pub fn Donut(
    /// Name, colour 1–5, and value of each share.
    #[prop(into)]
    shares: Signal<Vec<(String, u8, i64)>>,
    #[prop(into)] summary: Signal<String>,
    #[prop(optional, into)] middle: Signal<String>,
) -> impl IntoView {
    let arcs = move || {
        let shares = shares.get();
        let values: Vec<i64> = shares.iter().map(|(.., value)| *value).collect();
        (plot::arcs(&values).into_iter().zip(shares))
            .map(|((length, offset), (_, colour, _))| {
                let dash = format!("{length} {}", plot::SIDE - length);
                let class = join("arc", ink(colour, false));
                let begin = (-offset).to_string();
                view! { <circle class=class cx="21" cy="21" r="16" pathLength=plot::SIDE stroke-dasharray=dash stroke-dashoffset=begin></circle> }
            })
            .collect_view()
    };
    let legend = move || {
        let shares = shares.get();
        let whole = shares.iter().map(|(.., value)| *value).sum::<i64>().max(1);
        (shares.into_iter())
            .map(|(name, colour, value)| {
                view! {
                    <li class="flex items-center gap-2">
                        <span class=join("dot ink", ink(colour, false))></span>
                        <span class="flex-1">{name}</span>
                        <span class="tabular-nums">{grouped(value)}</span>
                        <span class="w-12 text-end text-muted-foreground tabular-nums">{format!("{}%", value * 100 / whole)}</span>
                    </li>
                }
            })
            .collect_view()
    };
    view! {
        <div class="flex flex-wrap items-center gap-6">
            <figure class="donut" role="img" aria-label=summary>
                <svg viewBox="0 0 42 42" aria-hidden="true">{move || arcs()}</svg>
                <figcaption>{middle}</figcaption>
            </figure>
            <ul class="flex min-w-48 flex-1 flex-col gap-2 text-sm" aria-label="Legend">{move || legend()}</ul>
        </div>
    }
}
