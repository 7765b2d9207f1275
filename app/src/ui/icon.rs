//! Icons and the mark. Drawn from Lucide data compiled in; only icons that are named end up in the wasm.
//! Icons are decoration: the accessible name belongs to the button, link or text beside them.

use crate::prelude::*;

/// A Lucide icon, 16 px unless `class` says otherwise: `<Icon icon=icondata::LuPlus/>`.
#[component]
pub fn Icon(icon: icondata::Icon, #[prop(optional, into)] class: String) -> impl IntoView {
    let class = super::join("icon", &class);
    view! { <svg class=class viewBox="0 0 24 24" aria-hidden="true" inner_html=icon.data></svg> }
}

/// The mark: a tower window with the bell cut out of it.
const MARK: &str = r#"<path d="M4 15a12 12 0 0 1 24 0v11.5a3.5 3.5 0 0 1-3.5 3.5h-17A3.5 3.5 0 0 1 4 26.5z" fill="var(--primary)"/><path d="M16 8.2c-3.7 0-5.6 2.7-5.6 6.4v3.1c0 1.1-.5 2-1.4 2.8-.7.6-.3 1.7.6 1.7h12.8c.9 0 1.3-1.1.6-1.7-.9-.8-1.4-1.7-1.4-2.8v-3.1c0-3.7-1.9-6.4-5.6-6.4z" fill="var(--primary-foreground)"/><circle cx="16" cy="25" r="1.9" fill="var(--primary-foreground)"/>"#;

/// Mark and wordmark. Put it inside a link to the start page.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <span class="inline-flex items-center gap-2.5">
            <svg class="size-6 shrink-0" viewBox="0 0 32 32" aria-hidden="true" inner_html=MARK></svg>
            <span class="text-lg font-semibold tracking-[-0.02em] text-foreground">"Belfry"</span>
        </span>
    }
}
