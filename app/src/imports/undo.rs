//! Taking out again what an import brought in: the question with its counts, and what came of it.

use icondata as i;
use model::Error;
use model::id::ImportId;
use model::imports::{Import, ImportKind};

use crate::form::FormProblem;
use crate::prelude::*;
use crate::screen::count;
use crate::ui::{Button, Card, LinkButton, Note, Tone, Variant};
use crate::wire::{Change, ChangeForm};

/// Starts taking out what the import brought in.
#[server(protocol = crate::wire::Wire)]
pub async fn undo_import(id: ImportId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::imports::undo(&mut tx, id).await?;
    tx.commit().await?;
    redirect(&format!("/imports/{id}"));
    Ok(())
}

/// What would be taken out, and what would stay.
#[component]
pub(super) fn Undo(import: Import) -> impl IntoView {
    let undo = Change::new::<UndoImport>();
    let (id, (one, several)) = (import.id, import.kind.nouns());
    let created = count(import.done.created, one, several);
    let (added, merged) = match import.kind {
        ImportKind::Contacts => (
            format!(
                "{created} that it added, unless somebody uses them by now: who was called or enrolled, changed by hand or named by \
                 another import stays."
            ),
            (import.done.merged > 0).then(|| {
                let merged = count(import.done.merged, one, several);
                format!("What it filled in for {merged} that were here before is emptied again, unless it was changed since.")
            }),
        ),
        ImportKind::Leads | ImportKind::Orders => (
            format!(
                "{created} that it added, unless somebody changed them since, and the people who came with them, unless somebody uses \
                 them by now."
            ),
            None,
        ),
        ImportKind::Suppressions => (
            format!(
                "{created} that it put on the list may be called again, unless somebody else named them too. Enrollments that ended \
                 because of them stay ended."
            ),
            None,
        ),
    };
    view! {
        <Card title="Undo this import?" scope="This cannot be undone itself; the file can be imported again.">
            <div class="flex flex-col gap-5">
                <ul class="list-disc space-y-1 ps-5">
                    <li>{added}</li>
                    {merged.map(|text| view! { <li>{text}</li> })}
                </ul>
                <FormProblem error=undo.error() fields=&[]/>
                <div class="flex flex-wrap items-center gap-2">
                    <ChangeForm change=undo>
                        <input type="hidden" name="id" value=id.to_string()/>
                        <Button submit=true variant=Variant::Destructive icon=i::LuUndo2>{format!("Take out {created}")}</Button>
                    </ChangeForm>
                    <LinkButton href=format!("/imports/{id}") variant=Variant::Outline>"Leave it"</LinkButton>
                </div>
            </div>
        </Card>
    }
}

/// What came of it.
pub(super) fn was_undone(import: &Import) -> AnyView {
    let (one, several) = import.kind.nouns();
    let undone = import.undone;
    let removed = count(undone.removed, &format!("{one} was taken out"), &format!("{several} were taken out"));
    let kept = (undone.kept > 0).then(|| {
        let kept = count(undone.kept, &format!("{one} stays"), &format!("{several} stay"));
        format!(" {kept}, because they are used.")
    });
    let restored = (undone.restored > 0).then(|| {
        let restored = count(undone.restored, &format!("{one} is"), &format!("{several} are"));
        format!(" {restored} as before.")
    });
    view! { <Note tone=Tone::Warning live=true><b>{removed} "."</b> {kept} {restored}</Note> }
}
