//! Where the link of the confirmation mail leads. Opening it confirms; opening it twice is fine.

use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::Error;

use crate::prelude::*;
use crate::ui::{AuthLayout, LinkButton, Note, Tone, Variant};
use crate::wire::Answer;

/// Confirms the e-mail that `token` was sent to.
#[server(protocol = crate::wire::Wire)]
pub async fn confirm_email(token: String) -> Result<(), Error> {
    use crate::ssr::*;
    services::accounts::confirm(&db()?, &token).await?;
    Ok(())
}

/// `/confirm?token=…`
#[component]
pub fn ConfirmPage() -> impl IntoView {
    let query = use_query_map();
    let token = Memo::new(move |_| query.with(|query| query.get_str("token").unwrap_or_default().to_owned()));
    let answer = Answer::blocking(move || ConfirmEmail { token: token.get() });
    view! {
        <Title text="Confirm your e-mail"/>
        <Suspense fallback=|| ()>{move || answer.get().map(told)}</Suspense>
    }
}

fn told(answer: Result<(), Error>) -> AnyView {
    match answer {
        Ok(()) => view! {
            <AuthLayout title="Your e-mail is confirmed" lead=|| "You can launch campaigns now.">
                <LinkButton href="/">"Open the dashboard"</LinkButton>
            </AuthLayout>
        },
        Err(error) => view! {
            <AuthLayout title="This link does not work" lead=|| "It may be old, or cut off by a mail program.">
                <div class="flex flex-col gap-4">
                    <Note tone=Tone::Warning>{error.to_string()}</Note>
                    <div class="flex gap-2">
                        <LinkButton href="/check-mail">"Get a new link"</LinkButton>
                        <LinkButton href="/" variant=Variant::Outline>"Open the dashboard"</LinkButton>
                    </div>
                </div>
            </AuthLayout>
        },
    }
}
