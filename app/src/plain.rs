//! Pages that are plain HTML inside the frame: a head, and below it cards. They come without scripts, so their modules are the
//! server's alone; see `auth::PLAIN`.

use leptos::tachys::reactive_graph::OwnedView;
use leptos_meta::Title;
use model::Error;
use serde::{Serialize, de::DeserializeOwned};

use crate::prelude::*;
use crate::ssr::{said, set_status};
use crate::ui::{Crumb, Note, PageHeader, PageHeaderProps, Tone};
use crate::wire::Answer;

/// Title, head and body of one. `crumbs` lead back; `actions` stand at the head's end. `wide` is for tables: a form as broad as
/// the screen is hard to read.
#[component]
pub fn PlainPage(
    #[prop(into)] title: String,
    #[prop(optional, into)] description: String,
    #[prop(optional)] crumbs: Vec<Crumb>,
    #[prop(optional, into)] beside: Option<ViewFn>,
    #[prop(optional, into)] actions: Option<ViewFn>,
    #[prop(optional)] wide: bool,
    children: Children,
) -> impl IntoView {
    let actions = actions.map(|actions| -> Children { Box::new(move || actions.run()) });
    view! {
        <Title text=title.clone()/>
        <div class=if wide { "" } else { "max-w-3xl" }>
            {PageHeader(PageHeaderProps {
                title: Signal::stored(title),
                description: Signal::stored(description),
                crumbs,
                beside,
                children: actions,
            })}
            <div class="flex flex-col gap-6">
                {said().map(|said| view! { <Note tone=Tone::Success live=true>{said}</Note> })}
                {children()}
            </div>
        </div>
    }
}

/// Draws `view` once the answer is there; else says why it is not, in a page that is called `title`.
pub fn answered<T>(
    answer: Answer<T>,
    title: &'static str,
    crumbs: Vec<Crumb>,
    view: impl FnOnce(T) -> AnyView + Send + 'static,
) -> AnyView
where
    T: Serialize + DeserializeOwned + Send + 'static,
{
    let page = async move {
        match answer.ready().await {
            Ok(answer) => view(answer),
            Err(error) => away(title, crumbs, &error),
        }
    };
    // A lone `Suspend` forgets whose page it draws, so the view remembers.
    Suspend::new(async move { OwnedView::new(page.await) }).into_any()
}

/// A page that cannot be shown, and why.
pub fn away(title: &'static str, crumbs: Vec<Crumb>, error: &Error) -> AnyView {
    set_status(error);
    let why = error.to_string();
    view! { <PlainPage title=title crumbs=crumbs><Note tone=Tone::Warning>{why}</Note></PlainPage> }
}
