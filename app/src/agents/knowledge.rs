//! What an agent knows: a page of plain forms. A file is posted to `/agents/documents`, which leads back here.

use leptos_router::hooks::use_query_map;
use model::Error;
use model::agents::{AgentKnowledge, DocumentRow, NewDocument};
use model::id::{AgentId, DocumentId};

use crate::form::{FormProblem, hidden, problem};
use crate::plain::{PlainPage, answered, away};
use crate::prelude::*;
use crate::ui::{Badge, Button, Card, Crumb, Field, Input, Note, Size, Textarea, Tone, Variant};
use crate::wire::{Answer, Change, ChangeForm};

/// What an agent knows, in its draft and in the version that calls get.
#[server(protocol = crate::wire::Wire)]
pub async fn list_documents(agent: AgentId) -> Result<AgentKnowledge, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let known = services::agents::knowledge::documents(&mut tx, agent).await?;
    tx.commit().await?;
    Ok(known)
}

/// Gives an agent a text or a page to know, from its next version on.
#[server(protocol = crate::wire::Wire)]
pub async fn add_document(agent: AgentId, name: String, text: String, address: String) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::agents::knowledge::add_document(&mut tx, agent, &NewDocument { name, text, address }).await?;
    tx.commit().await?;
    redirect_saying(&format!("/knowledge?agent={agent}"), "Added.");
    Ok(())
}

/// Takes a document from an agent, from its next version on.
#[server(protocol = crate::wire::Wire)]
pub async fn remove_document(id: DocumentId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let agent = services::agents::knowledge::remove_document(&mut tx, id).await?;
    tx.commit().await?;
    redirect_saying(&format!("/knowledge?agent={agent}"), "Removed.");
    Ok(())
}

/// `/knowledge?agent=…`
#[component]
pub fn KnowledgePage() -> impl IntoView {
    let query = use_query_map();
    let agent = query.with_untracked(|query| query.get_str("agent").and_then(|id| id.parse::<AgentId>().ok()));
    let Some(agent) = agent else { return away(TITLE, crumbs(None), &Error::not_found("agent")) };
    let answer = Answer::blocking(move || ListDocuments { agent });
    let (add, remove) = (Change::new::<AddDocument>(), Change::new::<RemoveDocument>());
    answered(answer, TITLE, crumbs(None), move |known| shown(agent, known, add, remove))
}

const TITLE: &str = "Knowledge";

/// The way here, by the agent when it is known.
fn crumbs(agent: Option<(AgentId, &str)>) -> Vec<Crumb> {
    let agent = agent.map(|(id, name)| Crumb::new(name, format!("/agents/{id}")));
    std::iter::once(Crumb::new("Agents", "/agents")).chain(agent).collect()
}

fn shown(agent: AgentId, known: AgentKnowledge, add: Change, remove: Change) -> AnyView {
    let AgentKnowledge { agent_name, documents, editable } = known;
    let is_empty = documents.is_empty();
    let is_new = documents.iter().any(|row| row.published == row.removed);
    let lines = documents.into_iter().map(|row| line(row, editable, remove)).collect_view();
    let lead = "Handed to the provider that holds the conversation when the agent is published. Scripts that are read out do not use it.";
    let crumbs = crumbs(Some((agent, &agent_name)));
    view! {
        <PlainPage title=format!("What {agent_name} knows") description=lead crumbs=crumbs>
            {is_new.then(|| view! { <Note tone=Tone::Info>"Publish the agent, and its calls know this."</Note> })}
            <FormProblem error=remove.error() fields=&[]/>
            <Card title="Documents" flush=true>
                {is_empty.then(|| view! { <p class="card-body text-muted-foreground">"Nothing yet besides its script."</p> })}
                <ul class="divide-y">{lines}</ul>
            </Card>
            {editable.then(|| forms(agent, add))}
        </PlainPage>
    }
}

fn line(row: DocumentRow, editable: bool, remove: Change) -> AnyView {
    let standing = match (row.published, row.removed) {
        (true, false) => None,
        (_, true) => Some(view! { <Badge label="Goes with the next publishing" tone=Tone::Warning/> }),
        (false, false) => Some(view! { <Badge label="Not published yet" tone=Tone::Info/> }),
    };
    let about = row.address.unwrap_or_else(|| match row.bytes {
        bytes if bytes < 10_000 => format!("{}, {bytes} bytes", row.kind.label()),
        bytes => format!("{}, {} kB", row.kind.label(), bytes / 1000),
    });
    let label = format!("Remove {}", row.name);
    let button = (editable && !row.removed).then(|| {
        view! {
            <ChangeForm change=remove>
                {hidden("id", row.id.to_string())}
                <Button submit=true size=Size::Small variant=Variant::Outline>{label}</Button>
            </ChangeForm>
        }
    });
    view! {
        <li class="flex flex-wrap items-center justify-between gap-3 p-4">
            <div class="min-w-0">
                <p class="flex flex-wrap items-center gap-2"><span class="font-medium break-words">{row.name}</span> {standing}</p>
                <p class="text-sm break-words text-muted-foreground">{about}</p>
            </div>
            {button}
        </li>
    }
}

fn forms(agent: AgentId, add: Change) -> AnyView {
    let error = add.error();
    view! {
        <ChangeForm change=add attr:novalidate=true><Card title="Add a text or a page"><div class="flex flex-col gap-4">
            {hidden("agent", agent.to_string())}
            <Field label="Name" name="name" error=problem(error, "name")><Input autocomplete="off"/></Field>
            <Field label="Text" name="text" error=problem(error, "text")><Textarea rows=8/></Field>
            <Field
                label="Or the address of a page"
                name="address"
                hint="The provider reads it; Vapi reads no pages. Do not give an address that is secret."
                error=problem(error, "address")
            >
                <Input kind="url" autocomplete="off"/>
            </Field>
            <FormProblem error=error fields=&["name", "text", "address", "file"]/>
            <div><Button submit=true>"Add"</Button></div>
        </div></Card></ChangeForm>
        <form method="post" action="/agents/documents" enctype="multipart/form-data"><Card title="Add a file"><div class="flex flex-col gap-4">
            {hidden("agent", agent.to_string())}
            <Field label="File" name="file" hint="TXT, Markdown or CSV in UTF-8, up to 1 MiB." error=problem(error, "file")>
                <Input kind="file"/>
            </Field>
            <div><Button submit=true>"Upload"</Button></div>
        </div></Card></form>
    }
    .into_any()
}
