//! The frame around every signed-in page: sidebar with navigation, minutes and profile; on a phone the same sidebar is a popover
//! that opens from the top bar, without scripts. Takes plain words and signals; it knows no types of the business.

use leptos::html;
use leptos_router::hooks::use_location;
use model::Error;
use server_fn::ServerFn;
use wasm_bindgen::JsCast;

use crate::prelude::*;
use crate::ui::{Avatar, Icon, IconButton, Kbd, LiveDot, Logo, Menu, MenuLine, Meter, initials};

/// The search without scripts.
const FIND: &str = "/find";
/// A year, for the theme cookie.
const THEME_COOKIE_SECONDS: u32 = 31_536_000;

/// One entry of the navigation.
#[derive(Clone)]
pub struct NavItem {
    pub(crate) href: String,
    pub(crate) label: String,
    pub(crate) icon: icondata::Icon,
    count: Signal<String>,
    live: bool,
    section: bool,
    /// Leads to a page that the browser has to ask for.
    pub(crate) external: bool,
    /// Where else it is current.
    holds: &'static [&'static str],
}

impl NavItem {
    /// A link of the sidebar.
    pub fn new(href: impl Into<String>, label: impl Into<String>, icon: icondata::Icon) -> Self {
        Self {
            href: href.into(),
            label: label.into(),
            icon,
            count: Signal::default(),
            live: false,
            section: false,
            external: false,
            holds: &[],
        }
    }
    /// A number at the end; hidden while empty.
    pub fn count(mut self, count: impl Into<Signal<String>>) -> Self {
        self.count = count.into();
        self
    }
    /// Puts the green dot before the count.
    pub fn live(mut self) -> Self {
        self.live = true;
        self
    }
    /// Its page is plain HTML; see `auth::PLAIN`.
    pub fn external(mut self) -> Self {
        self.external = true;
        self
    }
    /// Draws a line above: a new group starts here.
    pub fn section(mut self) -> Self {
        self.section = true;
        self
    }
    /// What belongs to its page and has an address elsewhere.
    pub fn holds(mut self, paths: &'static [&'static str]) -> Self {
        self.holds = paths;
        self
    }
    /// Current for its own page and every page below it; "/" only for itself.
    fn is_current(href: &str, path: &str) -> bool {
        path == href || (href != "/" && path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/')))
    }
}

fn nav_link(item: NavItem, path: Signal<String>) -> AnyView {
    let href = item.href.clone();
    let (count, live, holds) = (item.count, item.live, item.holds);
    let current = move || {
        path.with(|path| NavItem::is_current(&href, path) || holds.iter().any(|held| NavItem::is_current(held, path)))
            .then_some("page")
    };
    let end = move || {
        let text = count.get();
        (!text.is_empty()).then(|| {
            view! {
                <span class="count">
                    {live.then(|| view! { <LiveDot/> })}
                    {text}
                </span>
            }
        })
    };
    view! {
        {item.section.then(|| view! { <div class="my-2 h-px shrink-0 bg-sidebar-border" role="separator"></div> })}
        <a href=item.href aria-current=current rel=item.external.then_some("external")>
            <Icon icon=item.icon/>
            {item.label}
            {move || end()}
        </a>
    }
}

/// Switches between light and dark: the class on `<html>` at once, the cookie for the next page the server renders.
fn switch_theme() {
    let Some(root) = document().document_element() else { return };
    let classes = root.class_list();
    let system_dark = window().match_media("(prefers-color-scheme: dark)").ok().flatten().is_some_and(|m| m.matches());
    let dark = classes.contains("dark") || (system_dark && !classes.contains("light"));
    let (add, remove) = if dark { ("light", "dark") } else { ("dark", "light") };
    // Both are valid class names, and a page that refuses cookies still gets the class.
    let _ = classes.remove_1(remove);
    let _ = classes.add_1(add);
    let _ = js_sys::Reflect::set(document().unchecked_ref(), &"cookie".into(), &theme_cookie(add).into());
}

fn theme_cookie(theme: &str) -> String {
    format!("theme={theme}; Path=/; Max-Age={THEME_COOKIE_SECONDS}; SameSite=Lax")
}

/// The keys that work on every page: Ctrl K and ⌘ K search everywhere, `/` in the list of this page.
fn shortcuts(searching: RwSignal<bool>) {
    Effect::new(move |_| {
        let handle = window_event_listener(leptos::ev::keydown, move |event| {
            let commands = event.ctrl_key() || event.meta_key();
            match event.key().as_str() {
                "k" if commands => searching.update(|open| *open = !*open),
                "/" if !commands && !types(&event) => {
                    let Some(field) = document().query_selector("main input[type=search]").ok().flatten() else { return };
                    // Focus is a courtesy; the field is where it was.
                    let _ = field.unchecked_into::<web_sys::HtmlElement>().focus();
                }
                _ => return,
            }
            event.prevent_default();
        });
        on_cleanup(move || handle.remove());
    });
}

/// Whether a key is text for a field.
fn types(event: &web_sys::KeyboardEvent) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    target.is_some_and(|target| matches!(target.closest("input,textarea,select,dialog"), Ok(Some(_))))
}

/// Sidebar, top bar on a phone, skip link and `<main id="main">`. Must stand inside the router.
#[component]
pub fn Frame(
    #[prop(into)] company: Signal<String>,
    /// What kind of company, in a quiet second line.
    #[prop(into)]
    company_type: Signal<String>,
    #[prop(into)] user: Signal<String>,
    #[prop(into)] role: Signal<String>,
    nav: Vec<NavItem>,
    /// A colour on which white can be read, as CSS, for the company's sign.
    accent: Option<String>,
    /// A picture instead of our own.
    logo: Option<String>,
    /// The available minutes as text; the block is hidden while empty.
    #[prop(optional, into)]
    available: Signal<String>,
    /// Share of the last top-up that is left, 0–100.
    #[prop(optional, into)]
    available_percent: Signal<f64>,
    #[prop(optional, into)] available_low: Signal<bool>,
    #[prop(default = "/billing".into(), into)] top_up_href: String,
    /// The other companies of the person, as entries of a menu; without any the block is no button.
    #[prop(optional_no_strip)]
    companies: Option<ViewFn>,
    /// The form that signs out; its button should be `<MenuItem submit=true …/>`.
    #[prop(into)]
    sign_out: ViewFn,
    /// Opened by the search button, Ctrl K and ⌘ K.
    searching: RwSignal<bool>,
    /// More entries of the profile menu, above the theme.
    #[prop(optional, into)]
    profile: Option<ViewFn>,
    children: Children,
) -> impl IntoView {
    let location = use_location();
    let path: Signal<String> = location.pathname.into();
    let sidebar = NodeRef::<html::Aside>::new();
    // On a phone the sidebar closes when a link has been followed.
    Effect::new(move |before: Option<()>| {
        path.track();
        if let (Some(()), Some(sidebar)) = (before, sidebar.get_untracked()) {
            // Not open is the only way this fails.
            let _ = sidebar.hide_popover();
        }
    });
    shortcuts(searching);
    // Where there are scripts, the menu; else the page.
    let search = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        searching.set(true);
    };
    let links = nav.into_iter().map(|item| nav_link(item, path)).collect_view();
    view! {
        <a class="skip" href="#main">"Skip to content"</a>
        <div class="app">
            <aside node_ref=sidebar id="sidebar" class="sidebar" popover="auto" aria-label="Sidebar">
                <div class="flex h-14 shrink-0 items-center justify-between ps-5 pe-3">
                    {sign(logo.clone())}
                    <IconButton
                        icon=icondata::LuX
                        label="Close navigation"
                        class="lg:hidden"
                        attr:popovertarget="sidebar"
                        attr:popovertargetaction="hide"
                    />
                </div>
                {company_block(company, company_type, companies, accent)}
                <div class="px-3 pb-3">
                    <a
                        class="flex h-8 w-full items-center gap-2 rounded-md px-2 text-sm text-muted-foreground hover:bg-sidebar-accent"
                        href=FIND
                        aria-keyshortcuts="Control+K Meta+K"
                        on:click=search
                    >
                        <Icon icon=icondata::LuSearch/> "Search" <span class="ms-auto" aria-hidden="true"><Kbd key="Ctrl K"/></span>
                    </a>
                </div>
                <nav class="nav flex-1 overflow-y-auto pb-4" aria-label="Main">{links}</nav>
                {minutes_block(available, available_percent, available_low, top_up_href)}
                {profile_block(user, role, profile, sign_out)}
            </aside>
            <div class="min-w-0">
                <header class="topbar">
                    <IconButton icon=icondata::LuMenu label="Open navigation" class="-ms-2" attr:popovertarget="sidebar"/>
                    {sign(logo)}
                    <a class="btn btn-ghost btn-icon -me-2 ms-auto" href=FIND aria-label="Search" on:click=search><Icon icon=icondata::LuSearch/></a>
                </header>
                <main id="main" class="page" tabindex="-1">{children()}</main>
            </div>
        </div>
    }
}

/// Leads home: our logo, or the picture of whoever opened the company.
fn sign(picture: Option<String>) -> AnyView {
    let (label, shown) = match picture {
        Some(picture) => ("Home", view! { <img class="h-7 max-w-40" src=picture alt=""/> }),
        None => ("Belfry, dashboard", view! { <Logo/> }),
    };
    view! { <a class="inline-flex rounded-md" href="/" aria-label=label>{shown}</a> }
}

fn company_block(company: Signal<String>, kind: Signal<String>, others: Option<ViewFn>, accent: Option<String>) -> AnyView {
    const BLOCK: &str =
        "flex w-full items-center gap-2.5 rounded-md border border-sidebar-border bg-card px-2 py-1.5 text-start shadow-xs";
    let is_menu = others.is_some();
    let (class, style) = match accent {
        Some(color) => ("size-7 text-white", Some(format!("background:{color}"))),
        None => ("size-7 bg-primary-subtle text-primary", None),
    };
    let inside = move || {
        let style = style.clone();
        view! {
            {move || view! { <Avatar square=true text=initials(&company.get()) class=class attr:style=style.clone()/> }}
            <span class="min-w-0 flex-1">
                <span class="block truncate text-sm leading-4 font-medium text-foreground">{company}</span>
                <span class="block truncate text-2xs leading-4 text-muted-foreground">{kind}</span>
            </span>
            {is_menu.then(|| view! { <Icon icon=icondata::LuChevronsUpDown class="text-muted-foreground"/> })}
        }
    };
    let block = match others {
        Some(others) => view! {
            <Menu id="company-menu" label="Switch company" class=BLOCK menu_class="w-56" start=true trigger=inside>{others.run()}</Menu>
        },
        None => view! { <div class=BLOCK>{inside()}</div> },
    };
    view! { <div class="px-3 pb-3">{block}</div> }
}

fn minutes_block(available: Signal<String>, percent: Signal<f64>, low: Signal<bool>, href: String) -> AnyView {
    let block = move || {
        (!available.with(String::is_empty)).then(|| {
            view! {
                <div class="mx-3 mb-3 rounded-lg border border-sidebar-border bg-card p-3">
                    <div class="flex items-baseline justify-between text-xs">
                        <span>"Available minutes"</span>
                        <a class="link" href=href.clone()>"Top up"</a>
                    </div>
                    <p class="mt-1 text-lg font-semibold tracking-[-0.015em] text-foreground tabular-nums">{available}</p>
                    <Meter class="mt-2 h-1" percent=percent low=low label="Minutes left of the last top-up"/>
                </div>
            }
        })
    };
    block.into_any()
}

fn profile_block(user: Signal<String>, role: Signal<String>, profile: Option<ViewFn>, sign_out: ViewFn) -> AnyView {
    let trigger = move || {
        view! {
            {move || view! { <Avatar text=initials(&user.get()) class="size-7"/> }}
            <span class="min-w-0 flex-1 text-sm leading-4 font-medium text-foreground">
                <span class="block truncate">{user}</span>
                <span class="block truncate text-2xs font-normal text-muted-foreground">{role}</span>
            </span>
            <Icon icon=icondata::LuChevronsUpDown class="text-muted-foreground"/>
        }
    };
    view! {
        <div class="border-t border-sidebar-border p-2">
            <Menu id="profile-menu" label="Profile menu" class="profile" menu_class="w-56" start=true trigger=trigger>
                {profile.map(|profile| view! { {profile.run()} <MenuLine/> })}
                {theme_item()}
                <MenuLine/>
                {sign_out.run()}
            </Menu>
        </div>
    }
}

/// Remembers a theme for a browser without scripts, which comes back to the page it was on.
#[server(protocol = crate::wire::Wire)]
pub async fn choose_theme(theme: String) -> Result<(), Error> {
    use crate::ssr::*;
    caller()?;
    match theme.as_str() {
        "dark" | "light" => set_plain_cookie(&theme_cookie(&theme)),
        _ => Err(Error::field("theme", "Choose dark or light.")),
    }
}

/// Offers the other theme. Which one that is, the style sheet knows: it may follow the system.
fn theme_item() -> AnyView {
    let switch = |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        switch_theme();
    };
    let button = |theme, label, icon, class| {
        view! { <button role="menuitem" type="submit" tabindex="-1" name="theme" value=theme class=class><Icon icon=icon/> {label}</button> }
    };
    view! {
        <form method="post" action=ChooseTheme::PATH on:submit=switch>
            {button("dark", "Dark theme", icondata::LuMoon, "dark:hidden!")}
            {button("light", "Light theme", icondata::LuSun, "hidden! dark:flex!")}
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_current_for_its_page_and_those_below() {
        assert!(NavItem::is_current("/campaigns", "/campaigns"));
        assert!(NavItem::is_current("/campaigns", "/campaigns/cam_1/calls"));
        assert!(!NavItem::is_current("/call", "/calls"));
        assert!(NavItem::is_current("/", "/"));
        assert!(!NavItem::is_current("/", "/calls"));
    }
}
