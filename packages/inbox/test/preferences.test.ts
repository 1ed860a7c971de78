import assert from "node:assert/strict";
import test, { afterEach, beforeEach } from "node:test";
import { NotifierInbox } from "../src/index.ts";
import * as edits from "../src/preferences/edits.ts";
import { Preferences } from "../src/preferences/preferences.ts";
import type { Choices } from "../src/preferences/types.ts";
import { freshBrowser } from "./browser.ts";
import { FakeServer, json, token, until } from "./server.ts";

let server: FakeServer;
/** What the server has. */
let stored: Choices;
let preferences: Preferences;

beforeEach(() => {
  freshBrowser();
  server = new FakeServer();
  const all = { email: true, sms: true };
  stored = {
    me: {
      user_id: "ada",
      locale: "de-AT",
      time_zone: "Europe/Vienna",
      digests: [{ category: "news", cadence: "weekly" }],
      channels: ["email", "sms"],
      quiet_channels: ["email", "sms"],
      locales: [{ locale: "de-AT", name: "Deutsch" }],
      sms_stopped: false,
    },
    categories: [
      { name: "security", display_name: "Sicherheit", description: "", kind: "critical", channels: all },
      { name: "offers", display_name: "Angebote", description: "", kind: "promotional", channels: all },
    ],
    topics: [
      {
        name: "orders",
        display_name: "Orders",
        publisher: "Shop",
        category: "",
        always_sent: false,
        channels: { email: true },
      },
    ],
    quiet: {
      windows: [],
      channels: ["push", "sms"],
      source: "company",
      time_zone: "Europe/Vienna",
      quiet_until: null,
    },
  };
  server.answers.set("GET /v1/me", () => json(stored.me));
  server.answers.set("GET /v1/me/categories", () => json({ categories: stored.categories }));
  server.answers.set("GET /v1/me/topics", () => json({ topics: stored.topics }));
  server.answers.set("GET /v1/me/quiet-hours", () => json(stored.quiet));
  server.answers.set("PATCH /v1/me/preferences", ({ body }) => {
    const [{ category, channel, allowed }] = body.preferences;
    stored = edits.category(category, channel, allowed).show(stored);
    return json({ preferences: [] });
  });
  const inbox = new NotifierInbox({ url: "http://api.example", token: () => token() });
  preferences = new Preferences((...asked) => inbox.call(...asked));
});
afterEach(() => {
  preferences.close();
  server.stop();
});

const offers = (): boolean | undefined => preferences.shown?.categories[1]?.channels["email"];
const sent = (): unknown[] =>
  server.of("PATCH", "/v1/me/preferences").map(({ body }) => body.preferences[0]);

/** Listen to what was not saved. */
function failures(): string[] {
  const said: string[] = [];
  preferences.on("rolledback", ({ error }) => said.push(error.message));
  return said;
}

/** Have the next answer of a call wait until it is let go. */
function held(call: string): () => void {
  const real = globalThis.fetch;
  let go!: () => void;
  const gate = new Promise<void>((done) => (go = done));
  globalThis.fetch = async (input, init) => {
    const name = `${init?.method} ${new URL(String(input)).pathname}`;
    if (name !== call) return real(input, init);
    globalThis.fetch = real;
    const answer = await real(input, init);
    await gate;
    return answer;
  };
  return go;
}

test("a change is shown at once, sent alone, and saved", async () => {
  await preferences.load();
  let saved = 0;
  preferences.on("saved", () => (saved += 1));
  preferences.change(edits.category("offers", "email", false));
  assert.equal(offers(), false);
  await until(() => saved === 1);
  assert.deepEqual(sent(), [{ category: "offers", channel: "email", allowed: false }]);
  await preferences.load();
  assert.equal(offers(), false);
});

test("a change that is refused is taken back, and can be tried again", async () => {
  await preferences.load();
  const works = server.answers.get("PATCH /v1/me/preferences")!;
  server.answers.set("PATCH /v1/me/preferences", () => json({ detail: "Not now." }, 409));
  const said = failures();
  preferences.change(edits.category("offers", "email", false));
  await until(() => said.length === 1);
  await preferences.load();
  assert.deepEqual([said, offers(), preferences.failing], [["Not now."], true, true]);
  server.answers.set("PATCH /v1/me/preferences", works);
  preferences.retry();
  assert.deepEqual([offers(), preferences.failing], [false, false]);
  await preferences.load();
  assert.equal(offers(), false);
});

test("what somebody chooses anew is not tried again as it was", async () => {
  await preferences.load();
  const works = server.answers.get("PATCH /v1/me/preferences")!;
  server.answers.set("PATCH /v1/me/preferences", () => new TypeError("offline"));
  const said = failures();
  preferences.change(edits.category("offers", "email", false));
  await until(() => said.length === 1);
  server.answers.set("PATCH /v1/me/preferences", works);
  preferences.change(edits.category("offers", "email", true));
  await preferences.load();
  preferences.retry();
  await preferences.load();
  assert.deepEqual([preferences.failing, offers(), sent().length], [false, true, 2]);
});

test("changes are sent one after the other, in their order", async () => {
  await preferences.load();
  const go = held("PATCH /v1/me/preferences");
  for (const on of [false, true, false]) preferences.change(edits.category("offers", "email", on));
  assert.equal(offers(), false);
  await until(() => sent().length === 1);
  go();
  await preferences.load();
  assert.deepEqual(
    sent().map((one) => (one as { allowed: boolean }).allowed),
    [false, true, false],
  );
  assert.equal(stored.categories[1]?.channels["email"], false);
});

test("an answer from before a change does not take it back", async () => {
  await preferences.load();
  const go = held("GET /v1/me/categories");
  const reading = preferences.load();
  await until(() => server.of("GET", "/v1/me/categories").length === 2);
  let saved = 0;
  preferences.on("saved", () => (saved += 1));
  const shown: (boolean | undefined)[] = [];
  preferences.on("change", () => shown.push(offers()));
  preferences.change(edits.category("offers", "email", false));
  await until(() => saved === 1);
  go();
  await reading;
  assert.deepEqual([...new Set(shown)], [false]);
});

test("what a change did to other choices is shown when it is saved", async () => {
  await preferences.load();
  server.answers.set("PATCH /v1/me/preferences", () => {
    stored = edits.topic("orders", "email", false).show(stored); // it is in that category
    return json({ preferences: [] });
  });
  preferences.change(edits.category("offers", "email", false));
  await until(() => preferences.shown?.topics[0]?.channels["email"] === false);
});

test("leaving everything spares what is critical", async () => {
  await preferences.load();
  server.answers.set("POST /v1/me/leave", () => json({ preferences: [] }));
  preferences.change(edits.leaveEverything());
  const { categories, topics } = preferences.shown!;
  assert.deepEqual(categories[0]?.channels, { email: true, sms: true });
  assert.deepEqual(categories[1]?.channels, { email: false, sms: false });
  assert.deepEqual(topics[0]?.channels, { email: false });
});

test("how often one category comes leaves what another tab chose meanwhile", async () => {
  await preferences.load();
  stored = { ...stored, me: { ...stored.me, digests: [{ category: null, cadence: "daily" }] } };
  server.answers.set("PATCH /v1/me", ({ body }) => {
    stored = { ...stored, me: { ...stored.me, ...body } };
    return json(stored.me);
  });
  preferences.change(edits.cadence("offers", "hourly"));
  await until(() => server.of("PATCH", "/v1/me").length === 1);
  await preferences.load();
  const wanted = [
    { category: null, cadence: "daily" },
    { category: "offers", cadence: "hourly" },
  ];
  assert.deepEqual(preferences.shown?.me.digests, wanted);
  preferences.change(edits.cadence(null, ""));
  await preferences.load();
  assert.deepEqual(preferences.shown?.me.digests, wanted.slice(1));
});

test("the company's quiet hours come back, though the answer has no body", async () => {
  stored = { ...stored, quiet: { ...stored.quiet, source: "own" } };
  await preferences.load();
  server.answers.set("DELETE /v1/me/quiet-hours", () => {
    stored = { ...stored, quiet: { ...stored.quiet, source: "company" } };
    return new Response(null, { status: 204 });
  });
  const said = failures();
  preferences.change(edits.companysQuietHours());
  await preferences.load();
  assert.deepEqual([said, preferences.shown?.quiet.source], [[], "company"]);
});

test("nothing of one person is sent after they have signed out", async () => {
  await preferences.load();
  const go = held("PATCH /v1/me/preferences");
  preferences.change(edits.category("offers", "email", false));
  preferences.change(edits.category("offers", "sms", false));
  await until(() => sent().length === 1);
  preferences.close();
  go();
  await new Promise((done) => setTimeout(done, 20));
  assert.deepEqual([sent().length, preferences.shown], [1, undefined]);
});

test("what could not be read is said, and read later", async () => {
  const works = server.answers.get("GET /v1/me")!;
  server.answers.set("GET /v1/me", () => json({ detail: "Nobody has registered you yet." }, 404));
  await preferences.load();
  assert.equal(preferences.error?.message, "Nobody has registered you yet.");
  server.answers.set("GET /v1/me", works);
  await preferences.load();
  assert.deepEqual([preferences.error, offers()], [undefined, true]);
});
