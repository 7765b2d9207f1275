//! The last question before phones ring: who is called, what is set aside, when the first call goes out. Shows the same
//! checks the verb makes; a campaign with a start in the future is scheduled instead.

use model::Error;
use model::campaigns::{Action as Move, CheckItem, LaunchCheck, Status};
use model::id::CampaignId;
use model::time::Moment;
use serde::{Deserialize, Serialize};

use super::moves::move_campaign;
use crate::prelude::*;
use crate::screen::{count, failed};
use crate::ui::{Button, Dialog, DialogSize, Icon, LinkButton, Note, Size, SkeletonText, Stat, Stats, Tone, Variant, use_toasts};

/// What the launch dialog shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    pub check: LaunchCheck,
    /// The start, when it is still to come.
    pub later: Option<Moment>,
    /// It answers numbers and calls nobody.
    pub inbound: bool,
}

impl Launch {
    const fn action(&self) -> Move {
        if self.later.is_some() { Move::Schedule } else { Move::Launch }
    }
}

/// The checks of a draft, and whether launching means scheduling.
#[server(protocol = crate::wire::Wire)]
pub async fn check_launch(id: CampaignId) -> Result<Launch, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let check = services::campaigns::launch_check(&mut tx, id).await?;
    let campaign = services::campaigns::load(&mut tx, id).await?;
    let now = tx.now();
    tx.commit().await?;
    Ok(Launch { check, later: campaign.starts_at.filter(|start| start.at > now), inbound: campaign.form.is_inbound() })
}

/// Asks, then launches or schedules. `campaign` is whom the question is about.
#[component]
pub fn LaunchDialog(
    open: RwSignal<bool>,
    campaign: RwSignal<Option<(CampaignId, String)>>,
    changed: RwSignal<u32>,
) -> impl IntoView {
    let toasts = use_toasts();
    let busy = RwSignal::new(false);
    let refused = RwSignal::new(None::<String>);
    let answer = RwSignal::new(None::<Result<Launch, Error>>);
    let ask = Callback::new(move |()| {
        answer.set(None);
        refused.set(None);
        if let Some((id, _)) = campaign.get_untracked() {
            leptos::task::spawn_local(async move {
                let checked = check_launch(id).await;
                // Another question may have been asked, or the page left, since.
                if campaign.try_get_untracked().flatten().is_some_and(|(now, _)| now == id) {
                    answer.set(Some(checked));
                }
            });
        }
    });
    Effect::new(move |_| {
        if open.get() {
            ask.run(());
        }
    });
    let known = Memo::new(move |_| answer.get().and_then(Result::ok));
    let name = move || campaign.with(|c| c.as_ref().map(|(_, name)| name.clone()).unwrap_or_default());
    let title = move || {
        let later = known.with(|k| k.as_ref().is_some_and(|k| k.later.is_some()));
        format!("{} {}?", if later { "Schedule" } else { "Launch" }, name())
    };
    let description = move || known.with(|known| known.as_ref().map(consequence).unwrap_or_default());
    let send = move |_| {
        let (Some((id, name)), Some(launch)) = (campaign.get_untracked(), known.get_untracked()) else { return };
        if !launch.check.is_ready() {
            return;
        }
        busy.set(true);
        leptos::task::spawn_local(async move {
            let answer = move_campaign(id, launch.action()).await;
            busy.set(false);
            match answer {
                Ok(status) => {
                    let word = if status == Status::Scheduled { "scheduled" } else { "launched" };
                    toasts.success(format!("{name} is {word}"));
                    open.set(false);
                    changed.update(|n| *n += 1);
                }
                Err(error) => refused.set(Some(error.to_string())),
            }
        });
    };
    let foot = move || {
        let verb = move || known.with(|known| known.as_ref().map_or_else(|| "Launch".to_owned(), verb));
        let ready = move || known.with(|known| known.as_ref().is_some_and(|known| known.check.is_ready()));
        view! {
            <Button variant=Variant::Outline on:click=move |_| open.set(false)>"Not yet"</Button>
            <Button icon=icondata::LuRocket busy=busy attr:aria-disabled=move || (!ready()).then_some("true") on:click=send>{move || verb()}</Button>
        }
    };
    view! {
        <Dialog
            open=open
            id="launch-campaign"
            title=Signal::derive(title)
            description=Signal::derive(description)
            size=DialogSize::Medium
            foot=foot
        >
            {move || match answer.get() {
                None => view! { <SkeletonText lines=6/> },
                Some(Err(error)) => failed(&error, "the checks", ask),
                Some(Ok(launch)) => view! { <CheckView check=launch.check/> },
            }}
            {move || refused.get().map(|text| view! { <Note tone=Tone::Danger live=true class="mt-4">{text}</Note> })}
        </Dialog>
    }
}

fn consequence(launch: &Launch) -> String {
    if launch.inbound {
        return "It answers its numbers from now on. Nothing is set aside: each call is paid for as it comes.".to_owned();
    }
    let people = count(launch.check.contacts, "contact", "contacts");
    match (launch.later, launch.check.first_call) {
        (Some(start), _) => format!("{people}. Calling begins {}, inside calling hours.", start.short()),
        (None, Some(first)) => format!("{people}, first call {}.", first.short()),
        (None, None) => format!("{people}. No calling hour opens in the next two weeks."),
    }
}

fn verb(launch: &Launch) -> String {
    match launch.later {
        _ if launch.inbound => "Launch".to_owned(),
        Some(start) => format!("Schedule for {}", start.short()),
        None => format!("Launch with {}", count(launch.check.contacts, "contact", "contacts")),
    }
}

/// The figures and the list of checks; also the review step of the campaign dialog.
#[component]
pub fn CheckView(check: LaunchCheck) -> impl IntoView {
    let failing = check.items.iter().filter(|item| !item.ok).count();
    let verdict = match failing {
        0 => "All passed".to_owned(),
        n => format!("{} passed, {n} to mend", check.items.len() - n),
    };
    let left = check.available - check.reserve;
    let left = if left.0 < 0 { String::new() } else { left.rounded() };
    let (unit, note) = if left.is_empty() { ("", "top up first") } else { ("credits", "") };
    view! {
        <div class="flex flex-col gap-6">
            <Stats label="Credits" class="grid-cols-1 sm:grid-cols-3">
                <Stat label="Will be reserved" value=check.reserve.rounded() unit="credits"/>
                <Stat label="Expected cost" value=check.estimate.rounded() unit="credits"/>
                <Stat label="Left after launch" value=left unit=unit note=note/>
            </Stats>
            <section aria-labelledby="launch-checks">
                <div class="mb-2 flex items-baseline justify-between gap-3">
                    <h3 id="launch-checks" class="text-sm font-semibold">"Pre-launch checks"</h3>
                    <span class="text-sm text-muted-foreground">{verdict}</span>
                </div>
                <ul class="divide-y rounded-lg border">{check.items.into_iter().map(check_line).collect_view()}</ul>
            </section>
        </div>
    }
}

fn check_line(item: CheckItem) -> impl IntoView {
    let (icon, class, word) = if item.ok {
        (icondata::LuCircleCheck, "text-success", "Passed: ")
    } else {
        (icondata::LuTriangleAlert, "text-warning", "To mend: ")
    };
    let title = item.title.clone();
    let fix = item.fix_href.filter(|_| !item.ok).map(|href| {
        view! { <LinkButton href=href variant=Variant::Outline size=Size::Small>"Mend"<span class="sr-only">" " {title}</span></LinkButton> }
    });
    view! {
        <li class="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-3 text-sm sm:flex-nowrap">
            <Icon icon=icon class=class/>
            <span class="w-28 shrink-0 font-medium"><span class="sr-only">{word}</span>{item.title}</span>
            <span class="min-w-0 flex-1 text-muted-foreground">{item.detail}</span>
            {fix}
        </li>
    }
}
