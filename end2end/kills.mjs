// Ten `kill -9` of the worker while a campaign runs. `cargo xtask kills` starts everything but the worker, runs this, and lets
// the invariant checker look at the ledger afterwards. The campaign is made here, through the doors of the product.
// Proven: no call rings twice (gremlin counts what it was asked and what rang), dialing goes on within two seconds of a
// restart, and at the end every credit is either available or spent.
import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "./client.mjs";
import { csv, ENDINGS, noonZone, phone } from "./people.mjs";

const KILLS = 10;
const RESUME_MS_MAX = 2_000;
const FIRST_DIAL_MS_MAX = 30_000;
const DIALS_BETWEEN_KILLS = 10;
const LOOK_EVERY_MS = 20;
/** An intent of a dead worker is looked up when its lease, its request and the provider's settling are over. */
const SETTLED_MS_MAX = 120_000;
const WELCOME = 20_000;
const AREA = 907;
const EXCHANGES = { first: 200, count: 700 };

const { BASE_URL, BELFRY_BIN, GREMLIN_URL, WORKER_LOG = "/dev/null" } = process.env;
if (!BASE_URL || !BELFRY_BIN || !GREMLIN_URL) throw new Error("start this with `cargo xtask kills`");
const log = openSync(WORKER_LOG, "a");

const rings = async () => (await fetch(`${GREMLIN_URL}/control/rings`)).json();
/** Calls of this campaign that the network was asked for; the demo data may be calling too. */
const dialed = async () => (await rings()).by_to.filter(({ to }) => to.startsWith(`+1${AREA}`)).reduce((sum, { dialed }) => sum + dialed, 0);
const startWorker = () => spawn(BELFRY_BIN, ["worker"], { stdio: ["ignore", log, log] });

/** Mostly phones that cost nothing, so that the credits of a new company last; among them every kind of trouble. */
function people() {
  const special = [ENDINGS.human, ENDINGS.voicemail, ENDINGS.lostCallbacks, ENDINGS.tooManyOnce, ENDINGS.errorOnce, ENDINGS.messyCallbacks, ENDINGS.hangsUp, ENDINGS.refused];
  return Array.from({ length: EXCHANGES.count }, (_, i) => {
    const exchange = EXCHANGES.first + i;
    const ending = i % 50 === 0 ? special[(i / 50) % special.length] : i % 3 === 0 ? ENDINGS.busy : ENDINGS.noAnswer;
    return [`Person ${exchange}`, phone(AREA, exchange, ending), noonZone()];
  });
}

async function launch(client) {
  await client.register("Kill Nine Ltd");
  const { settings } = await client.call("settings/load_settings");
  const hours = settings.hours.map(() => ({ open: true, from: "08:00", to: "21:00" }));
  await client.call("settings/form/save_settings", { settings: { ...settings, hours, concurrency_max: 50 } });
  const { created } = await client.importContacts("people.csv", csv(["name", "phone", "time zone"], people()));
  const agent = await client.call("agents/templates/create_agent", {});
  await client.call("agents/detail/publish_agent", { id: agent });
  const retry = { wait_minutes: 5, times: 3 };
  const form = {
    name: "Ten kills", description: "", audience: { kind: "everyone" }, agent, starts_at: null, ends_at: null, hours: null,
    order: "fifo", concurrency_max: 15, calls_per_day_max: null, record: false, call_minutes_max: 1, budget: WELCOME,
    retries: { busy: retry, no_answer: retry, voicemail: { ...retry, times: 0 }, rejected: { ...retry, times: 0 }, failed: retry, attempts_max: 6, attempts_per_day_max: 6 },
  };
  const id = await client.callJson("campaigns/form/save_campaign", { id: null, form });
  await client.call("campaigns/moves/move_campaign", { id, action: "launch" });
  console.log(`a campaign with ${created} contacts is launched`);
  return id;
}

/** Milliseconds until more than `count` calls were asked for, or null when that takes too long. */
async function dialsPast(count, limitMs) {
  const begun = performance.now();
  while (performance.now() - begun < limitMs) {
    if ((await dialed()) > count) return performance.now() - begun;
    await sleep(LOOK_EVERY_MS);
  }
  return null;
}

function ended(worker) {
  return new Promise((resolve) => (worker.exitCode === null && worker.signalCode === null ? worker.once("exit", resolve) : resolve()));
}

/** Kills and restarts; returns how long it took until the network heard from us again. */
async function killOnce(worker, kill) {
  if ((await dialsPast((await dialed()) + DIALS_BETWEEN_KILLS, FIRST_DIAL_MS_MAX)) === null) {
    throw new Error(`before kill ${kill} the campaign ran out of contacts`);
  }
  // not always at the same step of a call
  await sleep((kill * 37) % 100);
  worker.kill("SIGKILL");
  await ended(worker);
  await sleep(100); // requests that were on the wire arrive
  const before = await dialed();
  const next = startWorker();
  const resumed = await dialsPast(before, FIRST_DIAL_MS_MAX);
  console.log(`kill ${String(kill).padStart(2)}: ${before} calls so far, dialing again after ${resumed?.toFixed(0) ?? "never"} ms`);
  return { next, resumed: resumed ?? Infinity };
}

/** Cancels, and waits until every call of the dead workers is accounted for. */
async function settle(client, id) {
  await client.call("campaigns/moves/move_campaign", { id, action: "cancel" });
  const begun = performance.now();
  let wallet;
  do {
    await sleep(500);
    wallet = await client.call("credits/wallet/load_wallet");
  } while (wallet.reserved + wallet.held > 0 && performance.now() - begun < SETTLED_MS_MAX);
  console.log(`settled after ${((performance.now() - begun) / 1000).toFixed(0)} s: ${JSON.stringify(wallet)} (thousandths)`);
  return wallet;
}

async function main() {
  const failures = [];
  const client = new Client(BASE_URL);
  let worker = startWorker();
  try {
    const id = await launch(client);
    if ((await dialsPast(0, FIRST_DIAL_MS_MAX)) === null) throw new Error("the worker dials nobody");
    const times = [];
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const { next, resumed } = await killOnce(worker, kill);
      worker = next;
      times.push(resumed);
    }
    times.sort((a, b) => a - b);
    const [min, median, max] = [times[0], times[KILLS / 2], times[KILLS - 1]].map((ms) => ms.toFixed(0));
    console.log(`dialing resumed after ${min} ms at best, ${median} ms in the middle, ${max} ms at worst`);
    if (times[KILLS - 1] > RESUME_MS_MAX) failures.push(`dialing took up to ${max} ms to resume; ${RESUME_MS_MAX} are allowed`);
    const { available, reserved, held, spent } = await settle(client, id);
    if (reserved + held > 0 || available + spent !== WELCOME) failures.push("credits are lost or stuck");
  } finally {
    worker.kill("SIGTERM");
    await ended(worker);
  }
  const { total, twice } = await rings();
  console.log(`${total.dialed} calls asked for, ${total.rang} rang, ${twice.length} twice`);
  if (twice.length > 0) failures.push(`called twice: ${twice.join(", ")}`);
  for (const failure of failures) console.error(`FAILED ${failure}`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

await main();
