// The official Stripe SDK against gremlin: a whole top-up, errors by their classes, retries, and gremlin's signatures.
import Stripe from "stripe";
import { check, equal, flipped, gremlin, key, listen, run, sign, strange, until } from "./peer.mjs";

const { hostname: host, port } = new URL(gremlin);
const client = (apiKey, maxNetworkRetries = 0) => new Stripe(apiKey, { host, port, protocol: "http", maxNetworkRetries, telemetry: false });
const { errors } = Stripe;

const fault = (what) =>
  fetch(`${gremlin}/control/faults`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(what) });

/** The error of a request that must fail, of this class. */
const fails = async (kind, request) => {
  try {
    await request;
  } catch (error) {
    check(error instanceof errors[kind], `${kind}, not ${error.constructor.name}: ${error.message}`);
    return error;
  }
  throw new Error(`no ${kind}`);
};

/** A button of the page on which a checkout is paid. */
const press = (session, button, form = {}) =>
  fetch(`${session.url}/${button}`, { method: "POST", body: new URLSearchParams(form), redirect: "manual" });

const customers = async (stripe) => {
  const made = await stripe.customers.create({ name: strange, email: "zoe@example.com", metadata: { company: "cmp_1", 0: "zero" } });
  check(/^cus_/.test(made.id) && made.lastResponse.requestId.startsWith("req_"), "ids");
  equal([made.name, made.metadata], [strange, { company: "cmp_1", 0: "zero" }]);
  const changed = await stripe.customers.update(made.id, { metadata: { company: "", plan: "pro" }, address: { city: "عمّان" } });
  equal([changed.metadata, changed.address.city], [{ 0: "zero", plan: "pro" }, "عمّان"]);
  equal((await stripe.customers.retrieve(made.id)).address.city, "عمّان");

  const all = [made.id];
  for (let n = 0; n < 24; n += 1) all.unshift((await stripe.customers.create({ description: `${n}` })).id);
  const seen = [];
  for await (const one of stripe.customers.list({ limit: 7 })) seen.push(one.id);
  equal(seen, all, "every page, from the newest");
  equal((await stripe.customers.list({ limit: 3, ending_before: all[5] }).autoPagingToArray({ limit: 100 })).length, 5, "and back");
  equal((await stripe.customers.list({ email: "zoe@example.com" })).data.map((one) => one.id), [made.id]);
  equal((await stripe.customers.del(all[0])).deleted, true);
  equal((await stripe.customers.retrieve(all[0])).deleted, true);
  return made.id;
};

const checkout = async (stripe, customer) => {
  const price_data = { currency: "usd", unit_amount: 1500, product_data: { name: strange } };
  const session = await stripe.checkout.sessions.create({
    mode: "payment",
    customer,
    client_reference_id: "cmp_1",
    line_items: [{ quantity: 2, price_data }],
    success_url: "https://shop.example/done?session={CHECKOUT_SESSION_ID}",
    cancel_url: "https://shop.example/back",
    payment_intent_data: { setup_future_usage: "off_session", metadata: { topup: "top_1" } },
    metadata: { topup: "top_1" },
  });
  equal([session.status, session.payment_status, session.amount_total, session.currency], ["open", "unpaid", 3000, "usd"]);
  equal((await press(session, "decline")).status, 402);
  const paid = await press(session, "pay", { card: "pm_card_visa", name: strange });
  equal([paid.status, paid.headers.get("location")], [303, `https://shop.example/done?session=${session.id}`]);
  const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ["payment_intent.latest_charge", "line_items"] });
  equal([done.status, done.payment_status, done.client_reference_id], ["complete", "paid", "cmp_1"]);
  equal([done.payment_intent.status, done.payment_intent.metadata, done.payment_intent.latest_charge.paid], ["succeeded", { topup: "top_1" }, true]);
  equal(done.line_items.data.map((item) => [item.description, item.amount_total]), [[strange, 3000]]);
  equal((await stripe.checkout.sessions.listLineItems(session.id)).data.length, 1);
  const other = await stripe.checkout.sessions.create({ mode: "payment", line_items: [{ quantity: 1, price_data }], success_url: "https://shop.example/" });
  equal((await stripe.checkout.sessions.expire(other.id)).status, "expired");
  await fails("StripeInvalidRequestError", stripe.checkout.sessions.expire(other.id));
  equal((await stripe.checkout.sessions.list({ customer })).data.map((one) => one.id), [session.id]);
  return done.payment_intent;
};

const payments = async (stripe, customer, first) => {
  const kept = await stripe.customers.listPaymentMethods(customer, { type: "card" });
  equal(kept.data.map((method) => method.id), [first.payment_method]);
  const off = { amount: 700, currency: "usd", customer, off_session: true, confirm: true };
  const again = await stripe.paymentIntents.create({ ...off, payment_method: kept.data[0].id });
  equal([again.status, again.amount_received], ["succeeded", 700]);

  const declined = await fails("StripeCardError", stripe.paymentIntents.create({ ...off, payment_method: "pm_card_chargeDeclined" }));
  equal([declined.statusCode, declined.code, declined.decline_code], [402, "card_declined", "generic_decline"]);
  equal([declined.payment_intent.status, declined.payment_intent.last_payment_error.code], ["requires_payment_method", "card_declined"]);
  const wary = await stripe.paymentMethods.attach("pm_card_authenticationRequired", { customer });
  const absent = await fails("StripeCardError", stripe.paymentIntents.create({ ...off, payment_method: wary.id }));
  equal([absent.code, absent.payment_method.id], ["authentication_required", wary.id]);
  equal((await stripe.paymentMethods.detach(wary.id)).customer, null);

  const held = await stripe.paymentIntents.create({ amount: 5000, currency: "jpy", payment_method: "pm_card_visa", capture_method: "manual", confirm: true });
  equal([held.status, held.currency], ["requires_capture", "jpy"]);
  equal((await stripe.paymentIntents.capture(held.id)).status, "succeeded");
  await fails("StripeInvalidRequestError", stripe.paymentIntents.cancel(held.id));
  const idle = await stripe.paymentIntents.create({ amount: 5000, currency: "kwd" });
  equal((await stripe.paymentIntents.cancel(idle.id, { cancellation_reason: "abandoned" })).status, "canceled");

  const part = await stripe.refunds.create({ payment_intent: first.id, amount: 1000, reason: "requested_by_customer" });
  equal([part.status, part.amount, (await stripe.refunds.retrieve(part.id)).charge], ["succeeded", 1000, first.latest_charge.id]);
  const rest = await stripe.refunds.create({ charge: first.latest_charge.id });
  equal(rest.amount, 2000);
  equal((await fails("StripeInvalidRequestError", stripe.refunds.create({ payment_intent: first.id }))).code, "charge_already_refunded");
};

const mistakes = async (stripe) => {
  const gone = await fails("StripeInvalidRequestError", stripe.customers.retrieve("cus_none"));
  equal([gone.statusCode, gone.code, gone.param], [404, "resource_missing", "id"]);
  const unknown = await fails("StripeInvalidRequestError", stripe.customers.create({ colour: "red" }));
  equal([unknown.code, unknown.param], ["parameter_unknown", "colour"]);
  const small = await fails("StripeInvalidRequestError", stripe.paymentIntents.create({ amount: 1, currency: "usd" }));
  equal([small.code, small.param], ["amount_too_small", "amount"]);
  await fails("StripeAuthenticationError", client("sk_test_wrong").customers.list());
  const once = { idempotencyKey: "topup-1-1" };
  const one = await stripe.customers.create({ name: strange }, once);
  const same = await stripe.customers.create({ name: strange }, once);
  equal([same.id, same.lastResponse.headers["idempotent-replayed"]], [one.id, "true"]);
  await fails("StripeIdempotencyError", stripe.customers.create({ name: "another" }, once));

  for (const [kind, error] of [["error_500", "StripeAPIError"], ["error_429", "StripeRateLimitError"]]) {
    await fault({ kind, count: 1, to_prefix: "/v1/customers" });
    await fails(error, stripe.customers.create({}));
    await fault({ kind, count: 1, to_prefix: "/v1/customers" });
    const patient = await client(key, 2).customers.create({ description: kind });
    check(/^cus_/.test(patient.id), `made after ${kind}`);
    equal((await stripe.customers.list({ limit: 2 })).data.filter((made) => made.description === kind).length, 1);
  }
};

const webhooks = async (stripe) => {
  const ear = await listen();
  const endpoint = await stripe.webhookEndpoints.create({ url: `${ear.url}/hook`, enabled_events: ["customer.created", "charge.succeeded"] });
  check(/^whsec_/.test(endpoint.secret), "a secret");
  const made = await stripe.customers.create({ name: strange });
  await stripe.paymentIntents.create({ amount: 700, currency: "usd", payment_method: "pm_card_visa", confirm: true, description: strange });
  await until("both events", () => ear.arrived.length === 2);
  for (const { body, headers } of ear.arrived) {
    const signature = headers["stripe-signature"];
    const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret);
    equal(event, JSON.parse(body));
    check(body.includes("مرحبا 😀"), "texts of any script as they are");
    equal((await stripe.events.retrieve(event.id)).data, event.data);
    for (const [changed, header, secret] of [
      [flipped(body), signature, endpoint.secret],
      [body, signature, flipped(endpoint.secret)],
      [body, flipped(signature, signature.length - 1), endpoint.secret],
      [body, signature.replace("t=1", "t=2"), endpoint.secret],
    ]) {
      try {
        stripe.webhooks.constructEvent(changed, header, secret);
      } catch (error) {
        check(error instanceof errors.StripeSignatureVerificationError, `a signature, not ${error}`);
        continue;
      }
      throw new Error("what was changed passed");
    }
  }
  await fault({ kind: "clock_skew", count: 1, delay_ms: 600_000 });
  await stripe.customers.create({});
  const late = await until("the late one", () => ear.arrived[2]);
  try {
    stripe.webhooks.constructEvent(late.body, late.headers["stripe-signature"], endpoint.secret);
    check(false, "it is too old");
  } catch (error) {
    check(/timestamp/i.test(error.message), error.message);
  }
  const listed = await stripe.events.list({ types: ["customer.created"], limit: 5 });
  equal([listed.data[1].data.object.id, listed.data[1].request.idempotency_key === null], [made.id, false], "the SDK always sends a key");
  equal((await stripe.webhookEndpoints.list()).data.map((one) => [one.id, one.secret]), [[endpoint.id, undefined]]);
  equal((await stripe.webhookEndpoints.del(endpoint.id)).deleted, true);
  ear.close();

  for (const payload of ["{}", JSON.stringify({ text: strange }), strange.repeat(100)]) {
    const timestamp = 1_760_000_000;
    const theirs = stripe.webhooks.generateTestHeaderString({ payload, secret: endpoint.secret, timestamp });
    equal(await sign({ secret: endpoint.secret, body: payload, at: timestamp }), theirs);
  }
};

run(async () => {
  const stripe = client(key);
  const customer = await customers(stripe);
  const first = await checkout(stripe, customer);
  await payments(stripe, customer, first);
  await mistakes(stripe);
  await webhooks(stripe);
});
