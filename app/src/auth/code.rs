//! The second half of signing in, after the password or a provider: a code of the authenticator app, or a recovery code.

use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;
use model::Error;

use super::safe_next;
use crate::form::{FormProblem, problem};
use crate::prelude::*;
use crate::ui::{AuthLayout, Button, Field, Input};
use crate::wire::{Change, ChangeForm};

/// Opens a session with a code, after the first half.
#[server(protocol = crate::wire::Wire)]
pub async fn finish_sign_in(code: String, next: Option<String>) -> Result<(), Error> {
    use crate::ssr::*;
    let next = safe_next(next.as_deref().unwrap_or("/"));
    let entered = match kept(Cookie::Half) {
        Some(half) => services::accounts::finish(&db()?, &half, &code, &client()).await.map_err(Error::from),
        None => Err(Error::Unauthenticated),
    };
    match entered {
        Ok(token) => {
            keep_session(Some(&token)).await?;
            redirect(next);
        }
        // Too long ago, or no code is asked for any more: it begins anew.
        Err(Error::Unauthenticated) => redirect(&format!("/sign-in?next={}", leptos_router::location::Url::escape(next))),
        Err(error) => return Err(error),
    }
    keep(Cookie::Half, None)
}

/// `/sign-in/code`
#[component]
pub fn CodePage() -> impl IntoView {
    let query = use_query_map();
    let next = move || query.with(|query| safe_next(query.get_str("next").unwrap_or("/")).to_owned());
    let finish = Change::new::<FinishSignIn>();
    let error = finish.error();
    // Nobody has half signed in here, or too long ago.
    if crate::ssr::kept(crate::ssr::Cookie::Half).is_none() {
        return view! { <Redirect path="/sign-in"/> };
    }
    view! {
        <Title text="Your code"/>
        <AuthLayout
            title="Your code"
            lead=|| view! { "One step is left. " <a class="link" href="/sign-in">"Start again"</a> }
        >
            <ChangeForm change=finish attr:class="flex flex-col gap-4" attr:novalidate=true>
                <input type="hidden" name="next" value=next/>
                <Field label="Code" name="code" hint="The six digits of your app, or a recovery code." error=problem(error, "code")>
                    <Input autocomplete="one-time-code"/>
                </Field>
                <FormProblem error=error fields=&["code"]/>
                <Button submit=true class="w-full" busy=finish.pending()>"Sign in"</Button>
            </ChangeForm>
        </AuthLayout>
    }
}
