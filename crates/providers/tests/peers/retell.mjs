// The official Retell SDK against gremlin, and its signatures against ours.
import { Retell, sign as theirSign, verify as theirVerify } from "retell-sdk";
import { check, equal, flipped, gremlin, judged, key, listen, passes, run, sign, strange, until } from "./peer.mjs";

run(async () => {
  const client = new Retell({ apiKey: key, baseURL: gremlin, maxRetries: 0 });
  const ear = await listen();
  const llm = await client.llm.create({ general_prompt: "Sell bread.", begin_message: "Hello {{name}}." });
  check(llm.llm_id.length > 0, "an id");
  const agent = await client.agent.create({
    response_engine: { type: "retell-llm", llm_id: llm.llm_id },
    voice_id: "11labs-Adrian",
    webhook_url: `${ear.url}/hook`,
  });
  await client.agent.publish(agent.agent_id, { version: agent.version });
  const read = await client.agent.retrieve(agent.agent_id);
  equal([read.agent_id, read.is_published], [agent.agent_id, true]);

  const placed = await client.call.createPhoneCall({
    from_number: "+12025550100",
    to_number: "+14155550001",
    override_agent_id: agent.agent_id,
    retell_llm_dynamic_variables: { name: strange },
    metadata: { belfry_call: "cal_1", note: strange },
  });
  equal([placed.call_type, placed.call_status, placed.metadata.note], ["phone_call", "registered", strange]);
  const event = (request) => JSON.parse(request.body);
  await until("the analysis", () => ear.arrived.some((request) => event(request).event === "call_analyzed"));
  equal(ear.arrived.map((request) => event(request).event), ["call_started", "call_ended", "call_analyzed"]);

  const fetched = await client.call.retrieve(placed.call_id);
  equal([fetched.call_id, fetched.call_status, fetched.direction], [placed.call_id, "ended", "outbound"]);
  equal(fetched.transcript_object[0].content, `Hello ${strange}.`);
  check(fetched.start_timestamp < fetched.end_timestamp + 1 && fetched.call_cost.combined_cost > 0, "times and a price");
  const listed = await client.call.list({ filter_criteria: { to_number: { type: "string", op: "eq", value: "+14155550001" } } });
  equal(listed.items.map((call) => call.call_id), [placed.call_id]);
  await client.call.createPhoneCall({ from_number: "+12025550100", to_number: "+14155550005", override_agent_id: agent.agent_id }).then(
    () => check(false, "there is no such number"),
    (error) => equal(error.status, 400),
  );
  await new Retell({ apiKey: flipped(key), baseURL: gremlin, maxRetries: 0 }).call.retrieve(placed.call_id).then(
    () => check(false, "that is no key"),
    (error) => equal(error.status, 401),
  );

  // Theirs accepts gremlin's webhooks, and nothing that was changed.
  for (const { body, headers } of ear.arrived) {
    const signature = headers["x-retell-signature"];
    check(body.includes("مرحبا 😀"), "a body that is more than ASCII");
    check(await theirVerify(body, key, signature), "their verifier accepts gremlin's webhook");
    check(!(await theirVerify(flipped(body), key, signature)), "another body");
    check(!(await theirVerify(body, flipped(key), signature)), "another key");
    check(!(await theirVerify(body, key, flipped(signature, signature.length - 1))), "another signature");
  }

  // Each accepts what the other signs.
  for (const body of ["", "{}", JSON.stringify({ event: "call_ended", call: { call_id: "c", note: strange } })]) {
    const theirs = await theirSign(body, key);
    const headers = { "content-type": "application/json" };
    check(await passes(judged, { ...headers, "x-retell-signature": theirs }, body), `our verifier accepts theirs: ${body}`);
    check(!(await passes(judged, { ...headers, "x-retell-signature": theirs }, `${body} `)), "another body");
    check(!(await passes(judged, { ...headers, "x-retell-signature": flipped(theirs, theirs.length - 1) }, body)), "another signature");
    check(!(await passes(judged, headers, body)), "no signature");
    check(await theirVerify(body, key, await sign({ body })), "their verifier accepts gremlin's signature");
  }
  ear.close();
});
