//! The invariant checker (engine.md §9): the same questions asked by tests, the simulation, `belfry check`
//! and people. It only reads; every answer that is not empty is a defect.

mod night;

pub use night::{health, nightly, now};

use crate::actor::{Actor, SystemTask};
use crate::credits;
use crate::db::{Db, SystemTx};
use crate::error::Result;
use model::id::CompanyId;
use model::time::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection};
use std::fmt::Write;

/// Findings shown per question.
const SHOWN_MAX: i64 = 20;

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// One line per defect; empty when everything holds.
    pub violations: Vec<String>,
    /// Companies, movements and calls looked at.
    pub companies: i64,
    pub movements: i64,
    pub calls: i64,
}

/// A question whose answer must be empty: name, and SQL returning one text column.
#[derive(Clone, Copy)]
struct Question {
    name: &'static str,
    sql: &'static str,
}

const QUESTIONS: &[Question] = &[
    Question {
        name: "I1 received = available + escrow + held + spent",
        sql: "with received as (select company_id, sum(case when target = 'available' then amount else -amount end) as amount
                from movements where kind in ('purchase', 'grant', 'adjust_up', 'refund', 'adjust_down', 'transfer_in', 'transfer_out')
                group by company_id),
              have as (select company_id, sum(amount) as amount from balances group by company_id)
              select format('%s received %s but has %s', coalesce(r.company_id, h.company_id), coalesce(r.amount, 0), coalesce(h.amount, 0))
              from received r full join have h on h.company_id = r.company_id
              where coalesce(r.amount, 0) <> coalesce(h.amount, 0)",
    },
    Question {
        name: "I1 movements fold to balances",
        sql: "with flows as (
                select company_id, target as account, target_ref as ref, amount from movements
                union all select company_id, source, source_ref, -amount from movements),
              folded as (select company_id, account, ref, sum(amount) as amount from flows
                where account in ('available', 'escrow', 'held', 'spent') group by 1, 2, 3)
              select format('%s %s %s folds to %s, stored %s', coalesce(f.company_id, b.company_id), coalesce(f.account, b.account),
                     coalesce(f.ref, b.ref), coalesce(f.amount, 0), coalesce(b.amount, 0))
              from folded f full join balances b on (b.company_id, b.account, b.ref) = (f.company_id, f.account, f.ref)
              where coalesce(f.amount, 0) <> coalesce(b.amount, 0)",
    },
    Question {
        name: "I2 nothing below zero",
        sql: "select format('%s %s is %s', company_id, account, amount) from balances where amount < 0",
    },
    Question {
        name: "I3 one live call per enrollment and number",
        sql: "select format('%s %s has %s live calls', company_id, phone, count(*)) from calls
              where status <> 'ended' and phone <> '+266696687' group by company_id, phone having count(*) > 1",
    },
    Question {
        name: "I3 one call per provider id",
        sql: "select format('%s %s belongs to %s calls', company_id, provider_call_id, count(*)) from calls
              where provider_call_id is not null group by company_id, gateway_id, provider_call_id having count(*) > 1",
    },
    Question {
        name: "I4 slots in use = live calls, and within the cap when taken",
        sql: "select format('%s %s %s says %s in use, %s are live', u.company_id, u.scope, u.ref, u.in_use, n.live)
              from capacity u cross join lateral (select count(*) as live from calls k where k.company_id = u.company_id and k.status <> 'ended'
                and (u.scope = 'company' or (u.scope = 'gateway' and k.gateway_id = u.ref) or (u.scope = 'campaign' and k.campaign_id = u.ref)
                  or (u.scope = 'number' and k.number_id = u.ref))) n
              where u.in_use <> n.live",
    },
    Question {
        // Moments are those of the transactions' beginnings; a suppression that began first and committed
        // second may look a moment too early, hence the second of grace.
        name: "I5 nobody is dialed after their suppression",
        sql: "select format('%s call %s to %s, suppressed %s', k.company_id, k.id, k.phone, s.created_at) from calls k
              join suppressions s on s.company_id = k.company_id and s.phone = k.phone where k.direction = 'outbound'
                and k.created_at > s.created_at + interval '1 second'",
    },
    Question {
        name: "I6 every callback is applied or has its error",
        sql: "select format('%s inbox %s handled without effect: %s', company_id, id, error) from inbox where handled_at is not null and error is not null",
    },
    Question {
        name: "I7 an ended call is settled, a live one is not",
        sql: "select format('%s call %s is %s, settled %s', company_id, id, status, settled_at) from calls
              where (status = 'ended') <> (settled_at is not null) or (settled_at is not null) <> (cost is not null)",
    },
    Question {
        name: "I7 the cost follows the increment rule and stays within the hold",
        sql: "select format('%s call %s cost %s, held %s, talk %s s', company_id, id, cost, held, talk_seconds) from (
                select company_id, id, cost, held, talk_seconds, overrun, case when talk_seconds <= 0 then 0 else
                  div((initial_seconds + div(greatest(talk_seconds - initial_seconds, 0)::numeric + step_seconds - 1, step_seconds) * step_seconds)
                   * per_minute + 59, 60) end as bill from calls where settled_at is not null) k
              where cost > held or cost + overrun < bill or cost > bill",
    },
    Question {
        name: "I7 captures and releases of a call add up to its hold",
        sql: "select format('%s call %s held %s, resolved %s', k.company_id, k.id, k.held, coalesce(m.amount, 0)) from calls k
              left join (select company_id, call_id, sum(amount) as amount from movements where kind in ('capture', 'release', 'release_direct')
                group by 1, 2) m on m.company_id = k.company_id and m.call_id = k.id
              where k.settled_at is not null and coalesce(m.amount, 0) <> k.held",
    },
    Question {
        name: "I7 credits are held for live calls only, and for every one of them",
        sql: "select format('%s call %s holds %s, its balance says %s', coalesce(k.company_id, b.company_id), coalesce(k.id, b.ref), k.held, b.amount)
              from (select company_id, id, held from calls where status <> 'ended') k
              full join (select company_id, ref, amount from balances where account = 'held' and amount > 0) b
                on b.company_id = k.company_id and b.ref = k.id
              where coalesce(k.held, 0) <> coalesce(b.amount, 0)",
    },
    Question {
        name: "I8 rollups = recount",
        sql: "select format('%s campaign %s: stored %s, counted %s', s.company_id, s.campaign_id,
                (s.contacts, s.finished, s.calls, s.connected, s.voicemail, s.busy, s.no_answer, s.failed, s.talk_seconds, s.spent),
                (e.contacts, e.finished, k.calls, k.connected, k.voicemail, k.busy, k.no_answer, k.failed, k.talk_seconds, k.spent))
              from campaign_stats s
              cross join lateral (select count(*) as contacts, count(*) filter (where status not in ('queued', 'calling')) as finished
                from enrollments where company_id = s.company_id and campaign_id = s.campaign_id) e
              cross join lateral (select count(*) as calls, count(*) filter (where outcome = 'completed') as connected,
                count(*) filter (where outcome = 'voicemail') as voicemail, count(*) filter (where outcome = 'busy') as busy,
                count(*) filter (where outcome = 'no_answer') as no_answer,
                count(*) filter (where outcome in ('failed', 'rejected', 'canceled', 'unknown')) as failed,
                coalesce(sum(talk_seconds), 0)::bigint as talk_seconds, coalesce(sum(cost), 0)::bigint as spent
                from calls where company_id = s.company_id and campaign_id = s.campaign_id and settled_at is not null) k
              where (s.contacts, s.finished, s.calls, s.connected, s.voicemail, s.busy, s.no_answer, s.failed, s.talk_seconds, s.spent)
                <> (e.contacts, e.finished, k.calls, k.connected, k.voicemail, k.busy, k.no_answer, k.failed, k.talk_seconds, k.spent)",
    },
    Question {
        name: "I8 opt-outs = recount",
        sql: "select format('%s campaign %s: stored %s, counted %s', s.company_id, s.campaign_id, s.opted_out, k.opted_out)
              from campaign_stats s cross join lateral (select count(*) filter (where opted_out) as opted_out from calls
                where company_id = s.company_id and campaign_id = s.campaign_id and settled_at is not null) k
              where s.opted_out <> k.opted_out",
    },
    Question {
        name: "While a canary runs nobody else is dialed",
        sql: "select format('%s enrollment %s was dialed %s times before the canary passed', e.company_id, e.id, e.dials)
              from canaries k join enrollments e on e.company_id = k.company_id and e.campaign_id = k.campaign_id
              where k.opened_at is null and not e.canary and e.dials > 0",
    },
    Question {
        name: "I11 whoever is queued in an open campaign is due at a moment",
        sql: "select format('%s enrollment %s is queued without a moment', e.company_id, e.id) from enrollments e
              where e.status = 'queued' and e.next_attempt_at is null",
    },
    Question {
        name: "I11 whoever is calling has a live call",
        sql: "select format('%s enrollment %s is calling without a call', e.company_id, e.id) from enrollments e
              where e.status = 'calling' and not exists (select 1 from calls k where k.company_id = e.company_id and k.enrollment_id = e.id
                and k.status <> 'ended')",
    },
    Question {
        name: "closed campaigns keep no credits",
        sql: "select format('%s campaign %s is %s and still has %s in escrow', c.company_id, c.id, c.status, b.amount) from campaigns c
              join balances b on b.company_id = c.company_id and b.account = 'escrow' and b.ref = c.id and b.amount > 0
              where c.status in ('completed', 'cancelled', 'archived') and not exists (select 1 from calls k
                where k.company_id = c.company_id and k.campaign_id = c.id and k.status <> 'ended')",
    },
];

/// Questions about all companies at once, which read what no company may.
const PLATFORM: &[Question] = &[
    Question {
        name: "I1 what one company gives arrives whole at one other, which is its client",
        sql: "select format('%s: %s left, %s arrived', key, count(*) filter (where kind = 'transfer_out'),
                     count(*) filter (where kind = 'transfer_in'))
              from movements m where kind in ('transfer_out', 'transfer_in') group by key
              having count(*) filter (where kind = 'transfer_out') <> 1 or count(*) filter (where kind = 'transfer_in') <> 1
                or sum(case when kind = 'transfer_in' then amount else -amount end) <> 0
                or not exists (select 1 from client_terms t
                    where t.company_id = any(array_agg(m.company_id)) and t.parent_id = any(array_agg(m.company_id)))",
    },
    Question {
        // Without a worker nobody dials and nobody seals; what waits is then sealed when one comes. Until the first
        // block there was never a sealer here: a simulated dialer has a lease and no sealer beside it.
        name: "I1 a worker seals every movement within seconds",
        sql: "select format('%s movement %s of %s waits', u.company_id, u.seq, u.at) from unsealed u, check_moment t
              where u.at < t.at - interval '10 seconds'
                and exists (select 1 from blocks) and exists (select 1 from workers w where w.lease_until > t.at and w.started_at < t.at - interval '10 seconds')",
    },
];

/// Asks every question, in one snapshot.
///
/// # Errors
/// When the database is away.
pub async fn run(db: &Db) -> Result<Report> {
    let mut tx = db.begin_system(SystemTask::Check).await?;
    sqlx::query("set transaction isolation level repeatable read, read only").execute(tx.conn()).await?;
    let now = tx.now();
    let violations = ask(tx.conn(), now, &[QUESTIONS, PLATFORM].concat()).await?;
    let (companies, movements, calls) = counts(&mut tx).await?;
    Ok(Report { violations, companies, movements, calls })
}

/// Asks every question about one company. Row security narrows them, so this costs what the company has and not what all have.
///
/// # Errors
/// When the database is away.
pub async fn of(db: &Db, company: CompanyId) -> Result<Vec<String>> {
    let mut tx = db.begin(&Actor::engine(company)).await?;
    sqlx::query("set transaction isolation level repeatable read, read only").execute(tx.conn()).await?;
    let now = tx.now();
    ask(tx.conn(), now, QUESTIONS).await
}

/// One line per defect among the rows that this connection sees. All questions are one statement: the simulation asks them
/// thousands of times, and a round trip costs it more than an answer.
async fn ask(conn: &mut PgConnection, now: Timestamp, questions: &[Question]) -> Result<Vec<String>> {
    let mut sql = String::from("with check_moment as (select $1::timestamptz as at) ");
    for (n, Question { name, sql: question }) in questions.iter().enumerate() {
        let and = if n == 0 { "" } else { " union all " };
        // Only our own words are formatted into this SQL.
        let _ =
            write!(sql, "{and}(select '{}: ' || found.line from ({question}) found (line) limit $2)", name.replace('\'', "''"));
    }
    let mut violations: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(sql)).bind(now).bind(SHOWN_MAX).fetch_all(&mut *conn).await?;
    let (problems, _) = credits::audit(conn).await?;
    violations
        .extend(problems.into_iter().map(|(company, problem)| format!("I1 the chain of blocks holds: {company} {problem}")));
    Ok(violations)
}

async fn counts(tx: &mut SystemTx) -> Result<(i64, i64, i64)> {
    Ok(sqlx::query_as("select (select count(*) from companies), (select count(*) from movements), (select count(*) from calls)")
        .fetch_one(tx.conn())
        .await?)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn a_new_company_passes_every_question() {
        let world = World::new().await;
        world.company("acme").await;
        let report = super::run(&world.db).await.expect("checked");
        assert_eq!(report.violations, Vec::<String>::new());
        assert_eq!((report.companies, report.movements), (1, 1));
    }

    #[tokio::test]
    async fn a_credit_that_came_from_nowhere_is_found() {
        let world = World::new().await;
        let acme = world.company("acme").await;
        let mut tx = world.tx(&acme).await;
        sqlx::query("update balances set amount = amount + 1 where account = 'available'")
            .execute(tx.conn())
            .await
            .expect("forged");
        tx.commit().await.expect("commit");
        let report = super::run(&world.db).await.expect("checked");
        assert_eq!(report.violations.len(), 2, "{:?}", report.violations);
    }
}
