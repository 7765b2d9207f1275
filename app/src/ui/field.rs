//! A labelled control: label, hint, error and the ids that tie them together. The control inside reads them from context,
//! so a screen writes `<Field label="Name" name="name"><Input/></Field>` and the ARIA is right.

use leptos::context::Provider;

use super::{Icon, some};
use crate::prelude::*;

/// What a control needs to know about the field it stands in.
#[derive(Clone)]
pub(super) struct FieldContext {
    pub id: String,
    pub name: String,
    pub has_hint: bool,
    pub error: Signal<Option<String>>,
    pub required: bool,
}

impl FieldContext {
    /// Ids of hint and error, whichever are there.
    pub fn described_by(&self) -> Option<String> {
        let id = &self.id;
        match (self.has_hint, self.error.with(Option::is_some)) {
            (false, false) => None,
            (true, false) => Some(format!("{id}-hint")),
            (false, true) => Some(format!("{id}-error")),
            (true, true) => Some(format!("{id}-error {id}-hint")),
        }
    }
}

/// Label, hint and error around one control. `name` becomes the control's `name` and (as `f-name`) its id.
#[component]
pub fn Field(
    #[prop(into)] label: String,
    /// The form field's name.
    #[prop(into)]
    name: String,
    /// Where another form of the page has a field of this name.
    #[prop(optional, into)]
    id: Option<String>,
    #[prop(optional, into)] hint: String,
    /// Shown under the control and announced; the control becomes `aria-invalid`.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// Says "optional" after the label. Fields without it are expected to be filled.
    #[prop(optional)]
    optional: bool,
    #[prop(optional)] required: bool,
    /// Something at the label's end, e.g. a "Forgotten?" link.
    #[prop(optional, into)]
    aside: Option<ViewFn>,
    #[prop(optional, into)] class: String,
    children: Children,
) -> impl IntoView {
    // The field's name, so server and browser agree.
    let id = id.unwrap_or_else(|| format!("f-{name}"));
    let context = FieldContext { id: id.clone(), name, has_hint: !hint.is_empty(), error, required };
    let hint = some(hint).map(|hint| view! { <p class="hint" id=format!("{id}-hint")>{hint}</p> });
    let error_id = format!("{id}-error");
    let label = view! {
        <label class="label" for=id>
            {label}
            {optional.then(|| view! { <span class="font-normal text-muted-foreground">" optional"</span> })}
        </label>
    };
    view! {
        <div class=super::join("field", &class)>
            <div class="flex justify-between gap-3">{label} {aside.map(|aside| aside.run())}</div>
            <Provider value=context>{children()}</Provider>
            {error_line(error_id, error)}
            {hint}
        </div>
    }
}

/// An error in its place. The live region is always there, else an error that appears later is not announced.
pub(super) fn error_line(id: String, error: Signal<Option<String>>) -> impl IntoView {
    let line = move || {
        error.get().map(|text| {
            view! {
                <p class="error" id=id.clone()>
                    <Icon icon=icondata::LuCircleAlert class="size-3.5"/>
                    {text}
                </p>
            }
        })
    };
    view! { <div role="alert" class="contents">{move || line()}</div> }
}

/// Several controls under one question: a `fieldset` with a legend.
#[component]
pub fn FieldGroup(
    #[prop(into)] legend: String,
    #[prop(optional, into)] hint: String,
    #[prop(optional, into)] class: String,
    children: Children,
) -> impl IntoView {
    view! {
        <fieldset class="min-w-0">
            <legend class="label mb-1.5">{legend}</legend>
            {some(hint).map(|hint| view! { <p class="hint -mt-1 mb-2">{hint}</p> })}
            <div class=super::join("flex flex-col gap-2.5 text-sm", &class)>{children()}</div>
        </fieldset>
    }
}
