// The official ElevenLabs SDK against gremlin, and its webhook verifier against gremlin's signatures. It cannot sign.
import { createHmac } from "node:crypto";
import { ElevenLabsClient, ElevenLabsError, ElevenLabs } from "@elevenlabs/elevenlabs-js";
import { check, equal, flipped, gremlin, judged, key, listen, passes, run, secret, sign, strange, until } from "./peer.mjs";

/** The error that a promise is refused with. */
const refused = (promise, what) => promise.then(() => { throw new Error(`not refused: ${what}`); }, (error) => error);

run(async () => {
  const connect = (apiKey) => new ElevenLabsClient({ apiKey, baseUrl: gremlin, environment: gremlin, maxRetries: 0 });
  const client = connect(key);
  const convai = client.conversationalAi;
  const ear = await listen();

  const hook = await client.webhooks.create({ settings: { authType: "hmac", name: strange, webhookUrl: `${ear.url}/hook` } });
  equal(hook.webhookSecret, secret, "the secret that gremlin signs with");
  const { webhooks } = await client.webhooks.list({ includeUsages: true });
  equal(webhooks.map((one) => [one.webhookId, one.name, one.isDisabled]), [[hook.webhookId, strange, false]]);

  const told = await convai.knowledgeBase.documents.createFromText({ text: strange, name: "Prices" });
  const document = await convai.knowledgeBase.documents.get(told.id);
  equal([document.id, document.name, document.type], [told.id, "Prices", "text"]);

  const number = await convai.phoneNumbers.create({
    provider: "twilio", phoneNumber: "+12025550100", label: strange, sid: "AC1", token: "token",
  });
  const agent = await convai.agents.create({
    name: strange,
    tags: ["peer"],
    conversationConfig: {
      agent: {
        language: "en",
        firstMessage: "Hello {{name}}.",
        prompt: { prompt: "Sell bread.", llm: "gemini-2.5-flash", knowledgeBase: [{ type: "text", name: "Prices", id: told.id }] },
      },
      conversation: { maxDurationSeconds: 300 },
    },
    platformSettings: {
      workspaceOverrides: {
        webhooks: { postCallWebhookId: hook.webhookId, events: ["transcript", "call_initiation_failure"] },
      },
    },
  });
  const read = await convai.agents.get(agent.agentId);
  equal([read.agentId, read.name, read.tags], [agent.agentId, strange, ["peer"]]);
  equal(read.conversationConfig.agent.firstMessage, "Hello {{name}}.");
  equal(read.conversationConfig.agent.prompt.knowledgeBase.map((known) => known.id), [told.id]);
  equal(read.platformSettings.workspaceOverrides.webhooks.postCallWebhookId, hook.webhookId);
  const changed = await convai.agents.update(agent.agentId, { name: "Ravi" });
  equal([changed.name, changed.conversationConfig.agent.firstMessage], ["Ravi", "Hello {{name}}."], "one field alone");
  await convai.phoneNumbers.update(number.phoneNumberId, { agentId: agent.agentId });
  const numbers = await convai.phoneNumbers.list();
  equal(numbers.map((one) => [one.phoneNumber, one.label, one.assignedAgent?.agentId]), [["+12025550100", strange, agent.agentId]]);

  const call = (toNumber, variables = {}) => convai.twilio.outboundCall({
    agentId: agent.agentId,
    agentPhoneNumberId: number.phoneNumberId,
    toNumber,
    conversationInitiationClientData: { userId: "cal_1", dynamicVariables: { belfry_call: "cal_1", ...variables } },
    telephonyCallConfig: { ringingTimeoutSecs: 30 },
  });
  const placed = await call("+14155550001", { name: strange });
  equal(placed.success, true);
  check(placed.conversationId.startsWith("conv_") && placed.callSid.startsWith("CA"), "two ids");
  const busy = await call("+14155550002");
  const events = () => ear.arrived.map((request) => JSON.parse(request.body));
  await until("what became of both", () => events().length >= 2 && events());
  const of = (id) => events().filter((event) => event.data.conversation_id === id);
  equal(of(placed.conversationId).map((event) => event.type), ["post_call_transcription"]);
  equal(of(busy.conversationId).map((event) => [event.type, event.data.failure_reason]), [["call_initiation_failure", "busy"]]);

  const talk = await convai.conversations.get(placed.conversationId);
  equal([talk.conversationId, talk.status, talk.agentId, talk.userId], [placed.conversationId, "done", agent.agentId, "cal_1"]);
  equal(talk.transcript[0].message, `Hello ${strange}.`);
  equal(talk.conversationInitiationClientData.dynamicVariables.name, strange);
  equal([talk.metadata.phoneCall.direction, talk.metadata.phoneCall.externalNumber], ["outbound", "+14155550001"]);
  check(talk.metadata.callDurationSecs > 0 && talk.metadata.cost > 0, "a length and a price");
  check(talk.analysis.transcriptSummary.length > 0, "a summary");
  const listed = await convai.conversations.list({ userId: "cal_1", pageSize: 1 });
  equal([listed.conversations.length, listed.hasMore], [1, true], "one page of two");
  const rest = await convai.conversations.list({ userId: "cal_1", cursor: listed.nextCursor });
  equal(
    [...listed.conversations, ...rest.conversations].map((one) => one.conversationId).sort(),
    [placed.conversationId, busy.conversationId].sort(),
  );
  const sound = await convai.conversations.audio.get(placed.conversationId);
  check((await new Response(sound).arrayBuffer()).byteLength > 0, "sound");
  const { voices } = await client.voices.search({ pageSize: 3 });
  check(voices.length === 3 && voices.every((voice) => voice.voiceId && voice.name), "voices");
  const plan = await client.user.subscription.get();
  equal([plan.tier, plan.status], ["creator", "active"]);
  const spoken = await client.textToSpeech.convert(voices[0].voiceId, { text: "Good morning.", outputFormat: "mp3_44100_128" });
  check((await new Response(spoken).arrayBuffer()).byteLength > 0, "speech");

  // What is refused is refused with their classes.
  const nobody = await call("+14155550005");
  equal([nobody.success, nobody.conversationId ?? null], [false, null], "200, and no call");
  const wrong = await refused(call("12"), "a number that is none");
  check(wrong instanceof ElevenLabs.UnprocessableEntityError, "422 is their class");
  equal(wrong.body.detail[0].loc, ["body", "to_number"]);
  const gone = await refused(convai.conversations.get("conv_none"), "an id of nothing");
  check(gone instanceof ElevenLabsError, "404 is an error of theirs");
  equal([gone.statusCode, gone.body.detail.status], [404, "conversation_not_found"]);
  const stranger = await refused(connect(flipped(key)).user.subscription.get(), "a key of nobody");
  equal([stranger.statusCode, stranger.body.detail.status], [401, "invalid_api_key"]);
  const known = await refused(convai.knowledgeBase.documents.delete(told.id), "a document that an agent knows");
  equal(known.statusCode, 400);
  await convai.agents.delete(agent.agentId);
  await convai.knowledgeBase.documents.delete(told.id);
  equal((await refused(convai.agents.get(agent.agentId), "an agent that is gone")).statusCode, 404);

  // Theirs accepts gremlin's webhooks, and nothing that was changed.
  const accepts = (body, signature, with_secret = secret) =>
    client.webhooks.constructEvent(body, signature, with_secret).then(() => true, (error) => {
      check(error instanceof ElevenLabsError && error.statusCode === 400, `refused for what it is: ${error}`);
      return false;
    });
  for (const { body, headers } of ear.arrived) {
    const signature = headers["elevenlabs-signature"];
    check(await accepts(body, signature), "their verifier accepts gremlin's webhook");
    equal((await client.webhooks.constructEvent(body, signature, secret)).type, JSON.parse(body).type);
    check(!(await accepts(flipped(body), signature)), "another body");
    check(!(await accepts(body, signature, flipped(secret))), "another secret");
    check(!(await accepts(body, flipped(signature, signature.length - 1))), "another signature");
    check(!(await accepts(body, flipped(signature, 3))), "another time");
  }
  check(ear.arrived.some(({ body }) => body.includes("مرحبا 😀")), "a body that is more than ASCII");

  // What their verifier accepts ours does too, and gremlin signs the same.
  for (const body of ["{}", JSON.stringify({ type: "post_call_transcription", data: { conversation_id: "c", note: strange } })]) {
    const by = (seconds) => `t=${seconds},v0=${createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")}`;
    const now = Math.floor(Date.now() / 1000);
    const headers = (signature) => ({ "content-type": "application/json", "elevenlabs-signature": signature });
    for (const signature of [by(now), by(now - 29 * 60), await sign({ body })]) {
      check(await accepts(body, signature), `their verifier accepts it: ${body}`);
      check(await passes(judged, headers(signature), body), `and ours: ${body}`);
      check(!(await passes(judged, headers(signature), `${body} `)), "another body");
      for (const at of [3, signature.length - 1]) {
        const other = flipped(signature, at);
        check(!(await accepts(body, other)) && !(await passes(judged, headers(other), body)), "one bit of the signature");
      }
    }
    const old = by(now - 31 * 60);
    check(!(await accepts(body, old)) && !(await passes(judged, headers(old), body)), "both refuse what is older than thirty minutes");
    check(!(await passes(judged, { "content-type": "application/json" }, body)), "no signature");
  }
  ear.close();
});
