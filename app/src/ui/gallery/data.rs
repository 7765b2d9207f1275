//! What is read: marks, figures, charts, tables, facts, and nothing, as the gallery shows it.
//! The words are samples; nothing here is read from anywhere.

use crate::prelude::*;
use crate::ui::*;

pub(super) fn marks() -> AnyView {
    let statuses = [
        ("Active", Tone::Success),
        ("Scheduled", Tone::Info),
        ("Paused", Tone::Warning),
        ("Completed", Tone::Primary),
        ("Draft", Tone::Neutral),
        ("Failed", Tone::Danger),
    ];
    let dots = statuses.map(|(label, tone)| view! { <Badge label=label tone=tone/> });
    let soft = statuses.map(|(label, tone)| view! { <Badge label=label tone=tone soft=true/> });
    view! {
        <div class="flex flex-wrap items-center gap-2.5">
            {dots} {soft}
            <Chip label="Agent" value="Nora" remove_href="?"/>
            <Kbd key="⌘K"/>
            <LiveDot/>
            <LiveDot stale=true/>
            <Delta text="12.4%" trend=Trend::Up/>
            <Delta text="3.0%" trend=Trend::Down good=false/>
            <Delta text="6.9%" trend=Trend::Down/>
            <Delta text="0.2%" trend=Trend::Flat/>
            <Avatar text="MO"/>
            <Avatar text="HP" square=true class="bg-primary-subtle text-primary"/>
        </div>
        <div class="mt-5 grid gap-6 sm:grid-cols-3">
            <Progress percent=46.0 label="Import" done="8,420 of 18,240 rows" eta="about 2 min left"/>
            <Progress percent=100.0 label="Export" done="Done"/>
            <div><Meter percent=56.0 label="Minutes left"/> <Meter class="mt-4" percent=8.0 low=true label="Minutes left, low"/></div>
        </div>
    }
}

pub(super) fn figures() -> AnyView {
    let up = |text: &str| (text.to_owned(), Trend::Up, true);
    view! {
        <Stats label="Last 30 days">
            <Stat label="Calls" value="21,168" delta=up("12.4%") note="916 inbound" points=vec![3.0, 4.0, 6.0, 5.5, 7.0, 6.8, 9.0, 8.0, 3.0]/>
            <Stat label="Connect rate" value="37.1" unit="%" delta=up("1.8 pt") note="of attempts" points=vec![2.0, 3.0, 2.5, 5.0, 6.0, 8.0, 9.0]/>
            <Stat label="Cost per positive" value="11.06" unit="cr" delta=("6.9%".to_owned(), Trend::Down, true) note="was 11.31" points=vec![9.0, 8.0, 8.5, 5.0, 4.0, 3.0, 1.0]/>
            <Stat label="Transfers" value="" note="none yet"/>
        </Stats>
    }
}

pub(super) fn charts() -> AnyView {
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri"].map(str::to_owned).to_vec();
    let stacked = Chart::new(Shape::Bars, "Day", days.clone())
        .series(Series::new("Connected", 1, vec![273, 313, 232, 295, 307]))
        .series(Series::new("No answer", 5, vec![260, 242, 176, 241, 275]).faint())
        .counted();
    let layers = Chart::new(Shape::Area, "Day", days.clone())
        .series(Series::new("Connected", 1, vec![273, 313, 232, 295, 307]))
        .series(Series::new("Voicemail", 3, vec![120, 140, 90, 110, 150]).faint())
        .series(Series::new("Busy", 2, vec![30, 40, 20, 10, 50]));
    let spread = vec![(880, 1_060), (930, 1_110), (600, 910), (700, 1_000), (720, 1_090)];
    let beside = Chart::new(Shape::Groups, "Day", days.clone())
        .series(Series::new("Rehearsed", 1, vec![948, 1_020, 760, 840, 900]).spread(spread.clone()))
        .series(Series::new("Spent", 2, vec![930, 1_090, 700, 860, 1_010]))
        .unit("cr");
    let lines = Chart::new(Shape::Lines, "Day", days)
        .series(Series::new("Most likely", 1, vec![948, 1_020, 760, 840, 900]).spread(spread))
        .series(Series::new("Last week", 3, vec![700, 690, 820, 750, 810]).faint());
    let runs = vec![2, 5, 9, 14, 22, 34, 46, 58, 67, 74, 70, 62, 52, 42, 31, 23, 15, 10, 7, 5, 4];
    let bins = (0..21).map(|n| (880 + n * 16).to_string()).collect();
    let histogram = Chart::new(Shape::Bars, "Credits", bins).series(Series::new("Runs", 1, runs).strong(5..15));
    let shares = [("Outbound minutes", 1, 10_975), ("Inbound minutes", 3, 1_548), ("Training", 2, 844)];
    let shares: Vec<_> = shares.into_iter().map(|(name, colour, value)| (name.to_owned(), colour, value)).collect();
    let steps = vec![
        FunnelStep::new("Attempted", "20,252", 100.0),
        FunnelStep::new("Connected", "7,518", 37.1),
        FunnelStep::new("Talked over 30 s", "4,827", 23.8),
        FunnelStep::new("Positive outcome", "1,272", 6.3),
    ];
    let foot = || view! { <span>"Best step vs last period"</span> <span class="text-foreground">"Qualified " <Delta text="3.1 pt" trend=Trend::Up/></span> };
    view! {
        <div class="grid gap-6 xl:grid-cols-3">
            <ChartFrame
                class="xl:col-span-2"
                title="Calls per day"
                scope="This week, outbound, by what happened"
                summary="Stacked bars: between 408 and 582 calls a day, a little over half of them connected."
                chart=stacked
                height=240
            />
            <Card title="Funnel" scope="From attempt to a positive outcome" foot=foot><Funnel steps=steps/></Card>
            <ChartFrame title="Layers" summary="Layers of calls per day." chart=layers height=200/>
            <ChartFrame title="Rehearsed and spent" summary="Bars beside each other, with whiskers from P10 to P90." chart=beside height=200/>
            <ChartFrame title="Credits per day" summary="Two lines, one with a band from P10 to P90." chart=lines height=200/>
            <ChartFrame title="What it will cost" summary="A histogram of runs: most cost about 1,024 credits." chart=histogram height=200/>
            <Card title="Cost allocation"><Donut shares=shares summary="A ring: most of the cost is outbound minutes." middle="13,367"/></Card>
        </div>
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("Campaign").sort("?sort=name", Sort::Ascending),
        Column::new("Status").sort("?sort=status", Sort::None),
        Column::new("Progress"),
        Column::new("Cost each").number(),
        Column::new("Ends").number(),
        Column::new("Actions").quiet().class("w-10"),
    ]
}

fn sample_row(
    id: u32,
    name: &'static str,
    agent: &'static str,
    status: (&'static str, Tone),
    percent: f64,
    cost: Option<&'static str>,
) -> AnyView {
    let cost = match cost {
        Some(cost) => {
            view! { <Cell label="Cost each" number=true>{cost} <span class="text-muted-foreground">" cr"</span></Cell> }
        }
        None => view! { <Cell label="Cost each" number=true/> },
    };
    view! {
        <tr>
            <LeadCell title=name href="/dev/ui" sub=format!("Outbound · {agent}")/>
            <Cell label="Status"><Badge label=status.0 tone=status.1/></Cell>
            <Cell label="Progress" class="sm:w-44">
                <div class="flex items-center gap-2.5 max-sm:w-36">
                    <Progress percent=percent label=format!("{name}, progress")/>
                    <span class="w-9 text-end text-xs text-muted-foreground tabular-nums">{format!("{percent}%")}</span>
                </div>
            </Cell>
            {cost}
            <Cell label="Ends" number=true muted=true>"Mon 23 Nov"</Cell>
            <Cell>
                <Menu id=format!("g-row-{id}") label=format!("Actions for {name}")>
                    <MenuItem label="Edit" icon=icondata::LuPencil/>
                    <MenuItem label="Duplicate…" icon=icondata::LuCopy/>
                    <MenuLine/>
                    <MenuItem label="Delete…" icon=icondata::LuTrash2 danger=true/>
                </Menu>
            </Cell>
        </tr>
    }
}

pub(super) fn table() -> AnyView {
    let statuses = vec![Opt::new("", "Any"), Opt::new("active", "Active"), Opt::new("paused", "Paused")];
    view! {
        <FilterBar
            action="/dev/ui"
            label="Filter campaigns"
            placeholder="Search campaigns"
            clear_href="/dev/ui"
            actions=|| view! { <LinkButton href="/dev/ui" variant=Variant::Outline size=Size::Small icon=icondata::LuDownload>"Export"</LinkButton> }
        >
            <FilterSelect label="Status" name="status" options=statuses value="active"/>
            <Chip label="Created" value="Last 90 days" remove_href="/dev/ui"/>
        </FilterBar>
        <Card flush=true>
            <Table caption="Campaigns" columns=columns()>
                {sample_row(1, "Tampa Bay buyer follow-up", "Nora, buyer specialist", ("Active", Tone::Success), 62.0, Some("9.84"))}
                {sample_row(2, "Expired listings, Pinellas", "Elliot, seller desk", ("Paused", Tone::Warning), 24.0, Some("14.62"))}
                {sample_row(3, "Mortgage pre-approval check-in", "Elliot, seller desk", ("Draft", Tone::Neutral), 0.0, None)}
            </Table>
            <Pager page=5 per_page=3 total=131_906 href=Callback::new(|page| format!("?page={page}"))/>
        </Card>
    }
}

pub(super) fn table_states() -> AnyView {
    let columns = || vec![Column::new("Contact"), Column::new("State"), Column::new("Cost").number()];
    view! {
        <div class="grid gap-6 xl:grid-cols-2">
            <Card flush=true>
                <Table caption="Selected and hovered rows" columns=columns()>
                    <tr><Cell>"Default row"</Cell><Cell label="State"><Badge label="Queued" tone=Tone::Info/></Cell><Cell label="Cost" number=true>"2.000"</Cell></tr>
                    <tr class="bg-muted"><Cell>"Hovered row"</Cell><Cell label="State"><Badge label="Called"/></Cell><Cell label="Cost" number=true>"14.000"</Cell></tr>
                    <tr aria-selected="true"><Cell>"Selected row"</Cell><Cell label="State"><Badge label="Success" tone=Tone::Success/></Cell><Cell label="Cost" number=true/></tr>
                </Table>
            </Card>
            <Card flush=true>
                <Table caption="Loading rows" columns=columns() busy=true><SkeletonRows rows=3 columns=3/></Table>
                <CursorPager label="More rows" text="Newest first" previous=None next=Some("?before=1".to_owned())/>
            </Card>
        </div>
    }
}

pub(super) fn nothing() -> AnyView {
    view! {
        <div class="grid gap-6 xl:grid-cols-3">
            <Card flush=true>
                <Empty icon=icondata::LuMegaphone title="No campaigns yet" text="A campaign is a list of people, an agent and the hours it may call.">
                    <Button icon=icondata::LuPlus>"New campaign"</Button>
                </Empty>
            </Card>
            <Card flush=true>
                <ErrorState
                    title="Calls could not be loaded"
                    text="The database did not answer in 5 seconds. Nothing was lost and calling goes on."
                    trace="7f3a91c2"
                    on_retry=|()| ()
                />
            </Card>
            <Card title="Loading" scope="Shapes of what will come"><Skeleton class="mb-4 h-8 w-40"/><SkeletonText/></Card>
        </div>
    }
}

pub(super) fn facts() -> AnyView {
    view! {
        <div class="grid gap-6 xl:grid-cols-[22rem_minmax(0,1fr)]">
            <Card title="Details" actions=|| view! { <LinkButton href="/dev/ui" variant=Variant::Link size=Size::Small>"Edit"</LinkButton> }>
                <Facts>
                    <Fact label="Agent">"Nora, buyer specialist"</Fact>
                    <Fact label="Caller id"><span class="tabular-nums">"+1 813 555 0176"</span></Fact>
                    <Fact label="Hours">"49 hours a week"</Fact>
                </Facts>
            </Card>
            <CodeBlock label="curl" code="curl https://belfry.example/api/v1/calls \\\n  -H 'Authorization: Bearer bk_live_…'"/>
        </div>
    }
}
