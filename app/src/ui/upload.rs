//! Choosing a file: the native input fills the zone, so dropping, clicking and the keyboard all work without scripts, and the
//! file travels with its form. Sending it with progress is the caller's business.

use leptos::{ev, html};

use super::{Icon, Progress, field::error_line, some};
use crate::prelude::*;

/// What was chosen, for showing.
#[derive(Clone, Debug, PartialEq)]
pub struct Picked {
    pub name: String,
    pub bytes: f64,
}

/// 4300000 → "4.1 MB"; whole bytes below a kilobyte.
pub fn file_size(bytes: f64) -> String {
    let units = ["B", "KB", "MB", "GB"];
    let mut size = bytes.max(0.0);
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < units.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{size:.0} B") } else { format!("{size:.1} {}", units[unit]) }
}

/// A drop zone. `accept` lists endings (".csv,.xlsx"). `on_file` gets the file; `progress` (0–100) shows a bar while sending.
#[component]
pub fn DropZone(
    #[prop(into)] name: String,
    /// Accessible name and first line: "Drop a file here, or browse".
    #[prop(default = "Drop a file here, or browse".into(), into)]
    label: String,
    /// What is taken: "CSV, XLSX or ODS, up to 50 MB".
    #[prop(optional, into)]
    hint: String,
    #[prop(optional, into)] accept: String,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional)] picked: Option<RwSignal<Option<Picked>>>,
    #[prop(optional, into)] progress: Signal<Option<f64>>,
    #[prop(optional, into)] on_file: Option<Callback<web_sys::File>>,
) -> impl IntoView {
    let picked = picked.unwrap_or_else(|| RwSignal::new(None));
    let over = RwSignal::new(false);
    let node = NodeRef::<html::Input>::new();
    let changed = move |_: ev::Event| {
        over.set(false);
        let file = node.get_untracked().and_then(|input| input.files()).and_then(|files| files.get(0));
        picked.set(file.as_ref().map(|file| Picked { name: file.name(), bytes: file.size() }));
        if let (Some(file), Some(on_file)) = (file, on_file) {
            on_file.run(file);
        }
    };
    let id = format!("f-{name}");
    let hint_id = format!("{id}-hint");
    let error_id = format!("{id}-error");
    let described = hint_id.clone();
    let for_id = id.clone();
    let words = move || match picked.get() {
        Some(file) => (icondata::LuFileText, file.name, file_size(file.bytes)),
        None => (icondata::LuUpload, label.clone(), hint.clone()),
    };
    view! {
        <div class="field">
            <label
                class="drop"
                class:over=over
                for=for_id
                on:dragenter=move |_| over.set(true)
                on:dragleave=move |_| over.set(false)
            >
                {move || {
                    let (icon, first, second) = words();
                    view! {
                        <span class="icon-wrap" aria-hidden="true"><Icon icon=icon/></span>
                        <span class="max-w-full truncate font-medium">{first}</span>
                        <span class="hint" id=hint_id.clone()>{second}</span>
                    }
                }}
                <input
                    node_ref=node
                    id=id
                    type="file"
                    name=name
                    accept=some(accept)
                    aria-describedby=described
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                    on:change=changed
                />
            </label>
            {move || progress.get().map(|percent| view! { <Progress percent=percent label="Upload" done=format!("{percent:.0}% sent")/> })}
            {error_line(error_id, error)}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_like_a_person_would_say_them() {
        assert_eq!(file_size(812.0), "812 B");
        assert_eq!(file_size(4_300_000.0), "4.1 MB");
    }
}
