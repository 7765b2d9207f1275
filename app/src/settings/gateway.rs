//! One gateway: whether it works, its addresses, its numbers, the agents kept there, and its keys.

use icondata as i;
use leptos_meta::Title;
use model::Error;
use model::events::Topic;
use model::gateways::{Gateway, GatewayTest, Keeping, KeptAgent, ListedNumber};
use model::id::{AgentId, GatewayId};

use super::gateways::{FIELDS, GatewayInput, keys, limits};
use crate::form::{FormProblem, problem, told, typed_or};
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, When, by_id, phone, title};
use crate::ui::{
    Badge, Button, Card, Cell, CodeBlock, Column, Crumb, Empty, Fact, Facts, Field, Input, Note, Opt, PageHeader, Select, Size,
    Skeleton, Table, Tone, Variant, some, use_toasts,
};
use crate::wire::{Answer, Change, ChangeForm};

/// A gateway with everything its page shows.
#[server(protocol = crate::wire::Wire)]
pub async fn load_gateway(id: GatewayId) -> Result<Gateway, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let gateway = services::gateways::load(&mut tx, id).await?;
    tx.commit().await?;
    Ok(gateway)
}

/// Changes a gateway. Provider and sandbox stay what they are; an empty key stays the one that is kept.
#[server(protocol = crate::wire::Wire)]
pub async fn save_gateway(id: GatewayId, gateway: GatewayInput) -> Result<(), Error> {
    use crate::ssr::*;
    let again = gateway.clone();
    let saved = async {
        let form = gateway.read()?;
        let mut tx = begin().await?;
        services::gateways::edit(&mut tx, id, &form).await?;
        tx.commit().await?;
        Ok(())
    };
    saved.await.inspect_err(|_: &Error| again.keep())?;
    redirect(&format!("/settings/gateways/{id}"));
    Ok(())
}

/// Looks whether the account works.
#[server(protocol = crate::wire::Wire)]
pub async fn test_gateway(id: GatewayId) -> Result<GatewayTest, Error> {
    use crate::ssr::*;
    let (db, caller) = (db()?, caller()?);
    Ok(services::gateways::test(&db, &caller.actor, id).await?)
}

/// The numbers of the account.
#[server(protocol = crate::wire::Wire)]
pub async fn list_gateway_numbers(id: GatewayId) -> Result<Vec<ListedNumber>, Error> {
    use crate::ssr::*;
    let (db, caller) = (db()?, caller()?);
    Ok(services::gateways::listed_numbers(&db, &caller.actor, id).await?)
}

/// Takes numbers of the account over; how many were new.
#[server(protocol = crate::wire::Wire)]
pub async fn import_gateway_numbers(id: GatewayId, #[server(default)] phones: Vec<String>) -> Result<usize, Error> {
    use crate::ssr::*;
    let (db, caller) = (db()?, caller()?);
    if phones.is_empty() {
        return Err(Error::field("phones", "Choose at least one number."));
    }
    Ok(services::gateways::import_numbers(&db, &caller.actor, id, &phones).await?)
}

/// Adds a number by hand.
#[server(protocol = crate::wire::Wire)]
pub async fn add_gateway_number(id: GatewayId, phone: String, label: String) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::gateways::add_number(&mut tx, id, &phone, &label).await?;
    tx.commit().await?;
    redirect(&format!("/settings/gateways/{id}"));
    Ok(())
}

/// Publishes an agent at a gateway's provider again.
#[server(protocol = crate::wire::Wire)]
pub async fn publish_agent_at(agent: AgentId, gateway: GatewayId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::agents::kept::publish_again(&mut tx, agent, gateway).await?;
    tx.commit().await?;
    Ok(())
}

/// Calls one person now; leads to the campaign that does.
#[server(protocol = crate::wire::Wire)]
pub async fn test_call(gateway: GatewayId, #[server(default)] agent: String, phone: String) -> Result<(), Error> {
    use crate::ssr::*;
    let agent = agent.parse().map_err(|_| Error::field("agent", "Publish an agent first."))?;
    let mut tx = begin().await?;
    let id = services::campaigns::test_call(&mut tx, gateway, agent, &phone).await?;
    tx.commit().await?;
    redirect(&format!("/campaigns/{id}"));
    Ok(())
}

/// `/settings/gateways/:id`
#[component]
pub fn GatewayPage() -> impl IntoView {
    by_id("Gateway", "gateway", one)
}

fn one(id: GatewayId) -> AnyView {
    let (settings, agents) = (use_topic(Topic::Settings), use_topic(Topic::Agents));
    let gateway = Answer::new(move || settings.get() + agents.get(), move || LoadGateway { id });
    let waiting = || view! { <Card><Skeleton class="h-96 w-full"/></Card> };
    view! { <Loaded resource=gateway what="the gateway" heading="Gateway" waiting=waiting view=page/> }
}

fn page(gateway: Signal<Gateway>) -> AnyView {
    let name = Signal::derive(move || gateway.with(|g| g.row.name.clone()));
    let first = gateway.get_untracked();
    let (id, kind) = (first.row.id, first.row.kind);
    let (callers, is_sandbox) = (first.callers.clone(), first.row.sandbox);
    let description = match first.row.sandbox {
        true => format!("{} in a simulated phone network: nobody's phone rings and no carrier is paid.", kind.label()),
        false => format!("Your account at {}. Its phones are real.", kind.label()),
    };
    let crumbs = vec![Crumb::new("Settings", "/settings")];
    let badge = move || first.row.sandbox.then(|| view! { <Badge label="Sandbox" tone=Tone::Info/> });
    view! {
        <Title text=title(name)/>
        <div class="max-w-4xl"><PageHeader title=name description=description crumbs=crumbs beside=badge/></div>
        <div class="flex max-w-4xl flex-col gap-6">
            {move || standing(&gateway.get())}
            <TestCard id=id/>
            <TestCallCard id=id callers=callers sandbox=is_sandbox/>
            {move || addresses(&gateway.get())}
            {move || kept(gateway.with(|g| g.agents.clone()))}
            <Numbers id=id listed=kind.lists_numbers() count=Signal::derive(move || gateway.with(|g| g.row.numbers))/>
            <Connection gateway=gateway.get_untracked()/>
        </div>
    }
}

/// What stands between this gateway and its first call.
fn standing(gateway: &Gateway) -> Option<AnyView> {
    if !gateway.problem.is_empty() {
        let problem = gateway.problem.clone();
        return Some(view! { <Note tone=Tone::Danger live=true><b>"It could not be set up. "</b>{problem}</Note> });
    }
    if gateway.is_pending {
        return Some(view! { <Note tone=Tone::Info live=true>"It is being set up at the provider."</Note> });
    }
    gateway.row.open_until.map(|until| {
        view! { <Note tone=Tone::Warning>{format!("The provider had trouble. Calls go on {}.", until.short())}</Note> }
    })
}

#[component]
fn TestCard(id: GatewayId) -> impl IntoView {
    let test = Change::new::<TestGateway>();
    let error = test.error();
    let said = move || {
        test.answer::<GatewayTest>().and_then(Result::ok).map(|told| {
            let (tone, lead) = if told.ok { (Tone::Success, "It works.") } else { (Tone::Danger, "It does not work.") };
            let lines = told.lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
            view! { <Note tone=tone live=true><b>{lead}</b><ul class="mt-1 list-disc ps-5">{lines}</ul></Note> }
        })
    };
    view! {
        <Card title="Test" scope="Signs in and looks at the account. Nobody is called.">
            <ChangeForm change=test attr:class="flex flex-col items-start gap-4">
                <input type="hidden" name="id" value=id.to_string()/>
                <Button submit=true variant=Variant::Outline icon=i::LuPlugZap busy=test.pending()>"Test the account"</Button>
                <div class="w-full" aria-live="polite">{said}</div>
                <FormProblem error=error fields=&[]/>
                <noscript>"The answer is shown by scripts."</noscript>
            </ChangeForm>
        </Card>
    }
}

/// One call to somebody who wants it.
#[component]
fn TestCallCard(id: GatewayId, callers: Vec<(AgentId, String)>, sandbox: bool) -> impl IntoView {
    let call = Change::new::<TestCall>();
    let error = call.error();
    let scope = match sandbox {
        true => "A simulated phone: any number will do, such as +1 212 555 0001, who answers.",
        false => "This phone rings. Law, do-not-call list and credits hold as for any other call.",
    };
    let agents: Vec<Opt> = callers.into_iter().map(|(id, name)| Opt::new(id.to_string(), name)).collect();
    view! {
        <Card title="Test call" scope=scope.to_owned()>
            <ChangeForm change=call attr:class="grid gap-4 sm:grid-cols-[1fr_1fr_auto] sm:items-start">
                <input type="hidden" name="gateway" value=id.to_string()/>
                <Field label="Agent" name="agent" error=problem(error, "agent")><Select options=agents/></Field>
                <Field label="Phone" name="phone" id="f-call" error=problem(error, "phone")><Input kind="tel" autocomplete="tel"/></Field>
                <Button submit=true variant=Variant::Outline icon=i::LuPhoneCall class="sm:mt-6" busy=call.pending()>"Call"</Button>
                <FormProblem error=error fields=&["agent", "phone"]/>
            </ChangeForm>
        </Card>
    }
}

fn addresses(gateway: &Gateway) -> AnyView {
    let (news, calls_in) = (gateway.news_url.clone(), gateway.calls_in_url.clone());
    view! {
        <Card title="Addresses" scope="Where the provider reaches Belfry. Most are set up for you; the provider's page in the manual says which are not.">
            <div class="flex flex-col gap-4">
                <CodeBlock label="News about calls" code=news/>
                <CodeBlock label="Somebody calls a number" code=calls_in/>
            </div>
        </Card>
    }
}

/// How an agent stands at a provider.
fn keeping(row: &KeptAgent) -> AnyView {
    let (label, tone) = match row.keeping {
        _ if row.drifted => ("Changed at the provider".to_owned(), Tone::Warning),
        Keeping::Ready => (format!("{} v{}", row.keeping.label(), row.version), Tone::Success),
        Keeping::Pending => (row.keeping.label().to_owned(), Tone::Info),
        Keeping::Failed => (row.keeping.label().to_owned(), Tone::Danger),
    };
    view! { <Badge label=label tone=tone/> }
}

/// Agents at providers, one line each; `of_agent` says which column names what.
pub(crate) fn kept_lines(rows: Vec<KeptAgent>, of_agent: bool) -> AnyView {
    let again = Change::new::<PublishAgentAt>();
    told(again, "Being published", None);
    let first = if of_agent { "Gateway" } else { "Agent" };
    let columns = vec![Column::new(first), Column::new("There"), Column::new("Since"), Column::new("Actions").quiet()];
    let line = move |row: KeptAgent| {
        let (name, href) = match of_agent {
            true => (row.gateway_name.clone(), format!("/settings/gateways/{}", row.gateway)),
            false => (row.agent_name.clone(), format!("/agents/{}", row.agent)),
        };
        let badge = keeping(&row);
        let (agent, gateway) = (row.agent.to_string(), row.gateway.to_string());
        let offers = row.drifted || row.keeping != Keeping::Ready;
        view! {
            <tr>
                <td class="lead">
                    <a class="link font-medium" href=href>{name}</a>
                    <span class="sub">{if of_agent { row.kind.label().to_owned() } else { row.remote }}</span>
                    {some(row.problem).map(|problem| view! { <span class="sub text-destructive">{problem}</span> })}
                </td>
                <Cell label="There">{badge}</Cell>
                <Cell label="Since">{row.at.map(|at| view! { <When moment=at/> })}</Cell>
                <td class="n">
                    {offers.then(|| view! {
                        <ChangeForm change=again>
                            <input type="hidden" name="agent" value=agent/>
                            <input type="hidden" name="gateway" value=gateway/>
                            <Button submit=true size=Size::Small variant=Variant::Outline>"Publish again"</Button>
                        </ChangeForm>
                    })}
                </td>
            </tr>
        }
    };
    view! {
        <div class="px-5 empty:hidden"><FormProblem error=again.error() fields=&[]/></div>
        <Table caption="Agents kept at providers" columns=columns>{rows.into_iter().map(line).collect_view()}</Table>
    }
}

fn kept(rows: Vec<KeptAgent>) -> Option<AnyView> {
    if rows.is_empty() {
        return None;
    }
    Some(view! {
        <Card title="Agents" scope="Kept at the provider in the version that is published here. Calls wait until it is there." flush=true>
            {kept_lines(rows, false)}
        </Card>
    })
}

#[component]
fn Numbers(id: GatewayId, listed: bool, count: Signal<i64>) -> impl IntoView {
    let scope = Signal::derive(move || match count.get() {
        0 => "No number to call from yet.".to_owned(),
        1 => "1 number. It is on the settings page.".to_owned(),
        n => format!("{n} numbers. They are on the settings page."),
    });
    view! {
        <Card title="Numbers" scope=scope>
            {if listed { view! { <ImportNumbers id=id/> }.into_any() } else { view! { <AddNumber id=id/> }.into_any() }}
        </Card>
    }
}

/// Lists the account's numbers and takes the ticked ones over.
#[component]
fn ImportNumbers(id: GatewayId) -> impl IntoView {
    let (list, import) = (Change::new::<ListGatewayNumbers>(), Change::new::<ImportGatewayNumbers>());
    let toasts = use_toasts();
    Effect::new(move |_| {
        if let Some(Ok(n)) = import.answer::<usize>() {
            toasts.success(match n {
                1 => "1 number imported".to_owned(),
                n => format!("{n} numbers imported"),
            });
            list.clear();
        }
    });
    let rows = move || {
        list.answer::<Vec<ListedNumber>>().and_then(Result::ok).map(|rows| {
            if rows.is_empty() {
                return view! { <Empty icon=i::LuPhone title="No numbers" text="Buy or import one at the provider first."/> };
            }
            let line = |row: ListedNumber| {
                let known = row.imported.is_some();
                view! {
                    <li class="flex items-center gap-3">
                        <label class="flex items-center gap-2">
                            <input type="checkbox" class="checkbox" name="phones[]" value=row.phone.clone() checked=!known disabled=known/>
                            <span class="tabular-nums">{phone(&row.phone)}</span>
                        </label>
                        <span class="text-sm text-muted-foreground">{if known { "Imported".to_owned() } else { row.label }}</span>
                    </li>
                }
            };
            view! {
                <ChangeForm change=import attr:class="flex flex-col items-start gap-4">
                    <input type="hidden" name="id" value=id.to_string()/>
                    <ul class="flex flex-col gap-2">{rows.into_iter().map(line).collect_view()}</ul>
                    <FormProblem error=import.error() fields=&[]/>
                    <Button submit=true busy=import.pending()>"Import the ticked"</Button>
                </ChangeForm>
            }
            .into_any()
        })
    };
    view! {
        <div class="flex flex-col gap-4">
            <ChangeForm change=list>
                <input type="hidden" name="id" value=id.to_string()/>
                <Button submit=true variant=Variant::Outline icon=i::LuListPlus busy=list.pending()>"List the account's numbers"</Button>
                <FormProblem error=list.error() fields=&[]/>
                <noscript>"The list is shown by scripts."</noscript>
            </ChangeForm>
            {rows}
        </div>
    }
}

#[component]
fn AddNumber(id: GatewayId) -> impl IntoView {
    let add = Change::new::<AddGatewayNumber>();
    let error = add.error();
    view! {
        <ChangeForm change=add attr:class="grid gap-4 sm:grid-cols-[1fr_1fr_auto] sm:items-start">
            <input type="hidden" name="id" value=id.to_string()/>
            <Field label="Phone" name="phone" hint="With its country code." error=problem(error, "phone")>
                <Input kind="tel" autocomplete="off"/>
            </Field>
            <Field label="Label" name="label" error=problem(error, "label")><Input autocomplete="off"/></Field>
            <Button submit=true variant=Variant::Outline class="sm:mt-6" busy=add.pending()>"Add number"</Button>
            <FormProblem error=error fields=&["phone", "label"]/>
        </ChangeForm>
    }
}

#[component]
fn Connection(gateway: Gateway) -> impl IntoView {
    let save = Change::new::<SaveGateway>();
    let error = save.error();
    told(save, "Gateway saved", None);
    let row = gateway.row.clone();
    let account = (!row.sandbox).then(|| keys(row.kind, Some(&gateway), error));
    let facts = row.sandbox.then(|| {
        view! {
            <Facts>
                <Fact label="Account">{some(gateway.account.clone()).unwrap_or_else(|| "Made up".to_owned())}</Fact>
                <Fact label="Key">{gateway.secret.clone()}</Fact>
            </Facts>
        }
    });
    view! {
        <ChangeForm change=save empties="[autocomplete=new-password]" attr:novalidate=true>
            <input type="hidden" name="id" value=row.id.to_string()/>
            <input type="hidden" name="gateway[kind]" value=row.kind.as_str()/>
            <input type="hidden" name="gateway[phones]" value=if row.sandbox { "sandbox" } else { "real" }/>
            <Card title="Connection" scope="A change holds from the next call on.">
                <div class="flex flex-col gap-4">
                    <Field label="Name" name="gateway[name]" error=problem(error, "name")>
                        <Input value=typed_or("gateway[name]", row.name.clone()) autocomplete="off"/>
                    </Field>
                    {facts}
                    {account}
                    {limits(row.concurrency_max, row.calls_per_second, error)}
                    <FormProblem error=error fields=FIELDS/>
                    <div><Button submit=true busy=save.pending()>"Save gateway"</Button></div>
                </div>
            </Card>
        </ChangeForm>
    }
}
