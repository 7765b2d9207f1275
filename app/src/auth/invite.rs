//! Where the mail of an invite leads: to an account of one's own, to sign-in, or straight in.

use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::location::Url;
use model::Error;
use model::team::{Guest, Invitation};

use crate::form::{FormProblem, hidden, problem, typed};
use crate::prelude::*;
use crate::ui::{AuthLayout, Button, Field, Input, LinkButton, Note, Tone};
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
            keep_session(Some(&token))?;
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
    keep_session(Some(&session))?;
    redirect("/");
    Ok(())
}

/// `/invite?token=…`
#[component]
pub fn InvitePage() -> impl IntoView {
    let query = use_query_map();
    let token = Memo::new(move |_| query.with(|query| query.get_str("token").unwrap_or_default().to_owned()));
    let answer = Answer::blocking(move || LoadInvite { token: token.get() });
    let (new, known) = (Change::new::<JoinAsNew>(), Change::new::<JoinAsKnown>());
    let page = move |answer: Result<Invitation, Error>| match answer {
        Ok(invite) => invited(invite, token.get_untracked(), new, known),
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
        <Suspense fallback=|| ()>{move || answer.get().map(page)}</Suspense>
    }
}

fn invited(invite: Invitation, token: String, new: Change, known: Change) -> AnyView {
    let Invitation { company_name, email, role, invited_by, guest } = invite;
    let lead = format!("{invited_by} invites {email} as {}.", role.label().to_lowercase());
    let next = format!("/sign-in?next={}", Url::escape(&format!("/invite?token={token}")));
    let body = match guest {
        Guest::New => newcomer(token, new),
        Guest::You => view! {
            <ChangeForm change=known attr:class="flex flex-col gap-4">
                {hidden("token", token)}
                <FormProblem error=known.error() fields=&[]/>
                <Button submit=true class="w-full" busy=known.pending()>"Join the team"</Button>
            </ChangeForm>
        },
        Guest::Stranger => view! {
            <div class="flex flex-col gap-4">
                <p>"You have an account. Sign in to it, and you come back here."</p>
                <LinkButton href=next>"Sign in"</LinkButton>
            </div>
        },
        Guest::Other => view! {
            <Note tone=Tone::Warning>"You are signed in with another address. Sign out first, then open the link of the mail again."</Note>
        },
    };
    view! { <AuthLayout title=format!("Join {company_name}") lead=move || lead.clone()>{body}</AuthLayout> }
}

fn newcomer(token: String, join: Change) -> AnyView {
    let error = join.error();
    view! {
        <ChangeForm change=join attr:class="flex flex-col gap-4" attr:novalidate=true>
            {hidden("token", token)}
            <Field label="Your name" name="name" error=problem(error, "name")>
                <Input value=typed("name") autocomplete="name"/>
            </Field>
            <Field
                label="Password"
                name="password"
                hint="At least 8 characters, with a letter, a digit and a special character."
                error=problem(error, "password")
            >
                <Input kind="password" autocomplete="new-password"/>
            </Field>
            <FormProblem error=error fields=&["name", "password"]/>
            <Button submit=true class="w-full" busy=join.pending()>"Create account and join"</Button>
        </ChangeForm>
    }
}
