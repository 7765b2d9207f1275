//! The companies of the platform, for super admins: the list, stopping one, letting it go on, and acting inside it. A plain
//! page.

use icondata as i;
use leptos_router::hooks::use_query_map;
use model::Error;
use model::clients::{ClientFilter, ClientRow};
use model::companies::CompanyType;
use model::id::CompanyId;
use model::page::Page;

use crate::form::{FormProblem, hidden};
use crate::plain::{PlainPage, answered};
use crate::prelude::*;
use crate::screen::{link, paging, text};
use crate::ui::{Badge, Button, Card, Cell, Column, FilterBar, Input, LinkButton, Pager, Size, Table, Tone, Variant, grouped};
use crate::wire::{Answer, Change, ChangeForm};

/// The clients whose name begins so.
#[server(protocol = crate::wire::Wire)]
pub async fn list_clients(filter: ClientFilter) -> Result<Page<ClientRow>, Error> {
    use crate::ssr::*;
    Ok(services::clients::list(&db()?, &caller()?.actor, &filter).await?)
}

/// Stops a company.
#[server(protocol = crate::wire::Wire)]
pub async fn suspend_client(company: CompanyId, reason: String) -> Result<(), Error> {
    use crate::ssr::*;
    services::clients::suspend(&db()?, &caller()?.actor, company, &reason).await?;
    redirect_saying(PATH, "Suspended, and its campaigns paused.");
    Ok(())
}

/// Lets a company go on.
#[server(protocol = crate::wire::Wire)]
pub async fn reinstate_client(company: CompanyId) -> Result<(), Error> {
    use crate::ssr::*;
    services::clients::reinstate(&db()?, &caller()?.actor, company).await?;
    redirect_saying(PATH, "Reinstated.");
    Ok(())
}

/// Goes inside a company.
#[server(protocol = crate::wire::Wire)]
pub async fn enter_client(company: CompanyId) -> Result<(), Error> {
    use crate::ssr::*;
    let token = services::clients::enter(&db()?, &caller()?, company, &client()).await?;
    keep_session(Some(&token)).await?;
    redirect("/");
    Ok(())
}

/// `/admin/clients`
#[component]
pub fn ClientsPage() -> impl IntoView {
    let filter = use_query_map().with_untracked(|query| ClientFilter { q: text(query, "q"), paging: paging(query) });
    let asked = filter.clone();
    let clients = Answer::blocking(move || ListClients { filter: asked.clone() });
    let changes = Changes {
        stop: Change::new::<SuspendClient>(),
        go: Change::new::<ReinstateClient>(),
        enter: Change::new::<EnterClient>(),
    };
    answered(clients, TITLE, Vec::new(), move |page| {
        let letters = || view! { <LinkButton href="/admin/letters" variant=Variant::Outline>"Letters"</LinkButton> };
        view! {
            <PlainPage
                wide=true
                title=TITLE
                description="Every company of the platform. What you do here is in their own record."
                actions=letters
            >
                <FilterBar action=PATH label="Filter clients" search=filter.q.clone() placeholder="Start of a name"/>
                {table(page, filter, changes)}
            </PlainPage>
        }
    })
}

const TITLE: &str = "Clients";
const PATH: &str = "/admin/clients";

/// What can be done with a company, and how it went.
#[derive(Clone, Copy)]
struct Changes {
    stop: Change,
    go: Change,
    enter: Change,
}

fn table(page: Page<ClientRow>, filter: ClientFilter, changes: Changes) -> AnyView {
    let Page { items, total, paging } = page;
    let columns = vec![
        Column::new("Company"),
        Column::new("Type"),
        Column::new("Members").number(),
        Column::new("Credits").number(),
        Column::new("Since"),
        Column::new("Do").quiet(),
    ];
    let lines = items.into_iter().map(|row| line(row, changes)).collect_view();
    let href = move |n: u32| link(PATH, &[("q", &filter.q), ("page", &n.to_string())]);
    view! {
        <FormProblem error=changes.stop.error() fields=&[]/>
        <FormProblem error=changes.go.error() fields=&[]/>
        <FormProblem error=changes.enter.error() fields=&[]/>
        <Card flush=true>
            <Table caption="Clients" columns=columns>{lines}</Table>
            <Pager page=paging.page per_page=paging.per_page total=total href=href/>
        </Card>
    }
}

fn line(row: ClientRow, changes: Changes) -> AnyView {
    let (first, second) = (hidden("company", row.id), hidden("company", row.id));
    let suspended = row.suspended_because.is_some();
    let features = format!("/admin/features?company={}", row.id);
    let state = match suspended {
        true => view! {
            <ChangeForm change=changes.go>
                {first}
                <Button submit=true variant=Variant::Outline size=Size::Small>"Reinstate"</Button>
            </ChangeForm>
        },
        false => view! {
            <ChangeForm change=changes.stop attr:class="flex items-center gap-2">
                {first}
                <Input name="reason" label="Reason" placeholder="Why, for its people" size=Size::Small/>
                <Button submit=true variant=Variant::Destructive size=Size::Small>"Suspend"</Button>
            </ChangeForm>
        },
    };
    let actions = (!row.is_own).then(|| {
        view! {
            <details>
                <summary class="btn btn-outline btn-sm cursor-pointer">"Manage"</summary>
                <div class="mt-2 flex flex-wrap items-center gap-2">
                    <ChangeForm change=changes.enter>
                        {second}
                        <Button submit=true variant=Variant::Outline size=Size::Small icon=i::LuLogIn>"Act inside"</Button>
                    </ChangeForm>
                    {state}
                    <a class="link text-sm" href=features>"Features"</a>
                </div>
            </details>
        }
    });
    view! {
        <tr>
            <td class="lead">
                <span class="font-medium">{row.name}</span>
                {suspended.then(|| view! { " " <Badge label="Suspended" tone=Tone::Danger/> })}
                <span class="sub">{row.suspended_because}</span>
            </td>
            <Cell label="Type" muted=true>{row.company_type.map(CompanyType::label)}</Cell>
            <Cell label="Members" number=true>{grouped(row.members)}</Cell>
            <Cell label="Credits" number=true>{row.available.rounded()}</Cell>
            <Cell label="Since" muted=true>{row.created_at.date()}</Cell>
            <td>{actions}</td>
        </tr>
    }
}
