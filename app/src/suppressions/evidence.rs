//! Everything that is known about calls to one number, and the files that say so. A plain page.

use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::Error;
use model::consents::ConsentRow;
use model::evidence::{Attempt, Evidence, ListMove};

use crate::prelude::*;
use crate::screen::{When, link, phone, text};
use crate::ui::{
    Badge, Button, Card, Cell, Column, Crumb, Empty, Field, Input, LinkButton, Note, PageHeader, Table, Tone, Variant,
};
use crate::wire::Answer;

/// Consent, list and attempts of a number; nothing without one.
#[server(protocol = crate::wire::Wire)]
pub async fn load_evidence(phone: String) -> Result<Option<Evidence>, Error> {
    use crate::ssr::*;
    if phone.trim().is_empty() {
        return Ok(None);
    }
    let mut tx = begin().await?;
    let evidence = services::evidence::of(&mut tx, &phone).await?;
    tx.commit().await?;
    Ok(Some(evidence))
}

/// `/evidence?phone=…`
#[component]
pub fn EvidencePage() -> impl IntoView {
    let number = use_query_map().with_untracked(|query| text(query, "phone"));
    let asked = number.clone();
    let answer = Answer::blocking(move || LoadEvidence { phone: asked.clone() });
    let page = move |answer: Result<Option<Evidence>, Error>| match answer {
        Ok(Some(evidence)) => shown(evidence),
        Ok(None) => {
            view! { <Card><Empty icon=icondata::LuFileSearch title="Which number?" text="Enter the number that is asked about."/></Card> }
        }
        Err(error) => {
            let why = error.of_field("phone").map_or_else(|| error.to_string(), str::to_owned);
            view! { <Note tone=Tone::Warning>{why}</Note> }
        }
    };
    view! {
        <Title text="Evidence"/>
        <PageHeader
            title="Evidence"
            description="What a person agreed to, when their number was on the list, and what allowed each call."
            crumbs=vec![Crumb::new("Suppressions", "/suppressions")]
        />
        <div class="flex flex-col gap-6">
            <Card>
                <form method="get" action="/evidence" class="flex flex-wrap items-end gap-3">
                    <Field label="Number" name="phone" hint="With country code, or as people write it where you are." class="min-w-60 flex-1">
                        <Input kind="tel" autocomplete="off" value=number/>
                    </Field>
                    <div class="pb-6"><Button submit=true>"Look up"</Button></div>
                </form>
            </Card>
            <Suspense fallback=|| ()>{move || answer.get().map(page)}</Suspense>
        </div>
    }
}

fn shown(e: Evidence) -> AnyView {
    let file = |written| link("/evidence/pack", &[("phone", &e.phone), ("as", written)]);
    let (json, pdf, consents) = (file("json"), file("pdf"), link("/consents", &[("phone", &e.phone)]));
    let state = if e.on_list { ("On the do-not-call list", Tone::Danger) } else { ("Not on the list", Tone::Success) };
    let holds = e.packs.iter().map(|pack| pack.title.clone()).collect::<Vec<_>>().join(", ");
    let downloads = move || {
        view! {
            <LinkButton href=pdf.clone() external=true>"Download PDF"</LinkButton>
            <LinkButton href=json.clone() external=true variant=Variant::Outline>"Download JSON"</LinkButton>
        }
    };
    view! {
        <Card title=phone(&e.phone) scope="The PDF carries the hash of the JSON. Each download is in the record, with that hash." actions=downloads>
            <p class="flex flex-wrap items-center gap-2"><Badge label=state.0 tone=state.1/> <span class="text-muted-foreground">{holds}</span></p>
        </Card>
        {agreed(e.consents, consents)} {moves(e.list)} {attempts(e.attempts, e.is_cut)}
    }
}

fn agreed(list: Vec<ConsentRow>, all: String) -> AnyView {
    let row = |c: ConsentRow| {
        let (standing, source) = (c.standing.label(), c.source.label());
        view! {
            <tr>
                <td class="lead"><span class="font-medium">{standing}</span><span class="sub">{c.purpose.label()}</span></td>
                <Cell label="When"><When moment=c.at/></Cell>
                <Cell label="Where">{source}</Cell>
                <Cell label="Wording">{c.wording}</Cell>
                <Cell label="Proof" class="break-all">{c.evidence}</Cell>
            </tr>
        }
    };
    let (none, rows) = (list.is_empty(), list.into_iter().map(row).collect_view());
    let columns =
        vec![Column::new("Consent"), Column::new("When"), Column::new("Where"), Column::new("Wording"), Column::new("Proof")];
    let table = match none {
        true => {
            view! { <Empty icon=icondata::LuFileQuestion title="No consent on record" text="You answer for your lists, unless you ask for a record."/> }
        }
        false => view! { <Table caption="Consents of this number" columns=columns>{rows}</Table> },
    };
    let record =
        move || view! { <LinkButton href=all.clone() external=true variant=Variant::Outline>"Record a consent"</LinkButton> };
    view! { <Card title="Consent" scope="The newest of each purpose holds" flush=true actions=record>{table}</Card> }
}

fn moves(list: Vec<ListMove>) -> AnyView {
    let columns = vec![Column::new("Do-not-call list"), Column::new("When"), Column::new("By"), Column::new("Why")];
    let row = |m: ListMove| {
        let what = if m.is_on { format!("Put on it: {}", m.source.to_lowercase()) } else { "Taken off it".to_owned() };
        view! {
            <tr>
                <td class="lead"><span class="font-medium">{what}</span></td>
                <Cell label="When"><When moment=m.at/></Cell>
                <Cell label="By">{m.by}</Cell>
                <Cell label="Why">{m.reason}</Cell>
            </tr>
        }
    };
    let (none, rows) = (list.is_empty(), list.into_iter().map(row).collect_view());
    match none {
        true => view! { <Card title="Do-not-call list">"This number was never on it."</Card> },
        false => view! {
            <Card title="Do-not-call list" flush=true>
                <Table caption="When this number was on the list" columns=columns>{rows}</Table>
            </Card>
        },
    }
}

fn attempts(list: Vec<Attempt>, is_cut: bool) -> AnyView {
    if list.is_empty() {
        return view! { <Card title="Calls">"No call to or from this number."</Card> };
    }
    let columns = vec![
        Column::new("Call"),
        Column::new("When"),
        Column::new("Allowed by"),
        Column::new("Open until"),
        Column::new("Seconds").number(),
    ];
    let row = |a: Attempt| {
        let out = a.opted_out.then(|| view! { " " <Badge label="Asked not to be called" tone=Tone::Danger/> });
        let until = a.open_until.map(|at| view! { <When moment=at/> });
        view! {
            <tr>
                <td class="lead">
                    <a class="font-medium hover:underline" href=format!("/calls/{}", a.call)>{a.outcome}</a> {out}
                    <span class="sub">{a.direction} " " {a.campaign}</span>
                </td>
                <Cell label="When"><When moment=a.at/></Cell>
                <Cell label="Allowed by" class="break-all">{a.rules}</Cell>
                <Cell label="Open until">{until}</Cell>
                <Cell label="Seconds" number=true>{a.talk_seconds}</Cell>
            </tr>
        }
    };
    let rows = list.into_iter().map(row).collect_view();
    let more = is_cut.then(|| view! { <p class="p-5 text-sm text-muted-foreground">"There are older ones."</p> });
    view! {
        <Card title="Calls" scope="Each was decided on with the list and the consent read in the same transaction" flush=true>
            <Table caption="Calls to and from this number" columns=columns>{rows}</Table>
            {more}
        </Card>
    }
}
