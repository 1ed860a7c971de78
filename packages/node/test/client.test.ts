import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AuthenticationError,
  Conflict,
  ConnectionFailed,
  InboxClient,
  InvalidRequest,
  NotAllowed,
  NotFound,
  NotifierClient,
  NotifierError,
  RateLimited,
  StillSending,
  Unavailable,
} from "../src/index.js";
import { problem, type Seen, serving, type Step } from "./server.js";

const ACCEPTED = { id: "0199", state: "sending", priority: "normal", channels: ["sms"], counts: {} };
const TAKEN: Step = { status: 202, body: ACCEPTED };
const HELLO = { content: { body: "Hello" } };
/** Milliseconds in which each test's calls may be repeated; where less is asked for, less is taken. */
const BUDGET = 30_000;

function client(url: string, options: object = {}): NotifierClient {
  return new NotifierClient(url, "ntf_key", { timeout: BUDGET, retryFor: BUDGET, ...options });
}

function keys(seen: Seen[]): unknown[] {
  return seen.map(({ headers }) => headers["idempotency-key"]);
}

async function raised(promise: Promise<unknown>): Promise<NotifierError> {
  const error = await promise.then(
    () => assert.fail("it succeeded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof NotifierError, String(error));
  return error;
}

test("publishing is repeated under the same key until it is answered", async () => {
  const failures: Step[] = [
    { status: 503, body: "starting" },
    "hang up",
    { status: 502, body: "<html>" },
    problem(409, "idempotency-in-flight"),
  ];
  await serving([...failures, TAKEN], async (url, seen) => {
    const posted = await client(url).notifyUsers(["ada"], HELLO);
    assert.equal(posted.id, "0199");
    assert.equal(seen.length, 5);
    assert.equal(new Set(keys(seen)).size, 1);
    assert.ok(keys(seen)[0]);
  });
});

test("each call has a key of its own unless one is given", async () => {
  await serving([TAKEN], async (url, seen) => {
    await client(url).publish("news", HELLO);
    await client(url).publish("news", HELLO);
    await client(url).publish("news", HELLO, { idempotencyKey: "order-7" });
    const [first, second, given] = keys(seen);
    assert.notEqual(first, second);
    assert.equal(given, "order-7");
  });
});

test("an answer says whether it is that of an earlier call", async () => {
  const replay: Step = { status: 202, body: ACCEPTED, headers: { "idempotent-replayed": "true" } };
  await serving([TAKEN, replay], async (url) => {
    assert.equal((await client(url).publish("news", HELLO)).replayed, false);
    assert.equal((await client(url).publish("news", HELLO)).replayed, true);
  });
});

test("what is sent is what was given", async () => {
  await serving([TAKEN], async (url, seen) => {
    const fallback = { channel: "sms", after_seconds: 300 } as const;
    await client(url).notifyUsers(["ada"], { ...HELLO, fallback });
    assert.equal(`${seen[0]!.method} ${seen[0]!.path}`, "POST /v1/notifications");
    assert.equal(seen[0]!.headers.authorization, "Bearer ntf_key");
    assert.deepEqual(seen[0]!.body, { user_ids: ["ada"], content: { body: "Hello" }, fallback });
  });
});

test("a name in a path is one segment of it", async () => {
  await serving([TAKEN], async (url, seen) => {
    await client(url).publish("a/b?c", HELLO);
    assert.equal(seen[0]!.path, "/v1/topics/a%2Fb%3Fc/publish");
  });
});

test("a name that would lead to another resource is refused before anything is sent", async () => {
  await serving([TAKEN], async (url, seen) => {
    for (const name of ["", ".", ".."]) assert.throws(() => client(url).deleteTopic(name), TypeError);
    assert.equal(seen.length, 0);
  });
});

test("Retry-After is waited for", async () => {
  await serving([{ status: 429, headers: { "retry-after": "1" } }, TAKEN], async (url, seen) => {
    const began = performance.now();
    await client(url).publish("news", HELLO);
    assert.ok(performance.now() - began >= 1_000);
    assert.equal(seen.length, 2);
  });
});

test("a Retry-After beyond the budget is thrown at once", async () => {
  await serving([{ status: 429, headers: { "retry-after": "3600" } }], async (url, seen) => {
    const error = await raised(client(url).publish("news", HELLO));
    assert.ok(error instanceof RateLimited);
    assert.equal(error.retryAfter, 3_600_000);
    assert.equal(seen.length, 1);
  });
});

const OTHERS: [number, string, typeof NotifierError][] = [
  [400, "unknown-field", InvalidRequest],
  [401, "expired-key", AuthenticationError],
  [403, "missing-scope", NotAllowed],
  [404, "not-found", NotFound],
  [409, "topic-exists", Conflict],
  [413, "payload-too-large", InvalidRequest],
  [422, "idempotency-mismatch", InvalidRequest],
  [500, "internal-error", Unavailable],
  [301, "moved", NotifierError],
];
for (const [status, name, kind] of OTHERS) {
  test(`a ${status} is thrown without asking again`, async () => {
    const errors = [{ pointer: "/content", detail: "Give it." }];
    await serving([problem(status, name, { errors }, { location: "/elsewhere" })], async (url, seen) => {
      const error = await raised(client(url).publish("news", HELLO));
      assert.equal(error.constructor, kind);
      assert.equal(error.name, kind.name);
      assert.deepEqual(
        [error.status, error.type, error.title, error.detail, error.message],
        [status, name, "Wrong", "Do this.", "Do this."],
      );
      assert.deepEqual(error.errors, errors);
      assert.equal(seen.length, 1);
    });
  });
}

test("an answer that is not JSON is an address of something else", async () => {
  await serving([{ status: 200, body: "<html>Log in</html>" }], async (url) => {
    assert.ok((await raised(client(url).getTopic("news"))) instanceof NotFound);
  });
});

test("a service that stays down is given up within the budget", async () => {
  await serving([{ status: 503 }], async (url, seen) => {
    const began = performance.now();
    const error = await raised(client(url, { retryFor: 1_000 }).publish("news", HELLO));
    assert.ok(error instanceof Unavailable);
    assert.ok(performance.now() - began < BUDGET);
    assert.ok(seen.length >= 2);
  });
});

for (const step of [{ status: 503 }, "hang up"] as Step[]) {
  test(`what would do more when done twice is done once: ${JSON.stringify(step)}`, async () => {
    await serving([step], async (url, seen) => {
      await raised(client(url).createTopic({ name: "news" }));
      assert.equal(seen.length, 1);
    });
  });
}

for (const step of ["silence", "dripping"] as Step[]) {
  test(`a service that goes on without an answer costs no more than the timeout: ${step}`, async () => {
    await serving([step], async (url, seen) => {
      const began = performance.now();
      const error = await raised(client(url, { timeout: 300, retryFor: 0 }).getTopic("news"));
      assert.ok(error instanceof ConnectionFailed);
      assert.match(error.message, /nothing came within 300 ms/);
      assert.ok(performance.now() - began < BUDGET);
      assert.equal(seen.length, 1);
    });
  });
}

test("the last repetition has only the time that is left", async () => {
  await serving([{ status: 503 }, "silence"], async (url) => {
    const began = performance.now();
    await raised(client(url, { timeout: 1_000, retryFor: 1_000 }).getTopic("news"));
    const took = performance.now() - began;
    assert.ok(took >= 990 && took < BUDGET, String(took));
  });
});

test("where nothing listens even what is done once is repeated within the budget", async () => {
  let gone = "";
  await serving([TAKEN], async (url) => void (gone = url));
  const began = performance.now();
  const error = await raised(client(gone, { retryFor: 500 }).createTopic({ name: "news" }));
  assert.ok(error instanceof ConnectionFailed);
  assert.equal(error.status, undefined);
  assert.equal(error.type, "not-connected");
  const took = performance.now() - began;
  assert.ok(took > 100 && took < BUDGET, String(took));
});

test("the caller's signal ends a request, and the wait before a repetition", async () => {
  for (const step of ["silence", { status: 429, headers: { "retry-after": "20" } }] as Step[]) {
    await serving([step], async (url, seen) => {
      const controller = new AbortController();
      const call = client(url).getTopic("news", { signal: controller.signal });
      const ended = assert.rejects(call, /enough/);
      while (!seen.length) await new Promise((later) => setTimeout(later, 5));
      controller.abort(new Error("enough"));
      await ended;
    });
  }
});

test("a list is read page by page while it is iterated", async () => {
  const first: Step = { status: 200, body: { data: [{ name: "a" }, { name: "b" }], next: "c u" } };
  const last: Step = { status: 200, body: { data: [{ name: "c" }], next: null } };
  await serving([first, last], async (url, seen) => {
    const names: string[] = [];
    for await (const { name } of client(url).listTopics()) {
      names.push(name);
      if (name === "b") assert.equal(seen.length, 1);
    }
    assert.deepEqual(names, ["a", "b", "c"]);
    assert.deepEqual(
      seen.map(({ path }) => path),
      ["/v1/topics?limit=200", "/v1/topics?limit=200&cursor=c+u"],
    );
  });
});

test("filters of a list go into its query", async () => {
  await serving([{ status: 200, body: { data: [], next: null } }], async (url, seen) => {
    for await (const _ of client(url).deliveries("0199", { state: "failed" })) assert.fail();
    assert.equal(seen[0]!.path, "/v1/notifications/0199/deliveries?state=failed&limit=200");
  });
});

test("bulk calls are cut into thousands, and results have the index that was given", async () => {
  const step: Step = { status: 200, body: { results: [{ index: 0, status: "ok" }] } };
  await serving([step], async (url, seen) => {
    const people = Array.from({ length: 1_001 }, (_, number) => ({ user_id: `u${number}` }));
    const results = await client(url).upsertRecipients(people);
    assert.deepEqual(
      results.map(({ index }) => index),
      [0, 1_000],
    );
    const sizes = seen.map(({ body }) => (body as { recipients: unknown[] }).recipients.length);
    assert.deepEqual(sizes, [1_000, 1]);
  });
});

test("all dead letters are redriven in as many calls as needed", async () => {
  const more: Step = { status: 200, body: { redriven: 1_000, unknown: [], more: true, next: "c" } };
  const rest: Step = { status: 200, body: { redriven: 7, unknown: [], more: false, next: null } };
  await serving([more, rest], async (url, seen) => {
    assert.equal(await client(url).redriveAll({ channel: "email" }), 1_007);
    assert.deepEqual(
      seen.map(({ body }) => body),
      [{ match: { channel: "email" } }, { match: { channel: "email" }, cursor: "c" }],
    );
  });
});

test("a notification is waited for until nothing more is to be sent", async () => {
  const done: Step = { status: 200, body: { ...ACCEPTED, state: "done" } };
  await serving([{ status: 200, body: ACCEPTED }, done], async (url) => {
    assert.equal((await client(url).wait("0199")).state, "done");
  });
});

test("a wait ends after its timeout, whether or not the service answers", async () => {
  for (const step of [{ status: 200, body: ACCEPTED }, "silence", "hang up"] as Step[]) {
    await serving([step], async (url) => {
      const began = performance.now();
      const error = await raised(client(url).wait("0199", { timeout: 300 }));
      assert.ok(error instanceof StillSending, String(error));
      assert.ok(performance.now() - began < BUDGET);
    });
  }
});

test("a list of the inbox says where its stream goes on", async () => {
  const page = { data: [{ id: 1, title: "Hi" }], unread: 2, unseen: 1, last_event_id: "7" };
  const pages: Step[] = [
    { status: 200, body: { ...page, next: "c" } },
    { status: 200, body: { ...page, next: null, unread: 9, unseen: 9, last_event_id: "8" } },
  ];
  await serving(pages, async (url) => {
    const items = new InboxClient(url, "token").items();
    const titles: string[] = [];
    for await (const { title } of items) titles.push(title);
    assert.deepEqual(titles, ["Hi", "Hi"]);
    assert.deepEqual([items.lastEventId, items.unread, items.unseen], ["7", 2, 1]);
  });
});

test("a stream's events are read, however they are cut, and its end is told", async () => {
  const text = 'retry: 2000\n\n: heartbeat\n\nid: 8\nevent: item\ndata: {"title": "Grüße"}\n\n';
  await serving([{ status: 200, body: text }], async (url, seen) => {
    const events = [];
    for await (const event of new InboxClient(url, "token").stream({ since: "7" })) events.push(event);
    assert.deepEqual(events, [{ name: "item", data: { title: "Grüße" }, id: "8" }]);
    assert.equal(seen[0]!.path, "/v1/inbox/stream?since=7");
    assert.equal(seen[0]!.headers.accept, "text/event-stream");
  });
});

test("a stream that is refused throws its problem", async () => {
  await serving([problem(401, "expired-token")], async (url) => {
    const events = new InboxClient(url, "token").stream();
    assert.ok((await raised(events.next())) instanceof AuthenticationError);
  });
});

test("the API key is in no error and no representation", async () => {
  await serving([{ status: 400 }], async (url) => {
    const { inspect } = await import("node:util");
    const notifier = client(url);
    const error = await raised(notifier.publish("news", HELLO));
    assert.doesNotMatch(inspect([error, notifier], { depth: 9, showHidden: true }), /ntf_key/);
    assert.doesNotMatch(JSON.stringify([error, notifier]), /ntf_key/);
  });
});

test("a base URL that is none is the caller's mistake", () => {
  for (const url of ["notifier.example.com", "localhost:8000", "/v1"]) {
    assert.throws(() => new NotifierClient(url, "ntf_key"), TypeError);
  }
});

test("a key that no header can carry is refused without being shown", () => {
  for (const key of ["", "ntf_key\nsecond line", "ntf_kéy"]) {
    const refused = (error: Error): boolean => error instanceof TypeError && !error.message.includes("ntf");
    assert.throws(() => new NotifierClient("http://localhost:8000", key), refused);
  }
  new NotifierClient("http://localhost:8000", "ntf_key\n"); // as a file ends
});
