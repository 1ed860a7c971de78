import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { Webhook, WebhookVerificationError } from "../src/index.js";

const SECRET = `whsec_${Buffer.from("a secret of 24 characters").toString("base64")}`;
const OTHER = `whsec_${Buffer.from("another of 24 characters.").toString("base64")}`;
const BODY = JSON.stringify({
  type: "notification",
  timestamp: "2026-03-01T12:00:00.000Z",
  data: { title: "Grüße" },
});

/** Sign as Standard Webhooks 1.0.0 says, independently of what is tested. */
function signature(secret: string, timestamp: number, id = "dlv_1", body = BODY): string {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
}

function headers(secrets: string[] = [SECRET], age = 0): Record<string, string> {
  const timestamp = Math.floor(Date.now() / 1_000) - age;
  return {
    "webhook-id": "dlv_1",
    "webhook-timestamp": String(timestamp),
    "webhook-signature": secrets.map((secret) => signature(secret, timestamp)).join(" "),
  };
}

async function refused(webhook: Webhook, body: string, given: Record<string, string>): Promise<void> {
  await assert.rejects(webhook.verify(body, given), WebhookVerificationError);
}

test("a message is verified as text, as bytes, and by headers of any kind", async () => {
  const webhook = new Webhook(SECRET);
  const given = headers();
  const capitals = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name.toUpperCase(), [value]]),
  );
  for (const one of [given, capitals, new Headers(given)]) {
    for (const body of [BODY, new TextEncoder().encode(BODY), Buffer.from(BODY)]) {
      assert.equal((await webhook.verify(body, one)).data.title, "Grüße");
    }
  }
});

test("what was changed is refused: body, id, time, signature", async () => {
  const webhook = new Webhook(SECRET);
  const given = headers();
  await refused(webhook, BODY.replace("notification", "notificatiom"), given);
  await refused(webhook, BODY, { ...given, "webhook-id": "dlv_2" });
  const later = String(Number(given["webhook-timestamp"]) + 1);
  await refused(webhook, BODY, { ...given, "webhook-timestamp": later });
  await refused(webhook, BODY, { ...given, "webhook-signature": "v1,AAAA" });
  await refused(webhook, BODY, { ...given, "webhook-signature": "v1,not base64" });
  const another = given["webhook-signature"]!.replace("v1,", "v2,");
  await refused(webhook, BODY, { ...given, "webhook-signature": another });
  await refused(new Webhook(OTHER), BODY, given);
});

test("a header that is missing is refused", async () => {
  for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"]) {
    const { [name]: _, ...rest } = headers();
    await refused(new Webhook(SECRET), BODY, rest);
  }
});

test("what was signed longer ago than the tolerance, or is from the future, is refused", async () => {
  const webhook = new Webhook(SECRET);
  await webhook.verify(BODY, headers([SECRET], 290));
  await webhook.verify(BODY, headers([SECRET], -290));
  await refused(webhook, BODY, headers([SECRET], 310));
  await refused(webhook, BODY, headers([SECRET], -310));
  await refused(new Webhook(SECRET, { tolerance: 10_000 }), BODY, headers([SECRET], 30));
  await refused(webhook, BODY, { ...headers(), "webhook-timestamp": "soon" });
});

test("one right signature of several is enough while the sender exchanges its secret", async () => {
  const both = headers([OTHER, SECRET]);
  await new Webhook(SECRET).verify(BODY, both);
  await new Webhook(OTHER).verify(BODY, both);
});

test("one right secret of several is enough while the receiver exchanges its secret", async () => {
  await new Webhook([OTHER, SECRET]).verify(BODY, headers([SECRET]));
  await refused(new Webhook([OTHER, OTHER]), BODY, headers([SECRET]));
});

test("a secret that is none is the caller's mistake", () => {
  for (const secret of ["", "whsec_", "whsec_***", []]) assert.throws(() => new Webhook(secret), TypeError);
});

test("the secret is in no representation", async () => {
  const { inspect } = await import("node:util");
  const webhook = new Webhook(SECRET);
  assert.doesNotMatch(inspect(webhook, { depth: 9, showHidden: true }), /secret of 24/);
});
