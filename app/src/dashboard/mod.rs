//! The first screen: figures of a period against the one before, calls per day, the funnel, and what is running now.

mod start;

use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::Error;
use model::accounts::Permission;
use model::campaigns::{CampaignRow, Progress};
use model::credits::Credits;
use model::dashboard::{Dashboard, DashboardRange, DayCalls, Totals};
use model::events::Topic;

use crate::campaigns::{ProgressBar, connect_rate, second_line};
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, count, link, live_lines, may, permille, word};
use crate::session::use_me;
use crate::ui::{
    Card, Cell, Chart, ChartFrame, Column, Empty, Funnel, FunnelStep, LinkButton, LiveDot, PageHeader, Segment, Segmented,
    Series, Shape, Size, Skeleton, Stat, Stats, Table, Trend, Variant, grouped,
};
use crate::wire::Answer;
use start::{Start, is_new};

/// The dashboard of one period.
#[server(protocol = crate::wire::Wire)]
pub async fn load_dashboard(range: DashboardRange) -> Result<Dashboard, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let figures = services::dashboard::load(&mut tx, range).await?;
    tx.commit().await?;
    Ok(figures)
}

/// `/`
#[component]
pub fn DashboardPage() -> impl IntoView {
    let query = use_query_map();
    let range = Memo::new(move |_| query.with(|query| word(query, "range").unwrap_or(DashboardRange::Month)));
    let (campaigns, calls) = (use_topic(Topic::Campaigns), use_topic(Topic::Calls));
    let (contacts, agents) = (use_topic(Topic::Contacts), use_topic(Topic::Agents));
    let news = move || campaigns.get() + calls.get() + contacts.get() + agents.get();
    let figures = Answer::new(news, move || LoadDashboard { range: range.get() });
    view! {
        <Title text="Dashboard"/>
        <Loaded resource=figures what="the dashboard" heading="Dashboard" waiting=waiting view=page/>
    }
}

fn waiting() -> impl IntoView {
    view! {
        <div class="page-head" role="status" aria-label="Loading">
            <div class="flex flex-col gap-3"><Skeleton class="h-7 w-48"/><Skeleton class="h-4 w-80"/></div>
        </div>
        <Skeleton class="mb-6 h-36 w-full"/>
        <div class="grid gap-6 xl:grid-cols-3"><Skeleton class="h-96 xl:col-span-2"/><Skeleton class="h-96"/></div>
    }
}

fn page(figures: Signal<Dashboard>) -> AnyView {
    let fresh = Memo::new(move |_| figures.with(is_new));
    let me = use_me();
    let manage = may(Permission::ManageCampaigns);
    let title = move || match me.with(|me| me.as_ref().and_then(|me| me.name.split_whitespace().next().map(str::to_owned))) {
        Some(name) if fresh.get() => format!("Welcome, {name}"),
        _ => "Dashboard".to_owned(),
    };
    let description = move || {
        if fresh.get() {
            return "A few short steps to your first call. It takes about ten minutes.".to_owned();
        }
        figures.with(|f| match f.range {
            DashboardRange::Week => format!("How your campaigns performed {}, compared with the 7 days before.", f.scope),
            DashboardRange::Month => format!("How your campaigns performed {}, compared with the 30 days before.", f.scope),
            DashboardRange::Total => format!("How your campaigns performed {}.", f.scope),
        })
    };
    let ranges = move || {
        let now = figures.with(|f| f.range);
        let items = DashboardRange::ALL
            .iter()
            .map(|range| {
                let word = if *range == DashboardRange::Month { "" } else { range.as_str() };
                Segment::new(range.label(), link("/", &[("range", word)]), *range == now)
            })
            .collect();
        (!fresh.get()).then(|| view! { <Segmented label="Period" items=items/> })
    };
    let create = move || {
        (manage.get() && !fresh.get())
            .then(|| view! { <LinkButton href="/campaigns?new=1" icon=icondata::LuPlus>"New campaign"</LinkButton> })
    };
    view! {
        <PageHeader title=Signal::derive(title) description=Signal::derive(description)>{move || ranges()} {move || create()}</PageHeader>
        {move || if fresh.get() {
            view! { <Start seen=figures/> }
        } else {
            view! { <Figures figures=figures/> }
        }}
    }
}

#[component]
fn Figures(figures: Signal<Dashboard>) -> impl IntoView {
    let days = Memo::new(move |_| figures.with(|f| f.days.clone()));
    let funnel_foot = move || {
        figures.with(|f| {
            let text = f.totals.cost_per_connect().map(Credits::rounded).unwrap_or_else(|| "–".to_owned());
            view! { <span>"Credits per connect"</span> <span class="text-foreground tabular-nums">{text}</span> }
        })
    };
    view! {
        <div class="flex flex-col gap-6">
            {move || strip(figures.get())}
            <div class="grid gap-6 xl:grid-cols-3">
                {move || per_day(days.get())}
                <Card title="Funnel" scope="From attempt to conversation" foot=funnel_foot>
                    <Funnel steps=Signal::derive(move || figures.with(funnel))/>
                </Card>
            </div>
            <Running figures=figures/>
        </div>
    }
}

/// A change against the period before, in percent; nothing when there is nothing to compare with.
fn change(now: i64, before: Option<i64>, rising_is_good: bool) -> Option<(String, Trend, bool)> {
    let before = before.filter(|before| *before > 0)?;
    let tenths = (now - before) * 1000 / before;
    Some(trend(tenths, format!("{}%", tenth(tenths)), rising_is_good))
}

/// A change of a share, in points.
fn points(now: Option<i64>, before: Option<i64>) -> Option<(String, Trend, bool)> {
    let tenths = now? - before?;
    Some(trend(tenths, format!("{} pt", tenth(tenths)), true))
}

fn tenth(tenths: i64) -> String {
    format!("{}.{}", tenths.abs() / 10, tenths.abs() % 10)
}

fn trend(tenths: i64, text: String, rising_is_good: bool) -> (String, Trend, bool) {
    match tenths {
        0 => (text, Trend::Flat, true),
        n if n > 0 => (text, Trend::Up, rising_is_good),
        _ => (text, Trend::Down, !rising_is_good),
    }
}

/// Ended calls of a day.
fn calls_of(day: &DayCalls) -> i64 {
    day.connected + day.voicemail + day.no_answer + day.busy + day.failed
}

fn strip(seen: Dashboard) -> impl IntoView {
    let (now, before) = (seen.totals, seen.before);
    let by_day = seen.days.clone();
    let line = move |read: fn(&DayCalls) -> f64| by_day.iter().map(read).collect::<Vec<f64>>();
    let was = move |read: fn(&Totals) -> i64| before.as_ref().map(read);
    let days = i64::try_from(seen.days.len()).unwrap_or(1).max(1);
    let average = if now.connected > 0 { crate::screen::duration(now.talk_seconds / now.connected) } else { String::new() };
    let cost = now.cost_per_connect();
    let cost_before = before.as_ref().and_then(Totals::cost_per_connect);
    let text = |text: String, words: &str| if text.is_empty() { String::new() } else { format!("{text} {words}") };
    view! {
        <Stats label="Figures of the period" class="grid-cols-2 lg:grid-cols-3 xl:grid-cols-6">
            <Stat label="Calls" value=grouped(now.calls) nostrip:delta=change(now.calls, was(|b| b.calls), true)
                note=format!("{} a day", grouped(now.calls / days)) points=line(|d| calls_of(d) as f64)/>
            <Stat label="Connect rate" value=now.connect_permille().map(permille).unwrap_or_default()
                nostrip:delta=points(now.connect_permille(), before.as_ref().and_then(Totals::connect_permille))
                note="of attempts" points=line(|d| d.connected as f64 / calls_of(d).max(1) as f64)/>
            <Stat label="Talk time" value=grouped(now.talk_seconds / 60) unit="min" nostrip:delta=change(now.talk_seconds, was(|b| b.talk_seconds), true)
                note=text(average, "each") points=line(|d| d.talk_seconds as f64)/>
            <Stat label="Spend" value=now.spent.rounded() unit="credits" nostrip:delta=change(now.spent.0, was(|b| b.spent.0), true)
                note=format!("{} a day", Credits(now.spent.0 / days).rounded()) points=line(|d| d.spent.0 as f64)/>
            <Stat label="People reached" value=grouped(now.reached) nostrip:delta=change(now.reached, was(|b| b.reached), true)
                note=format!("{} over 30 s", grouped(now.talked)) points=line(|d| d.connected as f64)/>
            <Stat label="Cost per connect" value=cost.map(Credits::rounded).unwrap_or_default() unit="credits"
                nostrip:delta=cost.and_then(|cost| change(cost.0, cost_before.map(|c| c.0), false))
                note=cost_before.map(|cost| format!("was {}", cost.rounded())).unwrap_or_default()
                points=line(|d| d.spent.0 as f64 / d.connected.max(1) as f64)/>
        </Stats>
    }
}

/// From attempt to conversation. Who answered is known per day only, so it is left out when the chart is cut.
fn funnel(seen: &Dashboard) -> Vec<FunnelStep> {
    let totals = &seen.totals;
    // The same rounding as the connect rate above.
    let step = |label: &str, part: i64| FunnelStep::new(label, grouped(part), (part * 1000 / totals.calls.max(1)) as f64 / 10.0);
    let whole = seen.days.iter().map(calls_of).sum::<i64>() == totals.calls;
    let answered = seen.days.iter().map(|day| day.connected + day.voicemail).sum();
    let mut steps = vec![step("Attempted", totals.calls)];
    if whole {
        steps.push(step("Answered", answered));
    }
    steps.extend([step("Connected to a person", totals.connected), step("Talked over 30 s", totals.talked)]);
    steps
}

/// One part of a day's calls: its name, its colour, whether it is pale, and how many there were.
type Part = (&'static str, u8, bool, fn(&DayCalls) -> i64);

/// What happened, most wanted first.
const PARTS: [Part; 5] = [
    ("Connected", 1, false, |day| day.connected),
    ("Voicemail", 3, true, |day| day.voicemail),
    ("No answer", 5, true, |day| day.no_answer),
    ("Busy", 2, false, |day| day.busy),
    ("Failed", 4, false, |day| day.failed),
];

/// The calls of each day as layers, with their figures as a table.
fn per_day(days: Vec<DayCalls>) -> AnyView {
    let all: i64 = days.iter().map(calls_of).sum();
    if all == 0 {
        return view! {
            <Card title="Calls per day" class="xl:col-span-2">
                <Empty icon=icondata::LuChartArea title="No calls in this period" text="Calls show here a second after they end."/>
            </Card>
        };
    }
    let labels = days.iter().map(|day| day.label.clone()).collect();
    let chart = PARTS.iter().fold(Chart::new(Shape::Area, "Day", labels).counted(), |chart, (name, colour, pale, read)| {
        let series = Series::new(*name, *colour, days.iter().map(read).collect());
        chart.series(if *pale { series.faint() } else { series })
    });
    let most =
        days.iter().max_by_key(|day| calls_of(day)).map(|day| format!("most on {} with {}", day.label, grouped(calls_of(day))));
    let summary =
        format!("Stacked areas of calls per day: {} in {} days, {}.", grouped(all), days.len(), most.unwrap_or_default());
    view! {
        <ChartFrame
            title="Calls per day"
            scope="Ended calls, by what happened"
            summary=summary
            chart=chart
            height=320
            class="xl:col-span-2"
        />
    }
}

#[component]
fn Running(figures: Signal<Dashboard>) -> impl IntoView {
    let rows: Signal<Vec<CampaignRow>> = Memo::new(move |_| figures.with(|f| f.running.clone())).into();
    let empty = Memo::new(move |_| rows.with(Vec::is_empty));
    let scope =
        move || figures.with(|f| format!("{} in flight, {} queued", count(f.live_calls, "call", "calls"), grouped(f.queued)));
    let actions = || view! { <LinkButton href="/calls?live=1" variant=Variant::Outline size=Size::Small>"See calls under way"</LinkButton> };
    let columns = || {
        vec![
            Column::new("Campaign"),
            Column::new("Progress"),
            Column::new("In flight").number(),
            Column::new("Connected").number(),
            Column::new("Spent").number(),
            Column::new("Ends").number(),
        ]
    };
    view! {
        <section class="card" aria-labelledby="running-title">
            <div class="card-head pb-3">
                <div class="min-w-0">
                    <h2 id="running-title">"Running campaigns"</h2>
                    <p class="flex items-center gap-2"><LiveDot stale=Signal::derive(move || figures.with(|f| f.live_calls == 0))/>{scope}</p>
                </div>
                {actions()}
            </div>
            {move || if empty.get() {
                view! {
                    <Empty icon=icondata::LuMegaphone title="Nothing is running" text="Launch a campaign and watch it here.">
                        <LinkButton href="/campaigns" variant=Variant::Outline>"Open campaigns"</LinkButton>
                    </Empty>
                }
            } else {
                view! {
                    <Table caption="Running campaigns" columns=columns()>
                        {live_lines(rows, |row: &CampaignRow| row.id.uuid(), running_row)}
                    </Table>
                }
            }}
        </section>
    }
}

fn running_row(row: Memo<CampaignRow>) -> AnyView {
    let id = row.with_untracked(|row| row.id);
    let progress = Memo::new(move |_| row.with(|row| row.progress));
    let dash = |text: String| if text.is_empty() { "–".to_owned() } else { text };
    let figure = move |read: fn(&Progress) -> String| move || dash(progress.with(read));
    view! {
        <tr>
            <td class="lead">
                <a class="font-medium hover:underline" href=format!("/campaigns/{id}")>{move || row.with(|row| row.name.clone())}</a>
                <span class="sub">{move || row.with(second_line)}</span>
            </td>
            <Cell label="Progress"><ProgressBar progress=progress running=true/></Cell>
            <Cell label="In flight" number=true>{figure(|p| grouped(p.calling))}</Cell>
            <Cell label="Connected" number=true>{figure(connect_rate)}</Cell>
            <Cell label="Spent" number=true>{figure(|p| p.spent.rounded())}</Cell>
            <Cell label="Ends" number=true muted=true>{move || row.with(|row| row.ends_at.map_or_else(|| "When done".to_owned(), |at| at.short()))}</Cell>
        </tr>
    }
}
