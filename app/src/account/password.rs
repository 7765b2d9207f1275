//! What one proves oneself with: changing the password and the e-mail. Both ask for the password of now.

use model::Error;
use model::accounts::Account;

use super::PATH;
use crate::form::{FormProblem, NewPassword, problem, typed_or};
use crate::prelude::*;
use crate::ui::{Button, Card, Field, Input, PasswordInput};
use crate::wire::{Change, ChangeForm};

/// Sets a new password; other sessions end.
#[server(protocol = crate::wire::Wire)]
pub async fn change_password(old: String, new: String) -> Result<(), Error> {
    use crate::ssr::*;
    services::accounts::profile::change_password(&db()?, &caller()?, &old, &new, &client()).await?;
    redirect_saying(PATH, "Your password is changed.");
    Ok(())
}

/// Mails a link to a new address.
#[server(protocol = crate::wire::Wire)]
pub async fn change_email(email: String, password: String) -> Result<(), Error> {
    use crate::ssr::*;
    let asked = services::accounts::profile::ask_email(&db()?, &caller()?, &email, &password).await.map_err(Error::from);
    asked.inspect_err(|_| keep_typed(&[("email", &email)]))?;
    redirect_saying(PATH, "Open the link in the mail to your new address.");
    Ok(())
}

/// What is changed here, and how it went.
#[derive(Clone, Copy)]
pub(super) struct Changes {
    email: Change,
    password: Change,
}

impl Changes {
    pub(super) fn new() -> Self {
        Self { email: Change::new::<ChangeEmail>(), password: Change::new::<ChangePassword>() }
    }
}

pub(super) fn email_card(account: &Account, changes: Changes) -> AnyView {
    let change = changes.email;
    let error = change.error();
    let scope = format!("You sign in with {}.", account.email);
    view! {
        <Card title="E-mail" scope=scope>
            <ChangeForm change=change attr:class="grid gap-4 sm:grid-cols-2" attr:novalidate=true>
                <Field label="New e-mail" name="email" hint="We mail a link there. It counts once you open it." error=problem(error, "email")>
                    <Input kind="email" value=typed_or("email", "") autocomplete="email"/>
                </Field>
                <Field label="Password" name="password" hint="Of now, to see that it is you." error=problem(error, "password")>
                    <PasswordInput/>
                </Field>
                <FormProblem error=error fields=&["email", "password"]/>
                <div><Button submit=true>"Change e-mail"</Button></div>
            </ChangeForm>
        </Card>
    }
}

pub(super) fn password_card(changes: Changes) -> AnyView {
    let change = changes.password;
    let error = change.error();
    view! {
        <Card title="Password" scope="Wherever else you are signed in, you are signed out.">
            <ChangeForm change=change attr:class="grid gap-4 sm:grid-cols-2" attr:novalidate=true>
                <Field label="Old password" name="old" error=problem(error, "old")>
                    <PasswordInput/>
                </Field>
                <NewPassword label="New password" name="new" error=problem(error, "new")/>
                <FormProblem error=error fields=&["old", "new"]/>
                <div><Button submit=true>"Change password"</Button></div>
            </ChangeForm>
        </Card>
    }
}
