//! Setting up the second factor, and taking it away. Outside the frame: a company that requires it leads here whom it does not
//! let in yet. The picture is drawn by the server.

use leptos_meta::Title;
use model::Error;
use model::two_factor::{Setup, TwoFactor};

use crate::form::{FormProblem, problem};
use crate::prelude::*;
use crate::session::SignOut;
use crate::ui::{AuthLayout, Button, Field, Input, LinkButton, Note, Tone, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// Whether it is on, and what to scan while it is not.
#[server(protocol = crate::wire::Wire)]
pub async fn load_two_factor() -> Result<TwoFactor, Error> {
    use crate::ssr::*;
    Ok(services::two_factor::load(&db()?, &anyone()?).await?)
}

/// Turns it on with a first code.
#[server(protocol = crate::wire::Wire)]
pub async fn turn_on_two_factor(password: String, code: String) -> Result<(), Error> {
    use crate::ssr::*;
    services::two_factor::turn_on(&db()?, &anyone()?, &password, &code, &client()).await?;
    redirect("/account");
    Ok(())
}

/// Turns it off.
#[server(protocol = crate::wire::Wire)]
pub async fn turn_off_two_factor(password: String) -> Result<(), Error> {
    use crate::ssr::*;
    services::two_factor::turn_off(&db()?, &caller()?, &password, &client()).await?;
    redirect("/account");
    Ok(())
}

/// `/two-factor`
#[component]
pub fn TwoFactorPage() -> impl IntoView {
    let answer = Answer::blocking(|| LoadTwoFactor {});
    let (on, off) = (Change::new::<TurnOnTwoFactor>(), Change::new::<TurnOffTwoFactor>());
    let page = move |answer: Result<TwoFactor, Error>| match answer {
        Ok(TwoFactor { setup: Some(setup), required, .. }) => setting_up(setup, required, on),
        Ok(now) => turning_off(now, off),
        Err(error) => view! {
            <AuthLayout title="Two-factor sign-in" lead=|| "Nothing can be changed right now.">
                <div class="flex flex-col gap-4">
                    <Note tone=Tone::Warning>{error.to_string()}</Note>
                    <div><LinkButton href="/sign-in?next=/two-factor">"Sign in"</LinkButton></div>
                </div>
            </AuthLayout>
        },
    };
    view! {
        <Title text="Two-factor sign-in"/>
        <Suspense fallback=|| ()>{move || answer.get().map(page)}</Suspense>
    }
}

fn setting_up(setup: Setup, required: bool, on: Change) -> AnyView {
    let error = on.error();
    let out = Change::new::<SignOut>();
    let Setup { picture, width, secret, codes } = setup;
    let codes = codes.into_iter().map(|code| view! { <li>{code}</li> }).collect_view();
    let away = match required {
        true => view! { <ChangeForm change=out><Button submit=true variant=Variant::Outline>"Sign out"</Button></ChangeForm> },
        false => view! { <LinkButton href="/account" variant=Variant::Outline>"Not now"</LinkButton> },
    };
    view! {
        <AuthLayout wide=true title="Set up two-factor sign-in" lead=|| "A code of an app on your phone, besides your password.">
            <div class="flex flex-col gap-6">
                {required.then(|| view! { <Note tone=Tone::Info>"Your company lets nobody in without it."</Note> })}
                <section class="flex flex-col gap-3">
                    <h2 class="font-medium">"1. Scan this with an authenticator app"</h2>
                    <svg
                        class="size-48 rounded-md border bg-white"
                        viewBox=format!("0 0 {width} {width}")
                        role="img"
                        aria-label="Picture to scan; the key below says the same"
                        shape-rendering="crispEdges"
                    >
                        <path d=picture fill="#000"></path>
                    </svg>
                    <p class="text-muted-foreground">"Or type this key: " <code class="break-words text-foreground">{secret}</code></p>
                </section>
                <section class="flex flex-col gap-3">
                    <h2 class="font-medium">"2. Keep these recovery codes"</h2>
                    <p class="text-muted-foreground">"Each signs you in once when the phone is lost. They are shown only now."</p>
                    <ul class="grid gap-1 font-mono text-sm tabular-nums sm:grid-cols-2">{codes}</ul>
                </section>
                <ChangeForm change=on attr:class="flex flex-col gap-4" attr:novalidate=true>
                    <h2 class="font-medium">"3. Type what the app shows"</h2>
                    <Field label="Code" name="code" hint="Six digits." error=problem(error, "code")>
                        <Input autocomplete="one-time-code" inputmode="numeric"/>
                    </Field>
                    <Field label="Password" name="password" error=problem(error, "password")>
                        <Input kind="password" autocomplete="current-password"/>
                    </Field>
                    <FormProblem error=error fields=&["code", "password"]/>
                    <Button submit=true class="w-full" busy=on.pending()>"Turn on"</Button>
                </ChangeForm>
                <div>{away}</div>
            </div>
        </AuthLayout>
    }
}

fn turning_off(now: TwoFactor, off: Change) -> AnyView {
    let error = off.error();
    let left = match now.codes_left {
        1 => "One recovery code is left.".to_owned(),
        n => format!("{n} recovery codes are left."),
    };
    let form = match now.required {
        true => view! { <Note tone=Tone::Info>"Your company lets nobody in without it."</Note> },
        false => view! {
            <ChangeForm change=off attr:class="flex flex-col gap-4" attr:novalidate=true>
                <Field label="Password" name="password" error=problem(error, "password")>
                    <Input kind="password" autocomplete="current-password"/>
                </Field>
                <FormProblem error=error fields=&["password"]/>
                <Button submit=true variant=Variant::Destructive class="w-full" busy=off.pending()>"Turn off"</Button>
            </ChangeForm>
        },
    };
    view! {
        <AuthLayout title="Two-factor sign-in is on" lead=|| "You sign in with your password and a code.">
            <div class="flex flex-col gap-4">
                <p>{left} " For new ones turn it off and on again."</p>
                {form}
                <div><LinkButton href="/account" variant=Variant::Outline>"Back to your account"</LinkButton></div>
            </div>
        </AuthLayout>
    }
}
