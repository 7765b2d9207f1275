//! The overview of one campaign: how far it is, what came of the calls, and why nothing is dialed when nothing is.

use model::accounts::Permission;
use model::campaigns::{Campaign, Progress, Status};

use super::canary::CanaryCard;
use super::numbers::NumbersTab;
use super::settings::FactsCard;
use super::why::RightNow;
use crate::prelude::*;
use crate::screen::{duration, may, share, span};
use crate::ui::{Card, Funnel, FunnelStep, LiveDot, Note, Stat, Stats, Tone, grouped};

/// Everything on the first tab.
#[component]
pub fn Overview(campaign: Signal<Campaign>) -> impl IntoView {
    let progress = Memo::new(move |_| campaign.with(|c| c.progress));
    let inbound = Memo::new(move |_| campaign.with(|c| c.form.is_inbound()));
    let id = campaign.with_untracked(|c| c.id);
    view! {
        <div class="flex flex-col gap-6">
            {move || campaign.with(why_quiet)}
            {move || if inbound.get() {
                view! { <NumbersTab id=campaign.with_untracked(|c| c.id)/> }
            } else {
                view! { <Headline campaign=campaign/> }
            }}
            <Tiles progress=progress/>
            <div class="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_22rem]">
                <div class="grid gap-6 md:grid-cols-2">
                    <Card title="Funnel" scope="From attempt to conversation">
                        <Funnel steps=Signal::derive(move || progress.with(funnel))/>
                    </Card>
                    <Card title="Outcomes" scope="Ended calls, by what happened">
                        <Outcomes progress=progress/>
                    </Card>
                </div>
                <div class="flex min-w-0 flex-col gap-6">
                    <RightNow id=id/>
                    <CanaryCard campaign=campaign/>
                    <FactsCard campaign=campaign/>
                </div>
            </div>
        </div>
    }
}

/// The stored reason why no phone rings, in the reader's words.
fn why_quiet(campaign: &Campaign) -> Option<AnyView> {
    let paused = campaign.pause_reason.clone().filter(|_| campaign.status == Status::Paused);
    if let Some(why) = paused {
        let top_up = (why.contains("Top up") && may(Permission::ViewWallet).get()).then(|| {
            view! { " " <a class="link" href="/billing">"Go to billing"</a> }
        });
        return Some(view! { <Note tone=Tone::Warning><b class="font-semibold">"Paused: "</b>{why}{top_up}</Note> });
    }
    // With calls in flight the dialer only waits for the next of its turns.
    let (why, until) = campaign.parked.filter(|_| campaign.status == Status::Active && campaign.progress.calling == 0)?;
    let until = until.map(|at| format!(" Next look {}.", at.short()));
    Some(view! {
        <Note tone=Tone::Info icon=icondata::LuMoon>
            <b class="font-semibold">"Nothing is being dialed right now: "</b>{why.label()}{until}
        </Note>
    })
}

/// The one line that answers "how far is it?", with the live figures beside it.
#[component]
fn Headline(campaign: Signal<Campaign>) -> impl IntoView {
    let progress = Memo::new(move |_| campaign.with(|c| c.progress));
    let running = Memo::new(move |_| campaign.with(|c| c.status == Status::Active));
    let waiting = move || progress.with(|p| (p.contacts - p.finished - p.calling).max(0));
    let width = move |part: fn(&Progress) -> i64| {
        move || progress.with(|p| format!("{:.1}%", part(p) as f64 * 100.0 / p.contacts.max(1) as f64))
    };
    let label = move || {
        progress.with(|p| {
            format!(
                "{} finished, {} on a call, {} still to do",
                p.finished,
                p.calling,
                (p.contacts - p.finished - p.calling).max(0)
            )
        })
    };
    view! {
        <section class="card" aria-label="Progress">
            <div class="grid gap-6 p-5 lg:grid-cols-[minmax(0,1fr)_auto] lg:gap-8">
                <div class="min-w-0">
                    <h2 class="text-base font-semibold tabular-nums">
                        {move || progress.with(Progress::percent)} "% complete"
                        <span class="ms-2 font-normal text-muted-foreground">
                            {move || progress.with(|p| format!("{} of {} contacts finished", grouped(p.finished), grouped(p.contacts)))}
                        </span>
                    </h2>
                    <div class="mt-3 flex h-2.5 gap-0.5 overflow-hidden rounded-full bg-secondary" role="img" aria-label=label>
                        <span class="bg-chart-1" style:width=width(|p| p.finished)></span>
                        <span class="bg-chart-1/35" style:width=width(|p| p.calling)></span>
                    </div>
                    <ul class="mt-3 flex flex-wrap gap-x-6 gap-y-1 text-sm">
                        {legend("bg-chart-1", "Finished", Signal::derive(move || progress.with(|p| p.finished)))}
                        {legend("bg-chart-1/35", "On a call", Signal::derive(move || progress.with(|p| p.calling)))}
                        {legend("bg-secondary ring-1 ring-input ring-inset", "Still to do", Signal::derive(waiting))}
                    </ul>
                </div>
                <dl class="flex flex-wrap items-center gap-8 border-border lg:border-s lg:ps-8">
                    <div>
                        <dt class="flex items-center gap-2 text-sm text-muted-foreground"><LiveDot stale=Signal::derive(move || !running.get())/>"In flight"</dt>
                        <dd class="mt-1 text-2xl font-semibold tracking-[-0.022em] tabular-nums">
                            {move || grouped(progress.with(|p| p.calling))}
                            <span class="text-base font-medium text-muted-foreground">{move || campaign.with(|c| format!(" / {}", c.form.concurrency_max))}</span>
                        </dd>
                    </div>
                    <div>
                        <dt class="text-sm text-muted-foreground">"Reserved credits"</dt>
                        <dd class="mt-1 text-2xl font-semibold tracking-[-0.022em] tabular-nums">
                            {move || campaign.with(|c| c.reserved.rounded())}
                            <span class="text-base font-medium text-muted-foreground">" credits"</span>
                        </dd>
                    </div>
                </dl>
            </div>
        </section>
    }
}

fn legend(dot: &str, label: &'static str, n: Signal<i64>) -> impl IntoView + use<> {
    view! {
        <li class="flex items-center gap-2">
            <span class=format!("dot {dot}")></span>
            <span class="text-muted-foreground">{label}</span>
            <span class="tabular-nums">{move || grouped(n.get())}</span>
        </li>
    }
}

#[component]
fn Tiles(progress: Memo<Progress>) -> impl IntoView {
    let figure = move |read: fn(&Progress) -> String| Signal::derive(move || progress.with(read));
    view! {
        <Stats label="Calls of this campaign" class="grid-cols-2 md:grid-cols-4">
            <Stat label="Calls" value=figure(|p| grouped(p.calls))/>
            <Stat label="Connect rate" value=figure(super::connect_rate) note=figure(|p| format!("{} connected", grouped(p.connected)))/>
            <Stat
                label="Average talk"
                value=figure(|p| if p.connected > 0 { duration(p.talk_seconds / p.connected) } else { String::new() })
                note=figure(|p| format!("{} in all", span(p.talk_seconds)))
            />
            <Stat
                label="Spent"
                unit="credits"
                value=figure(|p| p.spent.rounded())
                note=figure(|p| if p.connected > 0 { format!("{} per connect", model::credits::Credits(p.spent.0 / p.connected).rounded()) } else { "nothing connected yet".to_owned() })
            />
        </Stats>
    }
}

fn funnel(p: &Progress) -> Vec<FunnelStep> {
    // The same rounding as the connect rate above.
    let of = |part: i64| (part * 1000 / p.calls.max(1)) as f64 / 10.0;
    let answered = p.connected + p.voicemail;
    vec![
        FunnelStep::new("Calls", grouped(p.calls), if p.calls > 0 { 100.0 } else { 0.0 }),
        FunnelStep::new("Answered", grouped(answered), of(answered)),
        FunnelStep::new("Connected to a person", grouped(p.connected), of(p.connected)),
    ]
}

#[component]
fn Outcomes(progress: Memo<Progress>) -> impl IntoView {
    let line = move |label: &'static str, dot: &'static str, part: fn(&Progress) -> i64| {
        view! {
            <li class="flex items-center gap-2.5 py-1.5">
                <span class=format!("dot {dot}")></span>
                <span class="flex-1">{label}</span>
                <span class="tabular-nums">{move || grouped(progress.with(part))}</span>
                <span class="w-14 text-end text-muted-foreground tabular-nums">{move || progress.with(|p| share(part(p), p.calls))}</span>
            </li>
        }
    };
    view! {
        <ul class="text-sm">
            {line("Connected", "bg-chart-1", |p| p.connected)}
            {line("Voicemail", "bg-chart-3", |p| p.voicemail)}
            {line("No answer", "bg-chart-5", |p| p.no_answer)}
            {line("Busy", "bg-chart-2", |p| p.busy)}
            {line("Failed", "bg-chart-4", |p| p.failed)}
        </ul>
    }
}
