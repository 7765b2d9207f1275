//! What the company promised about the people it calls, and how long it keeps what it knows of them. A plain page.

use leptos_meta::Title;
use model::Error;
use model::companies::{Privacy, Retention};
use serde::{Deserialize, Serialize};

use crate::form::{FormProblem, problem, typed_or};
use crate::prelude::*;
use crate::ui::{Button, Card, Checkbox, Crumb, Field, Input, Note, PageHeader, Tone};
use crate::wire::{Answer, Change, ChangeForm};

const HERE: &str = "/settings/privacy";

/// Everything this page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promised {
    pub privacy: Privacy,
    pub retention: Retention,
}

/// The modes and the days, for whoever may change them.
#[server(protocol = crate::wire::Wire)]
pub async fn load_privacy() -> Result<Promised, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let retention = services::companies::load_retention(&mut tx).await?;
    let privacy = services::companies::privacy(&mut tx).await?;
    tx.commit().await?;
    Ok(Promised { privacy, retention })
}

/// Turns the modes on or off; a box that is not ticked is off.
#[server(protocol = crate::wire::Wire)]
pub async fn save_privacy(#[server(default)] hipaa: bool, #[server(default)] gdpr: bool) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::companies::save_privacy(&mut tx, Privacy { hipaa, gdpr }).await?;
    tx.commit().await?;
    redirect(HERE);
    Ok(())
}

/// Saves how long numbers of calls, and people, are kept; nothing typed is for ever. The other kinds stay as they are.
#[server(protocol = crate::wire::Wire)]
pub async fn save_people_days(calls_days: String, contacts_days: String) -> Result<(), Error> {
    use crate::ssr::*;
    let days = |text: &str| (!text.trim().is_empty()).then(|| text.trim().parse().unwrap_or(0));
    let saved = async {
        let mut tx = begin().await?;
        let kept = services::companies::load_retention(&mut tx).await?;
        let new = Retention { calls_days: days(&calls_days), contacts_days: days(&contacts_days), ..kept };
        services::companies::save_retention(&mut tx, &new).await?;
        Ok(tx.commit().await?)
    };
    saved.await.inspect_err(|_: &Error| keep_typed(&[("calls_days", &calls_days), ("contacts_days", &contacts_days)]))?;
    redirect(HERE);
    Ok(())
}

/// `/settings/privacy`
#[component]
pub fn PrivacyPage() -> impl IntoView {
    let answer = Answer::blocking(|| LoadPrivacy {});
    let (modes, days) = (Change::new::<SavePrivacy>(), Change::new::<SavePeopleDays>());
    let page = move |answer: Result<Promised, Error>| match answer {
        Ok(promised) => view! {
            <div class="flex flex-col gap-6">{promises(promised.privacy, modes)} {keeps(promised.retention, days)}</div>
        },
        Err(error) => view! { <Note tone=Tone::Warning>{error.to_string()}</Note> },
    };
    view! {
        <Title text="Privacy"/>
        <div class="max-w-4xl">
            <PageHeader
                title="Privacy"
                description="What you promised about the people you call. Every change is in the record, with who made it."
                crumbs=vec![Crumb::new("Settings", "/settings")]
            />
            <Suspense fallback=|| ()>{move || answer.get().map(page)}</Suspense>
        </div>
    }
}

fn promises(now: Privacy, save: Change) -> AnyView {
    view! {
        <Card title="Modes" scope="In force from the next call and the next message on">
            <ChangeForm change=save attr:class="flex flex-col gap-4">
                <Checkbox
                    label="HIPAA mode"
                    name="hipaa"
                    checked=now.hipaa
                    hint="Calls may be about health. Nobody is asked for a recording or a transcript and none is kept; those there already are \
                    deleted the next night. Webhooks show the ends of numbers only, and nothing in words."
                />
                <Checkbox
                    label="GDPR mode"
                    name="gdpr"
                    checked=now.gdpr
                    hint="Nothing about people is kept for ever: each kind needs a number of days, and those without one get ours."
                />
                <FormProblem error=save.error() fields=&[]/>
                <div><Button submit=true>"Save modes"</Button></div>
            </ChangeForm>
        </Card>
    }
}

fn keeps(now: Retention, save: Change) -> AnyView {
    let error = save.error();
    let first = |name: &str, days: Option<i32>| typed_or(name, days.map(|days| days.to_string()).unwrap_or_default());
    view! {
        <Card title="People" scope="What is older is taken away every night, for good">
            <ChangeForm change=save attr:class="flex flex-col gap-4" attr:novalidate=true>
                <Field
                    label="Days to keep the numbers of calls"
                    name="calls_days"
                    hint="With keys that were pressed, words and sound. What a call cost and how it ended stays. 1 to 3,650. Empty: for ever."
                    optional=true
                    error=problem(error, "calls_days")
                >
                    <Input kind="number" min="1" max="3650" value=first("calls_days", now.calls_days)/>
                </Field>
                <Field
                    label="Days to keep contacts"
                    name="contacts_days"
                    hint="Counted from the last call and the last change. Whoever waits for a call stays. 1 to 3,650. Empty: for ever."
                    optional=true
                    error=problem(error, "contacts_days")
                >
                    <Input kind="number" min="1" max="3650" value=first("contacts_days", now.contacts_days)/>
                </Field>
                <FormProblem error=error fields=&["calls_days", "contacts_days"]/>
                <p class="text-sm text-muted-foreground">
                    <a class="link" href="/settings/defaults">"Recordings and transcripts"</a>
                    " have days of their own. What people "
                    <a class="link" href="/consents">"agreed to"</a>
                    " and the "
                    <a class="link" href="/evidence">"evidence"</a>
                    " of a number have pages of their own; a person is exported or erased from their contact. The do-not-call list stays: who must not be called has to be known."
                </p>
                <div><Button submit=true>"Save days"</Button></div>
            </ChangeForm>
        </Card>
    }
}
