//! The rows that could not be read, with their line in the file and what is wrong.

use leptos_router::hooks::use_query_map;
use model::Error;
use model::id::ImportId;
use model::imports::{ImportKind, PROBLEMS_MAX, Problem};
use model::page::{Page, Paging};

use crate::prelude::*;
use crate::screen::{Loaded, link, paging};
use crate::ui::{Card, Cell, Column, LinkButton, Pager, Size, Table, Variant, grouped};
use crate::wire::Answer;

/// One page of an import's problems.
#[server(protocol = crate::wire::Wire)]
pub async fn list_problems(id: ImportId, paging: Paging) -> Result<Page<Problem>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let page = services::imports::problems(&mut tx, id, paging).await?;
    tx.commit().await?;
    Ok(page)
}

/// The problems of the page that the query asks for.
pub(super) fn problems_of(id: ImportId) -> Answer<Page<Problem>> {
    let asked = use_query_map().with_untracked(paging);
    Answer::new(|| 0, move || ListProblems { id, paging: asked })
}

/// The problems in a card, with all of them as a file; nothing when there are none.
#[component]
pub(super) fn Problems(page: Answer<Page<Problem>>, id: ImportId, kind: ImportKind, total: i64) -> impl IntoView {
    let kept = if total > PROBLEMS_MAX { format!(" The first {} are kept.", grouped(PROBLEMS_MAX)) } else { String::new() };
    let scope = format!("Mend them in the file and import it again: what is in already is not changed twice.{kept}");
    let view = move |page: Signal<Page<Problem>>| listing(&page.get_untracked(), id, kind);
    (total > 0).then(|| {
        view! {
            <Card title="Problem rows" scope=scope flush=true>
                <div class="px-5 pb-4">
                    <LinkButton
                        href=format!("/imports/{id}/refused")
                        variant=Variant::Outline
                        size=Size::Small
                        icon=icondata::LuDownload
                        external=true
                    >
                        "Download refused rows"
                    </LinkButton>
                </div>
                <Loaded
                    resource=page
                    what="the problems"
                    waiting=|| ()
                    view=view
                />
            </Card>
        }
    })
}

fn columns() -> Vec<Column> {
    vec![Column::new("Line").number().class("w-20"), Column::new("Column"), Column::new("Value"), Column::new("What is wrong")]
}

fn listing(page: &Page<Problem>, id: ImportId, kind: ImportKind) -> AnyView {
    let rows = page.items.iter().cloned().map(|problem| line(problem, kind)).collect_view();
    let (now, per_page, total) = (page.paging.page, page.paging.per_page, page.total);
    let to = move |n: u32| link(&format!("/imports/{id}"), &[("page", &n.to_string())]);
    view! {
        <Table caption="Rows with problems" columns=columns()>{rows}</Table>
        <Pager page=now per_page=per_page total=total href=Callback::new(to)/>
    }
}

fn line(problem: Problem, kind: ImportKind) -> impl IntoView {
    let label = kind
        .fields()
        .iter()
        .find(|field| field.name == problem.field)
        .map_or(problem.field.clone(), |field| field.label.to_owned());
    let value = match problem.value.is_empty() {
        true => view! { <span class="text-muted-foreground">"empty"</span> },
        false => view! {
            <code class="rounded bg-destructive/10 px-1.5 py-0.5 font-mono text-xs break-all text-destructive">{problem.value}</code>
        },
    };
    view! {
        <tr>
            <Cell label="Line" number=true muted=true>{grouped(problem.line)}</Cell>
            <Cell label="Column">{label}</Cell>
            <Cell label="Value">{value}</Cell>
            <Cell label="What is wrong">{problem.why}</Cell>
        </tr>
    }
}
