//! One call: what was said, what happened when, and what it cost.

use leptos_meta::Title;
use model::Error;
use model::accounts::Permission;
use model::calls::{Call, CallStep, Direction, RecordingRow, Turn};
use model::credits::Credits;
use model::events::Topic;
use model::id::CallId;

use super::{StateBadge, hang_up_call};
use crate::live::use_topic;
use crate::prelude::*;
use crate::screen::{Loaded, When, by_id, duration, may, phone, title};
use crate::ui::{
    Button, Card, Crumb, Empty, Fact, Facts, Note, PageHeader, Skeleton, Timeline, TimelineItem, Tone, Variant, some, use_toasts,
};
use crate::wire::Answer;

/// A call with everything its page shows.
#[server(protocol = crate::wire::Wire)]
pub async fn load_call(id: CallId) -> Result<Call, Error> {
    use crate::ssr::*;
    let mut tx = begin().await?;
    let call = services::calls::load(&mut tx, id).await?;
    tx.commit().await?;
    Ok(call)
}

/// `/calls/:id`
#[component]
pub fn CallPage() -> impl IntoView {
    by_id("Call", "call", one)
}

fn one(id: CallId) -> AnyView {
    let tick = use_topic(Topic::Calls);
    let call = Answer::new(move || tick.get(), move || LoadCall { id });
    view! { <Loaded resource=call what="the call" heading="Call" waiting=waiting view=page/> }
}

/// The shape of a page with something in a wide column and what is known of it beside.
pub(crate) fn waiting() -> impl IntoView {
    view! {
        <div class="page-head" role="status" aria-label="Loading">
            <div class="flex flex-col gap-3"><Skeleton class="h-4 w-32"/><Skeleton class="h-7 w-56"/></div>
        </div>
        <div class="grid gap-6 lg:grid-cols-[minmax(0,1fr)_22rem]"><Skeleton class="h-96"/><Skeleton class="h-96"/></div>
    }
}

fn page(call: Signal<Call>) -> AnyView {
    let state = Memo::new(move |_| call.with(|c| c.row.state));
    let name = Signal::derive(move || call.with(|c| phone(&c.row.contact_name)));
    let description = move || {
        call.with(|c| {
            let talk =
                if c.row.talk_seconds > 0 { format!(", {} talk time", duration(c.row.talk_seconds)) } else { String::new() };
            let when = c.row.started_at.short();
            match c.row.direction {
                Direction::Outbound => format!("Outbound to {}, {when}{talk}, attempt {}", phone(&c.row.phone), c.row.attempt),
                Direction::Inbound => format!("Inbound from {} to {}, {when}{talk}", phone(&c.row.phone), phone(&c.from)),
            }
        })
    };
    let preposition = move || call.with(|c| if c.row.direction == Direction::Inbound { "from" } else { "to" });
    view! {
        <Title text=title(Signal::derive(move || format!("Call {} {}", preposition(), name.get())))/>
        <PageHeader
            title=name
            description=Signal::derive(description)
            crumbs=vec![Crumb::new("Calls", "/calls")]
            beside=move || view! { <StateBadge state=state/> }
        >
            <HangUp call=call/>
        </PageHeader>
        <div class="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_22rem]">
            <div class="flex min-w-0 flex-col gap-6">
                {move || call.with(|c| c.row.declined).map(|why| view! {
                    <Note tone=Tone::Warning><b class="font-semibold">"Not taken: "</b>{why.label()}". The caller heard the fallback text."</Note>
                })}
                {move || summary(call.get())}
                {move || recordings(call.with(|c| c.recordings.clone()))}
                {move || conversation(call.get())}
            </div>
            <div class="flex min-w-0 flex-col gap-6">
                {move || cost(call.get())}
                {move || facts(call.get())}
                {move || story(call.with(|c| c.steps.clone()))}
            </div>
        </div>
    }
}

/// Ends a call that is under way, for those who run campaigns.
#[component]
fn HangUp(call: Signal<Call>) -> impl IntoView {
    let toasts = use_toasts();
    let busy = RwSignal::new(false);
    let run = may(Permission::RunCampaigns);
    let shown = Memo::new(move |_| run.get() && call.with(|c| !c.row.state.is_ended()));
    let end = move |_| {
        let id = call.with_untracked(|c| c.row.id);
        busy.set(true);
        leptos::task::spawn_local(async move {
            let answer = hang_up_call(id).await;
            busy.set(false);
            match answer {
                Ok(()) => toasts.success("The call is being ended"),
                Err(error) => toasts.error(error.to_string()),
            }
        });
    };
    move || {
        shown.get().then(|| {
            view! { <Button variant=Variant::Destructive icon=icondata::LuPhoneOff busy=busy on:click=end>"Hang up"</Button> }
        })
    }
}

/// What the conversation came to, if somebody told us.
fn summary(call: Call) -> Option<AnyView> {
    let Call { summary, sentiment, successful, keywords, found, .. } = call;
    let is_judged = sentiment.is_some() || successful.is_some() || !keywords.is_empty() || !found.is_empty();
    if summary.is_empty() && !is_judged {
        return None;
    }
    let text = some(summary).map(|text| view! { <p class="wrap-anywhere">{text}</p> });
    let facts = is_judged.then(|| {
        let found = found.into_iter().map(|(name, value)| {
            let name = name.replace('_', " ");
            view! { <Fact label=name><span class="wrap-anywhere">{value}</span></Fact> }
        });
        view! {
            // What was found out has the names of the script's fields.
            <Facts class="[&_dt]:first-letter:uppercase">
                {sentiment.map(|mood| view! { <Fact label="Sentiment">{mood.label()}</Fact> })}
                {successful.map(|yes| view! { <Fact label="Goal">{if yes { "Reached" } else { "Not reached" }}</Fact> })}
                {some(keywords.join(", ")).map(|words| view! { <Fact label="Keywords">{words}</Fact> })}
                {found.collect_view()}
            </Facts>
        }
    });
    Some(view! { <Card title="Summary"><div class="flex flex-col gap-4">{text} {facts}</div></Card> })
}

/// What can be heard of it.
fn recordings(rows: Vec<RecordingRow>) -> Option<AnyView> {
    if rows.is_empty() {
        return None;
    }
    let one = |row: RecordingRow| match row.link {
        Some(link) => {
            view! { <audio class="w-full" controls=true preload="metadata" src=link aria-label="Recording of the call"></audio> }
        }
        None => view! {
            <p class="text-sm text-muted-foreground">{row.keeping.label()} {some(row.problem).map(|why| format!(": {why}"))}</p>
        },
    };
    Some(
        view! { <Card title="Recording"><div class="flex flex-col gap-3">{rows.into_iter().map(one).collect_view()}</div></Card> },
    )
}

const READ_OUT: &str = "The script that was read out, and the keys that were pressed. How much of it was heard is not told.";

fn conversation(call: Call) -> AnyView {
    if call.transcript.is_empty() {
        let (title, text) = match (call.row.state.is_ended(), call.row.talk_seconds > 0) {
            (false, _) => ("Nothing yet", "The conversation appears here while it happens."),
            (true, true) => ("No transcript", "The gateway sent no transcript of this call."),
            (true, false) => ("Nothing was said", "Nobody spoke on this call."),
        };
        return view! { <Card title="Conversation"><Empty icon=icondata::LuMessageSquareText title=title text=text/></Card> };
    }
    let (agent, person) = (call.row.agent_name.clone(), phone(&call.row.contact_name));
    let turns = call
        .transcript
        .into_iter()
        .map(|Turn { speaker, text, seconds }| {
            let ours = speaker == agent || speaker == "agent";
            let name = match speaker.as_str() {
                "agent" => agent.clone(),
                "person" => person.clone(),
                _ => speaker,
            };
            view! {
                <li class="grid grid-cols-[5.5rem_minmax(0,1fr)_auto] gap-3 rounded-md px-2 py-2 hover:bg-muted">
                    <span class=if ours { "truncate text-sm leading-[1.375rem] font-medium text-primary" } else { "truncate text-sm leading-[1.375rem] font-medium" }>
                        {name}
                    </span>
                    <span class="wrap-anywhere">{text}</span>
                    <span class="text-sm text-muted-foreground tabular-nums">{seconds.map(|at| duration(at.into()))}</span>
                </li>
            }
        })
        .collect_view();
    let keys = (!call.digits.is_empty() && !call.read_out).then(|| {
        view! { <Note icon=icondata::LuGrid3x3 class="mx-3 mb-3">"Keys pressed: "<b class="font-semibold tabular-nums">{call.digits.clone()}</b></Note> }
    });
    view! {
        <Card title="Conversation" scope=if call.read_out { READ_OUT } else { "" } flush=true>
            <ol class="flex flex-col px-3 pb-3">{turns}</ol>
            {keys}
        </Card>
    }
}

fn cost(call: Call) -> AnyView {
    let charged = match call.row.cost {
        Some(cost) => view! { {cost.to_string()} <span class="font-normal text-muted-foreground">" credits"</span> },
        None => view! { <span class="font-normal text-muted-foreground">"Not settled yet"</span> },
    };
    let released = call.row.cost.map(|cost| {
        view! {
            <dt class="text-muted-foreground">"Released"</dt>
            <dd class="text-end tabular-nums">{format!("−{}", call.held - cost)}</dd>
        }
    });
    let theirs = call.provider_price.map(|price| {
        view! {
            <dt class="text-muted-foreground">"The provider charges"</dt>
            <dd class="text-end tabular-nums">{price}</dd>
        }
    });
    let scope = if call.row.talk_seconds > 0 {
        format!("{} of talk", duration(call.row.talk_seconds))
    } else {
        "No talk, no charge".to_owned()
    };
    let scope = if call.row.cost.is_some() { scope } else { "Held until the call ends".to_owned() };
    view! {
        <Card title="Cost" scope=scope>
            <dl class="grid grid-cols-[1fr_auto] gap-y-2.5 text-sm">
                <dt class="text-muted-foreground">"Price"</dt>
                <dd class="text-end tabular-nums">{format!("{} / min, {}/{}", Credits(call.price.per_minute), call.price.initial_seconds, call.price.step_seconds)}</dd>
                <dt class="text-muted-foreground">"Held before the call"</dt>
                <dd class="text-end tabular-nums">{call.held.to_string()}</dd>
                {released}
                <dt class="border-t pt-2.5 font-medium">"Charged"</dt>
                <dd class="border-t pt-2.5 text-end font-semibold tabular-nums">{charged}</dd>
                {theirs}
            </dl>
        </Card>
    }
}

fn facts(call: Call) -> AnyView {
    let row = call.row;
    let campaign = row.campaign.clone().map(|(id, name)| {
        view! { <Fact label="Campaign"><a class="link" href=format!("/campaigns/{id}")>{name}</a></Fact> }
    });
    let agent = format!("{} v{}", row.agent_name, call.agent_version);
    let agent = match call.agent {
        Some(id) => view! { <a class="link" href=format!("/agents/{id}")>{agent}</a> },
        None => agent.into_any(),
    };
    let contact = row.contact.map(|id| {
        view! { <Fact label="Contact"><a class="link" href=format!("/contacts/{id}")>{phone(&row.contact_name)}</a></Fact> }
    });
    let who = row.state.answered_by.map(|who| view! { <Fact label="Answered by">{who.label()}</Fact> });
    let provider = call
        .provider_call_id
        .clone()
        .map(|id| view! { <Fact label="Provider’s id"><span class="font-mono text-xs">{id}</span></Fact> });
    let word = call.provider_status.clone().map(|word| view! { <Fact label="Provider’s word">{word}</Fact> });
    view! {
        <Card title="Details">
            <Facts>
                {campaign}
                {call.agent.is_some().then(|| view! { <Fact label="Agent">{agent}</Fact> })}
                {contact}
                <Fact label=if row.direction == Direction::Inbound { "Our number" } else { "From" }><span class="tabular-nums">{phone(&call.from)}</span></Fact>
                <Fact label="Settings">{format!("Version {}", call.settings_version)}</Fact>
                <Fact label="Network">{if row.sandbox { "Sandbox, a simulated phone" } else { "Real phone" }}</Fact>
                {who}
                {call.answered_at.map(|at| view! { <Fact label="Answered"><When moment=at/></Fact> })}
                {call.ended_at.map(|at| view! { <Fact label="Ended"><When moment=at/></Fact> })}
                {word}
                {provider}
            </Facts>
        </Card>
    }
}

/// Newest last, as it happened.
fn story(steps: Vec<CallStep>) -> AnyView {
    let last = steps.len().saturating_sub(1);
    let items = steps
        .into_iter()
        .enumerate()
        .map(|(i, step)| {
            let tone = if i == last { Tone::Primary } else { Tone::Neutral };
            view! { <TimelineItem title=step.title time=step.at.clock() tone=tone>{step.detail}</TimelineItem> }
        })
        .collect_view();
    view! { <Card title="What happened" scope="Company time"><Timeline>{items}</Timeline></Card> }
}
