//! Where the mail of an invite leads: to an account of one's own, to sign-in, or straight in.

use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::location::Url;
use model::Error;
use model::accounts::Bar;
use model::team::{Guest, Invitation};

use crate::form::{FormProblem, NewPassword, hidden, problem, typed};
use crate::prelude::*;
use crate::session::{CurrentSession, Session, SignOut};
use crate::ui::{AuthLayout, Button, Field, Input, LinkButton, Note, Tone, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// What an invite says, to whoever has its link.
#[server(protocol = crate::wire::Wire)]
pub async fn load_invite(token: String) -> Result<Invitation, Error> {
    use crate::ssr::*;
    Ok(services::team::accept::look(&db()?, &token, caller().ok().as_ref()).await?)
}

/// Creates an account with an invite and signs in.
#[server(protocol = crate::wire::Wire)]
pub async fn join_as_new(token: String, name: String, password: String) -> Result<(), Error> {
    use crate::ssr::*;
    let session = services::team::accept::join_new(&db()?, &token, &name, &password, &client())
        .await
        .inspect_err(|_| keep_typed(&[("name", &name)]))?;
    match session {
        Some(token) => {
            keep_session(Some(&token)).await?;
            redirect("/");
        }
        None => redirect("/sign-in?reset=1"),
    }
    Ok(())
}

/// Takes an invite up with the account one is signed in to.
#[server(protocol = crate::wire::Wire)]
pub async fn join_as_known(token: String) -> Result<(), Error> {
    use crate::ssr::*;
    let session = services::team::accept::join_known(&db()?, &token, &caller()?, &client()).await?;
    keep_session(Some(&session)).await?;
    redirect("/");
    Ok(())
}

/// `/invite?token=…`
#[component]
pub fn InvitePage() -> impl IntoView {
    let query = use_query_map();
    let token = Memo::new(move |_| query.with(|query| query.get_str("token").unwrap_or_default().to_owned()));
    let answer = Answer::blocking(move || LoadInvite { token: token.get() });
    let session = Answer::blocking(|| CurrentSession {});
    let (new, known) = (Change::new::<JoinAsNew>(), Change::new::<JoinAsKnown>());
    let page = move |answer: Result<Invitation, Error>, session: Option<Session>| match answer {
        Ok(invite) => invited(invite, session, token.get_untracked(), new, known),
        Err(error) => view! {
            <AuthLayout title="This invite does not work" lead=|| "Ask whoever invited you to send it again.">
                <div class="flex flex-col gap-4">
                    <Note tone=Tone::Warning>{error.to_string()}</Note>
                    <div><LinkButton href="/sign-in">"Sign in"</LinkButton></div>
                </div>
            </AuthLayout>
        },
    };
    view! {
        <Title text="Join a team"/>
        <Suspense fallback=|| ()>
            {move || answer.get().zip(session.get()).map(|(invite, session)| page(invite, session.ok().flatten()))}
        </Suspense>
    }
}

fn invited(invite: Invitation, session: Option<Session>, token: String, new: Change, known: Change) -> AnyView {
    let Invitation { company_name, email, role, invited_by, guest } = invite;
    let lead = format!("{invited_by} invites {email} as {}.", role.label().to_lowercase());
    let next = format!("/sign-in?next={}", Url::escape(&format!("/invite?token={token}")));
    let body = match (guest, session) {
        (Guest::New, _) => newcomer(token, new),
        (Guest::You, _) => view! {
            <ChangeForm change=known attr:class="flex flex-col gap-4">
                {hidden("token", token)}
                <FormProblem error=known.error() fields=&[]/>
                <Button submit=true class="w-full" busy=known.pending()>"Join the team"</Button>
            </ChangeForm>
        },
        // Signed in, and not let in where they are: an invite is taken up by whoever is let in, so sign-in would lead back here.
        (Guest::Stranger, Some(session)) => barred(session),
        (Guest::Stranger, None) => view! {
            <div class="flex flex-col gap-4">
                <p>"You have an account. Sign in to it, and you come back here."</p>
                <LinkButton href=next>"Sign in"</LinkButton>
            </div>
        },
        (Guest::Other, _) => view! {
            <div class="flex flex-col gap-4">
                <Note tone=Tone::Warning>"You are signed in with another address. Sign out first, then open the link of the mail again."</Note>
                {sign_out()}
            </div>
        },
    };
    view! { <AuthLayout title=format!("Join {company_name}") lead=move || lead.clone()>{body}</AuthLayout> }
}

fn sign_out() -> AnyView {
    let out = Change::new::<SignOut>();
    view! {
        <ChangeForm change=out>
            <FormProblem error=out.error() fields=&[]/>
            <Button submit=true variant=Variant::Outline>"Sign out"</Button>
        </ChangeForm>
    }
}

/// What somebody reads who is signed in to a company that does not let them in.
fn barred(session: Session) -> AnyView {
    let company = session.me.company_name;
    let (why, href, label) = match session.me.barred {
        Some(Bar::TwoFactor) => (
            format!("{company} lets nobody in without a second factor. Set yours up, then open the link of the mail again."),
            "/two-factor",
            "Set it up",
        ),
        _ => (
            format!(
                "{company} is suspended. Go on in another of your companies, or sign out, then open the link of the mail again."
            ),
            "/suspended",
            "Other companies",
        ),
    };
    view! {
        <div class="flex flex-col gap-4">
            <Note tone=Tone::Warning>{why}</Note>
            <div class="flex gap-2"><LinkButton href=href>{label}</LinkButton>{sign_out()}</div>
        </div>
    }
}

fn newcomer(token: String, join: Change) -> AnyView {
    let error = join.error();
    view! {
        <ChangeForm change=join attr:class="flex flex-col gap-4" attr:novalidate=true>
            {hidden("token", token)}
            <Field label="Your name" name="name" error=problem(error, "name")>
                <Input value=typed("name") autocomplete="name"/>
            </Field>
            <NewPassword error=problem(error, "password") plain=true/>
            <FormProblem error=error fields=&["name", "password"]/>
            <Button submit=true class="w-full" busy=join.pending()>"Create account and join"</Button>
        </ChangeForm>
    }
}
