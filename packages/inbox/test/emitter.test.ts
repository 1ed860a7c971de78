import assert from "node:assert/strict";
import test from "node:test";
import { Emitter } from "../src/emitter.ts";

class Bell extends Emitter<{ ring: number }> {
  ring(times: number): void {
    this.emit("ring", times);
  }
}

test("a listener that fails does not keep the others from hearing", (context) => {
  const later = context.mock.method(globalThis, "queueMicrotask", () => {});
  const heard: number[] = [];
  const bell = new Bell();
  bell.on("ring", () => {
    throw new Error("mine");
  });
  bell.on("ring", (times) => heard.push(times));
  bell.ring(3);
  const [call] = later.mock.calls;
  later.mock.restore();
  assert.deepEqual(heard, [3]);
  assert.throws(call!.arguments[0] as () => void, /mine/);
});

test("a subscription ends with the function that it returned", () => {
  const heard: number[] = [];
  const bell = new Bell();
  const end = bell.on("ring", (times) => heard.push(times));
  bell.ring(1);
  end();
  bell.ring(2);
  assert.deepEqual(heard, [1]);
});
