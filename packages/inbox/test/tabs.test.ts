import assert from "node:assert/strict";
import test, { afterEach, beforeEach } from "node:test";
import { NotifierInbox } from "../src/index.ts";
import type { InboxEvents } from "../src/index.ts";
import { Hub, type FromWorker, type Port } from "../src/tabs/hub.ts";
import { freshBrowser } from "./browser.ts";
import { item, page } from "./items.ts";
import { FakeServer, json, soon, token, until } from "./server.ts";

let server: FakeServer;
let tabs: NotifierInbox[];

beforeEach(() => {
  freshBrowser();
  server = new FakeServer();
  server.stream();
  server.answers.set("GET /v1/inbox", () => json(page([item(2), item(1)])));
  server.answers.set("POST /v1/inbox/status", () => json({ changed: 1, unknown: [] }));
  tabs = [];
});
afterEach(() => {
  for (const one of tabs) one.disconnect();
  server.stop();
});

async function tab(sharing: "leader" | "none" = "leader", person = "ada"): Promise<NotifierInbox> {
  const found = new NotifierInbox({
    url: "http://api.example",
    token: () => token(person),
    sharing,
  });
  tabs.push(found);
  await found.connect();
  return found;
}

function heard<Name extends keyof InboxEvents>(from: NotifierInbox, name: Name): InboxEvents[Name][] {
  const found: InboxEvents[Name][] = [];
  from.on(name, (value) => found.push(value));
  return found;
}

const ids = (inbox: NotifierInbox): number[] => inbox.items.map((one) => one.id);

test("tabs share the leader's stream, and hear the same", async () => {
  const [one, two, three] = [await tab(), await tab(), await tab()];
  await until(() => server.streams.length === 1);
  server.streams[0]!.say("ready", { unread: 2, unseen: 2 });
  server.streams[0]!.say("item", item(3), 11);
  await until(() => [one, two, three].every((tab) => tab.connected && ids(tab).length === 3));
  const late = await tab();
  await until(() => late.connected);
  assert.equal(server.streams.length, 1);
});

test("when the leader dies, the next tab goes on from the last event", async () => {
  const [one, two] = [await tab(), await tab()];
  await until(() => server.streams.length === 1);
  server.streams[0]!.say("ready", { unread: 2, unseen: 2 });
  server.streams[0]!.say("item", item(3), 11);
  await until(() => ids(two).length === 3);
  one.disconnect();
  await until(() => server.streams.length === 2);
  assert.equal(server.of("GET", "/v1/inbox/stream")[1]?.headers["Last-Event-ID"], "11");
  server.streams[1]!.say("ready", { unread: 3, unseen: 3 });
  server.streams[1]!.say("item", item(4), 12);
  await until(() => ids(two).length === 4);
});

/** Open a tab whose second `token()` never comes, nor any later one, and one beside it. */
async function hanging(): Promise<NotifierInbox[]> {
  let asked = 0;
  const give = (): string | Promise<string> => (asked++ ? new Promise(() => {}) : token());
  const url = "http://api.example";
  const hangs = new NotifierInbox({ url, token: give, sharing: "leader" });
  tabs.push(hangs);
  await hangs.connect();
  return [hangs, await tab()];
}

test("a tab whose token never comes leaves the stream to another one", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const [, other] = await hanging();
  await soon(() => server.streams.length === 1);
  server.streams[0]!.say("ready", { unread: 2, unseen: 2 });
  server.streams[0]!.say("item", item(3), 11);
  await soon(() => ids(other!).length === 3);
  server.streams[0]!.say("expired");
  server.streams[0]!.end();
  await soon(() => !other!.connected);
  context.mock.timers.tick(1);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  context.mock.timers.tick(15_000);
  await soon(() => server.streams.length === 2);
  assert.equal(server.of("GET", "/v1/inbox/stream")[1]?.headers["Last-Event-ID"], "11");
  server.streams[1]!.say("ready", { unread: 3, unseen: 3 });
  await soon(() => other!.connected);
});

test("a tab alone goes on where its token has come back", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let fails = false;
  const give = (): string => {
    if (fails) throw new Error("offline");
    return token();
  };
  const alone = new NotifierInbox({ url: "http://api.example", token: give, sharing: "leader" });
  tabs.push(alone);
  await alone.connect();
  await soon(() => server.streams.length === 1);
  server.streams[0]!.say("ready", { unread: 2, unseen: 2 });
  await soon(() => alone.connected);
  fails = true;
  server.streams[0]!.say("expired");
  server.streams[0]!.end();
  await soon(() => !alone.connected);
  for (let attempt = 0; attempt < 3; attempt++) {
    context.mock.timers.tick(60_000);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  }
  fails = false;
  context.mock.timers.tick(60_000);
  await soon(() => server.streams.length === 2);
});

test("a tab whose token never comes does not keep the marks of others", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const [hangs, other] = await hanging();
  let refused = 0;
  server.answers.set("POST /v1/inbox/status", () =>
    refused++ ? json({ changed: 1, unknown: [] }) : json({}, 401),
  );
  void hangs!.mark("read", 1);
  await soon(() => refused === 1);
  void other!.mark("read", 2);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  assert.equal(refused, 1);
  context.mock.timers.tick(15_000);
  await soon(() => refused === 3);
  await soon(() => other!.items.every((one) => one.status === "read"));
});

test("a tab that slept through events lists again", async () => {
  const [, two] = [await tab(), await tab()];
  await until(() => server.streams.length === 1);
  server.answers.set("GET /v1/inbox", () => json(page([item(9)], { last_event_id: "40" })));
  const channel = new BroadcastChannel("notifier-inbox/1 http://api.example ada stream");
  channel.postMessage({ type: "told", after: 30, id: 31, events: [] });
  await until(() => ids(two)[0] === 9);
  channel.close();
});

test("what is read in one tab is read in all, before the server has answered", async () => {
  for (const sharing of ["leader", "none"] as const) {
    let answer: (response: Response) => void = () => {};
    const [one, two] = [await tab(sharing, sharing), await tab(sharing, sharing)];
    const slow = new Promise<Response>((done) => (answer = done));
    server.answers.set("POST /v1/inbox/status", () => slow as unknown as Response);
    const marked = one.mark("read", 2);
    await until(() => two.item(2)?.status === "read");
    answer(json({ detail: "No." }, 409));
    await assert.rejects(marked);
    await until(() => two.item(2)?.status === "unread");
  }
});

test("signing out in one tab ends all of that person, and forgets what was kept", async () => {
  const [one, two, other] = [await tab(), await tab(), await tab("leader", "bo")];
  server.answers.set("POST /v1/inbox/status", () => new TypeError("offline"));
  void one.mark("read", 2);
  await until(() => localStorage.length > 0);
  const ends = heard(two, "signedout");
  one.signOut();
  await until(() => ends.length === 1);
  assert.deepEqual([ids(one), ids(two), ids(other)], [[], [], [2, 1]]);
  assert.equal(localStorage.length, 0);
  assert.deepEqual(two.counts, { unread: 0, unseen: 0 });
});

test("an item pops up in one tab, and once", async () => {
  const banner = item(3, { display_type: "popup" });
  server.answers.set("GET /v1/inbox", () => json(page([banner])));
  const popped: number[] = [];
  for (let count = 0; count < 3; count++) {
    const found = new NotifierInbox({ url: "http://api.example", token: () => token() });
    tabs.push(found);
    found.on("popup", ({ id }) => popped.push(id));
  }
  await Promise.all(tabs.map((one) => one.connect()));
  await until(() => popped.length > 0);
  await new Promise((done) => setTimeout(done, 50));
  assert.deepEqual(popped, [3]);
});

async function popping(found: InboxEvents["popup"][]): Promise<NotifierInbox> {
  const inbox = new NotifierInbox({ url: "http://api.example", token: () => token() });
  tabs.push(inbox);
  inbox.on("popup", (one) => found.push(one));
  await inbox.connect();
  await new Promise((done) => setTimeout(done, 20));
  return inbox;
}

const KINDS = ["banner_dismiss", "banner_nondismiss", "popup", "page"] as const;
const SEEN = "2026-11-30T09:30:00Z";

test("what waits for an answer pops up again after a reload, and a banner that can be closed not", async () => {
  server.answers.set("GET /v1/inbox", () =>
    json(page(KINDS.map((display_type, at) => item(at + 1, { display_type })))),
  );
  const [first, second]: InboxEvents["popup"][][] = [[], []];
  (await popping(first!)).disconnect();
  await popping(second!);
  const kinds = (found: InboxEvents["popup"][]): string[] => found.map((one) => one.display_type).sort();
  assert.deepEqual(kinds(first!), [...KINDS].sort());
  assert.deepEqual(kinds(second!), ["banner_nondismiss", "page", "popup"]);
});

test("without locks as well", async () => {
  freshBrowser({ locks: false });
  server.answers.set("GET /v1/inbox", () => json(page([item(1, { display_type: "page" })])));
  const found: InboxEvents["popup"][] = [];
  (await popping(found)).disconnect();
  await popping(found);
  assert.equal(found.length, 2);
});

test("what was answered pops up no more", async () => {
  const all = KINDS.map((display_type, at) => item(at + 1, { display_type, seen_at: SEEN }));
  const found: InboxEvents["popup"][] = [];
  server.answers.set("GET /v1/inbox", () => json(page(all)));
  (await popping(found)).disconnect();
  assert.deepEqual(found.map((one) => one.display_type).sort(), ["banner_nondismiss", "page"]);
  const read = all.map((one) => ({ ...one, read_at: SEEN, status: "read" as const }));
  server.answers.set("GET /v1/inbox", () => json(page(read)));
  await popping(found);
  assert.equal(found.length, 2);
});

test("a tab that hears late of an item does not pop up what another one has shown and marked", async () => {
  const banner = item(1, { display_type: "banner_dismiss" });
  server.answers.set("GET /v1/inbox", () => json(page([banner])));
  const [first, late]: InboxEvents["popup"][][] = [[], []];
  const shows = await popping(first!);
  await shows.mark("seen", 1);
  await popping(late!);
  assert.deepEqual([first!.length, late!.length], [1, 0]);
});

test("what one tab shows and its person answers pops up in no other", async () => {
  server.answers.set("GET /v1/inbox", () => json(page([item(1, { display_type: "popup" })])));
  const [first, second]: InboxEvents["popup"][][] = [[], []];
  const shows = await popping(first!);
  await popping(second!);
  await new Promise((done) => setTimeout(done, 300)); // its person reads it
  await shows.mark("seen", 1);
  await new Promise((done) => setTimeout(done, 1_200));
  assert.deepEqual([first!.length, second!.length], [1, 0]);
});

test("when the tab goes that shows what waits for an answer, another one shows it", async () => {
  server.answers.set("GET /v1/inbox", () => json(page([item(1, { display_type: "page" })])));
  const [first, second]: InboxEvents["popup"][][] = [[], []];
  const shows = await popping(first!);
  await popping(second!);
  assert.deepEqual([first!.length, second!.length], [1, 0]);
  shows.disconnect();
  await until(() => second!.length === 1);
});

test("what was snoozed pops up again once its time has come, after reloads as well", async () => {
  for (const locks of [true, false]) {
    freshBrowser({ locks });
    for (const display_type of KINDS) {
      const found: InboxEvents["popup"][] = [];
      const begin = async (list: InboxEvents["popup"][]): Promise<NotifierInbox> => {
        server.answers.set("GET /v1/inbox", () => json(page(list)));
        const inbox = await popping(found);
        await until(() => server.streams.length === tabs.length);
        server.streams.at(-1)!.say("ready", { unread: 1, unseen: 1 });
        return inbox;
      };
      const one = item(1, { display_type });
      (await begin([one])).disconnect();
      const second = await begin([{ ...one, seen_at: SEEN }]);
      await second.mark("snoozed", 1, new Date(Date.now() + 600_000));
      second.disconnect();
      found.length = 0;
      await begin([]);
      server.streams.at(-1)!.say("item", one, 11);
      await until(() => found.length === 1);
      tabs.at(-1)!.disconnect();
    }
  }
});

class FakePort implements Port {
  onmessage: Port["onmessage"] = null;
  readonly got: FromWorker[] = [];
  answers = true;

  postMessage(message: FromWorker): void {
    this.got.push(message);
    if (message.type !== "token?" || !this.answers) return;
    this.say({ type: "token", number: message.number, token: "a-token" });
  }

  say(data: Parameters<NonNullable<Port["onmessage"]>>[0]["data"]): void {
    queueMicrotask(() => this.onmessage?.({ data } as MessageEvent));
  }

  join(tab: string): void {
    this.say({ type: "join", url: "http://api.example/v1/inbox/stream", since: 5, tab });
  }
}

test("the worker reads one stream for its tabs, and ends it after the last one", async () => {
  const hub = new Hub("ada");
  const ports = [new FakePort(), new FakePort()];
  const gone = ports.map(() => () => {});
  for (const [at, port] of ports.entries()) {
    hub.connect(port);
    await until(() => port.got[0]?.type === "hello");
    void navigator.locks.request(`tab ${at}`, () => new Promise<void>((done) => (gone[at] = done)));
    port.join(`tab ${at}`);
  }
  await until(() => server.streams.length === 1);
  server.streams[0]!.say("ready", { unread: 0, unseen: 0 });
  await until(() => ports.every((one) => one.got.some(({ type }) => type === "connected")));
  gone[0]!();
  await new Promise((done) => setTimeout(done, 20));
  assert.equal(server.asked[0]?.signal?.aborted, false);
  gone[1]!();
  await until(() => server.asked[0]?.signal?.aborted === true);
});

test("a frozen tab does not keep the worker from a token", async () => {
  const hub = new Hub("ada", 20);
  const [awake, frozen] = [new FakePort(), new FakePort()];
  frozen.answers = false;
  for (const [at, port] of [awake, frozen].entries()) {
    hub.connect(port);
    void navigator.locks.request(`tab ${at}`, () => new Promise(() => {}));
    port.join(`tab ${at}`);
  }
  await until(() => server.streams.length === 1);
  assert.equal(server.asked[0]?.headers["Authorization"], "Bearer a-token");
  for (const port of [awake, frozen]) port.say({ type: "leave" });
});
