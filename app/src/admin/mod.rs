//! The platform's own pages, for super admins: is everything as it must be?

#[cfg(feature = "ssr")]
pub mod clients;
#[cfg(feature = "ssr")]
pub mod features;
#[cfg(feature = "ssr")]
pub mod letters;

use icondata as i;
use leptos_meta::Title;
use model::Error;
use model::health::{AuditRow, CheckRow, Health};

use crate::prelude::*;
use crate::screen::Loaded;
use crate::ui::{Badge, Button, Card, Cell, Column, Empty, LeadCell, Note, PageHeader, SkeletonText, Table, Tone, use_toasts};
use crate::wire::{Answer, Change, ChangeForm};

/// The newest reports.
#[server(protocol = crate::wire::Wire)]
pub async fn load_health() -> Result<Health, Error> {
    use crate::ssr::*;
    Ok(services::check::health(&db()?, &caller()?.actor).await?)
}

/// Asks every invariant now; returns how many do not hold.
#[server(protocol = crate::wire::Wire)]
pub async fn check_now() -> Result<usize, Error> {
    use crate::ssr::*;
    Ok(services::check::now(&db()?, &caller()?.actor).await?.violations.len())
}

/// `/admin/health`
#[component]
pub fn HealthPage() -> impl IntoView {
    let checking = Change::new::<CheckNow>();
    let checked = RwSignal::new(0_u32);
    let health = Answer::new(move || checked.get(), || LoadHealth {});
    let toasts = use_toasts();
    Effect::new(move |_| {
        match checking.answer::<usize>() {
            Some(Ok(0)) => toasts.success("Everything holds."),
            Some(Ok(n)) => toasts.error(format!("{n} invariants do not hold.")),
            Some(Err(error)) => toasts.error(error.to_string()),
            None => return,
        }
        checked.update(|n| *n += 1);
    });
    view! {
        <Title text="Platform health"/>
        <PageHeader
            title="Platform health"
            description="Whether credits, calls and slots of every company add up, and whether the providers count what we count."
        >
            <ChangeForm change=checking><Button submit=true busy=checking.pending()>"Check now"</Button></ChangeForm>
        </PageHeader>
        <Loaded
            resource=health
            what="the reports"
            waiting=|| view! { <SkeletonText lines=6/> }
            view=|health| view! { {move || health.with(|h| page(h.clone()))} }
        />
    }
}

fn page(health: Health) -> AnyView {
    let verdict = health.checks.iter().find(|c| c.seconds.is_some()).cloned().map(verdict);
    let checks = health.checks.into_iter().map(check_line).collect_view();
    let audits = if health.audits.is_empty() {
        view! {
            <Empty icon=i::LuScale title="No audits yet" text="Every night the calls of each real gateway are compared with the provider's own list."/>
        }
    } else {
        let lines = health.audits.into_iter().map(audit_line).collect_view();
        let columns = vec![
            Column::new("Company"),
            Column::new("Gateway"),
            Column::new("Day"),
            Column::new("Calls").number(),
            Column::new("Findings"),
        ];
        view! { <Table caption="Provider audits" columns=columns>{lines}</Table> }
    };
    let dead = (!health.dead_jobs.is_empty()).then(|| {
        let lines = health
            .dead_jobs
            .into_iter()
            .map(|(queue, error)| view! { <tr><LeadCell title=queue/><Cell label="Error">{error}</Cell></tr> })
            .collect_view();
        let columns = vec![Column::new("Queue"), Column::new("Error")];
        view! { <Card title="Jobs that were given up" flush=true><Table caption="Dead jobs" columns=columns>{lines}</Table></Card> }
    });
    let columns = vec![
        Column::new("Started"),
        Column::new("Result"),
        Column::new("Took").number(),
        Column::new("Movements").number(),
        Column::new("Calls").number(),
        Column::new("Asked by"),
    ];
    view! {
        <div class="grid gap-6">
            {verdict}
            <Card title="Invariant checks" flush=true>
                <Table caption="Invariant checks" columns=columns>{checks}</Table>
            </Card>
            <Card title="Provider audits" flush=true>{audits}</Card>
            {dead}
        </div>
    }
}

/// What the newest finished run says.
fn verdict(newest: CheckRow) -> AnyView {
    if newest.violations.is_empty() {
        let counted =
            format!("{} movements and {} calls of {} companies were checked.", newest.movements, newest.calls, newest.companies);
        return view! { <Note tone=Tone::Success><b class="font-semibold">"Everything holds. "</b>{counted}</Note> };
    }
    let title = format!("{} invariants do not hold.", newest.violations.len());
    let lines = newest.violations.into_iter().map(|line| view! { <li class="break-words">{line}</li> }).collect_view();
    view! {
        <Note tone=Tone::Danger>
            <p class="font-semibold">{title}</p>
            <ul class="mt-2 list-disc pl-5 text-sm">{lines}</ul>
        </Note>
    }
}

fn check_line(row: CheckRow) -> impl IntoView {
    let (label, tone) = match (row.seconds, row.violations.len()) {
        (None, _) => ("Not finished".to_owned(), Tone::Warning),
        (Some(_), 0) => ("Holds".to_owned(), Tone::Success),
        (Some(_), n) => (format!("{n} found"), Tone::Danger),
    };
    view! {
        <tr>
            <LeadCell title=row.started_at.long()/>
            <Cell label="Result"><Badge label=label tone=tone/></Cell>
            <Cell label="Took" number=true>{row.seconds.map(|s| format!("{s} s"))}</Cell>
            <Cell label="Movements" number=true>{row.movements}</Cell>
            <Cell label="Calls" number=true>{row.calls}</Cell>
            <Cell label="Asked by" muted=true>{row.who}</Cell>
        </tr>
    }
}

fn audit_line(row: AuditRow) -> impl IntoView {
    let findings = if row.findings.is_empty() {
        view! { <Badge label="Agree" tone=Tone::Success/> }
    } else {
        let lines = row.findings.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
        view! { <ul class="grid gap-1">{lines}</ul> }
    };
    view! {
        <tr>
            <LeadCell title=row.company/>
            <Cell label="Gateway">{row.gateway}</Cell>
            <Cell label="Day" muted=true>{row.night}</Cell>
            <Cell label="Calls" number=true>{row.calls}</Cell>
            <Cell label="Findings">{findings}</Cell>
        </tr>
    }
}
