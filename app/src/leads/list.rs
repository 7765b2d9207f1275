//! The leads as a list and as a board, narrowed by a plain form.

use icondata as i;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::Error;
use model::accounts::Permission;
use model::id::{LeadId, UserId};
use model::leads::{BoardColumn, Due, LeadFilter, LeadRow, LeadStatus};
use model::page::Page;

use super::{LIST, ONE, tone};
use crate::form::{FormProblem, hidden};
use crate::plain::{PlainPage, answered};
use crate::prelude::*;
use crate::screen::{count, link, may, paging, phone, text, word};
use crate::ui::{
    Badge, Button, Card, Cell, Column, Empty, Field, Input, LeadCell, LinkButton, Opt, Pager, Segment, Segmented, Select, Size,
    Table, Tone, Variant,
};
use crate::wire::{Answer, Change, ChangeForm};

const TITLE: &str = "Leads";
const ABOUT: &str = "Who may become a customer, how likely, and what comes next.";
/// What `view` says for the board.
const BOARD: &str = "board";

/// Who may look after leads.
type Owners = Vec<(UserId, String)>;

/// One page of leads, and who may look after them.
#[server(protocol = crate::wire::Wire)]
pub async fn list_leads(filter: LeadFilter) -> Result<(Page<LeadRow>, Owners), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let page = services::leads::list(&mut tx, &filter).await?;
    tx.commit().await?;
    Ok((page, services::leads::owners(&db()?, &caller()?.actor).await?))
}

/// The board, and who may look after leads.
#[server(protocol = crate::wire::Wire)]
pub async fn lead_board(filter: LeadFilter) -> Result<(Vec<BoardColumn>, Owners), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let columns = services::leads::board(&mut tx, &filter).await?;
    tx.commit().await?;
    Ok((columns, services::leads::owners(&db()?, &caller()?.actor).await?))
}

/// Puts a lead into another column of the board.
#[server(protocol = crate::wire::Wire)]
pub async fn move_lead(id: LeadId, status: LeadStatus) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::leads::move_to(&mut tx, id, status).await?;
    tx.commit().await?;
    redirect(&link(LIST, &[("view", BOARD)]));
    Ok(())
}

fn filter_of(query: &ParamsMap) -> LeadFilter {
    LeadFilter {
        search: text(query, "q"),
        status: word(query, "status"),
        owner: word(query, "owner"),
        score_min: text(query, "min"),
        score_max: text(query, "max"),
        due: word(query, "due"),
        paging: paging(query),
    }
}

fn href(f: &LeadFilter, view: &str, page: u32) -> String {
    let (owner, page) = (f.owner.map(|id| id.to_string()), if page > 1 { page.to_string() } else { String::new() });
    let pairs = [
        ("view", view),
        ("q", f.search.as_str()),
        ("status", f.status.map_or("", LeadStatus::as_str)),
        ("owner", owner.as_deref().unwrap_or_default()),
        ("min", &f.score_min),
        ("max", &f.score_max),
        ("due", f.due.map_or("", Due::as_str)),
        ("page", &page),
    ];
    link(LIST, &pairs)
}

/// `/leads?view=…&q=…&status=…&owner=…&min=…&max=…&due=…`
#[component]
pub fn LeadsPage() -> impl IntoView {
    let query = use_query_map();
    let filter = query.with_untracked(filter_of);
    let asked = filter.clone();
    if query.with_untracked(|query| text(query, "view")) == BOARD {
        let answer = Answer::blocking(move || LeadBoard { filter: asked.clone() });
        let change = Change::new::<MoveLead>();
        answered(answer, TITLE, Vec::new(), move |(columns, owners)| frame(&filter, BOARD, owners, board(columns, change)))
    } else {
        let answer = Answer::blocking(move || ListLeads { filter: asked.clone() });
        answered(answer, TITLE, Vec::new(), move |(page, owners)| frame(&filter, "", owners, listing(page, filter.clone())))
    }
}

fn frame(filter: &LeadFilter, view: &'static str, owners: Owners, body: AnyView) -> AnyView {
    let manage = may(Permission::ManageContacts).get_untracked();
    let (list, board) = (href(filter, "", 1), href(filter, BOARD, 1));
    let actions = move || {
        let views =
            vec![Segment::new("List", list.clone(), view.is_empty()), Segment::new("Board", board.clone(), view == BOARD)];
        view! {
            <Segmented label="View" items=views/>
            {manage.then(|| view! { <LinkButton href=ONE icon=i::LuPlus>"New lead"</LinkButton> })}
        }
    };
    let narrow = narrow(filter, view, owners);
    view! {
        <PlainPage wide=true title=TITLE description=ABOUT actions=actions>
            {narrow}
            {body}
        </PlainPage>
    }
}

fn narrow(filter: &LeadFilter, view: &'static str, owners: Owners) -> AnyView {
    let any = |label: &str| std::iter::once(Opt::new("", label));
    let statuses: Vec<_> = any("Any").chain(LeadStatus::ALL.iter().map(|s| Opt::new(s.as_str(), s.label()))).collect();
    let owners: Vec<_> = any("Anybody").chain(owners.into_iter().map(|(id, name)| Opt::new(id.to_string(), name))).collect();
    let dues: Vec<_> = any("Any day").chain(Due::ALL.iter().map(|d| Opt::new(d.as_str(), d.label()))).collect();
    let clear = (!filter.is_empty())
        .then(|| view! { <LinkButton href=link(LIST, &[("view", view)]) variant=Variant::Ghost>"Clear"</LinkButton> });
    let (status, due) = (filter.status.map_or("", LeadStatus::as_str), filter.due.map_or("", Due::as_str));
    let owner = filter.owner.map(|id| id.to_string()).unwrap_or_default();
    let LeadFilter { search, score_min, score_max, .. } = filter.clone();
    view! {
        <search aria-label="Filter leads">
            <form method="get" action=LIST class="grid grid-cols-2 items-end gap-3 sm:flex sm:flex-wrap">
                {(!view.is_empty()).then(|| hidden("view", view))}
                <Field label="Person" name="q">
                    <Input kind="search" value=search placeholder="Name or +1415" autocomplete="off"/>
                </Field>
                <Field label="Status" name="status"><Select options=statuses value=status/></Field>
                <Field label="Owner" name="owner"><Select options=owners value=owner/></Field>
                <Field label="Follow up" name="due"><Select options=dues value=due/></Field>
                <Field label="Score from" name="min" class="sm:w-24"><Input kind="number" min="0" max="100" value=score_min/></Field>
                <Field label="Score to" name="max" class="sm:w-24"><Input kind="number" min="0" max="100" value=score_max/></Field>
                <div class="flex gap-2"><Button submit=true variant=Variant::Outline>"Show"</Button>{clear}</div>
            </form>
        </search>
    }
}

fn nothing(filter: &LeadFilter) -> AnyView {
    let empty = match filter.is_empty() {
        true => view! {
            <Empty icon=i::LuInbox title="No leads yet" text="A call in which somebody shows interest makes one. You can also enter them, or push them by the REST API."/>
        },
        false => view! {
            <Empty icon=i::LuSearchX title="No lead matches" text="People are looked for by how their name or number begins.">
                <LinkButton href=LIST variant=Variant::Outline>"Show all leads"</LinkButton>
            </Empty>
        },
    };
    view! { <Card>{empty}</Card> }
}

fn listing(page: Page<LeadRow>, filter: LeadFilter) -> AnyView {
    if page.total == 0 {
        return nothing(&filter);
    }
    let columns = vec![
        Column::new("Person"),
        Column::new("Status"),
        Column::new("Score").number(),
        Column::new("Owner"),
        Column::new("Next"),
        Column::new("Follow up").number(),
    ];
    let (here, per_page, total) = (page.paging.page, page.paging.per_page, page.total);
    let lines = page.items.into_iter().map(line).collect_view();
    view! {
        <Card flush=true>
            <Table caption="Leads" columns=columns>{lines}</Table>
            <Pager page=here per_page=per_page total=total href=move |n| href(&filter, "", n)/>
        </Card>
    }
}

fn line(row: LeadRow) -> AnyView {
    let day = follow_up(&row);
    let owner = row.owner.map_or_else(|| "Nobody".to_owned(), |(_, name)| name);
    view! {
        <tr>
            <LeadCell title=row.name href=link(ONE, &[("id", &row.id.to_string())]) sub=phone(&row.phone)/>
            <Cell label="Status"><Badge label=row.status.label() tone=tone(row.status)/></Cell>
            <Cell label="Score" number=true>{row.score}</Cell>
            <Cell label="Owner" muted=true>{owner}</Cell>
            <Cell label="Next"><span class="wrap-anywhere">{row.next_action}</span></Cell>
            <Cell label="Follow up" number=true>{day}</Cell>
        </tr>
    }
}

/// The day, and whether it has come.
fn follow_up(row: &LeadRow) -> Option<AnyView> {
    let day = row.follow_up_on?.to_string();
    Some(match row.is_due {
        true => view! { <Badge label=format!("Due {day}") tone=Tone::Warning/> },
        false => view! { <span class="text-muted-foreground tabular-nums">{day}</span> },
    })
}

fn board(columns: Vec<BoardColumn>, change: Change) -> AnyView {
    let manage = may(Permission::ManageContacts).get_untracked();
    let columns = columns
        .into_iter()
        .map(|column| {
            let (status, shown) = (column.status, column.rows.len());
            let more = (column.count > i64::try_from(shown).unwrap_or(i64::MAX)).then(|| {
                let all = link(LIST, &[("status", status.as_str())]);
                view! { <p class="px-4 py-3 text-sm"><a class="link" href=all>{format!("All {}", column.count)}</a></p> }
            });
            let none = (shown == 0).then(|| view! { <p class="px-4 py-3 text-sm text-muted-foreground">"None"</p> });
            let cards = column.rows.into_iter().map(|row| card(row, manage, change)).collect_view();
            view! {
                <Card flush=true title=status.label() scope=count(column.count, "lead", "leads")>
                    <ul class="divide-y border-t">{cards}</ul>
                    {none}
                    {more}
                </Card>
            }
        })
        .collect_view();
    view! {
        <FormProblem error=change.error() fields=&[]/>
        <div class="grid items-start gap-4 sm:grid-cols-2 xl:grid-cols-3">{columns}</div>
    }
}

fn card(row: LeadRow, manage: bool, change: Change) -> AnyView {
    let (id, status, name) = (row.id, row.status, row.name.clone());
    let others = LeadStatus::ALL.iter().filter(|other| **other != status);
    let others: Vec<_> = others.map(|other| Opt::new(other.as_str(), other.label())).collect();
    let next = (!row.next_action.is_empty()).then(|| view! { <p class="text-sm wrap-anywhere">{row.next_action.clone()}</p> });
    let owner = row.owner.as_ref().map(|(_, name)| view! { <span class="text-sm text-muted-foreground">{name.clone()}</span> });
    let label = format!("Move {name} to");
    let step = manage.then(|| {
        view! {
            <ChangeForm change=change attr:class="mt-2 flex gap-2">
                {hidden("id", id)}
                <Select options=others name="status" size=Size::Small label=label/>
                <Button submit=true size=Size::Small variant=Variant::Outline>"Move"</Button>
            </ChangeForm>
        }
    });
    view! {
        <li class="px-4 py-3">
            <div class="flex items-baseline justify-between gap-3">
                <a class="font-medium wrap-anywhere hover:underline" href=link(ONE, &[("id", &id.to_string())])>{name}</a>
                <span class="text-sm tabular-nums" title="Score">{row.score}</span>
            </div>
            {next}
            <p class="flex flex-wrap items-center gap-x-3">{owner} {follow_up(&row)}</p>
            {step}
        </li>
    }
}
