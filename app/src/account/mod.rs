//! Your account: name, password, e-mail, and where you are signed in. The same in every company.

#[cfg(feature = "ssr")]
pub mod identities;
#[cfg(feature = "ssr")]
pub mod notices;
pub mod password;
pub mod sessions;

use icondata as i;
use leptos_meta::Title;
use model::Error;
use model::accounts::Account;

use crate::form::{FormProblem, problem, told};
use crate::prelude::*;
use crate::screen::Loaded;
use crate::ui::{Button, Card, Field, Input, LinkButton, PageHeader, Skeleton, Variant};
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
    Ok(services::accounts::profile::rename(&db()?, &caller()?, &name).await?)
}

/// `/account`
#[component]
pub fn AccountPage() -> impl IntoView {
    let changed = RwSignal::new(0_u32);
    let account = Answer::new(move || changed.get(), || LoadAccount {});
    view! {
        <Title text="Your account"/>
        <div class="max-w-4xl">
            <PageHeader title="Your account" description="Yours alone, and the same in every company you belong to."/>
            <Loaded
                resource=account
                what="your account"
                waiting=|| view! { <Card><Skeleton class="h-96 w-full"/></Card> }
                view=move |account| cards(account, changed)
            />
        </div>
    }
}

/// Whether one signs in with a code; all about it is on a page of its own, which also those reach who are not let in yet.
fn second_factor(account: Signal<Account>) -> AnyView {
    let (scope, label) = match account.get_untracked().two_factor {
        true => ("On: you sign in with your password and a code of your app.", "Recovery codes and turning off"),
        false => ("Off: your password alone lets one in.", "Set it up"),
    };
    view! {
        <Card title="Two-factor sign-in" scope=scope>
            <LinkButton href="/two-factor" external=true variant=Variant::Outline icon=i::LuShieldCheck>{label}</LinkButton>
        </Card>
    }
}

/// With what else one signs in, where that is offered; on a page of its own.
fn identities(account: Signal<Account>) -> Option<AnyView> {
    let scope = account.get_untracked().identities?;
    Some(view! {
        <Card title="Google and LinkedIn" scope=scope>
            <LinkButton href="/account/identities" external=true variant=Variant::Outline icon=i::LuLink>"Link and unlink"</LinkButton>
        </Card>
    })
}

fn cards(account: Signal<Account>, changed: RwSignal<u32>) -> AnyView {
    let save = Change::new::<SaveName>();
    let error = save.error();
    told(save, "Your name is saved", changed);
    view! {
        <div class="flex flex-col gap-6">
            <Card title="Name" scope="How your team and the record call you.">
                <ChangeForm change=save attr:class="flex flex-col gap-4 sm:max-w-90">
                    <Field label="Name" name="name" error=problem(error, "name")>
                        <Input value=account.get_untracked().name autocomplete="name"/>
                    </Field>
                    <FormProblem error=error fields=&["name"]/>
                    <div><Button submit=true icon=i::LuCheck busy=save.pending()>"Save name"</Button></div>
                </ChangeForm>
            </Card>
            {password::email_card(account, changed)}
            {password::password_card(changed)}
            {second_factor(account)}
            {identities(account)}
            <Card title="Letters" scope="What you are told by mail: low credits, campaigns, imports.">
                <LinkButton href="/account/notices" external=true variant=Variant::Outline>"Choose"</LinkButton>
            </Card>
            {sessions::card(account, changed)}
        </div>
    }
}
