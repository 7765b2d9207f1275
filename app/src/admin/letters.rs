//! How our letters are worded, for super admins: the list, and a page for each to write, look and use. Plain pages.

use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::Error;
use model::mails::{LetterKind, LetterPage, LetterRow, SUBJECT_MAX, Wording};

use crate::form::{FormProblem, hidden, problem};
use crate::prelude::*;
use crate::ui::{AuthLayout, Badge, Button, Field, Input, LinkButton, Note, Textarea, Tone, Variant};
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
    redirect(&format!("/admin/letter?kind={kind}"));
    Ok(())
}

/// Takes the draft into use.
#[server(protocol = crate::wire::Wire)]
pub async fn use_letter(kind: LetterKind) -> Result<(), Error> {
    use crate::ssr::*;
    services::mails::wordings::adopt(&db()?, &caller()?.actor, kind).await?;
    redirect(&format!("/admin/letter?kind={kind}"));
    Ok(())
}

/// Goes back to the built-in words.
#[server(protocol = crate::wire::Wire)]
pub async fn restore_letter(kind: LetterKind) -> Result<(), Error> {
    use crate::ssr::*;
    services::mails::wordings::restore(&db()?, &caller()?.actor, kind).await?;
    redirect(&format!("/admin/letter?kind={kind}"));
    Ok(())
}

/// `/admin/letters`
#[component]
pub fn LettersPage() -> impl IntoView {
    let answer = Answer::blocking(|| ListLetters {});
    let page = move |answer: Result<Vec<LetterRow>, Error>| match answer {
        Ok(rows) => view! { <ul class="flex flex-col gap-3">{rows.into_iter().map(line).collect_view()}</ul> },
        Err(error) => view! { <Note tone=Tone::Warning>{error.to_string()}</Note> },
    };
    view! {
        <Title text="Letters"/>
        <AuthLayout wide=true title="Letters" lead=|| "What Belfry mails, and in which words. They are the same for every company.">
            <Suspense fallback=|| ()>{move || answer.get().map(page)}</Suspense>
            <div class="mt-8"><LinkButton href="/admin/clients" variant=Variant::Outline>"Back to the clients"</LinkButton></div>
        </AuthLayout>
    }
}

fn line(row: LetterRow) -> impl IntoView {
    let changed = row.changed.as_ref().map(|(who, when)| format!("Worded by {who}, {}", when.date()));
    view! {
        <li class="flex flex-wrap items-center gap-3">
            <a class="link font-medium" href=format!("/admin/letter?kind={}", row.kind)>{row.kind.label()}</a>
            {row.has_draft.then(|| view! { <Badge label="Draft" tone=Tone::Info/> })}
            <span class="text-sm text-muted-foreground">{changed.unwrap_or_else(|| "Built-in words".to_owned())}</span>
        </li>
    }
}

/// `/admin/letter?kind=…`
#[component]
pub fn LetterEditPage() -> impl IntoView {
    let query = use_query_map();
    let kind = query.with_untracked(|query| query.get_str("kind").and_then(|kind| kind.parse::<LetterKind>().ok()));
    let Some(kind) = kind else { return away(&Error::not_found("letter")) };
    let answer = Answer::blocking(move || LoadLetter { kind });
    let (draft, used, restored) = (Change::new::<DraftLetter>(), Change::new::<UseLetter>(), Change::new::<RestoreLetter>());
    let page = move |answer: Result<LetterPage, Error>| match answer {
        Ok(page) => written(page, draft, used, restored),
        Err(error) => away(&error),
    };
    view! {
        <Title text=kind.label()/>
        <Suspense fallback=|| ()>{move || answer.get().map(page)}</Suspense>
    }
}

fn away(error: &Error) -> AnyView {
    let why = error.to_string();
    view! {
        <AuthLayout title="Letter" lead=|| "Nothing can be shown right now.">
            <div class="flex flex-col gap-4">
                <Note tone=Tone::Warning>{why}</Note>
                <div><LinkButton href="/admin/letters">"To the letters"</LinkButton></div>
            </div>
        </AuthLayout>
    }
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
        <AuthLayout wide=true title=kind.label() lead=move || state>
            <div class="flex flex-col gap-8">
                {problems}
                {form(kind, wording, draft)}
                <section class="flex flex-col gap-2">
                    <h2 class="font-medium">"What it may name"</h2>
                    <ul class="list-disc ps-5 text-sm">{places}</ul>
                </section>
                {look(preview)}
                <FormProblem error=used.error() fields=&[]/>
                <div class="flex flex-wrap gap-3">{take} {back}</div>
                <div><LinkButton href="/admin/letters" variant=Variant::Outline>"Back to the letters"</LinkButton></div>
            </div>
        </AuthLayout>
    }
}

fn form(kind: LetterKind, wording: Wording, draft: Change) -> AnyView {
    let error = draft.error();
    view! {
        <ChangeForm change=draft attr:class="flex flex-col gap-4" attr:novalidate=true>
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
        </ChangeForm>
    }
}

/// The letter with sample values. The frame runs nothing and reaches nothing.
fn look(preview: Wording) -> AnyView {
    view! {
        <section class="flex flex-col gap-3">
            <h2 class="font-medium">"How it looks"</h2>
            <p class="font-medium">{preview.subject}</p>
            <iframe class="h-120 w-full rounded-md border" title="The letter as HTML" sandbox="" srcdoc=preview.html></iframe>
            <pre class="rounded-md border p-3 text-sm whitespace-pre-wrap" tabindex="0">{preview.text}</pre>
        </section>
    }
}
