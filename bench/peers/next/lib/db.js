// The same rows as Belfry reads, from the same Postgres, through the same policies: the session says the company, and a
// transaction sees nothing else. Statements have names, so that they are planned once per connection.
import { createHash } from "node:crypto";
import { cookies } from "next/headers";
import { redirect } from "next/navigation";
import { cache } from "react";
import pg from "pg";

const POOL_MAX = 20;
const PAGE_ROWS = 25;
const RUNNING_MAX = 6;
const DAYS = 30;

// bigint: counts and thousandths of a credit, which are far below 2^53
pg.types.setTypeParser(20, Number);
// date: as written
pg.types.setTypeParser(1082, (day) => day);

const pool = (connectionString) => new pg.Pool({ connectionString, max: POOL_MAX });
const company = (globalThis.company ??= pool(process.env.APP_DATABASE_URL));
const system = (globalThis.system ??= pool(process.env.SYSTEM_DATABASE_URL));

async function inside(pool, begin, work) {
  const client = await pool.connect();
  try {
    await client.query(begin);
    const answer = await work((name, text, values = []) => client.query({ name, text, values }).then(({ rows }) => rows));
    await client.query("commit");
    return answer;
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

/** Who asks: from the cookie, once per request. */
export const me = cache(async () => {
  const token = (await cookies()).get("sid")?.value ?? "";
  const hash = createHash("sha256").update(token).digest();
  const [found] = await inside(system, "begin; set local role system", (ask) =>
    ask(
      "me",
      `select u.name, u.email, c.id as company, c.name as company_name, c.time_zone as zone, b.amount as available
       from sessions s join users u on u.id = s.user_id join companies c on c.id = s.company_id join balances b on b.company_id = c.id and b.account = 'available'
       where s.token_hash = $1 and s.revoked_at is null and s.idle_until > now() and s.absolute_until > now()`,
      [hash],
    ),
  );
  return found ?? redirect("/sign-in");
});

const within = (id, work) => inside(company, `begin; set local role company; set local app.company = '${id}'`, work);

const TOTALS = `select count(*) as calls, count(*) filter (where outcome = 'completed') as connected,
  coalesce(sum(talk_seconds), 0)::bigint as talk_seconds, coalesce(sum(cost), 0)::bigint as spent,
  count(*) filter (where outcome = 'completed' and talk_seconds >= 30) as talked,
  count(distinct contact_id) filter (where outcome = 'completed') as reached
  from calls where ended_at >= $1 and ended_at < $2`;

/** The last thirty days, those before, and what is running. */
export async function dashboard({ company: id, zone }) {
  return within(id, async (ask) => {
    const [{ from, to, before }] = await ask(
      "period",
      `select today::timestamp at time zone $1 + interval '1 day' as to, (today - $2::int)::timestamp at time zone $1 as from,
              (today - 2 * $2::int - 1)::timestamp at time zone $1 as before
       from (select (now() at time zone $1)::date as today) t`,
      [zone, DAYS - 1],
    );
    const days = await ask(
      "days",
      `select to_char(d, 'FMDD Mon') as label, coalesce(connected, 0) as connected, coalesce(voicemail, 0) as voicemail,
              coalesce(no_answer, 0) as no_answer, coalesce(busy, 0) as busy, coalesce(failed, 0) as failed
       from generate_series(($1::timestamptz at time zone $3)::date, ($2::timestamptz at time zone $3)::date - 1, interval '1 day') d
       left join (select (ended_at at time zone $3)::date as day,
                         count(*) filter (where outcome = 'completed') as connected,
                         count(*) filter (where outcome = 'voicemail') as voicemail,
                         count(*) filter (where outcome = 'no_answer') as no_answer,
                         count(*) filter (where outcome = 'busy') as busy,
                         count(*) filter (where outcome not in ('completed', 'voicemail', 'no_answer', 'busy')) as failed
                  from calls where ended_at >= $1 and ended_at < $2 group by 1) c on c.day = d::date
       order by d`,
      [from, to, zone],
    );
    const [totals] = await ask("totals", TOTALS, [from, to]);
    const [earlier] = await ask("totals", TOTALS, [before, from]);
    const running = await ask(
      "running",
      `select c.id, c.name, a.name as agent, s.contacts, s.finished, s.calls, s.connected, s.spent, coalesce(u.in_use, 0)::bigint as calling
       from campaigns c join campaign_stats s on s.campaign_id = c.id
       left join capacity u on u.scope = 'campaign' and u.ref = c.id left join agents a on a.id = c.agent_id
       where c.status = 'active' order by c.updated_at desc, c.id desc limit $1`,
      [RUNNING_MAX],
    );
    return { days, totals, earlier, running };
  });
}

/** One page of the call log, newest first. */
export async function calls({ company: id }, page) {
  return within(id, async (ask) => {
    const [{ total }] = await ask("count", "select count(*) as total from calls");
    const campaigns = await ask("campaigns", "select id, name from campaigns order by name limit 100");
    const rows = await ask(
      "calls",
      `select k.id, k.phone, k.attempt_no, k.status, k.outcome, k.created_at, k.talk_seconds, k.cost, c.name as contact,
              m.name as campaign, a.name as agent, g.sandbox
       from calls k left join contacts c on c.id = k.contact_id left join campaigns m on m.id = k.campaign_id
       left join agents a on a.id = k.agent_id join gateways g on g.id = k.gateway_id
       order by k.created_at desc, k.id desc limit $1 offset $2`,
      [PAGE_ROWS, (page - 1) * PAGE_ROWS],
    );
    return { total, campaigns, rows, pages: Math.ceil(total / PAGE_ROWS) };
  });
}
