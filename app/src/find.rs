//! The command menu: where to go, what to begin, and what is called so. Pages are known here; what has a name the server looks up.

#[cfg(feature = "ssr")]
pub mod page;

use std::time::Duration;

use icondata as i;
use leptos::ev;
use model::Error;
use model::accounts::{Permission, Role};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::frame::NavItem;
use crate::prelude::*;
use crate::ui::{Dialog, DialogSize, Icon, some, step_focus};
use crate::wire::Late;

/// How many of each noun are offered.
#[cfg(feature = "ssr")]
const EACH: u32 = 5;
/// How long nobody types before the server is asked.
const PAUSE: Duration = Duration::from_millis(150);
/// What the arrows go through.
const STOPS: &str = "input,li a";

/// One thing with a name, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub title: String,
    /// What it is, and what tells it from others of its name.
    pub about: String,
    pub href: String,
}

/// Contacts, campaigns, agents and calls that are called so, as far as the role may see them.
#[server(protocol = crate::wire::Wire)]
pub async fn find_anything(text: String) -> Result<Vec<Found>, Error> {
    use crate::screen::phone;
    use crate::ssr::*;
    use model::agents::AgentFilter;
    use model::calls::CallFilter;
    use model::campaigns::CampaignFilter;
    use model::contacts::ContactFilter;
    use model::page::Paging;

    let mut tx = begin().await?;
    let (search, paging) = (text.trim().to_owned(), Paging::new(1, EACH));
    let mut found = Vec::new();
    if search.is_empty() {
        return Ok(found);
    }
    if tx.actor().may(Permission::ViewCampaigns) {
        let filter = CampaignFilter { search: search.clone(), paging, ..CampaignFilter::default() };
        let rows = services::campaigns::list(&mut tx, &filter).await?.items.into_iter();
        found.extend(rows.map(|row| Found {
            about: format!("Campaign, {}", row.status.label().to_lowercase()),
            href: format!("/campaigns/{}", row.id),
            title: row.name,
        }));
    }
    if tx.actor().may(Permission::ViewContacts) {
        let filter = ContactFilter { search: search.clone(), paging, ..ContactFilter::default() };
        let rows = services::contacts::list(&mut tx, &filter).await?.items.into_iter();
        found.extend(rows.map(|row| Found {
            about: format!("Contact, {}", phone(&row.phone)),
            href: format!("/contacts/{}", row.id),
            title: row.name,
        }));
    }
    if tx.actor().may(Permission::ViewAgents) {
        let filter = AgentFilter { search: search.clone(), paging, ..AgentFilter::default() };
        let rows = services::agents::list(&mut tx, &filter).await?.items.into_iter();
        found.extend(rows.map(|row| Found {
            about: format!("Agent, {}", row.role),
            href: format!("/agents/{}", row.id),
            title: row.name,
        }));
    }
    // Calls are looked up by number.
    if tx.actor().may(Permission::ViewCalls) && search.starts_with(|c: char| c == '+' || c.is_ascii_digit()) {
        let filter = CallFilter { search, paging, ..CallFilter::default() };
        let rows = services::calls::list(&mut tx, &filter).await?.items.into_iter();
        found.extend(rows.map(|row| Found {
            about: format!("Call, {}, {}", phone(&row.phone), row.started_at.short()),
            href: format!("/calls/{}", row.id),
            title: row.contact_name,
        }));
    }
    tx.commit().await?;
    Ok(found)
}

/// What a role can begin.
pub fn beginnings(role: Role) -> Vec<NavItem> {
    let all = [
        (Permission::ManageCampaigns, NavItem::new("/campaigns?new=1", "New campaign", i::LuPlus)),
        (Permission::ManageAgents, NavItem::new("/agents?templates=1", "New agent", i::LuPlus)),
        (Permission::ImportContacts, NavItem::new("/imports/new", "Import contacts", i::LuPlus)),
        (Permission::ManageSettings, NavItem::new("/settings/gateways/new", "Add a gateway", i::LuPlus)),
    ];
    all.into_iter().filter(|(needs, _)| role.may(*needs)).map(|(_, item)| item).collect()
}

/// The menu itself; `places` are the pages and beginnings of a role.
#[component]
pub fn CommandMenu(open: RwSignal<bool>, places: Vec<NavItem>) -> impl IntoView {
    let places = StoredValue::new(places);
    let body = move || open.get().then(|| body(open, places));
    view! {
        <Dialog open=open id="command-menu" title="Search and go" size=DialogSize::Medium flush=true>{body}</Dialog>
    }
}

/// Exists only while the menu is open, so it begins empty each time.
fn body(open: RwSignal<bool>, places: StoredValue<Vec<NavItem>>) -> AnyView {
    let (text, asked) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let found = Late::new(move || some(asked.get().trim().to_owned()).map(|text| FindAnything { text }));
    let typed = move |event: ev::Event| {
        let typed = event_target_value(&event);
        text.set(typed.clone());
        // Asked for once nobody has typed on; the menu may be closed by then.
        set_timeout(
            move || {
                if text.try_get_untracked().as_ref() == Some(&typed) {
                    asked.set(typed);
                }
            },
            PAUSE,
        );
    };
    let go_to = move || {
        let wanted = text.get().trim().to_lowercase();
        let fits = |place: &&NavItem| place.label.to_lowercase().contains(&wanted);
        places.with_value(|places| {
            places
                .iter()
                .filter(fits)
                .map(|place| line(place.icon, place.label.clone(), String::new(), place.href.clone()))
                .collect_view()
        })
    };
    let things = move || match found.get() {
        Some(Ok(found)) if found.is_empty() => remark("Nothing else is called so.".to_owned()),
        Some(Ok(found)) => {
            found.into_iter().map(|one| line(i::LuSearch, one.title, one.about, one.href)).collect_view().into_any()
        }
        Some(Err(error)) => remark(error.to_string()),
        None => ().into_any(),
    };
    // A link that is followed leads away from the menu.
    let leave = move |event: ev::MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if target.is_some_and(|target| matches!(target.closest("li a"), Ok(Some(_)))) {
            open.set(false);
        }
    };
    view! {
        <div on:keydown=keys on:click=leave>
            <label class="flex items-center gap-3 border-b px-5">
                <Icon icon=i::LuSearch class="text-muted-foreground"/>
                <span class="sr-only">"Pages, campaigns, contacts, agents, or a phone number"</span>
                <input
                    class="h-12 w-full bg-transparent outline-none placeholder:text-muted-foreground"
                    type="search"
                    autocomplete="off"
                    placeholder="Pages, campaigns, contacts, agents, or a phone number"
                    on:input=typed
                />
            </label>
            <ul class="nav max-h-[50vh] overflow-y-auto py-2 [&:not(:focus-within)>li:first-child>a]:bg-sidebar-accent">{go_to}{things}</ul>
        </div>
    }
}

fn remark(text: String) -> AnyView {
    view! { <li class="px-2 py-2 text-sm text-muted-foreground">{text}</li> }
}

fn line(icon: icondata::Icon, title: String, about: String, href: String) -> AnyView {
    view! {
        <li><a href=href><Icon icon=icon/><span class="truncate">{title}</span><span class="count">{about}</span></a></li>
    }
}

/// Arrows go up and down; Enter in the field opens the first line.
fn keys(event: ev::KeyboardEvent) {
    let Some(menu) = event.current_target().and_then(|menu| menu.dyn_into::<Element>().ok()) else { return };
    match event.key().as_str() {
        "ArrowDown" => step_focus(&menu, STOPS, true),
        "ArrowUp" => step_focus(&menu, STOPS, false),
        "Enter" if event.target().is_some_and(|target| target.is_instance_of::<web_sys::HtmlInputElement>()) => {
            let first = menu.query_selector("li a").ok().flatten();
            first.and_then(|first| first.dyn_into::<HtmlElement>().ok()).into_iter().for_each(|first| first.click());
        }
        _ => return,
    }
    event.prevent_default();
}
