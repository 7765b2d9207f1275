//! Every component in every state, at `/dev/ui`. What is not here does not exist yet; visual snapshots are taken of this page.
//! The words are samples; nothing here is read from anywhere.

use super::PageHeader;
use crate::prelude::*;

mod controls;
mod data;
mod overlays;

use controls::{buttons, choices, colours, fields, files, hours_editor};
use data::{charts, facts, figures, marks, nothing, table, table_states};
use overlays::{notes, overlays, steps};

/// The gallery page; stands inside the frame like any other.
#[component]
pub fn Gallery() -> impl IntoView {
    view! {
        <PageHeader title="Components" description="Every part in every state. What is not here does not exist yet."/>
        {colours()}
        {section("Buttons", buttons())}
        {section("Fields", fields())}
        {section("Choices", choices())}
        {section("Opening hours", hours_editor())}
        {section("Badges, chips, progress", marks())}
        {section("Figures", figures())}
        {section("Charts", charts())}
        {section("Filter and table", table())}
        {section("Table states", table_states())}
        {section("Nothing and failure", nothing())}
        {section("Overlays", overlays())}
        {section("Notes and toasts", notes())}
        {section("Steps, tabs, timeline", steps())}
        {section("Files and mapping", files())}
        {section("Facts and code", facts())}
    }
}

fn section(title: &'static str, body: AnyView) -> AnyView {
    view! {
        <section class="mb-10" aria-label=title>
            <h2 class="mb-4 border-b pb-2 text-base font-semibold">{title}</h2>
            {body}
        </section>
    }
}
