//! What an inbound campaign has instead of enrollments: the numbers it answers, and who is on them right now.

use model::Error;
use model::events::Topic;
use model::id::CampaignId;
use model::numbers::NumberRow;

use crate::calls::list::LiveCallsOf;
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, phone};
use crate::ui::{Card, Cell, Column, Empty, SkeletonRows, Table, grouped};
use crate::wire::Answer;

/// The numbers a campaign answers.
#[server(protocol = crate::wire::Wire)]
pub async fn campaign_numbers(id: CampaignId) -> Result<Vec<NumberRow>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let numbers = services::numbers::answered_by(&mut tx, id).await?;
    tx.commit().await?;
    Ok(numbers)
}

/// The numbers tab, also the first thing on the overview.
#[component]
pub fn NumbersTab(id: CampaignId) -> impl IntoView {
    let (calls, campaigns) = (use_topic(Topic::Calls), use_topic(Topic::Campaigns));
    let numbers = Answer::new(move || calls.get() + campaigns.get(), move || CampaignNumbers { id });
    view! {
        <div class="flex flex-col gap-6">
            <Card title="Numbers" scope="Answered by this campaign" flush=true>
                <Loaded
                    resource=numbers
                    what="the numbers"
                    waiting=|| view! { <Table caption="Numbers" columns=columns()><SkeletonRows columns=3/></Table> }
                    view=|numbers| (move || rows(numbers.get())).into_any()
                />
            </Card>
            <section aria-labelledby="live-calls">
                <h2 id="live-calls" class="mb-3 text-base font-semibold">"On the line now"</h2>
                <LiveCallsOf campaign=id/>
            </section>
        </div>
    }
}

fn columns() -> Vec<Column> {
    vec![Column::new("Number"), Column::new("Gateway"), Column::new("Calls now").number()]
}

fn rows(numbers: Vec<NumberRow>) -> AnyView {
    if numbers.is_empty() {
        return view! { <Empty icon=icondata::LuPhoneIncoming title="It answers no number" text="A campaign answers its numbers from its launch until it is over."/> };
    }
    let lines = numbers
        .into_iter()
        .map(|row| {
            view! {
                <tr>
                    <td class="lead"><span class="font-medium tabular-nums">{phone(&row.phone)}</span><span class="sub">{row.label}</span></td>
                    <Cell label="Gateway">{row.gateway_name}</Cell>
                    <Cell label="Calls now" number=true>{format!("{} of {}", row.in_use, grouped(row.concurrency_max.into()))}</Cell>
                </tr>
            }
        })
        .collect_view();
    view! { <Table caption="Numbers" columns=columns()>{lines}</Table> }
}
