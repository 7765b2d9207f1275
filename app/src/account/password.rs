//! What one proves oneself with: changing the password and the e-mail. Both ask for the password of now.

use model::Error;
use model::accounts::Account;

use crate::form::{FormProblem, NewPassword, problem, told};
use crate::prelude::*;
use crate::ui::{Button, Card, Field, Input, PasswordInput};
use crate::wire::{Change, ChangeForm};

/// Sets a new password; other sessions end.
#[server(protocol = crate::wire::Wire)]
pub async fn change_password(old: String, new: String) -> Result<(), Error> {
    use crate::ssr::*;
    Ok(services::accounts::profile::change_password(&db()?, &caller()?, &old, &new, &client()).await?)
}

/// Mails a link to a new address.
#[server(protocol = crate::wire::Wire)]
pub async fn change_email(email: String, password: String) -> Result<(), Error> {
    use crate::ssr::*;
    Ok(services::accounts::profile::ask_email(&db()?, &caller()?, &email, &password).await?)
}

pub(super) fn email_card(account: Signal<Account>, changed: RwSignal<u32>) -> AnyView {
    let change = Change::new::<ChangeEmail>();
    let error = change.error();
    told(change, "Open the link in the mail to your new address", changed);
    let scope = Signal::derive(move || account.with(|account| format!("You sign in with {}.", account.email)));
    view! {
        <Card title="E-mail" scope=scope>
            <ChangeForm change=change empties="input" attr:class="grid gap-4 sm:grid-cols-2">
                <Field label="New e-mail" name="email" hint="We mail a link there. It counts once you open it." error=problem(error, "email")>
                    <Input kind="email" autocomplete="email"/>
                </Field>
                <Field label="Password" name="password" hint="Of now, to see that it is you." error=problem(error, "password")>
                    <PasswordInput/>
                </Field>
                <FormProblem error=error fields=&["email", "password"]/>
                <div><Button submit=true busy=change.pending()>"Change e-mail"</Button></div>
            </ChangeForm>
        </Card>
    }
}

pub(super) fn password_card(changed: RwSignal<u32>) -> AnyView {
    let change = Change::new::<ChangePassword>();
    let error = change.error();
    told(change, "Your password is changed", changed);
    view! {
        <Card title="Password" scope="Wherever else you are signed in, you are signed out.">
            <ChangeForm change=change empties="input" attr:class="grid gap-4 sm:grid-cols-2">
                <Field label="Old password" name="old" error=problem(error, "old")>
                    <PasswordInput/>
                </Field>
                <NewPassword label="New password" name="new" error=problem(error, "new")/>
                <FormProblem error=error fields=&["old", "new"]/>
                <div><Button submit=true busy=change.pending()>"Change password"</Button></div>
            </ChangeForm>
        </Card>
    }
}
