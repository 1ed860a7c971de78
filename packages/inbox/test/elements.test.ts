import assert from "node:assert/strict";
import test from "node:test";
import { safeUrl } from "../src/elements/dom.ts";
import { relative, snoozeUntil } from "../src/elements/times.ts";
import { NotifierBellElement } from "../src/elements.ts";

test("a link leads to pages and mail, and to nothing that runs", () => {
  const base = "https://shop.example/inbox";
  assert.equal(safeUrl("https://bank.example/cards", base), "https://bank.example/cards");
  assert.equal(safeUrl("/orders/7", base), "https://shop.example/orders/7");
  assert.equal(safeUrl("mailto:help@shop.example", base), "mailto:help@shop.example");
  for (const url of ["javascript:alert(1)", " JaVaScRiPt:alert(1)", "data:text/html,x", "http://["]) {
    assert.equal(safeUrl(url, base), undefined, url);
  }
});

test("times are said in the person's language", () => {
  const now = Date.parse("2026-11-30T10:00:00Z");
  assert.equal(relative("2026-11-30T09:57:00Z", "en", now), "3 minutes ago");
  assert.equal(relative("2026-12-02T10:00:00Z", "de-AT", now), "übermorgen");
  assert.equal(relative("2026-11-30T10:00:00Z", "en", now), "now");
  assert.match(relative("2026-11-29T10:00:00Z", "no such language", now), /./);
});

test("what is snoozed comes back in an hour, or at nine in the morning", () => {
  const now = new Date(2026, 10, 30, 22, 15);
  assert.deepEqual(snoozeUntil("hour", now), new Date(2026, 10, 30, 23, 15));
  assert.deepEqual(snoozeUntil("tomorrow", now), new Date(2026, 11, 1, 9));
  assert.deepEqual(snoozeUntil("week", now), new Date(2026, 11, 7, 9));
});

test("a server that renders pages may import the elements", () => {
  assert.equal(typeof NotifierBellElement, "function");
});
