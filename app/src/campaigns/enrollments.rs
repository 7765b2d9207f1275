//! The people of one campaign, each with the stored answer to "why was this person called, or not?".

use leptos_router::hooks::use_query_map;
use model::Error;
use model::campaigns::Campaign;
use model::enrollments::{EnrollmentFilter, EnrollmentRow, EnrollmentStatus};
use model::events::Topic;
use model::id::{CampaignId, EnrollmentId};
use model::page::Page;

use super::enrollment_tone;
use super::why::WhyDrawer;
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, When, link, live_lines, paging, phone, word};
use crate::ui::{Badge, Card, Cell, Column, Empty, Pager, Segment, Segmented, SkeletonRows, Table};
use crate::wire::Answer;

/// One page of a campaign's people.
#[server(protocol = crate::wire::Wire)]
pub async fn list_enrollments(filter: EnrollmentFilter) -> Result<Page<EnrollmentRow>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let page = services::enrollments::list(&mut tx, &filter).await?;
    tx.commit().await?;
    Ok(page)
}

fn href(filter: &EnrollmentFilter) -> String {
    let page = filter.paging.page;
    link(
        &format!("/campaigns/{}", filter.campaign),
        &[
            ("tab", "enrollments"),
            ("status", filter.status.map_or("", EnrollmentStatus::as_str)),
            ("page", &if page > 1 { page.to_string() } else { String::new() }),
        ],
    )
}

/// The enrollments tab.
#[component]
pub fn EnrollmentsTab(id: CampaignId, campaign: Signal<Campaign>) -> AnyView {
    let query = use_query_map();
    let filter = Memo::new(move |_| {
        query.with(|query| EnrollmentFilter { campaign: id, status: word(query, "status"), paging: paging(query) })
    });
    let (calls, campaigns) = (use_topic(Topic::Calls), use_topic(Topic::Campaigns));
    let page = Answer::new(move || calls.get() + campaigns.get(), move || ListEnrollments { filter: filter.get() });
    let attempts_max = Memo::new(move |_| campaign.with(|c| c.form.retries.attempts_max));
    let asked = RwSignal::new(None::<EnrollmentId>);
    view! {
        <WhyDrawer asked=asked/>
        {move || filter.with(bar)}
        <Card flush=true>
            <Loaded
                resource=page
                what="the enrollments"
                waiting=|| view! { <Table caption="Enrollments" columns=columns()><SkeletonRows columns=6/></Table> }
                view=move |page| listing(page, filter, attempts_max, asked)
            />
        </Card>
    }
}

/// States as links: there is nothing to type here.
fn bar(filter: &EnrollmentFilter) -> impl IntoView + use<> {
    let to = |status: Option<EnrollmentStatus>| href(&EnrollmentFilter { status, paging: Default::default(), ..filter.clone() });
    let one = |status: EnrollmentStatus| Segment::new(status.label(), to(Some(status)), filter.status == Some(status));
    let all = Segment::new("All", to(None), filter.status.is_none());
    let items = std::iter::once(all).chain(EnrollmentStatus::ALL.iter().copied().map(one)).collect();
    view! { <div class="mb-4"><Segmented label="State" items=items/></div> }
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("Contact"),
        Column::new("State"),
        Column::new("Attempts").number(),
        Column::new("Why"),
        Column::new("Next attempt").number(),
        Column::new("Last call").number(),
    ]
}

fn listing(
    page: Signal<Page<EnrollmentRow>>,
    filter: Memo<EnrollmentFilter>,
    attempts_max: Memo<i32>,
    asked: RwSignal<Option<EnrollmentId>>,
) -> AnyView {
    let empty = Memo::new(move |_| page.with(|page| page.items.is_empty()));
    let pager = Memo::new(move |_| page.with(|page| (page.paging, page.total)));
    let nothing = move || {
        let (title, text) = if filter.with(|f| f.status.is_some()) {
            ("Nobody is in this state", "Choose another state above.")
        } else {
            ("Nobody is enrolled yet", "The audience is enrolled when the campaign is launched.")
        };
        view! { <Empty icon=icondata::LuUsers title=title text=text/> }
    };
    let rows = move || {
        view! {
            <Table caption="Enrollments" columns=columns()>
                {live_lines(page, |row| row.id.uuid(), move |row| view! { {move || line(row.get(), attempts_max.get(), asked)} })}
            </Table>
            {move || {
                let (paging, total) = pager.get();
                let to = Callback::new(move |page| filter.with_untracked(|f| href(&EnrollmentFilter { paging: model::page::Paging { page, ..f.paging }, ..f.clone() })));
                view! { <Pager page=paging.page per_page=paging.per_page total=total href=to/> }
            }}
        }
    };
    view! { {move || if empty.get() { nothing() } else { rows() }} }
}

fn line(row: EnrollmentRow, attempts_max: i32, asked: RwSignal<Option<EnrollmentId>>) -> impl IntoView {
    let why = match (row.reason, row.reason_detail.is_empty()) {
        (Some(reason), false) => view! { {reason.label()} <span class="sub">{row.reason_detail.clone()}</span> },
        (Some(reason), true) => reason.label().into_any(),
        (None, false) => row.reason_detail.clone().into_any(),
        (None, true) => ().into_any(),
    };
    // For whom nothing more happens there is nothing to ask.
    let explain = (!row.status.is_final()).then(|| {
        view! { <button type="button" class="link" on:click=move |_| asked.set(Some(row.id))>"Explain"<span class="sr-only">" " {row.name.clone()}</span></button> }
    });
    let next = match (row.status, row.next_attempt_at) {
        (EnrollmentStatus::Calling, _) => "Now".into_any(),
        (status, Some(at)) if !status.is_final() => view! { <When moment=at/> },
        _ => view! { <span class="text-muted-foreground">"–"</span> },
    };
    let last = match row.last_call {
        Some(call) => {
            view! { <a class="link" href=format!("/calls/{call}")>"Open"<span class="sr-only">" the last call of " {row.name.clone()}</span></a> }
        }
        None => view! { <span class="text-muted-foreground">"–"</span> },
    };
    view! {
        <tr>
            <td class="lead">
                <a class="font-medium hover:underline" href=format!("/contacts/{}", row.contact)>{row.name.clone()}</a>
                <span class="sub tabular-nums">{phone(&row.phone)}</span>
            </td>
            <Cell label="State"><Badge label=row.status.label() tone=enrollment_tone(row.status)/></Cell>
            <Cell label="Attempts" number=true muted=true>{format!("{} of {attempts_max}", row.attempts)}</Cell>
            <Cell label="Why" class="wrap max-w-md">
                {why} " " {explain}
            </Cell>
            <Cell label="Next attempt" number=true muted=true>{next}</Cell>
            <Cell label="Last call" number=true>{last}</Cell>
        </tr>
    }
}
