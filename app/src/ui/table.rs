//! Tables and pagers. Sorting and paging are links: the query string is the state. On a phone each row becomes a card, in which
//! a cell shows its column's name (`label`).

use js_sys::{Function, Object, Reflect};
use leptos::ev;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::{Icon, join, some, step_focus};
use crate::prelude::*;

/// How a column is sorted now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    None,
    Ascending,
    Descending,
}

/// One column head. `Column::new("Cost").number().sort("?sort=cost", Sort::None)`
#[derive(Clone)]
pub struct Column {
    label: String,
    number: bool,
    quiet: bool,
    sort: Option<(String, Sort)>,
    class: String,
}

impl Column {
    /// A text column.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), number: false, quiet: false, sort: None, class: String::new() }
    }
    /// Right-aligned figures.
    pub fn number(mut self) -> Self {
        self.number = true;
        self
    }
    /// The label is for screen readers only (selection, actions).
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }
    /// Sortable: where the link leads, and how it is sorted now.
    pub fn sort(mut self, href: impl Into<String>, now: Sort) -> Self {
        self.sort = Some((href.into(), now));
        self
    }
    /// Extra class, for a width.
    pub fn class(mut self, class: impl Into<String>) -> Self {
        self.class = class.into();
        self
    }
}

fn head_cell(column: Column) -> AnyView {
    let class = some(join(if column.number { "n" } else { "" }, &column.class));
    let Some((href, now)) = column.sort else {
        let label = view! { <span class=column.quiet.then_some("sr-only")>{column.label}</span> };
        return view! { <th scope="col" class=class>{label}</th> };
    };
    let (state, icon) = match now {
        Sort::None => ("none", icondata::LuChevronsUpDown),
        Sort::Ascending => ("ascending", icondata::LuArrowUp),
        Sort::Descending => ("descending", icondata::LuArrowDown),
    };
    view! {
        <th scope="col" class=class aria-sort=state>
            <a class="sort" href=href>{column.label} <Icon icon=icon class="size-3"/></a>
        </th>
    }
}

/// What leads from a row to what it is about.
const LEAD: &str = "tbody .lead a[href]";
/// What stands in a row and answers a click itself.
const ANSWERS: &str = "a,button,input,select,textarea,label,summary,[popover]";

/// Whether text is selected: then a click was the end of selecting it.
fn selects() -> bool {
    let ask = Reflect::get(&window(), &"getSelection".into()).ok().and_then(|ask| ask.dyn_into::<Function>().ok());
    let selected = ask.and_then(|ask| ask.call0(&window()).ok()).and_then(|selected| selected.dyn_into::<Object>().ok());
    selected.is_some_and(|selected| selected.to_string().length() > 0)
}

/// A click anywhere on a row opens what the row is about, with Ctrl or ⌘ in a tab of its own.
fn open_row(event: ev::MouseEvent) {
    let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
    let answers = !matches!(target.closest(ANSWERS), Ok(None));
    if answers || selects() {
        return;
    }
    let row = target.closest("tr").ok().flatten();
    let link = row.and_then(|row| row.query_selector(LEAD).ok().flatten());
    let Some(link) = link.and_then(|link| link.dyn_into::<HtmlElement>().ok()) else { return };
    match (event.ctrl_key() || event.meta_key(), link.get_attribute("href")) {
        // A browser that opens no tab has said so itself.
        (true, Some(href)) => drop(window().open_with_url_and_target(&href, "_blank")),
        // Its click comes by here too: not while this one is still being answered.
        _ => request_animation_frame(move || link.click()),
    }
}

/// `j` and `k` go from row to row; Enter is the link's own.
fn step_rows(event: ev::KeyboardEvent) {
    let forward = match event.key().as_str() {
        "j" => true,
        "k" => false,
        _ => return,
    };
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let types = target.is_some_and(|target| !matches!(target.closest("input,select,textarea"), Ok(None)));
    let table = event.current_target().and_then(|table| table.dyn_into::<Element>().ok());
    if let Some(table) = table.filter(|_| !types && !event.ctrl_key() && !event.meta_key() && !event.alt_key()) {
        step_focus(&table, LEAD, forward);
    }
}

/// A table with its caption (for screen readers) and head; children are `<tr>`s of `LeadCell` and `Cell`.
/// `cards` (the default) turns rows into cards on a phone.
#[component]
pub fn Table(
    #[prop(into)] caption: String,
    #[prop(into)] columns: Signal<Vec<Column>>,
    #[prop(default = true)] cards: bool,
    /// Dims the rows while new ones are loading, so nothing flashes.
    #[prop(optional, into)]
    busy: Signal<bool>,
    children: Children,
) -> impl IntoView {
    let named = caption.clone();
    let class = join(if cards { "table cards" } else { "table" }, "[&_tr:has(.lead_a)]:cursor-pointer");
    let head = move || columns.get().into_iter().map(head_cell).collect_view();
    view! {
        // Positioned, so that what is there for screen readers only does not widen the page.
        <div class="relative overflow-x-auto" tabindex="0" role="region" aria-label=named on:keydown=step_rows>
            <table class=class on:click=open_row aria-busy=move || busy.get().then_some("true")>
                <caption class="sr-only">{caption}</caption>
                <thead><tr>{move || head()}</tr></thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
}

/// The first cell of a row: a link (or text without `href`) and a quieter second line, who or where.
#[component]
pub fn LeadCell(
    #[prop(into)] title: String,
    #[prop(optional, into)] href: String,
    #[prop(optional, into)] sub: String,
) -> impl IntoView {
    let title = match some(href) {
        Some(href) => view! { <a class="font-medium hover:underline" href=href>{title}</a> },
        None => view! { <span class="font-medium">{title}</span> },
    };
    view! { <td class="lead">{title} {some(sub).map(|sub| view! { <span class="sub">{sub}</span> })}</td> }
}

/// A cell. `label` is its column's name, shown on a phone; `number` right-aligns; `muted` greys; `sub` is a second line.
/// Without children it shows an en dash: a missing value is never 0.
#[component]
pub fn Cell(
    #[prop(optional, into)] label: String,
    #[prop(optional)] number: bool,
    #[prop(optional)] muted: bool,
    #[prop(optional, into)] sub: String,
    #[prop(optional, into)] class: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let base = match (number, muted) {
        (true, true) => "n text-muted-foreground",
        (true, false) => "n",
        (false, true) => "text-muted-foreground",
        (false, false) => "",
    };
    let inside = match children {
        Some(children) => children(),
        None => view! { <span class="text-muted-foreground">"–"</span> },
    };
    view! {
        <td class=some(join(base, &class)) data-label=some(label)>
            {inside}
            {some(sub).map(|sub| view! { <span class="sub">{sub}</span> })}
        </td>
    }
}

/// Page numbers shown: first, last, and those around the current one; `None` is a gap.
fn shown_pages(page: u32, pages: u32) -> Vec<Option<u32>> {
    let mut shown = Vec::new();
    let mut before = 0;
    for n in (1..=pages).filter(|n| *n == 1 || *n == pages || n.abs_diff(page) <= 1) {
        if n > before + 1 {
            shown.push(None);
        }
        shown.push(Some(n));
        before = n;
    }
    shown
}

fn step_link(href: Option<String>, label: &'static str, icon: icondata::Icon) -> AnyView {
    let inside = view! { <Icon icon=icon class="rtl:-scale-x-100"/> };
    match href {
        Some(href) => view! { <a class="btn btn-ghost btn-icon btn-sm" href=href aria-label=label>{inside}</a> },
        None => view! { <span class="btn btn-ghost btn-icon btn-sm opacity-40" aria-hidden="true">{inside}</span> },
    }
}

/// "26–50 of 1,204", and links to pages. `href` makes the link of a page.
#[component]
pub fn Pager(
    page: u32,
    per_page: u32,
    total: i64,
    #[prop(into)] href: Callback<u32, String>,
    /// Only needed when a page has two pagers.
    #[prop(default = "Pages".into(), into)]
    label: String,
) -> impl IntoView {
    let per = i64::from(per_page.max(1));
    let pages = u32::try_from((total.max(0) + per - 1) / per).unwrap_or(u32::MAX).max(1);
    let page = page.clamp(1, pages);
    let first = i64::from(page - 1) * per + 1;
    let last = (first + per - 1).min(total);
    let words =
        if total == 0 { "None".to_owned() } else { format!("{}–{} of {}", grouped(first), grouped(last), grouped(total)) };
    let links = shown_pages(page, pages)
        .into_iter()
        .map(|n| match n {
            None => view! { <span class="px-1" aria-hidden="true">"…"</span> },
            Some(n) => {
                let (here, shown) = (n == page, grouped(i64::from(n)));
                let class = if here { "btn btn-secondary btn-sm min-w-8 tabular-nums" } else { "btn btn-ghost btn-sm min-w-8 tabular-nums" };
                view! {
                    <a class=class href=href.run(n) aria-current=here.then_some("page") aria-label=format!("Page {shown}")>{shown.clone()}</a>
                }
            }
        })
        .collect_view();
    view! {
        <div class="pager">
            <span class="tabular-nums">{words}</span>
            {(pages > 1).then(|| view! {
                <nav class="flex items-center gap-1" aria-label=label>
                    {step_link((page > 1).then(|| href.run(page - 1)), "Previous page", icondata::LuChevronLeft)}
                    {links}
                    {step_link((page < pages).then(|| href.run(page + 1)), "Next page", icondata::LuChevronRight)}
                </nav>
            })}
        </div>
    }
}

/// Older and newer, for lists too long to count.
#[component]
pub fn CursorPager(
    #[prop(optional, into)] text: String,
    #[prop(optional_no_strip)] previous: Option<String>,
    #[prop(optional_no_strip)] next: Option<String>,
    #[prop(default = "Pages".into(), into)] label: String,
) -> impl IntoView {
    view! {
        <div class="pager">
            <span>{text}</span>
            <nav class="flex items-center gap-1" aria-label=label>
                {step_link(previous, "Previous page", icondata::LuChevronLeft)}
                {step_link(next, "Next page", icondata::LuChevronRight)}
            </nav>
        </div>
    }
}

/// 131906 → "131,906".
pub fn grouped(n: i64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && digit != '-' && (digits.len() - i).is_multiple_of(3) && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pager_shows_the_ends_and_the_neighbours() {
        assert_eq!(shown_pages(1, 1), [Some(1)]);
        assert_eq!(shown_pages(5, 9), [Some(1), None, Some(4), Some(5), Some(6), None, Some(9)]);
        assert_eq!(shown_pages(2, 4), [Some(1), Some(2), Some(3), Some(4)]);
    }

    #[test]
    fn large_numbers_are_grouped_by_three() {
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(131_906), "131,906");
        assert_eq!(grouped(-1_000), "-1,000");
    }
}
