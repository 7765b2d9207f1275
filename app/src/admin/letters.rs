//! How our letters are worded, for super admins: the list, and a page for each to write, look and use. Plain pages.

use leptos_router::hooks::use_query_map;
use model::Error;
use model::mails::{LetterKind, LetterPage, LetterRow, SUBJECT_MAX, Wording};

use crate::form::{FormProblem, hidden, problem};
use crate::plain::{PlainPage, answered, away};
use crate::prelude::*;
use crate::ui::{Badge, Button, Card, Cell, Column, Crumb, Field, Input, Note, Table, Textarea, Tone, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// Every kind of letter.
#[server(protocol = crate::wire::Wire)]
pub async fn list_letters() -> Result<Vec<LetterRow>, Error> {
    use crate::ssr::*;
    Ok(services::mails::wordings::list(&db()?, &caller()?.actor).await?)
}

/// One kind of letter and how it looks.
#[server(protocol = crate::wire::Wire)]
pub async fn load_letter(kind: LetterKind) -> Result<LetterPage, Error> {
    use crate::ssr::*;
    Ok(services::mails::wordings::load(&db()?, &caller()?.actor, kind).await?)
}

/// Keeps a wording as a draft; the page then shows how it looks and what is wrong with it.
#[server(protocol = crate::wire::Wire)]
pub async fn draft_letter(kind: LetterKind, wording: Wording) -> Result<(), Error> {
    use crate::ssr::*;
    services::mails::wordings::draft(&db()?, &caller()?.actor, kind, &wording).await?;
    redirect_saying(&format!("/admin/letter?kind={kind}"), "Draft saved. Look at it below.");
    Ok(())
}

/// Takes the draft into use.
#[server(protocol = crate::wire::Wire)]
pub async fn use_letter(kind: LetterKind) -> Result<(), Error> {
    use crate::ssr::*;
    services::mails::wordings::adopt(&db()?, &caller()?.actor, kind).await?;
    redirect_saying(&format!("/admin/letter?kind={kind}"), "Letters go out in these words from now on.");
    Ok(())
}

/// Goes back to the built-in words.
#[server(protocol = crate::wire::Wire)]
pub async fn restore_letter(kind: LetterKind) -> Result<(), Error> {
    use crate::ssr::*;
    services::mails::wordings::restore(&db()?, &caller()?.actor, kind).await?;
    redirect_saying(&format!("/admin/letter?kind={kind}"), "Back to the built-in words.");
    Ok(())
}

/// `/admin/letters`
#[component]
pub fn LettersPage() -> impl IntoView {
    let answer = Answer::blocking(|| ListLetters {});
    answered(answer, TITLE, crumbs(), list)
}

const TITLE: &str = "Letters";

fn crumbs() -> Vec<Crumb> {
    vec![Crumb::new("Clients", "/admin/clients")]
}

fn list(rows: Vec<LetterRow>) -> AnyView {
    let columns = vec![Column::new("Letter"), Column::new("Words")];
    let lines = rows.into_iter().map(line).collect_view();
    view! {
        <PlainPage
            title=TITLE
            description="What Belfry mails, and in which words. They are the same for every company."
            crumbs=crumbs()
        >
            <Card flush=true><Table caption="Letters" columns=columns>{lines}</Table></Card>
        </PlainPage>
    }
}

fn line(row: LetterRow) -> AnyView {
    let changed = row.changed.as_ref().map(|(who, when)| format!("Worded by {who}, {}", when.date()));
    view! {
        <tr>
            <td class="lead"><a href=format!("/admin/letter?kind={}", row.kind)>{row.kind.label()}</a></td>
            <Cell label="Words">
                <span class="flex flex-wrap items-center gap-2">
                    {changed.unwrap_or_else(|| "Built in".to_owned())} {row.has_draft.then(|| view! { <Badge label="Draft" tone=Tone::Info/> })}
                </span>
            </Cell>
        </tr>
    }
}

fn letter_crumbs() -> Vec<Crumb> {
    vec![Crumb::new("Clients", "/admin/clients"), Crumb::new(TITLE, "/admin/letters")]
}

/// `/admin/letter?kind=…`
#[component]
pub fn LetterEditPage() -> impl IntoView {
    let query = use_query_map();
    let kind = query.with_untracked(|query| query.get_str("kind").and_then(|kind| kind.parse::<LetterKind>().ok()));
    let Some(kind) = kind else { return away("Letter", letter_crumbs(), &Error::not_found("letter")) };
    let answer = Answer::blocking(move || LoadLetter { kind });
    let (draft, used, restored) = (Change::new::<DraftLetter>(), Change::new::<UseLetter>(), Change::new::<RestoreLetter>());
    answered(answer, "Letter", letter_crumbs(), move |page| written(page, draft, used, restored))
}

fn written(page: LetterPage, draft: Change, used: Change, restored: Change) -> AnyView {
    let LetterPage { row, wording, problems, preview } = page;
    let kind = row.kind;
    let places = kind.places().iter().map(|(name, sample)| {
        view! { <li><code>{format!("{{{{{name}}}}}")}</code> " like " <span class="text-muted-foreground">{*sample}</span></li> }
    });
    let places = places.collect_view();
    let state = match (&row.changed, row.has_draft) {
        (_, true) => "This is a draft. Letters go out in the words before it until you use it.",
        (Some(_), false) => "Letters go out in these words.",
        (None, false) => "These are the built-in words. Change them, and look before you use yours.",
    };
    let is_good = problems.is_empty();
    let problems = (!is_good).then(|| {
        let lines = problems.into_iter().map(|(field, why)| view! { <li>{format!("{field}: {why}")}</li> }).collect_view();
        view! { <Note tone=Tone::Warning><ul class="list-disc ps-5">{lines}</ul></Note> }
    });
    let take = (row.has_draft && is_good).then(|| {
        view! { <ChangeForm change=used>{hidden("kind", kind)} <Button submit=true>"Use this letter"</Button></ChangeForm> }
    });
    let back = (row.has_draft || row.changed.is_some()).then(|| {
        view! {
            <ChangeForm change=restored>
                {hidden("kind", kind)}
                <Button submit=true variant=Variant::Destructive>"Back to the built-in words"</Button>
            </ChangeForm>
        }
    });
    view! {
        <PlainPage wide=true title=kind.label() description=state crumbs=letter_crumbs()>
            {problems}
            <FormProblem error=used.error() fields=&[]/>
            <div class="grid items-start gap-6 lg:grid-cols-2">
                <div class="flex min-w-0 flex-col gap-6">
                    {form(kind, wording, draft)}
                    <Card title="What it may name"><ul class="list-disc ps-5 text-sm">{places}</ul></Card>
                </div>
                {look(preview)}
            </div>
            <div class="flex flex-wrap gap-3">{take} {back}</div>
        </PlainPage>
    }
}

fn form(kind: LetterKind, wording: Wording, draft: Change) -> AnyView {
    let error = draft.error();
    view! {
        <ChangeForm change=draft attr:novalidate=true><Card title="Words"><div class="flex flex-col gap-4">
            {hidden("kind", kind)}
            <Field label="Subject" name="wording[subject]" error=problem(error, "subject")>
                <Input value=wording.subject maxlength=SUBJECT_MAX as u32 autocomplete="off"/>
            </Field>
            <Field label="Text" name="wording[text]" hint="For readers without HTML." error=problem(error, "text")>
                <Textarea value=wording.text rows=12 class="font-mono"/>
            </Field>
            <Field
                label="HTML"
                name="wording[html]"
                hint="What stands inside our frame. Styles belong into the elements. What is put into a place is escaped."
                error=problem(error, "html")
            >
                <Textarea value=wording.html rows=14 class="font-mono"/>
            </Field>
            <FormProblem error=error fields=&["subject", "text", "html"]/>
            <div><Button submit=true variant=Variant::Outline>"Save draft and look"</Button></div>
        </div></Card></ChangeForm>
    }
}

/// The letter with sample values. The frame runs nothing and reaches nothing.
fn look(preview: Wording) -> AnyView {
    view! {
        <Card title="How it looks" scope="With sample values">
            <div class="flex flex-col gap-3">
                <p class="font-medium">{preview.subject}</p>
                <iframe class="h-120 w-full rounded-md border" title="The letter as HTML" sandbox="" srcdoc=preview.html></iframe>
                <pre class="rounded-md border p-3 text-sm whitespace-pre-wrap" tabindex="0">{preview.text}</pre>
            </div>
        </Card>
    }
}
