//! Rows of the demo as tables want them, and the one way they get there. A struct's field names are its
//! columns; the company fills itself in. Ids are bare, because that is how they are stored.

use crate::error::Result;
use anyhow::Context;
use model::agents::AgentForm;
use model::calls::{AnsweredBy, CallStatus, Outcome};
use model::campaigns::{CampaignForm, Parked, Status};
use model::credits::{Account, Credits, MovementKind};
use model::enrollments::{EnrollmentStatus, Reason};
use model::events::EventKind;
use model::imports::{Counts, ImportKind, ImportStatus, Mapping};
use model::suppressions::Source;
use model::time::Timestamp;
use serde::Serialize;
use sqlx::types::Json;
use sqlx::{PgConnection, QueryBuilder};
use uuid::Uuid;

/// Rows per statement.
const CHUNK: usize = 2_000;

/// A row of one table.
pub(super) trait Row: Serialize {
    const TABLE: &'static str;
}

impl<R: Row> Row for &R {
    const TABLE: &'static str = R::TABLE;
}

/// Inserts all rows, in order.
pub(super) async fn insert<R: Row>(conn: &mut PgConnection, rows: &[R]) -> Result<()> {
    let Some(first) = rows.first() else { return Ok(()) };
    let first = serde_json::to_value(first).context("a row is an object")?;
    let columns = first.as_object().context("a row is an object")?.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let table = R::TABLE;
    for chunk in rows.chunks(CHUNK) {
        let mut sql = QueryBuilder::new(format!(
            "insert into {table} ({columns}) select {columns} from jsonb_populate_recordset(null::{table}, "
        ));
        sql.push_bind(Json(chunk)).push(")");
        sql.build().execute(&mut *conn).await.with_context(|| format!("rows of {table}"))?;
    }
    Ok(())
}

macro_rules! rows {
    ($($(#[$meta:meta])* $name:ident in $table:literal { $($field:ident: $type:ty,)+ })+) => {$(
        $(#[$meta])*
        #[derive(Serialize)]
        pub(super) struct $name { $(pub $field: $type,)+ }
        impl Row for $name { const TABLE: &'static str = $table; }
    )+};
}

rows! {
    Agent in "agents" {
        id: Uuid, name: String, status: &'static str, version: i32, form: AgentForm, created_at: Timestamp, updated_at: Timestamp,
    }
    AgentVersion in "agent_versions" { agent_id: Uuid, version: i32, form: AgentForm, published_at: Timestamp, }
    Import in "imports" {
        id: Uuid, kind: ImportKind, status: ImportStatus, file_name: String, file_bytes: i64, encoding: &'static str, delimiter: &'static str,
        headers: Vec<String>, samples: Vec<Vec<String>>, mapping: Mapping, segment: &'static str, checked: Counts, done: Counts, bytes_done: i64,
        lines_done: i64, created_by: String, created_at: Timestamp, phase: i32, phase_started_at: Timestamp, phase_ended_at: Timestamp,
        finished_at: Timestamp,
    }
    Problem in "import_problems" {
        import_id: Uuid, dry_run: bool, line: i64, field: &'static str, value: &'static str, why: &'static str,
    }
    ImportContact in "import_contacts" { import_id: Uuid, contact_id: Uuid, }
    Contact in "contacts" {
        id: Uuid, name: String, phone: String, phone_raw: String, email: String, company: String, time_zone: Option<&'static str>,
        segment: &'static str, notes: String, status: &'static str, import_id: Option<Uuid>, calls: i32, last_called_at: Option<Timestamp>,
        created_at: Timestamp, updated_at: Timestamp,
    }
    Suppression in "suppressions" {
        id: Uuid, phone: String, source: Source, reason: String, by_name: Option<String>, created_at: Timestamp,
    }
    Campaign in "campaigns" {
        id: Uuid, name: &'static str, status: Status, pause_reason: Option<String>, form: CampaignForm, settings_version: i32, agent_id: Uuid,
        gateway_id: Option<Uuid>, starts_at: Option<Timestamp>, ends_at: Option<Timestamp>, runnable_at: Option<Timestamp>,
        parked: Option<Parked>, launched_at: Option<Timestamp>, finished_at: Option<Timestamp>, created_at: Timestamp,
        updated_at: Timestamp,
    }
    CampaignVersion in "campaign_versions" { campaign_id: Uuid, version: i32, form: CampaignForm, saved_at: Timestamp, }
    Stats in "campaign_stats" {
        campaign_id: Uuid, contacts: i64, finished: i64, calls: i64, connected: i64, voicemail: i64, busy: i64, no_answer: i64, failed: i64,
        talk_seconds: i64, spent: Credits,
    }
    Slots in "capacity" { scope: &'static str, r#ref: Uuid, in_use: i32, cap: i32, }
    Enrollment in "enrollments" {
        id: Uuid, campaign_id: Uuid, contact_id: Uuid, status: EnrollmentStatus, attempts: i32, dials: i32, next_attempt_at: Option<Timestamp>,
        reason: Option<Reason>, reason_detail: String, last_call_id: Option<Uuid>, created_at: Timestamp, updated_at: Timestamp,
    }
    Call in "calls" {
        id: Uuid, enrollment_id: Uuid, campaign_id: Uuid, contact_id: Uuid, agent_id: Uuid, agent_version: i32, settings_version: i32,
        gateway_id: Uuid, attempt_no: i32, phone: String, from_phone: String, status: CallStatus, outcome: Outcome,
        answered_by: Option<AnsweredBy>, provider_call_id: String, provider_status: &'static str, per_minute: i64, initial_seconds: i64,
        step_seconds: i64, call_seconds_max: i64, held: Credits, cost: Credits, settled_at: Timestamp, created_at: Timestamp,
        recorded_at: Timestamp, answered_at: Option<Timestamp>, ended_at: Timestamp, talk_seconds: i64, digits: &'static str,
        transcript: Vec<(String, String)>, summary: String,
    }
    Step in "call_steps" { call_id: Uuid, id: Uuid, at: Timestamp, title: String, detail: String, }
    Movement in "movements" {
        id: Uuid, kind: MovementKind, source: Account, source_ref: Uuid, target: Account, target_ref: Uuid, amount: Credits, key: String,
        campaign_id: Option<Uuid>, call_id: Option<Uuid>, note: String, who: String, at: Timestamp, balance: Credits,
    }
    Event in "events" {
        id: Uuid, at: Timestamp, kind: EventKind, subject: Option<String>, user_id: Option<Uuid>, who: String, text: String,
    }
}
