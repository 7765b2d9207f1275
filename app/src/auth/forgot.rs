//! Forgotten password: asking for a link, and choosing a new password with it.

use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::Error;

use crate::form::{FormProblem, NewPassword, problem, typed};
use crate::prelude::*;
use crate::ui::{AuthLayout, Button, Field, Input, Note, Tone};
use crate::wire::{Change, ChangeForm};

/// Sends a link to an address, if somebody has it; the answer is the same.
#[server(protocol = crate::wire::Wire)]
pub async fn ask_reset(email: String) -> Result<(), Error> {
    use crate::ssr::*;
    services::accounts::reset::ask(&db()?, &email, &client()).await.inspect_err(|_| keep_typed(&[("email", &email)]))?;
    redirect("/forgot?sent=1");
    Ok(())
}

/// Sets a new password with the link of the mail, and leads to sign-in.
#[server(protocol = crate::wire::Wire)]
pub async fn reset_password(token: String, password: String) -> Result<(), Error> {
    use crate::ssr::*;
    services::accounts::reset::finish(&db()?, &token, &password, &client()).await?;
    redirect("/sign-in?reset=1");
    Ok(())
}

/// `/forgot`
#[component]
pub fn ForgotPage() -> impl IntoView {
    let query = use_query_map();
    let sent = move || query.with(|query| query.get_str("sent").is_some());
    let ask = Change::new::<AskReset>();
    let error = ask.error();
    view! {
        <Title text="Forgotten password"/>
        <AuthLayout
            title="Forgotten password"
            lead=|| view! { "We mail you a link to choose a new one. " <a class="link" href="/sign-in">"Back to sign in"</a> }
        >
            <ChangeForm change=ask attr:class="flex flex-col gap-4" attr:novalidate=true>
                <div role="status" class="contents">
                    {move || sent().then(|| view! {
                        <Note tone=Tone::Success>
                            "If somebody has an account with that address, a mail is on its way. Its link works for half an hour."
                        </Note>
                    })}
                </div>
                <Field label="E-mail" name="email" error=problem(error, "email")>
                    <Input kind="email" value=typed("email") autocomplete="username"/>
                </Field>
                <FormProblem error=error fields=&["email"]/>
                <Button submit=true class="w-full" busy=ask.pending()>"Send the link"</Button>
            </ChangeForm>
        </AuthLayout>
    }
}

/// `/reset?token=…`
#[component]
pub fn ResetPage() -> impl IntoView {
    let query = use_query_map();
    let token = move || query.with(|query| query.get_str("token").unwrap_or_default().to_owned());
    let reset = Change::new::<ResetPassword>();
    let error = reset.error();
    view! {
        <Title text="Choose a password"/>
        <AuthLayout title="Choose a new password" lead=|| "You are signed out everywhere, and sign in with the new one.">
            <ChangeForm change=reset attr:class="flex flex-col gap-4" attr:novalidate=true>
                <input type="hidden" name="token" value=token/>
                <NewPassword label="New password" error=problem(error, "password") plain=true/>
                <FormProblem error=error fields=&["password"]/>
                <Button submit=true class="w-full" busy=reset.pending()>"Set password"</Button>
                <p class="text-muted-foreground">"Does the link not work? " <a class="link" href="/forgot">"Get a new one"</a></p>
            </ChangeForm>
        </AuthLayout>
    }
}
