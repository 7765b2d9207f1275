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

/// The dry run, the run or its undoing, in numbers that move.
#[component]
pub(super) fn Moving(import: Import, renews: bool) -> impl IntoView {
    let id = import.id;
    let (scope, counts) = match import.status {
        ImportStatus::Validating => ("Checking every row. Nothing is stored yet.", import.checked),
        ImportStatus::Undoing => ("Taking out what was brought in. You may close this page; it goes on.", import.done),
        _ => ("You may close this page; it goes on.", import.done),
    };
    let (percent, done, eta) = if import.status == ImportStatus::Undoing {
        let (all, so_far) = (counts.created + counts.merged, import.undone.removed + import.undone.restored);
        ((so_far * 100).checked_div(all).unwrap_or(0), format!("{} of {}", grouped(so_far), grouped(all)), String::new())
    } else {
        (import.percent(), format!("{}% · {}", import.percent(), pace(&import)), left(&import))
    };
    let figures = figures("Counts so far", &import, counts);
    let stopping = (import.status != ImportStatus::Undoing).then(|| view! { <Stopping id=id/> });
    let (hold, label) = if renews { ("?hold=1", "Hold this page still") } else { ("", "Let this page renew itself") };
    view! {
        <Card title="Under way" scope=scope>
            <div class="flex flex-col gap-5">
                <Progress percent={percent as f64} label="Import" done=done eta=eta/>
                {figures}
                <div class="flex flex-wrap items-center gap-2">
                    <LinkButton href="/imports" variant=Variant::Outline>"Go on in background"</LinkButton>
                    {stopping}
                    <LinkButton href=format!("/imports/{id}{hold}") variant=Variant::Ghost>{label}</LinkButton>
                </div>
            </div>
        </Card>
    }
}

/// The button that stops an import.
#[component]
pub(super) fn Stopping(id: ImportId) -> impl IntoView {
    let cancel = Change::new::<CancelImport>();
    view! {
        <ChangeForm change=cancel>
            <input type="hidden" name="id" value=id.to_string()/>
            <Button submit=true variant=Variant::Ghost icon=i::LuCircleX>"Cancel import"</Button>
        </ChangeForm>
        <FormProblem error=cancel.error() fields=&[]/>
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use model::imports::{Counts, ImportKind, Mapping, Undone};
    use model::time::Moment;

    pub fn import(bytes_done: i64, seconds: i64) -> Import {
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
            mapping_name: None,
            undone: Undone::default(),
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
