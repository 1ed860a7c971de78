import type { NotifierInbox } from "../client.ts";
import { h } from "./dom.ts";
import type { Messages } from "./messages.ts";

/** Milliseconds for which a burst is waited for, from its last item and from its first. */
const QUIET = 1_000;
const LONGEST = 3_000;

const announcers = new WeakMap<NotifierInbox, Announcer>();

/** Have screen readers told what is new, once for the elements of a page. */
export function announce(client: NotifierInbox, messages: () => Messages): void {
  if (!announcers.has(client)) announcers.set(client, new Announcer(client, messages));
}

/** A polite live region: one message for a burst, and none while the page is hidden. */
class Announcer {
  private readonly region = h("div", { role: "status", "aria-live": "polite" });
  private readonly fresh = new Set<number>();
  /** The newest item that was looked at, once the list is loaded. */
  private newest: number | undefined;
  private first = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly client: NotifierInbox,
    private readonly messages: () => Messages,
  ) {
    Object.assign(this.region.style, {
      position: "absolute",
      inlineSize: "1px",
      blockSize: "1px",
      overflow: "hidden",
      clipPath: "inset(50%)",
      whiteSpace: "nowrap",
    });
    document.body.append(this.region);
    client.on("change", () => this.look());
    document.addEventListener("visibilitychange", () => this.wait());
    this.look();
  }

  private look(): void {
    if (this.client.hasMore() === undefined) {
      this.forget(); // nothing is loaded yet, or its person has signed out
      return;
    }
    const before = this.newest;
    const items = this.client.items;
    this.newest = Math.max(before ?? 0, items[0]?.id ?? 0);
    if (before === undefined) return; // the list of a page that was opened is no news
    for (const { id, seen_at } of items) {
      if (id > before && seen_at === null) this.fresh.add(id);
    }
    this.wait();
  }

  /** Say what is new once nothing more of it comes; a hidden page says it when it is back. */
  private wait(): void {
    if (!this.fresh.size || document.hidden) return;
    this.first ||= Date.now();
    clearTimeout(this.timer);
    const wait = Math.min(QUIET, this.first + LONGEST - Date.now());
    this.timer = setTimeout(() => this.say(), Math.max(wait, 0));
  }

  private say(): void {
    if (document.hidden) return;
    const unread = [...this.fresh].filter((id) => this.client.item(id)?.read_at === null);
    this.fresh.clear();
    this.first = 0;
    if (!unread.length) return;
    // The same words again are read again only where they are another element.
    this.region.replaceChildren(h("p", {}, this.messages().arrived(unread.length)));
  }

  private forget(): void {
    clearTimeout(this.timer);
    this.newest = undefined;
    this.fresh.clear();
    this.first = 0;
  }
}
