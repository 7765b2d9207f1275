//! Sending a file from a page of its own: what it holds, and the file or its text. A plain page; what is sent is read in
//! `server::uploads`.

use icondata as i;
use leptos_router::hooks::use_query_map;
use model::imports::ImportKind;

use super::detail::RunImport;
use super::upload::{ACCEPT, HINT};
use crate::form::{FormProblem, problem};
use crate::plain::PlainPage;
use crate::prelude::*;
use crate::screen::word;
use crate::ui::{Button, Card, Crumb, Field, Input, Opt, Select, Textarea};
use crate::wire::Change;

/// `/imports/new?kind=…`
#[component]
pub fn NewImportPage() -> impl IntoView {
    let kind = use_query_map().with_untracked(|query| word(query, "kind")).unwrap_or(ImportKind::Contacts);
    let kinds: Vec<Opt> = ImportKind::ALL.iter().map(|kind| Opt::new(kind.as_str(), kind.label())).collect();
    // The file is taken in elsewhere, which leads back here as the next step would.
    let error = Change::new::<RunImport>().error();
    view! {
        <PlainPage
            title="Import a file"
            description="Choose a file. You map its columns and see what would happen before anything is stored."
            crumbs=vec![Crumb::new("Imports", "/imports")]
        >
        <Card>
            <form method="post" action="/imports/upload-form" enctype="multipart/form-data" class="flex flex-col gap-5">
                <Field label="What is in it" name="kind"><Select value=kind.as_str() options=kinds/></Field>
                <Field label="File" name="file" hint=HINT error=problem(error, "file")><Input kind="file" attr:accept=ACCEPT/></Field>
                <Field
                    label="Or its text"
                    name="text"
                    optional=true
                    hint="Rows copied from a spreadsheet, the header first. Counts when no file is chosen."
                >
                    <Textarea rows=5 attr:spellcheck="false"/>
                </Field>
                <FormProblem error=error fields=&["file"]/>
                <div><Button submit=true icon=i::LuUpload>"Upload file"</Button></div>
            </form>
        </Card>
        </PlainPage>
    }
}
