//! Text to copy: a code block and the copy button, which says so when it has copied.

use super::{Button, Icon, Size, Variant};
use crate::prelude::*;

/// How long the button says "Copied".
const COPIED_FOR: std::time::Duration = std::time::Duration::from_millis(1600);

/// Copies `text`. `label` is the button's words; the change to "Copied" is announced.
#[component]
pub fn CopyButton(
    #[prop(into)] text: Signal<String>,
    #[prop(default = "Copy".into(), into)] label: String,
    #[prop(default = Variant::Ghost)] variant: Variant,
    #[prop(optional, into)] class: String,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let copy = move |_| {
        let clipboard = window().navigator().clipboard();
        // The promise is left alone: a refused permission leaves the text selectable, which is the fallback.
        let _ = clipboard.write_text(&text.get_untracked());
        copied.set(true);
        let done = move || {
            // The button may be gone by then.
            let _ = copied.try_set(false);
        };
        set_timeout(done, COPIED_FOR);
    };
    view! {
        <Button variant=variant size=Size::Small class=class on:click=copy>
            {move || {
                let icon = if copied.get() { icondata::LuCheck } else { icondata::LuCopy };
                view! { <Icon icon=icon class="size-3.5"/> }
            }}
            <span aria-live="polite">{move || if copied.get() { "Copied".to_owned() } else { label.clone() }}</span>
        </Button>
    }
}

/// Code or a key, with a copy button. `label` names it ("curl", "Webhook secret").
#[component]
pub fn CodeBlock(#[prop(into)] code: Signal<String>, #[prop(into)] label: String) -> impl IntoView {
    let named = label.clone();
    view! {
        <div class="overflow-hidden rounded-lg border">
            <div class="flex items-center justify-between border-b bg-muted/60 py-1 ps-3 pe-1">
                <span class="text-xs text-muted-foreground">{label}</span>
                <CopyButton text=code/>
            </div>
            <pre class="overflow-x-auto p-3 font-mono text-xs leading-5" tabindex="0" role="region" aria-label=named>
                <code>{code}</code>
            </pre>
        </div>
    }
}
