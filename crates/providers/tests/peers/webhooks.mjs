// Standard Webhooks' own library, and Svix's, as the programs of our customers: they take what we send and nothing that was changed.
import { Webhook as Standard, WebhookVerificationError } from "standardwebhooks";
import { Webhook as Svix, WebhookVerificationError as SvixError } from "svix";
import { check, equal, run } from "./peer.mjs";

const cases = JSON.parse(process.env.CASES);

run(async () => {
  for (const [Webhook, Refused] of [[Standard, WebhookVerificationError], [Svix, SvixError]]) {
    for (const { what, secret, headers, body, good } of cases) {
      try {
        equal(new Webhook(secret).verify(body, headers), JSON.parse(body), what);
        check(good, `${what}: what was changed passed`);
      } catch (error) {
        check(!good && error instanceof Refused, `${what}: ${error}`);
      }
    }
  }
});
