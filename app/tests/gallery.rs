//! The component library as the server renders it: the gallery holds every component, so what is wrong here is wrong
//! everywhere. Needs the `ssr` feature; without it Leptos renders nothing.

use std::collections::HashSet;

use app::ui::gallery::Gallery;
use leptos::prelude::*;
use leptos_router::{components::Router, location::RequestUrl};

fn html() -> String {
    let owner = Owner::new();
    owner.with(|| {
        provide_context(RequestUrl::new("/dev/ui"));
        view! { <Router><Gallery/></Router> }.to_html()
    })
}

/// Every value of an attribute, in order.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    html.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_component_renders_without_a_browser() {
    let html = html();
    assert!(html.contains("What happened"), "the gallery was cut short");
    assert!(html.len() > 20_000, "only {} bytes", html.len());
}

#[test]
fn ids_are_unique_and_what_refers_to_one_finds_it() {
    let html = html();
    let ids = values(&html, "id");
    let known: HashSet<_> = ids.iter().collect();
    assert_eq!(known.len(), ids.len(), "an id is used twice: {ids:?}");
    for attribute in ["for", "aria-describedby", "popovertarget"] {
        let targets = values(&html, attribute);
        assert!(!targets.is_empty(), "nothing has {attribute}");
        for target in targets.iter().flat_map(|ids| ids.split(' ')) {
            assert!(known.contains(&target), "{attribute} names {target}, which is nowhere");
        }
    }
}

#[test]
fn a_button_without_words_has_a_name() {
    let html = html();
    for button in html.split("<button").skip(1).filter_map(|rest| rest.split("</button>").next()) {
        let (tag, inside) = button.split_once('>').unwrap_or((button, ""));
        let mut text = String::new();
        let mut in_tag = false;
        for c in inside.chars() {
            match c {
                '<' => in_tag = true,
                '>' => in_tag = false,
                c if !in_tag => text.push(c),
                _ => {}
            }
        }
        assert!(tag.contains("aria-label=") || !text.trim().is_empty(), "no name: <button{button}");
    }
}
