//! What was sent to the company's endpoints: the log, and one message with its attempts. Plain pages.

use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::Error;
use model::id::{DeliveryId, EndpointId, Uuid};
use model::page::Page;
use model::webhooks::{AttemptRow, Delivery, DeliveryFilter, DeliveryRow, DeliveryStatus, WebhookEvent};

use super::webhooks::crumbs_below;
use crate::form::{FormProblem, hidden};
use crate::plain::{PlainPage, answered};
use crate::prelude::*;
use crate::screen::{When, count, link, paging, word};
use crate::ui::{Badge, Button, Card, Cell, Column, Crumb, Empty, Fact, Facts, Field, Opt, Pager, Select, Table, Tone, Variant};
use crate::wire::{Answer, Change, ChangeForm};

pub(super) const LOG: &str = "/developers/deliveries";

/// The log.
#[server(protocol = crate::wire::Wire)]
pub async fn list_deliveries(filter: DeliveryFilter) -> Result<Page<DeliveryRow>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    Ok(services::webhooks::deliveries(&mut tx, &filter).await?)
}

/// One message with its attempts.
#[server(protocol = crate::wire::Wire)]
pub async fn load_delivery(id: DeliveryId) -> Result<Delivery, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    Ok(services::webhooks::delivery(&mut tx, id).await?)
}

/// Sends a message again.
#[server(protocol = crate::wire::Wire)]
pub async fn replay_delivery(id: DeliveryId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::webhooks::replay(&mut tx, id).await?;
    tx.commit().await?;
    redirect_saying(&address(id), "It is sent again.");
    Ok(())
}

/// Sends again what did not arrive in the last hours.
#[server(protocol = crate::wire::Wire)]
pub async fn replay_failed(id: EndpointId, hours: u32) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let since = services::webhooks::hours_ago(&tx, hours);
    services::webhooks::replay_failed(&mut tx, id, since).await?;
    tx.commit().await?;
    redirect(&link(LOG, &[("endpoint", &id.to_string())]));
    Ok(())
}

pub(super) fn address(id: DeliveryId) -> String {
    format!("/developers/delivery?id={id}")
}

fn filter_of(query: &ParamsMap) -> DeliveryFilter {
    DeliveryFilter {
        endpoint: word(query, "endpoint"),
        status: word(query, "status"),
        event: word(query, "event"),
        paging: paging(query),
    }
}

fn href(filter: &DeliveryFilter, page: u32) -> String {
    let text = |word: Option<String>| word.unwrap_or_default();
    let (endpoint, status) = (text(filter.endpoint.map(|e| e.to_string())), text(filter.status.map(|s| s.to_string())));
    let (event, page) = (text(filter.event.map(|e| e.to_string())), if page > 1 { page.to_string() } else { String::new() });
    link(LOG, &[("endpoint", &endpoint), ("status", &status), ("event", &event), ("page", &page)])
}

/// `/developers/deliveries?endpoint=…&status=…&event=…`
#[component]
pub fn DeliveriesPage() -> impl IntoView {
    let filter = use_query_map().with_untracked(filter_of);
    let asked = filter.clone();
    let answer = Answer::blocking(move || ListDeliveries { filter: asked.clone() });
    let again = Change::new::<ReplayFailed>();
    answered(answer, TITLE, crumbs_below(), move |page| {
        view! {
            <PlainPage wide=true title=TITLE description="Of the last thirty days, the newest first." crumbs=crumbs_below()>
                {narrow(&filter)}
                {log(page, &filter, again)}
            </PlainPage>
        }
    })
}

const TITLE: &str = "What was sent";

fn narrow(filter: &DeliveryFilter) -> AnyView {
    let any = || std::iter::once(Opt::new("", "Any"));
    let statuses: Vec<_> = any().chain(DeliveryStatus::ALL.iter().map(|s| Opt::new(s.as_str(), s.label()))).collect();
    let events: Vec<_> = any().chain(WebhookEvent::ALL.iter().map(|e| Opt::new(e.as_str(), e.as_str()))).collect();
    let (status, event) = (filter.status.map_or("", DeliveryStatus::as_str), filter.event.map_or("", WebhookEvent::as_str));
    view! {
        <form method="get" action=LOG class="flex flex-wrap items-end gap-3">
            {filter.endpoint.map(|id| hidden("endpoint", id))}
            <Field label="State" name="status"><Select options=statuses value=status/></Field>
            <Field label="Event" name="event"><Select options=events value=event/></Field>
            <Button submit=true variant=Variant::Outline>"Show"</Button>
        </form>
    }
}

fn log(page: Page<DeliveryRow>, filter: &DeliveryFilter, again: Change) -> AnyView {
    let Page { items, total, paging } = page;
    let list = if items.is_empty() {
        view! { <Empty icon=icondata::LuSend title="Nothing was sent" text="Messages to your endpoints are listed here, with what they answered."/> }
    } else {
        let columns =
            vec![Column::new("Event"), Column::new("State"), Column::new("To"), Column::new("Answer"), Column::new("When")];
        view! { <Table caption="Messages" columns=columns>{items.into_iter().map(line).collect_view()}</Table> }
    };
    let of = filter.clone();
    let pager = (total > i64::from(paging.per_page)).then(|| {
        view! { <Pager page=paging.page per_page=paging.per_page total=total href=move |n| href(&of, n)/> }
    });
    let replay = filter.endpoint.map(|id| replay_form(id, again));
    view! {
        <Card flush=true>
            {list}
            {pager}
        </Card>
        {replay}
    }
}

fn replay_form(id: EndpointId, again: Change) -> AnyView {
    let hours = [("1", "The last hour"), ("24", "The last day"), ("72", "The last three days"), ("720", "All of the log")];
    let options: Vec<_> = hours.into_iter().map(|(value, label)| Opt::new(value, label)).collect();
    view! {
        <ChangeForm change=again attr:class="flex flex-wrap items-end gap-3">
            {hidden("id", id)}
            <Field label="Send again what did not arrive" name="hours"><Select options=options value="24"/></Field>
            <Button submit=true variant=Variant::Outline>"Send again"</Button>
        </ChangeForm>
        <FormProblem error=again.error() fields=&[]/>
    }
}

fn badge(status: DeliveryStatus) -> AnyView {
    let tone = match status {
        DeliveryStatus::Delivered => Tone::Success,
        DeliveryStatus::Waiting => Tone::Info,
        DeliveryStatus::Failed => Tone::Danger,
    };
    view! { <Badge label=status.label() tone=tone/> }
}

fn line(row: DeliveryRow) -> AnyView {
    view! {
        <tr>
            <td class="lead"><a href=address(row.id)>{row.event.as_str()}</a></td>
            <Cell label="State">{badge(row.status)}</Cell>
            <Cell label="To"><span class="break-all">{row.url}</span></Cell>
            <Cell label="Answer">{row.last}</Cell>
            <Cell label="When"><When moment=row.created_at/></Cell>
        </tr>
    }
}

/// `/developers/delivery?id=…`
#[component]
pub fn DeliveryPage() -> impl IntoView {
    // An id that is none is nobody's.
    let id = use_query_map().with_untracked(|query| word::<DeliveryId>(query, "id"));
    let id = id.unwrap_or_else(|| DeliveryId::from(Uuid::nil()));
    let answer = Answer::blocking(move || LoadDelivery { id });
    let again = Change::new::<ReplayDelivery>();
    let crumbs = [crumbs_below(), vec![Crumb::new(TITLE, LOG)]].concat();
    let above = crumbs.clone();
    answered(answer, "Webhook message", crumbs, move |delivery| about(delivery, above.clone(), again))
}

fn about(delivery: Delivery, crumbs: Vec<Crumb>, again: Change) -> AnyView {
    let Delivery { row, body, attempts } = delivery;
    let none = attempts.is_empty().then(|| view! { <p class="p-4 text-muted-foreground">"It was not sent yet."</p> });
    let sent = count(i64::from(row.attempts), "attempt", "attempts");
    let next = row.due_at.map(|due| view! { " · next " <When moment=due/> });
    let attempts = attempts.into_iter().map(attempt).collect_view();
    let (id, status) = (row.id, row.status);
    let repeat = move || {
        view! {
            <ChangeForm change=again>
                {hidden("id", id)}
                <Button submit=true variant=Variant::Outline>"Send again"</Button>
            </ChangeForm>
        }
    };
    view! {
        <PlainPage title=row.event.as_str() crumbs=crumbs beside=move || badge(status) actions=repeat>
            <FormProblem error=again.error() fields=&[]/>
            <Card title="Message">
                <Facts>
                    <Fact label="Id"><code class="break-all">{row.id.to_string()}</code></Fact>
                    <Fact label="To"><a class="link break-all" href=super::webhooks::address(row.endpoint)>{row.url}</a></Fact>
                    <Fact label="Written"><When moment=row.created_at/></Fact>
                    <Fact label="Sent">{sent} {next}</Fact>
                </Facts>
                <pre class="mt-4 overflow-x-auto rounded-lg border p-3 font-mono text-xs leading-5" tabindex="0" role="region" aria-label="Body">{body}</pre>
            </Card>
            <Card title="Attempts" flush=true>
                {none}
                <ol class="divide-y empty:hidden">{attempts}</ol>
            </Card>
        </PlainPage>
    }
}

fn attempt(row: AttemptRow) -> AnyView {
    let what = match (row.status, row.error.is_empty()) {
        (Some(status), true) => status.to_string(),
        _ => row.error,
    };
    let answer = (!row.answer.is_empty()).then(|| {
        view! {
            <pre class="max-h-48 overflow-auto rounded-lg border p-3 font-mono text-xs leading-5" tabindex="0" role="region" aria-label="Answer">
                {row.answer}
            </pre>
        }
    });
    view! {
        <li class="flex flex-col gap-2 p-4">
            <span class="text-sm break-words"><When moment=row.at/> " · " {what} {format!(" · {} ms", row.milliseconds)}</span>
            {answer}
        </li>
    }
}
