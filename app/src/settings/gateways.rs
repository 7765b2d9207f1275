//! Gateways: the accounts that calls go through. Which there are, and connecting one.

use icondata as i;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::Error;
use model::accounts::Permission;
use model::gateways::{CALLS_PER_SECOND, CONCURRENCY, Gateway, GatewayForm, GatewayRow, ProviderKind};
use serde::{Deserialize, Serialize};

use crate::form::{FormProblem, problem, typed_or};
use crate::prelude::*;
use crate::screen::{may, word};
use crate::ui::{
    Badge, Button, Card, Cell, Column, Crumb, Field, Input, LinkButton, Note, Opt, PageHeader, PasswordInput, Select, Size,
    Table, Textarea, Tone, Variant, grouped,
};
use crate::wire::{Change, ChangeForm};

/// A gateway as a form sends it: as typed, so that a wrong number is a message at its field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GatewayInput {
    pub kind: String,
    /// `sandbox` or `real`.
    pub phones: String,
    pub name: String,
    pub base_url: String,
    pub account: String,
    pub secret: String,
    pub webhook_secret: String,
    pub options: String,
    pub concurrency_max: String,
    pub calls_per_second: String,
}

impl GatewayInput {
    /// Reads what was typed. A number that is none becomes one that `GatewayForm::check` refuses with its message.
    ///
    /// # Errors
    /// `Invalid` with a message per field.
    pub fn read(self) -> Result<GatewayForm, Error> {
        let number = |text: &str| text.trim().parse().unwrap_or(0);
        Ok(GatewayForm {
            kind: self.kind.parse().map_err(|_| Error::field("kind", "Choose a provider."))?,
            sandbox: self.phones != "real",
            concurrency_max: number(&self.concurrency_max),
            calls_per_second: number(&self.calls_per_second),
            name: self.name,
            base_url: self.base_url,
            account: self.account,
            secret: self.secret,
            webhook_secret: self.webhook_secret,
            options: self.options,
        })
    }

    /// Keeps what was typed for the page that shows the form again without scripts, except secrets.
    #[cfg(feature = "ssr")]
    pub(super) fn keep(&self) {
        crate::ssr::keep_typed(&[
            ("gateway[phones]", &self.phones),
            ("gateway[name]", &self.name),
            ("gateway[base_url]", &self.base_url),
            ("gateway[account]", &self.account),
            ("gateway[options]", &self.options),
            ("gateway[concurrency_max]", &self.concurrency_max),
            ("gateway[calls_per_second]", &self.calls_per_second),
        ]);
    }
}

/// Connects an account; leads to its page.
#[server(protocol = crate::wire::Wire)]
pub async fn create_gateway(gateway: GatewayInput) -> Result<(), Error> {
    use crate::ssr::*;
    let again = gateway.clone();
    let created = async {
        let form = gateway.read()?;
        let mut tx = begin().await?;
        let id = services::gateways::create(&mut tx, &form).await?;
        tx.commit().await?;
        Ok(id)
    };
    let id = created.await.inspect_err(|_: &Error| again.keep())?;
    redirect(&format!("/settings/gateways/{id}"));
    Ok(())
}

/// Fields that show their own problem.
pub(super) const FIELDS: &[&str] =
    &["name", "account", "secret", "webhook_secret", "base_url", "options", "concurrency_max", "calls_per_second"];

/// The card of the settings page.
pub(super) fn card(rows: Vec<GatewayRow>) -> AnyView {
    let columns = vec![
        Column::new("Gateway"),
        Column::new("Provider"),
        Column::new("Numbers").number(),
        Column::new("Calls at once").number(),
        Column::new("Calls a second").number(),
    ];
    let manage = may(Permission::ManageSettings);
    let lines = rows
        .into_iter()
        .map(|row| {
            let (name, href) = (row.name.clone(), format!("/settings/gateways/{}", row.id));
            let name = move || {
                let name = name.clone();
                match manage.get() {
                    true => view! { <a class="link font-medium" href=href.clone()>{name}</a> },
                    false => view! { <span class="font-medium">{name}</span> },
                }
            };
            let trouble = row.open_until.map(|until| {
                view! { <Badge label=format!("Trouble, tried again {}", until.short()) tone=Tone::Danger/> }
            });
            view! {
                <tr>
                    <td class="lead">{name}</td>
                    <Cell label="Provider">
                        {row.kind.label()} " "
                        {row.sandbox.then(|| view! { <Badge label="Sandbox" tone=Tone::Info/> })} {trouble}
                    </Cell>
                    <Cell label="Numbers" number=true>{grouped(row.numbers)}</Cell>
                    <Cell label="Calls at once" number=true>{grouped(row.concurrency_max.into())}</Cell>
                    <Cell label="Calls a second" number=true>{grouped(row.calls_per_second.into())}</Cell>
                </tr>
            }
        })
        .collect_view();
    let add = move || {
        manage.get().then(|| {
            view! {
                <LinkButton href="/settings/gateways/new" variant=Variant::Outline size=Size::Small icon=i::LuPlus>"Add gateway"</LinkButton>
            }
        })
    };
    view! {
        <Card
            title="Gateways"
            scope="The accounts that calls go through. The sandbox is a simulated phone network: nobody's phone rings and no carrier is paid."
            actions=add
            flush=true
        >
            <Table caption="Gateways of this company" columns=columns>{lines}</Table>
        </Card>
    }
}

/// What a provider is for, in a sentence.
const fn pitch(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Twilio => "Your numbers, our script: texts are read out, keys are heard.",
        ProviderKind::Retell => "Agents that hold the conversation. Published there from here.",
        ProviderKind::Vapi => "Agents that hold the conversation. Published there from here.",
        ProviderKind::ElevenLabs => "Agents with ElevenLabs voices. Published there from here.",
        ProviderKind::Maqsam => "Calls between your Maqsam agents and people. Not tried with a live account yet.",
    }
}

/// `/settings/gateways/new`, and with `?provider=…` the form for one.
#[component]
pub fn NewGatewayPage() -> impl IntoView {
    let query = use_query_map();
    let kind = Memo::new(move |_| query.with(|query| word::<ProviderKind>(query, "provider")));
    let crumbs = vec![Crumb::new("Settings", "/settings")];
    view! {
        <Title text="Add a gateway"/>
        <PageHeader title="Add a gateway" description="An account at a telephone provider, real or simulated." crumbs=crumbs/>
        {move || match kind.get() {
            None => providers(),
            Some(kind) => view! { <NewGateway kind=kind/> }.into_any(),
        }}
    }
}

fn providers() -> AnyView {
    let one = |kind: &ProviderKind| {
        let kind = *kind;
        view! {
            <li>
                <a class="card block h-full p-5 transition-colors hover:bg-accent" href=format!("/settings/gateways/new?provider={kind}")>
                    <span class="font-semibold">{kind.label()}</span>
                    <span class="mt-1 block text-sm text-muted-foreground">{pitch(kind)}</span>
                </a>
            </li>
        }
    };
    view! {
        <ul class="grid max-w-4xl gap-4 sm:grid-cols-2 lg:grid-cols-3">{ProviderKind::ALL.iter().map(one).collect_view()}</ul>
    }
}

#[component]
fn NewGateway(kind: ProviderKind) -> impl IntoView {
    let create = Change::new::<CreateGateway>();
    let error = create.error();
    let choices = vec![
        Opt::new("sandbox", "Simulated phones: nobody's phone rings"),
        Opt::new("real", format!("Our account at {}", kind.label())),
    ];
    view! {
        <ChangeForm change=create attr:class="flex max-w-2xl flex-col gap-6" attr:novalidate=true>
            <input type="hidden" name="gateway[kind]" value=kind.as_str()/>
            <Card title=kind.label() scope=pitch(kind).to_owned()>
                <div class="group flex flex-col gap-4">
                    <Field label="Name" name="gateway[name]" error=problem(error, "name")>
                        <Input value=typed_or("gateway[name]", kind.label()) autocomplete="off"/>
                    </Field>
                    <Field label="Phones" name="gateway[phones]" error=problem(error, "phones")>
                        <Select options=choices value=typed_or("gateway[phones]", "sandbox")/>
                    </Field>
                    // The style sheet hides them, so they also come without scripts. A sandbox does not read them.
                    <div class="flex flex-col gap-4 group-has-[option[value=sandbox]:checked]:hidden">{keys(kind, None, error)}</div>
                    {limits(CONCURRENCY, CALLS_PER_SECOND, error)}
                </div>
            </Card>
            {(!kind.keeps_talk_limit()).then(|| view! {
                <Note tone=Tone::Warning>
                    {format!("{} cannot be told to end a call. Talk beyond the longest call is not charged.", kind.label())}
                </Note>
            })}
            <FormProblem error=error fields=FIELDS/>
            <div class="flex gap-2">
                <Button submit=true busy=create.pending()>"Connect"</Button>
                <LinkButton href="/settings/gateways/new" variant=Variant::Outline>"Another provider"</LinkButton>
            </div>
        </ChangeForm>
    }
}

/// The account's keys. Those that are kept are not shown: an empty field leaves them.
pub(super) fn keys(kind: ProviderKind, kept: Option<&Gateway>, error: Signal<Option<Error>>) -> AnyView {
    let stays = kept.map(|kept| format!("Leave empty to keep {}.", kept.secret)).unwrap_or_default();
    let account = (!kind.account_label().is_empty()).then(|| {
        let value = typed_or("gateway[account]", kept.map(|kept| kept.account.clone()).unwrap_or_default());
        view! {
            <Field label=kind.account_label() name="gateway[account]" error=problem(error, "account")>
                <Input value=value autocomplete="off"/>
            </Field>
        }
    });
    // Twilio signs with the key itself.
    let webhook = (kind != ProviderKind::Twilio).then(|| {
        let hint = match kept {
            Some(kept) if kept.has_webhook_secret => "Leave empty to keep the one that is set.",
            _ if kind == ProviderKind::Retell => "Only where another API key signs than the one above.",
            _ => "Leave empty: one is made up, or asked for at the provider.",
        };
        view! {
            <Field label="Webhook secret" name="gateway[webhook_secret]" hint=hint error=problem(error, "webhook_secret")>
                <PasswordInput autocomplete="new-password"/>
            </Field>
        }
    });
    let options = (!kind.options().is_empty()).then(|| {
        let lines = kept.map(|kept| kept.options.iter().map(|(name, value)| format!("{name} = {value}\n")).collect::<String>());
        let names: Vec<_> = kind.options().iter().map(|(name, _)| *name).collect();
        view! {
            <Field
                label="Provider settings"
                name="gateway[options]"
                hint=format!("One “name = value” a line: {}.", names.join(", "))
                error=problem(error, "options")
            >
                <Textarea value=typed_or("gateway[options]", lines.unwrap_or_default()) rows=3/>
            </Field>
        }
    });
    let url = typed_or("gateway[base_url]", kept.map(|kept| kept.base_url.clone()).unwrap_or_default());
    view! {
        {account}
        <Field label=kind.secret_label() name="gateway[secret]" hint=stays error=problem(error, "secret")>
            <PasswordInput autocomplete="new-password"/>
        </Field>
        {webhook}
        <Field
            label="Address"
            name="gateway[base_url]"
            hint="Only where your account has one of its own."
            error=problem(error, "base_url")
        >
            <Input value=url kind="url" autocomplete="off"/>
        </Field>
        {options}
    }
}

/// How much it may carry.
pub(super) fn limits(concurrency: i32, per_second: i32, error: Signal<Option<Error>>) -> AnyView {
    view! {
        <div class="grid gap-4 sm:grid-cols-2">
            <Field label="Calls at once" name="gateway[concurrency_max]" error=problem(error, "concurrency_max")>
                <Input value=typed_or("gateway[concurrency_max]", concurrency.to_string()) kind="number"/>
            </Field>
            <Field label="Calls a second" name="gateway[calls_per_second]" error=problem(error, "calls_per_second")>
                <Input value=typed_or("gateway[calls_per_second]", per_second.to_string()) kind="number"/>
            </Field>
        </div>
    }
}
