//! The event record on screen: what happened, who did it, and what it was about.

#[cfg(feature = "ssr")]
pub mod proof;

use icondata as i;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::Error;
use model::events::{EventFilter, EventKind, EventRow, Topic};
use model::id::{AgentId, CallId, CampaignId, ImportId};
use model::page::{Page, Paging};

use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, When, lines, link, paging, text, word};
use crate::ui::{
    Badge, Card, Cell, Chip, Column, Empty, FilterBar, FilterSelect, LinkButton, Opt, PageHeader, Pager, SkeletonRows, Table,
    Tone, Variant,
};
use crate::wire::Answer;

/// One page of the event record.
#[server(protocol = crate::wire::Wire)]
pub async fn list_events(filter: EventFilter) -> Result<Page<EventRow>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let page = services::events::list(&mut tx, &filter).await?;
    tx.commit().await?;
    Ok(page)
}

fn read(query: &ParamsMap) -> EventFilter {
    let subject = query.get_str("subject").filter(|subject| !subject.is_empty()).map(str::to_owned);
    let (who, from, to) = (text(query, "who"), text(query, "from"), text(query, "to"));
    EventFilter { kind: word(query, "kind"), subject, who, from, to, paging: paging(query) }
}

fn href(path: &str, filter: &EventFilter) -> String {
    let page = if filter.paging.page > 1 { filter.paging.page.to_string() } else { String::new() };
    let subject = filter.subject.as_deref().unwrap_or_default();
    let kind = filter.kind.map_or("", EventKind::as_str);
    link(
        path,
        &[
            ("kind", kind),
            ("subject", subject),
            ("who", &filter.who),
            ("from", &filter.from),
            ("to", &filter.to),
            ("page", &page),
        ],
    )
}

/// Whether anything is left out.
fn is_filtered(filter: &EventFilter) -> bool {
    EventFilter { paging: Paging::default(), ..filter.clone() } != EventFilter::default()
}

/// Which colour an event's topic has.
const fn tone(topic: Topic) -> Tone {
    match topic {
        Topic::Campaigns | Topic::Agents => Tone::Primary,
        Topic::Calls => Tone::Success,
        Topic::Imports | Topic::Contacts => Tone::Info,
        Topic::Credits => Tone::Warning,
        Topic::Suppressions => Tone::Danger,
        Topic::Events | Topic::Settings => Tone::Neutral,
    }
}

/// The page of a subject, by the prefix of its id.
fn page_of(subject: &str) -> Option<String> {
    let folder = match subject.split_once('_')?.0 {
        CampaignId::PREFIX => "campaigns",
        AgentId::PREFIX => "agents",
        ImportId::PREFIX => "imports",
        CallId::PREFIX => "calls",
        _ => return None,
    };
    Some(format!("/{folder}/{subject}"))
}

/// `/events`
#[component]
pub fn EventsPage() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(read));
    let tick = use_topic(Topic::Events);
    let page = Answer::new(move || tick.get(), move || ListEvents { filter: filter.get() });
    view! {
        <Title text="Events"/>
        <PageHeader title="Events" description="Every change, who made it and when. Nothing here can be edited.">
            <LinkButton href="/events/proof" external=true variant=Variant::Outline icon=i::LuShieldCheck>"Verify"</LinkButton>
        </PageHeader>
        {move || filter.with(bar)}
        <Card flush=true>
            <Loaded
                resource=page
                what="the events"
                waiting=move || view! { <Table caption="Events" columns=columns()><SkeletonRows columns=4/></Table> }
                view=move |page| listing(page, filter)
            />
        </Card>
    }
}

fn bar(filter: &EventFilter) -> impl IntoView + use<> {
    let any = std::iter::once(Opt::new("", "Any"));
    let options = any.chain(EventKind::ALL.iter().map(|kind| Opt::new(kind.as_str(), kind.label()))).collect::<Vec<_>>();
    let kind = filter.kind.map_or("", EventKind::as_str);
    let clear = if is_filtered(filter) { "/events" } else { "" };
    let file = href("/events/export", &EventFilter { paging: Paging::default(), ..filter.clone() });
    let file = move || view! { <LinkButton href=file.clone() external=true variant=Variant::Outline>"Export CSV"</LinkButton> };
    let (who, from, to) = (filter.who.clone(), filter.from.clone(), filter.to.clone());
    let subject = filter.subject.clone().map(|subject| {
        let without = href("/events", &EventFilter { subject: None, paging: Paging::default(), ..filter.clone() });
        view! {
            <input type="hidden" name="subject" value=subject.clone()/>
            <Chip label="About" value=subject remove_href=without/>
        }
    });
    view! {
        <FilterBar
            action="/events" label="Filter events" search=who search_name="who" placeholder="Who, by full name"
            clear_href=clear actions=ViewFn::from(file)
        >
            <FilterSelect label="Kind" name="kind" value=kind options=options/>
            <input type="date" class="input" name="from" aria-label="From" value=from/>
            <input type="date" class="input" name="to" aria-label="To" value=to/>
            {subject}
        </FilterBar>
    }
}

fn columns() -> Vec<Column> {
    vec![Column::new("When"), Column::new("Event"), Column::new("What"), Column::new("Who")]
}

fn listing(page: Signal<Page<EventRow>>, filter: Memo<EventFilter>) -> AnyView {
    let empty = Memo::new(move |_| page.with(|page| page.items.is_empty()));
    let pager = Memo::new(move |_| page.with(|page| (page.paging.page, page.paging.per_page, page.total)));
    let rows = move || {
        view! {
            <Table caption="Events" columns=columns()>
                {lines(page, |row| row.id.uuid(), line)}
            </Table>
            {move || {
                let (page, per_page, total) = pager.get();
                let to = move |page| filter.with_untracked(|f| href("/events", &EventFilter { paging: Paging { page, ..f.paging }, ..f.clone() }));
                view! { <Pager page=page per_page=per_page total=total href=Callback::new(to)/> }
            }}
        }
    };
    let nothing = move || {
        let filtered = filter.with(is_filtered);
        view! {
            <Empty icon=i::LuActivity title="No events" text="Changes by people and by Belfry are listed here as they happen.">
                {filtered.then(|| view! { <LinkButton href="/events" variant=Variant::Outline>"Show all events"</LinkButton> })}
            </Empty>
        }
    };
    view! { {move || if empty.get() { nothing() } else { rows().into_any() }} }
}

fn line(row: EventRow) -> AnyView {
    let about = row.subject.as_deref().and_then(page_of);
    let what = match about {
        Some(href) => view! { <a class="hover:underline" href=href>{row.text}</a> },
        None => row.text.into_any(),
    };
    view! {
        <tr>
            <Cell label="When" muted=true class="whitespace-nowrap"><When moment=row.at/></Cell>
            <Cell label="Event"><Badge label=row.kind.label() tone=tone(row.kind.topic())/></Cell>
            <Cell label="What">{what}</Cell>
            <Cell label="Who" muted=true>{row.who}</Cell>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::page_of;

    #[test]
    fn a_subject_leads_to_its_page_by_its_prefix() {
        assert_eq!(page_of("cmp_0191"), Some("/campaigns/cmp_0191".to_owned()));
        assert_eq!(page_of("usr_0191"), None);
        assert_eq!(page_of("nothing"), None);
    }
}
