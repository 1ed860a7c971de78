import assert from "node:assert/strict";
import test, { afterEach, beforeEach } from "node:test";
import { NotifierInbox, Refused } from "../src/index.ts";
import { freshBrowser } from "./browser.ts";
import { item, page } from "./items.ts";
import { FakeServer, json, soon, token, until } from "./server.ts";

let server: FakeServer;
let inboxes: NotifierInbox[];
let person: string;

beforeEach(() => {
  server = new FakeServer();
  server.stream();
  server.answers.set("GET /v1/inbox", () => json(page([item(2), item(1)])));
  server.answers.set("POST /v1/inbox/status", () => json({ changed: 1, unknown: [] }));
  freshBrowser();
  inboxes = [];
  person = "ada";
});
afterEach(() => {
  for (const one of inboxes) one.disconnect();
  server.stop();
});

async function connected(): Promise<NotifierInbox> {
  const inbox = new NotifierInbox({ url: "http://api.example", token: () => token(person) });
  inboxes.push(inbox);
  await inbox.connect();
  await until(() => server.streams.length > 0);
  server.streams.at(-1)!.say("ready", inbox.counts);
  await until(() => inbox.connected);
  return inbox;
}

const marks = (): unknown[] => server.of("POST", "/v1/inbox/status").map((one) => one.body);
const ids = (inbox: NotifierInbox): number[] => inbox.items.map((one) => one.id);

test("a page hears what is new after its list", async () => {
  const inbox = await connected();
  const told: string[] = [];
  inbox.on("item", (one) => told.push(one.title));
  inbox.on("counts", ({ unseen }) => told.push(`${unseen} unseen`));
  server.streams[0]!.say("item", item(3), 11);
  server.streams[0]!.say("counts", { unread: 3, unseen: 3 }, 11);
  await until(() => told.length === 2);
  assert.deepEqual(told, ["Title 3", "3 unseen"]);
  assert.deepEqual(ids(inbox), [3, 2, 1]);
});

test("a mark is shown at once and sent", async () => {
  const inbox = await connected();
  const answer = inbox.mark("read", 2);
  await until(() => inbox.counts.unread === 1);
  assert.deepEqual(await answer, { changed: 1, unknown: [] });
  assert.deepEqual(marks(), [{ status: "read", ids: [2] }]);
});

test("a refused mark is rolled back, and its caller is told", async () => {
  const inbox = await connected();
  const refusal = json({ detail: "It has to be in the future." }, 400);
  server.answers.set("POST /v1/inbox/status", () => refusal);
  const back: string[] = [];
  inbox.on("rolledback", ({ error }) => back.push(error.message));
  const answer = inbox.mark("snoozed", 2, new Date(Date.now() + 60_000));
  assert.deepEqual(ids(inbox), [1]);
  await assert.rejects(answer, Refused);
  assert.deepEqual(ids(inbox), [2, 1]);
  assert.deepEqual(back, ["It has to be in the future."]);
});

test("marks made offline are sent in their order, by the next page after a reload", async () => {
  const first = await connected();
  server.answers.set("POST /v1/inbox/status", () => new TypeError("offline"));
  void first.mark("read", 2);
  void first.mark("unread", 2);
  void first.mark("deleted", 1);
  await until(() => marks().length === 1);
  first.disconnect();
  server.asked.length = 0;
  const taken: unknown[] = [];
  server.answers.set("POST /v1/inbox/status", ({ body }) => {
    taken.push(body);
    return json({ changed: 1, unknown: [] });
  });
  const second = await connected();
  await until(() => taken.length === 3);
  assert.deepEqual(taken, [
    { status: "read", ids: [2] },
    { status: "unread", ids: [2] },
    { status: "deleted", ids: [1] },
  ]);
  await until(() => second.items.length === 1);
});

test("a mark waits while the server cannot take it", async () => {
  const inbox = await connected();
  let calls = 0;
  server.answers.set("POST /v1/inbox/status", () =>
    ++calls < 3 ? json({}, 503, { "retry-after": "0" }) : json({ changed: 1, unknown: [] }),
  );
  assert.equal((await inbox.mark("read", 2)).changed, 1);
  assert.equal(calls, 3);
});

test("all are named where all are here, and not where pages are missing", async () => {
  const inbox = await connected();
  await inbox.mark("read", "all");
  server.answers.set("GET /v1/inbox", () => json(page([item(2)], { next: "x", unread: 9 })));
  const other = await connected();
  await other.mark("read", "all");
  assert.deepEqual(marks(), [
    { status: "read", ids: [2, 1] },
    { status: "read", all: true },
  ]);
});

test("pages follow by their cursor", async () => {
  server.answers.set("GET /v1/inbox", ({ path }) =>
    json(path.includes("cursor=next") ? page([item(1)]) : page([item(3), item(2)], { next: "next" })),
  );
  const inbox = await connected();
  assert.equal(inbox.hasMore(), true);
  await inbox.more();
  assert.deepEqual(ids(inbox), [3, 2, 1]);
  assert.equal(inbox.hasMore(), false);
});

test("resync lists the inbox again", async () => {
  const inbox = await connected();
  server.answers.set("GET /v1/inbox", () => json(page([item(9)], { last_event_id: "30" })));
  server.streams[0]!.say("resync", {}, 20);
  await until(() => inbox.items[0]?.id === 9);
  assert.deepEqual(ids(inbox), [9]);
});

test("an item leaves when it expires", async () => {
  const soon = new Date(Date.now() + 100).toISOString();
  server.answers.set("GET /v1/inbox", () => json(page([item(2, { expires_at: soon }), item(1)])));
  const inbox = await connected();
  await until(() => inbox.counts.unread === 1);
  assert.deepEqual([ids(inbox), inbox.counts.unseen], [[1], 1]);
});

test("a token that is refused is asked for again, once", async () => {
  const inbox = await connected();
  let refusals = 0;
  server.answers.set("POST /v1/inbox/status", () =>
    refusals++ ? json({ changed: 1, unknown: [] }) : json({}, 401),
  );
  await inbox.mark("read", 1);
  assert.equal(marks().length, 2);
});

test("a token that never comes is given up, and asked for again", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const asked: ((token: string) => void)[] = [];
  const ask = (): Promise<string> => new Promise((give) => void asked.push(give));
  const inbox = new NotifierInbox({ url: "http://api.example", token: ask });
  inboxes.push(inbox);
  const errors: string[] = [];
  inbox.on("error", ({ message }) => errors.push(message));
  void inbox.connect();
  await soon(() => asked.length === 1);
  context.mock.timers.tick(15_000);
  await soon(() => errors.length === 1);
  assert.match(errors[0]!, /token\(\) has not answered/);
  context.mock.timers.tick(1_000);
  await soon(() => asked.length === 2);
  asked[1]!(token());
  await soon(() => inbox.items.length === 2);
});

test("another person's token ends the first one's page, and shows nothing of theirs", async () => {
  const inbox = await connected();
  const ends: string[] = [];
  inbox.on("signedout", ({ reason }) => ends.push(reason));
  person = "bo";
  server.streams[0]!.say("expired");
  server.streams[0]!.end();
  await until(() => ends.length === 1);
  assert.deepEqual([ends, ids(inbox)], [["another-person"], []]);
  const other = await connected();
  assert.equal(other.person, "bo");
});

test("a token that was on its way when its person signed out is not the next one's", async () => {
  const asked: ((token: string) => void)[] = [];
  const ask = (): Promise<string> => new Promise((give) => void asked.push(give));
  const inbox = new NotifierInbox({ url: "http://api.example", token: ask });
  inboxes.push(inbox);
  void inbox.connect();
  await until(() => asked.length === 1);
  inbox.signOut();
  const next = inbox.connect();
  await until(() => asked.length === 2);
  asked[0]!(token("ada"));
  asked[1]!(token("bo"));
  await next;
  assert.equal(inbox.person, "bo");
  const used = server.of("GET", "/v1/inbox").map((one) => one.headers["Authorization"]);
  assert.deepEqual([...new Set(used)].length, 1);
  assert.equal(JSON.parse(atob(used[0]!.split(".")[1]!)).sub, "bo");
});

test("a page that comes after its person has signed out is not shown", async () => {
  server.answers.set("GET /v1/inbox", () => json({ ...page([item(2)]), next: "c" }));
  const inbox = await connected();
  const more = inbox.more();
  inbox.signOut();
  await more;
  assert.deepEqual(ids(inbox), []);
  assert.equal(inbox.counts.unread, 0);
});

test("a page that is older than what the stream has told takes nothing back", async () => {
  server.answers.set("GET /v1/inbox", () => json({ ...page([item(9)]), next: "c" }));
  const inbox = await connected();
  let answer!: (response: Response) => void;
  const real = globalThis.fetch;
  globalThis.fetch = () => new Promise((give) => (answer = give));
  const more = inbox.more();
  await until(() => answer !== undefined);
  globalThis.fetch = real;
  server.streams[0]!.say("deleted", { id: 1 }, 99);
  server.streams[0]!.say("counts", { unread: 1, unseen: 1 }, 99);
  await until(() => inbox.counts.unread === 1);
  answer(json(page([item(2), item(1)])));
  await more;
  assert.deepEqual(ids(inbox), [9, 2]);
  assert.equal(inbox.counts.unread, 1);
});

test("a resync while the inbox is being listed again lists it once more", async () => {
  const inbox = await connected();
  const pages: ((response: Response) => void)[] = [];
  server.answers.set("GET /v1/inbox", () =>
    new Promise<Response>((give) => void pages.push(give)) as unknown as Response,
  );
  server.streams[0]!.say("resync", {}, 20);
  await until(() => pages.length === 1);
  server.streams[0]!.say("resync", {}, 40);
  await new Promise((done) => setTimeout(done, 20)); // it is heard
  pages[0]!(json(page([item(9)], { last_event_id: "30" })));
  await until(() => pages.length === 2);
  pages[1]!(json(page([item(39), item(9)], { last_event_id: "40" })));
  await until(() => ids(inbox).length === 2);
  assert.deepEqual(ids(inbox), [39, 9]);
});

test("a resync of a database that is older than the page lists the inbox again", async () => {
  const inbox = await connected();
  server.answers.set("GET /v1/inbox", () => json(page([item(1)])));
  server.streams[0]!.say("resync", { detail: "List the inbox again." }, 3);
  await until(() => inbox.items.length === 1);
  assert.deepEqual(ids(inbox), [1]);
});

test("an inbox is told to be listed where it is empty, too", async () => {
  server.answers.set("GET /v1/inbox", () => json(page([])));
  const inbox = new NotifierInbox({ url: "http://api.example", token: () => token() });
  inboxes.push(inbox);
  const more: (boolean | undefined)[] = [];
  inbox.on("change", () => more.push(inbox.hasMore()));
  await inbox.connect();
  assert.deepEqual(more, [false]);
  inbox.signOut();
  assert.deepEqual(more, [false, undefined]);
});

test("a mark at which the server fails is given up in the end, and no other waits for it", async () => {
  const inbox = await connected();
  server.answers.set("POST /v1/inbox/status", ({ body }) =>
    body.ids.includes(2)
      ? json({ detail: "Broken." }, 500, { "retry-after": "0" })
      : json({ changed: 1, unknown: [] }),
  );
  const told: string[] = [];
  inbox.on("rolledback", ({ mark }) => told.push(`${mark.status} ${mark.ids}`));
  inbox.on("error", ({ message }) => told.push(message));
  const failing = inbox.mark("read", 2);
  await inbox.mark("read", 1);
  assert.deepEqual(told, []);
  await assert.rejects(failing, Refused);
  assert.deepEqual(told, ["read 2", "Broken."]);
  assert.deepEqual([inbox.item(2)?.status, inbox.item(1)?.status], ["unread", "read"]);
  const ofTwo = server.of("POST", "/v1/inbox/status").filter(({ body }) => body.ids[0] === 2);
  assert.equal(ofTwo.length, 8);
});

test("a mark waits for an earlier one of the same item at which the server failed", async () => {
  const inbox = await connected();
  let failures = 0;
  server.answers.set("POST /v1/inbox/status", () =>
    failures++ ? json({ changed: 1, unknown: [] }) : json({}, 500, { "retry-after": "0" }),
  );
  void inbox.mark("read", [1, 2]);
  await inbox.mark("unread", 2);
  assert.deepEqual(marks(), [
    { status: "read", ids: [1, 2] },
    { status: "read", ids: [1, 2] },
    { status: "unread", ids: [2] },
  ]);
});

test("how often the server failed at a mark is counted over reloads", async () => {
  const answer = (): Response => json({ detail: "Broken." }, 500, { "retry-after": "600" });
  server.answers.set("POST /v1/inbox/status", answer);
  const first = await connected();
  void first.mark("read", 2);
  for (let page = 1; page < 8; page++) {
    await until(() => kept()?.failures === page);
    inboxes.at(-1)!.disconnect();
    keep({ ...kept(), due: Date.now() }); // ten minutes later
    await connected();
  }
  await until(() => inboxes.at(-1)!.item(2)?.status === "unread");
  assert.deepEqual([marks().length, localStorage.length], [8, 0]);
});

test("a mark at which the server failed is tried when it is due, by no other tab sooner", async () => {
  const answer = (): Response => json({ detail: "Broken." }, 500, { "retry-after": "600" });
  server.answers.set("POST /v1/inbox/status", answer);
  void (await connected()).mark("read", 2);
  await until(() => kept()?.failures === 1);
  for (let tab = 1; tab < 8; tab++) await connected();
  await new Promise((done) => setTimeout(done, 50));
  assert.equal(marks().length, 1);
  const clockSetBack = Date.now() + 86_400_000;
  keep({ ...kept(), due: clockSetBack });
  await connected();
  await until(() => marks().length === 2);
});

/** The one mark that waits in the browser. */
function kept(): any {
  return JSON.parse(localStorage.getItem(markKey() ?? "") ?? "null");
}

function keep(queued: unknown): void {
  localStorage.setItem(markKey()!, JSON.stringify(queued));
}

function markKey(): string | undefined {
  return [...Array(localStorage.length).keys()]
    .map((at) => localStorage.key(at)!)
    .find((key) => key.includes(" mark/"));
}

test("a clock of the device that is wrong takes nothing away, and leaves nothing", async () => {
  const at = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString();
  for (const [wrong, soon] of [[-60, -30], [60, 30]] as const) {
    const date = new Date(Date.now() + wrong * 60_000).toUTCString();
    const list = page([item(2, { expires_at: at(soon) }), item(1)]);
    server.answers.set("GET /v1/inbox", () => json(list, 200, { date }));
    const inbox = new NotifierInbox({ url: "http://api.example", token: () => token() });
    inboxes.push(inbox);
    await inbox.connect();
    const left = wrong < soon ? [2, 1] : [1];
    await until(() => inbox.counts.unread === left.length);
    assert.deepEqual(ids(inbox), left, `${wrong} minutes`);
  }
});
