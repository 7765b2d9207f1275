//! The do-not-call list on screen: who is on it and why, adding a number, and taking one off with a reason.

#[cfg(feature = "ssr")]
pub mod consents;
mod dialogs;
#[cfg(feature = "ssr")]
pub mod evidence;

use icondata as i;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::Error;
use model::accounts::Permission;
use model::events::Topic;
use model::id::SuppressionId;
use model::page::{Page, Paging};
use model::suppressions::{Source, SuppressionFilter, SuppressionRow};

use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, When, lines, link, may, paging, phone, text};
use crate::ui::{
    Badge, Button, Card, Cell, Column, Empty, FilterBar, LeadCell, LinkButton, PageHeader, Pager, Size, SkeletonRows, Table,
    Tone, Variant,
};
use crate::wire::Answer;
pub use dialogs::AddSuppression;
use dialogs::{AddDialog, RemoveDialog};

/// One page of the do-not-call list.
#[server(protocol = crate::wire::Wire)]
pub async fn list_suppressions(filter: SuppressionFilter) -> Result<Page<SuppressionRow>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let page = services::suppressions::list(&mut tx, &filter).await?;
    tx.commit().await?;
    Ok(page)
}

fn read(query: &ParamsMap) -> SuppressionFilter {
    SuppressionFilter { search: text(query, "q"), paging: paging(query) }
}

fn href(filter: &SuppressionFilter) -> String {
    let page = if filter.paging.page > 1 { filter.paging.page.to_string() } else { String::new() };
    link("/suppressions", &[("q", &filter.search), ("page", &page)])
}

const fn tone(source: Source) -> Tone {
    match source {
        Source::Dtmf | Source::Keyword => Tone::Danger,
        Source::Manual => Tone::Neutral,
        Source::Import => Tone::Info,
    }
}

/// What the dialogs of this page are about.
#[derive(Clone, Copy)]
struct Dialogs {
    add: RwSignal<bool>,
    remove: RwSignal<bool>,
    removing: RwSignal<Option<(SuppressionId, String)>>,
    changed: RwSignal<u32>,
}

/// `/suppressions`
#[component]
pub fn SuppressionsPage() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(read));
    let tick = use_topic(Topic::Suppressions);
    let dialogs = Dialogs {
        add: RwSignal::new(false),
        remove: RwSignal::new(false),
        removing: RwSignal::new(None),
        changed: RwSignal::new(0),
    };
    let page = Answer::new(move || tick.get() + dialogs.changed.get(), move || ListSuppressions { filter: filter.get() });
    let (manage, record) = (may(Permission::ManageSuppressions), may(Permission::ViewEvents));
    view! {
        <Title text="Suppressions"/>
        <PageHeader title="Suppressions" description="Numbers that are never dialed, whatever a campaign says. Pressing 9 in a call puts one here at once.">
            {move || record.get().then(|| view! { <LinkButton href="/evidence" external=true variant=Variant::Outline>"Evidence"</LinkButton> })}
            {move || manage.get().then(|| view! {
                <LinkButton href="/imports/new?kind=suppressions" variant=Variant::Outline external=true>"Import"</LinkButton>
                <Button icon=i::LuPlus on:click=move |_| dialogs.add.set(true)>"Add number"</Button>
            })}
        </PageHeader>
        {move || filter.with(bar)}
        <Card flush=true>
            <Loaded
                resource=page
                what="the do-not-call list"
                waiting=move || view! { <Table caption="Suppressed numbers" columns=columns()><SkeletonRows columns=6/></Table> }
                view=move |page| listing(page, filter, dialogs, manage)
            />
        </Card>
        <AddDialog dialogs=dialogs/>
        <RemoveDialog dialogs=dialogs/>
    }
}

fn bar(filter: &SuppressionFilter) -> impl IntoView + use<> {
    let clear = if filter.search.is_empty() { "" } else { "/suppressions" };
    view! {
        <FilterBar
            action="/suppressions"
            label="Filter suppressions"
            search=filter.search.clone()
            placeholder="Start of a number, like +1415"
            clear_href=clear
        />
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("Number"),
        Column::new("How"),
        Column::new("Reason"),
        Column::new("By"),
        Column::new("Since").number(),
        Column::new("Actions").quiet(),
    ]
}

fn listing(
    page: Signal<Page<SuppressionRow>>,
    filter: Memo<SuppressionFilter>,
    dialogs: Dialogs,
    manage: Signal<bool>,
) -> AnyView {
    let empty = Memo::new(move |_| page.with(|page| page.items.is_empty()));
    let pager = Memo::new(move |_| page.with(|page| (page.paging.page, page.paging.per_page, page.total)));
    let rows = move || {
        view! {
            <Table caption="Suppressed numbers" columns=columns()>
                {lines(page, |row| row.id.uuid(), move |row| line(row, dialogs, manage))}
            </Table>
            {move || {
                let (page, per_page, total) = pager.get();
                let to = move |page| filter.with_untracked(|f| href(&SuppressionFilter { paging: Paging { page, ..f.paging }, ..f.clone() }));
                view! { <Pager page=page per_page=per_page total=total href=Callback::new(to)/> }
            }}
        }
    };
    let nothing = move || match filter.with(|filter| filter.search.is_empty()) {
        true => view! {
            <Empty icon=i::LuShieldCheck title="Nobody is suppressed" text="Numbers come here when somebody presses 9, or when you add them by hand."/>
        },
        false => view! {
            <Empty icon=i::LuSearchX title="No number matches" text="The search looks at the start of the number, with its country code.">
                <LinkButton href="/suppressions" variant=Variant::Outline>"Show all numbers"</LinkButton>
            </Empty>
        },
    };
    view! { {move || if empty.get() { nothing() } else { rows().into_any() }} }
}

fn line(row: SuppressionRow, dialogs: Dialogs, manage: Signal<bool>) -> AnyView {
    let (id, shown) = (row.id, phone(&row.phone));
    let title = shown.clone();
    let remove = move |_| {
        dialogs.removing.set(Some((id, shown.clone())));
        dialogs.remove.set(true);
    };
    view! {
        <tr>
            <LeadCell title=title/>
            <Cell label="How"><Badge label=row.source.label() tone=tone(row.source)/></Cell>
            <Cell label="Reason">{row.reason}</Cell>
            <Cell label="By" muted=true>{row.by.unwrap_or_else(|| "Belfry".to_owned())}</Cell>
            <Cell label="Since" number=true muted=true><When moment=row.created_at/></Cell>
            <Cell class="md:w-10">
                {move || {
                    let remove = remove.clone();
                    manage.get().then(|| view! {
                        <Button variant=Variant::Ghost size=Size::Small on:click=remove>"Remove…"</Button>
                    })
                }}
            </Cell>
        </tr>
    }
}
