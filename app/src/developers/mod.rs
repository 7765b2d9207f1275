//! What programs sign in with: the company's API keys, and the ways to webhooks and the reference. A secret is on the screen once, when its key
//! is made or rotated.

#[cfg(feature = "ssr")]
pub mod deliveries;
#[cfg(feature = "ssr")]
pub mod webhooks;

use icondata as i;
use leptos_meta::Title;
use model::Error;
use model::api_keys::{ApiKeyForm, ApiKeyRow, ApiKeyState, NewApiKey, Scope};
use model::id::ApiKeyId;

use crate::form::{FormProblem, hidden, problem, told};
use crate::prelude::*;
use crate::screen::{Loaded, When};
use crate::ui::{
    Badge, Button, Card, Cell, Checkbox, CodeBlock, Column, Field, Input, LinkButton, Note, PageHeader, Size, Skeleton, Table,
    Tone, Variant,
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
    let key = services::api_keys::create(&mut tx, &form).await?;
    tx.commit().await?;
    Ok(key)
}

/// Gives a key a new secret; the old one works on for some hours.
#[server(protocol = crate::wire::Wire)]
pub async fn rotate_key(id: ApiKeyId, hours: i64) -> Result<NewApiKey, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let key = services::api_keys::rotate(&mut tx, id, hours).await?;
    tx.commit().await?;
    Ok(key)
}

/// Ends a key.
#[server(protocol = crate::wire::Wire)]
pub async fn revoke_key(id: ApiKeyId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::api_keys::revoke(&mut tx, id).await?;
    tx.commit().await?;
    Ok(())
}

/// `/settings/developers`
#[component]
pub fn DevelopersPage() -> impl IntoView {
    let changed = RwSignal::new(0_u32);
    let keys = Answer::new(move || changed.get(), || LoadKeys {});
    let (create, rotate) = (Change::new::<CreateKey>(), Change::new::<RotateKey>());
    told(create, "The key is made", changed);
    told(rotate, "The key has a new secret", changed);
    view! {
        <Title text="Developers"/>
        <div class="max-w-5xl">
            <PageHeader title="Developers" description="Keys with which your programs use Belfry.">
                <LinkButton href="/developers/webhooks" external=true variant=Variant::Outline>"Webhooks"</LinkButton>
                <LinkButton href="/api/v1/reference" external=true variant=Variant::Outline icon=i::LuBookOpen>"API reference"</LinkButton>
            </PageHeader>
        </div>
        <div class="flex max-w-5xl flex-col gap-6">
            {secret(create)}
            {secret(rotate)}
            <Loaded
                resource=keys
                what="the keys"
                waiting=|| view! { <Card><Skeleton class="h-64 w-full"/></Card> }
                view=move |keys| list(keys, rotate, changed)
            />
            {form(create, changed)}
        </div>
    }
}

/// The secret of a key that was just made or rotated.
fn secret(change: Change) -> AnyView {
    let shown = move || {
        let key = change.answer::<NewApiKey>()?.ok()?;
        Some(view! {
            <Note tone=Tone::Warning>
                <b>"Copy it now: it is shown only this once."</b>
                <div class="mt-2"><CodeBlock label="API key" code=key.secret/></div>
            </Note>
        })
    };
    view! { <div aria-live="polite" class="contents">{shown}</div> }
}

fn form(create: Change, changed: RwSignal<u32>) -> AnyView {
    // Empty again once a key was made.
    let fields = move || {
        changed.track();
        fields(create)
    };
    view! {
        <Card title="New key" scope="It acts for you, and may never do more than you may.">
            <ChangeForm change=create attr:class="flex flex-col gap-4">{fields}</ChangeForm>
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
            <Input maxlength=80 autocomplete="off"/>
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
                <Input autocomplete="off"/>
            </Field>
            <Field label="Ends after days" name="form[days]" hint="Empty: never." error=problem(error, "days")>
                <Input inputmode="numeric" autocomplete="off"/>
            </Field>
        </div>
        <FormProblem error=error fields=&["name", "addresses", "days"]/>
        <div><Button submit=true icon=i::LuPlus busy=create.pending()>"Make key"</Button></div>
    }
}

fn list(keys: Signal<Vec<ApiKeyRow>>, rotate: Change, changed: RwSignal<u32>) -> AnyView {
    let revoke = Change::new::<RevokeKey>();
    told(revoke, "The key opens nothing any more", changed);
    let columns = vec![
        Column::new("Key"),
        Column::new("May"),
        Column::new("Last used"),
        Column::new("Ends"),
        Column::new("Manage").quiet(),
    ];
    let lines = move || keys.get().into_iter().map(|row| line(row, rotate, revoke)).collect_view();
    view! {
        <Card title="API keys" scope="A key that is lost cannot be shown again: rotate it." flush=true>
            <div class="px-5 empty:hidden"><FormProblem error=rotate.error() fields=&[]/><FormProblem error=revoke.error() fields=&[]/></div>
            <Table caption="API keys" columns=columns>{lines}</Table>
        </Card>
    }
}

fn line(row: ApiKeyRow, rotate: Change, revoke: Change) -> AnyView {
    let (first, second, hours) = (hidden("id", row.id), hidden("id", row.id), hidden("hours", 24));
    let is_active = row.state == ApiKeyState::Active;
    let manage = is_active.then(|| {
        view! {
            <div class="flex flex-wrap justify-end gap-2">
                <ChangeForm change=rotate>
                    {first} {hours}
                    <Button submit=true variant=Variant::Outline size=Size::Small>"Rotate"</Button>
                </ChangeForm>
                <ChangeForm change=revoke>
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
