//! What one company has, for super admins: a page of plain forms.

use leptos_router::hooks::use_query_map;
use model::Error;
use model::features::{CompanyFeatures, Feature, FeatureRow};
use model::id::CompanyId;

use crate::form::{FormProblem, hidden};
use crate::plain::{PlainPage, answered, away};
use crate::prelude::*;
use crate::ui::{Badge, Button, Card, Crumb, Size, Tone, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// The features of a company.
#[server(protocol = crate::wire::Wire)]
pub async fn features_of(company: CompanyId) -> Result<CompanyFeatures, Error> {
    use crate::ssr::*;
    Ok(services::features::of(&db()?, &caller()?.actor, company).await?)
}

/// Turns a feature `on` or `off` for a company, or with any other word leaves it to the platform.
#[server(protocol = crate::wire::Wire)]
pub async fn set_feature(company: CompanyId, feature: Feature, to: String) -> Result<(), Error> {
    use crate::ssr::*;
    let is_on = match to.as_str() {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    };
    services::features::set(&db()?, &caller()?.actor, company, feature, is_on).await?;
    redirect_saying(&format!("/admin/features?company={company}"), "Saved.");
    Ok(())
}

/// `/admin/features?company=…`
#[component]
pub fn FeaturesPage() -> impl IntoView {
    let query = use_query_map();
    let company = query.with_untracked(|query| query.get_str("company").and_then(|id| id.parse::<CompanyId>().ok()));
    let Some(company) = company else { return away(TITLE, crumbs(), &Error::not_found("company")) };
    let answer = Answer::blocking(move || FeaturesOf { company });
    let set = Change::new::<SetFeature>();
    answered(answer, TITLE, crumbs(), move |features| shown(features, set))
}

const TITLE: &str = "Features";

fn crumbs() -> Vec<Crumb> {
    vec![Crumb::new("Clients", "/admin/clients")]
}

fn shown(page: CompanyFeatures, set: Change) -> AnyView {
    let CompanyFeatures { company, name, features } = page;
    let lines = features.into_iter().map(|row| {
        let (feature, is_set) = (row.feature, row.set.is_some());
        let (to, label) = if row.is_on { ("off", "Turn off") } else { ("on", "Turn on") };
        let button = |to: &'static str, label: &'static str| {
            view! {
                <ChangeForm change=set>
                    {hidden("company", company)} {hidden("feature", feature)} {hidden("to", to)}
                    <Button submit=true size=Size::Small variant=Variant::Outline>{format!("{label}: {}", feature.label())}</Button>
                </ChangeForm>
            }
        };
        view! {
            <li class="flex flex-wrap items-center justify-between gap-x-6 gap-y-3 p-4">
                <div class="min-w-0 flex-1 basis-80">{line(row)}</div>
                <div class="flex flex-wrap gap-2">
                    {button(to, label)}
                    {is_set.then(|| button("default", "As for all"))}
                </div>
            </li>
        }
    });
    let lines = lines.collect_view();
    view! {
        <PlainPage title=format!("What {name} has") description="The company reads what you decide, and that it was you." crumbs=crumbs()>
            <FormProblem error=set.error() fields=&[]/>
            <Card flush=true><ul class="divide-y">{lines}</ul></Card>
        </PlainPage>
    }
}

/// One feature, whether it is on, and who decided so.
pub(crate) fn line(row: FeatureRow) -> AnyView {
    let (label, tone) = if row.is_on { ("On", Tone::Success) } else { ("Off", Tone::Neutral) };
    let by = row.set.map_or_else(|| "As for all companies.".to_owned(), |(who, when)| format!("By {who}, {}.", when.date()));
    view! {
        <div>
            <p class="flex flex-wrap items-center gap-2"><span class="font-medium">{row.feature.label()}</span> <Badge label=label tone=tone/></p>
            <p class="text-sm text-muted-foreground">{row.feature.about()} " " {by}</p>
        </div>
    }
}
