//! Coming from Google or LinkedIn: registering with what they said, and what one reads who was not let in. Plain pages.

use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;
use model::Error;
use model::identities::{IdentityProvider, Newcomer, Refusal, RegisterWith};

use super::promise;
use crate::form::{FormProblem, problem, typed_or};
use crate::prelude::*;
use crate::screen::word;
use crate::ui::{AuthLayout, Button, Field, Input, LinkButton, Note, Tone, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// What the provider said about whoever asks.
#[server(protocol = crate::wire::Wire)]
pub async fn load_newcomer() -> Result<Newcomer, Error> {
    use crate::ssr::*;
    Ok(services::identities::newcomer(&db()?, &kept(Cookie::Newcomer).ok_or(Error::Unauthenticated)?).await?)
}

/// Creates user and company, signs in, and leads to the choice of a company type.
#[server(protocol = crate::wire::Wire)]
pub async fn open_account_with(form: RegisterWith) -> Result<(), Error> {
    use crate::ssr::*;
    let token = kept(Cookie::Newcomer).ok_or(Error::Unauthenticated)?;
    let session = services::identities::register(&db()?, &token, &form, &client()).await.inspect_err(|_| {
        keep_typed(&[("name", &form.name), ("email", &form.email), ("company_name", &form.company_name)]);
    })?;
    keep_session(Some(&session)).await?;
    keep(Cookie::Newcomer, None)?;
    redirect("/welcome");
    Ok(())
}

/// `/register/with`
#[component]
pub fn NewcomerPage() -> impl IntoView {
    let register = Change::new::<OpenAccountWith>();
    let answer = Answer::blocking(|| LoadNewcomer {});
    let page = move |answer: Result<Newcomer, Error>| match answer {
        Ok(newcomer) => form(newcomer, register),
        // Nobody came from anywhere, or too long ago.
        Err(_) => view! { <Redirect path="/sign-in"/> },
    };
    view! {
        <Title text="Create an account"/>
        <Suspense fallback=|| ()>{move || answer.get().map(page)}</Suspense>
    }
}

fn form(newcomer: Newcomer, register: Change) -> AnyView {
    let Newcomer { provider, name, email } = newcomer;
    let error = register.error();
    let lead = format!("{} knows you, and we do not yet. You sign in with it from now on, without a password.", provider.label());
    view! {
        <AuthLayout title="Create an account" lead=move || lead.clone() aside=promise>
            <ChangeForm change=register attr:class="flex flex-col gap-4" attr:novalidate=true>
                <Field label="Your name" name="form[name]" error=problem(error, "name")>
                    <Input value=typed_or("name", name) autocomplete="name"/>
                </Field>
                <Field label="Work e-mail" name="form[email]" error=problem(error, "email")>
                    <Input kind="email" value=typed_or("email", email) autocomplete="username"/>
                </Field>
                <Field label="Company name" name="form[company_name]" error=problem(error, "company_name")>
                    <Input value=typed_or("company_name", "") autocomplete="organization"/>
                </Field>
                <FormProblem error=error fields=&["name", "email", "company_name"]/>
                <Button submit=true class="w-full" busy=register.pending()>"Create account"</Button>
                <p class="text-muted-foreground">
                    "Do you have an account already? " <a class="link" href="/sign-in">"Sign in with its password"</a>
                    ", then link the two under Your account."
                </p>
            </ChangeForm>
        </AuthLayout>
    }
}

/// `/sign-in/refused?why=…&with=…`
#[component]
pub fn RefusedPage() -> impl IntoView {
    let query = use_query_map();
    let why = query.with_untracked(|query| word::<Refusal>(query, "why")).unwrap_or(Refusal::Lost);
    let with = query.with_untracked(|query| word::<IdentityProvider>(query, "with"));
    let title = match with {
        Some(provider) => format!("{} did not sign you in", provider.label()),
        None => "You are not signed in".to_owned(),
    };
    // Who is in already wanted to link the two.
    let (href, back) = match crate::ssr::caller() {
        Ok(_) => ("/account/identities", "Back to your account"),
        Err(_) => ("/sign-in", "Back to sign in"),
    };
    view! {
        <Title text="Not signed in"/>
        <AuthLayout title=title lead=|| "Nothing was changed.">
            <div class="flex flex-col gap-4">
                <Note tone=Tone::Warning>{why.label()}</Note>
                <div><LinkButton href=href variant=Variant::Outline>{back}</LinkButton></div>
            </div>
        </AuthLayout>
    }
}
