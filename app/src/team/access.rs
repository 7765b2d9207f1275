//! What one member may reach: their campaigns, if they are an operator, and whether they may come in at all. A plain page.

use leptos_router::hooks::use_query_map;
use model::Error;
use model::accounts::Role;
use model::id::{CampaignId, UserId, Uuid};
use model::team::{Access, AssignmentRow};

use crate::form::{FormProblem, hidden};
use crate::plain::{PlainPage, answered};
use crate::prelude::*;
use crate::screen::word;
use crate::ui::{Badge, Button, Card, Checkbox, Crumb, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// What a member may reach.
#[server(protocol = crate::wire::Wire)]
pub async fn member_access(user: UserId) -> Result<Access, Error> {
    use crate::ssr::*;
    Ok(services::team::access::load(&db()?, &caller()?.actor, user).await?)
}

/// Gives an operator these campaigns and no others.
#[server(protocol = crate::wire::Wire)]
pub async fn assign_campaigns(user: UserId, #[server(default)] campaigns: Vec<CampaignId>) -> Result<(), Error> {
    use crate::ssr::*;
    services::team::access::assign(&db()?, &caller()?.actor, user, &campaigns).await?;
    redirect("/team");
    Ok(())
}

/// Keeps a member out until they are let in again.
#[server(protocol = crate::wire::Wire)]
pub async fn deactivate_member(user: UserId) -> Result<(), Error> {
    use crate::ssr::*;
    services::team::access::deactivate(&db()?, &caller()?.actor, user).await?;
    redirect("/team");
    Ok(())
}

/// Lets a member in again.
#[server(protocol = crate::wire::Wire)]
pub async fn reactivate_member(user: UserId) -> Result<(), Error> {
    use crate::ssr::*;
    services::team::access::reactivate(&db()?, &caller()?.actor, user).await?;
    redirect("/team");
    Ok(())
}

/// `/team/member?user=…`
#[component]
pub fn AccessPage() -> impl IntoView {
    let query = use_query_map();
    // An id that is none is nobody's.
    let user = Memo::new(move |_| query.with(|query| word::<UserId>(query, "user")).unwrap_or_else(|| UserId::from(Uuid::nil())));
    let answer = Answer::blocking(move || MemberAccess { user: user.get() });
    let (assign, out, back) =
        (Change::new::<AssignCampaigns>(), Change::new::<DeactivateMember>(), Change::new::<ReactivateMember>());
    answered(answer, "Access", crumbs(), move |access| about(access, assign, out, back))
}

fn crumbs() -> Vec<Crumb> {
    vec![Crumb::new("Team", "/team")]
}

fn about(access: Access, assign: Change, out: Change, back: Change) -> AnyView {
    let Access { user, name, role, deactivated, is_you, campaigns } = access;
    let lead = match role {
        Role::Operator => "An operator sees the campaigns chosen here and their calls, and nothing of the others.".to_owned(),
        other => format!("Sees all campaigns as {}.", other.label().to_lowercase()),
    };
    let state = match deactivated {
        true => view! {
            <ChangeForm change=back attr:class="flex flex-col gap-3">
                {hidden("user", user)}
                <p>"Deactivated: in the list, and not let in."</p>
                <FormProblem error=back.error() fields=&[]/>
                <div><Button submit=true>"Reactivate"</Button></div>
            </ChangeForm>
        },
        false => view! {
            <ChangeForm change=out attr:class="flex flex-col gap-3">
                {hidden("user", user)}
                <p class="text-muted-foreground">"Deactivated, somebody stays in the list and is signed out of this company until they are let in again."</p>
                <FormProblem error=out.error() fields=&[]/>
                <div><Button submit=true variant=Variant::Destructive>"Deactivate"</Button></div>
            </ChangeForm>
        },
    };
    let chosen = (role == Role::Operator).then(|| choice(user, campaigns, assign));
    view! {
        <PlainPage title=name description=lead crumbs=crumbs()>
            {chosen}
            {(!is_you && role != Role::SuperAdmin).then(|| view! { <Card title="Access">{state}</Card> })}
        </PlainPage>
    }
}

fn choice(user: UserId, campaigns: Vec<AssignmentRow>, assign: Change) -> AnyView {
    let none = campaigns.is_empty().then(|| view! { <p class="text-muted-foreground">"There are no campaigns yet."</p> });
    let lines = campaigns
        .into_iter()
        .enumerate()
        .map(|(n, row)| {
            view! {
                <li class="flex items-center justify-between gap-3">
                    <Checkbox label=row.name name=format!("campaigns[{n}]") value=row.id.to_string() checked=row.assigned/>
                    <Badge label=row.status.label()/>
                </li>
            }
        })
        .collect_view();
    view! {
        <ChangeForm change=assign><Card title="Campaigns"><div class="flex flex-col gap-4">
            {hidden("user", user)}
            {none}
            <ul class="flex flex-col gap-2">{lines}</ul>
            <FormProblem error=assign.error() fields=&[]/>
            <div><Button submit=true busy=assign.pending()>"Save campaigns"</Button></div>
        </div></Card></ChangeForm>
    }
}
