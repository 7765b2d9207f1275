//! One demo company from its plan: opens it in the past, sets the scene for its life, lets it live, and
//! writes what came of it.

use super::ledger::Ledger;
use super::life::{CALL_SECONDS_MAX, Caller, Life, Moment, Run};
use super::luck::Luck;
use super::people::{self, Imported};
use super::plans::{CampaignPlan, CompanyPlan, Fate};
use super::rows::{self, insert};
use super::talk::Talks;
use super::{local, members};
use crate::actor::SystemTask;
use crate::db::{Db, SystemTx};
use crate::error::Result;
use crate::{accounts, companies};
use anyhow::Context;
use chrono::TimeDelta;
use model::agents::AgentForm;
use model::campaigns::{Audience, CampaignForm, Status};
use model::credits::Credits;
use model::enrollments::EnrollmentStatus;
use model::events::EventKind;
use model::id::{AgentId, CampaignId, CompanyId, GatewayId, ImportId, UserId};
use model::suppressions::Source;
use model::time::Timestamp;
use sqlx::PgConnection;
use sqlx::types::Json;
use std::collections::{BinaryHeap, HashMap, HashSet};

/// Numbers that came with a list of the old system, and numbers added by hand over the months.
const SUPPRESSED_AT_FIRST: usize = 3;
const SUPPRESSED_BY_HAND: usize = 3;

/// Writes a company, in one transaction. `past` stands at its registration.
pub(super) async fn write(past: &Db, plan: &'static CompanyPlan, password_hash: &str, now: Timestamp) -> Result<()> {
    let mut tx = past.begin_system(SystemTask::Seed).await?;
    let opened = tx.now();
    let company: CompanyId = tx.id();
    companies::open(&mut tx, company, plan.name, plan.zone).await?;
    let admin = join(&mut tx, company, plan, password_hash).await?;
    settle_in(tx.conn(), company, plan).await?;
    let gateway =
        sqlx::query_as("select gateway_id, phone from numbers where company_id = $1").bind(company).fetch_one(tx.conn()).await?;
    let forms = template_forms(tx.conn(), plan).await?;
    let mut life = scene(plan, admin, gateway, &forms, now)?;
    let text = format!("{} registered {}", life.admin.1, plan.name);
    life.record(opened, EventKind::CompanyRegistered, Some(company.to_string()), Some(life.admin.clone()), text);
    agents(tx.conn(), &mut life, &forms, opened).await?;
    let imports = gather(&mut life, opened)?;
    campaigns(&mut life);
    life.live();
    life.rest();
    store(tx.conn(), &mut life, &imports).await?;
    hand_out(tx.conn(), company, now).await?;
    tx.commit().await
}

/// Operators handle every campaign of the demo, so that each role has something to look at.
async fn hand_out(conn: &mut PgConnection, company: CompanyId, now: Timestamp) -> Result<()> {
    sqlx::query(
        "insert into assignments (company_id, user_id, campaign_id, created_at)
         select m.company_id, m.user_id, c.id, $2 from members m join campaigns c on c.company_id = m.company_id
         where m.company_id = $1 and m.role = 'operator'",
    )
    .bind(company)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// The members; returns the administrator.
async fn join(
    tx: &mut SystemTx,
    company: CompanyId,
    plan: &'static CompanyPlan,
    password_hash: &str,
) -> Result<(UserId, String)> {
    let mut admin = None;
    for (email, name, role) in members(plan) {
        let new = accounts::NewUser { name, email: &email, password_hash: Some(password_hash), confirmed: true };
        let user = accounts::create_user(tx, &new).await?;
        accounts::join(tx, company, user, role).await?;
        admin.get_or_insert((user, name.to_owned()));
    }
    Ok(admin.context("a company has an administrator")?)
}

/// What its administrator would choose in the settings.
async fn settle_in(conn: &mut PgConnection, company: CompanyId, plan: &CompanyPlan) -> Result<()> {
    sqlx::query("update companies set company_type = $2, default_region = $3, hours = $4 where id = $1")
        .bind(company)
        .bind(plan.kind)
        .bind(plan.region)
        .bind(Json(CompanyPlan::open()))
        .execute(conn)
        .await?;
    Ok(())
}

/// The templates that the plan names, the draft last.
async fn template_forms(conn: &mut PgConnection, plan: &CompanyPlan) -> Result<Vec<AgentForm>> {
    let found: Vec<Json<AgentForm>> =
        sqlx::query_scalar("select form from templates where company_type = $1").bind(plan.kind).fetch_all(conn).await?;
    let named =
        |name: &&'static str| found.iter().find(|f| f.0.name == **name).map(|f| f.0.clone()).context("the plan names a template");
    Ok(plan.agents.iter().chain([&plan.draft_agent]).map(named).collect::<anyhow::Result<_>>()?)
}

/// Nobody on the list yet, and no campaign.
fn scene(
    plan: &'static CompanyPlan,
    admin: (UserId, String),
    (gateway, caller_id): (GatewayId, String),
    forms: &[AgentForm],
    now: Timestamp,
) -> Result<Life> {
    let mut luck = Luck::new(plan.seed ^ u64::MAX);
    let born = local(now, plan.zone(), super::DAYS, 10 * 60);
    let callers = forms[..plan.agents.len()]
        .iter()
        .zip(0..)
        // The first agent was improved once before anybody was called.
        .map(|(form, i)| Caller { id: luck.id(born), version: if i == 0 { 2 } else { 1 }, form: form.clone() })
        .collect();
    Ok(Life {
        plan,
        now,
        zone: plan.zone(),
        gateway,
        caller_id,
        ledger: Ledger::opened(&admin.1),
        admin,
        talks: Talks::load(),
        callers,
        people: Vec::new(),
        runs: Vec::new(),
        seats: Vec::new(),
        calls: Vec::new(),
        called: Vec::new(),
        stops: HashMap::new(),
        steps: Vec::new(),
        events: Vec::new(),
        suppressions: Vec::new(),
        agenda: BinaryHeap::new(),
        written: 0,
        luck,
    })
}

/// Published agents with their versions, and one draft.
async fn agents(conn: &mut PgConnection, life: &mut Life, forms: &[AgentForm], opened: Timestamp) -> Result<()> {
    let (mut rows, mut versions) = (Vec::new(), Vec::new());
    let published_at = opened + TimeDelta::minutes(40);
    for i in 0..life.callers.len() {
        let (id, last, form) = (life.callers[i].id, life.callers[i].version, life.callers[i].form.clone());
        let by = Some(life.admin.clone());
        let created_at = opened + TimeDelta::minutes(18 + 7 * i64::try_from(i).unwrap_or(0));
        life.record(created_at, EventKind::AgentCreated, Some(id.to_string()), by.clone(), form.name.clone());
        for version in 1..=last {
            let at = published_at + TimeDelta::minutes(i64::from(version) * 12);
            // The first version had no closing words yet.
            let mut form = form.clone();
            if version < last {
                form.scripts.closing.clear();
            }
            let text = format!("{}, version {version}", form.name);
            life.record(at, EventKind::AgentPublished, Some(id.to_string()), by.clone(), text);
            versions.push(rows::AgentVersion { agent_id: id.uuid(), version, form, published_at: at });
        }
        let updated_at = published_at + TimeDelta::minutes(i64::from(last) * 12);
        rows.push(rows::Agent {
            id: id.uuid(),
            name: form.name.clone(),
            status: "published",
            version: last,
            form,
            created_at,
            updated_at,
        });
    }
    if let Some(form) = forms.last() {
        let at = life.now - TimeDelta::days(6);
        let id: AgentId = life.luck.id(at);
        life.record(at, EventKind::AgentCreated, Some(id.to_string()), Some(life.admin.clone()), form.name.clone());
        let (name, form) = (form.name.clone(), form.clone());
        rows.push(rows::Agent { id: id.uuid(), name, status: "draft", version: 0, form, created_at: at, updated_at: at });
    }
    insert(conn, &rows).await?;
    insert(conn, &versions).await
}

/// Fills the list, with the imports that people came by, and says who may not be called when.
fn gather(life: &mut Life, opened: Timestamp) -> Result<Vec<Imported>> {
    let zone = life.zone;
    let moment = |days: i64| local(life.now, zone, u64::try_from(days).unwrap_or(0), 9 * 60 + 20);
    let moments: Vec<Timestamp> =
        life.plan.imports.iter().map(|i| moment(i.days_ago).max(opened + TimeDelta::hours(2))).collect();
    let by = life.admin.clone();
    let (people, imports) = people::gather(&mut life.luck, life.plan, &by.1, &moments, life.now)?;
    life.people = people;
    for import in &imports {
        let (row, subject) = (&import.row, Some(ImportId::from(import.row.id).to_string()));
        life.record(row.phase_started_at, EventKind::ImportStarted, subject.clone(), Some(by.clone()), row.file_name.clone());
        let c = row.done;
        let text = format!(
            "{}: {} created, {} merged, {} duplicates, {} left out",
            row.file_name, c.created, c.merged, c.duplicates, c.invalid
        );
        life.record(row.finished_at, EventKind::ImportCompleted, subject, None, text);
    }
    // Each of the first import, which is there before anybody is called.
    let first = i64::try_from(life.plan.imports.first().map_or(0, |i| i.people)).unwrap_or(0) - 1;
    for n in 0..SUPPRESSED_AT_FIRST + SUPPRESSED_BY_HAND {
        let person = usize::try_from(life.luck.between(0, first)).unwrap_or(0);
        let at = moments.first().copied().context("a company has an import")? + TimeDelta::minutes(30);
        if n < SUPPRESSED_AT_FIRST {
            life.plan_for(at, Moment::Suppress(person, Source::Import));
        } else {
            let at = at + TimeDelta::days(life.luck.between(2, 88)) + life.luck.minutes(0, 8 * 60);
            life.plan_for(at, Moment::Suppress(person, Source::Manual));
        }
    }
    Ok(imports)
}

/// Puts every campaign and what will become of it on the agenda.
fn campaigns(life: &mut Life) {
    let (zone, now) = (life.zone, life.now);
    let day = |ago: i64, minute: i64| local(now, zone, u64::try_from(ago).unwrap_or(0), minute);
    for (days_ago, credits) in life.plan.top_ups {
        life.plan_for(day(*days_ago, 8 * 60 + 35), Moment::TopUp(*credits));
    }
    for plan in life.plan.campaigns {
        let launched = day(plan.launched_days_ago, 9 * 60 + 10);
        let is_launched = !matches!(plan.fate, Fate::Draft | Fate::Scheduled(_));
        let created_at = if is_launched { launched - TimeDelta::hours(17) } else { now - life.luck.minutes(20 * 60, 90 * 60) };
        let id: CampaignId = life.luck.id(created_at);
        let r = life.runs.len();
        let form = form(life, plan);
        let by = Some(life.admin.clone());
        life.record(created_at, EventKind::CampaignCreated, Some(id.to_string()), by.clone(), format!("{} created", form.name));
        let mut status = Status::Draft;
        let mut updated_at = created_at;
        match plan.fate {
            Fate::Archived(ago) => life.plan_for(day(ago, 16 * 60), Moment::Archive(r)),
            Fate::Paused(ago) => life.plan_for(day(ago, 15 * 60 + 40), Moment::Pause(r)),
            Fate::Scheduled(_) => {
                (status, updated_at) = (Status::Scheduled, created_at + TimeDelta::minutes(30));
                life.record(
                    updated_at,
                    EventKind::CampaignScheduled,
                    Some(id.to_string()),
                    by,
                    format!("{} scheduled", form.name),
                );
            }
            Fate::Completed | Fate::Budget(_) | Fate::Running | Fate::Draft => {}
        }
        if is_launched {
            life.plan_for(launched, Moment::Launch(r));
        }
        life.runs.push(Run {
            id,
            plan,
            status,
            pause_reason: None,
            created_at,
            updated_at,
            launched_at: (status == Status::Scheduled).then_some(updated_at),
            finished_at: None,
            stats: empty_stats(id),
            live: 0,
            by_day: HashMap::new(),
            form,
        });
    }
}

fn form(life: &Life, plan: &CampaignPlan) -> CampaignForm {
    let starts_at = match plan.fate {
        Fate::Scheduled(days) => Some(local(life.now, life.zone, 0, 9 * 60) + TimeDelta::days(days)),
        _ => None,
    };
    CampaignForm {
        name: plan.name.to_owned(),
        description: plan.description.to_owned(),
        audience: Some(plan.segment.map_or(Audience::Everyone, |s| Audience::Segment { segment: s.to_owned() })),
        agent: Some(life.callers[plan.agent].id),
        starts_at,
        hours: (!plan.all_hours).then(|| life.plan.hours()),
        calls_per_day_max: plan.calls_per_day_max,
        call_minutes_max: i32::try_from(CALL_SECONDS_MAX / 60).unwrap_or(1),
        budget: if let Fate::Budget(credits) = plan.fate { Some(Credits::whole(credits)) } else { None },
        ..CampaignForm::default()
    }
}

fn empty_stats(id: CampaignId) -> rows::Stats {
    rows::Stats {
        campaign_id: id.uuid(),
        contacts: 0,
        finished: 0,
        calls: 0,
        connected: 0,
        voicemail: 0,
        busy: 0,
        no_answer: 0,
        failed: 0,
        talk_seconds: 0,
        spent: Credits::ZERO,
    }
}

/// Everything that was lived, in the order in which rows refer to each other.
async fn store(conn: &mut PgConnection, life: &mut Life, imports: &[Imported]) -> Result<()> {
    let (mut kept, mut problems) = (Vec::new(), Vec::new());
    for import in imports {
        kept.push(&import.row);
        problems.extend(&import.problems);
    }
    insert(conn, &kept).await?;
    insert(conn, &problems).await?;
    insert(conn, &life.people.iter().map(super::people::Person::row).collect::<Vec<_>>()).await?;
    let met = |p: &people::Person| p.import.map(|i| rows::ImportContact { import_id: i.uuid(), contact_id: p.id.uuid() });
    insert(conn, &life.people.iter().filter_map(met).collect::<Vec<_>>()).await?;
    insert(conn, &life.suppressions).await?;
    store_campaigns(conn, life).await?;
    let seat = |s: &super::life::Seat| s.row(life.runs[s.run].id.uuid(), life.people[s.person].id.uuid());
    insert(conn, &life.seats.iter().map(seat).collect::<Vec<_>>()).await?;
    insert(conn, &life.calls).await?;
    insert(conn, &life.steps).await?;
    life.events.sort_by_key(|e| e.at);
    insert(conn, &life.events).await?;
    life.ledger.store(conn).await
}

async fn store_campaigns(conn: &mut PgConnection, life: &Life) -> Result<()> {
    let mut due: HashMap<usize, Timestamp> = HashMap::new();
    for seat in life.seats.iter().filter(|s| s.status == EnrollmentStatus::Queued) {
        if let Some(next) = seat.next {
            due.entry(seat.run).and_modify(|first| *first = next.min(*first)).or_insert(next);
        }
    }
    let (mut campaigns, mut versions, mut slots) = (Vec::new(), Vec::new(), Vec::new());
    let launched: HashSet<usize> = life.seats.iter().map(|s| s.run).collect();
    for (r, run) in life.runs.iter().enumerate() {
        campaigns.push(run.row(life.callers[run.plan.agent].id, life.gateway, due.get(&r).copied()));
        versions.push(rows::CampaignVersion {
            campaign_id: run.id.uuid(),
            version: 1,
            form: run.form.clone(),
            saved_at: run.created_at,
        });
        if launched.contains(&r) {
            slots.push(rows::Slots { scope: "campaign", r#ref: run.id.uuid(), in_use: 0, cap: run.form.concurrency_max });
        }
    }
    insert(conn, &campaigns).await?;
    insert(conn, &versions).await?;
    insert(conn, &life.runs.iter().map(|r| &r.stats).collect::<Vec<_>>()).await?;
    insert(conn, &slots).await
}
