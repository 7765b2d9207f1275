// What pages weigh, how a browser takes them (Lighthouse), and what they cost the server; ours and a Next.js peer's by turns,
// in one run. `cargo xtask bench pages` starts both and then this.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import http from "node:http";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { brotliCompressSync, brotliDecompressSync, gunzipSync } from "node:zlib";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";
import desktop from "lighthouse/core/config/desktop-config.js";

const PRESETS = { desktop, mobile: undefined };
const CATEGORIES = ["performance", "accessibility", "best-practices"];
/** Layout shift has no unit; the others are milliseconds. */
const AUDITS = { cls: "cumulative-layout-shift", tbt: "total-blocking-time", lcp: "largest-contentful-paint", tti: "interactive" };
const CHROMIUM_ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
/** Of the demo data. */
const SOMEBODY = { email: "maya@harborpine.example", password: "Belfry-demo-1" };
const WARM_UPS = 20;
const TICKS = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

const { values } = parseArgs({
  options: { json: { type: "boolean" }, runs: { type: "string", default: "3" }, requests: { type: "string", default: "100" } },
});
const [runs, requests] = [Number(values.runs), Number(values.requests)];
const { BASE_URL, SERVER_PID, PEER_URL, PEER_PID, CHROMIUM } = process.env;
for (const [name, value] of Object.entries({ BASE_URL, SERVER_PID, PEER_URL, PEER_PID })) {
  if (!value) throw new Error(`${name} is not set: start this with \`cargo xtask bench pages\``);
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

/** One page or file, as it comes over the wire. */
function get(url, headers = {}) {
  return new Promise((resolve, reject) => {
    const asked = http.get(url, { agent, headers: { "accept-encoding": "gzip, deflate, br", accept: "text/html", ...headers } }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("error", reject);
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
    });
    asked.on("error", reject);
  });
}

async function good(url, headers) {
  const answer = await get(url, headers);
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
  return answer;
}

const decoded = ({ headers, body }) => ({ br: brotliDecompressSync, gzip: gunzipSync })[headers["content-encoding"]]?.(body) ?? body;

/** The cookie of somebody who sends the sign-in form. */
async function signIn() {
  const form = decoded(await good(`${BASE_URL}/sign-in`)).toString();
  const action = /<form method="post" action="([^"]+)"/.exec(form)[1];
  const body = new URLSearchParams(SOMEBODY);
  const answer = await fetch(BASE_URL + action, { method: "POST", body, redirect: "manual", headers: { origin: BASE_URL } });
  const cookie = answer.headers.getSetCookie().map((one) => one.split(";")[0]).find((one) => one.startsWith("sid="));
  if (!cookie) throw new Error(`nobody was signed in: ${answer.status}`);
  return cookie;
}

/** Seconds of processor that a program and its children have taken, in user and system mode. */
function processor(pid) {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((id) => {
    try {
      // the name of a program may hold anything, up to its last parenthesis
      const [, after] = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${id}/stat`, "utf8"));
      const fields = after.split(" ");
      return [{ id, parent: fields[1], ticks: Number(fields[11]) + Number(fields[12]) }];
    } catch {
      return []; // ended since
    }
  });
  const family = new Set([String(pid)]);
  for (let before = 0; before < family.size; ) {
    before = family.size;
    for (const one of all) if (family.has(one.parent)) family.add(one.id);
  }
  return all.filter(({ id }) => family.has(id)).reduce((sum, { ticks }) => sum + ticks, 0) / TICKS;
}

/** Milliseconds of processor and of time per request, one after the other. */
async function cost({ url, pid }) {
  for (let i = 0; i < WARM_UPS; i++) await good(url, { cookie });
  const [began, had] = [performance.now(), processor(pid)];
  for (let i = 0; i < requests; i++) await good(url, { cookie });
  return { cpu_ms: ((processor(pid) - had) * 1000) / requests, wall_ms: (performance.now() - began) / requests };
}

/** One visit with an empty cache. */
async function visit({ url }, preset) {
  const chrome = await launch({ chromePath: CHROMIUM || undefined, chromeFlags: CHROMIUM_ARGS });
  try {
    const { lhr } = await lighthouse(url, { port: chrome.port, logLevel: "error", onlyCategories: CATEGORIES, extraHeaders: { cookie } }, PRESETS[preset]);
    if (lhr.runtimeError) throw new Error(`${url}: ${lhr.runtimeError.message}`);
    if (new URL(lhr.finalDisplayedUrl).pathname !== new URL(url).pathname) throw new Error(`${url} led to ${lhr.finalDisplayedUrl}`);
    const scores = Object.fromEntries(CATEGORIES.map((name) => [name.replace("-", "_"), Math.round(lhr.categories[name].score * 100)]));
    const times = Object.fromEntries(Object.entries(AUDITS).map(([name, audit]) => [name, lhr.audits[audit].numericValue]));
    const failed = CATEGORIES.slice(1).flatMap((name) => lhr.categories[name].auditRefs.filter(({ id, weight }) => weight > 0 && lhr.audits[id].score !== null && lhr.audits[id].score < 1).map(({ id }) => id));
    return { ...scores, ...times, failed, files: lhr.audits["network-requests"].details.items };
  } finally {
    chrome.kill();
  }
}

function kind({ resourceType, mimeType, url }) {
  if (mimeType === "application/wasm" || url.endsWith(".wasm")) return "wasm";
  return { Document: "html", Stylesheet: "css", Script: "js", Font: "fonts" }[resourceType] ?? "other";
}

/** Bytes of bodies by kind, as served, and if all that can be compressed were brotli at its best. */
async function weigh({ url }, files) {
  const sums = {};
  const mine = files.filter((file) => file.url.startsWith(new URL(url).origin) && file.mimeType !== "text/event-stream");
  // a file that is asked for twice is kept after the first time
  for (const file of new Map(mine.map((file) => [file.url, file])).values()) {
    const answer = await get(file.url, { cookie, accept: "*/*" });
    const sum = (sums[kind(file)] ??= { served: 0, brotli: 0, files: 0, encodings: [] });
    const encoding = answer.headers["content-encoding"] ?? "none";
    sum.files += 1;
    sum.served += answer.body.length;
    sum.brotli += encoding === "br" || kind(file) === "fonts" ? answer.body.length : brotliCompressSync(decoded(answer)).length;
    if (!sum.encodings.includes(encoding)) sum.encodings.push(encoding);
  }
  return sums;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const medians = (rows) => Object.fromEntries(Object.keys(rows[0]).map((key) => [key, median(rows.map((row) => row[key]))]));
const say = (text) => process.stderr.write(`${text}\n`);

const cookie = await signIn();
const campaign = /href="(\/campaigns\/cmp_[^"?]+)/.exec(decoded(await good(`${BASE_URL}/campaigns`, { cookie })).toString())[1];
const ours = { dashboard: "/", calls: "/calls", campaigns: "/campaigns", campaign, defaults: "/settings/defaults", webhooks: "/developers/webhooks" };
const sides = [
  ...Object.entries(ours).map(([page, path]) => ({ page, side: "belfry", url: BASE_URL + path, pid: SERVER_PID })),
  ...["dashboard", "calls"].map((page) => ({ page, side: "next", url: PEER_URL + ours[page], pid: PEER_PID })),
  // pairs follow each other
].toSorted((a, b) => Object.keys(ours).indexOf(a.page) - Object.keys(ours).indexOf(b.page));

const load = [loadavg()[0]];
const results = sides.map((side) => ({ side, costs: [], visits: Object.fromEntries(Object.keys(PRESETS).map((name) => [name, []])) }));
for (let run = 0; run < runs; run++) {
  for (const { side, costs } of results) costs.push(await cost(side));
  for (const preset of Object.keys(PRESETS)) {
    for (const { side, visits } of results) {
      visits[preset].push(await visit(side, preset));
      const { performance: score, lcp, tti, tbt } = visits[preset].at(-1);
      say(`run ${run + 1} ${preset} ${side.side} ${side.page}: performance ${score}, LCP ${lcp.toFixed(0)}, TTI ${tti.toFixed(0)}, TBT ${tbt.toFixed(0)} ms`);
    }
  }
  load.push(loadavg()[0]);
}

const pages = [];
for (const { side, costs, visits } of results) {
  const seen = Object.entries(visits).map(([preset, all]) => {
    const failed = [...new Set(all.flatMap((visit) => visit.failed))];
    return [preset, { ...medians(all.map(({ failed, files, ...figures }) => figures)), failed }];
  });
  pages.push({ page: side.page, side: side.side, ...medians(costs), bytes: await weigh(side, visits.desktop[0].files), ...Object.fromEntries(seen) });
}
const ratios = ["dashboard", "calls"].map((page) => {
  const [us, them] = ["belfry", "next"].map((side) => pages.find((one) => one.page === page && one.side === side));
  const over = (read) => read(us) / read(them);
  const timed = Object.keys(PRESETS).flatMap((preset) => ["lcp", "tti"].map((name) => [`${preset}_${name}`, over((one) => one[preset][name])]));
  return { page, cpu: over((one) => one.cpu_ms), ...Object.fromEntries(timed) };
});

for (const preset of Object.keys(PRESETS)) {
  say(`\n${preset}, median of ${runs} | perf | a11y | best | CLS | TBT | LCP | TTI | CPU ms | html | css | js + wasm, as served (brotli)`);
  for (const { page, side, cpu_ms, bytes, [preset]: seen } of pages) {
    const code = ["served", "brotli"].map((name) => (bytes.js?.[name] ?? 0) + (bytes.wasm?.[name] ?? 0));
    const figures = [seen.performance, seen.accessibility, seen.best_practices, seen.cls.toFixed(3), ...[seen.tbt, seen.lcp, seen.tti].map((ms) => ms.toFixed(0)), cpu_ms.toFixed(2), bytes.html.served, bytes.css?.served ?? 0, `${code[0]} (${code[1]})`];
    say(`${side} ${page} | ${figures.join(" | ")}${seen.failed.length ? ` | fails ${seen.failed.join(", ")}` : ""}`);
  }
}
for (const { page, ...them } of ratios) say(`${page}, ours ÷ Next's: ${Object.entries(them).map(([name, ratio]) => `${name} ${ratio.toFixed(2)}`).join(", ")}`);
say(`load ${load.map((one) => one.toFixed(1)).join(" / ")}`);
if (values.json) console.log(JSON.stringify({ runs, requests, load, pages, ratios }));
agent.destroy();
