//! Why a person is not called yet, and why a campaign calls nobody: every check of the dialer, asked now.

use model::Error;
use model::accounts::Permission;
use model::campaigns::CampaignWhy;
use model::enrollments::{Check, EnrollmentStatus, Reason, Standing, Why};
use model::events::Topic;
use model::id::{CampaignId, EnrollmentId};

use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, When, failed, link, may, phone};
use crate::ui::{Card, Dialog, DialogSize, Icon, Note, Skeleton, Tone, grouped};
use crate::wire::{Answer, Late};

/// Every check for one person of a campaign.
#[server(protocol = crate::wire::Wire)]
pub async fn explain_enrollment(id: EnrollmentId) -> Result<Why, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let why = services::enrollments::why(&mut tx, id).await?;
    tx.commit().await?;
    Ok(why)
}

/// What stands for or against any call of a campaign.
#[server(protocol = crate::wire::Wire)]
pub async fn explain_campaign(id: CampaignId) -> Result<CampaignWhy, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let why = services::campaigns::why(&mut tx, id).await?;
    tx.commit().await?;
    Ok(why)
}

/// The drawer that explains the person in `asked`; it closes by clearing it.
#[component]
pub fn WhyDrawer(asked: RwSignal<Option<EnrollmentId>>) -> impl IntoView {
    let (open, calls) = (RwSignal::new(false), use_topic(Topic::Calls));
    let why = Late::new(move || {
        calls.track();
        asked.get().map(|id| ExplainEnrollment { id })
    });
    Effect::new(move |_| open.set(asked.get().is_some()));
    Effect::new(move |_| {
        // Only when there is something to clear: each `set` wakes the other effect, and the two would never end.
        if !open.get() && asked.with_untracked(Option::is_some) {
            asked.set(None);
        }
    });
    let waiting = || view! { <Skeleton class="h-64 w-full"/> };
    view! {
        <Dialog open=open id="why" title="Why, or why not" description="Every check of the dialer, as it stands now." size=DialogSize::Side>
            {move || match why.get() {
                None => waiting().into_any(),
                Some(Ok(why)) => person(&why),
                Some(Err(error)) => failed(&error, "the checks", Callback::new(move |()| why.refetch())),
            }}
        </Dialog>
    }
}

fn person(why: &Why) -> AnyView {
    let status = why.status;
    let (record, evidence) = (may(Permission::ViewEvents), link("/evidence", &[("phone", &why.phone)]));
    let next = why.next.map(|at| view! { <p class="mt-2">"Next eligible " <b class="font-semibold"><When moment=at/></b></p> });
    let verdict = match why.verdict().cloned() {
        _ if status == EnrollmentStatus::Calling => view! { <Note tone=Tone::Info>"On a call now."</Note> },
        _ if status.is_final() => {
            view! { <Note><b class="font-semibold">{status.label()} ". "</b>"Nothing more happens to this person here."</Note> }
        }
        None => {
            view! { <Note tone=Tone::Success><b class="font-semibold">"May be called now. "</b>"The next turn of the dialer does."</Note> }
        }
        Some(check) => {
            let (tone, word) = if check.standing == Standing::Waits { (Tone::Info, "not yet") } else { (Tone::Warning, "no") };
            view! {
                <Note tone=tone>
                    <b class="font-semibold">{check.title} ": " {word} ". "</b>
                    {check.text}
                    {check.cite.map(|cite| view! { <p class="mt-1 text-sm">{cite}</p> })}
                    {next}
                </Note>
            }
        }
    };
    view! {
        <p class="font-medium">{why.name.clone()}</p>
        <p class="mb-4 text-sm text-muted-foreground tabular-nums">
            {phone(&why.phone)} ", " {why.status.label()}
            {move || record.get().then(|| view! { " " <a class="link" rel="external" href=evidence.clone()>"Evidence"</a> })}
        </p>
        {verdict}
        {(!status.is_final()).then(|| view! {
            <h3 class="mt-6 mb-2 text-sm font-semibold">"Checks, in order"</h3>
            {list(&why.checks)}
            <h3 class="mt-6 mb-2 text-sm font-semibold">"Rule packs that hold here"</h3>
            <p class="text-sm text-muted-foreground">{why.packs.join(", ")}</p>
        })}
    }
}

fn list(checks: &[Check]) -> AnyView {
    let line = |check: &Check| {
        let word = check.standing.label();
        let (icon, class) = match check.standing {
            Standing::Passes => (icondata::LuCircleCheck, "mt-0.5 size-4 text-success"),
            Standing::Noted => (icondata::LuInfo, "mt-0.5 size-4 text-muted-foreground"),
            Standing::Waits => (icondata::LuClock, "mt-0.5 size-4 text-muted-foreground"),
            Standing::Against => (icondata::LuCircleX, "mt-0.5 size-4 text-destructive"),
        };
        view! {
            <li class="flex items-start gap-2.5 py-1.5">
                <Icon icon=icon class=class/>
                <span class="flex-1">{check.title.clone()}<span class="sr-only">" " {word}</span></span>
                <span class="max-w-56 text-end text-muted-foreground">
                    {check.text.clone()}
                    {check.until.map(|at| view! { <span class="block">"until " <When moment=at/></span> })}
                </span>
            </li>
        }
    };
    view! { <ul class="text-sm">{checks.iter().map(line).collect_view()}</ul> }
}

/// The campaign's own panel: what any call needs, and what its people wait for.
#[component]
pub fn RightNow(id: CampaignId) -> impl IntoView {
    let (calls, campaigns) = (use_topic(Topic::Calls), use_topic(Topic::Campaigns));
    let why = Answer::new(move || calls.get() + campaigns.get(), move || ExplainCampaign { id });
    view! {
        <Card title="Right now" scope="What a call needs, and what people wait for">
            <Loaded
                resource=why
                what="the checks"
                waiting=|| view! { <Skeleton class="h-32 w-full"/> }
                view=|why| view! { {move || why.with(panel)} }
            />
        </Card>
    }
}

fn panel(why: &CampaignWhy) -> AnyView {
    let groups = why.waiting.iter().map(|group| {
        let label = group.reason.map_or("Next in line", Reason::label);
        let next = group.next.filter(|_| group.reason.is_some());
        view! {
            <li class="flex items-start gap-2.5 py-1.5">
                <span class="flex-1">{label} {next.map(|at| view! { <span class="block text-muted-foreground">"first at " <When moment=at/></span> })}</span>
                <span class="tabular-nums">{grouped(group.people)}</span>
            </li>
        }
    });
    let waiting = (!why.waiting.is_empty()).then(|| {
        view! {
            <h3 class="mt-4 mb-1 text-sm font-semibold">"People who wait"</h3>
            <ul class="text-sm">{groups.collect_view()}</ul>
        }
    });
    view! { {list(&why.checks)} {waiting} }
}
