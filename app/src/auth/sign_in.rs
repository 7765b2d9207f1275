//! Sign in with e-mail and password, or by way of a provider who knows one. A plain page.

use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;
use leptos_router::location::Url;
use model::Error;
use model::identities::IdentityProvider;

use super::{promise, safe_next};
use crate::form::{FormProblem, problem, typed};
use crate::prelude::*;
use crate::session::CurrentSession;
use crate::ui::{AuthLayout, Button, Field, Input, LinkButton, Note, OrDivider, Tone, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// Opens a session and leads to `next`, by way of the code where one is needed.
#[server(protocol = crate::wire::Wire)]
pub async fn sign_in(email: String, password: String, next: Option<String>) -> Result<(), Error> {
    use crate::ssr::*;
    let next = safe_next(next.as_deref().unwrap_or("/"));
    let entry = services::accounts::knock(&db()?, &email, &password, &client())
        .await
        .inspect_err(|_| keep_typed(&[("email", &email)]))?;
    match entry {
        Entry::In(token) => {
            keep_session(Some(&token)).await?;
            redirect(next);
        }
        Entry::Half(token) => {
            keep(Cookie::Half, Some(&token))?;
            redirect(&format!("/sign-in/code?next={}", Url::escape(next)));
        }
    }
    Ok(())
}

/// `/sign-in`
#[component]
pub fn SignInPage() -> impl IntoView {
    let query = use_query_map();
    let next = move || query.with(|query| safe_next(query.get_str("next").unwrap_or("/")).to_owned());
    let changed = move || query.with(|query| query.get_str("reset").is_some());
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
            {ways(&next())}
            <ChangeForm change=sign_in attr:class="flex flex-col gap-4" attr:novalidate=true>
                <input type="hidden" name="next" value=next/>
                <Field label="E-mail" name="email" error=problem(error, "email")>
                    <Input kind="email" value=typed("email") autocomplete="username"/>
                </Field>
                {move || changed().then(|| view! { <Note tone=Tone::Success>"Your password is changed. Sign in with it."</Note> })}
                <Field
                    label="Password"
                    name="password"
                    error=problem(error, "password")
                    aside=|| view! { <a class="link text-sm" href="/forgot">"Forgotten?"</a> }
                >
                    <Input kind="password" autocomplete="current-password"/>
                </Field>
                <FormProblem error=error fields=&["email", "password"]/>
                <Button submit=true class="w-full" busy=sign_in.pending()>"Sign in"</Button>
            </ChangeForm>
        </AuthLayout>
    }
}

/// The providers that may be used instead of a password.
fn ways(next: &str) -> Option<AnyView> {
    let offered = crate::ssr::db().map(|db| services::identities::offered(db.config())).unwrap_or_default();
    let way = |provider: &IdentityProvider| {
        let href = format!("/sign-in/with/{provider}?next={}", Url::escape(next));
        view! { <LinkButton href=href variant=Variant::Outline class="w-full">{format!("Continue with {}", provider.label())}</LinkButton> }
    };
    (!offered.is_empty()).then(|| {
        view! {
            <div class="flex flex-col gap-2">{offered.iter().map(way).collect_view()}</div>
            <OrDivider/>
        }
    })
}
