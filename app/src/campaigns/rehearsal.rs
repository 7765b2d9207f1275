//! The rehearsal tab: what the campaign would do, played on a virtual clock. Nobody is called and nothing but the report
//! is written.

use model::Error;
use model::accounts::Permission;
use model::campaigns::{Campaign, Status};
use model::id::CampaignId;
use model::rehearsal::{Effect, Ending, Given, HourRow, Rehearsal, RehearsalForm, SkipRow, Story};

use super::rehearsal_form::RehearsalDialog;
use crate::prelude::*;
use crate::screen::{Loaded, When, count, permille, share};
use crate::ui::{
    Badge, Button, Card, Cell, Chart, ChartFrame, Column, Empty, Fact, Facts, Field, Meter, Note, Opt, Select, Series, Shape,
    SkeletonText, Stat, Stats, Table, Timeline, TimelineItem, Tone, Variant, grouped,
};
use crate::wire::Answer;

/// Hours drawn as hours; a longer campaign is drawn by days.
const HOURS_DRAWN_MAX: usize = 60;

/// The latest report of a campaign, if there is one.
#[server(protocol = crate::wire::Wire)]
pub async fn load_rehearsal(id: CampaignId) -> Result<Option<Rehearsal>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let report = services::rehearsal::latest(&mut tx, id).await?;
    tx.commit().await?;
    Ok(report)
}

/// What a rehearsal would assume.
#[server(protocol = crate::wire::Wire)]
pub async fn given_rehearsal(id: CampaignId) -> Result<Given, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let given = services::rehearsal::given(&mut tx, id).await?;
    tx.commit().await?;
    Ok(given)
}

/// Plays a campaign. Reading and writing are two transactions with the playing between them, so the verb opens them.
#[server(protocol = crate::wire::Wire)]
pub async fn run_rehearsal(id: CampaignId, form: RehearsalForm) -> Result<Rehearsal, Error> {
    use crate::ssr::*;
    let (db, caller) = (db()?, caller()?);
    Ok(services::rehearsal::rehearse(&db, &caller.actor, id, &form).await?)
}

/// The tab.
#[component]
pub fn RehearsalTab(id: CampaignId, campaign: Signal<Campaign>) -> impl IntoView {
    let changed = RwSignal::new(0_u32);
    let report = Answer::new(move || changed.get(), move || LoadRehearsal { id });
    let open = RwSignal::new(false);
    let used = RwSignal::new(None::<RehearsalForm>);
    let manage = may_rehearse(campaign);
    view! {
        <Loaded
            resource=report
            what="the rehearsal"
            waiting=|| view! { <Card><SkeletonText lines=8/></Card> }
            view=move |report| (move || match report.get() {
                None => nothing(open, manage),
                Some(report) => {
                    used.set(Some(report.form.clone()));
                    shown(report, open, manage)
                }
            }).into_any()
        />
        {move || manage.get().then(|| view! { <RehearsalDialog id=id open=open used=used changed=changed/> })}
    }
}

fn may_rehearse(campaign: Signal<Campaign>) -> Signal<bool> {
    let may = crate::screen::may(Permission::ManageCampaigns);
    let over = |status| matches!(status, Status::Completed | Status::Cancelled | Status::Archived);
    Memo::new(move |_| may.get() && !campaign.with(|c| over(c.status))).into()
}

fn nothing(open: RwSignal<bool>, manage: Signal<bool>) -> AnyView {
    let run = move || {
        manage.get().then(|| {
            view! { <Button icon=icondata::LuClapperboard on:click=move |_| open.set(true)>"Rehearse"</Button> }
        })
    };
    view! {
        <Card>
            <Empty
                icon=icondata::LuClapperboard
                title="Not rehearsed yet"
                text="See when this campaign would finish, what it would cost and who would not be called, before a phone rings."
            >
                {move || run()}
            </Empty>
        </Card>
    }
}

fn shown(r: Rehearsal, open: RwSignal<bool>, manage: Signal<bool>) -> AnyView {
    let again = move || {
        manage.get().then(|| {
            view! {
                <Button variant=Variant::Outline icon=icondata::LuSlidersHorizontal on:click=move |_| open.set(true)>"Change and rerun"</Button>
            }
        })
    };
    view! {
        <div class="flex flex-col gap-6">
            <div class="flex flex-wrap items-start justify-between gap-4">
                <div class="min-w-0">
                    <h2 class="text-lg font-semibold">{verdict(&r)}</h2>
                    <p class="text-sm text-muted-foreground">{played(&r)} " " <When moment=r.at/> ", by " {r.by.clone()} "."</p>
                </div>
                {move || again()}
            </div>
            {warning(&r)}
            {tiles(&r)}
            <div class="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_22rem]">
                <div class="flex min-w-0 flex-col gap-6">
                    {pace(&r)}
                    {skips(&r)}
                </div>
                <div class="flex min-w-0 flex-col gap-6">
                    {cost(&r)}
                    {limits(&r)}
                    <Stories stories=r.stories/>
                </div>
            </div>
        </div>
    }
}

/// How it ends and for how much, in one line.
fn verdict(r: &Rehearsal) -> String {
    let about = format!("about {} credits", r.cost.middle.rounded());
    match r.endings.first().map(|(ending, _)| *ending) {
        Some(Ending::Credits) => format!("Out of credits on {}, after {about}", r.finishes.middle.short()),
        Some(Ending::EndDate) => format!("Cut off by its end date, after {about}"),
        Some(Ending::Horizon) => format!("Not done within 90 days, after {about}"),
        _ => format!("Done on {}, for {about}", r.finishes.middle.short()),
    }
}

fn played(r: &Rehearsal) -> String {
    let sample = match r.one_in {
        1 => String::new(),
        n => format!(" A sample: one person in {n}, standing for the others."),
    };
    let times = count(r.runs.into(), "time", "times");
    format!(
        "{} played {times} with your rules, at most {} at once.{sample} Nobody was called.",
        count(r.people, "contact", "contacts"),
        r.concurrency_max
    )
}

fn warning(r: &Rehearsal) -> Option<AnyView> {
    let (ending, runs) = r.endings.iter().find(|(ending, _)| *ending != Ending::ListDone)?;
    let what = match ending {
        Ending::Credits => format!(
            "the credits end before the list. {} are within reach; top up or choose a smaller audience.",
            r.funds.rounded()
        ),
        Ending::EndDate => "the end date comes before everyone was called. Start earlier or allow more calls at once.".to_owned(),
        Ending::Horizon => "it is not done within 90 days. Allow more calls at once or more calls a day.".to_owned(),
        Ending::ListDone => String::new(),
    };
    let text = format!("In {runs} of {} runs {what}", r.runs);
    Some(view! { <Note tone=Tone::Warning>{text}</Note> })
}

fn tiles(r: &Rehearsal) -> AnyView {
    let between = |low: String, high: String| format!("{low} to {high}");
    let finishes = between(r.finishes.low.short(), r.finishes.high.short());
    let calls = format!("{} per contact", tenths(r.calls.middle, r.people));
    let connected = format!(
        "{} of calls, P10 {}, P90 {}",
        share(r.connected.middle, r.calls.middle),
        grouped(r.connected.low),
        grouped(r.connected.high)
    );
    let cost = between(r.cost.low.rounded(), r.cost.high.rounded());
    let (end, placed, met, spent) =
        (r.finishes.middle.short(), grouped(r.calls.middle), grouped(r.connected.middle), r.cost.middle.rounded());
    view! {
        <Stats label="Result" class="grid-cols-1 sm:grid-cols-2 xl:grid-cols-4">
            <Stat label="Finishes" value=end note=finishes/>
            <Stat label="Calls" value=placed note=calls/>
            <Stat label="Connected" value=met note=connected/>
            <Stat label="Credits needed" unit="credits" value=spent note=cost/>
        </Stats>
    }
}

/// `2.1`
fn tenths(part: i64, whole: i64) -> String {
    let tenths = part * 10 / whole.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Calls over time: by the hour, or by the day when hours could not be told apart.
fn pace(r: &Rehearsal) -> AnyView {
    let by_day = r.hours.len() > HOURS_DRAWN_MAX;
    let points = if by_day { days(&r.hours) } else { hours(&r.hours) };
    let most = points.iter().max_by_key(|p| p.calls).map(|p| (p.label.replace('\n', ", "), p.calls)).unwrap_or_default();
    let (title, across) = if by_day { ("Calls per day", "Day") } else { ("Calls per hour", "Hour") };
    let chart = Chart::new(Shape::Lines, across, points.iter().map(|p| p.label.clone()).collect())
        .series(Series::new("Calls", 1, points.iter().map(|p| p.calls).collect()).spread(points.iter().map(|p| p.band).collect()))
        .series(Series::new("Of which retries", 2, points.iter().map(|p| p.retries).collect()).faint());
    let summary = format!("{title}: most at {}, with {}.", most.0, grouped(most.1));
    let scope = format!("Median of {}, band from P10 to P90", count(r.runs.into(), "run", "runs"));
    view! { <ChartFrame title=title scope=scope summary=summary chart=Signal::stored(chart)/> }
}

struct Point {
    label: String,
    calls: i64,
    band: (i64, i64),
    retries: i64,
}

fn hours(rows: &[HourRow]) -> Vec<Point> {
    let mut day = String::new();
    rows.iter()
        .map(|row| {
            let hour: String = row.at.clock().chars().take(2).collect();
            let is_new = day != row.at.date();
            day = row.at.date();
            let label = if is_new { format!("{hour}\n{}", day_of(row)) } else { hour };
            Point { label, calls: row.calls.middle, band: (row.calls.low, row.calls.high), retries: row.retries }
        })
        .collect()
}

/// `Mon 23 Nov`
fn day_of(row: &HourRow) -> String {
    let short = row.at.short();
    short.rsplit_once(' ').map_or(short.clone(), |(day, _)| day.to_owned())
}

fn days(rows: &[HourRow]) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for row in rows {
        let label = day_of(row);
        if points.last().is_none_or(|last| last.label != label) {
            points.push(Point { label, calls: 0, band: (0, 0), retries: 0 });
        }
        if let Some(point) = points.last_mut() {
            point.calls += row.calls.middle;
            point.band = (point.band.0 + row.calls.low, point.band.1 + row.calls.high);
            point.retries += row.retries;
        }
    }
    points
}

fn cost(r: &Rehearsal) -> AnyView {
    let covered = r.cost.high <= r.funds;
    let funds = r.funds.rounded();
    let foot = move || {
        if covered { format!("Covered by the {funds} credits within reach") } else { format!("{funds} credits are within reach") }
    };
    let scope = format!("Credits, {}", count(r.runs.into(), "run", "runs"));
    let cost = r.cost.map(|credits| credits.to_string());
    view! {
        <Card title="What it will cost" scope=scope foot=foot>
            <Facts>
                <Fact label="P10, quiet lines">{cost.low}</Fact>
                <Fact label="P50, most likely">{cost.middle}</Fact>
                <Fact label="P90, talkative days">{cost.high}</Fact>
            </Facts>
        </Card>
    }
}

fn skips(r: &Rehearsal) -> AnyView {
    let skipped: i64 = r.skips.iter().filter(|s| s.effect == Effect::Skipped).map(|s| s.people).sum();
    let scope = format!("{} of {}, and calls moved to a lawful hour", grouped(skipped), count(r.people, "contact", "contacts"));
    if r.skips.is_empty() {
        return view! {
            <Card title="Who would not be called, and why" scope="No rule skips or moves anybody">
                <p class="text-sm text-muted-foreground">"Everyone on the list can be called when their turn comes."</p>
            </Card>
        };
    }
    let rows = r.skips.iter().map(skip_row).collect_view();
    let columns = vec![Column::new("Rule"), Column::new("Effect"), Column::new("Contacts").number()];
    view! {
        <Card title="Who would not be called, and why" scope=scope flush=true>
            <Table caption="Skips by rule" columns=columns>{rows}</Table>
        </Card>
    }
}

fn skip_row(skip: &SkipRow) -> impl IntoView + use<> {
    let tone = match skip.effect {
        Effect::Skipped => Tone::Danger,
        Effect::Moved => Tone::Info,
    };
    let detail = (!skip.detail.is_empty()).then(|| view! { <span class="sub">{skip.detail.clone()}</span> });
    let (rule, effect, people) = (skip.reason.label(), skip.effect.label(), grouped(skip.people));
    view! {
        <tr>
            <td class="lead wrap"><span class="font-medium">{rule}</span>{detail}</td>
            <Cell label="Effect"><Badge label=effect tone=tone/></Cell>
            <Cell label="Contacts" number=true>{people}</Cell>
        </tr>
    }
}

fn limits(r: &Rehearsal) -> Option<AnyView> {
    if r.limits.is_empty() {
        return None;
    }
    let lines = r
        .limits
        .iter()
        .map(|(limit, part)| {
            let percent = *part as f64 / 10.0;
            view! {
                <li>
                    <div class="mb-1.5 flex justify-between gap-3"><span>{limit.label()}</span><span class="text-muted-foreground tabular-nums">{permille(*part)}</span></div>
                    <Meter percent=percent label=limit.label()/>
                </li>
            }
        })
        .collect_view();
    let card = view! {
        <Card title="What limits the pace" scope="Share of the open time">
            <ul class="flex flex-col gap-4 text-sm">{lines}</ul>
        </Card>
    };
    Some(card.into_any())
}

/// One person's story in the first of the runs, chosen from a list.
#[component]
fn Stories(stories: Vec<Story>) -> impl IntoView {
    let chosen = RwSignal::new(stories.first().map(|story| story.contact.to_string()).unwrap_or_default());
    let options: Vec<Opt> = stories.iter().map(|story| Opt::new(story.contact.to_string(), story.name.clone())).collect();
    let stories = StoredValue::new(stories);
    let steps = move || {
        let chosen = chosen.get();
        stories.with_value(|all| {
            let story = all.iter().find(|story| story.contact.to_string() == chosen)?;
            let steps = story
                .steps
                .iter()
                .map(|step| {
                    let detail = step.detail.clone();
                    view! { <TimelineItem title=step.title.clone() time=step.at.short()>{detail}</TimelineItem> }
                })
                .collect_view();
            Some(view! { <Timeline class="mt-4">{steps}</Timeline> })
        })
    };
    view! {
        <Card title="One contact’s story" scope="From the first run">
            <Field label="Contact" name="story"><Select options=Signal::stored(options) bind=chosen/></Field>
            {move || steps()}
        </Card>
    }
}
