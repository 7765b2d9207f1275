//! Where a company's programs hear what happened: the list of endpoints, and one of them. Plain pages.

use icondata as i;
use leptos_router::hooks::{use_params_map, use_query_map};
use model::Error;
use model::id::{CampaignId, EndpointId};
use model::webhooks::{EndpointForm, EndpointPage, EndpointRow, EndpointState, WebhookEvent};

use super::deliveries::{DeliveriesPage, DeliveryPage};
use super::new_secret;
use crate::form::{FormProblem, hidden, problem, typed_or};
use crate::plain::{PlainPage, answered, away};
use crate::prelude::*;
use crate::screen::{When, count, word};
use crate::ui::{
    Badge, Button, Card, Cell, Checkbox, Column, Crumb, Empty, Field, FieldGroup, Input, LinkButton, Note, Opt, Select, Size,
    Table, Tone, Variant,
};
use crate::wire::{Answer, Change, ChangeForm};

const LIST: &str = "/developers/webhooks";

/// The endpoints of the company.
#[server(protocol = crate::wire::Wire)]
pub async fn list_webhooks() -> Result<Vec<EndpointRow>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    Ok(services::webhooks::list(&mut tx).await?)
}

/// One endpoint, or what a new one is made from.
#[server(protocol = crate::wire::Wire)]
pub async fn load_webhook(#[server(default)] id: Option<EndpointId>) -> Result<EndpointPage, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    Ok(services::webhooks::page(&mut tx, id).await?)
}

/// What was typed about an endpoint. A box that is not ticked is not sent.
fn form(
    url: String,
    description: String,
    campaign: String,
    events: Vec<WebhookEvent>,
    full_numbers: bool,
    enabled: bool,
) -> EndpointForm {
    EndpointForm { url, description, events, campaign, full_numbers, enabled }
}

/// Makes an endpoint. Its secret is shown on the next page, once.
#[server(protocol = crate::wire::Wire)]
pub async fn create_webhook(
    url: String,
    description: String,
    campaign: String,
    #[server(default)] events: Vec<WebhookEvent>,
    #[server(default)] full_numbers: bool,
) -> Result<(), Error> {
    use crate::ssr::*;
    let form = form(url, description, campaign, events, full_numbers, true);
    let new = services::webhooks::create(&db()?, &caller()?.actor, &form)
        .await
        .inspect_err(|_| keep_typed(&[("url", &form.url), ("description", &form.description)]))?;
    show_once(&new.secret);
    redirect(&address(new.id));
    Ok(())
}

/// Changes an endpoint.
#[server(protocol = crate::wire::Wire)]
pub async fn save_webhook(
    id: EndpointId,
    url: String,
    description: String,
    campaign: String,
    #[server(default)] events: Vec<WebhookEvent>,
    #[server(default)] full_numbers: bool,
    #[server(default)] enabled: bool,
) -> Result<(), Error> {
    use crate::ssr::*;
    let form = form(url, description, campaign, events, full_numbers, enabled);
    services::webhooks::update(&db()?, &caller()?.actor, id, &form).await?;
    redirect_saying(LIST, "Endpoint saved.");
    Ok(())
}

/// Gives an endpoint a new secret, which is shown on the next page, once.
#[server(protocol = crate::wire::Wire)]
pub async fn rotate_webhook(id: EndpointId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let new = services::webhooks::rotate(&mut tx, id).await?;
    tx.commit().await?;
    show_once(&new.secret);
    redirect(&address(id));
    Ok(())
}

/// Removes an endpoint.
#[server(protocol = crate::wire::Wire)]
pub async fn remove_webhook(id: EndpointId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::webhooks::remove(&mut tx, id).await?;
    tx.commit().await?;
    redirect_saying(LIST, "Endpoint removed.");
    Ok(())
}

/// Sends a test to an endpoint.
#[server(protocol = crate::wire::Wire)]
pub async fn test_webhook(id: EndpointId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let delivery = services::webhooks::test(&mut tx, id).await?;
    tx.commit().await?;
    redirect(&super::deliveries::address(delivery));
    Ok(())
}

pub(super) fn address(id: EndpointId) -> String {
    format!("/developers/webhook?id={id}")
}

/// The plain pages of this folder: one route, because the browser carries the table of routes.
#[component]
pub fn WebhookPages() -> impl IntoView {
    let page = use_params_map().with_untracked(|params| params.get_str("page").unwrap_or_default().to_owned());
    match page.as_str() {
        "webhooks" => view! { <WebhooksPage/> },
        "webhook" => view! { <WebhookPage/> },
        "deliveries" => view! { <DeliveriesPage/> },
        "delivery" => view! { <DeliveryPage/> },
        _ => away("Not found", Vec::new(), &Error::not_found("page")),
    }
}

/// `/developers/webhooks`
#[component]
pub fn WebhooksPage() -> impl IntoView {
    let answer = Answer::blocking(|| ListWebhooks {});
    answered(answer, TITLE, crumbs(), |rows| {
        let actions = || {
            view! {
                <LinkButton href=super::deliveries::LOG variant=Variant::Outline>"Log"</LinkButton>
                <LinkButton href="/developers/webhook" icon=i::LuPlus>"New endpoint"</LinkButton>
            }
        };
        view! {
            <PlainPage wide=true title=TITLE description="Your programs hear what happened, in signed messages." crumbs=crumbs() actions=actions>
                <Card flush=true>{list(rows)}</Card>
            </PlainPage>
        }
    })
}

const TITLE: &str = "Webhooks";

fn crumbs() -> Vec<Crumb> {
    vec![Crumb::new("Settings", "/settings"), Crumb::new("Developers", "/settings/developers")]
}

/// The way to the pages below the list.
pub(super) fn crumbs_below() -> Vec<Crumb> {
    [crumbs(), vec![Crumb::new(TITLE, LIST)]].concat()
}

fn list(rows: Vec<EndpointRow>) -> AnyView {
    if rows.is_empty() {
        return view! {
            <Empty
                icon=i::LuWebhook
                title="No endpoints yet"
                text="Give an address of yours, choose what it hears of, and every message is signed so that you know it is ours."
            />
        };
    }
    let columns =
        vec![Column::new("Address"), Column::new("State"), Column::new("About"), Column::new("Events"), Column::new("Arrived")];
    let lines = rows
        .into_iter()
        .map(|row| {
            let (state, success, events) = (state(&row), success(&row), count(row.events.len() as i64, "event", "events"));
            let about = row.campaign.map_or_else(|| "The whole company".to_owned(), |(_, name)| name);
            view! {
                <tr>
                    <td class="lead">
                        <a class="break-all" href=address(row.id)>{row.url}</a>
                        <span class="sub">{row.description}</span>
                    </td>
                    <Cell label="State">{state}</Cell>
                    <Cell label="About">{about}</Cell>
                    <Cell label="Events">{events}</Cell>
                    <Cell label="Arrived">{success}</Cell>
                </tr>
            }
        })
        .collect_view();
    view! { <Table caption="Webhook endpoints" columns=columns>{lines}</Table> }
}

fn state(row: &EndpointRow) -> AnyView {
    let tone = match row.state {
        EndpointState::Active => Tone::Success,
        EndpointState::Failing => Tone::Warning,
        EndpointState::Off => Tone::Neutral,
    };
    view! { <Badge label=row.state.label() tone=tone/> }
}

/// How much of what was sent arrived.
fn success(row: &EndpointRow) -> String {
    let waiting = if row.waiting > 0 { format!(", {} waiting", row.waiting) } else { String::new() };
    match row.delivered + row.failed {
        0 => format!("Nothing was sent yet{waiting}"),
        sent => format!("{} % of {sent}{waiting}", row.delivered * 100 / sent),
    }
}

/// `/developers/webhook` and `/developers/webhook?id=…`
#[component]
pub fn WebhookPage() -> impl IntoView {
    let query = use_query_map();
    let id = query.with_untracked(|query| word::<EndpointId>(query, "id"));
    let secret = crate::ssr::shown_once();
    let answer = Answer::blocking(move || LoadWebhook { id });
    let (create, save) = (Change::new::<CreateWebhook>(), Change::new::<SaveWebhook>());
    let (rotate, remove, test) = (Change::new::<RotateWebhook>(), Change::new::<RemoveWebhook>(), Change::new::<TestWebhook>());
    answered(answer, "Webhook endpoint", crumbs_below(), move |page| {
        let secret = secret.clone().map(new_secret);
        let Some(row) = page.endpoint else {
            return view! {
                <PlainPage
                    title="New webhook endpoint"
                    description="An address of yours to which Belfry sends signed messages."
                    crumbs=crumbs_below()
                >
                    {fields(None, page.campaigns, create)}
                </PlainPage>
            };
        };
        let beside = {
            let row = row.clone();
            move || state(&row)
        };
        view! {
            <PlainPage title=row.url.clone() description=success(&row) crumbs=crumbs_below() beside=beside>
                {secret}
                {about(&row)}
                {more(&row, rotate, remove, test)}
                {fields(Some(&row), page.campaigns, save)}
            </PlainPage>
        }
    })
}

fn about(row: &EndpointRow) -> AnyView {
    let trouble = match (row.state, row.why.is_empty(), row.failing_since) {
        (EndpointState::Off, false, _) => {
            Some(view! { <Note tone=Tone::Warning>{format!("It was switched off: {}.", row.why)}</Note> })
        }
        (EndpointState::Failing, _, Some(since)) => Some(
            view! { <Note tone=Tone::Warning>"Nothing has arrived since " <When moment=since/> ". One message at a time is tried."</Note> },
        ),
        _ => None,
    };
    let old = row.old_until.map(
        |until| view! { <p class="text-sm text-muted-foreground">"The old secret signs too until " <When moment=until/> "."</p> },
    );
    view! {
        {trouble}
        {old}
    }
}

fn fields(row: Option<&EndpointRow>, campaigns: Vec<(CampaignId, String)>, change: Change) -> AnyView {
    let error = change.error();
    let now = row.map_or_else(EndpointForm::default, EndpointRow::form);
    let events = WebhookEvent::choosable()
        .enumerate()
        .map(|(n, event)| {
            let checked = now.events.contains(&event);
            view! { <Checkbox name=format!("events[{n}]") value=event.as_str() label=event.as_str() hint=event.label() checked=checked/> }
        })
        .collect_view();
    let everything = std::iter::once(Opt::new("", "The whole company"));
    let campaigns: Vec<_> = everything.chain(campaigns.into_iter().map(|(id, name)| Opt::new(id.to_string(), name))).collect();
    let switch = row.map(|_| view! { <Checkbox name="enabled" label="On" hint="Off, nothing is written for it and nothing is sent." checked=now.enabled/> });
    let id = row.map(|row| hidden("id", row.id));
    let save = if row.is_some() { "Save" } else { "Make endpoint" };
    view! {
        <ChangeForm change=change attr:novalidate=true><Card title="What it hears of"><div class="flex flex-col gap-4">
            {id}
            <Field label="Address" name="url" hint="Like https://example.com/belfry: public, over TLS, without a port." error=problem(error, "url")>
                <Input kind="url" value=typed_or("url", now.url) autocomplete="off"/>
            </Field>
            <Field label="Description" name="description" optional=true error=problem(error, "description")>
                <Input value=typed_or("description", now.description) maxlength=200 autocomplete="off"/>
            </Field>
            <FieldGroup legend="Events">{events}</FieldGroup>
            <Field label="About" name="campaign" error=problem(error, "campaign")><Select options=campaigns value=now.campaign/></Field>
            <Checkbox
                name="full_numbers"
                label="Whole phone numbers"
                hint="Otherwise they are masked; a program that looks people up by number needs them whole."
                checked=now.full_numbers
            />
            {switch}
            <FormProblem error=error fields=&["url", "description", "campaign"]/>
            <div><Button submit=true>{save}</Button></div>
        </div></Card></ChangeForm>
    }
}

fn more(row: &EndpointRow, rotate: Change, remove: Change, test: Change) -> AnyView {
    let id = row.id;
    let is_on = row.state != EndpointState::Off;
    view! {
        <div class="flex flex-wrap gap-2">
            <LinkButton href=format!("{}?endpoint={id}", super::deliveries::LOG) variant=Variant::Outline size=Size::Small>"What was sent"</LinkButton>
            {is_on.then(|| view! {
                <ChangeForm change=test>
                    {hidden("id", id)}
                    <Button submit=true variant=Variant::Outline size=Size::Small>"Send a test"</Button>
                </ChangeForm>
            })}
            <ChangeForm change=rotate>
                {hidden("id", id)}
                <Button submit=true variant=Variant::Outline size=Size::Small>"New secret"</Button>
            </ChangeForm>
            <ChangeForm change=remove>
                {hidden("id", id)}
                <Button submit=true variant=Variant::Destructive size=Size::Small>"Remove"</Button>
            </ChangeForm>
        </div>
        <FormProblem error=rotate.error() fields=&[]/>
        <FormProblem error=remove.error() fields=&[]/>
        <FormProblem error=test.error() fields=&[]/>
    }
}
