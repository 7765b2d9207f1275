//! The list of campaigns. Status, search, order and page are in the query string; rows follow the live stream in place.

use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::Error;
use model::accounts::Permission;
use model::campaigns::{CampaignFilter, CampaignRow, CampaignSort, Progress, Status};
use model::events::Topic;
use model::page::Page;

use super::moves::{MoveDialogs, MoveItems, Moves};
use super::{CampaignDialog, ProgressBar, StatusBadge, connect_rate, second_line};
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, When, link, live_lines, may, opened_by, paging, sortable, text, word};
use crate::ui::{
    Button, Card, Cell, Column, Empty, FilterBar, LinkButton, Menu, PageHeader, Pager, SkeletonRows, Tab, Table, Tabs, Variant,
    grouped,
};
use crate::wire::Answer;

/// One page of campaigns.
#[server(protocol = crate::wire::Wire)]
pub async fn list_campaigns(filter: CampaignFilter) -> Result<Page<CampaignRow>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let page = services::campaigns::list(&mut tx, &filter).await?;
    tx.commit().await?;
    Ok(page)
}

fn read(query: &ParamsMap) -> CampaignFilter {
    let plain = CampaignFilter::default();
    CampaignFilter {
        direction: None,
        search: text(query, "q"),
        status: word(query, "status"),
        sort: word(query, "sort").unwrap_or(plain.sort),
        descending: match query.get_str("order") {
            Some("asc") => false,
            Some("desc") => true,
            _ => plain.descending,
        },
        paging: paging(query),
    }
}

/// Status and order as query pairs; the usual order is not spelled out.
fn kept(filter: &CampaignFilter) -> [(&'static str, &'static str); 3] {
    let plain = CampaignFilter::default();
    let (sort, order) = match (filter.sort, filter.descending) {
        usual if usual == (plain.sort, plain.descending) => ("", ""),
        (sort, true) => (sort.as_str(), "desc"),
        (sort, false) => (sort.as_str(), "asc"),
    };
    [("status", filter.status.map_or("", Status::as_str)), ("sort", sort), ("order", order)]
}

/// The address that shows `filter`.
fn href(filter: &CampaignFilter) -> String {
    let [status, sort, order] = kept(filter);
    let page = filter.paging.page;
    let page = if page > 1 { page.to_string() } else { String::new() };
    link("/campaigns", &[status, ("q", &filter.search), sort, order, ("page", &page)])
}

/// `/campaigns`
#[component]
pub fn CampaignsPage() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(read));
    let tick = use_topic(Topic::Campaigns);
    let calls = use_topic(Topic::Calls);
    let moves = Moves::new();
    let news = move || tick.get() + calls.get() + moves.changed.get();
    let page = Answer::new(news, move || ListCampaigns { filter: filter.get() });
    let manage = may(Permission::ManageCampaigns);
    let creating = opened_by("new");
    view! {
        <Title text="Campaigns"/>
        <PageHeader title="Campaigns" description="Every campaign, how far it has come and what it has cost.">
            {move || manage.get().then(|| view! {
                <Button icon=icondata::LuPlus on:click=move |_| creating.set(true)>"New campaign"</Button>
            })}
        </PageHeader>
        <Tabs label="Campaigns by status" class="mb-5" items=Signal::derive(move || filter.with(tabs))/>
        {move || bar(filter.get())}
        <Card flush=true>
            <Loaded
                resource=page
                what="the campaigns"
                waiting=move || view! { <Table caption="Campaigns" columns=columns(&CampaignFilter::default())><SkeletonRows columns=8/></Table> }
                view=move |page| listing(page, filter, moves, creating, manage)
            />
        </Card>
        <MoveDialogs moves=moves/>
        <CampaignDialog open=creating/>
    }
}

fn tabs(filter: &CampaignFilter) -> Vec<Tab> {
    let to = |status: Option<Status>| href(&CampaignFilter { status, paging: Default::default(), ..filter.clone() });
    let all = Tab::new("All", to(None), filter.status.is_none());
    let order = [
        Status::Active,
        Status::Paused,
        Status::Scheduled,
        Status::Draft,
        Status::Completed,
        Status::Cancelled,
        Status::Archived,
    ];
    let one = |status: Status| Tab::new(status.label(), to(Some(status)), filter.status == Some(status));
    std::iter::once(all).chain(order.into_iter().map(one)).collect()
}

fn bar(filter: CampaignFilter) -> impl IntoView {
    let hidden = kept(&filter)
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect_view();
    let clear = if filter.search.is_empty() {
        String::new()
    } else {
        href(&CampaignFilter { search: String::new(), paging: Default::default(), ..filter.clone() })
    };
    view! {
        <FilterBar action="/campaigns" label="Filter campaigns" search=filter.search.clone() placeholder="Search campaigns" clear_href=clear>
            {hidden}
        </FilterBar>
    }
}

fn columns(filter: &CampaignFilter) -> Vec<Column> {
    let now = filter.sort;
    let column = |label: &str, key: CampaignSort| {
        sortable(label, key.as_str(), now.as_str(), filter.descending, |_, descending| {
            href(&CampaignFilter { sort: key, descending, paging: Default::default(), ..filter.clone() })
        })
    };
    vec![
        column("Campaign", CampaignSort::Name),
        column("Status", CampaignSort::Status),
        column("Progress", CampaignSort::Progress),
        column("Contacts", CampaignSort::Contacts).number(),
        Column::new("In flight").number(),
        Column::new("Connected").number(),
        Column::new("Spent").number(),
        column("Last change", CampaignSort::Updated).number(),
        Column::new("Actions").quiet(),
    ]
}

fn listing(
    page: Signal<Page<CampaignRow>>,
    filter: Memo<CampaignFilter>,
    moves: Moves,
    creating: RwSignal<bool>,
    manage: Signal<bool>,
) -> AnyView {
    let empty = Memo::new(move |_| page.with(|page| page.items.is_empty()));
    let pager = Memo::new(move |_| page.with(|page| (page.paging.page, page.paging.per_page, page.total)));
    let rows = move || {
        view! {
            <Table caption="Campaigns" columns=Signal::derive(move || filter.with(columns))>
                {live_lines(page, |row| row.id.uuid(), move |row| view! { <CampaignLine row=row moves=moves/> })}
            </Table>
            {move || {
                let (page, per_page, total) = pager.get();
                let to = Callback::new(move |n| filter.with_untracked(|f| href(&CampaignFilter { paging: model::page::Paging { page: n, ..f.paging }, ..f.clone() })));
                view! { <Pager page=page per_page=per_page total=total href=to/> }
            }}
        }
    };
    view! { {move || if empty.get() { filter.with(|filter| nothing(filter, creating, manage.get())) } else { rows().into_any() }} }
}

fn nothing(filter: &CampaignFilter, creating: RwSignal<bool>, manage: bool) -> AnyView {
    if filter.status.is_some() || !filter.search.is_empty() {
        return view! {
            <Empty icon=icondata::LuSearchX title="No campaign matches" text="Try another status, or clear the search.">
                <LinkButton href="/campaigns" variant=Variant::Outline>"Show all campaigns"</LinkButton>
            </Empty>
        };
    }
    let action =
        manage.then(|| view! { <Button icon=icondata::LuPlus on:click=move |_| creating.set(true)>"New campaign"</Button> });
    view! {
        <Empty icon=icondata::LuMegaphone title="No campaigns yet" text="A campaign calls a list of contacts with one of your agents, inside your hours.">
            {action}
        </Empty>
    }
}

/// A row whose figures change in place.
#[component]
fn CampaignLine(row: Memo<CampaignRow>, moves: Moves) -> impl IntoView {
    let (id, name) = row.with_untracked(|row| (row.id, row.name.clone()));
    let status = Memo::new(move |_| row.with(|row| row.status));
    let progress = Signal::derive(move || row.with(|row| row.progress));
    let title = Signal::derive(move || row.with(|row| row.name.clone()));
    let figure = move |read: fn(&Progress) -> String| {
        move || {
            let text = progress.with(read);
            if text.is_empty() { "–".to_owned() } else { text }
        }
    };
    view! {
        <tr>
            <td class="lead">
                <a class="font-medium hover:underline" href=format!("/campaigns/{id}")>{title}</a>
                <span class="sub">{move || row.with(second_line)}</span>
            </td>
            <Cell label="Status"><StatusBadge status=status/></Cell>
            <Cell label="Progress"><ProgressBar progress=progress running=Signal::derive(move || status.get() == Status::Active)/></Cell>
            <Cell label="Contacts" number=true>{figure(|p| if p.contacts > 0 { grouped(p.contacts) } else { String::new() })}</Cell>
            <Cell label="In flight" number=true>{figure(|p| if p.calling > 0 { grouped(p.calling) } else { String::new() })}</Cell>
            <Cell label="Connected" number=true>{figure(connect_rate)}</Cell>
            <Cell label="Spent" number=true>{figure(|p| if p.calls > 0 { p.spent.rounded() } else { String::new() })}</Cell>
            <Cell label="Last change" number=true muted=true>{move || row.with(|row| view! { <When moment=row.updated_at/> })}</Cell>
            <Cell class="w-10">
                <Menu id=format!("m-{id}") label=format!("Actions for {name}")>
                    <MoveItems moves=moves id=id name=title status=status/>
                </Menu>
            </Cell>
        </tr>
    }
}
