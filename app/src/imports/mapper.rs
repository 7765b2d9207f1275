//! Which column of the file is which field. Guesses are made when the file arrives; the same check runs here while choosing
//! and in the verb.

use model::Error;
use model::id::ImportId;
use model::imports::{Field as Target, Import, ImportKind, Mapping};

use super::progress::Stopping;
use crate::form::{FormProblem, problem};
use crate::prelude::*;
use crate::ui::{Button, Card, Field, Icon, Input, MapperRow, MapperTable, Match, Opt};
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

/// How well one column is matched, and why.
fn judge(header: &str, chosen: &str, all: &[String], fields: &[Target]) -> (Match, String) {
    if chosen.is_empty() {
        return (Match::Out, "Left out".to_owned());
    }
    if all.iter().filter(|name| *name == chosen).count() > 1 {
        return (Match::Choose, "Chosen twice".to_owned());
    }
    let plain = header.trim().to_lowercase().replace(['_', '-', '.'], " ");
    let same =
        fields.iter().any(|field| field.name == chosen && (field.synonyms.contains(&plain.as_str()) || field.name == plain));
    (Match::Good, if same { "Same name" } else { "Your choice" }.to_owned())
}

/// What is missing before the file can be checked.
fn missing(kind: ImportKind, chosen: &[String]) -> Option<String> {
    let mapping = Mapping(chosen.iter().map(|name| (!name.is_empty()).then(|| name.clone())).collect());
    match mapping.check(kind).err()? {
        Error::Invalid { fields } => fields.into_values().next(),
        other => Some(other.to_string()),
    }
}

/// The columns of a file, each with its first cells and the field it goes to.
#[component]
pub(super) fn Mapper(import: Import, segments: Answer<Vec<String>>, changed: RwSignal<u32>) -> impl IntoView {
    let check = Change::new::<CheckImport>();
    let error = check.error();
    Effect::new(move |_| {
        if check.done() {
            changed.update(|n| *n = n.wrapping_add(1));
        }
    });
    let (id, kind) = (import.id, import.kind);
    let choices: Vec<RwSignal<String>> = (0..import.headers.len())
        .map(|i| RwSignal::new(import.mapping.0.get(i).cloned().flatten().unwrap_or_default()))
        .collect();
    let chosen = {
        let choices = choices.clone();
        Memo::new(move |_| choices.iter().map(|choice| choice.get()).collect::<Vec<_>>())
    };
    let rows = import
        .headers
        .iter()
        .enumerate()
        .map(|(n, header)| row(n, header, &import.samples, kind, choices[n], chosen))
        .collect_view();
    let columns = import.headers.len();
    let matched = move || {
        chosen.with(|chosen| format!("{} of {columns} columns are used. ", chosen.iter().filter(|c| !c.is_empty()).count()))
    };
    let lacking = Memo::new(move |_| chosen.with(|chosen| missing(kind, chosen)));
    let names = move || segments.get().and_then(Result::ok).unwrap_or_default();
    view! {
        <ChangeForm change=check attr:id=FORM attr:class="flex flex-col gap-6">
            <input type="hidden" name="id" value=id.to_string()/>
            <Card title="Columns" scope="Which column of the file is what? Guesses are made from the names." flush=true>
                <p class="px-5 pb-3 text-sm" role="status">
                    <b>{move || matched()}</b>
                    {move || lacking.get()}
                </p>
                <MapperTable>{rows}</MapperTable>
            </Card>
            <Card title="Segment" scope="One word for everybody in this file. A segment column in the file wins.">
                <Field label="Segment" name="segment" optional=true hint="Campaigns can call one segment." error=problem(error, "segment") class="max-w-sm">
                    <Input value=import.segment.clone() autocomplete="off" attr:list="import-segments"/>
                </Field>
                <datalist id="import-segments">
                    <Suspense fallback=|| ()>{move || names().into_iter().map(|name| view! { <option value=name></option> }).collect_view()}</Suspense>
                </datalist>
            </Card>
            <FormProblem error=error fields=&["segment"]/>
            {move || error.with(Option::is_none).then(|| lacking.get()).flatten().map(|text| view! {
                <p class="hint inline-flex items-center gap-1.5"><Icon icon=icondata::LuTriangleAlert class="size-3.5"/>{text}</p>
            })}
        </ChangeForm>
        <div class="flex flex-wrap items-center gap-2">
            <Button submit=true form=FORM icon=icondata::LuFileCheck busy=check.pending()>"Check file"</Button>
            <Stopping id=id changed=changed/>
        </div>
    }
}

fn row(
    n: usize,
    header: &str,
    samples: &[Vec<String>],
    kind: ImportKind,
    choice: RwSignal<String>,
    chosen: Memo<Vec<String>>,
) -> AnyView {
    let name = if header.trim().is_empty() { format!("Column {}", n + 1) } else { header.to_owned() };
    let cells = samples.iter().filter_map(|row| row.get(n)).filter(|cell| !cell.trim().is_empty());
    let sample = cells.take(SAMPLES).map(String::as_str).collect::<Vec<_>>().join(", ");
    let out = std::iter::once(Opt::new("", "Leave out"));
    let options: Vec<Opt> = out
        .chain(
            kind.fields()
                .iter()
                .map(|f| Opt::new(f.name, if f.required { format!("{} (needed)", f.label) } else { f.label.to_owned() })),
        )
        .collect();
    let verdict = {
        let header = header.to_owned();
        Memo::new(move |_| Judged(chosen.with(|all| judge(&header, &choice.get(), all, kind.fields()))))
    };
    view! {
        <MapperRow
            column=name
            sample=sample
            name=format!("columns[{n}]")
            options=options
            bind=choice
            verdict=Signal::derive(move || verdict.with(|judged| judged.0.0))
            note=Signal::derive(move || verdict.with(|judged| judged.0.1.clone()))
        />
    }
}

#[derive(Clone, PartialEq)]
struct Judged((Match, String));

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(words: &[&str]) -> Vec<String> {
        words.iter().map(|w| (*w).to_owned()).collect()
    }

    #[test]
    fn a_column_is_judged_by_its_name_and_by_its_neighbours() {
        let fields = ImportKind::Contacts.fields();
        let note = |header, chosen, all: &[&str]| judge(header, chosen, &texts(all), fields).1;
        assert_eq!(note("Phone_Number", "phone", &["phone"]), "Same name");
        assert_eq!(note("Durchwahl", "phone", &["phone"]), "Your choice");
        assert_eq!(note("Tel", "phone", &["phone", "phone"]), "Chosen twice");
        assert_eq!(note("utm", "", &[""]), "Left out");
    }

    #[test]
    fn what_is_missing_is_said_until_nothing_is() {
        assert!(missing(ImportKind::Contacts, &texts(&["name", ""])).is_some_and(|why| why.contains("phone")));
        assert_eq!(missing(ImportKind::Contacts, &texts(&["name", "phone"])), None);
    }
}
