//! Every component in every state, at `/dev/ui`. What is not here does not exist yet; visual snapshots are taken of this page.
//! The words are samples; nothing here is read from anywhere.

use leptos::prelude::*;

use super::*;

/// The gallery page; stands inside the frame like any other.
#[component]
pub fn Gallery() -> impl IntoView {
    view! {
        <PageHeader title="Components" description="Every part in every state. What is not here does not exist yet."/>
        {colours()}
        {section("Buttons", buttons())}
        {section("Fields", fields())}
        {section("Choices", choices())}
        {section("Opening hours", hours_editor())}
        {section("Badges, chips, progress", marks())}
        {section("Figures", figures())}
        {section("Charts", charts())}
        {section("Filter and table", table())}
        {section("Table states", table_states())}
        {section("Nothing and failure", nothing())}
        {section("Overlays", overlays())}
        {section("Notes and toasts", notes())}
        {section("Steps, tabs, timeline", steps())}
        {section("Files and mapping", files())}
        {section("Facts and code", facts())}
    }
}

fn section(title: &'static str, body: AnyView) -> AnyView {
    view! {
        <section class="mb-10" aria-label=title>
            <h2 class="mb-4 border-b pb-2 text-base font-semibold">{title}</h2>
            {body}
        </section>
    }
    .into_any()
}

fn colours() -> AnyView {
    let swatches = [
        ("background", "bg-background"),
        ("muted", "bg-muted"),
        ("border", "bg-border"),
        ("muted-foreground", "bg-muted-foreground"),
        ("foreground", "bg-foreground"),
        ("primary", "bg-primary"),
        ("primary-subtle", "bg-primary-subtle"),
        ("success", "bg-success"),
        ("warning", "bg-warning"),
        ("destructive", "bg-destructive"),
        ("info", "bg-info"),
        ("chart-1", "bg-chart-1"),
        ("chart-2", "bg-chart-2"),
        ("chart-3", "bg-chart-3"),
        ("chart-4", "bg-chart-4"),
        ("chart-5", "bg-chart-5"),
    ];
    let swatches = swatches.map(|(name, class)| {
        view! {
            <div>
                <div class=format!("h-10 rounded-md border {class}")></div>
                <p class="mt-1.5 truncate text-2xs text-muted-foreground">{name}</p>
            </div>
        }
    });
    section("Colour", view! { <div class="grid grid-cols-4 gap-3 sm:grid-cols-8">{swatches}</div> }.into_any())
}

fn buttons() -> AnyView {
    let busy = RwSignal::new(false);
    view! {
        <div class="flex flex-wrap items-center gap-3">
            <Button icon=icondata::LuPlus>"Primary"</Button>
            <Button variant=Variant::Outline>"Outline"</Button>
            <Button variant=Variant::Secondary>"Secondary"</Button>
            <Button variant=Variant::Ghost>"Ghost"</Button>
            <Button variant=Variant::Destructive>"Destructive"</Button>
            <Button variant=Variant::Link>"Link"</Button>
            <Button size=Size::Small>"Small"</Button>
            <IconButton icon=icondata::LuSettings label="Settings" variant=Variant::Outline/>
            <Button class="outline-2 outline-offset-2 outline-ring">"Focus"</Button>
            <Button disabled=true>"Disabled"</Button>
            <Button busy=true icon=icondata::LuRocket>"Launching"</Button>
            <Button variant=Variant::Outline busy=busy icon=icondata::LuRotateCw on:click=move |_| busy.set(true)>"Press to be busy"</Button>
            <LinkButton href="/dev/ui" variant=Variant::Outline icon=icondata::LuDownload external=true>"Link button"</LinkButton>
            <Segmented
                label="Range"
                items=vec![Segment::new("Week", "?range=week", false), Segment::new("30 days", "?range=30", true), Segment::new("Total", "?range=all", false)]
            />
        </div>
    }
    .into_any()
}

fn fields() -> AnyView {
    let typed = RwSignal::new("Tampa Bay buyers".to_owned());
    let zones = vec![Opt::new("us", "Central, Chicago"), Opt::new("gb", "London")];
    view! {
        <div class="grid gap-5 sm:grid-cols-2 xl:grid-cols-4">
            <Field label="Name" name="g-name" hint="Only your team sees it." optional=true><Input placeholder="Tampa Bay buyers"/></Field>
            <Field label="Focused" name="g-focus"><Input value="Tampa Bay buyers" class="border-ring ring-3 ring-ring/25"/></Field>
            <Field label="Phone" name="g-phone" error=Some("Too short for a GB number.".to_owned())><Input kind="tel" value="0770 900"/></Field>
            <Field label="Disabled" name="g-off" hint="Locked after the first call."><Input value="Locked" disabled=true/></Field>
            <Field label="Time zone" name="g-zone"><Select options=zones value="gb"/></Field>
            <Field label="Password" name="g-pass" aside=|| view! { <a class="link text-sm" href="/forgot">"Forgotten?"</a> }>
                <PasswordInput/>
            </Field>
            <Field label="Script" name="g-script"><Textarea rows=2 value="Hi {{first_name}}, this is June…"/></Field>
            <Field label="Bound" name="g-bound"><Input bind=typed/><p class="hint">{typed}</p></Field>
        </div>
    }
    .into_any()
}

fn choices() -> AnyView {
    let ways = vec![
        Choice::new("canary", "Canary first", "Call 50 contacts, then wait. Goes on by itself if opt-outs stay below 5%.").badge("Advised"),
        Choice::new("all", "Everyone at once", "8 calls at a time from the first minute."),
    ];
    let kinds = vec![
        Choice::new("shop", "E-commerce", "Carts, orders, returns").icon(icondata::LuShoppingBag),
        Choice::new("health", "Healthcare", "With HIPAA mode").icon(icondata::LuHeartPulse),
    ];
    view! {
        <div class="grid gap-6 xl:grid-cols-2">
            <RadioCards legend="How to start" name="g-way" choices=ways value="canary" class="sm:grid-cols-2"/>
            <RadioCards legend="Company type" name="g-kind" choices=kinds value="health" class="sm:grid-cols-2"/>
            <div class="grid gap-6 sm:grid-cols-2">
                <FieldGroup legend="Checkboxes">
                    <Checkbox label="Record calls" name="g-rec" checked=true hint="Said in the greeting."/>
                    <Checkbox label="Leave voicemail" name="g-vm"/>
                    <Checkbox label="Not allowed here" name="g-no" disabled=true/>
                </FieldGroup>
                <FieldGroup legend="Switches">
                    <Switch label="HIPAA mode" name="g-hipaa" checked=true hint="Takes effect at once."/>
                    <Switch label="GDPR mode" name="g-gdpr"/>
                    <Switch label="Not in your plan" name="g-plan" disabled=true/>
                </FieldGroup>
            </div>
        </div>
    }
    .into_any()
}

fn hours_editor() -> AnyView {
    let mut week = vec![DayHours::open("09:00", "18:00"); 5];
    week[4] = DayHours::open("09:00", "16:30");
    week.push(DayHours::open("14:00", "10:00"));
    week.push(DayHours::closed());
    let days = RwSignal::new(week);
    view! { <HoursEditor legend="Calling hours" hint="In each contact’s own zone." days=days name="hours"/> }.into_any()
}

fn marks() -> AnyView {
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
    .into_any()
}

fn figures() -> AnyView {
    let up = |text: &str| (text.to_owned(), Trend::Up, true);
    view! {
        <Stats label="Last 30 days">
            <Stat label="Calls" value="21,168" delta=up("12.4%") note="916 inbound" points=vec![3.0, 4.0, 6.0, 5.5, 7.0, 6.8, 9.0, 8.0, 3.0]/>
            <Stat label="Connect rate" value="37.1" unit="%" delta=up("1.8 pt") note="of attempts" points=vec![2.0, 3.0, 2.5, 5.0, 6.0, 8.0, 9.0]/>
            <Stat label="Cost per positive" value="11.06" unit="cr" delta=("6.9%".to_owned(), Trend::Down, true) note="was 11.31" points=vec![9.0, 8.0, 8.5, 5.0, 4.0, 3.0, 1.0]/>
            <Stat label="Transfers" value="" note="none yet"/>
        </Stats>
    }
    .into_any()
}

/// A small option of the kind the server builds.
const SAMPLE_OPTION: &str = r#"{"grid":{"left":40,"right":12,"top":16,"bottom":26},"tooltip":{"trigger":"axis"},"xAxis":{"type":"category","data":["Mon","Tue","Wed","Thu","Fri"]},"yAxis":{"type":"value","splitNumber":3},"series":[{"name":"Connected","type":"bar","stack":"all","data":[273,313,232,295,307]},{"name":"No answer","type":"bar","stack":"all","color":"--chart-5/55","data":[260,242,176,241,275]}]}"#;

fn charts() -> AnyView {
    let row = |day: &str, yes: u32, no: u32| vec![day.to_owned(), yes.to_string(), no.to_string()];
    let table = ChartTable {
        head: vec!["Day".into(), "Connected".into(), "No answer".into()],
        rows: vec![row("Mon", 273, 260), row("Tue", 313, 242), row("Wed", 232, 176), row("Thu", 295, 241), row("Fri", 307, 275)],
    };
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
                option=SAMPLE_OPTION.to_owned()
                table=table
                legend=vec![Legend::new("Connected", 1, "1,420"), Legend::new("No answer", 5, "1,194")]
                height=240
            />
            <Card title="Funnel" scope="From attempt to a positive outcome" foot=foot><Funnel steps=steps/></Card>
        </div>
    }
    .into_any()
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

fn sample_row(id: u32, name: &'static str, agent: &'static str, status: (&'static str, Tone), percent: f64, cost: Option<&'static str>) -> AnyView {
    let cost = match cost {
        Some(cost) => view! { <Cell label="Cost each" number=true>{cost} <span class="text-muted-foreground">" cr"</span></Cell> }.into_any(),
        None => view! { <Cell label="Cost each" number=true/> }.into_any(),
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
    .into_any()
}

fn table() -> AnyView {
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
    .into_any()
}

fn table_states() -> AnyView {
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
    .into_any()
}

fn nothing() -> AnyView {
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
    .into_any()
}

fn overlays() -> AnyView {
    let (plain, wide, side, sure) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    let foot = move || {
        view! {
            <Button variant=Variant::Outline on:click=move |_| plain.set(false)>"Not yet"</Button>
            <Button icon=icondata::LuRocket on:click=move |_| plain.set(false)>"Launch with 50 contacts"</Button>
        }
    };
    view! {
        <div class="flex flex-wrap items-center gap-3">
            <Button variant=Variant::Outline on:click=move |_| plain.set(true) attr:id="open-plain">"Dialog"</Button>
            <Button variant=Variant::Outline on:click=move |_| wide.set(true)>"Large dialog"</Button>
            <Button variant=Variant::Outline on:click=move |_| side.set(true)>"Drawer"</Button>
            <Button variant=Variant::Outline on:click=move |_| sure.set(true) attr:id="open-sure">"Confirm with typed name"</Button>
            <Menu id="g-menu" label="Example menu">
                <MenuItem label="Edit" icon=icondata::LuPencil/>
                <MenuItem label="Not now" icon=icondata::LuArchive disabled=true/>
                <MenuLink href="/dev/ui" label="Open" icon=icondata::LuArrowRight/>
                <MenuLine/>
                <MenuItem label="Delete…" icon=icondata::LuTrash2 danger=true/>
            </Menu>
            <Tooltip text="Thursday 19 November, 14:31 in Tampa"><span tabindex="0" class="text-sm">"14:31"</span></Tooltip>
        </div>
        <Dialog open=plain id="g-plain" title="Launch Mortgage pre-approval check-in?" description="1,460 contacts, first call Mon 23 Nov at 09:00." consequence="1,180 credits are reserved." foot=foot>
            <Field label="Note" name="g-note" optional=true><Input/></Field>
        </Dialog>
        <Dialog open=wide id="g-wide" title="Import orders" size=DialogSize::Large sticky=true>{mapper()}</Dialog>
        <Dialog open=side id="g-side" title="Call details" size=DialogSize::Side><SkeletonText lines=6/></Dialog>
        <ConfirmDialog
            open=sure
            id="g-sure"
            title="Cancel campaign?"
            description="402 contacts will not be called. 1,294 credits go back to available."
            confirm="Cancel campaign"
            typed="Expired listings"
            on_confirm=move |()| sure.set(false)
        />
    }
    .into_any()
}

fn notes() -> AnyView {
    let toasts = use_toasts();
    let undo = move |_| toasts.show(Toast::new(Tone::Neutral, "3 campaigns archived").action("Undo", || ()));
    let done = move |_| toasts.show(Toast::new(Tone::Success, "Import done").text("18,207 rows, 33 problems"));
    view! {
        <div class="grid items-start gap-4 xl:grid-cols-2">
            <Note tone=Tone::Info>"Hours are read in each contact’s own zone."</Note>
            <Note tone=Tone::Success icon=icondata::LuBadgeCheck>"Verified: every hash and balance matches."</Note>
            <Note tone=Tone::Warning><b class="font-semibold">"48 credits left."</b> " About 6 minutes at this pace."</Note>
            <Note tone=Tone::Danger>"Paused: the gateway refused the key. " <a class="link" href="/dev/ui">"Fix key"</a></Note>
            <Note tone=Tone::Primary icon=icondata::LuGift><b class="font-semibold">"20 credits are waiting."</b> " No card needed."</Note>
            <div class="flex flex-wrap gap-3">
                <Button variant=Variant::Outline on:click=done>"Toast"</Button>
                <Button variant=Variant::Outline on:click=undo>"Toast with undo"</Button>
                <Button variant=Variant::Outline on:click=move |_| toasts.error("Card declined")>"Failure"</Button>
            </div>
        </div>
    }
    .into_any()
}

fn steps() -> AnyView {
    let names = || ["File", "Columns", "Check", "Run"].map(String::from).to_vec();
    let current = RwSignal::new(1usize);
    let tabs = vec![Tab::new("All", "/dev/ui", true).count(34), Tab::new("Running", "?view=running", false).count(6), Tab::new("Archived", "?view=old", false)];
    view! {
        <Tabs label="Views" items=tabs class="mb-6"/>
        <div class="grid items-start gap-6 xl:grid-cols-[2fr_1fr_1.5fr]">
            <div class="rounded-lg border bg-muted/60 p-2"><Stepper steps=names() current=current on_pick=move |i| current.set(i)/></div>
            <div class="rounded-lg border bg-muted/60 p-2"><Stepper steps=names() current=2 vertical=true/></div>
            <Card title="What happened">
                <Timeline>
                    <TimelineItem title="Queued" time="14:28:02"/>
                    <TimelineItem title="Answered" time="14:29:37" tone=Tone::Success>"After 11 seconds"</TimelineItem>
                    <TimelineItem title="Ended by caller" time="14:31:52" tone=Tone::Primary>"2 min 13 s, 3.000 credits"</TimelineItem>
                </Timeline>
            </Card>
        </div>
    }
    .into_any()
}

fn mapper() -> AnyView {
    let targets = || vec![Opt::new("", "Leave out"), Opt::new("name", "Customer name"), Opt::new("phone", "Phone"), Opt::new("email", "E-mail")];
    view! {
        <MapperTable to="Field in Belfry">
            <MapperRow column="Name" sample="Imogen Hartley, Raj Patel" name="map[0]" options=targets() value="name" verdict=Match::Good note="Same name"/>
            <MapperRow column="Tel" sample="’07700 900142, 7.7009E+09" name="map[1]" options=targets() value="phone" verdict=Match::Good note="2 formats rescued, region GB"/>
            <MapperRow column="Contact" sample="imogen@example.com" name="map[2]" options=targets() verdict=Match::Choose note="Phone or e-mail?"/>
            <MapperRow column="Internal" sample="x, y" name="map[3]" options=targets() verdict=Match::Out note="Left out"/>
        </MapperTable>
    }
    .into_any()
}

fn files() -> AnyView {
    let chosen = RwSignal::new(Some(Picked { name: "black-friday-carts.csv".into(), bytes: 4_300_000.0 }));
    view! {
        <div class="mb-6 grid gap-6 md:grid-cols-3">
            <DropZone name="g-file" hint="CSV, XLSX or ODS, up to 50 MB" accept=".csv,.xlsx,.ods"/>
            <DropZone name="g-file-2" picked=chosen progress=Some(46.0)/>
            <DropZone name="g-file-3" hint="CSV, XLSX or ODS, up to 50 MB" error=Some("This file is 61 MB; the limit is 50.".to_owned())/>
        </div>
        <Card flush=true>{mapper()}</Card>
    }
    .into_any()
}

fn facts() -> AnyView {
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
    .into_any()
}
