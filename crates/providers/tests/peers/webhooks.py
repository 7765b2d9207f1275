"""Standard Webhooks' own library as the program of a customer: it takes what we send and nothing that was changed."""

import json
import os

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

checks = 0
for case in json.loads(os.environ["CASES"]):
    try:
        told = Webhook(case["secret"]).verify(case["body"], case["headers"])
        assert case["good"], f"{case['what']}: what was changed passed"
        assert told == json.loads(case["body"]), case["what"]
    except WebhookVerificationError as refusal:
        assert not case["good"], f"{case['what']}: {refusal}"
    checks += 1
print(f"{checks} checks")
