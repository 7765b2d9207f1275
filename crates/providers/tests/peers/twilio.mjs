// The official Twilio SDK against gremlin, and its signatures against ours.
import twilio from "twilio";
import { account, check, equal, flipped, gremlin, judged, key, listen, passes, run, sign, strange, until } from "./peer.mjs";

/** The SDK has no setting for its address. */
class Redirected extends twilio.RequestClient {
  request(options) {
    options.uri = options.uri.replace("https://api.twilio.com", gremlin);
    return super.request(options);
  }
}

run(async () => {
  const client = twilio(account, key, { httpClient: new Redirected() });
  const ear = await listen();
  const path = "/status?call=cal_1&who=Zo%C3%AB%20%26%20a%2Bb";
  const response = new twilio.twiml.VoiceResponse();
  response.say({ language: "en-US" }, strange);

  const placed = await client.calls.create({
    to: "+14155550013",
    from: "+12025550100",
    twiml: response.toString(),
    statusCallback: ear.url + path,
    statusCallbackEvent: ["initiated", "ringing", "answered", "completed"],
    record: true,
    recordingStatusCallback: ear.url + path,
    recordingStatusCallbackEvent: ["completed", "absent"],
  });
  check(/^CA[0-9a-f]{32}$/.test(placed.sid), "a call id");
  equal([placed.to, placed.from, placed.status], ["+14155550013", "+12025550100", "queued"]);
  check(placed.dateCreated instanceof Date && !Number.isNaN(placed.dateCreated.getTime()), "a moment");

  const form = (request) => Object.fromEntries(new URLSearchParams(request.body));
  const events = () => ear.arrived.map((request) => form(request).CallStatus).filter(Boolean);
  await until("the recording", () => ear.arrived.some((request) => form(request).RecordingSid));
  equal(events().filter((status) => status === "completed").length >= 1, true);
  equal(new Set(["initiated", "ringing", "in-progress", "completed"].filter((one) => events().includes(one))).size, 4);

  const fetched = await client.calls(placed.sid).fetch();
  equal([fetched.sid, fetched.status, fetched.duration], [placed.sid, "completed", "2"]);
  check(fetched.startTime <= fetched.endTime, "it began before it ended");
  const listed = await client.calls.list({ to: "+14155550013", limit: 20 });
  equal(listed.map((call) => call.sid), [placed.sid]);
  const recordings = await client.calls(placed.sid).recordings.list({ limit: 5 });
  equal(recordings.map((recording) => recording.callSid), [placed.sid]);

  // A number of the account, pointed at somebody and back at nobody.
  const [number] = await client.incomingPhoneNumbers.list({ limit: 5 });
  const pointed = { voiceUrl: "https://belfry.example/voice", voiceMethod: "POST", statusCallback: "https://belfry.example/news" };
  await client.incomingPhoneNumbers(number.sid).update(pointed);
  const seen = await client.incomingPhoneNumbers(number.sid).fetch();
  equal([seen.phoneNumber, seen.voiceUrl, seen.statusCallback], [number.phoneNumber, pointed.voiceUrl, pointed.statusCallback]);
  equal((await client.incomingPhoneNumbers(number.sid).update({ voiceUrl: "" })).voiceUrl, "");
  await client.calls("CA00000000000000000000000000000000").fetch().then(
    () => check(false, "there is no such call"),
    (error) => equal([error.status, error.code], [404, 20404]),
  );
  await client.calls.create({ to: "+14155550005", from: "+12025550100", twiml: "<Response/>" }).then(
    () => check(false, "there is no such number"),
    (error) => equal([error.status, error.code], [400, 21211]),
  );

  // Theirs accepts gremlin's callbacks, and nothing that was changed.
  for (const request of ear.arrived) {
    const signature = request.headers["x-twilio-signature"];
    const url = ear.url + request.path;
    check(twilio.validateRequest(key, signature, url, form(request)), "their verifier accepts gremlin's callback");
    check(!twilio.validateRequest(key, signature, `${url}x`, form(request)), "another URL");
    check(!twilio.validateRequest(key, signature, url, { ...form(request), CallStatus: "busy!" }), "another body");
    check(!twilio.validateRequest(flipped(key), signature, url, form(request)), "another key");
  }

  // Each accepts what the other signs: texts of any script, keys that repeat.
  for (const params of [{}, { Body: strange, "Ключ": "значение" }, { K: ["b", "a", "a"], A: "1", Empty: "" }]) {
    const pairs = Object.entries(params).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
    const body = new URLSearchParams(pairs).toString();
    const url = `${judged}?tenant=1&x=a%20b&n=Zo%C3%AB`;
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const theirs = twilio.getExpectedTwilioSignature(key, url, params);
    check(await passes(url, { ...headers, "x-twilio-signature": theirs }, body), `our verifier accepts theirs: ${body}`);
    check(!(await passes(`${url}x`, { ...headers, "x-twilio-signature": theirs }, body)), "another URL");
    check(!(await passes(url, { ...headers, "x-twilio-signature": theirs }, `${body}&More=1`)), "more than was signed");
    check(!(await passes(url, { ...headers, "x-twilio-signature": flipped(theirs, 3) }, body)), "another signature");
    check(!(await passes(url, headers, body)), "no signature");
    const ours = await sign({ url, pairs });
    equal(ours, theirs);
    check(twilio.validateRequest(key, ours, url, params), "their verifier accepts gremlin's signature");
  }
  ear.close();
});
