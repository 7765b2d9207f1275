//! What programs sign in with: the company's API keys, and the ways to webhooks and the reference. A secret is on the screen once, when its key
//! is made or rotated. Plain pages.

pub mod deliveries;
pub mod webhooks;

use icondata as i;
use model::Error;
use model::api_keys::{ApiKeyForm, ApiKeyRow, ApiKeyState, NewApiKey, Scope};
use model::id::ApiKeyId;

use crate::form::{FormProblem, hidden, problem, typed_or};
use crate::plain::{PlainPage, answered};
use crate::prelude::*;
use crate::screen::When;
use crate::ui::{
    Badge, Button, Card, Cell, Checkbox, Column, Crumb, Empty, Field, Input, LinkButton, Note, Size, Table, Tone, Variant,
};
use crate::wire::{Answer, Change, ChangeForm};

/// The keys of the company.
#[server(protocol = crate::wire::Wire)]
pub async fn load_keys() -> Result<Vec<ApiKeyRow>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    Ok(services::api_keys::list(&mut tx).await?)
}

/// Makes a key; the answer is the only place its secret is in.
#[server(protocol = crate::wire::Wire)]
pub async fn create_key(form: ApiKeyForm) -> Result<NewApiKey, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let made = async {
        let key = services::api_keys::create(&mut tx, &form).await?;
        tx.commit().await?;
        Ok(key)
    };
    let key = made
        .await
        .inspect_err(|_: &Error| keep_typed(&[("name", &form.name), ("addresses", &form.addresses), ("days", &form.days)]))?;
    show_once(&key.secret);
    redirect_saying(PATH, "The key is made.");
    Ok(key)
}

/// Gives a key a new secret; the old one works on for some hours.
#[server(protocol = crate::wire::Wire)]
pub async fn rotate_key(id: ApiKeyId, hours: i64) -> Result<NewApiKey, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let key = services::api_keys::rotate(&mut tx, id, hours).await?;
    tx.commit().await?;
    show_once(&key.secret);
    redirect_saying(PATH, "The key has a new secret.");
    Ok(key)
}

/// Ends a key.
#[server(protocol = crate::wire::Wire)]
pub async fn revoke_key(id: ApiKeyId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::api_keys::revoke(&mut tx, id).await?;
    tx.commit().await?;
    redirect_saying(PATH, "The key opens nothing any more.");
    Ok(())
}

/// `/settings/developers`
#[component]
pub fn DevelopersPage() -> impl IntoView {
    let keys = Answer::blocking(|| LoadKeys {});
    let changes =
        Changes { create: Change::new::<CreateKey>(), rotate: Change::new::<RotateKey>(), revoke: Change::new::<RevokeKey>() };
    let secret = crate::ssr::shown_once();
    answered(keys, TITLE, crumbs(), move |keys| {
        let elsewhere = || {
            view! {
                <LinkButton href="/developers/webhooks" variant=Variant::Outline>"Webhooks"</LinkButton>
                <LinkButton href="/api/v1/reference" external=true variant=Variant::Outline icon=i::LuBookOpen>"API reference"</LinkButton>
            }
        };
        view! {
            <PlainPage wide=true title=TITLE description="Keys with which your programs use Belfry." crumbs=crumbs() actions=elsewhere>
                {secret.map(new_secret)}
                {list(keys, changes)}
                {form(changes.create)}
            </PlainPage>
        }
    })
}

const TITLE: &str = "Developers";
const PATH: &str = "/settings/developers";

fn crumbs() -> Vec<Crumb> {
    vec![Crumb::new("Settings", "/settings")]
}

/// What can be done with keys, and how it went.
#[derive(Clone, Copy)]
struct Changes {
    create: Change,
    rotate: Change,
    revoke: Change,
}

/// A secret that was just made.
fn new_secret(secret: String) -> AnyView {
    view! {
        <Note tone=Tone::Warning>
            <b>"Copy the secret now: it is shown only this once."</b>
            <code class="mt-2 block break-all select-all">{secret}</code>
        </Note>
    }
}

fn form(create: Change) -> AnyView {
    view! {
        <Card title="New key" scope="It acts for you, and may never do more than you may.">
            <ChangeForm change=create attr:class="flex max-w-3xl flex-col gap-4" attr:novalidate=true>{fields(create)}</ChangeForm>
        </Card>
    }
}

fn fields(create: Change) -> AnyView {
    let error = create.error();
    let scopes = Scope::ALL
        .iter()
        .map(|scope| {
            let checked = *scope == Scope::Read;
            view! { <Checkbox name="form[scopes][]" value=scope.as_str() label=scope.label() checked=checked/> }
        })
        .collect_view();
    view! {
        <Field label="Name" name="form[name]" hint="What it is for, like CRM sync." error=problem(error, "name")>
            <Input maxlength=80 value=typed_or("name", "") autocomplete="off"/>
        </Field>
        <fieldset class="flex flex-col gap-2">
            <legend class="mb-2 font-medium">"It may"</legend>
            {scopes}
        </fieldset>
        <div class="grid items-start gap-4 sm:grid-cols-[1fr_12rem]">
            <Field
                label="Only from these addresses"
                name="form[addresses]"
                hint="Ranges like 203.0.113.0/24; empty: from everywhere."
                error=problem(error, "addresses")
            >
                <Input value=typed_or("addresses", "") autocomplete="off"/>
            </Field>
            <Field label="Ends after days" name="form[days]" hint="Empty: never." error=problem(error, "days")>
                <Input inputmode="numeric" value=typed_or("days", "") autocomplete="off"/>
            </Field>
        </div>
        <FormProblem error=error fields=&["name", "addresses", "days"]/>
        <div><Button submit=true icon=i::LuPlus>"Make key"</Button></div>
    }
}

fn list(keys: Vec<ApiKeyRow>, changes: Changes) -> AnyView {
    let columns = vec![
        Column::new("Key"),
        Column::new("May"),
        Column::new("Last used"),
        Column::new("Ends"),
        Column::new("Manage").quiet(),
    ];
    if keys.is_empty() {
        let text = "Make one below, and your programs read and write what you choose, in your name.";
        return view! { <Card><Empty icon=i::LuKeyRound title="No keys yet" text=text/></Card> };
    }
    let lines = keys.into_iter().map(|row| line(row, changes)).collect_view();
    view! {
        <FormProblem error=changes.rotate.error() fields=&[]/>
        <FormProblem error=changes.revoke.error() fields=&[]/>
        <Card title="API keys" scope="A key that is lost cannot be shown again: rotate it." flush=true>
            <Table caption="API keys" columns=columns>{lines}</Table>
        </Card>
    }
}

fn line(row: ApiKeyRow, changes: Changes) -> AnyView {
    let (first, second, hours) = (hidden("id", row.id), hidden("id", row.id), hidden("hours", 24));
    let is_active = row.state == ApiKeyState::Active;
    let manage = is_active.then(|| {
        view! {
            <div class="flex flex-wrap justify-end gap-2">
                <ChangeForm change=changes.rotate>
                    {first} {hours}
                    <Button submit=true variant=Variant::Outline size=Size::Small>"Rotate"</Button>
                </ChangeForm>
                <ChangeForm change=changes.revoke>
                    {second}
                    <Button submit=true variant=Variant::Ghost size=Size::Small>"Revoke"</Button>
                </ChangeForm>
            </div>
        }
    });
    let may: Vec<_> = row.scopes.iter().map(|scope| scope.as_str()).collect();
    let used = match row.last_used_at {
        Some(moment) => view! { <When moment=moment/> },
        None => view! { "Never" },
    };
    let ends = match (row.state, row.expires_at) {
        (ApiKeyState::Active, Some(moment)) => view! { <When moment=moment/> },
        (ApiKeyState::Active, None) => view! { "Never" },
        (state, _) => view! { <Badge label=state.label() tone=Tone::Neutral/> },
    };
    view! {
        <tr>
            <td class="lead">
                <span class="font-medium">{row.name}</span>
                <span class="sub"><code>{row.hint}"…"</code> " by " {row.made_by}</span>
                {row.old_until.map(|moment| view! { <span class="sub">"Old secret works until " <When moment=moment/></span> })}
            </td>
            <Cell label="May" muted=true>{may.join(", ")}</Cell>
            <Cell label="Last used">{used} <span class="sub">{row.last_used_from}</span></Cell>
            <Cell label="Ends">{ends}</Cell>
            <td>{manage}</td>
        </tr>
    }
}
