//! One real call, step by step, to the number of whoever runs this. Never without being asked for.

use chrono::TimeDelta;
use model::id::{CallId, Uuid};

use super::{POLL, Report, Site, keep};
use crate::{engine::RemoteAgent, voice::*};

/// How long a call may take to be listed, to end, and to be judged, in looks.
const LISTED_LOOKS_MAX: u32 = 15;
const END_LOOKS_MAX: u32 = 120;
const JUDGED_LOOKS_MAX: u32 = 90;
const RING_SECONDS_MAX: u32 = 30;
const TALK_SECONDS_MAX: u32 = 60;
const REMOVE: &str = "agent of the call: remove";

pub async fn check(site: &Site<'_>, report: &mut Report<'_>) {
    if !site.call {
        report.rest("call: ", "rings a real phone: see --call");
        return report.rest(REMOVE, "there is none");
    }
    match order(site).await {
        Ok(order) => {
            follow(site, &order, report).await;
            report.rest("call: ", "the step before it failed");
            clean_up(site, &order, report).await;
        }
        Err(why) => {
            report.is_short = true;
            report.rest("call: ", &why);
            report.rest(REMOVE, "there is none");
        }
    }
}

/// The call to place, with an agent made for it where agents are made from here.
async fn order(site: &Site<'_>) -> Result<Originate, String> {
    let from = site.keys.from.clone().ok_or_else(|| site.keys.unset("FROM"))?;
    let to = site.keys.to.clone().ok_or_else(|| site.keys.unset("TO"))?;
    let from_id = match site.voice.numbers() {
        None => None,
        Some(numbers) => {
            let all = numbers.list().await.map_err(|error| error.to_string())?;
            let known = all.into_iter().find(|one| one.phone == from);
            Some(known.ok_or_else(|| format!("{} is no number of the account", from.masked()))?.id)
        }
    };
    let agent = agent(site).await?;
    // Of the clock: who looks for it later knows when it was.
    let call = CallId::from(Uuid::from_u128(u128::from(site.clock.now().timestamp_micros().unsigned_abs())));
    Ok(Originate {
        call,
        to,
        from,
        from_id,
        script: Script {
            greeting: "Hello, this is a test call of Belfry.".to_owned(),
            main: "If you hear this, calls work.".to_owned(),
            closing: "Goodbye.".to_owned(),
            language: "en-US".to_owned(),
            ..Script::default()
        },
        script_url: None,
        agent,
        variables: [("first_name".to_owned(), "tester".to_owned())].into(),
        ring_seconds_max: RING_SECONDS_MAX,
        talk_seconds_max: TALK_SECONDS_MAX,
        record: true,
        machine_detection: true,
        callback_url: site.keys.callback_url().to_owned(),
        gather_url: site.keys.callback_url().to_owned(),
    })
}

/// Who talks, if it takes anybody.
async fn agent(site: &Site<'_>) -> Result<Option<RemoteAgent>, String> {
    let Some(agents) = site.voice.agents() else {
        return match (&site.keys.agent, site.voice.staff()) {
            (None, Some(_)) => Err(site.keys.unset("AGENT")),
            (agent, _) => Ok(agent.clone().map(RemoteAgent::new)),
        };
    };
    if let Some(missing) = site.keys.lacks_for_agents(site.kind) {
        return Err(missing);
    }
    let agent = agents.create(&keep::spec(site)).await.map_err(|error| format!("no agent: {error}"))?;
    match agents.publish(&agent).await {
        Ok(()) => Ok(Some(agent)),
        Err(error) => {
            let gone = agents.remove(&agent.id).await.map_or("may still be there", |()| "is removed again");
            Err(format!("the agent {} is not public and {gone}: {error}", agent.id))
        }
    }
}

async fn follow(site: &Site<'_>, order: &Originate, report: &mut Report<'_>) {
    let id = match site.voice.originate(order).await {
        Answer::Placed(id) => id,
        Answer::Refused(refusal) => return report.failed("call: place", format!("refused, {:?}: {refusal}", refusal.kind)),
        Answer::Unknown { why } => return report.failed("call: place", format!("it may be ringing: {why}")),
    };
    report.passed("call: place", id.as_str());
    report.judged("call: look up", listed(site, order, &id).await);
    match end(site, &id).await {
        Ok((outcome, note)) => {
            report.passed("call: end", note);
            told(site, &id, outcome, report).await;
        }
        Err(why) => report.failed("call: end", why),
    }
}

async fn clean_up(site: &Site<'_>, order: &Originate, report: &mut Report<'_>) {
    let Some((agents, agent)) = site.voice.agents().zip(order.agent.as_ref()) else {
        return report.not_checked(REMOVE, "none was made for it");
    };
    match agents.remove(&agent.id).await {
        Ok(()) => report.passed(REMOVE, "gone"),
        Err(error) => report.failed(REMOVE, format!("{} may still be there: {error}", agent.id)),
    }
}

/// How soon a call can be found decides how long a lost answer stays open.
async fn listed(site: &Site<'_>, order: &Originate, id: &ProviderCallId) -> Result<String, String> {
    let since = site.clock.now();
    for _ in 0..LISTED_LOOKS_MAX {
        let now = site.clock.now();
        let minute = TimeDelta::minutes(1);
        let look = LookUp {
            to: order.to.clone(),
            from: order.from.clone(),
            call: Some(order.call),
            since: since - minute,
            until: now + minute,
        };
        if site.voice.find(&look).await.map_err(|error| error.to_string())?.iter().any(|seen| seen.id == *id) {
            return Ok(format!("found after {} s", (now - since).num_seconds()));
        }
        site.clock.pause(POLL).await;
    }
    Err(format!("not listed after {} s", (POLL * LISTED_LOOKS_MAX).as_secs()))
}

/// How it ended, and everything that was seen on the way.
async fn end(site: &Site<'_>, id: &ProviderCallId) -> Result<(Outcome, String), String> {
    let (since, mut seen, mut last) = (site.clock.now(), Vec::new(), None);
    for _ in 0..END_LOOKS_MAX {
        let call = match site.voice.fetch(id).await {
            Ok(call) => call.ok_or("it is not there any more")?,
            // It goes on, whoever looks.
            Err(error) if error.is_transient() => {
                site.clock.pause(POLL).await;
                continue;
            }
            Err(error) => return Err(error.to_string()),
        };
        if last != Some(call.status) {
            let seconds = (site.clock.now() - since).num_seconds();
            seen.push(format!("{:?} ({}) after {seconds} s", call.status, call.raw_status));
            last = Some(call.status);
        }
        if let ProviderStatus::Ended(outcome) = call.status {
            let reason = call.raw_reason.map_or_else(String::new, |reason| format!("; {reason}"));
            let talked = call.talk_seconds.map_or_else(String::new, |seconds| format!("; talked {seconds} s"));
            return Ok((outcome, format!("{}{reason}{talked}", seen.join(", "))));
        }
        site.clock.pause(POLL).await;
    }
    Err(format!("still {} after {} s", seen.join(", "), (POLL * END_LOOKS_MAX).as_secs()))
}

/// What is known afterwards. A conversation is judged minutes later.
async fn told(site: &Site<'_>, id: &ProviderCallId, outcome: Outcome, report: &mut Report<'_>) {
    let talked = matches!(outcome, Outcome::Completed | Outcome::Voicemail);
    let judged = site.kind.is_conversational() && talked;
    let is_analysis = |one: &CallbackKind| matches!(one, CallbackKind::Analysis(_));
    let mut news = Vec::new();
    for _ in 0..JUDGED_LOOKS_MAX {
        news = match site.voice.report(id).await {
            Ok(news) => news,
            Err(error) => return report.failed("call: report", error),
        };
        if !judged || news.iter().any(is_analysis) {
            break;
        }
        site.clock.pause(POLL).await;
    }
    if judged && !news.iter().any(is_analysis) {
        report.failed("call: report", format!("not judged after {} s", (POLL * JUDGED_LOOKS_MAX).as_secs()));
    } else {
        report.passed("call: report", news.iter().map(in_words).collect::<Vec<_>>().join("; "));
    }
    let recording = news.iter().find_map(|one| match one {
        CallbackKind::Recording(recording) if recording.ready => Some(recording),
        _ => None,
    });
    let Some(recording) = recording else { return report.not_checked("call: recording", "a report tells of none") };
    report.judged(
        "call: recording",
        match site.voice.recording(recording).await {
            Ok(sound) if sound.bytes.is_empty() => Err("no sound".to_owned()),
            Ok(sound) => Ok(format!("{} bytes of {}", sound.bytes.len(), sound.content_type)),
            Err(error) => Err(error.to_string()),
        },
    );
}

fn in_words(news: &CallbackKind) -> String {
    match news {
        CallbackKind::Status(seen) => {
            let price = seen.price_micros.map_or_else(|| "no price yet".to_owned(), |micros| format!("{micros} millionths"));
            format!("{}, {price}", seen.raw_status)
        }
        CallbackKind::Analysis(analysis) => {
            let summary = if analysis.summary.is_some() { "a summary" } else { "no summary" };
            format!("{} turns and {summary}", analysis.transcript.len())
        }
        CallbackKind::Recording(_) => "a recording".to_owned(),
        CallbackKind::MachineDetected(by) => format!("{by:?}"),
        CallbackKind::Digits(_) | CallbackKind::Unknown(_) => "other news".to_owned(),
    }
}
