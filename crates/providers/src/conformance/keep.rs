//! What is kept at the provider: an agent and a document, each made, looked at, changed and removed.

use super::{POLL, Report, Site};
use crate::engine::*;

/// How long a document may take to be read, in looks.
const LOOKS_MAX: u32 = 60;
/// Seen by whoever looks at the account meanwhile.
const NAME: &str = "Belfry conformance, may go";

/// An agent with a little of everything.
pub fn spec(site: &Site<'_>) -> AgentSpec {
    AgentSpec {
        name: NAME.to_owned(),
        prompt: "You test a telephone line. Thank {{first_name}} for answering, then end the call. مرحبا 😀".to_owned(),
        greeting: "Hello {{first_name}}, this is a test call of Belfry.".to_owned(),
        language: "en-US".to_owned(),
        voicemail: Some("This was a test call of Belfry.".to_owned()),
        talk_seconds_max: 60,
        ring_seconds_max: 30,
        opt_out: Some("We will not call you again. Goodbye.".to_owned()),
        fields: vec![Field { name: "is_happy".into(), description: "Were they happy?".into(), kind: FieldKind::YesNo }],
        variables: [("first_name".to_owned(), "friend".to_owned())].into(),
        callback_url: site.keys.callback_url().to_owned(),
        ..AgentSpec::default()
    }
}

pub async fn agent(site: &Site<'_>, report: &mut Report<'_>) {
    let Some(agents) = site.voice.agents() else { return report.rest("agent: ", "none are made from here") };
    if let Some(missing) = site.keys.lacks_for_agents(site.kind) {
        return report.rest("agent: ", &missing);
    }
    let first = spec(site);
    let made = match agents.create(&first).await {
        Ok(made) => made,
        Err(error) => {
            report.failed("agent: create", error);
            return report.rest("agent: ", "there is none");
        }
    };
    report.passed("agent: create", &made.id);
    report.judged("agent: read", reads_back(agents, &made, &first).await);
    let second = AgentSpec { greeting: "Good evening, {{first_name}}.".to_owned(), ..first };
    match agents.update(&made.id, &second).await {
        Err(error) => {
            report.failed("agent: update", error);
            report.not_checked("agent: publish", "there is nothing new");
        }
        Ok(changed) => {
            report.judged("agent: update", reads_back(agents, &changed, &second).await);
            report.judged("agent: publish", published(agents, &changed).await);
        }
    }
    report.judged(
        "agent: remove",
        match (agents.remove(&made.id).await, agents.read(&made).await) {
            (Ok(()), Ok(None)) => Ok("gone".to_owned()),
            (Ok(()), Ok(Some(_))) => Err(format!("{} is still there", made.id)),
            (Err(error), _) | (_, Err(error)) => Err(format!("{} may still be there: {error}", made.id)),
        },
    );
}

/// Drift is noticed by comparing, so an agent has to read back as it was made.
async fn reads_back(agents: &dyn Agents, agent: &RemoteAgent, spec: &AgentSpec) -> Result<String, String> {
    let seen = agents.read(agent).await.map_err(|error| error.to_string())?.ok_or("there is none")?.spec;
    if seen == *spec {
        return Ok("as asked for".to_owned());
    }
    let fields = |spec: &AgentSpec| serde_json::to_value(spec).unwrap_or_default();
    let (ours, theirs) = (fields(spec), fields(&seen));
    let names = ours.as_object().into_iter().flatten().filter(|(name, value)| theirs[name.as_str()] != **value);
    let differ: Vec<_> = names.map(|(name, value)| format!("{name} is {} and not {value}", theirs[name.as_str()])).collect();
    Err(format!("reads back otherwise: {}", differ.join("; ")))
}

async fn published(agents: &dyn Agents, agent: &RemoteAgent) -> Result<String, String> {
    agents.publish(agent).await.map_err(|error| error.to_string())?;
    match agents.read(agent).await {
        Ok(Some(seen)) if seen.is_published => {
            Ok(seen.agent.version.map_or_else(String::new, |version| format!("version {version}")))
        }
        Ok(_) => Err("is still not public".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

pub async fn document(site: &Site<'_>, report: &mut Report<'_>) {
    let Some(knowledge) = site.voice.knowledge() else { return report.rest("document: ", "none are kept") };
    let document =
        Document { name: NAME.to_owned(), content: Content::Text("Bread costs three. خبز بثلاثة 😀".to_owned()) };
    let id = match knowledge.put(&document).await {
        Ok(id) => id,
        Err(error) => {
            report.failed("document: put", error);
            return report.rest("document: ", "there is none");
        }
    };
    report.passed("document: put", &id);
    report.judged("document: state", ready(site, knowledge, &id).await);
    report.judged(
        "document: remove",
        match (knowledge.remove(&id).await, knowledge.state(&id).await) {
            (Ok(()), Ok(None)) => Ok("gone".to_owned()),
            (Ok(()), Ok(Some(_))) => Err(format!("{id} is still there")),
            (Err(error), _) | (_, Err(error)) => Err(format!("{id} may still be there: {error}")),
        },
    );
}

async fn ready(site: &Site<'_>, knowledge: &dyn Knowledge, id: &str) -> Result<String, String> {
    let since = site.clock.now();
    for _ in 0..LOOKS_MAX {
        match knowledge.state(id).await.map_err(|error| error.to_string())? {
            Some(DocumentState::Ready) => return Ok(format!("ready after {} s", (site.clock.now() - since).num_seconds())),
            Some(DocumentState::Failed(why)) => return Err(why),
            Some(DocumentState::Pending) => site.clock.pause(POLL).await,
            None => return Err("it is not there".to_owned()),
        }
    }
    Err(format!("not read after {} s", (POLL * LOOKS_MAX).as_secs()))
}
