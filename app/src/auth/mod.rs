//! The pages before the frame: sign in, register, choose a company type, check your mail, confirm.
//! All are plain forms first: they work without scripts.

pub mod check_mail;
#[cfg(feature = "ssr")]
pub mod code;
#[cfg(feature = "ssr")]
pub mod confirm;
#[cfg(feature = "ssr")]
pub mod forgot;
#[cfg(feature = "ssr")]
pub mod invite;
#[cfg(feature = "ssr")]
pub mod new_address;
#[cfg(feature = "ssr")]
pub mod newcomer;
pub mod register;
#[cfg(feature = "ssr")]
pub mod sign_in;
#[cfg(feature = "ssr")]
pub mod suspended;
#[cfg(feature = "ssr")]
pub mod two_factor;
#[cfg(feature = "ssr")]
pub mod welcome;

use icondata as i;

use crate::prelude::*;
use crate::ui::Icon;

/// Pages that are plain HTML: a form, seldom seen, on which nothing moves. They come without scripts, and the wasm does not
/// carry them; their modules are the server's alone. Links to them are `rel="external"`.
#[cfg(feature = "ssr")]
pub(crate) const PLAIN: &[&str] = &[
    "/sign-in",
    "/sign-in/code",
    "/sign-in/refused",
    "/register/with",
    "/account",
    "/account/identities",
    "/welcome",
    "/confirm",
    "/forgot",
    "/reset",
    "/new-address",
    "/invite",
    "/two-factor",
    "/suspended",
    "/find",
    "/leads",
    "/leads/lead",
    "/orders",
    "/orders/order",
    "/knowledge",
    "/remove-gateway",
    "/events/proof",
    "/settings/compliance",
    "/imports/new",
    "/settings/defaults",
    "/settings/developers",
    "/consents",
    "/erase",
    "/evidence",
    "/settings/company",
    "/settings/privacy",
    "/account/notices",
    "/clients",
    "/clients/brand",
    "/admin/clients",
    "/admin/features",
    "/admin/letters",
    "/admin/letter",
    "/team/member",
    "/team/permissions",
];

/// Whether an address is one of them; the router takes it with a slash at its end too.
#[cfg(feature = "ssr")]
pub(crate) fn is_plain(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    // The page of one import: its address has its id.
    PLAIN.contains(&path) || path.starts_with("/imports/") || path.starts_with("/developers/")
}

/// Stands for such a page in a browser that was led to it without a request: asks for it.
#[cfg(not(feature = "ssr"))]
#[component]
pub fn Plain() -> impl IntoView {
    Effect::new(|_| drop(window().location().reload()));
}

/// Where to go after signing in: only a path of ours, never another site and nothing that ends a header line.
#[cfg(feature = "ssr")]
pub fn safe_next(next: &str) -> &str {
    let path = next.strip_prefix('/').is_some_and(|rest| !rest.starts_with(['/', '\\']));
    if path && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') { next } else { "/" }
}

/// A path as the value of a query.
#[cfg(feature = "ssr")]
pub fn escape(path: &str) -> String {
    leptos_router::location::Url::escape(path)
}

/// The quiet half of the page on wide screens: what one gets.
pub(crate) fn promise() -> AnyView {
    let points = [
        (i::LuBot, "Agents that speak for you", "Start from a template, change every word, publish when it sounds right."),
        (i::LuClock, "Only when it is allowed", "Calls stay inside your hours and the law's, in the called person's own zone."),
        (i::LuShieldCheck, "No means no", "Pressing 9 ends the call and the number is never dialed again."),
        (i::LuWallet, "Minutes you can follow", "Every credit is in the ledger: reserved, on a call, spent or given back."),
    ];
    let points = points
        .map(|(icon, title, text)| {
            view! {
                <li class="flex gap-3">
                    <span class="avatar square size-9 bg-primary-subtle text-primary"><Icon icon=icon/></span>
                    <span>
                        <span class="block font-medium">{title}</span>
                        <span class="mt-0.5 block text-muted-foreground">{text}</span>
                    </span>
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="mx-auto w-full max-w-105">
            <h2 class="text-xl font-semibold tracking-[-0.018em]">"Phone campaigns that answer for themselves"</h2>
            <ul class="mt-8 flex flex-col gap-6">{points}</ul>
        </div>
    }
}

#[cfg(test)]
#[cfg(feature = "ssr")]
mod tests {
    use super::safe_next;

    #[test]
    fn a_slash_at_its_end_makes_no_other_page() {
        assert!(super::is_plain("/forgot") && super::is_plain("/forgot/"));
        assert!(!super::is_plain("/") && !super::is_plain("/forgotten"));
        assert!(
            super::is_plain("/developers/webhooks") && super::is_plain("/developers/nothing"),
            "the browser has one route for all"
        );
        assert!(super::is_plain("/imports/imp_1") && !super::is_plain("/imports"));
    }

    #[test]
    fn the_way_back_never_leaves_the_site() {
        for good in ["/", "/campaigns", "/calls?q=%2B1&page=2"] {
            assert_eq!(safe_next(good), good);
        }
        for bad in
            ["", "campaigns", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nSet-Cookie: x", "/a b", "/ü"]
        {
            assert_eq!(safe_next(bad), "/", "{bad}");
        }
    }
}
