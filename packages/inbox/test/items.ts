/** Items and pages for tests. */
import type { Item, Page } from "../src/types.ts";

export const NOW = Date.parse("2026-11-30T10:00:00Z");

export function item(id: number, changes: Partial<Item> = {}): Item {
  return {
    id,
    title: `Title ${id}`,
    body: "",
    data: {},
    actions: {},
    severity: "info",
    display_type: "inbox",
    source: "",
    status: "unread",
    created_at: "2026-11-30T09:00:00Z",
    expires_at: "2126-12-07T09:00:00Z",
    seen_at: null,
    read_at: null,
    acknowledged_at: null,
    archived_at: null,
    snoozed_until: null,
    notification_id: null,
    ...changes,
  };
}

export function page(data: Item[], changes: Partial<Page> = {}): Page {
  const open = data.filter((one) => one.read_at === null);
  const unseen = open.filter((one) => one.seen_at === null).length;
  return { data, next: null, unread: open.length, unseen, last_event_id: "10", ...changes };
}
