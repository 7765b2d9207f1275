//! One import, from its columns to its last row: columns → check → run → done. The server says where it is; this page shows
//! that stage and asks for the next one.

use icondata as i;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::Error;
use model::accounts::Permission;
use model::events::Topic;
use model::id::ImportId;
use model::imports::{Counts, Import, ImportStatus, Problem};
use model::page::Page;
use std::time::Duration;

use super::mapper::Mapper;
use super::problems::{Problems, problems_of};
use super::progress::{Moving, Stopping};
use super::{figures, tone};
use crate::contacts::list::ListSegments;
use crate::form::FormProblem;
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{self, Loaded, by_id, count, link, may};
use crate::ui::{Badge, Button, Card, Crumb, LinkButton, Note, PageHeader, Skeleton, Stepper, Tone, Variant, file_size, grouped};
use crate::wire::{Answer, Change, ChangeForm};

/// How often a moving import is read even when the live stream is down.
const PULSE: Duration = Duration::from_millis(1500);

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
    Over(ImportStatus),
}

impl Stage {
    /// A checked file can go back to its columns (`?step=columns`).
    fn of(status: ImportStatus, again: bool) -> Self {
        match status {
            ImportStatus::Pending => Self::Columns,
            ImportStatus::Checked if again => Self::Columns,
            ImportStatus::Checked => Self::Checked,
            ImportStatus::Validating | ImportStatus::Running => Self::Moving,
            ImportStatus::Completed | ImportStatus::Failed | ImportStatus::Cancelled => Self::Over(status),
        }
    }
}

fn step(status: ImportStatus, stage: Stage) -> usize {
    match (stage, status) {
        (Stage::Columns, _) => 1,
        (Stage::Checked, _) | (_, ImportStatus::Validating) => 2,
        (Stage::Over(ImportStatus::Completed), _) => 4,
        _ => 3,
    }
}

/// `/imports/:id`
#[component]
pub fn ImportPage() -> impl IntoView {
    by_id("Import", "import", wizard)
}

fn wizard(id: ImportId) -> AnyView {
    let (tick, pulse) = (use_topic(Topic::Imports), RwSignal::new(0_u32));
    let import = Answer::new(move || tick.get() + pulse.get(), move || LoadImport { id });
    let moved = RwSignal::new(0_u32);
    watch(import, pulse, moved);
    let asides = Asides { problems: problems_of(id, moved), segments: Answer::new(|| 0, || ListSegments {}) };
    view! {
        <Loaded
            resource=import
            what="the import"
            heading="Import"
            waiting=|| view! { <Skeleton class="h-8 w-64"/> <Skeleton class="mt-8 h-64 w-full"/> }
            view=move |import| page(import, asides, pulse)
        />
    }
}

/// Keeps reading while the import moves, and counts in `moved` the steps taken while one looks on: each may have brought
/// other problems.
fn watch(import: Answer<Import>, pulse: RwSignal<u32>, moved: RwSignal<u32>) {
    let waiting = StoredValue::new(false);
    Effect::new(move |before: Option<Option<ImportStatus>>| {
        let now = import.get().and_then(Result::ok).map(|import| import.status);
        if before.flatten().is_some_and(|before| Some(before) != now) {
            moved.update(|n| *n += 1);
        }
        // One timer at a time: what is read in between is news too, and must not start another.
        if matches!(now, Some(ImportStatus::Validating | ImportStatus::Running)) && !waiting.get_value() {
            waiting.set_value(true);
            set_timeout(
                move || {
                    // The page may be gone by now.
                    waiting.try_set_value(false);
                    pulse.try_update(|n| *n = n.wrapping_add(1));
                },
                PULSE,
            );
        }
        now
    });
}

/// What stands beside the import itself.
#[derive(Clone, Copy)]
struct Asides {
    problems: Answer<Page<Problem>>,
    segments: Answer<Vec<String>>,
}

fn page(import: Signal<Import>, asides: Asides, changed: RwSignal<u32>) -> AnyView {
    let query = use_query_map();
    let status = Memo::new(move |_| import.with(|import| import.status));
    let stage = Memo::new(move |_| Stage::of(status.get(), query.with(|query| query.get_str("step") == Some("columns"))));
    let title = Signal::derive(move || import.with(|import| import.file_name.clone()));
    let description = Signal::derive(move || import.with(about));
    let steps = ["File", "Columns", "Check", "Run"].map(str::to_owned).to_vec();
    let body = move || match stage.get() {
        Stage::Columns => view! { <Mapper import=import.get_untracked() segments=asides.segments changed=changed/> },
        Stage::Moving => view! { <Moving import=import changed=changed/> },
        Stage::Checked => view! { <Checked import=import problems=asides.problems changed=changed/> },
        Stage::Over(status) => over(import, asides.problems, status),
    };
    view! {
        <Title text=screen::title(title)/>
        <PageHeader
            title=title
            description=description
            crumbs=vec![Crumb::new("Imports", "/imports")]
            beside=move || view! {
                <Badge label=Signal::derive(move || status.get().label().to_owned()) tone=Signal::derive(move || tone(status.get()))/>
            }
        />
        <Stepper steps=steps current=Signal::derive(move || step(status.get(), stage.get())) class="mb-5"/>
        <div class="flex flex-col gap-6">{move || body()}</div>
    }
}

/// `4.1 MB, UTF-8, semicolons. Goes into the segment Spring.`
fn about(import: &Import) -> String {
    let between = match import.delimiter {
        ';' => "semicolons",
        '\t' => "tabs",
        '|' => "bars",
        _ => "commas",
    };
    let mut text = format!("{}, {}, {between}", file_size(import.file_bytes as f64), import.encoding);
    if !import.segment.is_empty() {
        text.push_str(&format!(". Goes into the segment {}", import.segment));
    }
    text + "."
}

/// The dry run is done: what would happen, and the button that makes it happen.
#[component]
fn Checked(import: Signal<Import>, problems: Answer<Page<Problem>>, changed: RwSignal<u32>) -> impl IntoView {
    let run = Change::new::<RunImport>();
    let error = run.error();
    Effect::new(move |_| {
        if run.done() {
            changed.update(|n| *n = n.wrapping_add(1));
        }
    });
    let (id, kind) = import.with_untracked(|import| (import.id, import.kind));
    let counts = Signal::derive(move || import.with(|import| import.checked));
    let people = Memo::new(move |_| counts.with(|counts| counts.created + counts.merged));
    view! {
        <Card title="What would happen" scope="Nothing is stored yet.">
            <div class="flex flex-col gap-5">
                {figures("Counts of the check", counts)}
                {move || (people.get() == 0).then(|| view! {
                    <Note tone=Tone::Warning>
                        <b>"No row can be imported."</b> " Choose other columns, or mend the file and upload it again."
                    </Note>
                })}
                <FormProblem error=error fields=&[]/>
                <div class="flex flex-wrap items-center gap-2">
                    {move || (people.get() > 0).then(|| view! {
                        <ChangeForm change=run>
                            <input type="hidden" name="id" value=id.to_string()/>
                            <Button submit=true icon=i::LuCheck busy=run.pending()>
                                {move || counts.with(verb)}
                            </Button>
                        </ChangeForm>
                    })}
                    <LinkButton href=format!("/imports/{id}?step=columns") variant=Variant::Outline>"Change columns"</LinkButton>
                    <Stopping id=id changed=changed/>
                </div>
            </div>
        </Card>
        <Problems page=problems id=id kind=kind total=Signal::derive(move || counts.with(|counts| counts.invalid))/>
    }
}

/// What the button does: `Import 3 contacts`, `Import 2, update 1 contact`.
fn verb(counts: &Counts) -> String {
    let with = |n| count(n, "contact", "contacts");
    match (counts.created, counts.merged) {
        (n, 0) => format!("Import {}", with(n)),
        (0, n) => format!("Update {}", with(n)),
        (new, known) => format!("Import {}, update {}", grouped(new), with(known)),
    }
}

/// Done, failed or cancelled: what came of it, and where to go from here.
fn over(import: Signal<Import>, problems: Answer<Page<Problem>>, status: ImportStatus) -> AnyView {
    let (id, kind) = import.with_untracked(|import| (import.id, import.kind));
    let counts = Signal::derive(move || import.with(|import| import.done));
    let people = move || counts.with(|counts| counts.created + counts.merged);
    let words = match status {
        ImportStatus::Completed => view! {
            <Note tone=Tone::Success live=true>
                <b>{move || count(people(), "contact is here", "contacts are here")} "."</b>
                {move || import.with(|import| if import.seconds > 0 { format!(" It took {} s.", grouped(import.seconds)) } else { String::new() })}
            </Note>
        },
        ImportStatus::Failed => view! {
            <Note tone=Tone::Danger live=true>
                <b>"The import failed. "</b>
                {move || import.with(|import| import.failure.clone().unwrap_or_else(|| "The file could not be read to its end.".to_owned()))}
                " Rows that are in stay in; importing the file again adds the rest and changes nothing twice."
            </Note>
        },
        _ => view! {
            <Note tone=Tone::Warning live=true>
                <b>"You cancelled this import."</b> " Rows that were in by then stay in."
            </Note>
        },
    };
    let campaigns = may(Permission::ManageCampaigns);
    view! {
        <Card title="What happened">
            <div class="flex flex-col gap-5">
                {words}
                {figures("Counts of the import", counts)}
                <div class="flex flex-wrap items-center gap-2">
                    {move || (people() > 0).then(|| view! {
                        <LinkButton href=link("/contacts", &[("import", &id.to_string())]) icon=i::LuUsers>"See contacts"</LinkButton>
                        {campaigns.get().then(|| view! {
                            <LinkButton href="/campaigns?new=1" variant=Variant::Outline icon=i::LuMegaphone>"Create a campaign"</LinkButton>
                        })}
                    })}
                    <LinkButton href="/imports/new" variant=Variant::Ghost>"Import another file"</LinkButton>
                </div>
            </div>
        </Card>
        <Problems page=problems id=id kind=kind total=Signal::derive(move || counts.with(|counts| counts.invalid))/>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checked_file_can_go_back_to_its_columns_and_a_running_one_cannot() {
        assert!(Stage::of(ImportStatus::Checked, true) == Stage::Columns);
        assert!(Stage::of(ImportStatus::Checked, false) == Stage::Checked);
        assert!(Stage::of(ImportStatus::Running, true) == Stage::Moving);
    }
}
