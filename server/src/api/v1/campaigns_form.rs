//! A campaign as the contract writes it, and back: its settings may come flat or under `config`, and what is left out stays.

use super::{credits, day, number};
use crate::api::door::word;
use crate::api::envelope::Refusal;
use model::Error;
use model::agents::{AgentFilter, AgentForm};
use model::calls::Direction;
use model::campaigns::{Audience, Campaign, CampaignForm};
use model::time::{Hours, Window};
use serde::{Deserialize, Serialize};
use services::Tx;
use services::agents;
use utoipa::ToSchema;

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Whom it talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CampaignType {
    /// It answers numbers.
    Incoming,
    /// It calls people.
    Outgoing,
}

impl From<CampaignType> for Direction {
    fn from(kind: CampaignType) -> Self {
        match kind {
            CampaignType::Incoming => Self::Inbound,
            CampaignType::Outgoing => Self::Outbound,
        }
    }
}

/// When it may call, within the company's hours and the law's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CallSchedule {
    /// Without it the company's hours hold.
    enabled: bool,
    /// `09:00`
    start_time: String,
    /// `17:30`; `24:00` is midnight.
    end_time: String,
    /// `monday` to `sunday`.
    days_of_week: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VoiceAgentSettings {
    /// The name of one of your agents.
    agent_name: Option<String>,
    /// The agent's; not changed here.
    language: Option<String>,
    /// The agent's; not changed here.
    voice_type: Option<String>,
    /// The agent's; not changed here.
    greeting_message: Option<String>,
    /// What callers hear when nobody can answer.
    fallback_message: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigBody {
    /// The first day; empty: at once.
    start_date: Option<String>,
    /// The last day, included; empty: when everybody was called.
    end_date: Option<String>,
    max_calls_per_day: Option<i32>,
    call_schedule: Option<CallSchedule>,
    voice_agent_settings: Option<VoiceAgentSettings>,
}

/// Who is called: everybody, one segment, or the people of one import.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AudienceBody {
    segment: Option<String>,
    import_id: Option<String>,
}

/// A campaign, whole or in part.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"name": "Spring offer", "campaignType": "outgoing", "agentId": "agt_…", "audience": {"segment": "vip"},
    "config": {"maxCallsPerDay": 200, "callSchedule": {"enabled": true, "startTime": "09:00", "endTime": "17:00",
    "daysOfWeek": ["monday", "tuesday"]}}}))]
pub struct CampaignBody {
    name: Option<String>,
    description: Option<String>,
    campaign_type: Option<CampaignType>,
    /// Instead of `voiceAgentSettings.agentName`.
    agent_id: Option<String>,
    gateway_id: Option<String>,
    /// `{}` is everybody.
    audience: Option<AudienceBody>,
    /// Calls at once.
    concurrency_max: Option<i32>,
    call_minutes_max: Option<i32>,
    /// Credits set aside at launch; without it the estimate.
    budget: Option<f64>,
    record: Option<bool>,
    config: Option<ConfigBody>,
    #[serde(flatten)]
    flat: ConfigBody,
}

impl CampaignBody {
    /// The form with what was sent in place of what it said.
    pub async fn over(self, tx: &mut Tx, mut form: CampaignForm) -> Result<CampaignForm, Refusal> {
        set(&mut form.name, self.name);
        set(&mut form.description, self.description);
        set(&mut form.direction, self.campaign_type.map(Direction::from));
        set(&mut form.concurrency_max, self.concurrency_max);
        set(&mut form.call_minutes_max, self.call_minutes_max);
        set(&mut form.record, self.record);
        if let Some(id) = &self.agent_id {
            form.agent = Some(word("agentId", id, "the ids of your agents")?);
        }
        if let Some(id) = &self.gateway_id {
            form.gateway = Some(word("gatewayId", id, "the ids of your gateways")?);
        }
        if let Some(budget) = self.budget {
            form.budget = Some(credits("budget", budget)?);
        }
        if let Some(audience) = self.audience {
            form.audience = Some(match (audience.segment, audience.import_id) {
                (None, None) => Audience::Everyone,
                (Some(segment), None) => Audience::Segment { segment },
                (None, Some(id)) => Audience::Import { import: word("audience", &id, "the ids of your imports")? },
                (Some(_), Some(_)) => return Err(Error::field("audience", "Name a segment or an import, not both.").into()),
            });
        }
        for part in [Some(self.flat), self.config].into_iter().flatten() {
            part.over(tx, &mut form).await?;
        }
        Ok(form)
    }
}

impl ConfigBody {
    async fn over(self, tx: &mut Tx, form: &mut CampaignForm) -> Result<(), Refusal> {
        if let Some(text) = &self.start_date {
            let first = super::maybe_date("startDate", Some(text))?;
            form.starts_at = first.map(|day| tx.actor().midnight(day));
        }
        if let Some(text) = &self.end_date {
            let last = super::maybe_date("endDate", Some(text))?;
            form.ends_at = last.and_then(|day| day.succ_opt()).map(|day| tx.actor().midnight(day));
        }
        if let Some(n) = self.max_calls_per_day {
            form.calls_per_day_max = Some(n);
        }
        if let Some(schedule) = self.call_schedule {
            form.hours = schedule.hours()?;
        }
        if let Some(voice) = self.voice_agent_settings {
            set(&mut form.fallback_text, voice.fallback_message);
            if let Some(name) = voice.agent_name.filter(|name| !name.trim().is_empty()) {
                let filter = AgentFilter { search: name.trim().to_owned(), ..AgentFilter::default() };
                let named = agents::list(tx, &filter).await?.items;
                let agent = named.iter().find(|agent| agent.name.eq_ignore_ascii_case(name.trim()));
                form.agent = Some(agent.ok_or_else(|| Error::field("agent_name", "You have no agent of this name."))?.id);
            }
        }
        Ok(())
    }
}

fn set<T>(to: &mut T, from: Option<T>) {
    if let Some(value) = from {
        *to = value;
    }
}

impl CallSchedule {
    fn hours(&self) -> Result<Option<Hours>, Refusal> {
        if !self.enabled {
            return Ok(None);
        }
        let window = minute(&self.start_time).zip(minute(&self.end_time)).and_then(|(start, end)| Window::try_new(start, end));
        let window = window.ok_or_else(|| Error::field("call_schedule", "Write times like 09:00, the start before the end."))?;
        let mut hours: [Vec<Window>; 7] = Default::default();
        for name in &self.days_of_week {
            let at = DAYS.iter().position(|day| day.eq_ignore_ascii_case(name.trim()));
            let at = at.ok_or_else(|| Error::field("days_of_week", format!("Choose among: {}.", DAYS.join(", "))))?;
            hours[at] = vec![window];
        }
        Ok(Some(Hours(hours)))
    }

    /// The first window of each open day; a week of ours may have more than the contract can say.
    fn of(hours: Option<&Hours>) -> Self {
        let Some(hours) = hours else { return Self::default() };
        let text = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let first = hours.0.iter().flatten().next();
        Self {
            enabled: true,
            start_time: first.map(|w| text(w.start_minute)).unwrap_or_default(),
            end_time: first.map(|w| text(w.end_minute)).unwrap_or_default(),
            days_of_week: DAYS
                .iter()
                .zip(&hours.0)
                .filter(|(_, day)| !day.is_empty())
                .map(|(name, _)| (*name).to_owned())
                .collect(),
        }
    }
}

/// Minutes since midnight of `09:30`.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let plain = |part: &str| (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u16>().ok())?;
    let (hours, minutes) = (plain(hours)?, plain(minutes)?);
    (hours <= 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// The settings of a campaign.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ConfigView {
    start_date: Option<String>,
    end_date: Option<String>,
    time_zone: String,
    max_calls_per_day: Option<i32>,
    call_schedule: CallSchedule,
    voice_agent_settings: VoiceAgentSettings,
}

/// A campaign.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CampaignView {
    id: String,
    name: String,
    description: String,
    campaign_type: CampaignType,
    /// `draft`, `scheduled`, `active`, `paused`, `completed`, `cancelled` or `archived`.
    status: String,
    /// Why it paused itself, if it did.
    pause_reason: Option<String>,
    created_date: String,
    total_calls: i64,
    successful_calls: i64,
    /// `m:ss` over calls that a person answered.
    avg_duration: String,
    /// The first number it answers.
    allocated_did: Option<String>,
    agent_id: Option<String>,
    gateway_id: Option<String>,
    audience: Option<AudienceBody>,
    concurrency_max: i32,
    call_minutes_max: i32,
    budget: Option<f64>,
    record: bool,
    config: ConfigView,
}

impl CampaignView {
    /// `numbers` are those it answers; `agent` is the form of its agent, for whoever may see it.
    pub fn new(c: Campaign, zone: &str, numbers: &[String], agent: Option<&AgentForm>) -> Self {
        let (form, progress) = (c.form, c.progress);
        // The last day is the one that ends at the stored midnight.
        let last = c.ends_at.map(|m| day(model::time::Moment { at: m.at - chrono::TimeDelta::seconds(1), ..m }));
        let audience = |segment, import_id| AudienceBody { segment, import_id };
        Self {
            id: c.id.to_string(),
            name: form.name,
            description: form.description,
            campaign_type: if form.direction == Direction::Inbound { CampaignType::Incoming } else { CampaignType::Outgoing },
            status: c.status.to_string(),
            pause_reason: c.pause_reason,
            created_date: day(c.created_at),
            total_calls: progress.calls,
            successful_calls: progress.connected,
            avg_duration: super::duration(progress.talk_seconds / progress.connected.max(1)),
            allocated_did: numbers.first().cloned(),
            agent_id: form.agent.map(|id| id.to_string()),
            gateway_id: form.gateway.map(|id| id.to_string()),
            audience: form.audience.map(|a| match a {
                Audience::Segment { segment } => audience(Some(segment), None),
                Audience::Import { import } => audience(None, Some(import.to_string())),
                Audience::Everyone | Audience::Person { .. } => audience(None, None),
            }),
            concurrency_max: form.concurrency_max,
            call_minutes_max: form.call_minutes_max,
            budget: form.budget.map(number),
            record: form.record,
            config: ConfigView {
                start_date: c.starts_at.map(day),
                end_date: last,
                time_zone: zone.to_owned(),
                max_calls_per_day: form.calls_per_day_max,
                call_schedule: CallSchedule::of(form.hours.as_ref()),
                voice_agent_settings: VoiceAgentSettings {
                    agent_name: c.agent_name,
                    language: agent.map(|a| a.language.clone()),
                    voice_type: agent.map(|a| a.voice.clone()),
                    greeting_message: agent.map(|a| a.scripts.greeting.clone()),
                    fallback_message: Some(form.fallback_text),
                },
            },
        }
    }
}

/// Checks a day early, so that a wrong one is named before anything is looked up.
#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(start: &str, end: &str, days: &[&str]) -> CallSchedule {
        let days_of_week = days.iter().map(|d| (*d).to_owned()).collect();
        CallSchedule { enabled: true, start_time: start.into(), end_time: end.into(), days_of_week }
    }

    #[test]
    fn a_schedule_comes_back_as_it_was_sent() {
        let sent = schedule("09:00", "24:00", &["monday", "sunday"]);
        let hours = sent.hours().expect("lawful").expect("a schedule");
        assert_eq!(CallSchedule::of(Some(&hours)), sent);
        assert_eq!(CallSchedule::default().hours().expect("off"), None);
        for bad in [
            schedule("9:00", "17:00", &[]),
            schedule("17:00", "09:00", &[]),
            schedule("09:00", "24:01", &[]),
            schedule("09:00", "10:60", &[]),
            schedule("09:00", "17:00", &["someday"]),
        ] {
            assert!(bad.hours().is_err(), "{bad:?}");
        }
    }
}
