//! What every screen does the same way: wait with a skeleton, say what failed and retry, then change in place; links whose
//! query string is the state; moments, durations and shares as text. No server functions and no nouns of the business.

use leptos::reactive::computed::ScopedFuture;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_params_map, use_query_map};
use leptos_router::location::Url;
use leptos_router::params::ParamsMap;
use model::Error;
use model::accounts::Permission;
use model::id::Uuid;
use model::page::{PER_PAGE, Paging};
use model::time::Moment;
use model::wire::unpack;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::str::FromStr;
use std::sync::Arc;

use crate::prelude::*;
use crate::ui::{Column, Empty, ErrorState, LinkButton, Sort};
use crate::wire::{Answer, Packed, Plain};

/// What a `Loaded` shows once there is something: given the newest answer, unread.
type Shown = Arc<dyn Fn(Memo<Vec<u8>>) -> AnyView + Send + Sync>;

/// Shows `waiting` until the first value is there, then `view`, which is built once: later values arrive through its
/// signal and change it in place, so that menus stay open and nothing flashes. `what` completes "Could not load …".
#[component]
pub fn Loaded<T, V>(
    resource: Answer<T>,
    what: &'static str,
    /// Where this is the whole page: its heading when it fails, for a page needs one.
    #[prop(optional)]
    heading: &'static str,
    #[prop(into)] waiting: ViewFn,
    view: V,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + Serialize + DeserializeOwned + 'static,
    V: Fn(Signal<T>) -> AnyView + Send + Sync + 'static,
{
    let view = move |newest: Memo<Vec<u8>>| match newest.with_untracked(|bytes| unpack::<T>(bytes)) {
        Ok(first) => view(latest(newest, first)),
        Err(error) => headed(heading, &error, failed(&error, what, Callback::new(|()| drop(window().location().reload())))),
    };
    loaded(resource.text(), what, heading, waiting, Arc::new(view))
}

/// [`Loaded`], whatever it loads: all of it that knows no type.
fn loaded(resource: Resource<Packed, Plain>, what: &'static str, heading: &'static str, waiting: ViewFn, view: Shown) -> AnyView {
    // Only whether it went well is followed here; the values are followed inside the view.
    let failure = Memo::new(move |_| resource.with(|answer| answer.as_ref().and_then(|answer| answer.as_ref().err().cloned())));
    let shown = move || {
        failure.track();
        let view = view.clone();
        // Awaited rather than looked at: inside another `Loaded` the server waits for what is awaited only.
        Suspend::new(ScopedFuture::new_untracked(async move {
            match resource.await {
                // Built when it is drawn. Before that the server looks through its views again and again: the questions inside
                // would be asked anew each time, and the page would show one answer and tell the browser another.
                Ok(first) => Unsuspend::new(move || view(newest(resource, first))).into_any(),
                Err(error) => headed(heading, &error, failed(&error, what, Callback::new(move |()| resource.refetch()))),
            }
        }))
    };
    view! { <Transition fallback=move || waiting.run()>{shown.clone()}</Transition> }
}

/// The newest good answer; one that failed leaves the last one standing until the view is replaced.
fn newest(resource: Resource<Packed, Plain>, first: Vec<u8>) -> Memo<Vec<u8>> {
    Memo::new(move |before: Option<&Vec<u8>>| match resource.get() {
        Some(Ok(bytes)) => bytes,
        _ => before.unwrap_or(&first).clone(),
    })
}

/// The value of the newest answer, read once for each.
fn latest<T: Clone + PartialEq + Send + Sync + DeserializeOwned + 'static>(newest: Memo<Vec<u8>>, first: T) -> Signal<T> {
    let value = Memo::new(move |before: Option<&T>| match before {
        None => {
            newest.track();
            first.clone()
        }
        Some(before) => newest.with(|bytes| unpack(bytes)).unwrap_or_else(|_| before.clone()),
    });
    // At once, while the first is the newest.
    value.with_untracked(|_| ());
    value.into()
}

/// Puts a title and a heading for screen readers before what failed, where it is the whole page; the page itself is then
/// answered with the status of its error.
fn headed(heading: &'static str, error: &Error, failed: AnyView) -> AnyView {
    if heading.is_empty() {
        return failed;
    }
    #[cfg(feature = "ssr")]
    crate::ssr::set_status(error);
    #[cfg(not(feature = "ssr"))]
    let _ = error;
    view! {
        <Title text=heading/>
        <h1 class="sr-only">{heading}</h1>
        <div class="card">{failed}</div>
    }
}

/// A title that follows `text`. The head of a page is written when its body is, and the signal may be gone by then.
pub fn title(text: Signal<String>) -> impl Fn() -> String + Send + Sync + 'static {
    let first = text.get_untracked();
    move || text.try_get().unwrap_or_else(|| first.clone())
}

/// The page of one thing, built anew when the address names another one: `:id` of the route, read as an `I`.
pub fn by_id<I>(heading: &'static str, what: &'static str, page: fn(I) -> AnyView) -> impl IntoView
where
    I: FromStr + PartialEq + Clone + Send + Sync + 'static,
{
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| word::<I>(params, "id")));
    move || match id.get() {
        Some(id) => page(id),
        None => {
            let error = Error::not_found(what);
            headed(heading, &error, failed(&error, what, Callback::new(|()| ())))
        }
    }
}

/// What failed, in place of what was asked for.
pub fn failed(error: &Error, what: &str, retry: Callback<()>) -> AnyView {
    let text = error.to_string();
    match error {
        Error::Unauthenticated => view! {
            <Empty icon=icondata::LuLogIn title="Your session has ended" text="Sign in again and you are back where you were.">
                // Asking for this page again leads through sign-in and back here.
                <LinkButton href="" external=true>"Sign in"</LinkButton>
            </Empty>
        },
        Error::NotFound { .. } => view! { <ErrorState title="Nothing here" text=text/> },
        Error::Forbidden { .. } => view! { <ErrorState title="Not for your role" text=text/> },
        Error::Internal { trace } => {
            view! { <ErrorState title=format!("Could not load {what}") text="Something went wrong on our side. Nothing was changed." trace=trace.clone() on_retry=retry/> }
        }
        _ => view! { <ErrorState title=format!("Could not load {what}") text=text on_retry=retry/> },
    }
}

/// One line of a list, by what it is about.
struct Line {
    id: Uuid,
    build: Box<dyn FnOnce() -> AnyView + Send>,
}

/// A line for each thing of a list, built once and kept while the thing is there.
pub fn lines<P, T>(list: Signal<P>, id: fn(&T) -> Uuid, line: impl Fn(T) -> AnyView + Copy + Send + Sync + 'static) -> AnyView
where
    P: AsRef<[T]> + Send + Sync + 'static,
    T: Clone + Send + 'static,
{
    let line = move |thing: &T| {
        let thing = thing.clone();
        Line { id: id(&thing), build: Box::new(move || line(thing)) }
    };
    kept(Box::new(move || list.with(|list| list.as_ref().iter().map(line).collect())))
}

/// [`lines`] of things that change in place.
pub fn live_lines<P, T>(
    list: Signal<P>,
    id: fn(&T) -> Uuid,
    line: impl Fn(Memo<T>) -> AnyView + Copy + Send + Sync + 'static,
) -> AnyView
where
    P: AsRef<[T]> + Send + Sync + 'static,
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let newest =
        move |first: &T| list.with(|list| list.as_ref().iter().find(|thing| id(thing) == id(first)).unwrap_or(first).clone());
    lines(list, id, move |first: T| line(Memo::new(move |_| newest(&first))))
}

/// The one keyed list there is.
fn kept(lines: Box<dyn Fn() -> Vec<Line> + Send + Sync>) -> AnyView {
    view! { <For each=move || lines() key=|line| line.id children=|line| (line.build)()/> }
}

/// Whether the person at the screen may do this. Buttons ask here; the verbs ask again.
pub fn may(permission: Permission) -> Signal<bool> {
    let me = crate::session::use_me();
    // A memo: the person is read again with every event, and what depends on a role must not be rebuilt for that.
    Memo::new(move |_| me.with(|me| me.as_ref().is_some_and(|me| me.role.may(permission)))).into()
}

/// A dialog that a link can open: `?name=1` opens it. The parameter is taken away at once, so that the same link opens it again.
pub fn opened_by(name: &'static str) -> RwSignal<bool> {
    let (query, location, navigate) = (use_query_map(), use_location(), use_navigate());
    let open = RwSignal::new(false);
    Effect::new(move |_| {
        let mut rest = query.get();
        if rest.remove(name).is_none() {
            return;
        }
        open.set(true);
        let here = format!("{}{}", location.pathname.get_untracked(), rest.to_query_string());
        navigate(&here, NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
    });
    open
}

/// A moment in the company's zone; hovering shows date and seconds.
#[component]
pub fn When(moment: Moment) -> impl IntoView {
    view! { <time datetime=moment.iso() title=moment.long()>{moment.short()}</time> }
}

/// A path with a query string; empty values are left out, so that the plain list has the plain address.
pub fn link(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut out = path.to_owned();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(if out.len() == path.len() { '?' } else { '&' });
        out.push_str(name);
        out.push('=');
        out.push_str(&Url::escape(value));
    }
    out
}

/// The text of a query parameter, or nothing.
pub fn text(query: &ParamsMap, name: &str) -> String {
    query.get_str(name).unwrap_or_default().to_owned()
}

/// A query parameter read as one of a noun's words; an unknown word is no filter.
pub fn word<T: FromStr>(query: &ParamsMap, name: &str) -> Option<T> {
    query.get_str(name).and_then(|text| text.parse().ok())
}

/// Which page the query asks for.
pub fn paging(query: &ParamsMap) -> Paging {
    Paging::new(word(query, "page").unwrap_or(1), PER_PAGE)
}

/// A column that sorts: choosing it again turns the order around.
pub fn sortable(label: &str, key: &str, now: &str, descending: bool, href: impl Fn(&str, bool) -> String) -> Column {
    let here = key == now;
    let sort = match (here, descending) {
        (false, _) => Sort::None,
        (true, false) => Sort::Ascending,
        (true, true) => Sort::Descending,
    };
    Column::new(label).sort(href(key, here && !descending), sort)
}

/// Country codes of two digits; `1` and `7` have one, all others three (ITU-T E.164, list of assigned country codes).
const CODES_OF_TWO: &str = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98";

/// A phone number as people read it: `+1 202 555 0100`. What is no whole number, such as a masked one, stays as it is.
pub fn phone(text: &str) -> String {
    let whole = |digits: &&str| (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let Some(digits) = text.strip_prefix('+').filter(whole) else { return text.to_owned() };
    let code = match &digits[..1] {
        "1" | "7" => 1,
        _ if CODES_OF_TWO.contains(&digits[..2]) => 2,
        _ => 3,
    };
    let (code, mut rest) = digits.split_at(code);
    let mut out = format!("+{code}");
    while !rest.is_empty() {
        let (group, more) = rest.split_at(if rest.len() > 4 { 3 } else { rest.len() });
        out.push(' ');
        out.push_str(group);
        rest = more;
    }
    out
}

/// `12 h 39 min`, `39 min`, `40 s`: how much in all, where seconds say nothing.
pub fn span(seconds: i64) -> String {
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// `1:58`, `1:02:03`.
pub fn duration(seconds: i64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// `37.1%` from 371.
pub fn permille(share: i64) -> String {
    format!("{}.{}%", share / 10, share % 10)
}

/// `part` of `whole` as `37.1%`; nothing without a whole.
pub fn share(part: i64, whole: i64) -> String {
    if whole > 0 { permille(part * 1000 / whole) } else { String::new() }
}

/// `1 contact`, `1,204 contacts`.
pub fn count(n: i64, one: &str, many: &str) -> String {
    format!("{} {}", crate::ui::grouped(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leaves_out_what_is_empty() {
        assert_eq!(link("/calls", &[("q", ""), ("range", "7d"), ("page", "2")]), "/calls?range=7d&page=2");
        assert_eq!(link("/calls", &[("q", "")]), "/calls");
    }

    #[test]
    fn durations_grow_an_hour_when_they_need_one() {
        assert_eq!([duration(0), duration(118), duration(3723)], ["0:00", "1:58", "1:02:03"]);
    }

    #[test]
    fn whole_numbers_are_grouped_and_masked_ones_stay() {
        assert_eq!(phone("+12025550100"), "+1 202 555 0100");
        assert_eq!(phone("+447700900142"), "+44 770 090 0142");
        assert_eq!(phone("+971501234567"), "+971 501 234 567");
        assert_eq!(phone("+12•••••••00"), "+12•••••••00");
        assert_eq!([phone("Maya"), phone("")], ["Maya", ""]);
    }

    #[test]
    fn spans_leave_out_what_is_small() {
        assert_eq!([span(40), span(2_399), span(45_570)], ["40 s", "39 min", "12 h 39 min"]);
    }

    #[test]
    fn shares_have_one_decimal_and_nothing_has_none() {
        assert_eq!([share(1, 3), share(0, 5), share(0, 0)], ["33.3%", "0.0%", ""]);
    }
}
