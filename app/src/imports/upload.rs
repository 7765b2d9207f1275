//! Sending a file from a dialog: it leaves as soon as it is chosen, with progress. Without scripts there is a page (`new`).

use leptos_router::hooks::use_navigate;
use leptos_router::location::Url;
use model::Error;
use model::id::ImportId;
use model::imports::{FILE_BYTES_MAX, ImportKind};
use model::wire::unpack;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{File, ProgressEvent, XmlHttpRequest, XmlHttpRequestResponseType};

use crate::prelude::*;
use crate::ui::{Dialog, DropZone, Picked};
use crate::wire::{OURS, strange};

pub(super) const HINT: &str = "CSV, TSV, XLSX or ODS with a header row, up to 256 MB";
pub(super) const ACCEPT: &str = ".csv,.tsv,.txt,.xlsx,.ods";
/// What the browser knows about a request that got no answer.
const NO_ANSWER: u16 = 0;

/// The import dialog: one drop zone; the rest happens on the import's page.
#[component]
pub fn ImportDialog(open: RwSignal<bool>) -> impl IntoView {
    view! {
        <Dialog
            open=open
            id="import"
            title="Import contacts"
            description="Choose a file. You map its columns and see what would happen before anything is stored."
            consequence="Nothing is stored before you say so."
        >
            <UploadForm kind=ImportKind::Contacts/>
        </Dialog>
    }
}

/// The drop zone and what happens when a file falls into it.
#[component]
fn UploadForm(kind: ImportKind) -> impl IntoView {
    let (sent, error) = (RwSignal::new(None::<f64>), RwSignal::new(None::<String>));
    let picked = RwSignal::new(None::<Picked>);
    let navigate = StoredValue::new(use_navigate());
    let finished = move |answer: Result<ImportId, Error>| {
        // The dialog may be closed by now; then nobody waits for the answer.
        sent.try_set(None);
        match answer {
            Ok(id) => {
                navigate.try_with_value(|go| go(&format!("/imports/{id}"), Default::default()));
            }
            Err(problem) => {
                error.try_set(Some(told(&problem)));
            }
        }
    };
    let start = move |file: File| {
        error.set(None);
        if file.size() > FILE_BYTES_MAX as f64 {
            error.set(Some("This file is larger than 256 MB. Split it and import the parts.".to_owned()));
            return;
        }
        sent.set(Some(0.0));
        send(&file, kind, sent, Callback::new(finished));
    };
    view! {
        <form method="post" action="/imports/upload-form" enctype="multipart/form-data" class="flex flex-col gap-3" on:submit=|event| event.prevent_default()>
            <input type="hidden" name="kind" value=kind.as_str()/>
            <DropZone name="file" hint=HINT accept=ACCEPT picked=picked progress=sent error=error on_file=Callback::new(start)/>
            <button class="btn btn-primary filter-apply self-start" type="submit">"Upload file"</button>
        </form>
    }
}

fn told(error: &Error) -> String {
    match error {
        Error::Invalid { fields } => fields.values().next().cloned().unwrap_or_else(|| error.to_string()),
        _ => error.to_string(),
    }
}

/// Streams the file as a raw body. `sent` follows in percent; `finished` gets the id of the import.
fn send(file: &File, kind: ImportKind, sent: RwSignal<Option<f64>>, finished: Callback<Result<ImportId, Error>>) {
    let url = format!("/imports/upload?kind={}&name={}", kind.as_str(), Url::escape(&file.name()));
    let offline = || Error::Unavailable { provider: "Belfry".to_owned() };
    let Ok(request) = XmlHttpRequest::new() else { return finished.run(Err(offline())) };
    if request.open("POST", &url).and_then(|()| request.set_request_header("accept", OURS)).is_err() {
        return finished.run(Err(offline()));
    }
    request.set_response_type(XmlHttpRequestResponseType::Arraybuffer);
    if let Ok(upload) = request.upload() {
        let progress = Closure::<dyn Fn(ProgressEvent)>::new(move |event: ProgressEvent| {
            if event.total() > 0.0 {
                sent.try_set(Some(event.loaded() * 100.0 / event.total()));
            }
        });
        upload.set_onprogress(Some(progress.as_ref().unchecked_ref()));
        // Lives as long as the request, which the page cannot outlive.
        progress.forget();
    }
    let answered = request.clone();
    let done = Closure::once_into_js(move || finished.run(read(&answered)));
    request.set_onloadend(Some(done.unchecked_ref()));
    if request.send_with_opt_blob(Some(file)).is_err() {
        request.abort().ok();
    }
}

/// The id of the import, or why there is none.
fn read(request: &XmlHttpRequest) -> Result<ImportId, Error> {
    let status = request.status().unwrap_or(NO_ANSWER);
    let body = request.response().map(|buffer| js_sys::Uint8Array::new(&buffer).to_vec()).unwrap_or_default();
    match status {
        NO_ANSWER => Err(Error::Unavailable { provider: "Belfry".to_owned() }),
        200..300 => import_id(&String::from_utf8_lossy(&body))
            .ok_or_else(|| Error::Internal { trace: "no import in the answer".to_owned() }),
        _ => Err(unpack(&body).unwrap_or_else(|_| strange(status))),
    }
}

/// `{"id":"imp_…"}`: one field is not worth a JSON reader in the browser.
fn import_id(body: &str) -> Option<ImportId> {
    let start = body.find(&format!("{}_", ImportId::PREFIX))?;
    body[start..].split('"').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_read_from_the_answer() {
        let id = "imp_0191d2c4a5b67c8d9e0f112233445566";
        assert_eq!(import_id(&format!("{{\"id\":\"{id}\"}}")).map(|id| id.to_string()).as_deref(), Some(id));
        assert_eq!(import_id("{}"), None);
    }
}
