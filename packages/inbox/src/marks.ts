/** What a mark does to an item: the rules of the server, for showing it before it has answered. */
import type { Counts, Item, Mark, View } from "./types.ts";

/** Ids of one call. */
const MOST_IDS = 1_000;

const at = (time: string | null): number => (time === null ? NaN : Date.parse(time));

/** Return the list in which an item is. */
export function viewOf(item: Item, now: number): View {
  if (item.archived_at !== null) return "archived";
  return at(item.snoozed_until) > now ? "snoozed" : "inbox";
}

export function expired(item: Item, now: number): boolean {
  return at(item.expires_at) <= now;
}

/** Return whether an item is to be shown beside the inbox. */
export function popsUp(item: Item, now: number): boolean {
  if (item.display_type === "inbox" || item.read_at !== null || expired(item, now)) return false;
  if (viewOf(item, now) !== "inbox") return false;
  // Some ask to be read or acknowledged: to have been on the screen is no answer to them.
  return item.seen_at === null || ["page", "banner_nondismiss"].includes(item.display_type);
}

/** Return whether an item that pops up is shown until its person has answered it. */
export function insists(item: Item): boolean {
  return ["page", "popup", "banner_nondismiss"].includes(item.display_type);
}

/** Return what an item adds to the counts. */
export function weight(item: Item | undefined, now: number): Counts {
  if (!item || item.read_at !== null || expired(item, now) || viewOf(item, now) !== "inbox") {
    return { unread: 0, unseen: 0 };
  }
  return { unread: 1, unseen: item.seen_at === null ? 1 : 0 };
}

/** Return whether a mark is about an item; `upTo`: the newest one when all were marked. */
export function concerns(mark: Mark, item: Item, upTo: number, now: number): boolean {
  if (mark.ids) return mark.ids.includes(item.id);
  if (item.id > upTo) return false;
  return (viewOf(item, now) === "inbox") !== (mark.status === "restored");
}

/** Return the item as it is once marked, `undefined` once deleted. */
export function marked(item: Item, mark: Mark, when: string): Item | undefined {
  const read = { read_at: item.read_at ?? when, seen_at: item.seen_at ?? when };
  const status = item.acknowledged_at === null ? "read" : "acknowledged";
  switch (mark.status) {
    case "seen":
      return { ...item, seen_at: item.seen_at ?? when };
    case "read":
      return { ...item, ...read, status };
    case "unread":
      return { ...item, read_at: null, acknowledged_at: null, status: "unread" };
    case "acknowledged":
      return { ...item, ...read, acknowledged_at: item.acknowledged_at ?? when, status: "acknowledged" };
    case "archived":
      return { ...item, ...read, status, archived_at: item.archived_at ?? when, snoozed_until: null };
    case "snoozed": {
      const known = item.acknowledged_at !== null;
      return {
        ...item,
        snoozed_until: mark.snoozed_until ?? null,
        archived_at: null,
        seen_at: null,
        read_at: known ? item.read_at : null,
        status: known ? "acknowledged" : "unread",
      };
    }
    case "restored":
      return { ...item, archived_at: null, snoozed_until: null };
    case "deleted":
      return undefined;
  }
}

/** Return a name that nothing else has; `randomUUID` is there in secure contexts only. */
export function unique(): string {
  return [...crypto.getRandomValues(new Uint32Array(3))].map((one) => one.toString(36)).join("");
}

/** Return these ids in parts, each of as many as one call takes. */
export function inCalls(ids: readonly number[]): number[][] {
  const parts: number[][] = [];
  for (let at = 0; at < ids.length; at += MOST_IDS) parts.push(ids.slice(at, at + MOST_IDS));
  return parts;
}
