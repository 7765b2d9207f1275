// Ten `kill -9` of the worker while a campaign runs. `cargo xtask kills` starts everything but the worker, runs this, and lets
// the invariant checker look at the ledger afterwards. The campaign is made here, through the doors of the product.
// Proven: no call rings twice (gremlin counts what it was asked and what rang), dialing goes on within two seconds of a
// restart, and at the end every credit is either available or spent.
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "./client.mjs";
import { BASE_URL, calledTwice, dialed, dialsPast, ended, FIRST_DIAL_MS_MAX, launch, report, settle, startWorker } from "./trial.mjs";

const KILLS = 10;
const RESUME_MS_MAX = 2_000;
const DIALS_BETWEEN_KILLS = 10;

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

async function main() {
  const failures = [];
  const client = new Client(BASE_URL);
  let worker = startWorker();
  try {
    const id = await launch(client, { company: "Kill Nine Ltd", count: 700, lines: 15 });
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
    failures.push(...(await settle(client, id)));
  } finally {
    worker.kill("SIGTERM");
    await ended(worker);
  }
  report([...failures, ...(await calledTwice())]);
}

await main();
