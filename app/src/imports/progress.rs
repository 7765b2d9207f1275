//! An import under way: how far, how fast, how much longer; and how to stop it.

use icondata as i;
use model::Error;
use model::id::ImportId;
use model::imports::{Import, ImportStatus};

use super::figures;
use crate::form::FormProblem;
use crate::prelude::*;
use crate::ui::{Button, Card, LinkButton, Progress, Variant, grouped};
use crate::wire::{Change, ChangeForm};

/// Stops an import; what is stored stays.
#[server(protocol = crate::wire::Wire)]
pub async fn cancel_import(id: ImportId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::imports::cancel(&mut tx, id).await?;
    tx.commit().await?;
    redirect(&format!("/imports/{id}"));
    Ok(())
}

/// `12,403 rows, 3,120 a second`
fn pace(import: &Import) -> String {
    let rows = if import.status == ImportStatus::Running { import.done.rows } else { import.checked.rows };
    match rows.checked_div(import.seconds) {
        Some(each) if each > 0 => format!("{} rows, {} a second", grouped(rows), grouped(each)),
        _ => format!("{} rows", grouped(rows)),
    }
}

/// What is left at the pace so far; nothing while that is a guess.
fn left(import: &Import) -> String {
    let rest = (import.file_bytes - import.bytes_done).max(0);
    match (rest * import.seconds).checked_div(import.bytes_done) {
        Some(seconds) if import.seconds > 0 && seconds >= 90 => format!("about {} min left", (seconds + 59) / 60),
        Some(seconds) if import.seconds > 0 => format!("{} s left", seconds.max(1)),
        _ => String::new(),
    }
}

/// The dry run or the run, in numbers that move.
#[component]
pub(super) fn Moving(import: Signal<Import>, changed: RwSignal<u32>) -> impl IntoView {
    let id = import.with_untracked(|import| import.id);
    let running = Memo::new(move |_| import.with(|import| import.status == ImportStatus::Running));
    let counts = Signal::derive(move || {
        import.with(|import| if import.status == ImportStatus::Running { import.done } else { import.checked })
    });
    view! {
        <Card
            title="Under way"
            scope=Signal::derive(move || {
                if running.get() { "You may close this page; it goes on." } else { "Checking every row. Nothing is stored yet." }.to_owned()
            })
        >
            <div class="flex flex-col gap-5">
                <Progress
                    percent=Signal::derive(move || import.with(|import| import.percent() as f64))
                    label="Import"
                    done=Signal::derive(move || import.with(|import| format!("{}% · {}", import.percent(), pace(import))))
                    eta=Signal::derive(move || import.with(left))
                />
                {figures("Counts so far", counts)}
                <div class="flex flex-wrap items-center gap-2">
                    <LinkButton href="/imports" variant=Variant::Outline>"Go on in background"</LinkButton>
                    <Stopping id=id changed=changed/>
                </div>
            </div>
        </Card>
    }
}

/// The button that stops an import.
#[component]
pub(super) fn Stopping(id: ImportId, changed: RwSignal<u32>) -> impl IntoView {
    let cancel = Change::new::<CancelImport>();
    let error = cancel.error();
    Effect::new(move |_| {
        if cancel.done() {
            changed.update(|n| *n = n.wrapping_add(1));
        }
    });
    view! {
        <ChangeForm change=cancel>
            <input type="hidden" name="id" value=id.to_string()/>
            <Button submit=true variant=Variant::Ghost icon=i::LuCircleX busy=cancel.pending()>"Cancel import"</Button>
        </ChangeForm>
        <FormProblem error=error fields=&[]/>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::imports::{Counts, ImportKind, Mapping};
    use model::time::Moment;

    fn import(bytes_done: i64, seconds: i64) -> Import {
        let at = Moment { at: Default::default(), offset_minutes: 0 };
        Import {
            id: "imp_0191d2c4a5b67c8d9e0f112233445566".parse().expect("an id"),
            kind: ImportKind::Contacts,
            file_name: "a.csv".to_owned(),
            file_bytes: 1000,
            status: ImportStatus::Running,
            headers: vec![],
            samples: vec![],
            mapping: Mapping::default(),
            encoding: "UTF-8".to_owned(),
            delimiter: ',',
            checked: Counts::default(),
            done: Counts { rows: 6240, ..Counts::default() },
            bytes_done,
            failure: None,
            segment: String::new(),
            created_at: at,
            finished_at: None,
            seconds,
        }
    }

    #[test]
    fn pace_and_rest_follow_from_what_was_done_so_far() {
        assert_eq!(pace(&import(500, 2)), "6,240 rows, 3,120 a second");
        assert_eq!(left(&import(500, 2)), "2 s left");
        assert_eq!(left(&import(100, 30)), "about 5 min left");
    }

    #[test]
    fn nothing_is_promised_before_there_is_a_pace() {
        assert_eq!(left(&import(0, 0)), "");
        assert_eq!(pace(&import(0, 0)), "6,240 rows");
    }
}
