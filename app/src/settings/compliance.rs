//! Compliance: the rule packs in force, read only, and what the company asks beyond them. A plain page.

use model::Error;
use model::companies::{ATTEMPTS_PER_WEEK_MAX, Compliance};
use model::rules::{Cap, Confidence, Consent, Pack, Rule};
use serde::{Deserialize, Serialize};

use crate::form::{FormProblem, problem, typed_or};
use crate::plain::{PlainPage, answered};
use crate::prelude::*;
use crate::ui::{Badge, Button, Card, Cell, Column, Crumb, Field, Input, Note, Table, Tone};
use crate::wire::{Answer, Change, ChangeForm};

/// Everything this page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rulebook {
    pub own: Compliance,
    pub packs: Vec<Pack>,
}

/// The packs in force and the company's own limits.
#[server(protocol = crate::wire::Wire)]
pub async fn load_compliance() -> Result<Rulebook, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let own = services::companies::compliance(&mut tx).await?;
    tx.commit().await?;
    Ok(Rulebook { own, packs: services::rules::all().to_vec() })
}

/// The limits as a form sends them: as typed, so that a wrong one is a message at its field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ComplianceForm {
    pub attempts_per_week_max: String,
    pub attempts_ever_max: String,
    /// Two letters each, apart by spaces or commas.
    pub countries: String,
}

impl ComplianceForm {
    /// Reads what was typed. A number that is none becomes one that `Compliance::check` refuses with its message.
    ///
    /// # Errors
    /// `Invalid` with a message per field.
    pub fn read(&self) -> Result<Compliance, Error> {
        let number = |text: &str| text.trim().parse().unwrap_or(0);
        let countries = self.countries.split([',', ' ']).map(str::trim).filter(|c| !c.is_empty());
        let own = Compliance {
            attempts_per_week_max: number(&self.attempts_per_week_max),
            attempts_ever_max: (!self.attempts_ever_max.trim().is_empty()).then(|| number(&self.attempts_ever_max)),
            countries: countries.map(str::to_uppercase).collect(),
        };
        own.check()?;
        Ok(own)
    }
}

/// Saves the limits; they hold from the next dial on.
#[server(protocol = crate::wire::Wire)]
pub async fn save_compliance(own: ComplianceForm) -> Result<(), Error> {
    use crate::ssr::*;
    let saved = async {
        let limits = own.read()?;
        let mut tx = begin().await?;
        services::companies::save_compliance(&mut tx, &limits).await?;
        Ok(tx.commit().await?)
    };
    saved.await.inspect_err(|_: &Error| {
        keep_typed(&[("week", &own.attempts_per_week_max), ("ever", &own.attempts_ever_max), ("countries", &own.countries)]);
    })?;
    redirect_saying("/settings/compliance", "Limits saved.");
    Ok(())
}

/// `/settings/compliance`
#[component]
pub fn CompliancePage() -> impl IntoView {
    let (book, save) = (Answer::blocking(|| LoadCompliance {}), Change::new::<SaveCompliance>());
    answered(book, TITLE, crumbs(), move |book| {
        view! {
            <PlainPage
                wide=true
                title=TITLE
                description="Rule packs decide when and whom an agent may call. You can make them stricter, never looser."
                crumbs=crumbs()
            >
                {limits(&book.own, save)}
                {packs(&book.packs)}
            </PlainPage>
        }
    })
}

const TITLE: &str = "Compliance";

fn crumbs() -> Vec<Crumb> {
    vec![Crumb::new("Settings", "/settings")]
}

const FIELDS: &[&str] = &["attempts_per_week_max", "attempts_ever_max", "countries"];

fn limits(own: &Compliance, save: Change) -> AnyView {
    let error = save.error();
    let week = typed_or("week", own.attempts_per_week_max.to_string());
    let ever = typed_or("ever", own.attempts_ever_max.map(|n| n.to_string()).unwrap_or_default());
    let countries = typed_or("countries", own.countries.join(", "));
    view! {
        <ChangeForm change=save attr:novalidate=true>
            <Card title="Your own limits" scope="On top of the law, for all campaigns together. Hours are in the general settings.">
                <div class="grid gap-4 sm:grid-cols-3">
                    <Field
                        label="Attempts in seven days"
                        name="own[attempts_per_week_max]"
                        hint="Per person, 1 to 30."
                        error=problem(error, "attempts_per_week_max")
                    >
                        <Input kind="number" min="1" max=ATTEMPTS_PER_WEEK_MAX.to_string() value=week/>
                    </Field>
                    <Field
                        label="Attempts ever"
                        name="own[attempts_ever_max]"
                        hint="Per person. Empty: no limit."
                        optional=true
                        error=problem(error, "attempts_ever_max")
                    >
                        <Input kind="number" min="1" max="1000" value=ever/>
                    </Field>
                    <Field
                        label="Countries"
                        name="own[countries]"
                        hint="Like US, GB. Empty: those with a rule pack, and your own."
                        optional=true
                        error=problem(error, "countries")
                    >
                        <Input value=countries autocomplete="off"/>
                    </Field>
                </div>
                <div class="mt-4"><FormProblem error=error fields=FIELDS/></div>
                <div class="mt-4"><Button submit=true>"Save limits"</Button></div>
            </Card>
        </ChangeForm>
    }
}

fn packs(all: &[Pack]) -> AnyView {
    let columns = vec![
        Column::new("Jurisdiction"),
        Column::new("Calls allowed"),
        Column::new("Attempts"),
        Column::new("Consent"),
        Column::new("Confidence"),
        Column::new("Rules and sources"),
    ];
    let rows = all.iter().map(line).collect_view();
    view! {
        <Card title="Rule packs" scope="Where sources disagree the stricter one wins, and both are cited" flush=true>
            <Table caption="Rule packs in force" columns=columns>{rows}</Table>
        </Card>
        <Note tone=Tone::Info icon=icondata::LuScale>
            "Not legal advice. The sources are linked so that your counsel can check them. A number falls under every pack of where its \
            person may be, and a call waits until all of them allow it."
        </Note>
    }
}

fn line(pack: &Pack) -> impl IntoView + use<> {
    let each = |read: fn(&Rule) -> Vec<String>| {
        pack.rules.iter().flat_map(read).map(|text| view! { <span class="block">{text}</span> }).collect_view()
    };
    let tone = match pack.confidence() {
        Confidence::Primary => Tone::Success,
        Confidence::Secondary => Tone::Info,
        Confidence::Conflicting => Tone::Warning,
    };
    // What all of them allow: one rule may only close a day that another has hours for.
    let hours = pack.rules.iter().filter_map(|rule| rule.hours.clone()).reduce(|all, one| all.intersect(&one));
    let hours = hours.map(|week| week.labels()).unwrap_or_default();
    let hours = hours.into_iter().map(|text| view! { <span class="block">{text}</span> }).collect_view();
    let caps = each(|rule| rule.cap.map(cap).into_iter().collect());
    let consent = each(|rule| rule.consent.map(|c: Consent| c.label().to_owned()).into_iter().collect());
    let confidence = pack.confidence().label();
    let rules = pack.rules.iter().map(rule).collect_view();
    view! {
        <tr>
            <td class="lead"><span class="font-medium">{pack.title.clone()}</span><span class="sub">{pack.jurisdiction.clone()}</span></td>
            <Cell label="Calls allowed">{hours}</Cell>
            <Cell label="Attempts">{caps}</Cell>
            <Cell label="Consent">{consent}</Cell>
            <Cell label="Confidence"><Badge label=confidence tone=tone/></Cell>
            <Cell label="Rules and sources" class="wrap max-w-md">{rules}</Cell>
        </tr>
    }
}

/// `3 in 24 h`
fn cap(cap: Cap) -> String {
    let span = if cap.hours > 24 && cap.hours.is_multiple_of(24) {
        format!("{} days", cap.hours / 24)
    } else {
        format!("{} h", cap.hours)
    };
    format!("{} {}in {span}", cap.calls, if cap.unanswered { "unanswered " } else { "" })
}

fn rule(rule: &Rule) -> impl IntoView + use<> {
    let sources = rule.sources.iter().map(|source| {
        let cite = source.cite.clone();
        match source.url.clone() {
            Some(url) => view! { <a class="link block" href=url rel="noopener external" target="_blank">{cite}</a> },
            None => view! { <span class="block">{cite}</span> },
        }
    });
    let dates = match (rule.from, rule.until) {
        (Some(from), Some(until)) => format!(" From {from} until {until}."),
        (Some(from), None) => format!(" From {from}."),
        (None, Some(until)) => format!(" Until {until}."),
        (None, None) => String::new(),
    };
    view! { <div class="mb-2">{rule.text.clone()} {dates} <span class="sub">{sources.collect_view()}</span></div> }
}
