// The official Vapi SDK against gremlin. It has no verifier and no signer: signatures are made here as it documents the plan of a
// credential (`HmacAuthenticationPlan` with its defaults), and judged on both sides by that.
import { createHmac } from "node:crypto";
import { Vapi, VapiClient, VapiError } from "@vapi-ai/server-sdk";
import { check, equal, flipped, gremlin, judged, key, listen, passes, run, secret, sign, strange, until } from "./peer.mjs";

/** The error that a promise is refused with. */
const refused = (promise, what) => promise.then(() => { throw new Error(`not refused: ${what}`); }, (error) => error);

/** `{timestamp}.{body}`, in hexadecimal: the defaults of their plan. */
const signed = (body, stamp, by = secret) => createHmac("sha256", by).update(`${stamp}.${body}`).digest("hex");

run(async () => {
  const connect = (token) => new VapiClient({ token, environment: gremlin, maxRetries: 0 });
  const client = connect(key);
  const ear = await listen();

  const number = await client.phoneNumbers.create({
    provider: "twilio", number: "+12025550100", twilioAccountSid: "AC1", twilioAuthToken: "token", name: "Front desk",
  });
  const numbers = await client.phoneNumbers.list();
  equal(numbers.map((one) => [one.id, one.number, one.name]), [[number.id, "+12025550100", "Front desk"]]);
  const file = await client.files.create({ file: new File([strange], "prices.txt", { type: "text/plain" }) });
  equal([file.originalName, file.status], ["prices.txt", "processing"]);
  await until("the file", async () => (await client.files.get({ id: file.id })).status === "done");

  const assistant = await client.assistants.create({
    name: strange,
    firstMessage: "Hello {{name}}.",
    model: { provider: "openai", model: "gpt-4o", messages: [{ role: "system", content: "Sell bread." }] },
    server: { url: `${ear.url}/hook`, credentialId: "credential" },
    analysisPlan: { summaryPlan: { enabled: true } },
  });
  const read = await client.assistants.get({ id: assistant.id });
  equal([read.id, read.name, read.firstMessage], [assistant.id, strange, "Hello {{name}}."]);
  check(!Number.isNaN(Date.parse(read.createdAt)) && read.orgId === assistant.orgId, "a moment and an organisation");
  const changed = await client.assistants.update({ id: assistant.id, name: "Ravi" });
  equal([changed.name, changed.firstMessage], ["Ravi", "Hello {{name}}."], "one field alone");
  equal((await client.phoneNumbers.update({ id: number.id, body: { provider: "twilio", assistantId: assistant.id } })).assistantId, assistant.id);

  const call = (to, name = "Zoë") => client.calls.create({
    assistantId: assistant.id,
    phoneNumberId: number.id,
    customer: { number: to, externalId: "cal_1" },
    assistantOverrides: { variableValues: { name }, metadata: { belfry_call: "cal_1" } },
  });
  const placed = await call("+14155550001", strange);
  equal([placed.type, placed.status, placed.customer.number], ["outboundPhoneCall", "queued", "+14155550001"]);
  const message = (request) => JSON.parse(request.body).message;
  const kinds = () => ear.arrived.map(message).map((one) => [one.type, one.status].filter(Boolean).join(" "));
  await until("the report", () => kinds().includes("end-of-call-report"));
  equal(kinds(), ["status-update ringing", "status-update in-progress", "status-update ended", "end-of-call-report"]);
  check(ear.arrived.every((request) => message(request).call.id === placed.id), "each tells of the call");

  const fetched = await client.calls.get({ id: placed.id });
  equal([fetched.id, fetched.status, fetched.assistantOverrides.metadata.belfry_call], [placed.id, "ended", "cal_1"]);
  check(typeof fetched.endedReason === "string" && fetched.cost > 0, "a reason and a price");
  check(Date.parse(fetched.startedAt) < Date.parse(fetched.endedAt), "it began before it ended");
  equal(fetched.artifact.messages[1].message, `Hello ${strange}.`);
  check(fetched.analysis.summary.length > 0 && fetched.costBreakdown.total === fetched.cost, "a summary and what it cost");
  const listed = await client.calls.list({ createdAtGe: new Date(Date.parse(placed.createdAt)).toISOString(), limit: 10 });
  equal(listed.map((one) => one.id), [placed.id]);

  // What is refused is refused with their classes.
  const wrong = await refused(call("+14155550005"), "a number that is none");
  check(wrong instanceof Vapi.BadRequestError, "400 is their class");
  check(wrong.statusCode === 400 && wrong.body.message[0].includes("customer.number"), "it names the number");
  const gone = await refused(client.calls.get({ id: "00000000-0000-4000-8000-000000000000" }), "an id of nothing");
  check(gone instanceof VapiError && gone.statusCode === 404, `404: ${gone}`);
  const stranger = await refused(connect(flipped(key)).assistants.get({ id: assistant.id }), "a key of nobody");
  check(stranger instanceof VapiError && stranger.statusCode === 401, `401: ${stranger}`);
  const silent = await refused(client.calls.callArtifactControllerMonoRecordingDownload({ id: "none" }), "sound of nothing");
  check(silent instanceof Vapi.NotFoundError, "404 is their class, where they have one");
  const deaf = await refused(
    connect(flipped(key)).calls.callArtifactControllerMonoRecordingDownload({ id: placed.id }), "sound for nobody",
  );
  check(deaf instanceof Vapi.UnauthorizedError, "401 is their class, where they have one");
  const long = await refused(client.assistants.create({ name: "a".repeat(41) }), "a name that is too long");
  equal([long.statusCode, long.body.message.length], [400, 1]);
  equal((await client.files.delete({ id: file.id })).id, file.id);
  equal((await client.assistants.delete({ id: assistant.id })).id, assistant.id);
  equal((await refused(client.assistants.get({ id: assistant.id }), "an assistant that is gone")).statusCode, 404);
  equal((await refused(client.files.get({ id: file.id }), "a file that is gone")).statusCode, 404);

  // gremlin's messages are signed as their plan says, and our verifier takes them as they came.
  for (const { body, headers: { "x-signature": signature, "x-timestamp": stamp } } of ear.arrived) {
    equal(signed(body, stamp), signature, "gremlin signs by the definition");
    const headers = { "content-type": "application/json", "x-signature": signature, "x-timestamp": stamp };
    check(await passes(judged, headers, body), "our verifier accepts gremlin's message");
    check(!(await passes(judged, headers, flipped(body))), "another body");
    check(!(await passes(judged, { ...headers, "x-timestamp": flipped(stamp, stamp.length - 1) }, body)), "another time");
    check(!(await passes(judged, { ...headers, "x-signature": flipped(signature) }, body)), "another signature");
    check(!(await passes(judged, { ...headers, "x-signature": signed(body, stamp, flipped(secret)) }, body)), "another secret");
  }
  check(ear.arrived.some(({ body }) => body.includes("مرحبا 😀")), "a body that is more than ASCII");

  // Texts of any script, and the other way by which a message says whose it is.
  for (const body of ["", "{}", JSON.stringify({ message: { type: "status-update", note: strange } })]) {
    const now = Date.now();
    const json = { "content-type": "application/json" };
    for (const stamp of [String(now), String(Math.floor(now / 1000))]) {
      const headers = { ...json, "x-signature": signed(body, stamp), "x-timestamp": stamp };
      equal(await sign({ body, stamp }), headers["x-signature"], "gremlin signs by the definition");
      check(await passes(judged, headers, body), `our verifier accepts it: ${body}`);
      check(!(await passes(judged, headers, `${body} `)), "another body");
      // One that is signed stands or falls by its signature alone.
      const other = { ...headers, "x-signature": flipped(headers["x-signature"]), "x-vapi-secret": secret };
      check(!(await passes(judged, other, body)), "one bit of the signature");
    }
    const old = String(now - 6 * 60 * 1000);
    check(!(await passes(judged, { ...json, "x-signature": signed(body, old), "x-timestamp": old }, body)), "it is too old");
    check(await passes(judged, { ...json, "x-vapi-secret": secret }, body), "the secret itself");
    check(await passes(judged, { ...json, authorization: `Bearer ${secret}` }, body), "the secret as a bearer");
    check(!(await passes(judged, { ...json, "x-vapi-secret": flipped(secret) }, body)), "one bit of the secret");
    check(!(await passes(judged, json, body)), "no signature");
  }
  ear.close();
});
