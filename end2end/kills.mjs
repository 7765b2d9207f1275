// Ten `kill -9` of the worker while a campaign of the demo data runs. `cargo xtask kills` starts everything but the
// worker, runs this, and lets the invariant checker look at the ledger afterwards.
// Proven here: no call rings twice (gremlin counts what it was asked and what rang), and dialing goes on within two
// seconds of a restart.
import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const KILLS = 10;
const RESUME_MS_MAX = 2_000;
const FIRST_DIAL_MS_MAX = 30_000;
const DIALS_BETWEEN_KILLS = 3;
const LOOK_EVERY_MS = 20;

const { BELFRY_BIN, GREMLIN_URL, WORKER_LOG = "/dev/null" } = process.env;
if (!BELFRY_BIN || !GREMLIN_URL) throw new Error("start this with `cargo xtask kills`");
const log = openSync(WORKER_LOG, "a");

const rings = async () => (await fetch(`${GREMLIN_URL}/control/rings`)).json();
const dialed = async () => (await rings()).total.dialed;
const startWorker = () => spawn(BELFRY_BIN, ["worker"], { stdio: ["ignore", log, log] });

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

async function main() {
  const failures = [];
  let worker = startWorker();
  try {
    if ((await dialsPast(await dialed(), FIRST_DIAL_MS_MAX)) === null) {
      throw new Error("the worker dials nobody: the demo data needs a running campaign with contacts left");
    }
    for (let kill = 1; kill <= KILLS; kill += 1) {
      if ((await dialsPast((await dialed()) + DIALS_BETWEEN_KILLS, FIRST_DIAL_MS_MAX)) === null) {
        throw new Error(`before kill ${kill} the campaign ran out of contacts`);
      }
      // not always at the same step of a call
      await sleep((kill * 37) % 100);
      worker.kill("SIGKILL");
      await ended(worker);
      await sleep(100); // requests that were on the wire arrive
      const before = await dialed();
      worker = startWorker();
      const resumed = await dialsPast(before, FIRST_DIAL_MS_MAX);
      console.log(`kill ${String(kill).padStart(2)}: ${before} calls so far, dialing again after ${resumed?.toFixed(0) ?? "never"} ms`);
      if (resumed === null || resumed > RESUME_MS_MAX) failures.push(`after kill ${kill} dialing took ${resumed?.toFixed(0) ?? "for ever"} ms to resume`);
    }
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
