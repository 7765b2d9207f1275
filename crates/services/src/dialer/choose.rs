//! Who of the due people is dialed in this turn: everything about them is read under the locks that keep it true until the commit,
//! and each is decided on by `eligible`.

use super::eligible::{Decision, Facts, Past, decide};
use super::gateway::Gateway;
use super::plan::{Live, Recent};
use super::window::{Schedule, open_until};
use crate::campaigns::Running;
use crate::companies::Own;
use crate::db::Tx;
use crate::enrollments::repo::{Change, Wait};
use crate::error::Result;
use crate::rules::{self, Place};
use crate::{consents, enrollments, suppressions};
use chrono::{DateTime, Utc};
use model::campaigns::CallOrder;
use model::companies::Settings;
use model::consents::Asked;
use model::contacts::ContactStatus;
use model::id::{ContactId, EnrollmentId, NumberId};
use model::phone::Phone;
use model::rules::Consent;
use std::collections::{HashMap, HashSet};

/// Enrollments looked at per turn of one campaign beyond those it has room for: some may not be called now. Each is read and
/// locked; whoever is left is looked at in the next turn, which follows at once.
const SPARE: i64 = 10;
/// Intents per enrollment, whatever the reason they failed for.
const DIALS_MAX: i32 = 50;

/// A due enrollment with its contact.
#[derive(sqlx::FromRow, Debug)]
pub(crate) struct Due {
    pub id: EnrollmentId,
    pub contact_id: ContactId,
    pub attempts: i32,
    pub dials: i32,
    pub name: String,
    pub company: String,
    pub phone: Phone,
    pub time_zone: Option<String>,
    pub contact_status: ContactStatus,
    /// The number their last call of this campaign came from.
    pub last_number: Option<NumberId>,
    /// What allows the call, once that is decided.
    #[sqlx(skip)]
    pub rules: String,
    #[sqlx(skip)]
    pub open_until: Option<DateTime<Utc>>,
}

pub(super) struct Chosen {
    pub due: Vec<Due>,
    /// Some enrollment was looked at, so looking again at once may find more.
    pub touched: bool,
}

/// Decides on due enrollments until `room` of them may be dialed; writes every other decision down.
pub(super) async fn choose(
    tx: &mut Tx,
    c: &Running,
    gateway: &Gateway,
    (settings, own): (&Settings, &Own),
    room: i64,
) -> Result<Chosen> {
    let due = due(tx, c, room).await?;
    let touched = !due.is_empty();
    let mut known = Known::read(tx, c, own, &due).await?;
    let (now, speed) = (tx.now(), gateway.speed(tx.config()));
    let (mut chosen, mut waits, mut stops) = (Vec::new(), Vec::new(), Vec::new());
    for mut d in due {
        if i64::try_from(chosen.len()).unwrap_or(i64::MAX) >= room {
            break; // not decided: still due, looked at in the next turn
        }
        let place = Place::of(d.time_zone.as_deref(), &d.phone);
        let campaign = c.form.hours.as_ref();
        let schedule = Schedule { company: &settings.hours, holidays: &own.holidays, campaign, place: &place };
        let decision = decide(&Facts {
            now,
            due_at: now,
            suppressed: known.suppressed.contains(&d.phone),
            archived: d.contact_status == ContactStatus::Archived,
            consent: Asked { given: known.given.get(&d.phone).copied(), ..known.asked },
            enabled: rules::is_enabled(&own.limits, &settings.default_region, &place),
            attempts: if d.dials >= DIALS_MAX { c.form.retries.attempts_max } else { d.attempts },
            attempts_max: c.form.retries.attempts_max,
            calls: known.called.get(&d.contact_id).map_or(&[], Vec::<Past>::as_slice),
            calls_ever: known.ever.get(&d.contact_id).copied().unwrap_or(0),
            per_day_max: c.form.retries.attempts_per_day_max,
            per_week_max: own.limits.attempts_per_week_max,
            ever_max: own.limits.attempts_ever_max,
            schedule,
            number_busy: known.busy.contains(&d.phone),
            speed,
        });
        match decision {
            Decision::Dial => {
                known.busy.insert(d.phone.clone());
                (d.rules, d.open_until) = (rules::cited(&place), open_until(now, &schedule));
                chosen.push(d);
            }
            Decision::Wait { reason, detail, until } => waits.push(Wait { id: d.id, reason, detail, until }),
            Decision::Stop { status, reason, detail } => {
                stops.push(Change { campaign: c.id, id: d.id, status, next: None, why: Some((reason, detail)) });
            }
        }
    }
    enrollments::repo::wait_all(tx, &waits).await?;
    enrollments::repo::set_all(tx, &stops).await?;
    Ok(Chosen { due: chosen, touched })
}

/// Locks some due enrollments that nobody else has.
async fn due(tx: &mut Tx, c: &Running, room: i64) -> Result<Vec<Due>> {
    let order = match c.form.order {
        CallOrder::Fifo => "e.next_attempt_at, e.id",
        CallOrder::Newest => "e.id desc",
    };
    let mut sql = sqlx::QueryBuilder::new(
        "select e.id, e.contact_id, e.attempts, e.dials, c.name, c.company, c.phone, c.time_zone, c.status as contact_status,
                (select k.number_id from calls k where k.id = e.last_call_id) as last_number
         from enrollments e join contacts c on c.id = e.contact_id where e.status = 'queued' and e.campaign_id = ",
    );
    sql.push_bind(c.id).push(" and e.next_attempt_at <= ").push_bind(tx.now());
    if c.is_canary {
        // Said in the query, so that its own small index answers it.
        sql.push(" and e.canary");
    }
    sql.push(format!(" order by {order} limit {} for update of e skip locked", room + SPARE));
    Ok(sql.build_query_as().fetch_all(tx.conn()).await?)
}

/// What is known about the due people, and stays true until the commit.
struct Known {
    suppressed: HashSet<Phone>,
    busy: Live,
    asked: Asked,
    given: HashMap<Phone, Consent>,
    called: Recent,
    ever: HashMap<ContactId, i64>,
}

impl Known {
    async fn read(tx: &mut Tx, c: &Running, own: &Own, due: &[Due]) -> Result<Self> {
        let phones: Vec<Phone> = due.iter().map(|d| d.phone.clone()).collect();
        let people: Vec<_> = due.iter().map(|d| d.contact_id).collect();
        // From here to the commit no opt-out of these numbers can slip in between the check and the intent, and no consent
        // can be taken back.
        suppressions::lock_phones(tx, &phones).await?;
        let asked = Asked { policy: own.consent, purpose: c.purpose, by_campaign: c.needs_consent, given: None };
        let asks = asked.needed(Some(Consent::Written)).is_some();
        let has_limit = own.limits.attempts_ever_max.is_some();
        Ok(Self {
            suppressed: suppressions::is_suppressed(tx, &phones).await?,
            busy: enrollments::repo::live_phones(tx, &phones).await?,
            asked,
            given: if asks { consents::given(tx, &phones, asked.purpose).await? } else { HashMap::new() },
            called: enrollments::repo::recent_calls(tx, &people).await?,
            ever: if has_limit { enrollments::repo::calls_ever(tx, &people).await? } else { HashMap::new() },
        })
    }
}
