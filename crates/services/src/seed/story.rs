//! What is kept of a demo call: its row, and its story in the words that `calls::ingest` uses.

use super::attempt::Attempt;
use super::life::{CALL_SECONDS_MAX, HOLD, Life, RECENT_DAYS, SETTLE};
use super::rows;
use chrono::TimeDelta;
use model::calls::CallStatus;
use model::credits::Price;
use model::id::CallId;
use model::suppressions::Source;
use model::time::Timestamp;

impl Life {
    /// The row of a call, and its story when it is recent.
    pub(super) fn call(&mut self, id: CallId, at: Timestamp, s: usize, attempt: Attempt) -> rows::Call {
        let seat = &self.seats[s];
        let (run, person) = (&self.runs[seat.run], &self.people[seat.person]);
        let caller = &self.callers[run.plan.agent];
        let (answered_at, ended_at) = (at + attempt.ring, at + attempt.length());
        let digits = if attempt.is_stop && self.luck.chance(0.7) { "9" } else { "" };
        if attempt.is_stop {
            self.stops.insert(self.calls.len(), if digits.is_empty() { Source::Keyword } else { Source::Dtmf });
        }
        let provider_call_id = format!("CA{}", self.luck.id::<uuid::Uuid>(at).simple());
        let recorded_at = at + TimeDelta::milliseconds(380);
        let row = rows::Call {
            id: id.uuid(),
            enrollment_id: seat.id.uuid(),
            campaign_id: run.id.uuid(),
            contact_id: person.id.uuid(),
            agent_id: caller.id.uuid(),
            agent_version: caller.version,
            settings_version: 1,
            gateway_id: self.gateway.uuid(),
            attempt_no: i32::try_from(seat.rules.len()).unwrap_or(i32::MAX) + 1,
            phone: person.phone.to_string(),
            from_phone: self.caller_id.clone(),
            status: CallStatus::Ended,
            outcome: attempt.outcome,
            answered_by: attempt.answered_by,
            provider_status: attempt.provider_status(),
            per_minute: Price::BASE.per_minute,
            initial_seconds: Price::BASE.initial_seconds,
            step_seconds: Price::BASE.step_seconds,
            call_seconds_max: CALL_SECONDS_MAX,
            held: HOLD,
            cost: Price::BASE.cost(attempt.talk_seconds).min(HOLD),
            settled_at: ended_at + SETTLE,
            created_at: at,
            recorded_at,
            answered_at: attempt.is_answered().then_some(answered_at),
            ended_at,
            talk_seconds: attempt.talk_seconds,
            digits,
            transcript: attempt.turns,
            summary: attempt.summary,
            provider_call_id,
        };
        if at > self.now - TimeDelta::days(RECENT_DAYS) {
            self.tell(&row);
        }
        row
    }

    /// The story of a call, in the words that ingest uses.
    fn tell(&mut self, call: &rows::Call) {
        let mut story = vec![
            (call.recorded_at, "Accepted by the provider", call.provider_call_id.as_str()),
            (call.recorded_at + TimeDelta::milliseconds(900), CallStatus::Ringing.label(), "ringing"),
        ];
        story.extend(call.answered_at.map(|at| (at, CallStatus::InProgress.label(), "in-progress")));
        if !call.digits.is_empty() {
            story.push((call.ended_at - TimeDelta::seconds(4), "Key pressed", call.digits));
        }
        story.push((call.ended_at, call.outcome.label(), call.provider_status));
        // A refusal at once would seem to ring after its end.
        story.retain(|(at, ..)| *at <= call.ended_at);
        for (at, title, detail) in story {
            let id = self.luck.id(at);
            self.steps.push(rows::Step { call_id: call.id, id, at, title: title.to_owned(), detail: detail.to_owned() });
        }
    }
}
