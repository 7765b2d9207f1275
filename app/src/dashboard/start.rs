//! The first screen of a company that has not called anybody yet: the few steps that lead to the first call.

use model::accounts::Permission;
use model::dashboard::Dashboard;

use crate::prelude::*;
use crate::screen::may;
use crate::session::use_me;
use crate::ui::{Card, Icon, LinkButton, Progress, Size, Variant};

/// One step: done, title, text, and where it is done.
struct Step {
    done: bool,
    title: &'static str,
    text: &'static str,
    href: &'static str,
    verb: &'static str,
    needs: Permission,
}

fn steps(seen: &Dashboard, confirmed: bool) -> Vec<Step> {
    vec![
        Step {
            done: confirmed,
            title: "Confirm your e-mail",
            text: "Open the link we sent you. You may look around until then; calls wait for it.",
            href: "/check-mail",
            verb: "How to find it",
            needs: Permission::ViewCampaigns,
        },
        Step {
            done: seen.contacts > 0,
            title: "Bring your contacts",
            text: "Drop a CSV file. Numbers are checked and duplicates merged.",
            href: "/imports/new",
            verb: "Import contacts",
            needs: Permission::ImportContacts,
        },
        Step {
            done: seen.agents > 0,
            title: "Meet your agent",
            text: "Pick a template, read its script aloud, change what you like, publish.",
            href: "/agents?templates=1",
            verb: "Choose a template",
            needs: Permission::ManageAgents,
        },
        Step {
            done: seen.campaigns > 0,
            title: "Create a campaign",
            text: "Who is called, by whom, and when. Saved as a draft until you launch it.",
            href: "/campaigns?new=1",
            verb: "New campaign",
            needs: Permission::ManageCampaigns,
        },
        Step {
            done: !seen.running.is_empty() || seen.totals.calls > 0,
            title: "Launch it",
            text: "You see what is reserved and when the first phone rings before anything happens. The sandbox rings simulated phones only.",
            href: "/campaigns?status=draft",
            verb: "Open drafts",
            needs: Permission::RunCampaigns,
        },
    ]
}

/// Whether there is still something to show here.
pub fn is_new(seen: &Dashboard) -> bool {
    let called = seen.totals.calls > 0 || seen.live_calls > 0 || !seen.running.is_empty();
    let called_before = seen.before.is_some_and(|before| before.calls > 0);
    !called && !called_before && (seen.contacts == 0 || seen.agents == 0 || seen.campaigns <= 1)
}

/// The checklist, the credits, and three promises.
#[component]
pub fn Start(seen: Signal<Dashboard>) -> impl IntoView {
    let me = use_me();
    let confirmed = Memo::new(move |_| me.with(|me| me.as_ref().is_some_and(|me| me.confirmed)));
    let list = move || seen.with(|seen| checklist(steps(seen, confirmed.get())));
    let credits = move || {
        let available = me.with(|me| me.as_ref().and_then(|me| me.available))?;
        Some(view! {
            <Card title="Your credits">
                <p class="text-2xl font-semibold tracking-[-0.022em] tabular-nums">
                    {available.rounded()} <span class="text-base font-medium text-muted-foreground">" credits"</span>
                </p>
                <p class="mt-1 text-sm text-muted-foreground">"One credit is one minute of talk. Calls nobody answers cost nothing."</p>
                <a class="link mt-3 inline-block text-sm" href="/billing">"Open billing"</a>
            </Card>
        })
    };
    let promise = |text: &'static str| {
        view! { <li class="flex gap-2.5"><Icon icon=icondata::LuShieldCheck class="mt-0.5 text-success"/><span>{text}</span></li> }
    };
    view! {
        <div class="grid items-start gap-6 xl:grid-cols-3">
            {move || list()}
            <div class="flex flex-col gap-6">
                {move || credits()}
                <Card title="Safe from the start">
                    <ul class="flex flex-col gap-3 text-sm">
                        {promise("Calls are placed 8:00 to 21:00 in each contact’s own zone, never outside your hours")}
                        {promise("Pressing 9 ends the call and blocks the number")}
                        {promise("No one is ever called twice for one attempt")}
                    </ul>
                </Card>
            </div>
        </div>
    }
}

fn checklist(steps: Vec<Step>) -> AnyView {
    let (all, done) = (steps.len(), steps.iter().filter(|step| step.done).count());
    let next = steps.iter().position(|step| !step.done);
    let lines = steps.into_iter().enumerate().map(|(i, step)| line(i, step, next == Some(i))).collect_view();
    view! {
        <section class="card xl:col-span-2" aria-label="Get started">
            <div class="flex items-center gap-4 px-5 pt-5">
                <div class="min-w-0 flex-1">
                    <h2 class="text-base font-semibold">"Get started"</h2>
                    <p class="text-sm text-muted-foreground">{format!("{done} of {all} done")}</p>
                </div>
                <Progress percent=done as f64 * 100.0 / all as f64 label="Set-up" class="max-w-40"/>
            </div>
            <ol class="mt-4 border-t">{lines}</ol>
        </section>
    }
}

fn line(i: usize, step: Step, next: bool) -> impl IntoView {
    let allowed = may(step.needs);
    let mark = if step.done {
        view! {
            <span class="inline-flex size-6 shrink-0 items-center justify-center rounded-full bg-primary text-primary-foreground">
                <Icon icon=icondata::LuCheck class="size-3.5"/><span class="sr-only">"Done: "</span>
            </span>
        }
    } else {
        let class = if next { "border-primary text-primary" } else { "text-muted-foreground" };
        view! {
            <span class=format!("inline-flex size-6 shrink-0 items-center justify-center rounded-full border text-xs font-semibold tabular-nums {class}") aria-hidden="true">
                {i + 1}
            </span>
        }
    };
    let (href, verb, done) = (step.href, step.verb, step.done);
    let here =
        move || (next && allowed.get()).then(|| view! { <div class="mt-4"><LinkButton href=href>{verb}</LinkButton></div> });
    let later = move || {
        (!next && !done && allowed.get()).then(|| {
            view! { <LinkButton href=href variant=Variant::Ghost size=Size::Small>{verb} <Icon icon=icondata::LuArrowRight class="rtl:-scale-x-100"/></LinkButton> }
        })
    };
    view! {
        <li class=if next { "flex items-start gap-4 border-b bg-primary-subtle/40 px-5 py-5 last:border-b-0" } else { "flex items-start gap-4 border-b px-5 py-5 last:border-b-0" }>
            {mark}
            <div class="min-w-0 flex-1">
                <h3 class=if done { "font-medium text-muted-foreground line-through decoration-border" } else { "font-medium" }>{step.title}</h3>
                <p class="text-sm text-muted-foreground">{step.text}</p>
                {here}
            </div>
            {move || later()}
        </li>
    }
}
