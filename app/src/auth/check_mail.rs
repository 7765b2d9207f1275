//! The third step of registration: a mail is on its way. One may look around until it is confirmed.

use leptos_meta::Title;
use leptos_router::components::Redirect;
use model::Error;

use crate::form::FormProblem;
use crate::prelude::*;
use crate::session::{CurrentSession, Session};
use crate::ui::{AuthLayout, Button, LinkButton, Note, Tone, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// Sends the confirmation mail again.
#[server(protocol = crate::wire::Wire)]
pub async fn resend_confirmation() -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::accounts::resend_confirmation(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// `/check-mail`
#[component]
pub fn CheckMailPage() -> impl IntoView {
    let session = Answer::blocking(|| CurrentSession {});
    let page = move |answer: Result<Option<Session>, Error>| match answer {
        Ok(Some(session)) if session.me.confirmed => view! { <Redirect path="/"/> },
        Ok(Some(session)) => view! { <Waiting email=session.me.email dev=session.dev/> },
        Ok(None) | Err(_) => view! { <Redirect path="/sign-in"/> },
    };
    view! {
        <Title text="Check your mail"/>
        <Suspense fallback=|| ()>{move || session.get().map(page)}</Suspense>
    }
}

#[component]
fn Waiting(email: String, dev: bool) -> impl IntoView {
    let again = Change::new::<ResendConfirmation>();
    let error = again.error();
    let sent = move || again.done();
    view! {
        <AuthLayout
            title="Check your mail"
            lead=move || view! { "We sent a link to " <b class="text-foreground">{email.clone()}</b> ". It works for 48 hours." }
        >
            <div class="flex flex-col gap-4">
                <p>"Everything is open to you until then. Only launching a campaign waits for the confirmation."</p>
                {dev.then(|| view! {
                    <Note tone=Tone::Info>
                        "This is a development server: mails are not sent, they wait in "
                        <a class="link" rel="external" href="/dev/mail">"the mailbox"</a> "."
                    </Note>
                })}
                <div role="status" class="contents">
                    {move || sent().then(|| view! { <Note tone=Tone::Success>"Sent again."</Note> })}
                </div>
                <FormProblem error=error fields=&[]/>
                <div class="flex flex-wrap gap-2">
                    <LinkButton href="/">"Open the dashboard"</LinkButton>
                    <ChangeForm change=again>
                        <Button submit=true variant=Variant::Outline busy=again.pending()>"Send it again"</Button>
                    </ChangeForm>
                </div>
            </div>
        </AuthLayout>
    }
}
