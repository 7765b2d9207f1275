//! The list of contacts. Search, segment, import and page are in the query string; rows change in place.

use icondata as i;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::Error;
use model::accounts::Permission;
use model::contacts::{ContactFilter, ContactRow};
use model::events::Topic;
use model::id::ContactId;
use model::page::{Page, Paging};

use super::form::ContactDialog;
use crate::imports::upload::ImportDialog;
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, When, link, live_lines, may, paging, phone, text, word};
use crate::ui::{
    Badge, Button, Card, Cell, Chip, Column, ConfirmDialog, Empty, FilterBar, FilterSelect, LinkButton, Menu, MenuItem, MenuLine,
    MenuLink, Opt, PageHeader, Pager, SkeletonRows, Table, Tone, Variant, grouped, use_toasts,
};
use crate::wire::{Answer, Change};

/// One page of contacts.
#[server(protocol = crate::wire::Wire)]
pub async fn list_contacts(filter: ContactFilter) -> Result<Page<ContactRow>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let page = services::contacts::list(&mut tx, &filter).await?;
    tx.commit().await?;
    Ok(page)
}

/// The segments in use, for filters and suggestions.
#[server(protocol = crate::wire::Wire)]
pub async fn list_segments() -> Result<Vec<String>, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let segments = services::contacts::segments(&mut tx).await?;
    tx.commit().await?;
    Ok(segments)
}

/// Takes a contact out of lists and future campaigns.
#[server(protocol = crate::wire::Wire)]
pub async fn archive_contact(id: ContactId) -> Result<(), Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    services::contacts::archive(&mut tx, id).await?;
    tx.commit().await?;
    Ok(())
}

fn read(query: &ParamsMap) -> ContactFilter {
    ContactFilter {
        search: text(query, "q"),
        segment: text(query, "segment"),
        import: word(query, "import"),
        paging: paging(query),
    }
}

/// The address that shows `filter`.
fn href(filter: &ContactFilter) -> String {
    let import = filter.import.map(|id| id.to_string()).unwrap_or_default();
    let page = if filter.paging.page > 1 { filter.paging.page.to_string() } else { String::new() };
    link("/contacts", &[("q", &filter.search), ("segment", &filter.segment), ("import", &import), ("page", &page)])
}

/// What the dialogs of this page are about; they stand outside the rows, so that news does not close them.
#[derive(Clone, Copy, Default)]
pub struct Dialogs {
    pub form: RwSignal<bool>,
    pub editing: RwSignal<Option<ContactRow>>,
    import: RwSignal<bool>,
    archive: RwSignal<bool>,
    archiving: RwSignal<Option<(ContactId, String)>>,
    pub changed: RwSignal<u32>,
}

impl Dialogs {
    pub fn archive(self, row: &ContactRow) {
        self.archiving.set(Some((row.id, row.name.clone())));
        self.archive.set(true);
    }

    pub fn edit(self, row: Option<ContactRow>) {
        self.editing.set(row);
        self.form.set(true);
    }
}

/// `/contacts`
#[component]
pub fn ContactsPage() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(read));
    let (tick, suppressed) = (use_topic(Topic::Contacts), use_topic(Topic::Suppressions));
    let dialogs = Dialogs::default();
    let news = move || tick.get() + dialogs.changed.get();
    let page = Answer::new(move || news() + suppressed.get(), move || ListContacts { filter: filter.get() });
    let segments = Answer::new(news, || ListSegments {});
    let names = RwSignal::new(Vec::new());
    Effect::new(move |_| names.set(segments.get().and_then(Result::ok).unwrap_or_default()));
    let (manage, import) = (may(Permission::ManageContacts), may(Permission::ImportContacts));
    view! {
        <Title text="Contacts"/>
        <PageHeader title="Contacts" description="The people your agents may call. One phone number is one contact.">
            {move || import.get().then(|| view! {
                <Button variant=Variant::Outline icon=i::LuUpload on:click=move |_| dialogs.import.set(true)>"Import"</Button>
            })}
            {move || manage.get().then(|| view! {
                <Button icon=i::LuPlus on:click=move |_| dialogs.edit(None)>"New contact"</Button>
            })}
        </PageHeader>
        <Transition fallback=|| ()>{move || {
            let names = segments.get().and_then(Result::ok).unwrap_or_default();
            filter.with(|filter| bar(filter, names))
        }}</Transition>
        <Card flush=true>
            <Loaded
                resource=page
                what="the contacts"
                waiting=move || view! { <Table caption="Contacts" columns=columns()><SkeletonRows columns=7/></Table> }
                view=move |page| listing(page, filter, dialogs)
            />
        </Card>
        <ContactDialog open=dialogs.form editing=dialogs.editing segments=names changed=dialogs.changed/>
        <ImportDialog open=dialogs.import/>
        <ArchiveDialog dialogs=dialogs/>
    }
}

fn bar(filter: &ContactFilter, segments: Vec<String>) -> impl IntoView + use<> {
    let any = std::iter::once(Opt::new("", "Any"));
    let options = any.chain(segments.into_iter().map(|name| Opt::new(name.clone(), name))).collect::<Vec<_>>();
    let (search, segment) = (filter.search.clone(), filter.segment.clone());
    let filtered = !filter.search.is_empty() || !filter.segment.is_empty() || filter.import.is_some();
    let import = filter.import.map(|id| {
        let without = href(&ContactFilter { import: None, paging: Paging::default(), ..filter.clone() });
        view! {
            <input type="hidden" name="import" value=id.to_string()/>
            <Chip label="Import" value="one file" remove_href=without/>
        }
    });
    view! {
        <FilterBar
            action="/contacts"
            label="Filter contacts"
            search=search
            placeholder="Start of a name or number"
            clear_href=if filtered { "/contacts" } else { "" }
        >
            <FilterSelect label="Segment" name="segment" value=segment options=options/>
            {import}
        </FilterBar>
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("Contact"),
        Column::new("Phone"),
        Column::new("Segment"),
        Column::new("Time zone"),
        Column::new("Calls").number(),
        Column::new("Last call").number(),
        Column::new("Actions").quiet(),
    ]
}

fn listing(page: Signal<Page<ContactRow>>, filter: Memo<ContactFilter>, dialogs: Dialogs) -> AnyView {
    let empty = Memo::new(move |_| page.with(|page| page.items.is_empty()));
    let pager = Memo::new(move |_| page.with(|page| (page.paging.page, page.paging.per_page, page.total)));
    let rows = move || {
        view! {
            <Table caption="Contacts" columns=columns()>
                {live_lines(page, |row| row.id.uuid(), move |row| view! { <ContactLine row=row dialogs=dialogs/> })}
            </Table>
            {move || {
                let (page, per_page, total) = pager.get();
                let to = move |page| filter.with_untracked(|f| href(&ContactFilter { paging: Paging { page, ..f.paging }, ..f.clone() }));
                view! { <Pager page=page per_page=per_page total=total href=Callback::new(to)/> }
            }}
        }
    };
    view! { {move || if empty.get() { filter.with(|filter| nothing(filter, dialogs)) } else { rows().into_any() }} }
}

fn nothing(filter: &ContactFilter, dialogs: Dialogs) -> AnyView {
    if *filter != (ContactFilter { paging: filter.paging, ..ContactFilter::default() }) {
        return view! {
            <Empty icon=i::LuSearchX title="No contact matches" text="The search looks at the start of names and numbers.">
                <LinkButton href="/contacts" variant=Variant::Outline>"Show all contacts"</LinkButton>
            </Empty>
        };
    }
    let (import, manage) = (may(Permission::ImportContacts), may(Permission::ManageContacts));
    view! {
        <Empty icon=i::LuUsers title="No contacts yet" text="Bring a CSV file: numbers are checked, duplicates are merged, and nothing is overwritten.">
            {move || import.get().then(|| view! { <LinkButton href="/imports/new" icon=i::LuUpload>"Import contacts"</LinkButton> })}
            {move || manage.get().then(|| view! {
                <Button variant=Variant::Outline on:click=move |_| dialogs.edit(None)>"New contact"</Button>
            })}
        </Empty>
    }
}

/// A row whose figures change in place.
#[component]
fn ContactLine(row: Memo<ContactRow>, dialogs: Dialogs) -> impl IntoView {
    let (id, name) = row.with_untracked(|row| (row.id, row.name.clone()));
    let manage = may(Permission::ManageContacts);
    let text = move |read: fn(&ContactRow) -> &String| {
        move || row.with(|row| if read(row).is_empty() { "–".to_owned() } else { read(row).clone() })
    };
    let sub = move || {
        row.with(|row| {
            [row.company.as_str(), row.email.as_str()].iter().filter(|t| !t.is_empty()).copied().collect::<Vec<_>>().join(" · ")
        })
    };
    let archive = move |_| row.with_untracked(|row| dialogs.archive(row));
    view! {
        <tr>
            <td class="lead">
                <a class="font-medium hover:underline" href=format!("/contacts/{id}")>{move || row.with(|row| phone(&row.name))}</a>
                <span class="sub">{move || sub()}</span>
            </td>
            <Cell label="Phone">
                <span class="inline-flex flex-wrap items-center gap-2">
                    <span class="tabular-nums">{move || row.with(|row| phone(&row.phone))}</span>
                    {move || row.with(|row| row.suppressed).then(|| view! { <Badge label="Never call" tone=Tone::Danger/> })}
                </span>
            </Cell>
            <Cell label="Segment">{text(|row| &row.segment)}</Cell>
            <Cell label="Time zone" muted=true>{text(|row| &row.time_zone)}</Cell>
            <Cell label="Calls" number=true>{move || grouped(row.with(|row| row.calls))}</Cell>
            <Cell label="Last call" number=true muted=true>
                {move || match row.with(|row| row.last_called_at) {
                    Some(moment) => view! { <When moment=moment/> },
                    None => "–".into_any(),
                }}
            </Cell>
            <Cell class="w-10">
                <Menu id=format!("m-{id}") label=format!("Actions for {name}")>
                    <MenuLink href=link("/calls", &[("contact", &id.to_string())]) label="See calls" icon=i::LuPhone/>
                    {move || manage.get().then(|| view! {
                        <MenuItem label="Edit" icon=i::LuPencil on:click=move |_| dialogs.edit(Some(row.get_untracked()))/>
                        <MenuLine/>
                        <MenuItem label="Archive…" icon=i::LuArchive danger=true on:click=archive/>
                    })}
                </Menu>
            </Cell>
        </tr>
    }
}

#[component]
pub(super) fn ArchiveDialog(dialogs: Dialogs) -> impl IntoView {
    let toasts = use_toasts();
    let archive = Change::new::<ArchiveContact>();
    let error = archive.error();
    let name = move || dialogs.archiving.with(|who| who.as_ref().map(|(_, name)| name.clone()).unwrap_or_default());
    Effect::new(move |_| {
        if archive.done() {
            dialogs.archive.set(false);
            dialogs.changed.update(|n| *n += 1);
            toasts.success(format!(
                "{} is archived",
                dialogs.archiving.with_untracked(|who| who.as_ref().map(|(_, name)| name.clone()).unwrap_or_default())
            ));
            archive.clear();
        }
    });
    let confirm = move |()| {
        if let Some((id, _)) = dialogs.archiving.get_untracked() {
            archive.ask(&ArchiveContact { id });
        }
    };
    view! {
        <ConfirmDialog
            open=dialogs.archive
            id="archive-contact"
            title=Signal::derive(move || format!("Archive {}?", name()))
            description="They leave the lists and will not be called again. Their calls stay in the record."
            confirm="Archive contact"
            busy=archive.pending()
            error=Signal::derive(move || error.get().map(|error| error.to_string()))
            on_confirm=Callback::new(confirm)
        />
    }
}
