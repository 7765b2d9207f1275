//! What the campaign dialog can choose from, and how many people a choice would call.

use leptos::prelude::*;
use model::Error;
use model::campaigns::{Audience, CampaignForm};
use model::id::{AgentId, GatewayId, ImportId};
use model::numbers::NumberRow;
use model::time::Hours;
use serde::{Deserialize, Serialize};

/// Everything the dialog needs before it can be filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// Agents that are not archived: id, name, whether published.
    pub agents: Vec<(AgentId, String, bool)>,
    pub segments: Vec<String>,
    /// Completed imports, newest first: id and file name.
    pub imports: Vec<(ImportId, String)>,
    /// Where calls can go through, oldest first: id and name.
    pub gateways: Vec<(GatewayId, String)>,
    /// What an inbound campaign may answer.
    pub numbers: Vec<NumberRow>,
    /// The company's hours.
    pub hours: Hours,
    /// The company's zone, in which start and end are written.
    pub zone: String,
    pub call_minutes_max: i32,
    pub concurrency_max: i32,
    /// What a new campaign starts from.
    pub blank: CampaignForm,
}

/// What there is to choose from.
#[server(protocol = crate::wire::Wire)]
pub async fn campaign_choices() -> Result<Choices, Error> {
    use crate::ssr::*;
    use model::agents::{AgentFilter, AgentStatus};
    use model::imports::{ImportFilter, ImportKind, ImportStatus};
    use model::page::{PER_PAGE_MAX, Paging};
    let paging = Paging::new(1, PER_PAGE_MAX);
    let mut tx = begin().await?;
    let agents = services::agents::list(&mut tx, &AgentFilter { paging, ..AgentFilter::default() }).await?;
    let segments = services::contacts::segments(&mut tx).await?;
    let imports = services::imports::list(&mut tx, &ImportFilter { status: Some(ImportStatus::Completed), paging }).await?;
    let gateways = services::gateways::list(&mut tx).await?;
    let numbers = services::numbers::list(&mut tx).await?;
    let settings = services::companies::settings(&mut tx).await?;
    let blank = services::campaigns::blank(&mut tx).await?;
    tx.commit().await?;
    Ok(Choices {
        agents: agents
            .items
            .into_iter()
            .filter(|a| a.status != AgentStatus::Archived)
            .map(|a| (a.id, a.name, a.status == AgentStatus::Published))
            .collect(),
        segments,
        imports: imports.items.into_iter().filter(|i| i.kind != ImportKind::Suppressions).map(|i| (i.id, i.file_name)).collect(),
        gateways: gateways.into_iter().map(|g| (g.id, g.name)).collect(),
        numbers,
        hours: settings.hours,
        zone: settings.time_zone,
        call_minutes_max: settings.call_minutes_max,
        concurrency_max: settings.concurrency_max,
        blank,
    })
}

/// How many people an audience has right now.
#[server(protocol = crate::wire::Wire)]
pub async fn count_audience(audience: Audience) -> Result<i64, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let people = services::campaigns::audience_count(&mut tx, &audience).await?;
    tx.commit().await?;
    Ok(people)
}
