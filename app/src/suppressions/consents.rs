//! Recording what people agreed to, and saying which calls need such a record. A plain page.

use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::Error;
use model::campaigns::PurposeRow;
use model::consents::{ConsentForm, ConsentPolicy, ConsentSource, Purpose, Standing};
use model::id::CampaignId;
use serde::{Deserialize, Serialize};

use crate::form::{FormProblem, hidden, problem, typed_or};
use crate::prelude::*;
use crate::screen::{link, text};
use crate::ui::{
    Button, Card, Checkbox, Crumb, Empty, Field, Input, Note, Opt, PageHeader, Select, Size, Textarea, Tone, Variant,
};
use crate::wire::{Answer, Change, ChangeForm};

const HERE: &str = "/consents";

/// Everything this page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consents {
    pub policy: ConsentPolicy,
    pub may_set: bool,
    pub campaigns: Vec<PurposeRow>,
    pub may_run: bool,
}

/// Which calls need a consent on record.
#[server(protocol = crate::wire::Wire)]
pub async fn load_consents() -> Result<Consents, Error> {
    use crate::ssr::*;
    use model::accounts::Permission;
    let mut tx = begin().await?;
    tx.require(Permission::ManageContacts)?;
    let policy = services::consents::policy(&mut tx).await?;
    let campaigns = services::consents::purposes(&mut tx).await?;
    let may = |permission| tx.actor().may(permission);
    let (may_set, may_run) = (may(Permission::ManageSettings), may(Permission::ManageCampaigns));
    tx.commit().await?;
    Ok(Consents { policy, may_set, campaigns, may_run })
}

/// Where a consent comes from, as typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub purpose: Purpose,
    pub source: ConsentSource,
    pub wording: String,
    pub evidence: String,
    pub ip: String,
}

/// Records what people agreed to, or took back, and leads to the evidence of the first of them.
#[server(protocol = crate::wire::Wire)]
pub async fn record_consent(phones: String, standing: Standing, on: String, origin: Origin) -> Result<(), Error> {
    use crate::ssr::*;
    let Origin { purpose, source, wording, evidence, ip } = origin;
    let form = ConsentForm { phones, purpose, standing, source, wording, evidence, ip, on };
    let saved = async {
        let mut tx = begin().await?;
        services::consents::record(&mut tx, &form).await?;
        Ok(tx.commit().await?)
    };
    saved.await.inspect_err(|_: &Error| {
        keep_typed(&[
            ("phones", &form.phones),
            ("standing", form.standing.as_str()),
            ("on", &form.on),
            ("origin[purpose]", form.purpose.as_str()),
            ("origin[source]", form.source.as_str()),
            ("origin[wording]", &form.wording),
            ("origin[evidence]", &form.evidence),
            ("origin[ip]", &form.ip),
        ]);
    })?;
    let first = form.phones.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    redirect(&link("/evidence", &[("phone", first)]));
    Ok(())
}

/// Says before which calls a consent must be on record.
#[server(protocol = crate::wire::Wire)]
pub async fn set_consent_policy(policy: ConsentPolicy) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::consents::set_policy(&mut tx, policy).await?;
    tx.commit().await?;
    redirect(HERE);
    Ok(())
}

/// Says what a campaign calls about.
#[server(protocol = crate::wire::Wire)]
pub async fn set_campaign_purpose(
    campaign: CampaignId,
    purpose: Purpose,
    #[server(default)] needs_consent: bool,
) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::consents::set_purpose(&mut tx, campaign, purpose, needs_consent).await?;
    tx.commit().await?;
    redirect(HERE);
    Ok(())
}

/// `/consents?phone=…`
#[component]
pub fn ConsentsPage() -> impl IntoView {
    let number = use_query_map().with_untracked(|query| text(query, "phone"));
    let answer = Answer::blocking(|| LoadConsents {});
    let (record, policy, purpose) =
        (Change::new::<RecordConsent>(), Change::new::<SetConsentPolicy>(), Change::new::<SetCampaignPurpose>());
    let page = move |answer: Result<Consents, Error>| match answer {
        Ok(now) => view! {
            <div class="flex flex-col gap-6">
                {recording(number.clone(), record)} {asking(now.policy, now.may_set, policy)} {about(now.campaigns, now.may_run, purpose)}
            </div>
        },
        Err(error) => view! { <Note tone=Tone::Warning>{error.to_string()}</Note> },
    };
    view! {
        <Title text="Consents"/>
        <div class="max-w-4xl">
            <PageHeader
                title="Consents"
                description="What people agreed to, with where it is written. Nothing is ever rewritten: the newest record holds."
                crumbs=vec![Crumb::new("Suppressions", "/suppressions")]
            />
            <Suspense fallback=|| ()>{move || answer.get().map(page.clone())}</Suspense>
        </div>
    }
}

fn options<T: Copy>(all: &[T], word: fn(T) -> &'static str, label: fn(T) -> &'static str) -> Vec<Opt> {
    all.iter().map(|one| Opt::new(word(*one), label(*one))).collect()
}

fn recording(number: String, save: Change) -> AnyView {
    let error = save.error();
    let purposes = options(Purpose::ALL, Purpose::as_str, Purpose::label);
    let standings = options(Standing::ALL, Standing::as_str, Standing::label);
    let sources = options(ConsentSource::ALL, ConsentSource::as_str, ConsentSource::label);
    const FIELDS: &[&str] = &["phones", "purpose", "standing", "source", "wording", "evidence", "ip", "on"];
    view! {
        <Card title="Record a consent" scope="Taking one back puts the number on the do-not-call list at once">
            <ChangeForm change=save attr:class="flex flex-col gap-4" attr:novalidate=true>
                <Field label="Numbers" name="phones" hint="One in each line, 1,000 at most." error=problem(error, "phones")>
                    <Textarea value=typed_or("phones", number)/>
                </Field>
                <div class="grid gap-4 sm:grid-cols-2">
                    <Field label="To calls about" name="origin[purpose]" error=problem(error, "purpose")>
                        <Select options=purposes value=typed_or("origin[purpose]", Purpose::Marketing.as_str())/>
                    </Field>
                    <Field label="Consent" name="standing" error=problem(error, "standing")>
                        <Select options=standings value=typed_or("standing", Standing::Written.as_str())/>
                    </Field>
                    <Field label="Where" name="origin[source]" error=problem(error, "source")>
                        <Select options=sources value=typed_or("origin[source]", ConsentSource::WebForm.as_str())/>
                    </Field>
                    <Field label="Day" name="on" hint="Empty: now." optional=true error=problem(error, "on")>
                        <Input kind="date" value=typed_or("on", "")/>
                    </Field>
                    <Field label="Wording" name="origin[wording]" hint="Which words they saw or heard, like: form v3." error=problem(error, "wording")>
                        <Input value=typed_or("origin[wording]", "") maxlength=200/>
                    </Field>
                    <Field label="Proof" name="origin[evidence]" hint="Where it is: a link, a file, a number." error=problem(error, "evidence")>
                        <Input value=typed_or("origin[evidence]", "") maxlength=200/>
                    </Field>
                    <Field label="IP address" name="origin[ip]" hint="Where one is known." optional=true error=problem(error, "ip")>
                        <Input value=typed_or("origin[ip]", "") maxlength=45/>
                    </Field>
                </div>
                <FormProblem error=error fields=FIELDS/>
                <div><Button submit=true>"Record"</Button></div>
            </ChangeForm>
        </Card>
    }
}

fn asking(now: ConsentPolicy, may_set: bool, save: Change) -> AnyView {
    let policies = options(ConsentPolicy::ALL, ConsentPolicy::as_str, ConsentPolicy::label);
    let value = now.as_str();
    let scope = "The dialer asks in the moment in which it decides on a call; who has no record is skipped with the reason";
    if !may_set {
        return view! { <Card title="Consent on record" scope=scope>{now.label()}</Card> };
    }
    view! {
        <Card title="Consent on record" scope=scope>
            <ChangeForm change=save attr:class="flex flex-col gap-4">
                <Field label="Asked for" name="policy"><Select options=policies value=value/></Field>
                <FormProblem error=save.error() fields=&[]/>
                <div><Button submit=true>"Save"</Button></div>
            </ChangeForm>
        </Card>
    }
}

fn about(campaigns: Vec<PurposeRow>, may_run: bool, save: Change) -> AnyView {
    if campaigns.is_empty() {
        return view! { <Card title="Campaigns"><Empty icon=icondata::LuMegaphone title="No campaigns yet" text="What each calls about stands here."/></Card> };
    }
    let line = move |row: PurposeRow| {
        let id = format!("purpose-{}", row.id);
        let purposes = options(Purpose::ALL, Purpose::as_str, Purpose::label);
        if !may_run {
            return view! { <li class="flex justify-between gap-3 py-3"><span class="font-medium">{row.name}</span> {row.purpose.label()}</li> };
        }
        view! {
            <li class="py-3">
                <ChangeForm change=save attr:class="flex flex-wrap items-end gap-4">
                    {hidden("campaign", row.id)}
                    <Field label=row.name name="purpose" id=id class="min-w-48 flex-1">
                        <Select options=purposes value=row.purpose.as_str()/>
                    </Field>
                    <Checkbox label="Only with a consent on record" name="needs_consent" checked=row.needs_consent/>
                    <Button submit=true size=Size::Small variant=Variant::Outline>"Save"</Button>
                </ChangeForm>
            </li>
        }
    };
    let lines = campaigns.into_iter().map(line).collect_view();
    view! {
        <Card title="Campaigns" scope="What each calls about. Consent to one purpose says nothing about the other.">
            <FormProblem error=save.error() fields=&[]/>
            <ul class="divide-y">{lines}</ul>
        </Card>
    }
}
