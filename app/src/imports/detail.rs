//! One import, from its columns to its last row: columns → check → run → done → undone. The server says where it is; this page shows
//! that stage and asks for the next one. A plain page: while rows are read it renews itself.

use icondata as i;
use leptos_meta::{Meta, Title};
use leptos_router::hooks::use_query_map;
use model::Error;
use model::accounts::Permission;
use model::id::ImportId;
use model::imports::{Counts, Import, ImportKind, ImportStatus, Problem};
use model::page::Page;

use super::mapper::Mapper;
use super::problems::{Problems, problems_of};
use super::progress::{Moving, Stopping};
use super::undo::{Undo, was_undone};
use super::{figures, tone};
use crate::contacts::list::ListSegments;
use crate::form::FormProblem;
use crate::prelude::*;
use crate::screen::{Loaded, by_id, count, link, may};
use crate::ui::{Badge, Button, Card, Crumb, LinkButton, Note, PageHeader, Stepper, Tone, Variant, file_size, grouped};
use crate::wire::{Answer, Change, ChangeForm};

/// Seconds after which a moving import is looked at again.
const PULSE: u32 = 2;

/// One import.
#[server(protocol = crate::wire::Wire)]
pub async fn load_import(id: ImportId) -> Result<Import, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let import = services::imports::load(&mut tx, id).await?;
    tx.commit().await?;
    Ok(import)
}

/// Stores what the dry run showed.
#[server(protocol = crate::wire::Wire)]
pub async fn run_import(id: ImportId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::imports::run(&mut tx, id).await?;
    tx.commit().await?;
    redirect(&format!("/imports/{id}"));
    Ok(())
}

/// What the page shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Columns,
    Moving,
    Checked,
    Over,
    /// Asking whether to undo it.
    Undo,
}

impl Stage {
    /// A checked file can go back to its columns (`?step=columns`), and one that is in can be undone (`?step=undo`).
    fn of(import: &Import, step: &str) -> Self {
        match import.status {
            ImportStatus::Pending => Self::Columns,
            ImportStatus::Checked if step == "columns" => Self::Columns,
            ImportStatus::Checked => Self::Checked,
            ImportStatus::Validating | ImportStatus::Running | ImportStatus::Undoing => Self::Moving,
            _ if step == "undo" && import.can_undo() => Self::Undo,
            _ => Self::Over,
        }
    }
}

fn step(status: ImportStatus, stage: Stage) -> usize {
    match (stage, status) {
        (Stage::Columns, _) => 1,
        (Stage::Checked, _) | (_, ImportStatus::Validating) => 2,
        (_, ImportStatus::Completed | ImportStatus::Undoing | ImportStatus::Undone) => 4,
        _ => 3,
    }
}

/// `/imports/:id`
#[component]
pub fn ImportPage() -> impl IntoView {
    by_id("Import", "import", |id: ImportId| {
        let import = Answer::new(|| 0, move || LoadImport { id });
        let asides = Asides { problems: problems_of(id), segments: Answer::new(|| 0, || ListSegments {}) };
        let view = move |import: Signal<Import>| page(&import.get_untracked(), asides);
        view! { <Loaded resource=import what="the import" heading="Import" waiting=|| () view=view/> }
    })
}

/// What stands beside the import itself. Asked for at the top of the page: what is made inside another answer's view is made twice.
#[derive(Clone, Copy)]
struct Asides {
    problems: Answer<Page<Problem>>,
    segments: Answer<Vec<String>>,
}

fn page(import: &Import, asides: Asides) -> AnyView {
    let query = use_query_map().get_untracked();
    let (status, stage) = (import.status, Stage::of(import, query.get_str("step").unwrap_or_default()));
    let steps = ["File", "Columns", "Check", "Run"].map(str::to_owned).to_vec();
    let renews = status.is_moving() && query.get_str("hold").is_none();
    let body = match stage {
        Stage::Columns => view! { <Mapper import=import.clone() segments=asides.segments/> },
        Stage::Moving => view! { <Moving import=import.clone() renews=renews/> },
        Stage::Checked => view! { <Checked import=import.clone() problems=asides.problems/> },
        Stage::Undo => view! { <Undo import=import.clone()/> },
        Stage::Over => over(import, asides.problems),
    };
    let again = format!("{PULSE};url=/imports/{}", import.id);
    view! {
        <Title text=import.file_name.clone()/>
        {renews.then(|| view! { <Meta http_equiv="refresh" content=again/> })}
        <PageHeader
            title=import.file_name.clone()
            description=about(import)
            crumbs=vec![Crumb::new("Imports", "/imports")]
            beside=move || view! { <Badge label=status.label() tone=tone(status)/> }
        />
        <Stepper steps=steps current=step(status, stage) class="mb-5"/>
        <div class="flex flex-col gap-6">{body}</div>
    }
}

/// `Contacts, 4.1 MB, UTF-8, semicolons. Goes into the segment Spring.`
fn about(import: &Import) -> String {
    let between = match import.delimiter {
        _ if matches!(import.encoding.as_str(), "XLSX" | "ODS") => "",
        ';' => ", semicolons",
        '\t' => ", tabs",
        '|' => ", bars",
        _ => ", commas",
    };
    let mut text = format!("{}, {}, {}{between}", import.kind.label(), file_size(import.file_bytes as f64), import.encoding);
    if !import.segment.is_empty() {
        text.push_str(&format!(". Goes into the segment {}", import.segment));
    }
    text + "."
}

/// The dry run is done: what would happen, and the button that makes it happen.
#[component]
fn Checked(import: Import, problems: Answer<Page<Problem>>) -> impl IntoView {
    let run = Change::new::<RunImport>();
    let (id, kind, counts) = (import.id, import.kind, import.checked);
    let figures = figures("Counts of the check", &import, counts);
    // What is known is left as it is, save contacts.
    let good = counts.created > 0 || kind == ImportKind::Contacts && counts.merged > 0;
    view! {
        <Card title="What would happen" scope="Nothing is stored yet.">
            <div class="flex flex-col gap-5">
                {figures}
                {(!good).then(|| view! {
                    <Note tone=Tone::Warning>
                        <b>"No row can be imported."</b> " Choose other columns, or mend the file and upload it again."
                    </Note>
                })}
                <FormProblem error=run.error() fields=&[]/>
                <div class="flex flex-wrap items-center gap-2">
                    {good.then(|| view! {
                        <ChangeForm change=run>
                            <input type="hidden" name="id" value=id.to_string()/>
                            <Button submit=true icon=i::LuCheck>{verb(kind, &counts)}</Button>
                        </ChangeForm>
                    })}
                    <LinkButton href=format!("/imports/{id}?step=columns") variant=Variant::Outline>"Change columns"</LinkButton>
                    <Stopping id=id/>
                </div>
            </div>
        </Card>
        <Problems page=problems id=id kind=kind total=counts.invalid/>
    }
}

/// What the button does: `Import 3 contacts`, `Import 2, update 1 contact`.
fn verb(kind: ImportKind, counts: &Counts) -> String {
    let (one, several) = kind.nouns();
    let with = |n| count(n, one, several);
    match (counts.created, counts.merged) {
        (n, 0) => format!("Import {}", with(n)),
        (new, _) if kind != ImportKind::Contacts => format!("Import {}", with(new)),
        (0, n) => format!("Update {}", with(n)),
        (new, known) => format!("Import {}, update {}", grouped(new), with(known)),
    }
}

/// Done, failed, cancelled or undone: what came of it, and where to go from here.
fn over(import: &Import, problems: Answer<Page<Problem>>) -> AnyView {
    let (id, kind, counts) = (import.id, import.kind, import.done);
    let people = if kind == ImportKind::Contacts { counts.created + counts.merged } else { counts.created };
    let (one, several) = kind.nouns();
    let words = match import.status {
        ImportStatus::Completed => {
            let took = if import.seconds > 0 { format!(" It took {} s.", grouped(import.seconds)) } else { String::new() };
            let here = count(people, &format!("{one} is here"), &format!("{several} are here"));
            view! { <Note tone=Tone::Success live=true><b>{here} "."</b> {took}</Note> }
        }
        ImportStatus::Failed => {
            let why = import.failure.clone().unwrap_or_else(|| "The file could not be read to its end.".to_owned());
            view! {
                <Note tone=Tone::Danger live=true>
                    <b>"The import failed. "</b>
                    {why}
                    " Rows that are in stay in; importing the file again adds the rest and changes nothing twice."
                </Note>
            }
        }
        ImportStatus::Undone => was_undone(import),
        _ => view! {
            <Note tone=Tone::Warning live=true>
                <b>"You cancelled this import."</b> " Rows that were in by then stay in."
            </Note>
        },
    };
    let figures = figures("Counts of the import", import, counts);
    let there = (people > 0 && import.status != ImportStatus::Undone).then(|| brought_to(kind, id));
    let undo = import.can_undo().then(|| {
        view! { <LinkButton href=format!("/imports/{id}?step=undo") variant=Variant::Outline icon=i::LuUndo2>"Undo this import"</LinkButton> }
    });
    view! {
        <Card title="What happened">
            <div class="flex flex-col gap-5">
                {words}
                {figures}
                <div class="flex flex-wrap items-center gap-2">
                    {there}
                    {undo}
                    <LinkButton href=link("/imports/new", &[("kind", kind.as_str())]) variant=Variant::Ghost>"Import another file"</LinkButton>
                </div>
            </div>
        </Card>
        <Problems page=problems id=id kind=kind total=counts.invalid/>
    }
}

/// Where the rows are now.
fn brought_to(kind: ImportKind, id: ImportId) -> AnyView {
    match kind {
        ImportKind::Contacts | ImportKind::Leads | ImportKind::Orders => view! {
            <LinkButton href=link("/contacts", &[("import", &id.to_string())]) icon=i::LuUsers>"See contacts"</LinkButton>
            {may(Permission::ManageCampaigns).get_untracked().then(|| view! {
                <LinkButton href="/campaigns?new=1" variant=Variant::Outline icon=i::LuMegaphone>"Create a campaign"</LinkButton>
            })}
        }
        .into_any(),
        ImportKind::Suppressions => {
            view! { <LinkButton href="/suppressions" icon=i::LuPhoneOff>"See suppressions"</LinkButton> }.into_any()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::progress::tests::import;
    use super::*;

    #[test]
    fn a_checked_file_can_go_back_to_its_columns_and_a_running_one_cannot() {
        let at = |status| Import { status, ..import(0, 0) };
        assert!(Stage::of(&at(ImportStatus::Checked), "columns") == Stage::Columns);
        assert!(Stage::of(&at(ImportStatus::Checked), "") == Stage::Checked);
        assert!(Stage::of(&at(ImportStatus::Running), "columns") == Stage::Moving);
    }

    #[test]
    fn only_what_brought_something_in_can_be_undone() {
        let at = |status, created| Import { status, done: Counts { created, ..Counts::default() }, ..import(0, 0) };
        assert!(Stage::of(&at(ImportStatus::Completed, 1), "undo") == Stage::Undo);
        assert!(Stage::of(&at(ImportStatus::Cancelled, 1), "undo") == Stage::Undo);
        assert!(Stage::of(&at(ImportStatus::Completed, 0), "undo") == Stage::Over);
        assert!(Stage::of(&at(ImportStatus::Undone, 1), "undo") == Stage::Over);
        assert!(Stage::of(&at(ImportStatus::Undoing, 1), "undo") == Stage::Moving);
    }
}
