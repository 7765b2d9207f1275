//! The companies that one's own company opened for its clients: the list, opening one, credits, limits, and acting inside. Plain
//! pages.

pub mod brand;

use icondata as i;
use model::Error;
use model::clients::{NewClient, OwnClient, OwnClients};
use model::credits::Credits;
use model::id::{CompanyId, MovementId};

use crate::form::{FormProblem, hidden, problem, typed_or};
use crate::plain::{PlainPage, answered};
use crate::prelude::*;
use crate::ui::{Badge, Button, Card, Empty, Field, Input, LinkButton, Size, Tone, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// Calls at once that a new client is offered.
const CALLS: i32 = 10;

/// One's own clients.
#[server(protocol = crate::wire::Wire)]
pub async fn list_own_clients() -> Result<OwnClients, Error> {
    use crate::ssr::*;
    Ok(services::clients::resale::list(&db()?, &caller()?.actor).await?)
}

/// Opens a company for a client.
#[server(protocol = crate::wire::Wire)]
pub async fn open_client(name: String, email: String, concurrency_max: String) -> Result<(), Error> {
    use crate::ssr::*;
    let new = NewClient { name, email, concurrency_max: concurrency_max.trim().parse().unwrap_or(0) };
    let (db, caller) = (db()?, caller()?);
    let opened = services::clients::resale::open(&db, &caller.actor, &new).await.map_err(Error::from);
    opened.inspect_err(|_| {
        keep_typed(&[("name", &new.name), ("email", &new.email), ("concurrency_max", &concurrency_max)]);
    })?;
    redirect_saying("/clients", "Opened. Its administrator got an invitation by mail.");
    Ok(())
}

/// Sets how many calls at once a client may choose.
#[server(protocol = crate::wire::Wire)]
pub async fn limit_client(company: CompanyId, concurrency_max: String) -> Result<(), Error> {
    use crate::ssr::*;
    let calls = concurrency_max.trim().parse().unwrap_or(0);
    services::clients::resale::set_limit(&db()?, &caller()?.actor, company, calls).await?;
    redirect_saying("/clients", "Limit saved.");
    Ok(())
}

/// Gives a client credits of one's own.
#[server(protocol = crate::wire::Wire)]
pub async fn give_credits(company: CompanyId, id: MovementId, amount: String, note: String) -> Result<(), Error> {
    use crate::ssr::*;
    let amount = Credits::parse(&amount).ok_or_else(|| Error::field("amount", "Enter a number like 5 or 12.5."))?;
    services::clients::resale::give(&db()?, &caller()?.actor, company, id, amount, &note).await?;
    redirect_saying("/clients", "Credits given.");
    Ok(())
}

/// Goes inside one of one's own clients.
#[server(protocol = crate::wire::Wire)]
pub async fn enter_own_client(company: CompanyId) -> Result<(), Error> {
    use crate::ssr::*;
    let token = services::clients::resale::enter(&db()?, &caller()?, company, &client()).await?;
    keep_session(Some(&token)).await?;
    redirect("/");
    Ok(())
}

/// What can be done here, and how it went.
#[derive(Clone, Copy)]
struct Changes {
    open: Change,
    limit: Change,
    give: Change,
    enter: Change,
}

/// `/clients`
#[component]
pub fn OwnClientsPage() -> impl IntoView {
    let answer = Answer::blocking(|| ListOwnClients {});
    let changes = Changes {
        open: Change::new::<OpenClient>(),
        limit: Change::new::<LimitClient>(),
        give: Change::new::<GiveCredits>(),
        enter: Change::new::<EnterOwnClient>(),
    };
    answered(answer, TITLE, Vec::new(), move |clients| shown(clients, changes))
}

const TITLE: &str = "Your clients";

fn shown(page: OwnClients, changes: Changes) -> AnyView {
    let none = page.clients.is_empty().then(|| {
        view! { <Empty icon=i::LuBuilding2 title="No clients yet" text="Open the first company below. It starts without credits."/> }
    });
    let brand = || view! { <LinkButton href="/clients/brand" variant=Variant::Outline>"How they see you"</LinkButton> };
    let lines = page.clients.into_iter().map(|row| line(row, page.gift, changes)).collect_view();
    let error = changes.open.error();
    view! {
        <PlainPage
            title=TITLE
            description="Companies that you opened for others. What you do here is in their record, and in yours."
            actions=brand
        >
            <FormProblem error=changes.limit.error() fields=&[]/>
            <FormProblem error=changes.give.error() fields=&[]/>
            <FormProblem error=changes.enter.error() fields=&[]/>
            <Card title="Clients" scope=format!("You have {} credits to give", page.available) flush=true>
                {none}
                <ul class="divide-y border-t empty:hidden">{lines}</ul>
            </Card>
            <ChangeForm change=changes.open attr:novalidate=true><Card title="Open a company"><div class="flex flex-col gap-4">
                <Field label="Name" name="name" error=problem(error, "name")>
                    <Input value=typed_or("name", "") autocomplete="off"/>
                </Field>
                <Field
                    label="Its first administrator"
                    name="email"
                    hint="Gets an invitation by mail. It starts without credits."
                    error=problem(error, "email")
                >
                    <Input kind="email" value=typed_or("email", "") autocomplete="off"/>
                </Field>
                <Field label="Calls at once at most" name="concurrency_max" error=problem(error, "concurrency_max")>
                    <Input kind="number" min="1" max="1000" value=typed_or("concurrency_max", CALLS.to_string())/>
                </Field>
                <FormProblem error=error fields=&["name", "email", "concurrency_max"]/>
                <div><Button submit=true>"Open company"</Button></div>
            </div></Card></ChangeForm>
        </PlainPage>
    }
}

fn line(row: OwnClient, gift: MovementId, changes: Changes) -> AnyView {
    let OwnClient { id, name, available, concurrency_max, members, created_at, suspended } = row;
    let about = format!("{available} credits, {members} in its team, since {}", created_at.date());
    let of = |what: &str| format!("{what} {name}");
    let (limit, give, note, act) = (of("Calls at once for"), of("Credits for"), of("Note to"), of("Act inside"));
    let inside = (!suspended).then(|| {
        view! {
            <ChangeForm change=changes.enter>
                {hidden("company", id)}
                <Button submit=true size=Size::Small variant=Variant::Outline>{act}</Button>
            </ChangeForm>
        }
    });
    view! {
        <li class="flex flex-col gap-3 p-4">
            <div class="flex flex-wrap items-start justify-between gap-3">
                <div class="min-w-0">
                    <p class="font-medium break-words">
                        {name.clone()} {suspended.then(|| view! { " " <Badge label="Suspended" tone=Tone::Danger/> })}
                    </p>
                    <p class="text-sm text-muted-foreground tabular-nums">{about}</p>
                </div>
                {inside}
            </div>
            <ChangeForm change=changes.give attr:class="flex flex-wrap items-center gap-2" attr:novalidate=true>
                {hidden("company", id)} {hidden("id", gift)}
                <Input name="amount" label=give placeholder="Credits" inputmode="decimal" size=Size::Small class="w-28"/>
                <Input name="note" label=note placeholder="Note, for both" size=Size::Small class="w-44"/>
                <Button submit=true size=Size::Small variant=Variant::Outline>"Give"</Button>
            </ChangeForm>
            <ChangeForm change=changes.limit attr:class="flex flex-wrap items-center gap-2" attr:novalidate=true>
                {hidden("company", id)}
                <Input
                    kind="number"
                    min="1"
                    max="1000"
                    name="concurrency_max"
                    label=limit
                    value=concurrency_max.to_string()
                    size=Size::Small
                    class="w-28"
                />
                <Button submit=true size=Size::Small variant=Variant::Outline>"Set calls at once"</Button>
            </ChangeForm>
        </li>
    }
}
