// What a publisher does with notifier-client, on a running service.
import assert from "node:assert/strict";
import {
  Conflict,
  ConnectionFailed,
  InboxClient,
  InvalidRequest,
  NotifierClient,
  Webhook,
  WebhookVerificationError,
} from "notifier-client";

const { NOTIFIER_URL = "", NOTIFIER_KEY = "", INBOX_TOKEN = "", SANDBOX_URL = "", WEBHOOK_URL = "" } = process.env;
const client = new NotifierClient(NOTIFIER_URL, NOTIFIER_KEY);
const news = { content: { title: "Order 7", body: "Grüße, 100 €" } };

// The main flow: a topic, a person, a subscription, a publication, and what became of it.
const topic = await client.createTopic({ name: "orders", display_name: "Your orders" });
assert.equal(topic.name, "orders");
const written = await client.upsertRecipient("ada", {
  locale: "de_AT",
  contacts: [
    { channel: "email", address: "ada@example.com" },
    { channel: "webhook", address: WEBHOOK_URL },
  ],
});
await client.subscribe("orders", { user_id: "ada", channels: ["email", "inbox", "webhook"] });
const posted = await client.publish("orders", news, { idempotencyKey: "order-7" });
const done = await client.wait(posted.id);
assert.equal(done.state, "done");
const states = new Map<string, string>();
for await (const delivery of client.deliveries(posted.id)) states.set(delivery.channel, delivery.state);
assert.deepEqual([...states.keys()].sort(), ["email", "inbox", "webhook"]);
for (const state of states.values()) assert.match(state, /^(accepted|delivered)$/);

// The same again, as after a crash: it is not sent twice; another one under the same key is refused.
assert.equal(posted.replayed, false);
const again = await client.publish("orders", news, { idempotencyKey: "order-7" });
assert.deepEqual([again.id, again.replayed], [posted.id, true]);
await assert.rejects(
  client.publish("orders", { content: { body: "Order 8" } }, { idempotencyKey: "order-7" }),
  (error) => error instanceof InvalidRequest && error.type === "idempotency-mismatch",
);

// Problems are typed.
await assert.rejects(client.createTopic({ name: "orders" }), (error) => {
  assert.ok(error instanceof Conflict);
  assert.deepEqual([error.status, error.type], [409, "topic-exists"]);
  assert.ok(error.title && error.detail);
  return true;
});
await assert.rejects(client.publish("orders", { content: { title: "x".repeat(10_000) } }), (error) => {
  assert.ok(error instanceof InvalidRequest);
  assert.deepEqual(error.errors.map(({ pointer }) => pointer), ["/content/title"]);
  return true;
});

// More people than are on one page; an odd one fails alone.
const people = Array.from({ length: 250 }, (_, number) => ({ user_id: `node-${number}` }));
const results = await client.upsertRecipients([...people, { user_id: "odd", locale: "not a locale" }]);
assert.deepEqual([results.length, results.at(-1)?.index, results.at(-1)?.status], [251, 250, "error"]);
const found: string[] = [];
for await (const { user_id } of client.listRecipients()) found.push(user_id);
assert.equal(new Set(found).size, found.length); // other tests have people in this service, too
for (const { user_id } of people) assert.ok(found.includes(user_id), user_id);

// What the webhook got, which the sandbox has parsed: written again it is the bytes that came.
const secret = written.secrets?.[0]?.secret ?? "";
const [sent] = (await (await fetch(`${SANDBOX_URL}/sandbox/messages?channel=webhook`)).json()).messages;
const body = JSON.stringify(sent.content);
const message = await new Webhook(secret).verify(body, sent.headers);
assert.deepEqual([message.type, message.data.title], ["notification", "Order 7"]);
await assert.rejects(new Webhook(secret).verify(body.replace("Order 7", "Order 8"), sent.headers), WebhookVerificationError);

// A person's own inbox.
const inbox = new InboxClient(NOTIFIER_URL, INBOX_TOKEN);
const items = inbox.items({ status: "unread" });
for await (const item of items) assert.equal(item.title, "Order 7");
assert.deepEqual([items.unread, items.lastEventId !== ""], [1, true]);
await inbox.mark({ status: "read", all: true });
assert.equal((await inbox.unread()).unread, 0);

// With the service gone a call fails within its time.
const began = performance.now();
const gone = new NotifierClient("http://127.0.0.1:9", NOTIFIER_KEY, { timeout: 1_000, retryFor: 1_000 });
await assert.rejects(gone.publish("orders", news), ConnectionFailed);
assert.ok(performance.now() - began < 30_000);

console.log("done");
