//! `/find?q=…`: the same as the command menu, for who has no scripts or stands on a plain page.

use icondata as i;
use leptos_router::hooks::use_query_map;

use super::{FindAnything, Found};
use crate::plain::{PlainPage, answered};
use crate::prelude::*;
use crate::screen::text;
use crate::ui::{Button, Card, Empty, Input};
use crate::wire::Answer;

const TITLE: &str = "Search";

/// `/find?q=…`
#[component]
pub fn FindPage() -> impl IntoView {
    let asked = use_query_map().with_untracked(|query| text(query, "q"));
    let question = asked.clone();
    let answer = Answer::blocking(move || FindAnything { text: question.clone() });
    answered(answer, TITLE, Vec::new(), move |found| {
        let results = (!asked.is_empty()).then(|| list(found));
        view! {
            <PlainPage title=TITLE description="Contacts, campaigns and agents by name, people and calls by number.">
                <form method="get" action="/find" role="search" class="flex gap-2">
                    <Input kind="search" name="q" label="Search for" value=asked autocomplete="off" attr:autofocus=true/>
                    <Button submit=true>"Search"</Button>
                </form>
                {results}
            </PlainPage>
        }
    })
}

fn list(found: Vec<Found>) -> AnyView {
    if found.is_empty() {
        return view! {
            <Card><Empty icon=i::LuSearchX title="Nothing is called so" text="Try the beginning of a name, or a number with its country code."/></Card>
        };
    }
    let lines = found
        .into_iter()
        .map(|found| {
            view! {
                <li class="p-4">
                    <a class="link font-medium" href=found.href>{found.title}</a>
                    <p class="text-sm text-muted-foreground">{found.about}</p>
                </li>
            }
        })
        .collect_view();
    view! { <Card flush=true><ul class="divide-y">{lines}</ul></Card> }
}
