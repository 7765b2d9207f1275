//! The companies of the platform, for super admins: the list, stopping one, letting it go on, and acting inside it.

use icondata as i;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::Error;
#[cfg(feature = "ssr")]
use model::accounts::Permission;
use model::clients::{ClientFilter, ClientRow};
use model::companies::CompanyType;
use model::id::CompanyId;
use model::page::Page;
use server_fn::ServerFn;

use crate::form::{FormProblem, hidden, told};
use crate::prelude::*;
use crate::screen::{Loaded, link, paging, text};
use crate::ui::{
    Badge, Button, Card, Cell, Column, FilterBar, Input, LinkButton, PageHeader, Pager, Size, Skeleton, Table, Tone, Variant,
    grouped,
};
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
    Ok(services::clients::suspend(&db()?, &caller()?.actor, company, &reason).await?)
}

/// Lets a company go on.
#[server(protocol = crate::wire::Wire)]
pub async fn reinstate_client(company: CompanyId) -> Result<(), Error> {
    use crate::ssr::*;
    Ok(services::clients::reinstate(&db()?, &caller()?.actor, company).await?)
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

/// Goes back home.
#[server(protocol = crate::wire::Wire)]
pub async fn leave_client() -> Result<(), Error> {
    use crate::ssr::*;
    let caller = caller()?;
    let token = services::clients::leave(&db()?, &caller, &client()).await?;
    keep_session(Some(&token)).await?;
    redirect(if caller.actor.may(Permission::AdminPlatform) { "/admin/clients" } else { "/clients" });
    Ok(())
}

/// `/admin/clients`
#[component]
pub fn ClientsPage() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(|query| ClientFilter { q: text(query, "q"), paging: paging(query) }));
    let changed = RwSignal::new(0_u32);
    let clients = Answer::new(move || changed.get(), move || ListClients { filter: filter.get() });
    view! {
        <Title text="Clients"/>
        <PageHeader title="Clients" description="Every company of the platform. What you do here is in their own record.">
            <LinkButton href="/admin/letters" external=true variant=Variant::Outline>"Letters"</LinkButton>
        </PageHeader>
        {move || view! {
            <FilterBar action="/admin/clients" label="Filter clients" search=filter.get().q placeholder="Start of a name"/>
        }}
        <Loaded
            resource=clients
            what="the clients"
            heading="Clients"
            waiting=|| view! { <Card><Skeleton class="h-64 w-full"/></Card> }
            view=move |page| table(page, filter, changed)
        />
    }
}

fn table(page: Signal<Page<ClientRow>>, filter: Memo<ClientFilter>, changed: RwSignal<u32>) -> AnyView {
    let (stop, go) = (Change::new::<SuspendClient>(), Change::new::<ReinstateClient>());
    let enter = Change::new::<EnterClient>();
    told(stop, "Suspended, and its campaigns paused", changed);
    told(go, "Reinstated", changed);
    let columns = vec![
        Column::new("Company"),
        Column::new("Type"),
        Column::new("Members").number(),
        Column::new("Credits").number(),
        Column::new("Since"),
        Column::new("Do").quiet(),
    ];
    let lines = move || page.get().items.into_iter().map(|row| line(row, stop, go)).collect_view();
    let href = move |n: u32| filter.with(|f| link("/admin/clients", &[("q", &f.q), ("page", &n.to_string())]));
    view! {
        <Card flush=true>
            <div class="px-5 empty:hidden"><FormProblem error=stop.error() fields=&[]/><FormProblem error=go.error() fields=&[]/><FormProblem error=enter.error() fields=&[]/></div>
            <Table caption="Clients" columns=columns>{lines}</Table>
            {move || page.with(|page| view! {
                <Pager page=page.paging.page per_page=page.paging.per_page total=page.total href=Callback::new(href)/>
            })}
        </Card>
    }
}

fn line(row: ClientRow, stop: Change, go: Change) -> AnyView {
    let (first, second) = (hidden("company", row.id), hidden("company", row.id));
    let suspended = row.suspended_because.is_some();
    let features = format!("/admin/features?company={}", row.id);
    let state = match suspended {
        true => view! {
            <ChangeForm change=go>
                {first}
                <Button submit=true variant=Variant::Outline size=Size::Small>"Reinstate"</Button>
            </ChangeForm>
        },
        false => view! {
            <ChangeForm change=stop attr:class="flex items-center gap-2">
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
                    // A plain form: the page that comes is drawn anew, as that company.
                    <form method="post" action=EnterClient::PATH>
                        {second}
                        <Button submit=true variant=Variant::Outline size=Size::Small icon=i::LuLogIn>"Act inside"</Button>
                    </form>
                    {state}
                    <a class="link text-sm" rel="external" href=features>"Features"</a>
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
