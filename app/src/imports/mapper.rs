//! Which column of the file is which field. Guesses are made when the file arrives; what is still missing the verb says too.

use model::Error;
use model::id::ImportId;
use model::imports::{Field as Target, Import, ImportKind, Mapping, plain_header};

use super::progress::Stopping;
use crate::form::{FormProblem, problem};
use crate::prelude::*;
use crate::ui::{Button, Card, Field, Input, MapperRow, MapperTable, Match, Opt};
use crate::wire::{Answer, Change, ChangeForm};

/// Rows of the file shown beside a column.
const SAMPLES: usize = 3;
const FORM: &str = "import-columns";

/// Starts the dry run with these columns; an empty name leaves a column out.
#[server(protocol = crate::wire::Wire)]
pub async fn check_import(
    id: ImportId,
    #[server(default)] columns: Vec<String>,
    #[server(default)] segment: String,
) -> Result<(), Error> {
    use crate::ssr::*;
    let mapping = Mapping(columns.into_iter().map(|name| (!name.is_empty()).then_some(name)).collect());
    let mut tx = begin().await?;
    services::imports::check(&mut tx, id, &mapping, segment.trim()).await?;
    tx.commit().await?;
    redirect(&format!("/imports/{id}"));
    Ok(())
}

/// How well one column is matched, and why. `saved`: the columns were guessed from a mapping of before.
fn judge(header: &str, chosen: &str, saved: bool, fields: &[Target]) -> (Match, &'static str) {
    if chosen.is_empty() {
        return (Match::Out, "Left out");
    }
    let plain = plain_header(header);
    let named =
        fields.iter().any(|f| f.name == chosen && (f.synonyms.contains(&plain.as_str()) || plain_header(f.name) == plain));
    match (named, saved) {
        (true, _) => (Match::Good, "Same name"),
        (false, true) => (Match::Good, "As last time"),
        (false, false) => (Match::Good, "As chosen before"),
    }
}

/// What is missing before the file can be checked.
fn missing(kind: ImportKind, mapping: &Mapping) -> Option<String> {
    match mapping.check(kind).err()? {
        Error::Invalid { fields } => fields.into_values().next(),
        other => Some(other.to_string()),
    }
}

/// The columns of a file, each with its first cells and the field it goes to.
#[component]
pub(super) fn Mapper(import: Import, segments: Answer<Vec<String>>) -> impl IntoView {
    let check = Change::new::<CheckImport>();
    let (id, kind, error) = (import.id, import.kind, check.error());
    let rows = (0..import.headers.len()).map(|n| row(n, &import)).collect_view();
    let used = import.mapping.0.iter().flatten().count();
    let matched = format!("{used} of {} columns are used. ", import.headers.len());
    let scope = match &import.mapping_name {
        Some(name) => format!("As in “{name}”, which had the same columns."),
        None => "Which column of the file is what? Guesses are made from the names.".to_owned(),
    };
    let lacking = missing(kind, &import.mapping);
    let segment = kind.fields().iter().any(|field| field.name == "segment").then(|| {
        let names = move || segments.get().and_then(Result::ok).unwrap_or_default();
        view! {
            <Card title="Segment" scope="One word for everybody in this file. A segment column in the file wins.">
                <Field label="Segment" name="segment" optional=true hint="Campaigns can call one segment." error=problem(error, "segment") class="max-w-sm">
                    <Input value=import.segment.clone() autocomplete="off" attr:list="import-segments"/>
                </Field>
                <datalist id="import-segments">
                    <Suspense fallback=|| ()>{move || names().into_iter().map(|name| view! { <option value=name></option> }).collect_view()}</Suspense>
                </datalist>
            </Card>
        }
    });
    view! {
        <ChangeForm change=check attr:id=FORM attr:class="flex flex-col gap-6">
            <input type="hidden" name="id" value=id.to_string()/>
            <Card title="Columns" scope=scope flush=true>
                <p class="px-5 pb-3 text-sm" role="status"><b>{matched}</b> {lacking}</p>
                <MapperTable>{rows}</MapperTable>
            </Card>
            {segment}
            <FormProblem error=error fields=&["segment"]/>
        </ChangeForm>
        <div class="flex flex-wrap items-center gap-2">
            <Button submit=true form=FORM icon=icondata::LuFileCheck>"Check file"</Button>
            <Stopping id=id/>
        </div>
    }
}

fn row(n: usize, import: &Import) -> AnyView {
    let (header, fields) = (import.headers[n].as_str(), import.kind.fields());
    let chosen = import.mapping.0.get(n).cloned().flatten().unwrap_or_default();
    let cells = import.samples.iter().filter_map(|row| row.get(n)).filter(|cell| !cell.trim().is_empty());
    let sample = cells.take(SAMPLES).map(String::as_str).collect::<Vec<_>>().join(", ");
    let label = |f: &Target| if f.required { format!("{} (needed)", f.label) } else { f.label.to_owned() };
    let out = std::iter::once(Opt::new("", "Leave out"));
    let options: Vec<Opt> = out.chain(fields.iter().map(|f| Opt::new(f.name, label(f)))).collect();
    let (verdict, note) = judge(header, &chosen, import.mapping_name.is_some(), fields);
    view! {
        <MapperRow
            column=header.to_owned()
            sample=sample
            name=format!("columns[{n}]")
            options=options
            value=chosen
            verdict=verdict
            note=note.to_owned()
        />
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_judged_by_its_name() {
        let fields = ImportKind::Contacts.fields();
        let note = |header, chosen, saved| judge(header, chosen, saved, fields).1;
        assert_eq!(note("Phone_Number", "phone", false), "Same name");
        assert_eq!(note("Durchwahl", "phone", false), "As chosen before");
        assert_eq!(note("Durchwahl", "phone", true), "As last time");
        assert_eq!(note("utm", "", true), "Left out");
    }

    #[test]
    fn what_is_missing_is_said_until_nothing_is() {
        let map = |fields: &[&str]| Mapping(fields.iter().map(|f| (!f.is_empty()).then(|| (*f).to_owned())).collect());
        assert!(missing(ImportKind::Contacts, &map(&["name", ""])).is_some_and(|why| why.contains("phone")));
        assert_eq!(missing(ImportKind::Contacts, &map(&["name", "phone"])), None);
    }
}
