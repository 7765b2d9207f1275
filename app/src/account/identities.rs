//! With what else one signs in: accounts at Google and LinkedIn, linking and unlinking them. A plain page.

use model::Error;
use model::identities::{Identities, IdentityProvider, IdentityRow};

use crate::form::{FormProblem, hidden, problem};
use crate::plain::{PlainPage, answered};
use crate::prelude::*;
use crate::screen::When;
use crate::ui::{Button, Card, Crumb, Field, Input, Note, Tone, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// What is linked, and what could be.
#[server(protocol = crate::wire::Wire)]
pub async fn load_identities() -> Result<Identities, Error> {
    use crate::ssr::*;
    Ok(services::identities::load(&db()?, &caller()?).await?)
}

/// Sends the browser to a provider, to come back linked.
#[server(protocol = crate::wire::Wire)]
pub async fn link_identity(provider: IdentityProvider, password: String) -> Result<(), Error> {
    use crate::ssr::*;
    let trip = services::identities::set_out_to_link(&db()?, &caller()?, provider, &password).await?;
    keep(Cookie::Trip, Some(&trip))?;
    redirect(&format!("/sign-in/link/{provider}"));
    Ok(())
}

/// Takes one away.
#[server(protocol = crate::wire::Wire)]
pub async fn unlink_identity(provider: IdentityProvider) -> Result<(), Error> {
    use crate::ssr::*;
    services::identities::unlink(&db()?, &caller()?, provider, &client()).await?;
    redirect_saying("/account/identities", "Unlinked.");
    Ok(())
}

/// `/account/identities`
#[component]
pub fn IdentitiesPage() -> impl IntoView {
    let answer = Answer::blocking(|| LoadIdentities {});
    let (link, unlink) = (Change::new::<LinkIdentity>(), Change::new::<UnlinkIdentity>());
    answered(answer, TITLE, crumbs(), move |identities| shown(identities, link, unlink))
}

const TITLE: &str = "Google and LinkedIn";

fn crumbs() -> Vec<Crumb> {
    vec![Crumb::new("Your account", "/account")]
}

fn shown(identities: Identities, link: Change, unlink: Change) -> AnyView {
    let Identities { linked, offered, has_password } = identities;
    let none = linked.is_empty().then(|| {
        view! { <p class="card-body text-muted-foreground">"Nothing is linked: you sign in with your password alone."</p> }
    });
    let lines = linked.into_iter().map(|row| line(row, unlink)).collect_view();
    view! {
        <PlainPage title=TITLE description="Whoever is signed in there as you can sign in here as you." crumbs=crumbs()>
            <FormProblem error=unlink.error() fields=&[]/>
            <Card title="Linked" flush=true>
                {none}
                <ul class="divide-y empty:hidden">{lines}</ul>
            </Card>
            {(!offered.is_empty()).then(|| linking(&offered, has_password, link))}
        </PlainPage>
    }
}

fn line(row: IdentityRow, unlink: Change) -> AnyView {
    let IdentityRow { provider, email, linked_at } = row;
    view! {
        <li class="flex items-center justify-between gap-3 p-4">
            <span class="min-w-0">
                <span class="block font-medium">{provider.label()}</span>
                <span class="sub break-words">{email} " since " <When moment=linked_at/></span>
            </span>
            <ChangeForm change=unlink>
                {hidden("provider", provider)}
                <Button submit=true variant=Variant::Outline>{format!("Unlink {}", provider.label())}</Button>
            </ChangeForm>
        </li>
    }
}

fn linking(offered: &[IdentityProvider], has_password: bool, link: Change) -> AnyView {
    if !has_password {
        return view! {
            <Note tone=Tone::Info>
                "To link another one, choose a password first: sign out, and follow “Forgotten?” on the sign-in page."
            </Note>
        };
    }
    let error = link.error();
    let ways = offered
        .iter()
        .map(|provider| {
            let label = format!("Link {}", provider.label());
            view! { <Button submit=true name="provider" value=provider.as_str()>{label}</Button> }
        })
        .collect_view();
    view! {
        <ChangeForm change=link attr:novalidate=true><Card title="Link another"><div class="flex flex-col gap-4">
            <Field label="Password" name="password" hint="Of your account here, to see that it is you." error=problem(error, "password")>
                <Input kind="password" autocomplete="current-password"/>
            </Field>
            <FormProblem error=error fields=&["password"]/>
            <div class="flex flex-wrap gap-2">{ways}</div>
        </div></Card></ChangeForm>
    }
}
