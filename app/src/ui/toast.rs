//! Short messages that pass. Only for what no field can show: something finished, something can be undone.

use std::time::Duration;

use super::{Button, Icon, IconButton, Size, Tone, Variant, join, some};
use crate::prelude::*;

/// How long a toast stays; failures stay until closed.
const STAYS: Duration = Duration::from_secs(6);
/// More than this push the oldest out.
const SHOWN_MAX: usize = 4;

/// One message, perhaps with something to do about it.
#[derive(Clone)]
pub struct Toast {
    id: u32,
    tone: Tone,
    title: String,
    text: String,
    action: Option<(String, Callback<()>)>,
}

impl Toast {
    /// A message with its tone.
    pub fn new(tone: Tone, title: impl Into<String>) -> Self {
        Self { id: 0, tone, title: title.into(), text: String::new(), action: None }
    }
    /// A quieter second line.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }
    /// A button, e.g. "Undo".
    pub fn action(mut self, label: impl Into<String>, run: impl Fn() + Send + Sync + 'static) -> Self {
        self.action = Some((label.into(), Callback::new(move |()| run())));
        self
    }
}

/// The messages on screen; from `use_toasts()`.
#[derive(Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next: RwSignal<u32>,
}

impl Toasts {
    /// Shows a message. Failures stay, others pass after six seconds.
    pub fn show(self, mut toast: Toast) {
        let id = self.next.get_untracked();
        self.next.set(id.wrapping_add(1));
        toast.id = id;
        let stays = toast.tone == Tone::Danger;
        self.shown.update(|shown| {
            shown.push(toast);
            if shown.len() > SHOWN_MAX {
                shown.remove(0);
            }
        });
        if !stays {
            set_timeout(move || self.close(id), STAYS);
        }
    }
    /// Something went well.
    pub fn success(self, title: impl Into<String>) {
        self.show(Toast::new(Tone::Success, title));
    }
    /// Something failed that no field can show.
    pub fn error(self, title: impl Into<String>) {
        self.show(Toast::new(Tone::Danger, title));
    }
    fn close(self, id: u32) {
        // The app may be gone by the time the clock runs out.
        let _ = self.shown.try_update(|shown| shown.retain(|toast| toast.id != id));
    }
}

/// Makes `use_toasts()` work below; call once at the top, beside `<ToastHost/>`.
pub fn provide_toasts() -> Toasts {
    let toasts = Toasts { shown: RwSignal::new(Vec::new()), next: RwSignal::new(0) };
    provide_context(toasts);
    toasts
}

/// The toasts of this page. Outside `provide_toasts()` messages go nowhere rather than panic.
pub fn use_toasts() -> Toasts {
    use_context().unwrap_or_else(|| Toasts { shown: RwSignal::new(Vec::new()), next: RwSignal::new(0) })
}

/// Where toasts appear: a polite live region at the page's end corner.
#[component]
pub fn ToastHost() -> impl IntoView {
    let toasts = use_toasts();
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || toasts.shown.get() key=|toast| toast.id children=move |toast| toast_view(toasts, toast)/>
        </div>
    }
}

fn toast_view(toasts: Toasts, toast: Toast) -> AnyView {
    let id = toast.id;
    let action = toast.action.map(|(label, run)| {
        let act = move |_| {
            run.run(());
            toasts.close(id);
        };
        view! { <Button variant=Variant::Link size=Size::Small on:click=act>{label}</Button> }
    });
    view! {
        <div class=join("toast", toast.tone.class())>
            <Icon icon=toast.tone.icon() class="mt-0.5 tone-text"/>
            <div class="min-w-0 flex-1">
                <p class="font-medium">{toast.title}</p>
                {some(toast.text).map(|text| view! { <p class="text-muted-foreground">{text}</p> })}
            </div>
            {action}
            <IconButton icon=icondata::LuX label="Dismiss" size=Size::Small class="-my-1.5 -me-2" on:click=move |_| toasts.close(id)/>
        </div>
    }
}
