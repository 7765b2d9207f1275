//! Your account: name, password, e-mail, and where you are signed in. The same in every company. Plain pages.

pub mod identities;
pub mod notices;
pub mod password;
pub mod sessions;

use icondata as i;
use model::Error;
use model::accounts::Account;

use crate::form::{FormProblem, problem, typed_or};
use crate::plain::{PlainPage, answered};
use crate::prelude::*;
use crate::ui::{Button, Card, Field, Input, LinkButton, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// Who one is and where one is signed in.
#[server(protocol = crate::wire::Wire)]
pub async fn load_account() -> Result<Account, Error> {
    use crate::ssr::*;
    Ok(services::accounts::profile::load(&db()?, &caller()?).await?)
}

/// Changes one's name.
#[server(protocol = crate::wire::Wire)]
pub async fn save_name(name: String) -> Result<(), Error> {
    use crate::ssr::*;
    let saved = services::accounts::profile::rename(&db()?, &caller()?, &name).await.map_err(Error::from);
    saved.inspect_err(|_| keep_typed(&[("name", &name)]))?;
    redirect_saying(PATH, "Your name is saved.");
    Ok(())
}

/// `/account`
#[component]
pub fn AccountPage() -> impl IntoView {
    let account = Answer::blocking(|| LoadAccount {});
    let save = Change::new::<SaveName>();
    let (proofs, ends) = (password::Changes::new(), sessions::Changes::new());
    answered(account, TITLE, Vec::new(), move |account| cards(account, save, proofs, ends))
}

const TITLE: &str = "Your account";
pub(super) const PATH: &str = "/account";

/// Whether one signs in with a code; all about it is on a page of its own, which also those reach who are not let in yet.
fn second_factor(account: &Account) -> AnyView {
    let (scope, label) = match account.two_factor {
        true => ("On: you sign in with your password and a code of your app.", "Recovery codes and turning off"),
        false => ("Off: your password alone lets one in.", "Set it up"),
    };
    view! {
        <Card title="Two-factor sign-in" scope=scope>
            <LinkButton href="/two-factor" variant=Variant::Outline icon=i::LuShieldCheck>{label}</LinkButton>
        </Card>
    }
}

/// With what else one signs in, where that is offered; on a page of its own.
fn identities(account: &Account) -> Option<AnyView> {
    let scope = account.identities.clone()?;
    Some(view! {
        <Card title="Google and LinkedIn" scope=scope>
            <LinkButton href="/account/identities" variant=Variant::Outline icon=i::LuLink>"Link and unlink"</LinkButton>
        </Card>
    })
}

fn cards(account: Account, save: Change, proofs: password::Changes, ends: sessions::Changes) -> AnyView {
    let error = save.error();
    let name = typed_or("name", account.name.clone());
    view! {
        <PlainPage title=TITLE description="Yours alone, and the same in every company you belong to.">
            <Card title="Name" scope="How your team and the record call you.">
                <ChangeForm change=save attr:class="flex flex-col gap-4 sm:max-w-90" attr:novalidate=true>
                    <Field label="Name" name="name" error=problem(error, "name")><Input value=name autocomplete="name"/></Field>
                    <FormProblem error=error fields=&["name"]/>
                    <div><Button submit=true icon=i::LuCheck>"Save name"</Button></div>
                </ChangeForm>
            </Card>
            {password::email_card(&account, proofs)}
            {password::password_card(proofs)}
            {second_factor(&account)}
            {identities(&account)}
            <Card title="Letters" scope="What you are told by mail: low credits, campaigns, imports.">
                <LinkButton href="/account/notices" variant=Variant::Outline>"Choose"</LinkButton>
            </Card>
            {sessions::card(account.sessions, ends)}
        </PlainPage>
    }
}
