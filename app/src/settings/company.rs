//! Days off of the company, its calls per second, and how it writes figures. A plain page.

use leptos_meta::Title;
use model::Error;
use model::holidays::{Closed, Holiday, HolidayForm};
use model::money::{Currency, Figures, Locale, money};
use serde::{Deserialize, Serialize};

use crate::form::{FormProblem, hidden, problem, typed_or};
use crate::prelude::*;
use crate::ui::{
    Button, Card, Cell, Checkbox, Column, Crumb, Empty, Field, Input, LeadCell, Note, Opt, PageHeader, Select, Size, Table, Tone,
    Variant,
};
use crate::wire::{Answer, Change, ChangeForm};

const HERE: &str = "/settings/company";

/// Everything this page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyRules {
    pub holidays: Vec<Holiday>,
    pub figures: Figures,
    pub calls_per_second: Option<i32>,
}

/// Days off, pace and figures, for whoever may change them.
#[server(protocol = crate::wire::Wire)]
pub async fn load_company_rules() -> Result<CompanyRules, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    tx.require(model::accounts::Permission::ManageSettings)?;
    let holidays = services::companies::holidays(&mut tx).await?;
    let figures = services::companies::figures(&mut tx).await?;
    let calls_per_second = services::companies::pace(&mut tx).await?;
    tx.commit().await?;
    Ok(CompanyRules { holidays, figures, calls_per_second })
}

/// Adds a day off.
#[server(protocol = crate::wire::Wire)]
pub async fn add_holiday(
    on: String,
    name: String,
    #[server(default)] yearly: bool,
    closed: Closed,
    #[server(default)] time: String,
) -> Result<(), Error> {
    use crate::ssr::*;
    let form = HolidayForm { on, name, yearly, closed, time };
    let saved = async {
        let mut tx = begin().await?;
        services::companies::add_holiday(&mut tx, &form).await?;
        Ok(tx.commit().await?)
    };
    let kept = [("on", form.on.as_str()), ("name", &form.name), ("closed", form.closed.as_str()), ("time", &form.time)];
    saved.await.inspect_err(|_: &Error| keep_typed(&kept))?;
    redirect(HERE);
    Ok(())
}

/// Takes a day off from the list.
#[server(protocol = crate::wire::Wire)]
pub async fn remove_holiday(on: String, name: String) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::companies::remove_holiday(&mut tx, &on, &name).await?;
    tx.commit().await?;
    redirect(HERE);
    Ok(())
}

/// Saves how figures are written.
#[server(protocol = crate::wire::Wire)]
pub async fn save_figures(locale: String, currency: String) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::companies::save_figures(&mut tx, &locale, &currency).await?;
    tx.commit().await?;
    redirect(HERE);
    Ok(())
}

/// Saves how many calls start in a second at most; nothing typed: as many as the gateways take.
#[server(protocol = crate::wire::Wire)]
pub async fn save_pace(calls_per_second: String) -> Result<(), Error> {
    use crate::ssr::*;
    let rate = (!calls_per_second.trim().is_empty()).then(|| calls_per_second.trim().parse().unwrap_or(0));
    let saved = async {
        let mut tx = begin().await?;
        services::companies::save_pace(&mut tx, rate).await?;
        Ok(tx.commit().await?)
    };
    saved.await.inspect_err(|_: &Error| keep_typed(&[("calls_per_second", &calls_per_second)]))?;
    redirect(HERE);
    Ok(())
}

/// `/settings/company`
#[component]
pub fn CompanyRulesPage() -> impl IntoView {
    let answer = Answer::blocking(|| LoadCompanyRules {});
    let (add, remove) = (Change::new::<AddHoliday>(), Change::new::<RemoveHoliday>());
    let (write, pace) = (Change::new::<SaveFigures>(), Change::new::<SavePace>());
    let page = move |answer: Result<CompanyRules, Error>| match answer {
        Ok(rules) => view! {
            <div class="flex flex-col gap-6">
                {days_off(rules.holidays, add, remove)} {speed(rules.calls_per_second, pace)} {written(rules.figures, write)}
            </div>
        },
        Err(error) => view! { <Note tone=Tone::Warning>{error.to_string()}</Note> },
    };
    view! {
        <Title text="Holidays, pace and figures"/>
        <div class="max-w-4xl">
            <PageHeader
                title="Holidays, pace and figures"
                description="When nobody is called, how fast calls start, and how money is written."
                crumbs=vec![Crumb::new("Settings", "/settings")]
            />
            <Suspense fallback=|| ()>{move || answer.get().map(page)}</Suspense>
        </div>
    }
}

fn days_off(holidays: Vec<Holiday>, add: Change, remove: Change) -> AnyView {
    let list = if holidays.is_empty() {
        view! { <Empty icon=icondata::LuCalendarOff title="No holidays yet" text="Calls are placed on every day of your calling hours."/> }
    } else {
        let columns = vec![Column::new("Holiday"), Column::new("Day"), Column::new("Closed"), Column::new("Remove").quiet()];
        let rows = holidays.into_iter().map(|holiday| row(holiday, remove)).collect_view();
        view! { <Table caption="Holidays of this company" columns=columns>{rows}</Table> }
    };
    let error = add.error();
    let parts = Closed::ALL.iter().map(|closed| Opt::new(closed.as_str(), closed.label())).collect::<Vec<_>>();
    view! {
        <Card title="Holidays" scope="Kept like your calling hours, on the calendar of whoever would be called" flush=true>
            {list}
            <div class="border-t p-5">
                <ChangeForm change=add attr:class="flex flex-col gap-4" attr:novalidate=true>
                    <div class="grid gap-4 sm:grid-cols-2">
                        <Field label="Name" name="name" error=problem(error, "name")>
                            <Input value=typed_or("name", "") maxlength=80/>
                        </Field>
                        <Field label="Day" name="on" error=problem(error, "on")>
                            <Input kind="date" value=typed_or("on", "")/>
                        </Field>
                        <Field label="Closed" name="closed" error=problem(error, "closed")>
                            <Select options=parts value=typed_or("closed", Closed::Day.as_str())/>
                        </Field>
                        <Field label="Hour" name="time" hint="Where not the whole day is closed." optional=true error=problem(error, "time")>
                            <Input kind="time" value=typed_or("time", "")/>
                        </Field>
                    </div>
                    <Checkbox label="Every year" name="yearly" value="true"/>
                    <FormProblem error=error fields=&["name", "on", "closed", "time"]/>
                    <FormProblem error=remove.error() fields=&[]/>
                    <div><Button submit=true>"Add holiday"</Button></div>
                </ChangeForm>
            </div>
        </Card>
    }
}

fn row(holiday: Holiday, remove: Change) -> AnyView {
    let (closed, on) = (holiday.closed(), holiday.on.to_string());
    let day = if holiday.yearly { format!("{on}, every year") } else { on.clone() };
    let label = format!("Remove {}", holiday.name);
    view! {
        <tr>
            <LeadCell title=holiday.name.clone()/>
            <Cell label="Day">{day}</Cell>
            <Cell label="Closed">{closed}</Cell>
            <td class="n">
                <ChangeForm change=remove>
                    {hidden("on", on)} {hidden("name", holiday.name)}
                    <Button submit=true size=Size::Small variant=Variant::Outline attr:aria-label=label>"Remove"</Button>
                </ChangeForm>
            </td>
        </tr>
    }
}

fn speed(now: Option<i32>, save: Change) -> AnyView {
    let error = save.error();
    let value = typed_or("calls_per_second", now.map(|n| n.to_string()).unwrap_or_default());
    view! {
        <Card title="Calls per second" scope="Over all gateways of the company; each gateway keeps its own limit besides">
            <ChangeForm change=save attr:class="flex flex-col gap-4" attr:novalidate=true>
                <Field
                    label="Calls that start in a second at most"
                    name="calls_per_second"
                    hint="1 to 1,000. Empty: as many as the gateways take."
                    optional=true
                    error=problem(error, "calls_per_second")
                >
                    <Input kind="number" min="1" max="1000" value=value/>
                </Field>
                <FormProblem error=error fields=&["calls_per_second"]/>
                <div><Button submit=true>"Save pace"</Button></div>
            </ChangeForm>
        </Card>
    }
}

fn written(now: Figures, save: Change) -> AnyView {
    let error = save.error();
    let locales = Locale::ALL.iter().map(|locale| Opt::new(locale.as_str(), locale.label())).collect::<Vec<_>>();
    let currencies = Currency::all().map(|code| Opt::new(code.to_string(), code.to_string())).collect::<Vec<_>>();
    let example = money(1_234_567_890_000, now.currency, now.locale);
    view! {
        <Card title="Money" scope=format!("Like {example}")>
            <ChangeForm change=save attr:class="flex flex-col gap-4" attr:novalidate=true>
                <div class="grid gap-4 sm:grid-cols-2">
                    <Field label="Figures" name="locale" error=problem(error, "locale")>
                        <Select options=locales value=now.locale.as_str()/>
                    </Field>
                    <Field label="Currency" name="currency" hint="ISO 4217. Credits are minutes in every currency." error=problem(error, "currency")>
                        <Select options=currencies value=now.currency.to_string()/>
                    </Field>
                </div>
                <FormProblem error=error fields=&["locale", "currency"]/>
                <div><Button submit=true>"Save figures"</Button></div>
            </ChangeForm>
        </Card>
    }
}
