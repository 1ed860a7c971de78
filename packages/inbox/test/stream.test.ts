import assert from "node:assert/strict";
import test, { afterEach, beforeEach, type TestContext } from "node:test";
import { backoff, retryAfter } from "../src/backoff.ts";
import { Stream, type StreamMessage } from "../src/stream.ts";
import { FakeServer, json, soon, until } from "./server.ts";
import { item } from "./items.ts";

let server: FakeServer;
let stream: Stream;
let said: StreamMessage[];
let refused: string[];

beforeEach(() => {
  server = new FakeServer();
  server.stream();
  said = [];
  refused = [];
});
afterEach(() => {
  stream.close();
  server.stop();
});

function open(): void {
  stream = new Stream({
    url: "http://stream.example/v1/inbox/stream",
    since: 5,
    token: async (not) => {
      refused.push(not);
      return `token-${refused.length}`;
    },
    say: (message) => said.push(message),
  });
}

const types = (): string[] => said.map((one) => one.type);

test("it begins after the list, and goes on after the last event", async () => {
  open();
  await until(() => server.streams.length === 1);
  assert.equal(server.asked[0]?.headers["Last-Event-ID"], "5");
  server.streams[0]!.say("ready", { unread: 1, unseen: 1 });
  server.streams[0]!.say("item", item(1), 7);
  await until(() => said.length === 3);
  server.streams[0]!.write("retry: 1\n\n");
  server.streams[0]!.end();
  await until(() => server.streams.length === 2);
  assert.equal(server.asked[1]?.headers["Last-Event-ID"], "7");
  assert.deepEqual(types(), ["connected", "told", "told", "disconnected"]);
});

test("events that belong together are told together, or after an interruption again", async () => {
  open();
  await until(() => server.streams.length === 1);
  const [first] = server.streams;
  first!.say("ready", { unread: 0, unseen: 0 });
  first!.say("item", item(1));
  first!.say("item", item(2), 9);
  first!.say("item", item(3));
  first!.write("retry: 1\n\n");
  await until(() => said.length === 3);
  assert.deepEqual(said[2], {
    type: "told",
    after: 5,
    id: 9,
    events: [{ name: "item", data: item(1), id: 9 }, { name: "item", data: item(2), id: 9 }],
  });
  first!.end();
  await until(() => server.streams.length === 2);
  assert.equal(server.asked[1]?.headers["Last-Event-ID"], "9");
});

test("what comes together is told together, with the id of each", async () => {
  open();
  await until(() => server.streams.length === 1);
  const events = [6, 7, 8].map((id) => `event: deleted\nid: ${id}\ndata: {"id": ${id}}\n\n`);
  const resync = 'event: resync\nid: 20\ndata: {}\n\n';
  const counts = 'event: counts\nid: 21\ndata: {"unread": 0, "unseen": 0}\n\n';
  server.streams[0]!.write(events.join("") + resync + counts);
  await until(() => said.length === 3);
  const deleted = [6, 7, 8].map((id) => ({ name: "deleted", data: { id }, id }));
  assert.deepEqual(said, [
    { type: "told", after: 5, id: 8, events: deleted },
    { type: "resync", id: 20 },
    { type: "told", after: 20, id: 21, events: [{ name: "counts", data: { unread: 0, unseen: 0 }, id: 21 }] },
  ]);
});

test("a token that has expired is replaced, and the stream goes on at once", async () => {
  open();
  await until(() => server.streams.length === 1);
  server.streams[0]!.say("ready", { unread: 0, unseen: 0 });
  server.streams[0]!.say("expired");
  server.streams[0]!.end();
  await until(() => server.streams.length === 2);
  assert.deepEqual(refused, ["", "token-1"]);
  assert.equal(server.asked[1]?.headers["Authorization"], "Bearer token-2");
});

test("a token that is refused is replaced once without a word", async () => {
  server.answers.set("GET /v1/inbox/stream", () => json({ detail: "Too old." }, 401));
  open();
  await until(() => types().includes("failed"));
  const [failed] = said.filter((one) => one.type === "failed");
  assert.deepEqual(failed, { type: "failed", status: 401, detail: "Too old." });
  assert.deepEqual(refused, ["", "token-1"]);
});

test("who has too many streams comes back when the server says", async () => {
  const answer = json({ detail: "Too many." }, 429, { "retry-after": "30" });
  server.answers.set("GET /v1/inbox/stream", () => answer);
  open();
  await until(() => types().includes("disconnected"));
  const last = said.at(-1);
  assert.ok(last?.type === "disconnected" && last.retryIn >= 30_000 && last.retryIn <= 45_000);
});

test("a page that may not read the stream asks again after minutes", async () => {
  server.answers.set("GET /v1/inbox/stream", () => json({ detail: "No." }, 403));
  open();
  await until(() => types().includes("disconnected"));
  const last = said.at(-1);
  assert.ok(last?.type === "disconnected" && last.retryIn === 300_000);
});

test("it connects at once when the network is back", async () => {
  server.answers.set("GET /v1/inbox/stream", () => new TypeError("network"));
  open();
  await until(() => types().includes("disconnected"));
  server.stream();
  stream.wake();
  await until(() => server.streams.length === 1);
});

/** Let a new connection end after so many milliseconds, and the wait after it pass; return that. */
async function waitAfter(context: TestContext, lasts: number, first = ""): Promise<number> {
  const before = said.length;
  await soon(() => server.streams.length === 1);
  const [last] = server.streams.splice(0);
  last!.write(first);
  last!.say("ready", { unread: 0, unseen: 0 });
  await soon(() => types().slice(before).includes("connected"));
  context.mock.timers.tick(lasts);
  last!.end();
  await soon(() => types().at(-1) === "disconnected");
  const told = said.at(-1);
  assert.ok(told?.type === "disconnected");
  context.mock.timers.tick(told.retryIn);
  return told.retryIn;
}

test("a stream that is cut off comes back when its process has said", async () => {
  open();
  await until(() => server.streams.length === 1);
  server.streams[0]!.write("retry: 4000\n\n");
  server.streams[0]!.say("ready", { unread: 0, unseen: 0 });
  await until(() => said.length === 2);
  server.streams[0]!.cut();
  await until(() => types().includes("disconnected"));
  const last = said.at(-1);
  assert.ok(last?.type === "disconnected" && last.retryIn >= 4_000 && last.retryIn <= 6_000);
});

test("streams that end at once are asked for more and more seldom", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  open();
  for (const least of [500, 1_000, 2_000, 4_000]) {
    const wait = await waitAfter(context, 0, "retry: 1\n\n");
    assert.ok(wait >= least && wait <= 2 * least, `${wait}`);
  }
});

test("after a connection that lasted the next failure is a first one", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  open();
  for (let count = 0; count < 3; count++) await waitAfter(context, 0);
  assert.ok((await waitAfter(context, 10_000)) <= 1_000);
});

test("a silence ends the connection", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  open();
  await soon(() => server.streams.length === 1);
  server.streams[0]!.say("ready", { unread: 0, unseen: 0 });
  await soon(() => said.length === 2);
  context.mock.timers.tick(50_000);
  server.streams[0]!.write(":\n\n");
  await soon(() => true);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  context.mock.timers.tick(50_000);
  assert.equal(server.asked[0]?.signal?.aborted, false);
  context.mock.timers.tick(20_000);
  assert.equal(server.asked[0]?.signal?.aborted, true);
  await soon(() => types().includes("disconnected"));
});

test("attempts become more and more seldom, and never all at the same moment", () => {
  assert.deepEqual([0, 1, 2, 9].map((one) => backoff(one, () => 1)), [1000, 2000, 4000, 60_000]);
  assert.equal(backoff(2, () => 0), 2000);
});

test("Retry-After has seconds or a date, and an absurd one is bounded", () => {
  const now = Date.parse("2026-11-30T10:00:00Z");
  assert.equal(retryAfter("30", now), 30_000);
  assert.equal(retryAfter("Mon, 30 Nov 2026 10:01:00 GMT", now), 60_000);
  assert.equal(retryAfter("999999999", now), 600_000);
  assert.equal(retryAfter("-5", now), 0);
  assert.equal(retryAfter("soon", now), undefined);
  assert.equal(retryAfter(null), undefined);
});
