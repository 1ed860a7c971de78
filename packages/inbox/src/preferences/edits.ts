/** The changes that a person can make: what each shows at once, and the calls that make it. */
import type { Cadence, Channels, Choices, DigestChoice, Me, QuietHours, QuietWindow } from "./types.ts";

export type Call = <Answer>(method: string, path: string, body?: unknown) => Promise<Answer>;

export interface Edit {
  /** What it is about: a later one of the same key takes the place of one that failed. */
  readonly key: string;
  show(choices: Choices): Choices;
  send(call: Call): Promise<unknown>;
}

type Boxes = "categories" | "topics";

/** Return one of the lists with another state on one channel of one row. */
function ticked(choices: Choices, list: Boxes, name: string, channel: string, on: boolean): Choices {
  const rows = choices[list].map((row) =>
    row.name === name ? { ...row, channels: { ...row.channels, [channel]: on } } : row,
  );
  return { ...choices, [list]: rows };
}

function tick(list: Boxes, name: string, channel: string, on: boolean): Edit {
  const about = list === "topics" ? { topic: name } : { category: name };
  const preferences = [{ ...about, channel, allowed: on }];
  return {
    key: `${list} ${name} ${channel}`,
    show: (choices) => ticked(choices, list, name, channel, on),
    send: (call) => call("PATCH", "/v1/me/preferences", { preferences }),
  };
}

/** Get a category on a channel, or refuse it there. */
export const category = (name: string, channel: string, on: boolean): Edit =>
  tick("categories", name, channel, on);

/** Get a topic on a channel, or refuse it there. */
export const topic = (name: string, channel: string, on: boolean): Edit =>
  tick("topics", name, channel, on);

/** Refuse everything that can be refused. */
export function leaveEverything(): Edit {
  const off = <Row extends { readonly channels: Channels }>(row: Row): Row => ({
    ...row,
    channels: Object.fromEntries(Object.keys(row.channels).map((channel) => [channel, false])),
  });
  return {
    key: "leave",
    show: (choices) => ({
      ...choices,
      categories: choices.categories.map((one) => (one.kind === "critical" ? one : off(one))),
      topics: choices.topics.map(off),
    }),
    send: (call) => call("POST", "/v1/me/leave"),
  };
}

/** Have a category (`null`: all others) so often, or as its sender has it. */
export function cadence(about: string | null, chosen: Cadence | ""): Edit {
  const changed = (digests: readonly DigestChoice[]): DigestChoice[] => {
    const others = digests.filter((one) => one.category !== about);
    return chosen ? [...others, { category: about, cadence: chosen }] : others;
  };
  return {
    key: `digest ${about ?? ""}`,
    show: ({ me, ...choices }) => ({ ...choices, me: { ...me, digests: changed(me.digests) } }),
    // What is written replaces all of them, so those of another tab are read before.
    send: async (call) => {
      const { digests } = await call<Me>("GET", "/v1/me");
      return call("PATCH", "/v1/me", { digests: changed(digests) });
    },
  };
}

/** Have these quiet hours in place of the company's; without windows, none at all. */
export function quietHours(windows: readonly QuietWindow[], channels: readonly string[]): Edit {
  return {
    key: "quiet",
    show: (choices) => ({
      ...choices,
      // When they end is the server's to say.
      quiet: { ...choices.quiet, windows, channels, source: "own", quiet_until: null },
    }),
    send: (call) => call("PUT", "/v1/me/quiet-hours", { windows, channels }),
  };
}

/** Have the company's quiet hours again, which are known once the server has said them. */
export function companysQuietHours(): Edit {
  const source: QuietHours["source"] = "company";
  return {
    key: "quiet",
    show: (choices) => ({ ...choices, quiet: { ...choices.quiet, source } }),
    send: (call) => call("DELETE", "/v1/me/quiet-hours"),
  };
}

/** Have another language or time zone. */
export function setting(name: "locale" | "time_zone", value: string): Edit {
  return {
    key: name,
    show: (choices) => ({ ...choices, me: { ...choices.me, [name]: value } }),
    send: (call) => call("PATCH", "/v1/me", { [name]: value }),
  };
}
