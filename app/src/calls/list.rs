//! The call log, and the same table inside a campaign. Range, outcome, search and page are in the query string.

use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::Error;
use model::calls::{CallFilter, CallRange, CallRow, Direction, Outcome};
use model::campaigns::{CampaignFilter, CampaignRow};
use model::events::Topic;
use model::id::CampaignId;
use model::page::{PER_PAGE_MAX, Page, Paging};

use super::StateBadge;
use crate::campaigns::list::ListCampaigns;
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, When, duration, link, live_lines, paging, phone, text, word};
use crate::ui::{
    Card, Cell, Chip, Column, Empty, FilterBar, FilterSelect, LinkButton, Opt, PageHeader, Pager, Segment, Segmented,
    SkeletonRows, Table, Variant,
};
use crate::wire::Answer;

/// One page of calls.
#[server(protocol = crate::wire::Wire)]
pub async fn list_calls(filter: CallFilter) -> Result<Page<CallRow>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let page = services::calls::list(&mut tx, &filter).await?;
    tx.commit().await?;
    Ok(page)
}

fn read(query: &ParamsMap) -> CallFilter {
    CallFilter {
        search: text(query, "q"),
        range: word(query, "range").unwrap_or(CallRange::All),
        outcome: word(query, "outcome"),
        live: query.get_str("live").is_some_and(|live| live == "1"),
        campaign: word(query, "campaign"),
        contact: word(query, "contact"),
        paging: paging(query),
    }
}

/// Everything of a filter that stays when one thing changes, as query pairs.
fn pairs(filter: &CallFilter) -> [(&'static str, String); 7] {
    let range = if filter.range == CallRange::All { "" } else { filter.range.as_str() };
    let page = filter.paging.page;
    [
        ("q", filter.search.clone()),
        ("range", range.to_owned()),
        ("outcome", filter.outcome.map_or("", Outcome::as_str).to_owned()),
        ("live", if filter.live { "1" } else { "" }.to_owned()),
        ("campaign", filter.campaign.map(|id| id.to_string()).unwrap_or_default()),
        ("contact", filter.contact.map(|id| id.to_string()).unwrap_or_default()),
        ("page", if page > 1 { page.to_string() } else { String::new() }),
    ]
}

/// The address that shows `filter`.
pub fn href(filter: &CallFilter) -> String {
    let pairs = pairs(filter);
    link("/calls", &pairs.each_ref().map(|(name, value)| (*name, value.as_str())))
}

/// The first page of a changed filter.
fn with(filter: &CallFilter, change: impl FnOnce(&mut CallFilter)) -> String {
    let mut filter = CallFilter { paging: Paging::default(), ..filter.clone() };
    change(&mut filter);
    href(&filter)
}

/// `/calls`
#[component]
pub fn CallsPage() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(read));
    let newest = CampaignFilter { paging: Paging::new(1, PER_PAGE_MAX), ..CampaignFilter::default() };
    let campaigns = Answer::new(|| 0, move || ListCampaigns { filter: newest.clone() });
    view! {
        <Title text="Calls"/>
        <PageHeader title="Calls" description="Every attempt, what came of it and what it cost."/>
        <div class="mb-4">{move || filter.with(ranges)}</div>
        <Suspense fallback=move || bar(filter.get(), Vec::new())>
            {move || campaigns.get().map(|known| bar(filter.get(), known.map(|page| page.items).unwrap_or_default()))}
        </Suspense>
        <Log filter=filter href=Callback::new(|filter: CallFilter| href(&filter))/>
    }
}

/// The calls tab of a campaign.
#[component]
pub fn CallsOf(campaign: CampaignId) -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| {
        query.with(|query| CallFilter {
            campaign: Some(campaign),
            outcome: word(query, "outcome"),
            paging: paging(query),
            ..CallFilter::default()
        })
    });
    let to = move |filter: CallFilter| {
        let page = filter.paging.page;
        let page = if page > 1 { page.to_string() } else { String::new() };
        let outcome = filter.outcome.map_or("", Outcome::as_str);
        link(&format!("/campaigns/{campaign}"), &[("tab", "calls"), ("outcome", outcome), ("page", &page)])
    };
    let outcomes = move || {
        let now = filter.with(|filter| filter.outcome);
        let one = |outcome: Option<Outcome>, label: &str| {
            let href = to(CallFilter { outcome, ..CallFilter::default() });
            Segment::new(label, href, now == outcome)
        };
        let items = std::iter::once(one(None, "All")).chain(Outcome::ALL.iter().map(|o| one(Some(*o), o.label()))).collect();
        view! { <Segmented label="Outcome" items=items/> }
    };
    view! {
        <div class="mb-4">{move || outcomes()}</div>
        <Log filter=filter href=Callback::new(to) inside=true/>
    }
}

/// The calls of a campaign that are under way.
#[component]
pub fn LiveCallsOf(campaign: CampaignId) -> impl IntoView {
    let filter = Memo::new(move |_| CallFilter { campaign: Some(campaign), live: true, ..CallFilter::default() });
    view! { <Log filter=filter href=Callback::new(|filter: CallFilter| href(&filter)) inside=true/> }
}

fn ranges(filter: &CallFilter) -> impl IntoView + use<> {
    let order = [CallRange::All, CallRange::Today, CallRange::Yesterday, CallRange::Week, CallRange::Fortnight, CallRange::Month];
    let items = order
        .into_iter()
        .map(|range| Segment::new(range.label(), with(filter, |f| f.range = range), filter.range == range))
        .collect();
    view! { <Segmented label="Range" items=items/> }
}

fn bar(filter: CallFilter, campaigns: Vec<CampaignRow>) -> AnyView {
    let outcomes =
        std::iter::once(Opt::new("", "Any")).chain(Outcome::ALL.iter().map(|o| Opt::new(o.as_str(), o.label()))).collect();
    let kept = pairs(&filter)
        .into_iter()
        .filter(|(name, value)| matches!(*name, "range" | "contact") && !value.is_empty())
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect_view();
    let filtered = !filter.search.is_empty()
        || filter.outcome.is_some()
        || filter.live
        || filter.campaign.is_some()
        || filter.contact.is_some();
    let clear = if filtered { href(&CallFilter { range: filter.range, ..CallFilter::default() }) } else { String::new() };
    let chip = filter.contact.map(|_| with(&filter, |f| f.contact = None));
    let chip = chip.map(|remove| view! { <Chip label="Contact" value="one" remove_href=remove/> });
    let chosen = filter.campaign.map(|id| id.to_string()).unwrap_or_default();
    let mut named: Vec<_> = campaigns.into_iter().map(|row| Opt::new(row.id.to_string(), row.name)).collect();
    // The list has the newest only; the one that is chosen stays chosen.
    if !chosen.is_empty() && named.iter().all(|one| one.value != chosen) {
        named.push(Opt::new(chosen.clone(), "One campaign"));
    }
    named.insert(0, Opt::new("", "Any"));
    view! {
        <FilterBar action="/calls" label="Filter calls" search=filter.search.clone() placeholder="Phone number, like +1 813" clear_href=clear>
            {kept}
            <FilterSelect label="Outcome" name="outcome" options=outcomes value=filter.outcome.map_or("", Outcome::as_str)/>
            <FilterSelect label="State" name="live" options=vec![Opt::new("", "Any"), Opt::new("1", "Under way")] value=if filter.live { "1" } else { "" }/>
            <FilterSelect label="Campaign" name="campaign" options=named value=chosen/>
            {chip}
        </FilterBar>
    }
}

fn columns(inside: bool) -> Vec<Column> {
    let mut columns = vec![Column::new("Contact"), Column::new("State")];
    if !inside {
        columns.push(Column::new("Campaign"));
    }
    columns.extend([
        Column::new("Attempt").number(),
        Column::new("Talk").number(),
        Column::new("Cost").number(),
        Column::new("Started").number(),
    ]);
    columns
}

/// The table itself; `inside` a campaign it does not name the campaign again.
#[component]
fn Log(filter: Memo<CallFilter>, href: Callback<CallFilter, String>, #[prop(optional)] inside: bool) -> impl IntoView {
    let tick = use_topic(Topic::Calls);
    let page = Answer::new(move || tick.get(), move || ListCalls { filter: filter.get() });
    view! {
        <Card flush=true>
            <Loaded
                resource=page
                what="the calls"
                waiting=move || view! { <Table caption="Calls" columns=columns(inside)><SkeletonRows columns=7/></Table> }
                view=move |page| listing(page, filter, href, inside)
            />
        </Card>
    }
}

fn listing(page: Signal<Page<CallRow>>, filter: Memo<CallFilter>, href: Callback<CallFilter, String>, inside: bool) -> AnyView {
    let empty = Memo::new(move |_| page.with(|page| page.items.is_empty()));
    let pager = Memo::new(move |_| page.with(|page| (page.paging, page.total)));
    let rows = move || {
        view! {
            <Table caption="Calls" columns=columns(inside)>
                {live_lines(page, |row| row.id.uuid(), move |row| view! { <CallLine row=row inside=inside/> })}
            </Table>
            {move || {
                let (paging, total) = pager.get();
                let to = Callback::new(move |page| href.run(CallFilter { paging: Paging { page, ..paging }, ..filter.get_untracked() }));
                view! { <Pager page=paging.page per_page=paging.per_page total=total href=to/> }
            }}
        }
    };
    view! { {move || if empty.get() { filter.with(|filter| nothing(filter, inside)) } else { rows() }} }
}

fn nothing(filter: &CallFilter, inside: bool) -> AnyView {
    if inside && filter.live {
        return view! { <Empty icon=icondata::LuPhone title="Nobody is on the line" text="Calls appear here while they last."/> };
    }
    if filter.paging.page > 1 {
        return view! { <Empty icon=icondata::LuPhone title="No calls on this page" text="The list has fewer pages by now."/> };
    }
    let plain = CallFilter { campaign: filter.campaign.filter(|_| inside), paging: filter.paging, ..CallFilter::default() };
    if *filter != plain {
        return view! {
            <Empty icon=icondata::LuSearchX title="No call matches" text="Try another period or outcome.">
                {(!inside).then(|| view! { <LinkButton href="/calls" variant=Variant::Outline>"Show all calls"</LinkButton> })}
            </Empty>
        };
    }
    view! { <Empty icon=icondata::LuPhone title="No calls yet" text="Calls appear here the moment a campaign dials or answers."/> }
}

#[component]
fn CallLine(row: Memo<CallRow>, inside: bool) -> impl IntoView {
    let fixed = row.get_untracked();
    let inbound = fixed.direction == Direction::Inbound;
    let direction = inbound.then_some("Inbound · ");
    let attempt = if inbound { "–".to_owned() } else { fixed.attempt.to_string() };
    let state = Memo::new(move |_| row.with(|row| row.state));
    let talk = move || row.with(|row| if row.talk_seconds > 0 { duration(row.talk_seconds) } else { "–".to_owned() });
    let cost = move || row.with(|row| row.cost.map_or_else(|| "–".to_owned(), |cost| cost.to_string()));
    let campaign = (!inside).then(|| {
        let link =
            fixed.campaign.map(|(id, name)| view! { <a class="hover:underline" href=format!("/campaigns/{id}")>{name}</a> });
        view! { <Cell label="Campaign" sub=fixed.agent_name>{link}</Cell> }
    });
    view! {
        <tr>
            <td class="lead">
                <a class="font-medium hover:underline" href=format!("/calls/{}", fixed.id)>{phone(&fixed.contact_name)}</a>
                <span class="sub tabular-nums">{direction}{phone(&fixed.phone)}{fixed.sandbox.then_some(" · sandbox")}</span>
            </td>
            <Cell label="State" sub=fixed.declined.map(|why| why.label().to_owned()).unwrap_or_default()><StateBadge state=state/></Cell>
            {campaign}
            <Cell label="Attempt" number=true muted=true>{attempt}</Cell>
            <Cell label="Talk" number=true>{move || talk()}</Cell>
            <Cell label="Cost" number=true>{move || cost()}</Cell>
            <Cell label="Started" number=true muted=true><When moment=fixed.started_at/></Cell>
        </tr>
    }
}
