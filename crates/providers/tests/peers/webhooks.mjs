// Standard Webhooks' own library, and Svix's, as the programs of our customers: they take what we send and nothing that was changed.
import { Webhook as Standard, WebhookVerificationError } from "standardwebhooks";
import { Webhook as Svix, WebhookVerificationError as SvixError } from "svix";
import { check, equal, run } from "./peer.mjs";

const cases = JSON.parse(process.env.CASES);

run(async () => {
  for (const [Webhook, Refused] of [[Standard, WebhookVerificationError], [Svix, SvixError]]) {
    for (const { what, secret, headers, body, good } of cases) {
      try {
        const told = new Webhook(secret).verify(body, headers);
        check(good, `${what}: what was changed passed`);
        // Svix' says nothing when all is well.
        if (Webhook === Standard) equal(told, JSON.parse(body), what);
      } catch (error) {
        check(!good && error instanceof Refused, `${what}: ${error}`);
      }
    }
  }
});
