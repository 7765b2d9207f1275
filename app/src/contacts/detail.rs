//! One contact: who they are, where they stand in campaigns, and what happened.

use icondata as i;
use leptos_meta::Title;
use model::Error;
use model::accounts::Permission;
use model::contacts::{Contact, ContactCampaign, ContactStatus, Happening};
use model::events::Topic;
use model::id::ContactId;
use model::suppressions::SuppressionRow;

use super::form::ContactDialog;
use super::list::{ArchiveDialog, Dialogs, ListSegments};
use crate::calls::{detail::waiting, state_label, tone};
use crate::campaigns::enrollment_tone;
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, When, by_id, duration, link, may, phone, title};
use crate::suppressions::AddSuppression;
use crate::ui::{
    Badge, Button, Card, ConfirmDialog, Crumb, Empty, Fact, Facts, Note, PageHeader, Timeline, TimelineItem, Tone, Variant, some,
    use_toasts,
};
use crate::wire::{Answer, Change};

/// What is noted with a number that is taken off from here.
const REASON: &str = "On the contact’s page";

/// A contact with everything its page shows.
#[server(protocol = crate::wire::Wire)]
pub async fn open_contact(id: ContactId) -> Result<Contact, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let contact = services::contacts::open(&mut tx, id).await?;
    tx.commit().await?;
    Ok(contact)
}

/// `/contacts/:id`
#[component]
pub fn ContactPage() -> impl IntoView {
    by_id("Contact", "contact", one)
}

fn one(id: ContactId) -> AnyView {
    let dialogs = Dialogs::default();
    let topics = [Topic::Contacts, Topic::Suppressions, Topic::Calls].map(use_topic);
    let news = move || topics.iter().map(Get::get).sum::<u32>() + dialogs.changed.get();
    let contact = Answer::new(news, move || OpenContact { id });
    view! { <Loaded resource=contact what="the contact" heading="Contact" waiting=waiting view=move |contact| page(contact, dialogs)/> }
}

fn page(contact: Signal<Contact>, dialogs: Dialogs) -> AnyView {
    let name = Signal::derive(move || contact.with(|c| phone(&c.row.name)));
    let description = Signal::derive(move || {
        contact.with(|c| match c.row.company.as_str() {
            "" => phone(&c.row.phone),
            company => format!("{}, {company}", phone(&c.row.phone)),
        })
    });
    let is_archived = Memo::new(move |_| contact.with(|c| c.row.status == ContactStatus::Archived));
    let is_suppressed = Memo::new(move |_| contact.with(|c| c.row.suppressed));
    let beside = move || {
        view! {
            {move || is_suppressed.get().then(|| view! { <Badge label="Never call" tone=Tone::Danger/> })}
            {move || is_archived.get().then(|| view! { <Badge label=ContactStatus::Archived.label()/> })}
        }
    };
    let segments = Answer::new(move || dialogs.changed.get(), || ListSegments {});
    let names = Signal::derive(move || segments.get().and_then(Result::ok).unwrap_or_default());
    let (manage, suppress) = (may(Permission::ManageContacts), may(Permission::ManageSuppressions));
    let never = RwSignal::new(false);
    view! {
        <Title text=title(name)/>
        <PageHeader title=name description=description crumbs=vec![Crumb::new("Contacts", "/contacts")] beside=beside>
            {move || (suppress.get() && !is_suppressed.get()).then(|| view! {
                <Button variant=Variant::Outline icon=i::LuPhoneOff on:click=move |_| never.set(true)>"Never call…"</Button>
            })}
            {move || (manage.get() && !is_archived.get()).then(|| view! {
                <Button variant=Variant::Outline icon=i::LuArchive on:click=move |_| contact.with_untracked(|c| dialogs.archive(&c.row))>"Archive…"</Button>
            })}
            {move || manage.get().then(|| view! {
                <Button icon=i::LuPencil on:click=move |_| dialogs.edit(Some(contact.with_untracked(|c| c.row.clone())))>"Edit"</Button>
            })}
        </PageHeader>
        <div class="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_22rem]">
            <div class="flex min-w-0 flex-col gap-6">
                {move || contact.with(|c| c.suppression.clone()).map(why_never)}
                {move || campaigns(contact.with(|c| c.campaigns.clone()))}
                {move || story(contact.get())}
            </div>
            {move || facts(contact.get())}
        </div>
        <ContactDialog open=dialogs.form editing=dialogs.editing segments=names changed=dialogs.changed/>
        <ArchiveDialog dialogs=dialogs/>
        <NeverDialog open=never contact=contact changed=dialogs.changed/>
    }
    .into_any()
}

fn why_never(row: SuppressionRow) -> AnyView {
    let SuppressionRow { source, reason, by, created_at, phone: number, .. } = row;
    let by = by.map(|by| format!(", {by}"));
    let reason = some(reason).map(|reason| format!(" “{reason}”"));
    view! {
        <Note tone=Tone::Danger icon=i::LuPhoneOff>
            <b class="font-semibold">"Never called: "</b>{source.label()} {by} ", " <When moment=created_at/> "." {reason} " "
            <a class="link" href=link("/suppressions", &[("q", &number)])>"Do-not-call list"</a>
        </Note>
    }
}

fn campaigns(rows: Vec<ContactCampaign>) -> Option<AnyView> {
    if rows.is_empty() {
        return None;
    }
    let one = |row: ContactCampaign| {
        let why = row.reason.map(|reason| match row.reason_detail.as_str() {
            "" => reason.label().to_owned(),
            detail => format!("{}: {detail}", reason.label()),
        });
        let next = row.next_attempt_at.filter(|_| !row.status.is_final());
        let tries = if row.attempts == 1 { "1 attempt".to_owned() } else { format!("{} attempts", row.attempts) };
        view! {
            <li class="flex flex-wrap items-baseline gap-x-3 gap-y-1 px-5 py-3">
                <a class="min-w-0 truncate font-medium hover:underline" href=format!("/campaigns/{}", row.id)>{row.name}</a>
                <Badge label=row.status.label() tone=enrollment_tone(row.status)/>
                <span class="ms-auto text-sm text-muted-foreground tabular-nums">
                    {tries} {next.map(|at| view! { ", next " <When moment=at/> })}
                </span>
                {why.map(|why| view! { <span class="w-full text-sm text-muted-foreground">{why}</span> })}
            </li>
        }
    };
    Some(
        view! { <Card title="Campaigns" flush=true><ul class="divide-y border-t">{rows.into_iter().map(one).collect_view()}</ul></Card> },
    )
}

/// Newest first, so that the last call is in view.
fn story(contact: Contact) -> AnyView {
    let all = link("/calls", &[("contact", &contact.row.id.to_string())]);
    if contact.story.is_empty() {
        return view! { <Card title="What happened"><Empty icon=i::LuPhone title="Nothing yet" text="Calls to and from this number appear here."/></Card> };
    }
    let items = contact.story.into_iter().map(happening).collect_view();
    let more = contact.is_cut.then(|| view! { <p class="mt-4 text-sm"><a class="link" href=all>"All calls"</a></p> });
    view! { <Card title="What happened" scope="Company time"><Timeline>{items}</Timeline>{more}</Card> }
}

fn happening(one: Happening) -> AnyView {
    let time = one.at().short();
    match one {
        Happening::Call(call) => {
            let talk = (call.talk_seconds > 0).then(|| format!(", {} talk time", duration(call.talk_seconds)));
            let campaign = call.campaign.map(|(_, name)| format!(", {name}"));
            let about = format!("{}{}", call.direction.label(), talk.unwrap_or_default());
            view! {
                <TimelineItem title=state_label(&call.state) time=time tone=tone(&call.state)>
                    <a class="link" href=format!("/calls/{}", call.id)>{about}</a> {campaign}
                </TimelineItem>
            }
        }
        Happening::Event(event) => {
            view! { <TimelineItem title=event.kind.label() time=time>{format!("{}, {}", event.text, event.who)}</TimelineItem> }
        }
    }
}

fn facts(contact: Contact) -> AnyView {
    let row = contact.row;
    let (manage, asked) = (may(Permission::ManageSettings), format!("/erase?contact={}", row.id));
    let link = |(text, href): (String, String)| view! { <li><a class="link" href=href rel="external">{text}</a></li> };
    let links = contact.links.into_iter().map(link).collect_view();
    let fact = |label: &'static str, text: String| {
        some(text).map(|text| view! { <Fact label=label><span class="wrap-anywhere">{text}</span></Fact> })
    };
    view! {
        <Card title="Details">
            <Facts>
                <Fact label="Phone"><span class="tabular-nums">{phone(&row.phone)}</span></Fact>
                {fact("E-mail", row.email)}
                {fact("Company", row.company)}
                {fact("Segment", row.segment)}
                {fact("Time zone", row.time_zone)}
                {fact("Notes", row.notes)}
                <Fact label="Calls"><span class="tabular-nums">{row.calls}</span></Fact>
                {row.last_called_at.map(|at| view! { <Fact label="Last call"><When moment=at/></Fact> })}
                <Fact label="Added"><When moment=row.created_at/></Fact>
            </Facts>
            {move || manage.get().then(|| view! {
                <p class="mt-4 text-sm"><a class="link" rel="external" href=asked.clone()>"Export or erase"</a></p>
            })}
            <ul class="mt-4 text-sm">{links}</ul>
        </Card>
    }
}

#[component]
fn NeverDialog(open: RwSignal<bool>, contact: Signal<Contact>, changed: RwSignal<u32>) -> impl IntoView {
    let toasts = use_toasts();
    let add = Change::new::<AddSuppression>();
    let error = add.error();
    Effect::new(move |_| {
        if add.done() {
            open.set(false);
            changed.update(|n| *n += 1);
            toasts.success("This number will not be called again");
            add.clear();
        }
    });
    let confirm = move |()| {
        let phone = contact.with_untracked(|c| c.row.phone.clone());
        add.ask(&AddSuppression { phone, reason: REASON.to_owned() });
    };
    view! {
        <ConfirmDialog
            open=open
            id="never-call"
            title=Signal::derive(move || format!("Never call {} again?", contact.with(|c| phone(&c.row.name))))
            description="Their number goes on the do-not-call list and leaves every queue it waits in."
            confirm="Never call again"
            busy=add.pending()
            error=Signal::derive(move || error.get().map(|error| error.to_string()))
            on_confirm=Callback::new(confirm)
        />
    }
}
