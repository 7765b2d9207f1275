//! The list of imports, newest first; running ones move in place.

use icondata as i;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::Error;
use model::accounts::Permission;
use model::events::Topic;
use model::imports::{Counts, Import, ImportFilter, ImportStatus};
use model::page::{Page, Paging};

use super::{tone, upload::ImportDialog};
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, When, link, live_lines, may, paging, word};
use crate::ui::{
    Badge, Button, Card, Cell, Column, Empty, FilterBar, FilterSelect, LinkButton, Opt, PageHeader, Pager, SkeletonRows, Table,
    Variant, file_size, grouped,
};
use crate::wire::Answer;

/// One page of imports.
#[server(protocol = crate::wire::Wire)]
pub async fn list_imports(filter: ImportFilter) -> Result<Page<Import>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let page = services::imports::list(&mut tx, &filter).await?;
    tx.commit().await?;
    Ok(page)
}

fn read(query: &ParamsMap) -> ImportFilter {
    ImportFilter { status: word(query, "status"), paging: paging(query) }
}

fn href(filter: &ImportFilter) -> String {
    let page = if filter.paging.page > 1 { filter.paging.page.to_string() } else { String::new() };
    link("/imports", &[("status", filter.status.map_or("", ImportStatus::as_str)), ("page", &page)])
}

/// `/imports`
#[component]
pub fn ImportsPage() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(read));
    let tick = use_topic(Topic::Imports);
    let page = Answer::new(move || tick.get(), move || ListImports { filter: filter.get() });
    let import = may(Permission::ImportContacts);
    let open = RwSignal::new(false);
    view! {
        <Title text="Imports"/>
        <PageHeader title="Imports" description="What came from your files: checked first, nothing overwritten, and undone when it was wrong.">
            {move || import.get().then(|| view! {
                <LinkButton href="/imports/new" variant=Variant::Outline external=true>"Other data"</LinkButton>
                <Button icon=i::LuUpload on:click=move |_| open.set(true)>"Import contacts"</Button>
            })}
        </PageHeader>
        {move || filter.with(bar)}
        <Card flush=true>
            <Loaded
                resource=page
                what="the imports"
                waiting=move || view! { <Table caption="Imports" columns=columns()><SkeletonRows columns=7/></Table> }
                view=move |page| listing(page, filter)
            />
        </Card>
        <ImportDialog open=open/>
    }
}

fn bar(filter: &ImportFilter) -> impl IntoView + use<> {
    let any = std::iter::once(Opt::new("", "Any"));
    let options = any.chain(ImportStatus::ALL.iter().map(|status| Opt::new(status.as_str(), status.label()))).collect::<Vec<_>>();
    let status = filter.status.map_or("", ImportStatus::as_str);
    let clear = if filter.status.is_some() { "/imports" } else { "" };
    view! {
        <FilterBar action="/imports" label="Filter imports" clear_href=clear>
            <FilterSelect label="Status" name="status" value=status options=options/>
        </FilterBar>
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("File"),
        Column::new("Status"),
        Column::new("Rows").number(),
        Column::new("Created").number(),
        Column::new("Merged").number(),
        Column::new("Problems").number(),
        Column::new("Started").number(),
    ]
}

fn listing(page: Signal<Page<Import>>, filter: Memo<ImportFilter>) -> AnyView {
    let empty = Memo::new(move |_| page.with(|page| page.items.is_empty()));
    let pager = Memo::new(move |_| page.with(|page| (page.paging.page, page.paging.per_page, page.total)));
    let rows = move || {
        view! {
            <Table caption="Imports" columns=columns()>
                {live_lines(page, |row| row.id.uuid(), move |row| view! { <ImportLine row=row/> })}
            </Table>
            {move || {
                let (page, per_page, total) = pager.get();
                let to = move |page| filter.with_untracked(|f| href(&ImportFilter { paging: Paging { page, ..f.paging }, ..f.clone() }));
                view! { <Pager page=page per_page=per_page total=total href=Callback::new(to)/> }
            }}
        }
    };
    let nothing = move || match filter.with(|filter| filter.status.is_none()) {
        true => view! {
            <Empty icon=i::LuFileUp title="No imports yet" text="A file with names and phone numbers is enough to start.">
                <LinkButton href="/imports/new" icon=i::LuUpload external=true>"Import contacts"</LinkButton>
            </Empty>
        },
        false => view! {
            <Empty icon=i::LuSearchX title="No import matches" text="Try another status.">
                <LinkButton href="/imports" variant=Variant::Outline>"Show all imports"</LinkButton>
            </Empty>
        },
    };
    view! { {move || if empty.get() { nothing() } else { rows().into_any() }} }
}

/// The counts that say most: of the run once there is one, of the dry run before.
fn counts(row: &Import) -> Counts {
    if row.done.rows > 0 { row.done } else { row.checked }
}

#[component]
fn ImportLine(row: Memo<Import>) -> impl IntoView {
    let (id, name) = row.with_untracked(|row| (row.id, row.file_name.clone()));
    let size = row.with_untracked(|row| format!("{}, {}", row.kind.label(), file_size(row.file_bytes as f64)));
    let status = Memo::new(move |_| row.with(|row| row.status));
    let figure = move |read: fn(&Counts) -> i64| {
        move || row.with(|row| if row.status == ImportStatus::Pending { "–".to_owned() } else { grouped(read(&counts(row))) })
    };
    let label = move || match status.get() {
        now @ (ImportStatus::Validating | ImportStatus::Running) => format!("{} {}%", now.label(), row.with(Import::percent)),
        now => now.label().to_owned(),
    };
    view! {
        <tr>
            <td class="lead">
                <a class="font-medium hover:underline" rel="external" href=format!("/imports/{id}")>{name}</a>
                <span class="sub">{move || row.with(|row| if row.segment.is_empty() { size.clone() } else { format!("{size} · {}", row.segment) })}</span>
            </td>
            <Cell label="Status"><Badge label=Signal::derive(label) tone=Signal::derive(move || tone(status.get()))/></Cell>
            <Cell label="Rows" number=true>{figure(|c| c.rows)}</Cell>
            <Cell label="Created" number=true>{figure(|c| c.created)}</Cell>
            <Cell label="Merged" number=true>{figure(|c| c.merged)}</Cell>
            <Cell label="Problems" number=true>{figure(|c| c.invalid)}</Cell>
            <Cell label="Started" number=true muted=true><When moment=row.with_untracked(|row| row.created_at)/></Cell>
        </tr>
    }
}
