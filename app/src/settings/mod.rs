//! Company settings: name, zone, calling hours and limits; the gateways calls go through and their numbers; and the law
//! above all hours.

#[cfg(feature = "ssr")]
pub mod compliance;
#[cfg(feature = "ssr")]
pub mod defaults;
pub mod form;
pub mod gateway;
pub mod gateways;
#[cfg(feature = "ssr")]
pub mod remove;
pub mod week;

use icondata as i;
use leptos_meta::Title;
use model::Error;
use model::accounts::Permission;
use model::companies::Settings;
use model::gateways::GatewayRow;
use model::numbers::NumberRow;
use serde::{Deserialize, Serialize};

use crate::prelude::*;
use crate::screen::{Loaded, may, phone};
use crate::ui::{Badge, Card, Cell, Column, LinkButton, Note, PageHeader, Skeleton, Table, Tone, Variant, grouped};
use crate::wire::Answer;
use form::SettingsCard;

/// Everything this page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyPage {
    pub settings: Settings,
    pub gateways: Vec<GatewayRow>,
    pub numbers: Vec<NumberRow>,
    /// Zones to choose from.
    pub zones: Vec<String>,
}

/// The settings, the gateways with their numbers, and the zones to choose from.
#[server(protocol = crate::wire::Wire)]
pub async fn load_settings() -> Result<CompanyPage, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let settings = services::companies::settings(&mut tx).await?;
    let gateways = services::gateways::list(&mut tx).await?;
    let numbers = services::numbers::list(&mut tx).await?;
    tx.commit().await?;
    // Legacy names without a region (`EST`, `Etc/GMT-5`) mislead; the one in use is offered whatever it is.
    let plain = |zone: &str| zone == "UTC" || (zone.contains('/') && !zone.starts_with("Etc/"));
    let zones = services::companies::zones().into_iter().filter(|zone| plain(zone) || *zone == settings.time_zone);
    Ok(CompanyPage { zones: zones.map(str::to_owned).collect(), settings, gateways, numbers })
}

/// `/settings`
#[component]
pub fn SettingsPage() -> impl IntoView {
    // Not tied to the live stream: what others save must not overwrite what is being typed.
    let company = Answer::new(|| 0, || LoadSettings {});
    view! {
        <Title text="Settings"/>
        <div class="max-w-4xl">
            <PageHeader title="Settings" description="What every campaign of this company starts from and may not exceed."/>
            <Loaded
                resource=company
                what="the settings"
                waiting=|| view! { <Card><Skeleton class="h-96 w-full"/></Card> }
                view=sections
            />
        </div>
    }
}

fn sections(company: Signal<CompanyPage>) -> AnyView {
    let now = company.get_untracked();
    view! {
        <div class="flex flex-col gap-6">
            <SettingsCard settings=now.settings zones=now.zones/>
            {law()}
            {seldom()}
            {gateways::card(now.gateways)}
            {numbers(now.numbers)}
            {programs()}
        </div>
    }
}

fn programs() -> AnyView {
    let manage = may(Permission::ManageKeys);
    let card = move || {
        manage.get().then(|| {
            view! {
                <Card title="Developers" scope="Keys for your programs, and how they use Belfry">
                    <LinkButton href="/settings/developers" external=true variant=Variant::Outline icon=i::LuKeyRound>"API keys"</LinkButton>
                </Card>
            }
        })
    };
    view! { {card} }
}

/// What is on plain pages of its own.
fn seldom() -> AnyView {
    view! {
        <Card title="More settings" scope="What new campaigns start from, and how long recordings and transcripts are kept">
            <LinkButton href="/settings/defaults" external=true variant=Variant::Outline>"Defaults and retention"</LinkButton>
        </Card>
    }
}

fn law() -> AnyView {
    view! {
        <Card title="Calling law" scope="Applies to every call, whatever hours are set above">
            <Note tone=Tone::Info icon=i::LuScale>
                <b>"Calls are only placed when the law of every place the called person may be in allows it."</b>
                " Your hours can make this narrower, never wider. "
                <a class="link" rel="external" href="/settings/compliance">"See the rule packs and your own limits"</a>
                "."
            </Note>
        </Card>
    }
}

fn numbers(rows: Vec<NumberRow>) -> AnyView {
    let columns = vec![
        Column::new("Number"),
        Column::new("Gateway"),
        Column::new("Answered by"),
        Column::new("Calls now").number(),
        Column::new("Calls a day").number(),
    ];
    let lines = rows
        .into_iter()
        .map(|row| {
            let answered = match row.campaign {
                Some((id, name)) => view! { <a class="link" href=format!("/campaigns/{id}")>{name}</a> },
                None => view! { <span class="text-muted-foreground">"Nobody; callers hear a short message"</span> },
            };
            let per_day = row.calls_per_day_max.map_or_else(|| "No limit".to_owned(), |n| grouped(n.into()));
            view! {
                <tr>
                    <td class="lead">
                        <span class="font-medium tabular-nums">{phone(&row.phone)}</span>
                        <span class="sub">{row.label}</span>
                    </td>
                    <Cell label="Gateway">
                        {row.gateway_name} " "
                        {row.sandbox.then(|| view! { <Badge label="Sandbox" tone=Tone::Info/> })}
                    </Cell>
                    <Cell label="Answered by">{answered}</Cell>
                    <Cell label="Calls now" number=true>{format!("{} of {}", row.in_use, grouped(row.concurrency_max.into()))}</Cell>
                    <Cell label="Calls a day" number=true>{per_day}</Cell>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Card
            title="Numbers"
            scope="What people see when a campaign calls them, and what they call back. A person is called again from the number they know."
            flush=true
        >
            <Table caption="Numbers of this company" columns=columns>{lines}</Table>
        </Card>
    }
}
