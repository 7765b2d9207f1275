//! Figures. The server builds the option, the browser draws it when it scrolls into view; legend, summary and data table are
//! HTML, so a chart says the same without scripts and to a screen reader. Funnels are HTML altogether.

use leptos::{html, prelude::*};
use wasm_bindgen::prelude::*;

use super::{IconButton, Size, join};

#[wasm_bindgen(module = "/src/ui/chart.js")]
extern "C" {
    type Handle;
    fn attach(element: &web_sys::Element, option: &str) -> Handle;
    #[wasm_bindgen(method)]
    fn set(this: &Handle, option: &str);
    #[wasm_bindgen(method)]
    fn dispose(this: &Handle);
}

/// One legend entry: name, colour 1–5 of the chart palette, and its total.
#[derive(Clone)]
pub struct Legend {
    label: String,
    colour: u8,
    total: String,
}

impl Legend {
    /// A legend entry; `colour` is 1–5.
    pub fn new(label: impl Into<String>, colour: u8, total: impl Into<String>) -> Self {
        Self { label: label.into(), colour, total: total.into() }
    }
}

/// The figures behind a chart, as text. The first column heads its row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChartTable {
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

const fn dot(colour: u8) -> &'static str {
    match colour {
        1 => "dot bg-chart-1",
        2 => "dot bg-chart-2",
        3 => "dot bg-chart-3",
        4 => "dot bg-chart-4",
        _ => "dot bg-chart-5",
    }
}

fn legend_list(legend: Vec<Legend>) -> AnyView {
    if legend.is_empty() {
        return ().into_any();
    }
    let items = legend
        .into_iter()
        .map(|entry| {
            view! {
                <li class="flex items-center gap-2">
                    <span class=dot(entry.colour)></span>
                    {entry.label}
                    <span class="text-muted-foreground tabular-nums">{entry.total}</span>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="flex flex-wrap gap-x-5 gap-y-1 px-5 pt-3 text-sm" aria-label="Legend">{items}</ul> }.into_any()
}

fn data_table(title: String, table: ChartTable) -> AnyView {
    let head = table
        .head
        .into_iter()
        .enumerate()
        .map(|(i, name)| view! { <th scope="col" class=(i > 0).then_some("n")>{name}</th> })
        .collect_view();
    let rows = table
        .rows
        .into_iter()
        .map(|row| {
            let mut cells = row.into_iter();
            let first = cells.next().map(|text| view! { <th scope="row">{text}</th> });
            let rest = cells.map(|text| view! { <td class="n">{text}</td> }).collect_view();
            view! { <tr>{first} {rest}</tr> }
        })
        .collect_view();
    view! {
        <table class="table">
            <caption class="sr-only">{title}</caption>
            <thead><tr>{head}</tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

/// A drawn chart; letting go of it frees what ECharts holds.
struct Drawn(Handle);

impl Drop for Drawn {
    fn drop(&mut self) {
        self.0.dispose();
    }
}

/// Draws `option` into `node` when it is seen, follows its changes, and lets go of the chart with the component. The chart
/// lives in the effect, which exists in browsers only: on the server nothing may stay behind for another thread to drop.
fn draw(node: NodeRef<html::Div>, option: Signal<String>) {
    Effect::new(move |before: Option<Option<Drawn>>| {
        let element = node.get()?;
        let option = option.get();
        match before.flatten() {
            Some(drawn) => {
                drawn.0.set(&option);
                Some(drawn)
            }
            None => (!option.is_empty()).then(|| Drawn(attach(&element, &option))),
        }
    });
}

/// A card with a chart: title, scope line, legend, figure, and the same figures as a table behind a button.
/// `option` is ECharts JSON in which `"--chart-1/35"` names a token at 35 %. `summary` says in a sentence what is seen.
#[component]
pub fn ChartFrame(
    #[prop(into)] title: String,
    #[prop(optional, into)] scope: String,
    #[prop(into)] summary: Signal<String>,
    #[prop(into)] option: Signal<String>,
    #[prop(into)] table: Signal<ChartTable>,
    #[prop(optional)] legend: Vec<Legend>,
    /// Height of the figure in px; fixed, so nothing jumps when it is drawn.
    #[prop(default = 300)]
    height: u32,
    #[prop(optional, into)] actions: Option<ViewFn>,
    #[prop(optional, into)] foot: Option<ViewFn>,
    #[prop(optional, into)] class: String,
) -> impl IntoView {
    let node = NodeRef::<html::Div>::new();
    let as_table = RwSignal::new(false);
    draw(node, option);
    let named = title.clone();
    let caption = title.clone();
    view! {
        <section class=join("card chart-card", &class) aria-label=named class:as-table=as_table>
            <div class="card-head">
                <div class="min-w-0">
                    <h2>{title}</h2>
                    <p>{scope}</p>
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
            {legend_list(legend)}
            <figure class="chart px-3 pb-3" role="img" aria-label=summary>
                <div node_ref=node style=format!("height:{height}px")></div>
            </figure>
            <div class="chart-data" style=format!("max-height:{}px", height + 12)>
                {move || data_table(caption.clone(), table.get())}
            </div>
            {foot.map(|foot| view! { <div class="card-foot">{foot.run()}</div> })}
        </section>
    }
    .into_any()
}

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
    view! { <ol class="flex h-full flex-col justify-between gap-4">{rows}</ol> }
}
