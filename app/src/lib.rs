//! The pages of Belfry: the component library, the frame around every page, and one folder per noun.
//! [`App`] is the route table: the whole site on one screen.

// A view is one type as deep as its markup.
#![recursion_limit = "512"]

#[cfg(feature = "ssr")]
pub mod account;
pub mod admin;
pub mod agents;
pub mod auth;
pub mod calls;
pub mod campaigns;
#[cfg(feature = "ssr")]
pub mod clients;
pub mod contacts;
pub mod credits;
pub mod dashboard;
#[cfg(feature = "ssr")]
pub mod developers;
pub mod events;
pub mod find;
pub mod form;
pub mod frame;
pub mod imports;
pub mod layout;
pub mod live;
#[cfg(feature = "ssr")]
pub mod plain;
pub(crate) mod prelude;
pub mod screen;
pub mod session;
pub mod settings;
#[cfg(feature = "ssr")]
pub mod ssr;
pub mod suppressions;
pub mod team;
pub mod ui;
pub mod wire;

#[cfg(feature = "ssr")]
pub use ssr::shell;

use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, path};

#[cfg(feature = "ssr")]
use account::{AccountPage, identities::IdentitiesPage, notices::NoticesPage};
use admin::HealthPage;
#[cfg(feature = "ssr")]
use admin::{
    clients::ClientsPage,
    features::FeaturesPage,
    letters::{LetterEditPage, LettersPage},
};
#[cfg(feature = "ssr")]
use agents::knowledge::KnowledgePage;
use agents::{detail::AgentPage, list::AgentsPage};
// What is plain HTML the browser asks for; see `auth::PLAIN`.
#[cfg(not(feature = "ssr"))]
use auth::{
    Plain as AccessPage, Plain as AccountPage, Plain as BrandPage, Plain as ClientsPage, Plain as CodePage,
    Plain as CompliancePage, Plain as ConfirmPage, Plain as DefaultsPage, Plain as DevelopersPage, Plain as FeaturesPage,
    Plain as FindPage, Plain as ForgotPage, Plain as IdentitiesPage, Plain as InvitePage, Plain as KnowledgePage,
    Plain as LetterEditPage, Plain as LettersPage, Plain as NewAddressPage, Plain as NewcomerPage, Plain as NoticesPage,
    Plain as OwnClientsPage, Plain as PermissionsPage, Plain as ProofPage, Plain as RefusedPage, Plain as RemoveGatewayPage,
    Plain as ResetPage, Plain as SignInPage, Plain as SuspendedPage, Plain as TwoFactorPage, Plain as WebhookPages,
    Plain as WelcomePage,
};
use auth::{check_mail::CheckMailPage, register::RegisterPage};
#[cfg(feature = "ssr")]
use auth::{
    code::CodePage,
    confirm::ConfirmPage,
    forgot::{ForgotPage, ResetPage},
    invite::InvitePage,
    new_address::NewAddressPage,
    newcomer::{NewcomerPage, RefusedPage},
    sign_in::SignInPage,
    suspended::SuspendedPage,
    two_factor::TwoFactorPage,
    welcome::WelcomePage,
};
use calls::{detail::CallPage, list::CallsPage};
use campaigns::{detail::CampaignPage, list::CampaignsPage};
#[cfg(feature = "ssr")]
use clients::{OwnClientsPage, brand::BrandPage};
use contacts::{detail::ContactPage, list::ContactsPage};
use credits::wallet::WalletPage;
use dashboard::DashboardPage;
#[cfg(feature = "ssr")]
use developers::{DevelopersPage, webhooks::WebhookPages};
use events::EventsPage;
#[cfg(feature = "ssr")]
use events::proof::ProofPage;
#[cfg(feature = "ssr")]
use find::page::FindPage;
use imports::{detail::ImportPage, list::ImportsPage, upload::NewImportPage};
use layout::{GalleryPage, NowherePage, SignedIn};
use prelude::*;
use settings::SettingsPage;
#[cfg(feature = "ssr")]
use settings::compliance::CompliancePage;
#[cfg(feature = "ssr")]
use settings::defaults::DefaultsPage;
use settings::gateway::GatewayPage;
use settings::gateways::NewGatewayPage;
#[cfg(feature = "ssr")]
use settings::remove::RemoveGatewayPage;
use suppressions::SuppressionsPage;
use team::TeamPage;
#[cfg(feature = "ssr")]
use team::{access::AccessPage, permissions::PermissionsPage};

/// The site. Every page is rendered whole on the server (`SsrMode::Async`), so that it reads and works without scripts.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    ui::provide_toasts();
    view! {
        <Title formatter=|page: String| if page.is_empty() { "Belfry".to_owned() } else { format!("{page} · Belfry") }/>
        <Router>
            <Routes fallback=NowherePage>
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async/>
                <Route path=path!("/sign-in/code") view=CodePage ssr=SsrMode::Async/>
                <Route path=path!("/sign-in/refused") view=RefusedPage ssr=SsrMode::Async/>
                <Route path=path!("/register/with") view=NewcomerPage ssr=SsrMode::Async/>
                <Route path=path!("/suspended") view=SuspendedPage ssr=SsrMode::Async/>
                <Route path=path!("/two-factor") view=TwoFactorPage ssr=SsrMode::Async/>
                <Route path=path!("/register") view=RegisterPage ssr=SsrMode::Async/>
                <Route path=path!("/welcome") view=WelcomePage ssr=SsrMode::Async/>
                <Route path=path!("/check-mail") view=CheckMailPage ssr=SsrMode::Async/>
                <Route path=path!("/confirm") view=ConfirmPage ssr=SsrMode::Async/>
                <Route path=path!("/forgot") view=ForgotPage ssr=SsrMode::Async/>
                <Route path=path!("/reset") view=ResetPage ssr=SsrMode::Async/>
                <Route path=path!("/invite") view=InvitePage ssr=SsrMode::Async/>
                <Route path=path!("/new-address") view=NewAddressPage ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=SignedIn ssr=SsrMode::Async>
                    <Route path=path!("/") view=DashboardPage ssr=SsrMode::Async/>
                    <Route path=path!("/campaigns") view=CampaignsPage ssr=SsrMode::Async/>
                    <Route path=path!("/campaigns/:id") view=CampaignPage ssr=SsrMode::Async/>
                    <Route path=path!("/contacts") view=ContactsPage ssr=SsrMode::Async/>
                    <Route path=path!("/contacts/:id") view=ContactPage ssr=SsrMode::Async/>
                    <Route path=path!("/imports") view=ImportsPage ssr=SsrMode::Async/>
                    <Route path=path!("/imports/new") view=NewImportPage ssr=SsrMode::Async/>
                    <Route path=path!("/imports/:id") view=ImportPage ssr=SsrMode::Async/>
                    <Route path=path!("/agents") view=AgentsPage ssr=SsrMode::Async/>
                    <Route path=path!("/agents/:id") view=AgentPage ssr=SsrMode::Async/>
                    <Route path=path!("/calls") view=CallsPage ssr=SsrMode::Async/>
                    <Route path=path!("/calls/:id") view=CallPage ssr=SsrMode::Async/>
                    <Route path=path!("/suppressions") view=SuppressionsPage ssr=SsrMode::Async/>
                    <Route path=path!("/billing") view=WalletPage ssr=SsrMode::Async/>
                    <Route path=path!("/events") view=EventsPage ssr=SsrMode::Async/>
                    <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async/>
                    <Route path=path!("/team") view=TeamPage ssr=SsrMode::Async/>
                    <Route path=path!("/team/permissions") view=PermissionsPage ssr=SsrMode::Async/>
                    <Route path=path!("/settings") view=SettingsPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/clients") view=ClientsPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/health") view=HealthPage ssr=SsrMode::Async/>
                    <Route path=path!("/settings/gateways/new") view=NewGatewayPage ssr=SsrMode::Async/>
                    <Route path=path!("/settings/gateways/:id") view=GatewayPage ssr=SsrMode::Async/>
                    <Route path=path!("/settings/compliance") view=CompliancePage ssr=SsrMode::Async/>
                    <Route path=path!("/settings/developers") view=DevelopersPage ssr=SsrMode::Async/>
                    <Route path=path!("/account/identities") view=IdentitiesPage ssr=SsrMode::Async/>
                    <Route path=path!("/remove-gateway") view=RemoveGatewayPage ssr=SsrMode::Async/>
                    <Route path=path!("/knowledge") view=KnowledgePage ssr=SsrMode::Async/>
                    <Route path=path!("/events/proof") view=ProofPage ssr=SsrMode::Async/>
                    <Route path=path!("/team/member") view=AccessPage ssr=SsrMode::Async/>
                    <Route path=path!("/developers/:page") view=WebhookPages ssr=SsrMode::Async/>
                    <Route path=path!("/settings/defaults") view=DefaultsPage ssr=SsrMode::Async/>
                    <Route path=path!("/account/notices") view=NoticesPage ssr=SsrMode::Async/>
                    <Route path=path!("/clients") view=OwnClientsPage ssr=SsrMode::Async/>
                    <Route path=path!("/clients/brand") view=BrandPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/features") view=FeaturesPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/letters") view=LettersPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/letter") view=LetterEditPage ssr=SsrMode::Async/>
                    <Route path=path!("/find") view=FindPage ssr=SsrMode::Async/>
                    <Route path=path!("/dev/ui") view=GalleryPage ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
        <ui::ToastHost/>
    }
}
