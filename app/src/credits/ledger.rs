//! The ledger: every movement of credits with the balance after it, newest first.

use icondata as i;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::Error;
use model::credits::{Account, LedgerFilter, MovementKind, MovementRow};
use model::events::Topic;
use model::page::{Page, Paging};

use super::verify::{Verdict, VerdictNote, VerifyButton};
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, When, lines, link, paging, word};
use crate::ui::{
    Badge, Card, Cell, Chip, Column, Empty, FilterBar, FilterSelect, LinkButton, Opt, Pager, SkeletonRows, Table, Tone, Variant,
};
use crate::wire::Answer;

/// One page of the ledger.
#[server(protocol = crate::wire::Wire)]
pub async fn list_movements(filter: LedgerFilter) -> Result<Page<MovementRow>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let page = services::credits::ledger(&mut tx, &filter).await?;
    tx.commit().await?;
    Ok(page)
}

fn read(query: &ParamsMap) -> LedgerFilter {
    LedgerFilter { kind: word(query, "kind"), campaign: word(query, "campaign"), paging: paging(query) }
}

fn href(filter: &LedgerFilter) -> String {
    let campaign = filter.campaign.map(|id| id.to_string()).unwrap_or_default();
    let page = if filter.paging.page > 1 { filter.paging.page.to_string() } else { String::new() };
    link("/billing", &[("kind", filter.kind.map_or("", MovementKind::as_str)), ("campaign", &campaign), ("page", &page)])
}

/// What a movement does to `available`: adds, takes, or nothing.
fn direction(kind: MovementKind) -> i8 {
    match kind.path() {
        (_, Account::Available) => 1,
        (Account::Available, _) => -1,
        _ => 0,
    }
}

fn tone(kind: MovementKind) -> Tone {
    match kind {
        MovementKind::Purchase | MovementKind::Grant | MovementKind::AdjustUp | MovementKind::TransferIn => Tone::Success,
        MovementKind::Refund | MovementKind::AdjustDown | MovementKind::TransferOut => Tone::Warning,
        MovementKind::Capture => Tone::Primary,
        MovementKind::Reserve | MovementKind::Unreserve => Tone::Info,
        MovementKind::Hold | MovementKind::Release | MovementKind::HoldDirect | MovementKind::ReleaseDirect => Tone::Neutral,
    }
}

/// The movements, filtered by kind, in a card.
#[component]
pub(super) fn Ledger() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(read));
    let tick = use_topic(Topic::Credits);
    let verdict: Verdict = RwSignal::new(None);
    let page = Answer::new(move || tick.get(), move || ListMovements { filter: filter.get() });
    view! {
        <Card title="Ledger" flush=true actions=move || view! { <VerifyButton verdict=verdict/> }>
            <VerdictNote verdict=verdict/>
            <div class="px-5 pb-1">{move || filter.with(bar)}</div>
            <Loaded
                resource=page
                what="the ledger"
                waiting=move || view! { <Table caption="Movements of credits" columns=columns()><SkeletonRows columns=6/></Table> }
                view=move |page| listing(page, filter)
            />
        </Card>
    }
}

fn bar(filter: &LedgerFilter) -> impl IntoView + use<> {
    let any = std::iter::once(Opt::new("", "Any"));
    let options = any.chain(MovementKind::ALL.iter().map(|kind| Opt::new(kind.as_str(), kind.label()))).collect::<Vec<_>>();
    let kind = filter.kind.map_or("", MovementKind::as_str);
    let clear = if filter.kind.is_some() || filter.campaign.is_some() { "/billing" } else { "" };
    let campaign = filter.campaign.map(|id| {
        let without = href(&LedgerFilter { campaign: None, paging: Paging::default(), ..filter.clone() });
        view! {
            <input type="hidden" name="campaign" value=id.to_string()/>
            <Chip label="Campaign" value="one" remove_href=without/>
        }
    });
    view! {
        <FilterBar action="/billing" label="Filter the ledger" clear_href=clear>
            <FilterSelect label="Kind" name="kind" value=kind options=options/>
            {campaign}
        </FilterBar>
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("When"),
        Column::new("Movement"),
        Column::new("For"),
        Column::new("From → to"),
        Column::new("Amount").number(),
        Column::new("Available").number(),
    ]
}

fn listing(page: Signal<Page<MovementRow>>, filter: Memo<LedgerFilter>) -> AnyView {
    let empty = Memo::new(move |_| page.with(|page| page.items.is_empty()));
    let pager = Memo::new(move |_| page.with(|page| (page.paging.page, page.paging.per_page, page.total)));
    let rows = move || {
        view! {
            <Table caption="Movements of credits" columns=columns()>
                {lines(page, |row| row.id.uuid(), line)}
            </Table>
            {move || {
                let (page, per_page, total) = pager.get();
                let to = move |page| filter.with_untracked(|f| href(&LedgerFilter { paging: Paging { page, ..f.paging }, ..f.clone() }));
                view! { <Pager page=page per_page=per_page total=total href=Callback::new(to)/> }
            }}
        }
    };
    let nothing = move || {
        let filtered = filter.with(|filter| filter.kind.is_some() || filter.campaign.is_some());
        view! {
            <Empty icon=i::LuWallet title="No movements" text="Grants, reservations and what calls cost are listed here.">
                {filtered.then(|| view! { <LinkButton href="/billing" variant=Variant::Outline>"Show all movements"</LinkButton> })}
            </Empty>
        }
    };
    view! { {move || if empty.get() { nothing() } else { rows().into_any() }} }
}

fn line(row: MovementRow) -> AnyView {
    let (from, to) = row.kind.path();
    let amount = match direction(row.kind) {
        1 => view! { <span class="tone-text tone-success font-medium">"+" {row.amount.to_string()}</span> },
        -1 => view! { <span class="font-medium">"−" {row.amount.to_string()}</span> },
        _ => view! { <span class="text-muted-foreground">{row.amount.to_string()}</span> },
    };
    let campaign = row.campaign.map(|(id, name)| view! { <a class="hover:underline" href=format!("/campaigns/{id}")>{name}</a> });
    let call = row.call.map(|id| view! { <a class="hover:underline" href=format!("/calls/{id}")>"Call"</a> });
    let between = (campaign.is_some() && call.is_some()).then_some(" · ");
    let note = (!row.note.is_empty()).then(|| {
        let dot = if campaign.is_some() || call.is_some() { " · " } else { "" };
        view! { <span class="text-muted-foreground">{dot} {row.note.clone()}</span> }
    });
    view! {
        <tr>
            <Cell label="When" muted=true class="whitespace-nowrap">
                <When moment=row.at/>
            </Cell>
            <Cell label="Movement"><Badge label=row.kind.label() tone=tone(row.kind)/></Cell>
            <Cell label="For">{call} {between} {campaign} {note}</Cell>
            <Cell label="From → to" muted=true class="whitespace-nowrap">{from.label()} " → " {to.label()}</Cell>
            <Cell label="Amount" number=true>{amount}</Cell>
            <Cell label="Available" number=true muted=true>{row.balance.to_string()}</Cell>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_movement_adds_to_what_is_available_takes_from_it_or_passes_it_by() {
        assert_eq!(direction(MovementKind::Grant), 1);
        assert_eq!(direction(MovementKind::Reserve), -1);
        assert_eq!(direction(MovementKind::Hold), 0);
        assert_eq!(direction(MovementKind::Capture), 0);
    }
}
