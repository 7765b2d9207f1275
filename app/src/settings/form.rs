//! The form that saves the company's settings.

use model::Error;
use model::companies::{CONCURRENCY_MAX, CompanyType, Settings};
use model::time::Hours;
use serde::{Deserialize, Serialize};

use super::week;
use crate::form::{FormProblem, problem, told};
use crate::prelude::*;
use crate::ui::{Button, Card, DayHours, Field, HoursEditor, Icon, Input, Opt, Select};
use crate::wire::{Change, ChangeForm};

/// The settings as a form sends them: numbers as typed, so that a wrong one is a message at its field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsForm {
    pub name: String,
    pub company_type: String,
    pub time_zone: String,
    pub default_region: String,
    pub hours: Vec<DayHours>,
    pub concurrency_max: String,
    pub ring_seconds_max: String,
    pub call_minutes_max: String,
}

impl SettingsForm {
    /// Reads what was typed. A number that is none becomes one that `Settings::check` refuses with its message.
    ///
    /// # Errors
    /// `Invalid` with a message per field.
    pub fn read(&self) -> Result<Settings, Error> {
        let number = |text: &str| text.trim().parse().unwrap_or(0);
        let settings = Settings {
            name: self.name.trim().to_owned(),
            company_type: self
                .company_type
                .parse()
                .map_err(|_| Error::field("company_type", "Choose what your company does."))?,
            time_zone: self.time_zone.clone(),
            default_region: self.default_region.trim().to_uppercase(),
            // No hours at all are refused too, together with whatever else is wrong.
            hours: week::hours(&self.hours).unwrap_or(Hours(Default::default())),
            concurrency_max: number(&self.concurrency_max),
            ring_seconds_max: number(&self.ring_seconds_max),
            call_minutes_max: number(&self.call_minutes_max),
        };
        settings.check()?;
        Ok(settings)
    }
}

/// Saves the settings; they hold from the next dial on.
#[server(protocol = crate::wire::Wire)]
pub async fn save_settings(settings: SettingsForm) -> Result<(), Error> {
    use crate::ssr::*;
    let settings = settings.read()?;
    let mut tx = begin().await?;
    services::companies::save_settings(&mut tx, &settings).await?;
    tx.commit().await?;
    redirect("/settings");
    Ok(())
}

const FIELDS: &[&str] =
    &["name", "company_type", "time_zone", "default_region", "hours", "concurrency_max", "ring_seconds_max", "call_minutes_max"];

/// General settings, hours and limits, saved together.
#[component]
pub(super) fn SettingsCard(settings: Settings, zones: Vec<String>) -> impl IntoView {
    let save = Change::new::<SaveSettings>();
    let error = save.error();
    told(save, "Settings saved", None);
    let days = RwSignal::new(week::rows(&settings.hours));
    let bad_hours = problem(error, "hours");
    view! {
        <ChangeForm change=save attr:class="flex flex-col gap-6" attr:novalidate=true>
            {general(settings.clone(), zones, error)}
            <Card title="Calling hours" scope="In the called person's own time zone. A campaign can be narrower.">
                <HoursEditor legend="Hours" days=days name="settings[hours]"/>
                <div role="alert" class="contents">
                    {move || bad_hours.get().map(|text| view! {
                        <p class="error mt-3"><Icon icon=icondata::LuCircleAlert class="size-3.5"/>{text}</p>
                    })}
                </div>
            </Card>
            {limits(settings, error)}
            <FormProblem error=error fields=FIELDS/>
            <div><Button submit=true busy=save.pending()>"Save settings"</Button></div>
        </ChangeForm>
    }
}

fn general(settings: Settings, zones: Vec<String>, error: Signal<Option<Error>>) -> AnyView {
    let types: Vec<Opt> = CompanyType::ALL.iter().map(|kind| Opt::new(kind.as_str(), kind.label())).collect();
    let zones: Vec<Opt> = zones.into_iter().map(|zone| Opt::new(zone.clone(), zone.replace('_', " "))).collect();
    view! {
        <Card title="Company">
            <div class="grid gap-4 sm:grid-cols-2">
                <Field label="Name" name="settings[name]" error=problem(error, "name")>
                    <Input value=settings.name.clone() autocomplete="organization"/>
                </Field>
                <Field label="Company type" name="settings[company_type]" hint="Picks the agent templates." error=problem(error, "company_type")>
                    <Select options=types value=settings.company_type.as_str()/>
                </Field>
                <Field label="Time zone" name="settings[time_zone]" hint="Times on screen are in this zone." error=problem(error, "time_zone")>
                    <Select options=zones value=settings.time_zone.clone()/>
                </Field>
                <Field
                    label="Region"
                    name="settings[default_region]"
                    hint="Two letters, like US. For numbers written without a country code."
                    error=problem(error, "default_region")
                >
                    <Input value=settings.default_region.clone() maxlength=2 autocomplete="off"/>
                </Field>
            </div>
        </Card>
    }
}

fn limits(settings: Settings, error: Signal<Option<Error>>) -> AnyView {
    view! {
        <Card title="Limits" scope="Campaigns can ask for less, never for more.">
            <div class="grid gap-4 sm:grid-cols-3">
                <Field label="Calls at once" name="settings[concurrency_max]" hint="All campaigns together." error=problem(error, "concurrency_max")>
                    <Input kind="number" min="1" max=CONCURRENCY_MAX.to_string() value=settings.concurrency_max.to_string()/>
                </Field>
                <Field label="Ring for" name="settings[ring_seconds_max]" hint="Seconds, 10 to 120." error=problem(error, "ring_seconds_max")>
                    <Input kind="number" min="10" max="120" value=settings.ring_seconds_max.to_string()/>
                </Field>
                <Field
                    label="Talk at most"
                    name="settings[call_minutes_max]"
                    hint="Minutes, 1 to 60. This much is held before dialing."
                    error=problem(error, "call_minutes_max")
                >
                    <Input kind="number" min="1" max="60" value=settings.call_minutes_max.to_string()/>
                </Field>
            </div>
        </Card>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Span;

    #[test]
    fn a_number_that_is_none_is_a_message_at_its_field() {
        let open = DayHours::open(vec![Span::new("09:00", "18:00")]);
        let form = SettingsForm {
            name: "Acme".into(),
            company_type: "generic".into(),
            time_zone: "UTC".into(),
            default_region: "us".into(),
            hours: vec![open; 7],
            concurrency_max: "many".into(),
            ring_seconds_max: "30".into(),
            call_minutes_max: "5".into(),
        };
        let error = form.read().expect_err("many is no number");
        assert!(error.of_field("concurrency_max").is_some());
        let both = SettingsForm { hours: vec![DayHours::open(vec![Span::new("18:00", "09:00")]); 7], ..form.clone() };
        let error = both.read().expect_err("hours are none either");
        assert!(error.of_field("concurrency_max").is_some() && error.of_field("hours").is_some());
        let good = SettingsForm { concurrency_max: "5".into(), ..form };
        assert_eq!(good.read().map(|s| s.default_region), Ok("US".to_owned()));
    }
}
