//! The entry point of the browser: takes over the page that the server rendered. Nothing else, for ever.

// A view is one type as deep as its markup.
#![recursion_limit = "512"]

/// Called by the script that Leptos puts into every page.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
}
