// What `kills.mjs` and `chaos.mjs` share: a company with a running campaign, workers as processes of their own, and gremlin's
// count of what it was asked for and what rang. `cargo xtask` starts everything but the workers.
import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { csv, ENDINGS, noonZone, phone } from "./people.mjs";

export const { BASE_URL, BELFRY_BIN, GREMLIN_URL, WORKER_LOG = "/dev/null" } = process.env;
if (!BASE_URL || !BELFRY_BIN || !GREMLIN_URL) throw new Error("start this with `cargo xtask kills` or `cargo xtask chaos`");

export const FIRST_DIAL_MS_MAX = 30_000;
const LOOK_EVERY_MS = 20;
/** An intent of a dead worker is looked up when its lease, its request and the provider's settling are over. */
const SETTLED_MS_MAX = 180_000;
const WELCOME = 20_000;
const AREA = 907;
const EXCHANGE_FIRST = 200;
const EXCHANGES = 800;
export const PEOPLE_MAX = 2 * EXCHANGES;

const log = openSync(WORKER_LOG, "a");

export const startWorker = () => spawn(BELFRY_BIN, ["worker"], { stdio: ["ignore", log, log] });

export function ended(worker) {
  return new Promise((resolve) => (worker.exitCode === null && worker.signalCode === null ? worker.once("exit", resolve) : resolve()));
}

export const rings = async () => (await fetch(`${GREMLIN_URL}/control/rings`)).json();

/** Calls of this campaign that the network was asked for; the demo data may be calling too. */
export const dialed = async () => (await rings()).by_to.filter(({ to }) => to.startsWith(`+1${AREA}`)).reduce((sum, { dialed }) => sum + dialed, 0);

/** Milliseconds until more than `count` calls were asked for, or null when that takes too long. */
export async function dialsPast(count, limitMs) {
  const begun = performance.now();
  while (performance.now() - begun < limitMs) {
    if ((await dialed()) > count) return performance.now() - begun;
    await sleep(LOOK_EVERY_MS);
  }
  return null;
}

/**
 * Mostly phones that cost nothing, so that the credits of a new company last; among them every kind of trouble. At most two
 * for each exchange.
 */
function people(count) {
  const special = [ENDINGS.human, ENDINGS.voicemail, ENDINGS.lostCallbacks, ENDINGS.tooManyOnce, ENDINGS.errorOnce, ENDINGS.messyCallbacks, ENDINGS.hangsUp, ENDINGS.refused, ENDINGS.silentAccept];
  const free = [ENDINGS.noAnswer, ENDINGS.busy];
  return Array.from({ length: count }, (_, i) => {
    const ending = i % 50 === 0 ? special[(i / 50) % special.length] : free[Math.floor(i / EXCHANGES)];
    return [`Person ${i}`, phone(AREA, EXCHANGE_FIRST + (i % EXCHANGES), ending), noonZone()];
  });
}

/** A new company with `count` contacts and a campaign on them, launched; returns the campaign's id. */
export async function launch(client, { company, count, lines }) {
  await client.register(company);
  const { settings } = await client.call("settings/load_settings");
  const hours = settings.hours.map(() => ({ open: true, windows: [{ from: "08:00", to: "21:00" }] }));
  await client.call("settings/form/save_settings", { settings: { ...settings, hours, concurrency_max: 50 } });
  const { created } = await client.importContacts("people.csv", csv(["name", "phone", "time zone"], people(count)));
  const agent = await client.call("agents/templates/create_agent", {});
  await client.call("agents/detail/publish_agent", { id: agent });
  const retry = { wait_minutes: 5, times: 3 };
  const form = {
    name: company, description: "", audience: { kind: "everyone" }, agent, starts_at: null, ends_at: null, hours: null,
    order: "fifo", concurrency_max: lines, calls_per_day_max: null, record: false, call_minutes_max: 1, budget: WELCOME,
    retries: { busy: retry, no_answer: retry, voicemail: { ...retry, times: 0 }, rejected: { ...retry, times: 0 }, failed: retry, attempts_max: 6, attempts_per_day_max: 6 },
  };
  const id = await client.callJson("campaigns/form/save_campaign", { id: null, form });
  await client.call("campaigns/moves/move_campaign", { id, action: "launch" });
  console.log(`a campaign with ${created} contacts is launched`);
  return id;
}

/** Cancels, waits until every call of the dead workers is accounted for, and says what is wrong with the credits. */
export async function settle(client, id) {
  await client.call("campaigns/moves/move_campaign", { id, action: "cancel" });
  const begun = performance.now();
  let wallet;
  do {
    await sleep(500);
    wallet = await client.call("credits/wallet/load_wallet");
  } while (wallet.reserved + wallet.held > 0 && performance.now() - begun < SETTLED_MS_MAX);
  console.log(`settled after ${((performance.now() - begun) / 1000).toFixed(0)} s: ${JSON.stringify(wallet)} (thousandths)`);
  const { available, reserved, held, spent } = wallet;
  return reserved + held > 0 || available + spent !== WELCOME ? ["credits are lost or stuck"] : [];
}

/** What gremlin counted; nobody may have been rung twice for one call. */
export async function calledTwice() {
  const { total, twice } = await rings();
  console.log(`${total.dialed} calls asked for, ${total.rang} rang, ${twice.length} twice`);
  return twice.length > 0 ? [`called twice: ${twice.join(", ")}`] : [];
}

export function report(failures) {
  for (const failure of failures) console.error(`FAILED ${failure}`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}
