//! What a person may ask for: all of it as a file, or none of it any more. A plain page, because it is seldom and not undone.

use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::Error;
use model::contacts::ContactRow;
use model::id::{ContactId, Uuid};

use crate::form::{FormProblem, hidden, problem};
use crate::prelude::*;
use crate::screen::{link, phone, word};
use crate::ui::{Button, Card, Checkbox, Crumb, Fact, Facts, Field, Input, LinkButton, Note, PageHeader, Tone, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// Whom it is about.
#[server(protocol = crate::wire::Wire)]
pub async fn load_person(id: ContactId) -> Result<ContactRow, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let row = services::contacts::whom(&mut tx, id).await?;
    tx.commit().await?;
    Ok(row)
}

/// Takes everything about them away, for good: once their number is typed and the box is ticked.
#[server(protocol = crate::wire::Wire)]
pub async fn erase_person(id: ContactId, number: String, #[server(default)] sure: bool) -> Result<(), Error> {
    use crate::ssr::*;
    if !sure {
        return Err(Error::field("sure", "Tick the box: this is not undone."));
    }
    let mut tx = begin().await?;
    services::contacts::erase(&mut tx, id, &number).await?;
    tx.commit().await?;
    redirect("/contacts");
    Ok(())
}

/// `/erase?contact=…`
#[component]
pub fn ErasePage() -> impl IntoView {
    let query = use_query_map();
    // An id that is none is nobody's.
    let id = query.with_untracked(|query| word::<ContactId>(query, "contact")).unwrap_or_else(|| ContactId::from(Uuid::nil()));
    let answer = Answer::blocking(move || LoadPerson { id });
    let erase = Change::new::<ErasePerson>();
    let page = move |answer: Result<ContactRow, Error>| match answer {
        Ok(row) => asked(row, erase),
        Err(error) => view! { <Note tone=Tone::Warning>{error.to_string()}</Note> },
    };
    view! {
        <Title text="Export or erase"/>
        <div class="max-w-4xl">
            <PageHeader
                title="Export or erase"
                description="What a person may ask for under the GDPR, articles 15, 17 and 20."
                crumbs=vec![Crumb::new("Contacts", "/contacts")]
            />
            <Suspense fallback=|| ()>{move || answer.get().map(page)}</Suspense>
        </div>
    }
}

fn asked(row: ContactRow, erase: Change) -> AnyView {
    let error = erase.error();
    let file = link("/erase/export", &[("contact", &row.id.to_string())]);
    let back = format!("/contacts/{}", row.id);
    view! {
        <div class="flex flex-col gap-6">
            <Card title="Who">
                <Facts>
                    <Fact label="Name">{row.name}</Fact>
                    <Fact label="Number">{phone(&row.phone)}</Fact>
                    <Fact label="Calls">{row.calls}</Fact>
                </Facts>
            </Card>
            <Card title="Export" scope="Everything held about them, as a JSON file; that it was taken is in the record">
                <LinkButton href=file external=true variant=Variant::Outline>"Download everything"</LinkButton>
            </Card>
            <Card title="Erase" scope="Name, numbers, texts, transcripts and recordings, out of every table; not undone">
                <ChangeForm change=erase attr:class="flex flex-col gap-4" attr:novalidate=true>
                    {hidden("id", row.id)}
                    <p class="text-sm text-muted-foreground">
                        "What stays names nobody: that somebody was called, when, for how long and at what cost. A number on the \
                        do-not-call list stays on it, because it has to be known whom not to call. Backups forget with their own age."
                    </p>
                    <Field label="Type their number" name="number" hint="With + and country code." error=problem(error, "number")>
                        <Input kind="tel" autocomplete="off"/>
                    </Field>
                    <Checkbox label="I know that this is not undone" name="sure" value="true"/>
                    <FormProblem error=error fields=&["number"]/>
                    <div class="flex flex-wrap gap-3">
                        <Button submit=true variant=Variant::Destructive>"Erase for good"</Button>
                        <LinkButton href=back external=true variant=Variant::Outline>"Keep them"</LinkButton>
                    </div>
                </ChangeForm>
            </Card>
        </div>
    }
}
