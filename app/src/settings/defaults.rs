//! What new campaigns and agents start from, and how long traces of calls are kept. A plain page.

use model::Error;
use model::companies::{Defaults, Retention};
use model::features::FeatureRow;
use serde::{Deserialize, Serialize};

use crate::agents::LANGUAGES;
use crate::form::{FormProblem, problem, typed_or};
use crate::plain::{PlainPage, answered};
use crate::prelude::*;
use crate::ui::{Button, Card, Checkbox, Crumb, Field, Input, Opt, Select};
use crate::wire::{Answer, Change, ChangeForm};

/// Everything this page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub defaults: Defaults,
    pub retention: Retention,
    /// What the company has; a super admin decides.
    pub features: Vec<FeatureRow>,
}

/// What new things start from, and what is deleted when.
#[server(protocol = crate::wire::Wire)]
pub async fn load_defaults() -> Result<Kept, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let retention = services::companies::load_retention(&mut tx).await?;
    let defaults = services::companies::defaults(&mut tx).await?;
    let features = services::features::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Kept { defaults, retention, features })
}

/// Saves what new campaigns and agents start from. Numbers are as typed, so that a wrong one is a message at its field.
#[server(protocol = crate::wire::Wire)]
pub async fn save_defaults(
    attempts_max: String,
    attempts_per_day_max: String,
    call_minutes_max: String,
    #[server(default)] record: bool,
    language: String,
) -> Result<(), Error> {
    use crate::ssr::*;
    let number = |text: &str| text.trim().parse().unwrap_or(0);
    let new = Defaults {
        attempts_max: number(&attempts_max),
        attempts_per_day_max: number(&attempts_per_day_max),
        call_minutes_max: number(&call_minutes_max),
        record,
        language,
    };
    let saved = async {
        let mut tx = begin().await?;
        services::companies::save_defaults(&mut tx, &new).await?;
        Ok(tx.commit().await?)
    };
    saved.await.inspect_err(|_: &Error| {
        keep_typed(&[
            ("attempts_max", &attempts_max),
            ("attempts_per_day_max", &attempts_per_day_max),
            ("call_minutes_max", &call_minutes_max),
        ]);
    })?;
    redirect_saying("/settings/defaults", "Defaults saved.");
    Ok(())
}

/// Saves how long traces of calls are kept; nothing typed is for ever.
#[server(protocol = crate::wire::Wire)]
pub async fn save_retention(recordings_days: String, transcripts_days: String) -> Result<(), Error> {
    use crate::ssr::*;
    let days = |text: &str| (!text.trim().is_empty()).then(|| text.trim().parse().unwrap_or(0));
    let new = Retention { recordings_days: days(&recordings_days), transcripts_days: days(&transcripts_days) };
    let saved = async {
        let mut tx = begin().await?;
        services::companies::save_retention(&mut tx, &new).await?;
        Ok(tx.commit().await?)
    };
    saved.await.inspect_err(|_: &Error| {
        keep_typed(&[("recordings_days", &recordings_days), ("transcripts_days", &transcripts_days)]);
    })?;
    redirect_saying("/settings/defaults", "Retention saved.");
    Ok(())
}

/// `/settings/defaults`
#[component]
pub fn DefaultsPage() -> impl IntoView {
    let answer = Answer::blocking(|| LoadDefaults {});
    let (start, keep) = (Change::new::<SaveDefaults>(), Change::new::<SaveRetention>());
    answered(answer, TITLE, crumbs(), move |kept| {
        view! {
            <PlainPage
                title=TITLE
                description="What new campaigns and agents start from, and when traces of calls are deleted."
                crumbs=crumbs()
            >
                {starts(kept.defaults, start)}
                {keeps(kept.retention, keep)}
                <Card title="Features" scope="What this company has. Whoever runs this Belfry decides.">
                    <div class="flex flex-col gap-4">{kept.features.into_iter().map(crate::admin::features::line).collect_view()}</div>
                </Card>
            </PlainPage>
        }
    })
}

const TITLE: &str = "Defaults and retention";

fn crumbs() -> Vec<Crumb> {
    vec![Crumb::new("Settings", "/settings")]
}

fn starts(now: Defaults, save: Change) -> AnyView {
    let error = save.error();
    let languages: Vec<Opt> = LANGUAGES.iter().map(|(tag, name)| Opt::new(*tag, *name)).collect();
    let first = |name: &str, value: i32| typed_or(name, value.to_string());
    view! {
        <ChangeForm change=save attr:novalidate=true>
            <Card title="New campaigns and agents" scope="Each campaign and agent can be given others. Those that exist keep theirs.">
            <div class="grid gap-4 sm:grid-cols-2">
            <Field label="Attempts per person" name="attempts_max" hint="1 to 20." error=problem(error, "attempts_max")>
                <Input kind="number" min="1" max="20" value=first("attempts_max", now.attempts_max)/>
            </Field>
            <Field label="Attempts a day" name="attempts_per_day_max" hint="1 to 10." error=problem(error, "attempts_per_day_max")>
                <Input kind="number" min="1" max="10" value=first("attempts_per_day_max", now.attempts_per_day_max)/>
            </Field>
            <Field
                label="Minutes a call"
                name="call_minutes_max"
                hint="1 to 60, and never more than the company's limit."
                error=problem(error, "call_minutes_max")
            >
                <Input kind="number" min="1" max="60" value=first("call_minutes_max", now.call_minutes_max)/>
            </Field>
            <Field label="Language of new agents" name="language" hint="Templates bring their own." error=problem(error, "language")>
                <Select options=languages value=now.language/>
            </Field>
            <div class="flex flex-col gap-4 sm:col-span-2">
                <Checkbox label="Record calls" name="record" value="true" checked=now.record/>
                <FormProblem error=error fields=&["attempts_max", "attempts_per_day_max", "call_minutes_max", "language"]/>
                <div><Button submit=true>"Save defaults"</Button></div>
            </div>
        </div></Card></ChangeForm>
    }
}

fn keeps(now: Retention, save: Change) -> AnyView {
    let error = save.error();
    let scope = "Every night what is older is deleted for good. Calls stay in the list and in the ledger. What a provider keeps is up to \
                 its own settings.";
    let first = |name: &str, days: Option<i32>| typed_or(name, days.map(|days| days.to_string()).unwrap_or_default());
    view! {
        <ChangeForm change=save attr:novalidate=true>
            <Card title="Retention" scope=scope><div class="grid gap-4 sm:grid-cols-2">
            <Field
                label="Days to keep recordings"
                name="recordings_days"
                hint="1 to 3,650. Empty: for ever."
                optional=true
                error=problem(error, "recordings_days")
            >
                <Input kind="number" min="1" max="3650" value=first("recordings_days", now.recordings_days)/>
            </Field>
            <Field
                label="Days to keep transcripts"
                name="transcripts_days"
                hint="With summaries and what was found out. 1 to 3,650. Empty: for ever."
                optional=true
                error=problem(error, "transcripts_days")
            >
                <Input kind="number" min="1" max="3650" value=first("transcripts_days", now.transcripts_days)/>
            </Field>
            <div class="flex flex-col gap-4 sm:col-span-2">
                <FormProblem error=error fields=&["recordings_days", "transcripts_days"]/>
                <div><Button submit=true>"Save retention"</Button></div>
            </div>
        </div></Card></ChangeForm>
    }
}
