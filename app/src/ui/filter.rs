//! The bar above a list: search and selects in a GET form, so the query string is the state and it works without scripts.

use leptos::ev;

use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast;

use super::{Icon, LinkButton, Opt, Select, Size, Variant, join};
use crate::prelude::*;

/// Submits the form an element stands in, as if its button had been pressed.
fn submit_form_of(event: &ev::Event) {
    let element = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let form = element.and_then(|element| element.closest("form").ok().flatten());
    if let Some(form) = form.and_then(|form| form.dyn_into::<web_sys::HtmlFormElement>().ok()) {
        // Only fails for a button that is not the form's; there is none here.
        let _ = form.request_submit();
    }
}

/// What a form would send, as a query string without the fields left empty.
fn query_of(form: &web_sys::HtmlFormElement) -> String {
    let pairs = web_sys::FormData::new_with_form(form).ok().and_then(|data| js_sys::try_iter(&data).ok().flatten());
    let mut query = String::new();
    for pair in pairs.into_iter().flatten().flatten() {
        let pair = js_sys::Array::from(&pair);
        if let (Some(name), Some(value)) = (pair.get(0).as_string(), pair.get(1).as_string())
            && !value.is_empty()
        {
            let (name, value) = (js_sys::encode_uri_component(&name), js_sys::encode_uri_component(&value));
            let sign = if query.is_empty() { '?' } else { '&' };
            query.push_str(&format!("{sign}{name}={value}"));
        }
    }
    query
}

/// Search plus filters as a GET form to `action`. Put `FilterSelect`s, `Chip`s and hidden inputs inside.
/// Changing a select submits; `clear_href` shows a Clear link.
#[component]
pub fn FilterBar(
    #[prop(into)] action: String,
    /// Accessible name: "Filter campaigns".
    #[prop(into)]
    label: String,
    #[prop(optional, into)] search: String,
    #[prop(default = "q".into(), into)] search_name: String,
    /// Says what is searched for; without it there is no search.
    #[prop(optional, into)]
    placeholder: String,
    /// Where "Clear" leads; empty while nothing is filtered.
    #[prop(optional, into)]
    clear_href: String,
    /// Buttons at the end of the bar.
    #[prop(optional, into)]
    actions: Option<ViewFn>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let clear = super::some(clear_href)
        .map(|href| view! { <LinkButton href=href variant=Variant::Ghost size=Size::Small>"Clear"</LinkButton> });
    let search = super::some(placeholder).map(|placeholder| {
        view! {
            <label class="relative w-full sm:w-64">
                    <span class="sr-only">{placeholder.clone()}</span>
                    <Icon icon=icondata::LuSearch class="pointer-events-none absolute start-2.5 top-2 text-muted-foreground"/>
                    // The property follows Clear, Back and Forward; the attribute alone does not once somebody typed.
                    <input
                        class="input input-sm ps-8"
                        type="search"
                        name=search_name
                        value=search.clone()
                        prop:value=search
                        placeholder=placeholder
                        aria-keyshortcuts="/"
                    />
                </label>
        }
    });
    let navigate = use_navigate();
    let target = action.clone();
    let go = move |event: ev::SubmitEvent| {
        let form = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlFormElement>().ok());
        if let Some(form) = form {
            event.prevent_default();
            navigate(&format!("{target}{}", query_of(&form)), NavigateOptions { scroll: false, ..Default::default() });
        }
    };
    view! {
        <search aria-label=label>
            <form class="filter-bar" method="get" action=action on:change=move |event| submit_form_of(&event) on:submit=go>
                {search}
                {children.map(|children| children())}
                // Seen only without scripts, reachable by keyboard always: a form needs a way to be sent.
                <button class="btn btn-outline btn-sm filter-apply" type="submit">"Apply"</button>
                {clear}
                {actions.map(|actions| view! { <div class="ms-auto flex items-center gap-2">{actions.run()}</div> })}
            </form>
        </search>
    }
}

/// A select of the filter bar: grey name, then the value. The first option should be "Any" with an empty value.
#[component]
pub fn FilterSelect(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    options: Vec<Opt>,
    #[prop(optional, into)] value: String,
    #[prop(optional, into)] class: String,
) -> impl IntoView {
    let class = join("filter-select", &class);
    let id = format!("filter-{name}");
    view! {
        <div class=class>
            <label for=id.clone()>{label}</label>
            <Select id=id name=name options=options value=value.clone() size=Size::Small prop:value=value/>
        </div>
    }
}
