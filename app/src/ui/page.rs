//! The head of a page: the one `h1`, a sentence, the primary action, breadcrumbs on detail pages.

use super::{Icon, some};
use crate::prelude::*;

/// One step of the way to this page.
#[derive(Clone)]
pub struct Crumb {
    label: String,
    href: String,
}

impl Crumb {
    /// A link of the breadcrumbs.
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: href.into() }
    }
}

/// Title, one sentence, and actions as children at the end. `crumbs` are the pages above, without this one.
/// `beside` stands next to the title (a status badge).
#[component]
pub fn PageHeader(
    #[prop(into)] title: Signal<String>,
    #[prop(optional, into)] description: Signal<String>,
    #[prop(optional)] crumbs: Vec<Crumb>,
    #[prop(optional, into)] beside: Option<ViewFn>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let trail = (!crumbs.is_empty()).then(|| {
        let links = crumbs
            .into_iter()
            .map(|crumb| {
                view! {
                    <li class="flex items-center gap-1.5">
                        <a href=crumb.href>{crumb.label}</a>
                        <Icon icon=icondata::LuChevronRight class="size-3.5 opacity-60 rtl:-scale-x-100"/>
                    </li>
                }
            })
            .collect_view();
        view! {
            <nav aria-label="Breadcrumbs">
                <ol class="crumbs">{links} <li aria-current="page" class="truncate text-foreground">{title}</li></ol>
            </nav>
        }
    });
    view! {
        <header class="page-head">
            <div class="min-w-0">
                {trail}
                <div class="flex flex-wrap items-center gap-x-3 gap-y-1">
                    <h1>{title}</h1>
                    {beside.map(|beside| move || beside.run())}
                </div>
                {move || some(description.get()).map(|text| view! { <p>{text}</p> })}
            </div>
            {children.map(|children| view! { <div class="flex flex-wrap items-center gap-2">{children()}</div> })}
        </header>
    }
}
