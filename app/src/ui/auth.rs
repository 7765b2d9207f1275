//! The page before the frame: sign-in, register, reset. A form in the middle, and on wide screens a quiet panel beside it.

use super::{Icon, Logo, some};
use crate::prelude::*;

/// Logo, a centred form under its `h1`, and a footer. `aside` fills the second half on wide screens.
#[component]
pub fn AuthLayout(
    #[prop(into)] title: Signal<String>,
    /// The sentence under the title; may hold a link.
    #[prop(optional, into)]
    lead: Option<ViewFn>,
    #[prop(optional, into)] aside: Option<ViewFn>,
    /// Links at the bottom: terms, privacy.
    #[prop(optional, into)]
    foot: Option<ViewFn>,
    /// Wider form, for steps with cards.
    #[prop(optional)]
    wide: bool,
    children: Children,
) -> impl IntoView {
    let two = aside.is_some();
    view! {
        <div class=if two { "grid min-h-dvh lg:grid-cols-2" } else { "grid min-h-dvh" }>
            <div class="flex min-w-0 flex-col px-6 py-8 sm:px-12">
                <header><a class="inline-flex rounded-md" href="/" aria-label="Belfry, start page"><Logo/></a></header>
                <main id="main" class=if wide { "m-auto w-full max-w-120 py-12" } else { "m-auto w-full max-w-90 py-12" }>
                    <h1 class="text-2xl font-semibold tracking-[-0.022em]">{title}</h1>
                    {lead.map(|lead| view! { <p class="mt-1 text-muted-foreground">{lead.run()}</p> })}
                    <div class="mt-8">{children()}</div>
                </main>
                <footer class="flex gap-5 text-xs text-muted-foreground">{foot.map(|foot| foot.run())}</footer>
            </div>
            {aside.map(|aside| view! {
                <aside class="hidden border-s bg-sidebar px-12 py-8 lg:flex lg:flex-col lg:justify-center">{aside.run()}</aside>
            })}
        </div>
    }
}

/// What the panel beside the form says: a sentence and a few points, each an icon, a title and a line.
#[component]
pub fn AuthPoints(#[prop(into)] title: String, points: Vec<(icondata::Icon, String, String)>) -> impl IntoView {
    let points = points
        .into_iter()
        .map(|(icon, title, text)| {
            view! {
                <li class="flex gap-3.5">
                    <Icon icon=icon class="mt-0.5 size-5 text-primary"/>
                    <div>
                        <p class="font-medium text-foreground">{title}</p>
                        <p class="text-sm text-muted-foreground">{text}</p>
                    </div>
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="mx-auto w-full max-w-100">
            <p class="text-2xl font-semibold tracking-[-0.022em] text-balance text-foreground">{title}</p>
            <ul class="mt-8 flex flex-col gap-6">{points}</ul>
        </div>
    }
}

/// A line with words in it, between two ways to do the same.
#[component]
pub fn OrDivider(#[prop(default = "or".into(), into)] text: String) -> impl IntoView {
    view! {
        <div class="my-6 flex items-center gap-3 text-xs text-muted-foreground">
            <span class="h-px flex-1 bg-border"></span>
            {some(text)}
            <span class="h-px flex-1 bg-border"></span>
        </div>
    }
}
