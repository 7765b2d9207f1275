//! Sign in with e-mail and password.

use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;
use model::Error;

use super::{promise, safe_next};
use crate::form::{FormProblem, problem, typed};
use crate::prelude::*;
use crate::session::CurrentSession;
use crate::ui::{AuthLayout, Button, Field, Input, PasswordInput};
use crate::wire::{Answer, Change, ChangeForm};

/// Opens a session and leads to `next`.
#[server(protocol = crate::wire::Wire)]
pub async fn sign_in(email: String, password: String, next: Option<String>) -> Result<(), Error> {
    use crate::ssr::*;
    let token = services::accounts::sign_in(&db()?, &email, &password, &client())
        .await
        .inspect_err(|_| keep_typed(&[("email", &email)]))?;
    keep_session(Some(&token))?;
    redirect(safe_next(next.as_deref().unwrap_or("/")));
    Ok(())
}

/// `/sign-in`
#[component]
pub fn SignInPage() -> impl IntoView {
    let query = use_query_map();
    let next = move || query.with(|query| safe_next(query.get_str("next").unwrap_or("/")).to_owned());
    let sign_in = Change::new::<SignIn>();
    let error = sign_in.error();
    let session = Answer::blocking(|| CurrentSession {});
    view! {
        <Title text="Sign in"/>
        // Who is signed in already has nothing to do here.
        <Suspense fallback=|| ()>
            {move || matches!(session.get(), Some(Ok(Some(_)))).then(|| view! { <Redirect path=next()/> })}
        </Suspense>
        <AuthLayout
            title="Sign in"
            lead=|| view! { "Welcome back. New here? " <a class="link" href="/register">"Create an account"</a> }
            aside=promise
        >
            <ChangeForm change=sign_in attr:class="flex flex-col gap-4" attr:novalidate=true>
                <input type="hidden" name="next" value=next/>
                <Field label="E-mail" name="email" error=problem(error, "email")>
                    <Input kind="email" value=typed("email") autocomplete="username"/>
                </Field>
                <Field label="Password" name="password" error=problem(error, "password")>
                    <PasswordInput/>
                </Field>
                <FormProblem error=error fields=&["email", "password"]/>
                <Button submit=true class="w-full" busy=sign_in.pending()>"Sign in"</Button>
            </ChangeForm>
        </AuthLayout>
    }
}
