//! Removing a gateway: a page of plain forms, because it is seldom and not undone.

use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::Error;
use model::gateways::Gateway;
use model::id::GatewayId;

use super::gateway::LoadGateway;
use crate::form::{FormProblem, hidden, problem};
use crate::prelude::*;
use crate::ui::{AuthLayout, Button, Field, Input, LinkButton, Note, Tone, Variant};
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
    let Some(id) = id else { return away(Error::not_found("gateway")) };
    let answer = Answer::blocking(move || LoadGateway { id });
    let remove = Change::new::<RemoveGateway>();
    let page = move |answer: Result<Gateway, Error>| match answer {
        Ok(gateway) => asked(gateway, remove),
        Err(error) => away(error),
    };
    view! {
        <Title text="Remove gateway"/>
        <Suspense fallback=|| ()>{move || answer.get().map(page)}</Suspense>
    }
}

fn away(error: Error) -> AnyView {
    view! {
        <AuthLayout title="Remove gateway" lead=|| "Nothing can be removed right now.">
            <div class="flex flex-col gap-4">
                <Note tone=Tone::Warning>{error.to_string()}</Note>
                <div><LinkButton href="/settings">"To the settings"</LinkButton></div>
            </div>
        </AuthLayout>
    }
}

fn asked(gateway: Gateway, remove: Change) -> AnyView {
    let error = remove.error();
    let (id, name) = (gateway.row.id, gateway.row.name);
    let lead = "It leaves every list with its numbers. Its calls stay. Its keys are deleted after two weeks, in which the last news of \
                its calls may come. What was published at the provider stays there.";
    view! {
        <AuthLayout title=format!("Remove {name}?") lead=move || lead>
            <ChangeForm change=remove attr:class="flex flex-col gap-4" attr:novalidate=true>
                {hidden("id", id)}
                <Field label="Type its name" name="name" hint=name error=problem(error, "name")><Input autocomplete="off"/></Field>
                <FormProblem error=error fields=&["name"]/>
                <Button submit=true variant=Variant::Destructive class="w-full" busy=remove.pending()>"Remove gateway"</Button>
                <div><LinkButton href=format!("/settings/gateways/{id}") variant=Variant::Outline>"Keep it"</LinkButton></div>
            </ChangeForm>
        </AuthLayout>
    }
}
