import type { NotifierInbox } from "../client.ts";
import { viewOf } from "../marks.ts";
import type { Change, Item, View } from "../types.ts";
import { h, icon, type Icon } from "./dom.ts";
import { NotifierElement } from "./element.ts";
import { linksOf, retell, textOf } from "./item_view.ts";
import { type Snooze, snoozeUntil } from "./times.ts";

const CSS = `
:host { display: block; background: var(--card) }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .2rem .5rem; padding: .8rem 1rem .4rem }
h2 { flex: 1; font-size: 1.1rem; font-weight: 700 }
header button { color: var(--accent); font-weight: 600; font-size: .9em }
header button:disabled { color: var(--soft); cursor: default; background: none }
.views { display: flex; gap: .2rem; padding: 0 .7rem .5rem; border-block-end: 1px solid var(--line) }
.views button { font-size: .9em; color: var(--soft); font-weight: 600 }
.views [aria-pressed="true"] { color: var(--ink); background: var(--hover) }
.note { padding: .5rem 1rem; font-size: .9em; color: var(--soft); border-block-end: 1px solid var(--line) }
li {
  position: relative; padding-block: .75rem .4rem; padding-inline: 1.9rem 1rem;
  border-block-end: 1px solid var(--line);
}
li[data-unread]::before {
  content: ""; position: absolute; inset-block-start: 1.15rem; inset-inline-start: .8rem;
  inline-size: .5rem; block-size: .5rem; border-radius: 50%; background: var(--accent);
}
li:not([data-unread]) .title { font-weight: 500 }
.tools { display: flex; gap: .1rem; margin-block-start: .25rem; margin-inline-start: -.45rem }
.tools button { padding: .4rem .45rem; color: var(--soft) }
.tools button:hover, .tools [aria-expanded="true"] { color: var(--ink); background: var(--hover) }
.later { display: flex; flex-wrap: wrap; gap: .35rem; margin-block: .3rem }
.later button { border-color: var(--line); font-size: .9em }
.empty { padding: 2.2rem 1rem; text-align: center; color: var(--soft) }
.more { display: block; margin: .6rem auto; border-color: var(--line); font-weight: 600 }
`;
const VIEWS: View[] = ["inbox", "snoozed", "archived"];
/** Milliseconds for which an item has been in sight before it is marked seen, with others. */
const SEEN_AFTER = 400;

interface Row {
  readonly element: HTMLElement;
  readonly item: Item;
  /** Whether it asks until when the item is put off. */
  readonly open: boolean;
}

/** `<notifier-inbox>`: the lists, and what one can do with an item. */
export class NotifierInboxElement extends NotifierElement {
  private view: View = "inbox";
  private readonly rows = new Map<number, Row>();
  // These stay when something changes, and with them the focus.
  private readonly heading = h("h2");
  private readonly all = h("button", {
    type: "button",
    onclick: () => this.mark("read", "all"),
  });
  private readonly views = new Map(
    VIEWS.map((view) => [view, h("button", { type: "button", onclick: () => this.choose(view) })]),
  );
  private readonly group = h("div", { class: "views", role: "group" }, ...this.views.values());
  private readonly note = h("p", { class: "note", role: "status" });
  private readonly list = h("ul", { part: "list" });
  private readonly empty = h("p", { class: "empty", part: "empty" });
  private readonly further = h("button", {
    type: "button",
    class: "more",
    part: "more",
    onclick: () => this.load(),
  });
  private later: number | undefined;
  private refused = false;
  private loading = false;
  private observer: IntersectionObserver | undefined;
  /** Items that nobody has seen before, and since when they are in sight. */
  private readonly inSight = new Map<number, number>();
  /** Items that the server would not mark as seen: asked again, it would be asked for ever. */
  private readonly unseeable = new Set<number>();
  private seenTimer: ReturnType<typeof setTimeout> | undefined;
  private clock: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super(CSS);
    const header = h("header", { part: "header" }, this.heading, this.all);
    this.root.append(header, this.group, this.note, this.list, this.empty, this.further);
  }

  override connectedCallback(): void {
    this.observer = new IntersectionObserver((found) => this.sighted(found), { threshold: 0.5 });
    document.addEventListener("visibilitychange", this.looked);
    this.clock = setInterval(() => this.tick(), 60_000); // "a minute ago" becomes two
    super.connectedCallback();
  }

  override disconnectedCallback(): void {
    document.removeEventListener("visibilitychange", this.looked);
    clearInterval(this.clock);
    super.disconnectedCallback();
    this.clear();
  }

  protected hear(client: NotifierInbox): (() => void)[] {
    this.clear();
    return [
      client.on("change", () => {
        this.drawSoon();
        this.reload();
      }),
      client.on("connected", () => this.drawSoon()),
      client.on("disconnected", () => this.drawSoon()),
      client.on("rolledback", ({ mark }) => {
        if (mark.status === "seen") for (const id of mark.ids ?? []) this.unseeable.add(id);
        this.say(true);
      }),
      client.on("signedout", () => this.anew()),
    ];
  }

  protected draw(): void {
    this.drawTop();
    this.drawRows(this.client?.list(this.view) ?? []);
    this.drawBottom();
  }

  private anew(): void {
    this.clear();
    this.draw();
  }

  private tick(): void {
    for (const { element, item } of this.rows.values()) {
      retell(element, item, this.messages, this.language, this.now);
    }
    this.draw(); // what was put off may be back
  }

  private clear(): void {
    this.observer?.disconnect();
    clearTimeout(this.seenTimer);
    this.seenTimer = undefined; // one that was kept would keep the next from being set
    this.inSight.clear();
    this.rows.clear();
    this.list.replaceChildren();
  }

  private say(refused: boolean): void {
    this.refused = refused;
    this.draw();
  }

  private drawTop(): void {
    const { messages, client } = this;
    this.heading.textContent = messages.title;
    this.group.setAttribute("aria-label", messages.title);
    for (const [view, button] of this.views) {
      button.textContent = messages[view];
      button.setAttribute("aria-pressed", String(view === this.view));
    }
    const focused = this.root.activeElement === this.all;
    this.all.textContent = messages.readAll;
    this.all.disabled = !client?.counts.unread;
    if (focused && this.all.disabled) this.views.get(this.view)?.focus();
    const note = this.refused ? messages.refused : navigator.onLine ? "" : messages.offline;
    if (this.note.textContent !== note) this.note.textContent = note;
    this.note.hidden = !note;
  }

  private drawRows(items: readonly Item[]): void {
    const focused = this.focused();
    const before = [...this.list.children].map(idOf);
    const kept = new Set(items.map((item) => item.id));
    for (const id of before) if (!kept.has(id)) this.drop(id);
    const elements = items.map((item) => this.drawn(item).element);
    let next = this.list.firstElementChild;
    for (const element of elements) {
      // A row that moves loses the focus, and what is being typed or pressed: these stay.
      if (element === next) next = element.nextElementSibling;
      else this.list.insertBefore(element, next);
    }
    this.list.hidden = !items.length;
    this.focus_(focused, before);
  }

  /** Return the row of an item: the one that is there unless something has changed. */
  private drawn(item: Item): Row {
    const open = this.later === item.id;
    const before = this.rows.get(item.id);
    if (before?.item === item && before.open === open) return before;
    const row = { element: this.row(item, open), item, open };
    this.rows.set(item.id, row);
    if (before) {
      this.observer?.unobserve(before.element);
      before.element.replaceWith(row.element);
    }
    if (item.seen_at === null) this.observer?.observe(row.element);
    return row;
  }

  private drop(id: number): void {
    const element = this.rows.get(id)?.element;
    if (element) this.observer?.unobserve(element);
    element?.remove();
    this.rows.delete(id);
    this.inSight.delete(id);
  }

  private drawBottom(): void {
    const { messages, client } = this;
    const more = client?.hasMore(this.view);
    const busy = this.loading || (client && more === undefined);
    this.empty.textContent = busy ? messages.loading : messages.empty;
    this.empty.hidden = Boolean(more || client?.list(this.view).length);
    this.further.textContent = messages.more;
    this.further.hidden = !more;
  }

  private row(item: Item, open: boolean): HTMLElement {
    const { messages } = this;
    const unread = item.read_at === null;
    const view = viewOf(item, this.now);
    const row = h(
      "li",
      { part: "item", "data-id": item.id, "data-severity": item.severity, "data-unread": unread },
      unread && h("span", { class: "hidden" }, messages.isUnread),
      textOf(item, messages, this.language, this.now),
      linksOf(item, () => this.mark("read", item.id)),
      h(
        "div",
        { class: "tools", part: "tools" },
        unread
          ? this.tool("read", item, () => this.mark("read", item.id))
          : this.tool("unread", item, () => this.mark("unread", item.id)),
        view === "inbox"
          ? this.tool("archive", item, () => this.mark("archived", item.id))
          : this.tool("restore", item, () => this.mark("restored", item.id)),
        this.tool("snooze", item, () => this.open(item.id), open),
        this.tool("delete", item, () => this.mark("deleted", item.id)),
      ),
    );
    if (open) row.append(this.choices(item));
    return row;
  }

  private tool(name: Icon & keyof typeof this.messages, item: Item, press: () => void, open?: boolean): HTMLElement {
    const label = this.messages[name] as string;
    return h(
      "button",
      {
        type: "button",
        part: "tool",
        title: label,
        "data-key": name,
        "aria-label": `${label}: ${item.title}`,
        "aria-expanded": open === undefined ? undefined : String(open),
        onclick: press,
      },
      icon(name),
    );
  }

  private choices(item: Item): HTMLElement {
    const choices = (["hour", "tomorrow", "week"] as Snooze[]).map((choice) =>
      h(
        "button",
        {
          type: "button",
          "data-key": choice,
          onclick: () => this.mark("snoozed", item.id, snoozeUntil(choice, new Date(this.now))),
        },
        this.messages[choice],
      ),
    );
    return h("div", { class: "later", role: "group", "aria-label": this.messages.snooze }, ...choices);
  }

  private open(id: number): void {
    this.later = this.later === id ? undefined : id;
    this.draw();
  }

  private choose(view: View): void {
    this.view = view;
    this.later = undefined;
    this.anew();
    if (this.client?.hasMore(view) === undefined) void this.load();
  }

  /** List what is put away again, where the client has begun anew. */
  private reload(): void {
    const { client, view } = this;
    if (view === "inbox" || this.loading || client?.hasMore() === undefined) return;
    if (client.hasMore(view) === undefined) void this.load();
  }

  private async load(): Promise<void> {
    const focused = this.root.activeElement === this.further;
    const before = this.list.children.length;
    this.loading = true;
    this.draw();
    try {
      await this.client?.more(this.view);
    } catch {
      this.refused = true;
    }
    this.loading = false;
    this.draw();
    // The last page has come: the button has gone, and the focus goes on to what it brought.
    const at = this.root.activeElement; // a button that is hidden has it until the next frame
    if (!focused || !this.further.hidden || (at && at !== this.further)) return;
    this.list.children[before]?.querySelector<HTMLElement>("[data-key]")?.focus();
  }

  private mark(status: Change, which: number | "all", until?: Date): void {
    this.refused = false;
    this.later = undefined;
    void this.client?.mark(status, which, until);
  }

  // -- What was on the screen ---------------------------------------------------------------

  private sighted(found: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of found) {
      const id = idOf(target);
      if (!isIntersecting) this.inSight.delete(id);
      else if (!this.inSight.has(id)) this.inSight.set(id, performance.now());
    }
    this.waitSeen();
  }

  /** The page has come to the front, or has gone from there. */
  private readonly looked = (): void => {
    for (const id of this.inSight.keys()) this.inSight.set(id, performance.now());
    this.waitSeen();
  };

  private waitSeen(): void {
    if (!this.inSight.size || document.hidden) return;
    this.seenTimer ??= setTimeout(() => {
      this.seenTimer = undefined;
      this.markSeen();
    }, SEEN_AFTER);
  }

  private markSeen(): void {
    if (document.hidden || this.view !== "inbox") return;
    const ids: number[] = [];
    for (const [id, since] of this.inSight) {
      const item = this.rows.get(id)?.item;
      const wanted = item?.seen_at === null && !this.unseeable.has(id);
      if (wanted && performance.now() - since < SEEN_AFTER) continue;
      this.inSight.delete(id);
      if (wanted) ids.push(id);
    }
    if (ids.length) void this.client?.mark("seen", ids);
    this.waitSeen();
  }

  // -- The focus ----------------------------------------------------------------------------

  /** Return what has the focus: the item, and which of its buttons and links. */
  private focused(): { id: number; key: string } | undefined {
    const at = this.root.activeElement as HTMLElement | null;
    const row = at?.closest("li");
    const key = at?.dataset["key"];
    return row && key ? { id: idOf(row), key } : undefined;
  }

  /** Give the focus back to what was drawn anew, or to the next item where its one has gone. */
  private focus_(focused: { id: number; key: string } | undefined, order: number[]): void {
    if (!focused || this.root.activeElement) return;
    const { id, key } = focused;
    const after = order.slice(order.indexOf(id) + 1).find((one) => this.rows.has(one));
    const last = this.list.lastElementChild;
    const row = this.rows.get(id) ?? this.rows.get(after ?? (last ? idOf(last) : 0));
    const other = { read: "unread", unread: "read" }[key] ?? "snooze";
    const found =
      row?.element.querySelector<HTMLElement>(`[data-key="${key}"]`) ??
      row?.element.querySelector<HTMLElement>(`[data-key="${other}"]`) ??
      this.views.get("inbox");
    found?.focus();
  }
}

function idOf(element: Element): number {
  return Number((element as HTMLElement).dataset["id"]);
}

declare global {
  interface HTMLElementTagNameMap {
    "notifier-inbox": NotifierInboxElement;
  }
}
