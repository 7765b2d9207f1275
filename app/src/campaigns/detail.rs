//! One campaign: head with its moves, and six tabs of which the query string names one. Everything follows the live stream.

use leptos_meta::Title;
use leptos_router::hooks::{use_navigate, use_query_map};
use model::Error;
use model::accounts::Permission;
use model::campaigns::{Action as Move, Campaign, Status};
use model::events::{EventFilter, EventRow, Topic};
use model::id::CampaignId;
use model::page::Page;

use super::enrollments::EnrollmentsTab;
use super::moves::{MoveDialogs, MoveItems, Moves};
use super::numbers::NumbersTab;
use super::overview::Overview;
use super::rehearsal::RehearsalTab;
use super::settings::SettingsTab;
use super::{CampaignDialog, StatusBadge};
use crate::calls::list::CallsOf;
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, When, by_id, link, may, opened_by, paging, text, title};
use crate::ui::{
    Button, Card, Cell, Column, Crumb, Empty, LinkButton, Menu, PageHeader, Pager, Skeleton, SkeletonRows, Tab, Table, Tabs,
    Variant, grouped,
};
use crate::wire::Answer;

/// A campaign with everything its page shows.
#[server(protocol = crate::wire::Wire)]
pub async fn load_campaign(id: CampaignId) -> Result<Campaign, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let campaign = services::campaigns::load(&mut tx, id).await?;
    tx.commit().await?;
    Ok(campaign)
}

/// What happened to one thing, newest first.
#[server(protocol = crate::wire::Wire)]
pub async fn list_subject_events(filter: EventFilter) -> Result<Page<EventRow>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let page = services::events::list(&mut tx, &filter).await?;
    tx.commit().await?;
    Ok(page)
}

/// `/campaigns/:id`
#[component]
pub fn CampaignPage() -> impl IntoView {
    by_id("Campaign", "campaign", one)
}

fn one(id: CampaignId) -> AnyView {
    let (campaigns, calls, credits) = (use_topic(Topic::Campaigns), use_topic(Topic::Calls), use_topic(Topic::Credits));
    let moves = Moves::new();
    let news = move || campaigns.get() + calls.get() + credits.get() + moves.changed.get();
    let campaign = Answer::new(news, move || LoadCampaign { id });
    let navigate = use_navigate();
    let gone = Callback::new(move |()| navigate("/campaigns", Default::default()));
    view! {
        <Loaded
            resource=campaign
            what="the campaign"
            heading="Campaign"
            waiting=waiting
            view=move |campaign| page(campaign, moves)
        />
        <MoveDialogs moves=moves on_deleted=gone/>
    }
}

fn waiting() -> impl IntoView {
    view! {
        <div class="page-head" role="status" aria-label="Loading">
            <div class="flex flex-col gap-3"><Skeleton class="h-4 w-40"/><Skeleton class="h-7 w-72"/></div>
        </div>
        <Skeleton class="mb-6 h-10 w-full"/>
        <Skeleton class="mb-6 h-28 w-full"/>
        <Skeleton class="h-64 w-full"/>
    }
}

fn page(campaign: Signal<Campaign>, moves: Moves) -> AnyView {
    let id = campaign.with_untracked(|c| c.id);
    let query = use_query_map();
    let tab = Memo::new(move |_| query.with(|query| text(query, "tab")));
    let name = Signal::derive(move || campaign.with(|c| c.form.name.clone()));
    let status = Memo::new(move |_| campaign.with(|c| c.status));
    let manage = may(Permission::ManageCampaigns);
    let over = |status| matches!(status, Status::Completed | Status::Cancelled | Status::Archived);
    let editable: Signal<bool> = Memo::new(move |_| manage.get() && !over(status.get())).into();
    let events = may(Permission::ViewEvents);
    let editing = opened_by("edit");
    let inbound = Memo::new(move |_| campaign.with(|c| c.form.is_inbound()));
    let description = move || {
        campaign.with(|c| match (&c.form.description, &c.agent_name) {
            (text, _) if !text.is_empty() => text.clone(),
            (_, Some(agent)) => format!("{}, {agent} speaks.", c.form.direction.label()),
            _ => format!("{}, no agent yet.", c.form.direction.label()),
        })
    };
    let tabs = move || {
        let here = tab.get();
        let one = |key: &str, label: &str| Tab::new(label, link(&format!("/campaigns/{id}"), &[("tab", key)]), here == key);
        let progress = campaign.with(|c| c.progress);
        let mut tabs = vec![
            Tab::new("Overview", format!("/campaigns/{id}"), here.is_empty() || here == "overview"),
            if inbound.get() {
                one("numbers", "Numbers")
            } else {
                one("enrollments", "Enrollments").count(grouped(progress.contacts))
            },
            one("calls", "Calls").count(grouped(progress.calls)),
        ];
        // Whoever answers calls has no list to rehearse with.
        if !inbound.get() {
            tabs.push(one("rehearsal", "Rehearsal"));
        }
        tabs.push(one("settings", "Settings"));
        if events.get() {
            tabs.push(one("events", "Events"));
        }
        tabs
    };
    let content = move || match tab.get().as_str() {
        "numbers" => view! { <NumbersTab id=id/> },
        "enrollments" => view! { <EnrollmentsTab id=id campaign=campaign/> },
        "calls" => view! { <CallsOf campaign=id/> },
        "rehearsal" => view! { <RehearsalTab id=id campaign=campaign/> },
        "settings" => view! { <SettingsTab campaign=campaign editable=editable/> },
        "events" => view! { <EventsTab id=id/> },
        _ => view! { <Overview campaign=campaign/> },
    };
    view! {
        <Title text=title(name)/>
        <PageHeader
            title=name
            description=Signal::derive(description)
            crumbs=vec![Crumb::new("Campaigns", "/campaigns")]
            beside=move || view! { <StatusBadge status=status/> }
        >
            <Actions id=id name=name status=status editable=editable moves=moves/>
        </PageHeader>
        <Tabs label="Campaign" class="mb-6" items=Signal::derive(tabs)/>
        {move || content()}
        {move || editable.get().then(|| view! { <CampaignDialog open=editing editing=campaign changed=moves.changed/> })}
    }
}

/// The buttons of the head: the likely move, edit, and the rest in a menu.
#[component]
fn Actions(id: CampaignId, name: Signal<String>, status: Memo<Status>, editable: Signal<bool>, moves: Moves) -> impl IntoView {
    let (manage, run) = (may(Permission::ManageCampaigns), may(Permission::RunCampaigns));
    // Without an entry there is no menu.
    let any = Memo::new(move |_| manage.get() || (run.get() && !status.get().actions().is_empty()));
    let likely = move || {
        let status = status.get();
        if !run.get() {
            return ().into_any();
        }
        let button = |action: Move, icon: icondata::Icon, variant: Variant| {
            view! { <Button variant=variant icon=icon on:click=move |_| moves.make(id, name.get_untracked(), action)>{action.label()}</Button> }
        };
        match status {
            Status::Draft => view! {
                <Button icon=icondata::LuRocket on:click=move |_| moves.launch(id, name.get_untracked())>"Launch"</Button>
            },
            Status::Active => button(Move::Pause, icondata::LuPause, Variant::Outline),
            Status::Paused => button(Move::Resume, icondata::LuPlay, Variant::Primary),
            _ => ().into_any(),
        }
    };
    let edit = move || {
        editable.get().then(|| {
            view! { <LinkButton href=format!("/campaigns/{id}?edit=1") variant=Variant::Outline icon=icondata::LuPencil>"Edit"</LinkButton> }
        })
    };
    view! {
        {move || edit()}
        {move || likely()}
        {move || any.get().then(|| view! {
            <Menu id="campaign-menu" label="More actions" class="btn btn-outline btn-icon">
                <MoveItems moves=moves id=id name=name status=status page=true/>
            </Menu>
        })}
    }
}

/// The audit record of this campaign.
#[component]
fn EventsTab(id: CampaignId) -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| {
        query.with(|query| EventFilter { subject: Some(id.to_string()), paging: paging(query), ..EventFilter::default() })
    });
    let tick = use_topic(Topic::Campaigns);
    let events = Answer::new(move || tick.get(), move || ListSubjectEvents { filter: filter.get() });
    let columns = || vec![Column::new("What"), Column::new("Detail"), Column::new("Who"), Column::new("When").number()];
    view! {
        <Card flush=true>
            <Loaded
                resource=events
                what="the events"
                waiting=move || view! { <Table caption="Events" columns=columns()><SkeletonRows columns=4/></Table> }
                view=move |page| (move || event_rows(id, page.get(), columns())).into_any()
            />
        </Card>
    }
}

fn event_rows(id: CampaignId, page: Page<EventRow>, columns: Vec<Column>) -> AnyView {
    if page.items.is_empty() {
        return view! { <Empty icon=icondata::LuActivity title="Nothing happened yet" text="Every change of this campaign will be listed here."/> };
    }
    let rows = page
        .items
        .into_iter()
        .map(|event| {
            view! {
                <tr>
                    <td class="lead font-medium">{event.kind.label()}</td>
                    <Cell label="Detail" class="wrap">{event.text}</Cell>
                    <Cell label="Who" muted=true>{event.who}</Cell>
                    <Cell label="When" number=true muted=true><When moment=event.at/></Cell>
                </tr>
            }
        })
        .collect_view();
    let to = Callback::new(move |n: u32| link(&format!("/campaigns/{id}"), &[("tab", "events"), ("page", &n.to_string())]));
    view! {
        <Table caption="Events" columns=columns>{rows}</Table>
        <Pager page=page.paging.page per_page=page.paging.per_page total=page.total href=to/>
    }
}
