import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import test from "node:test";
import { Refused } from "../src/api.ts";
import { tried } from "../src/trying.ts";

test("attempts leave no listeners behind", async () => {
  const [ended, globals] = [new AbortController(), new EventTarget()];
  globalThis.addEventListener = globals.addEventListener.bind(globals);
  let failures = 0;
  const work = async (): Promise<string> => {
    if (failures++ < 5) throw new Refused(503, "Not now.", 0);
    return "done";
  };
  assert.equal(await tried(work, () => {}, ended.signal), "done");
  assert.equal(getEventListeners(ended.signal, "abort").length, 0);
  assert.equal(getEventListeners(globals, "online").length, 0);
});

test("the next attempt is made at once when the network is back", async () => {
  const globals = new EventTarget();
  globalThis.addEventListener = globals.addEventListener.bind(globals);
  const told: string[] = [];
  const work = async (): Promise<string> => {
    if (told.length) return "done";
    throw new Refused(503, "Not now.", 600_000);
  };
  const answer = tried(work, (error) => told.push(error.message), new AbortController().signal);
  while (!getEventListeners(globals, "online").length) await new Promise(setImmediate);
  globals.dispatchEvent(new Event("online"));
  assert.equal(await answer, "done");
});
