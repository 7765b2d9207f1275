//! The signed-in area: lets in who has a session and a company type, and puts the frame around their pages. Also the page
//! for addresses that lead nowhere.

use icondata as i;
use leptos::tachys::reactive_graph::OwnedView;
use leptos_meta::Title;
use leptos_router::components::{Outlet, Redirect};
use leptos_router::hooks::use_location;
use leptos_router::location::Url;
use model::Error;
use model::accounts::{Bar, Me, Permission, Role};
use model::companies::{CompanyRow, CompanyType};
use model::credits::Credits;

use crate::auth::check_mail::ResendConfirmation;
use crate::find;
use crate::form::FormProblem;
use crate::frame::{Frame, NavItem};
use crate::live::{StaleBadge, provide_live};
use crate::prelude::*;
use crate::screen::failed;
use crate::session::{CurrentSession, LeaveClient, Session, SignOut, SwitchCompany, provide_me};
use crate::ui::{AuthLayout, Button, LinkButton, MenuItem, MenuLink, Note, Size, Tone, Variant};
use crate::wire::{Answer, Change, ChangeForm};
use server_fn::ServerFn;

/// Below this the meter warns: a handful of calls.
const LOW: Credits = Credits::whole(10);

/// Around every page that needs a session. The session is read once: what changes in it arrives by the live stream, so
/// that the pages inside are never rebuilt.
#[component]
pub fn SignedIn() -> impl IntoView {
    let session = Answer::blocking(|| CurrentSession {});
    let location = use_location();
    let here = move || location.pathname.get_untracked() + &location.search.with_untracked(|s| prefixed(s));
    let door = move |answer: Result<Option<Session>, Error>| match answer {
        Ok(Some(session)) if session.me.barred == Some(Bar::TwoFactor) => view! { <Redirect path="/two-factor"/> },
        Ok(Some(session)) if session.me.barred == Some(Bar::Suspended) => view! { <Redirect path="/suspended"/> },
        Ok(Some(session)) if session.me.company_type.is_none() => view! { <Redirect path="/welcome"/> },
        Ok(Some(session)) => view! { <Inside session=session/> },
        Ok(None) => view! { <Redirect path=sign_in_href(&here())/> },
        Err(error) => {
            // A browser that cannot reload shows what failed for longer; nothing else depends on it.
            let retry = Callback::new(|()| drop(window().location().reload()));
            view! { <main id="main" class="page">{failed(&error, "your session", retry)}</main> }
        }
    };
    // Not inside `Suspense`: on the server that runs what it holds twice, and every page would ask its questions twice.
    // A lone `Suspend` forgets whose page it draws, so the view remembers.
    Suspend::new(async move { OwnedView::new(door(session.ready().await)) })
}

/// The search part of an address with its question mark.
fn prefixed(search: &str) -> String {
    if search.is_empty() || search.starts_with('?') { search.to_owned() } else { format!("?{search}") }
}

/// The sign-in page that leads back to `here`.
fn sign_in_href(here: &str) -> String {
    if here.is_empty() || here == "/" { "/sign-in".to_owned() } else { format!("/sign-in?next={}", Url::escape(here)) }
}

#[component]
fn Inside(session: Session) -> impl IntoView {
    provide_live();
    let dev = session.dev;
    let role = session.me.role;
    let wallet = role.may(Permission::ViewWallet);
    let me = provide_me(session.me);
    let nav = nav(role, me);
    let (searching, places) = (RwSignal::new(false), [find::beginnings(role), nav.clone()].concat());
    let (out, switched) = (Change::new::<SignOut>(), Change::new::<SwitchCompany>().error());
    let first = me.get_untracked();
    let others = first.as_ref().is_some_and(|me| me.companies.iter().any(|company| company.id != me.company));
    let acting = first.as_ref().filter(|me| me.acting).map(acting_banner);
    let brand = first.as_ref().and_then(|me| me.brand.clone());
    let (accent, logo) = brand.map_or((None, None), |brand| (Some(brand.color), brand.logo));
    let switch = move || me.with_untracked(|me| me.as_ref().map(switch_items));
    let read = move |f: fn(&Me) -> String| Signal::derive(move || me.with(|me| me.as_ref().map(f).unwrap_or_default()));
    let available =
        Signal::derive(move || if wallet { read(|me| me.available.unwrap_or_default().rounded()).get() } else { String::new() });
    let percent = Signal::derive(move || me.with(|me| me.as_ref().map(share_left).unwrap_or_default()));
    let low = Signal::derive(move || me.with(|me| me.as_ref().and_then(|me| me.available).is_some_and(|left| left < LOW)));
    view! {
        <Frame
            company=read(|me| me.company_name.clone())
            company_type=read(|me| me.company_type.map(CompanyType::label).unwrap_or_default().to_owned())
            companies=others.then(|| ViewFn::from(switch))
            user=read(|me| me.name.clone())
            role=read(|me| me.role.label().to_owned())
            nav=nav
            accent=accent
            logo=logo
            available=available
            available_percent=percent
            available_low=low
            profile=|| view! { <MenuLink href="/account" external=true label="Your account" icon=i::LuUser/> }
            searching=searching
            sign_out=move || view! {
                <ChangeForm change=out><MenuItem submit=true label="Sign out" icon=i::LuLogOut/></ChangeForm>
            }
        >
            {acting}
            <FormProblem error=switched fields=&[]/>
            <ConfirmBanner me=me dev=dev/>
            <Outlet/>
        </Frame>
        <find::CommandMenu open=searching places=places/>
        <StaleBadge/>
    }
}

/// The other companies of somebody, to go on in.
pub(crate) fn switch_items(me: &Me) -> AnyView {
    me.companies.iter().filter(|company| company.id != me.company).cloned().map(switch_item).collect_view().into_any()
}

/// Says on every page that somebody is not at home. A plain form: the page that comes is drawn anew.
fn acting_banner(me: &Me) -> AnyView {
    let refused = Change::new::<LeaveClient>().error();
    let text = format!("You act inside {} as {}. Its record says so.", me.company_name, me.role.label().to_lowercase());
    view! {
        <Note tone=Tone::Danger icon=i::LuShieldAlert class="mb-6">
            <form method="post" action=LeaveClient::PATH class="flex flex-wrap items-center justify-between gap-3">
                <p>{text}</p>
                <Button submit=true variant=Variant::Outline size=Size::Small>"Leave"</Button>
            </form>
            <FormProblem error=refused fields=&[]/>
        </Note>
    }
}

/// One company to go on in. A plain form: the page that comes is drawn anew, with nothing of the company before.
fn switch_item(company: CompanyRow) -> AnyView {
    view! {
        <form method="post" action=SwitchCompany::PATH>
            <input type="hidden" name="company" value=company.id.to_string()/>
            <MenuItem submit=true label=company.name icon=i::LuBuilding2/>
        </form>
    }
}

/// What is left of everything that ever came in, 0 to 100.
fn share_left(me: &Me) -> f64 {
    let (left, received) = (me.available.unwrap_or_default(), me.received.unwrap_or_default());
    if received <= Credits::ZERO { 0.0 } else { left.0 as f64 * 100.0 / received.0 as f64 }
}

/// The sidebar of a role: only what it may open.
fn nav(role: Role, me: Signal<Option<Me>>) -> Vec<NavItem> {
    let calls =
        move || me.with(|me| me.as_ref().map(|me| me.live_calls).filter(|n| *n > 0).map(|n| n.to_string()).unwrap_or_default());
    let all = [
        (None, NavItem::new("/", "Dashboard", i::LuLayoutDashboard)),
        (Some(Permission::ViewCampaigns), NavItem::new("/campaigns", "Campaigns", i::LuMegaphone)),
        (Some(Permission::ViewContacts), NavItem::new("/contacts", "Contacts", i::LuUsers).holds(&["/erase"])),
        (Some(Permission::ViewContacts), NavItem::new("/leads", "Leads", i::LuFlag).external()),
        (Some(Permission::ViewContacts), NavItem::new("/orders", "Orders", i::LuPackage).external()),
        (Some(Permission::ImportContacts), NavItem::new("/imports", "Imports", i::LuFileUp)),
        (Some(Permission::ViewAgents), NavItem::new("/agents", "Agents", i::LuBot).holds(&["/knowledge"])),
        (Some(Permission::ViewCalls), NavItem::new("/calls", "Calls", i::LuPhone).live().count(Signal::derive(calls))),
        (
            Some(Permission::ViewSuppressions),
            NavItem::new("/suppressions", "Suppressions", i::LuShieldBan).holds(&["/consents", "/evidence"]),
        ),
        (Some(Permission::ViewWallet), NavItem::new("/billing", "Billing", i::LuWallet).section()),
        (Some(Permission::ViewEvents), NavItem::new("/events", "Events", i::LuActivity)),
        (Some(Permission::ViewTeam), NavItem::new("/team", "Team", i::LuUsersRound)),
        (
            Some(Permission::ManageSettings),
            NavItem::new("/settings", "Settings", i::LuSettings).holds(&["/developers", "/remove-gateway"]),
        ),
        (Some(Permission::ManageClients), NavItem::new("/clients", "Your clients", i::LuBuilding2).external()),
        (
            Some(Permission::AdminPlatform),
            NavItem::new("/admin/clients", "Clients", i::LuBuilding2)
                .holds(&["/admin/letters", "/admin/letter", "/admin/features"])
                .external()
                .section(),
        ),
        (Some(Permission::AdminPlatform), NavItem::new("/admin/health", "Platform health", i::LuHeartPulse)),
    ];
    let has_clients = me.with_untracked(|me| me.as_ref().is_some_and(|me| me.has_clients));
    let may = |p| role.may(p) && (p != Permission::ManageClients || has_clients);
    all.into_iter().filter(|(needs, _)| needs.is_none_or(may)).map(|(_, item)| item).collect()
}

/// Says above every page that the e-mail waits to be confirmed, until it is.
#[component]
fn ConfirmBanner(me: Signal<Option<Me>>, dev: bool) -> impl IntoView {
    let again = Change::new::<ResendConfirmation>();
    let error = again.error();
    let sent = move || again.done();
    let waiting = Memo::new(move |_| me.with(|me| me.as_ref().filter(|me| !me.confirmed).map(|me| me.email.clone())));
    let banner = move |email: String| {
        view! {
            <Note tone=Tone::Info icon=i::LuMail class="mb-6">
                <div class="flex flex-wrap items-center justify-between gap-3">
                    <p>
                        "Confirm " <b>{email}</b> " before your first launch. You may look around until then."
                        {dev.then(|| view! { " " <a class="link" rel="external" href="/dev/mail">"Open the mailbox"</a> })}
                    </p>
                    <div class="flex items-center gap-3" role="status">
                        {move || sent().then_some("Sent.")}
                        {move || error.get().map(|error| error.to_string())}
                        <ChangeForm change=again>
                            <Button submit=true variant=Variant::Outline size=Size::Small busy=again.pending()>"Send again"</Button>
                        </ChangeForm>
                    </div>
                </div>
            </Note>
        }
    };
    move || waiting.get().map(banner)
}

/// An address that leads nowhere.
#[component]
pub fn NowherePage() -> impl IntoView {
    view! {
        <Title text="Not found"/>
        <AuthLayout title="There is no such page" lead=|| "It may have moved, or the address has a typo.">
            <LinkButton href="/">"Open the dashboard"</LinkButton>
        </AuthLayout>
    }
}

/// Every component in every state; in development only, so that a release does not carry it.
#[cfg(debug_assertions)]
#[component]
pub fn GalleryPage() -> impl IntoView {
    view! {
        <Title text="Components"/>
        <crate::ui::gallery::Gallery/>
    }
}

/// Releases carry no gallery.
#[cfg(not(debug_assertions))]
#[component]
pub fn GalleryPage() -> impl IntoView {
    view! { <NowherePage/> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_leads_back_to_where_one_came_from() {
        assert_eq!(sign_in_href("/"), "/sign-in");
        assert_eq!(prefixed("q=a"), "?q=a");
        assert_eq!(prefixed("?q=a"), "?q=a");
    }
}
