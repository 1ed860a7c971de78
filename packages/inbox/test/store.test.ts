import assert from "node:assert/strict";
import test from "node:test";
import { Store } from "../src/store.ts";
import type { Change, Mark } from "../src/types.ts";
import { item, NOW, page } from "./items.ts";

const WHEN = new Date(NOW).toISOString();
const LATER = "2026-12-01T10:00:00Z";

function store(...ids: number[]): Store {
  const found = new Store(() => NOW);
  found.replace(page(ids.map((id) => item(id))));
  return found;
}

function pend(on: Store, mark: Mark, uid = "one", upTo = on.newest): void {
  on.mark({ uid, mark, when: WHEN, upTo });
}

const ids = (on: Store): number[] => on.list("inbox").map((one) => one.id);

test("a mark is shown at once, with the counts", () => {
  const expected: Record<Change, [unread: number, unseen: number]> = {
    seen: [2, 1],
    read: [1, 1],
    unread: [2, 2],
    acknowledged: [1, 1],
    archived: [1, 1],
    snoozed: [1, 1],
    restored: [2, 2],
    deleted: [1, 1],
  };
  for (const [status, [unread, unseen]] of Object.entries(expected)) {
    const on = store(2, 1);
    pend(on, { status: status as Change, ids: [2], snoozed_until: LATER });
    assert.deepEqual(on.counts, { unread, unseen }, status);
    const gone = ["archived", "snoozed", "deleted"].includes(status);
    assert.deepEqual(ids(on), gone ? [1] : [2, 1], status);
  }
});

test("a refused mark is taken back, and those made after it stay", () => {
  const on = store(2, 1);
  pend(on, { status: "deleted", ids: [2] });
  pend(on, { status: "read", ids: [1] }, "two");
  on.settle("one", false);
  assert.deepEqual(ids(on), [2, 1]);
  assert.deepEqual(on.counts, { unread: 1, unseen: 1 });
  assert.equal(on.item(1)?.status, "read");
});

test("what a mark shows does not go back and forth until the stream tells of it", () => {
  const on = store(2, 1);
  pend(on, { status: "read", ids: [2] });
  assert.deepEqual(on.settle("one", true), { items: [], deleted: [], counts: false });
  const told = item(2, { read_at: WHEN, seen_at: WHEN, status: "read" });
  const after = on.tell([
    { name: "item", data: told },
    { name: "counts", data: { unread: 1, unseen: 1 } },
  ]);
  assert.deepEqual(after, { items: [], deleted: [], counts: false });
});

test("an item stays the same object until something of it changes", () => {
  const on = store(3, 2, 1);
  pend(on, { status: "read", ids: [2, 3] });
  const before = [1, 2, 3].map((id) => on.item(id));
  on.tell([{ name: "item", data: item(1) }, { name: "item", data: { ...on.item(2)! } }]);
  pend(on, { status: "read", ids: [2] }, "two");
  on.settle("one", true);
  on.settle("two", true);
  on.append(page([item(1), { ...on.item(3)! }]), "archived");
  for (const [at, one] of before.entries()) assert.equal(on.item(at + 1), one);
});

test("another device's later change is not overwritten by an earlier mark's answer", () => {
  const on = store(1);
  pend(on, { status: "read", ids: [1] });
  on.tell([{ name: "item", data: item(1, { seen_at: WHEN }) }]);
  on.settle("one", true);
  assert.equal(on.item(1)?.status, "unread");
});

test("all are those that were there, and not what comes later", () => {
  const on = new Store(() => NOW);
  on.replace(page([item(30), item(29)], { next: "more", unread: 12, unseen: 9 }));
  pend(on, { status: "read", all: true });
  assert.deepEqual(on.counts, { unread: 0, unseen: 0 });
  on.tell([
    { name: "item", data: item(31) },
    { name: "counts", data: { unread: 13, unseen: 10 } },
  ]);
  assert.deepEqual(on.counts, { unread: 1, unseen: 1 });
});

test("a list ends where its pages end, whatever older items are told", () => {
  const on = new Store(() => NOW);
  on.replace(page([item(30), item(29)], { next: "more" }));
  on.tell([{ name: "item", data: item(3) }, { name: "item", data: item(31) }]);
  assert.deepEqual(ids(on), [31, 30, 29]);
  on.append(page([item(28), item(3)]), "inbox");
  assert.deepEqual(ids(on), [31, 30, 29, 28, 3]);
  assert.equal(on.next("inbox"), null);
});

test("what is put away is in a list of its own, and comes back", () => {
  const on = store(2, 1);
  on.append(page([]), "archived");
  pend(on, { status: "archived", ids: [2] });
  assert.deepEqual(on.list("archived").map((one) => one.id), [2]);
  pend(on, { status: "restored", ids: [2] }, "two");
  assert.deepEqual(ids(on), [2, 1]);
});

test("an expired item leaves, and takes itself out of the counts", () => {
  let now = NOW;
  const on = new Store(() => now);
  on.replace(page([item(2, { expires_at: LATER }), item(1)]));
  assert.equal(on.expires(), Date.parse(LATER));
  now = Date.parse(LATER);
  assert.deepEqual(on.expire().deleted, [2]);
  assert.deepEqual(on.counts, { unread: 1, unseen: 1 });
});

test("nothing is left once it was cleared", () => {
  const on = store(2, 1);
  pend(on, { status: "read", ids: [2] });
  assert.deepEqual(on.clear().deleted, [2, 1]);
  assert.deepEqual([on.counts, ids(on), on.marks], [{ unread: 0, unseen: 0 }, [], []]);
});
