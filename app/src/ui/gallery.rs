//! Every component in every state, at `/dev/ui`. What is not here does not exist yet; visual snapshots are taken of this page.

use leptos::prelude::*;

/// The gallery page.
#[component]
pub fn Gallery() -> impl IntoView {
    view! { <main></main> }
}
