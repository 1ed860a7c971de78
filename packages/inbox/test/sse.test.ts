import assert from "node:assert/strict";
import test from "node:test";
import { EventParser, type ServerEvent } from "../src/sse.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function parsed(...chunks: (string | Uint8Array)[]): ServerEvent[] {
  const parser = new EventParser();
  return chunks.flatMap((one) => parser.read(typeof one === "string" ? bytes(one) : one));
}

const STREAM = "\uFEFFretry: 2750\n\n:\n\nevent: item\nid: 7\ndata: {\"ü\":1}\n\ndata: a\ndata:b\n\n";
const EVENTS = [
  { name: "item", data: '{"ü":1}', id: "7" },
  { name: "message", data: "a\nb", id: "" },
];

test("events are the same whatever ends their lines", () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    assert.deepEqual(parsed(STREAM.replaceAll("\n", end)), EVENTS, JSON.stringify(end));
  }
});

test("events are the same wherever the network cuts them, characters included", () => {
  for (const end of ["\n", "\r\n"]) {
    const whole = bytes(STREAM.replaceAll("\n", end));
    for (let at = 1; at < whole.length; at++) {
      assert.deepEqual(parsed(whole.slice(0, at), whole.slice(at)), EVENTS, `at ${at}`);
    }
    assert.deepEqual(parsed(...[...whole].map((one) => Uint8Array.of(one))), EVENTS);
  }
});

test("an event without data is none, and one that is cut off is not told", () => {
  assert.deepEqual(parsed("event: item\nid: 3\n\n", "data: half"), []);
});

test("the time of retry is digits, and an id has no null", () => {
  const parser = new EventParser();
  parser.read(bytes("retry: 100\n\nretry: soon\n\n"));
  assert.equal(parser.retry, 100);
  assert.equal(parsed("id: a\0b\ndata: x\n\n")[0]?.id, "");
});
