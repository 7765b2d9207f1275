//! The team: who is in this company, in which role, and who is asked in. Operators look, administrators manage.

#[cfg(feature = "ssr")]
pub mod access;
pub mod invite;
#[cfg(feature = "ssr")]
pub mod permissions;

use icondata as i;
use leptos_meta::Title;
use model::Error;
use model::accounts::{Permission, Role};
use model::id::UserId;
use model::team::{MemberRow, ROLES, Team};

use crate::form::{FormProblem, hidden, told};
use crate::prelude::*;
use crate::screen::{Loaded, When, may};
use crate::ui::{Badge, Button, Card, Cell, Column, LinkButton, Opt, PageHeader, Select, Size, Skeleton, Table, Tone, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// Everybody in the company, and who is asked in.
#[server(protocol = crate::wire::Wire)]
pub async fn load_team() -> Result<Team, Error> {
    use crate::ssr::*;
    Ok(services::team::list(&db()?, &caller()?.actor).await?)
}

/// Gives a member another role.
#[server(protocol = crate::wire::Wire)]
pub async fn change_role(user: UserId, role: Role) -> Result<(), Error> {
    use crate::ssr::*;
    Ok(services::team::set_role(&db()?, &caller()?.actor, user, role).await?)
}

/// Takes a member out, or oneself.
#[server(protocol = crate::wire::Wire)]
pub async fn remove_member(user: UserId) -> Result<(), Error> {
    use crate::ssr::*;
    Ok(services::team::remove(&db()?, &caller()?.actor, user).await?)
}

/// Lets nobody into the company without a second factor, or again everybody.
#[server(protocol = crate::wire::Wire)]
pub async fn require_two_factor(required: bool) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::two_factor::require(&mut tx, required).await?;
    tx.commit().await?;
    Ok(())
}

/// The roles one can give, for a select.
fn roles() -> Vec<Opt> {
    ROLES.iter().map(|role| Opt::new(role.as_str(), role.label())).collect()
}

/// `/team`
#[component]
pub fn TeamPage() -> impl IntoView {
    let changed = RwSignal::new(0_u32);
    let team = Answer::new(move || changed.get(), || LoadTeam {});
    view! {
        <Title text="Team"/>
        <div class="max-w-5xl">
            <PageHeader title="Team" description="Who works in this company, and what each may do.">
                <LinkButton href="/team/permissions" external=true variant=Variant::Outline icon=i::LuShieldCheck>"Roles"</LinkButton>
            </PageHeader>
            <Loaded
                resource=team
                what="the team"
                waiting=|| view! { <Card><Skeleton class="h-64 w-full"/></Card> }
                view=move |team| view! {
                    <div class="flex flex-col gap-6">
                        {invite::form(changed)}
                        {members(team, changed)}
                        {invite::waiting(team, changed)}
                        {second_factor(team, changed)}
                    </div>
                }
            />
        </div>
    }
}

fn second_factor(team: Signal<Team>, changed: RwSignal<u32>) -> AnyView {
    let require = Change::new::<RequireTwoFactor>();
    told(require, "Holds from the next click of everybody", changed);
    let manages = may(Permission::ManageSettings);
    let required = Memo::new(move |_| team.with(|team| team.two_factor_required));
    let card = move || {
        let required = required.get();
        let (scope, label) = match required {
            true => ("Nobody comes in without a code. Who has none is led to set it up.", "Let everybody in again"),
            false => ("Each member decides for themself. Required, those without it are led to set it up first.", "Require it"),
        };
        manages.get().then(|| {
            view! {
                <Card title="Two-factor sign-in" scope=scope>
                    <ChangeForm change=require attr:class="flex flex-col gap-4">
                        {hidden("required", !required)}
                        <FormProblem error=require.error() fields=&[]/>
                        <div><Button submit=true variant=Variant::Outline busy=require.pending()>{label}</Button></div>
                    </ChangeForm>
                </Card>
            }
        })
    };
    view! { {card} }
}

fn members(team: Signal<Team>, changed: RwSignal<u32>) -> AnyView {
    let (role, out) = (Change::new::<ChangeRole>(), Change::new::<RemoveMember>());
    told(role, "The role holds from now on", changed);
    told(out, "Taken out of the team", changed);
    let manages = may(Permission::ManageTeam);
    let columns = vec![Column::new("Name"), Column::new("Role"), Column::new("Last here"), Column::new("Manage").quiet()];
    let lines = move || {
        let manages = manages.get();
        team.get().members.into_iter().map(|row| line(row, manages, role, out)).collect_view()
    };
    view! {
        <Card title="Members" flush=true>
            <div class="px-5 empty:hidden"><FormProblem error=role.error() fields=&[]/><FormProblem error=out.error() fields=&[]/></div>
            <Table caption="Members" columns=columns>{lines}</Table>
        </Card>
    }
}

/// One member. What can be done opens in place, so that it also works without scripts.
fn line(row: MemberRow, manages: bool, role: Change, out: Change) -> AnyView {
    let (first, second) = (hidden("user", row.id), hidden("user", row.id));
    let label = format!("Role of {}", row.name);
    let change = (manages && row.role != Role::SuperAdmin).then(|| {
        view! {
            <ChangeForm change=role attr:class="flex items-center gap-2">
                {first}
                <Select name="role" label=label options=roles() value=row.role.as_str() size=Size::Small/>
                <Button submit=true variant=Variant::Outline size=Size::Small>"Save"</Button>
            </ChangeForm>
        }
    });
    let access = manages.then(|| {
        let href = format!("/team/member?user={}", row.id);
        view! { <LinkButton href=href external=true variant=Variant::Outline size=Size::Small>"Access"</LinkButton> }
    });
    let manage = (manages || row.is_you).then(|| {
        view! {
            <details>
                <summary class="btn btn-outline btn-sm cursor-pointer">{if manages { "Manage" } else { "Leave" }}</summary>
                <div class="mt-2 flex flex-wrap items-center gap-2">
                    {change}
                    {access}
                    <ChangeForm change=out>
                        {second}
                        <Button submit=true variant=Variant::Destructive size=Size::Small>
                            {if row.is_you { "Leave the team" } else { "Take out of the team" }}
                        </Button>
                    </ChangeForm>
                </div>
            </details>
        }
    });
    let seen = row.seen_at.map(|moment| view! { <When moment=moment/> });
    view! {
        <tr>
            <td class="lead">
                <span class="font-medium">{row.name}</span>
                {row.is_you.then(|| view! { " " <Badge label="You" tone=Tone::Primary/> })}
                {row.deactivated.then(|| view! { " " <Badge label="Deactivated" tone=Tone::Warning/> })}
                <span class="sub">{row.email}</span>
            </td>
            <Cell label="Role">{row.role.label()}</Cell>
            <Cell label="Last here" muted=true>{seen}</Cell>
            <td>{manage}</td>
        </tr>
    }
}
