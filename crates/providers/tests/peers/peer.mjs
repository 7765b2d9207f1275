// What every peer needs: where gremlin is, an ear for its callbacks, our verifier and gremlin's signer, and a count of what was
// checked, because a script that checks nothing must not pass. A peer is `<kind>.mjs`; the Rust side is `main.rs`.
import assert from "node:assert/strict";
import { createServer } from "node:http";

const { GREMLIN, JUDGE, ACCOUNT, KEY, SECRET } = process.env;
export const gremlin = GREMLIN;
export const account = ACCOUNT;
export const key = KEY;
/** What callbacks of the account are signed with, where that is not the key. */
export const secret = SECRET;

/** Texts that go wrong wherever somebody counts characters instead of bytes. */
export const strange = "Zoë & مرحبا 😀 +%41 a=b";

let checks = 0;
export const check = (truth, what) => {
  assert.ok(truth, what);
  checks += 1;
};
export const equal = (actual, expected, what) => {
  assert.deepEqual(actual, expected, what);
  checks += 1;
};

/** Waits for a condition, with a deadline. */
export const until = async (what, condition) => {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`still waiting for ${what}`);
    await new Promise((done) => setTimeout(done, 5));
  }
};

/** A listener for callbacks: its address, and what arrived. */
export const listen = async () => {
  const arrived = [];
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    arrived.push({ path: request.url, headers: request.headers, body: Buffer.concat(parts).toString("utf8") });
    response.writeHead(204).end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}`, arrived, close: () => server.close() };
};

/** The address under which our verifier believes this request to have come. */
export const judged = `${JUDGE}/verify`;

/** Does our verifier take it? The path and query are part of the URL that was signed. */
export const passes = async (url, headers, body) => {
  const answer = await fetch(url, { method: "POST", headers, body });
  if (![204, 403].includes(answer.status)) throw new Error(`the judge answered ${answer.status}`);
  return answer.status === 204;
};

/** gremlin's signature of a request. */
export const sign = async (request) => {
  const answer = await fetch(`${JUDGE}/sign`, { method: "POST", body: JSON.stringify(request) });
  return answer.text();
};

/** The text with one bit of one letter flipped. */
export const flipped = (text, at = Math.floor(text.length / 2)) =>
  text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);

/** Runs a peer; says how much it checked. */
export const run = async (peer) => {
  try {
    await peer();
    console.log(`${checks} checks`);
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
};
