// Everything that may happen to the machines, on the real programs: two workers, a server, gremlin and a Postgres that loses
// nothing. Workers are killed and frozen past their lease, Postgres is restarted without a goodbye, its backends are ended,
// the provider takes calls and never answers, or is down. After each: the invariant checker, gremlin's own count of what
// rang, and dialing goes on. `cargo xtask chaos` starts everything but the workers and runs this.
import { execFile, execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "./client.mjs";
import { BASE_URL, BELFRY_BIN, calledTwice, dialed, dialsPast, ended, FIRST_DIAL_MS_MAX, GREMLIN_URL, launch, PEOPLE_MAX, report, rings, settle, startWorker } from "./trial.mjs";

const { PG_CTL, PG_DATA, PG_UID, CHAOS_ROUNDS = "2", CHAOS_SEED = "1" } = process.env;
/** Longer than a lease lasts: whoever wakes up after it must not dial. */
const FROZEN_MS = 18_000;
const DIALS_BETWEEN = 10;
/** Lines may all wait for look-ups of what a trouble left open. */
const RESUME_MS_MAX = 60_000;

/** A number below `n`; the same seed draws the same numbers. */
let luck = Number(CHAOS_SEED);
function draw(n) {
  luck = (luck * 1_103_515_245 + 12_345) % 2_147_483_648;
  return Math.floor((luck / 2_147_483_648) * n);
}

const workers = [];

async function kill() {
  const victim = draw(workers.length);
  workers[victim].kill("SIGKILL");
  await ended(workers[victim]);
  workers[victim] = startWorker();
}

async function killBoth() {
  for (const worker of workers) worker.kill("SIGKILL");
  await Promise.all(workers.map(ended));
  for (const i of workers.keys()) workers[i] = startWorker();
}

async function freeze() {
  const victim = workers[draw(workers.length)];
  victim.kill("SIGSTOP");
  await sleep(FROZEN_MS);
  victim.kill("SIGCONT");
}

/** As after a power cut: no process of it ends by itself. */
async function restartPostgres() {
  const as = PG_UID ? { uid: Number(PG_UID), gid: Number(PG_UID) } : {};
  // its postmaster keeps what it inherits: no pipe may be among it, or nobody would see the end of it
  execFileSync(PG_CTL, ["-D", PG_DATA, "-w", "-m", "immediate", "restart", "-l", `${PG_DATA}/server.log`], { cwd: "/", env: { PATH: "/usr/bin:/bin" }, stdio: "ignore", ...as });
}

/** What `pg_terminate_backend` does, for about half of our connections. */
async function endBackends() {
  const postmaster = readFileSync(`${PG_DATA}/postmaster.pid`, "utf8").split("\n")[0];
  const read = (pid, file) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "utf8");
    } catch {
      return ""; // it has just ended
    }
  };
  const ours = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && read(pid, "stat").split(" ")[3] === postmaster && read(pid, "cmdline").includes("belfry_"));
  const chosen = ours.filter(() => draw(2) === 0);
  if (chosen.length === 0) throw new Error("no backend was found to end");
  for (const pid of chosen) process.kill(Number(pid), "SIGTERM");
}

const fault = (body) => fetch(`${GREMLIN_URL}/control/faults`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
const healthy = () => fetch(`${GREMLIN_URL}/control/faults`, { method: "DELETE" });

async function acceptWithoutAnswer() {
  await fault({ kind: "timeout_after_accept", count: 5 });
  await dialsPast((await dialed()) + DIALS_BETWEEN, FIRST_DIAL_MS_MAX);
  await kill();
  await healthy();
}

async function providerDown() {
  await fault({ kind: "down" });
  await sleep(3_000);
  await healthy();
}

async function loseCallbacks() {
  for (const kind of ["drop", "duplicate", "reorder", "bad_signature"]) await fault({ kind, probability: 0.3 });
  await dialsPast((await dialed()) + 3 * DIALS_BETWEEN, FIRST_DIAL_MS_MAX);
  await healthy();
}

const TROUBLES = [kill, endBackends, restartPostgres, loseCallbacks, killBoth, acceptWithoutAnswer, providerDown, freeze];

/** What the checker of the product says; it looks at one moment, calls may be under way. */
async function check() {
  try {
    await promisify(execFile)(BELFRY_BIN, ["check"]);
    return [];
  } catch (error) {
    return [`the checker: ${error.stdout}${error.stderr}`];
  }
}

async function strike(trouble, n) {
  if ((await dialsPast((await dialed()) + DIALS_BETWEEN, RESUME_MS_MAX)) === null) return [`nobody was dialed for ${RESUME_MS_MAX / 1000} s before ${trouble.name}`];
  await sleep(draw(100)); // not always at the same step of a call
  const begun = performance.now();
  await trouble();
  const before = await dialed();
  const resumed = await dialsPast(before, RESUME_MS_MAX);
  const { twice } = await rings();
  const failures = [...(await check()), ...twice.map((call) => `${call} rang twice`)];
  if (resumed === null) failures.push(`nobody was dialed for ${RESUME_MS_MAX / 1000} s`);
  console.log(`${String(n).padStart(2)} ${trouble.name}: took ${((performance.now() - begun) / 1000).toFixed(1)} s, ${before} calls so far, dialing after ${resumed?.toFixed(0) ?? "never"} ms, ${failures.length === 0 ? "all holds" : "FAILED"}`);
  return failures.map((what) => `after ${trouble.name} (${n}): ${what}`);
}

async function main() {
  const failures = [];
  const client = new Client(BASE_URL);
  workers.push(startWorker(), startWorker());
  try {
    const id = await launch(client, { company: "Chaos Ltd", count: PEOPLE_MAX, lines: 15 });
    let n = 0;
    for (let round = 0; round < Number(CHAOS_ROUNDS); round += 1) {
      for (const trouble of TROUBLES) failures.push(...(await strike(trouble, (n += 1))));
    }
    failures.push(...(await settle(client, id)));
  } finally {
    for (const worker of workers) worker.kill("SIGTERM");
    await Promise.all(workers.map(ended));
  }
  report([...failures, ...(await calledTwice())]);
}

await main();
