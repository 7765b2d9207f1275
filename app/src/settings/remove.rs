//! Removing a gateway: a page of plain forms, because it is seldom and not undone.

use leptos_router::hooks::use_query_map;
use model::Error;
use model::gateways::Gateway;
use model::id::GatewayId;

use super::gateway::LoadGateway;
use crate::form::{FormProblem, hidden, problem};
use crate::plain::{PlainPage, answered, away};
use crate::prelude::*;
use crate::ui::{Button, Card, Crumb, Field, Input, LinkButton, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// Removes a gateway from every list; its calls stay. `name` is its name, typed.
#[server(protocol = crate::wire::Wire)]
pub async fn remove_gateway(id: GatewayId, name: String) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::gateways::remove(&mut tx, id, &name).await?;
    tx.commit().await?;
    redirect("/settings");
    Ok(())
}

/// `/remove-gateway?id=…`
#[component]
pub fn RemoveGatewayPage() -> impl IntoView {
    let query = use_query_map();
    let id = query.with_untracked(|query| query.get_str("id").and_then(|id| id.parse::<GatewayId>().ok()));
    let Some(id) = id else { return away(TITLE, crumbs(None), &Error::not_found("gateway")) };
    let answer = Answer::blocking(move || LoadGateway { id });
    let remove = Change::new::<RemoveGateway>();
    answered(answer, TITLE, crumbs(None), move |gateway| asked(gateway, remove))
}

const TITLE: &str = "Remove gateway";

/// The way here, by the gateway when it is known.
fn crumbs(gateway: Option<(GatewayId, &str)>) -> Vec<Crumb> {
    let gateway = gateway.map(|(id, name)| Crumb::new(name, format!("/settings/gateways/{id}")));
    std::iter::once(Crumb::new("Settings", "/settings")).chain(gateway).collect()
}

fn asked(gateway: Gateway, remove: Change) -> AnyView {
    let error = remove.error();
    let (id, name) = (gateway.row.id, gateway.row.name);
    let lead = "It leaves every list with its numbers. Its calls stay. Its keys are deleted after two weeks, in which the last news of \
                its calls may come. What was published at the provider stays there.";
    view! {
        <PlainPage title=format!("Remove {name}?") description=lead crumbs=crumbs(Some((id, &name)))>
            <ChangeForm change=remove attr:novalidate=true><Card><div class="flex flex-col gap-4">
                {hidden("id", id)}
                <Field label="Type its name" name="name" hint=name error=problem(error, "name")><Input autocomplete="off"/></Field>
                <FormProblem error=error fields=&["name"]/>
                <div class="flex flex-wrap gap-2">
                    <Button submit=true variant=Variant::Destructive>"Remove gateway"</Button>
                    <LinkButton href=format!("/settings/gateways/{id}") variant=Variant::Outline>"Keep it"</LinkButton>
                </div>
            </div></Card></ChangeForm>
        </PlainPage>
    }
}
