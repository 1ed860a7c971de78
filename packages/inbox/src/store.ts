import { concerns, expired, marked, popsUp, viewOf, weight } from "./marks.ts";
import type { Counts, Item, Mark, Page, Told, View } from "./types.ts";

/** A mark that the server has not answered yet. */
export interface Pending {
  readonly uid: string;
  readonly mark: Mark;
  /** When it was made, as the API writes times. */
  readonly when: string;
  /** The newest item that was there: "all" are not those that come later. */
  readonly upTo: number;
}

/** What a change of the store came to. */
export interface Difference {
  readonly items: readonly Item[];
  readonly deleted: readonly number[];
  readonly counts: boolean;
}

interface State {
  readonly items: Map<number, Item>;
  readonly counts: Counts;
}

/** Which part of a list was read: items from `floor` on, and the cursor of the next page. */
interface Extent {
  floor: number;
  next: string | null;
}

const NOWHERE: Extent = { floor: Infinity, next: null };
const LEAVE_UNREAD = ["unread", "seen", "restored"];

/**
 * The items and counts that a page knows. `base` has what the server has said; what is shown is
 * that with the pending marks on top, so that a refused one is rolled back by dropping it.
 */
export class Store {
  private base: State = { items: new Map(), counts: { unread: 0, unseen: 0 } };
  private shown: State = this.base;
  private pending: Pending[] = [];
  /** Items that the stream told of since a mark was made: they are newer than its answer. */
  private readonly touched = new Map<string, Set<number>>();
  /** What marks make of items: as long as nothing changes, an item stays the same object. */
  private readonly made = new WeakMap<Pending, WeakMap<Item, Item>>();
  private extents = new Map<View, Extent>();

  constructor(private readonly now: () => number) {}

  get counts(): Counts {
    return this.shown.counts;
  }

  /** The highest id that is known. */
  get newest(): number {
    return Math.max(0, ...this.base.items.keys());
  }

  get marks(): readonly Pending[] {
    return this.pending;
  }

  item(id: number): Item | undefined {
    return this.shown.items.get(id);
  }

  /** Return a list, newest first, as far as its pages were read. */
  list(view: View): Item[] {
    const now = this.now();
    const { floor } = this.extents.get(view) ?? NOWHERE;
    return [...this.shown.items.values()]
      .filter((item) => item.id >= floor && viewOf(item, now) === view && !expired(item, now))
      .sort((one, other) => other.id - one.id);
  }

  /** Return what is to be shown beside the inbox. */
  fresh(): Item[] {
    const now = this.now();
    return [...this.shown.items.values()].filter((item) => popsUp(item, now));
  }

  /** Return the cursor of the next page of a list, `null` where there is none. */
  next(view: View): string | null {
    return (this.extents.get(view) ?? NOWHERE).next;
  }

  listed(view: View): boolean {
    return this.extents.has(view);
  }

  /** Begin anew with the first page of the inbox. */
  replace(page: Page): Difference {
    return this.change(() => {
      this.extents = new Map();
      this.base = { items: new Map(), counts: page };
      this.add(page, "inbox");
    });
  }

  /** Add a page of a list. */
  append(page: Page, view: View): Difference {
    return this.change(() => this.add(page, view));
  }

  /** Take in what the stream told. */
  tell(events: readonly Told[]): Difference {
    return this.change(() => {
      for (const event of events) {
        if (event.name === "counts") {
          this.base = { ...this.base, counts: event.data };
          continue;
        }
        if (event.name === "item") this.take(event.data);
        else this.base.items.delete(event.data.id);
        for (const one of this.pending) this.touched.get(one.uid)?.add(event.data.id);
      }
    });
  }

  /** Show a mark before the server has answered. */
  mark(pending: Pending): Difference {
    if (this.pending.some((one) => one.uid === pending.uid)) return this.change(() => {});
    return this.change(() => {
      this.pending.push(pending);
      this.touched.set(pending.uid, new Set());
    });
  }

  /** End a mark that the server has taken, or refused. */
  settle(uid: string, taken: boolean): Difference {
    return this.change(() => {
      const found = this.pending.find((one) => one.uid === uid);
      if (!found) return;
      // Its event may come later, and what is shown must not go back and forth until then.
      if (taken) this.base = this.applied(this.base, found, this.touched.get(uid));
      this.pending = this.pending.filter((one) => one !== found);
      this.touched.delete(uid);
    });
  }

  /** Take away what has expired: nobody tells of it. */
  expire(): Difference {
    return this.change(() => {
      const now = this.now();
      let { unread, unseen } = this.base.counts;
      for (const item of this.base.items.values()) {
        if (!expired(item, now)) continue;
        const had = weight(item, Date.parse(item.expires_at) - 1);
        unread -= had.unread;
        unseen -= had.unseen;
        this.base.items.delete(item.id);
      }
      this.base = { ...this.base, counts: atLeastNone(unread, unseen) };
    });
  }

  /** Return when the next item expires, in milliseconds since 1970; `Infinity` for never. */
  expires(): number {
    let first = Infinity;
    for (const item of this.base.items.values()) {
      first = Math.min(first, Date.parse(item.expires_at));
    }
    return first;
  }

  /** Forget everything. */
  clear(): Difference {
    return this.change(() => {
      this.base = { items: new Map(), counts: { unread: 0, unseen: 0 } };
      this.pending = [];
      this.touched.clear();
      this.extents = new Map();
    });
  }

  private add(page: Page, view: View): void {
    for (const item of page.data) this.take(item);
    const floor = page.next === null ? 0 : (page.data.at(-1)?.id ?? Infinity);
    this.extents.set(view, { floor, next: page.next });
    this.base = { ...this.base, counts: { unread: page.unread, unseen: page.unseen } };
  }

  /** Take in what the server says of an item. What says nothing new is not told as a change. */
  private take(item: Item): void {
    const known = this.shown.items.get(item.id);
    this.base.items.set(item.id, known && same(item, known) ? known : item);
  }

  private change(work: () => void): Difference {
    const before = this.shown;
    work();
    let after: State = { items: new Map(this.base.items), counts: this.base.counts };
    for (const one of this.pending) after = this.applied(after, one);
    this.shown = after;
    const { unread, unseen } = after.counts;
    return {
      items: [...after.items.values()].filter((item) => item !== before.items.get(item.id)),
      deleted: [...before.items.keys()].filter((id) => !after.items.has(id)),
      counts: unread !== before.counts.unread || unseen !== before.counts.unseen,
    };
  }

  private applied(state: State, pending: Pending, except?: ReadonlySet<number>): State {
    const now = this.now();
    const { mark, upTo } = pending;
    const items = new Map(state.items);
    let { unread, unseen } = state.counts;
    for (const item of state.items.values()) {
      if (except?.has(item.id) || !concerns(mark, item, upTo, now)) continue;
      const after = this.marked(item, pending);
      const [had, has] = [weight(item, now), weight(after, now)];
      unread += has.unread - had.unread;
      unseen += has.unseen - had.unseen;
      if (after) items.set(item.id, after);
      else items.delete(item.id);
    }
    if (mark.all && this.extents.get("inbox")?.floor !== 0) {
      // Items that are not here were marked, too: what is left is what came later.
      const later = [...items.values()].filter((item) => item.id > upTo);
      const left = later.map((item) => weight(item, now));
      if (!LEAVE_UNREAD.includes(mark.status)) unread = sum(left.map((one) => one.unread));
      if (!["unread", "restored"].includes(mark.status)) {
        unseen = sum(left.map((one) => one.unseen));
      }
    }
    return { items, counts: atLeastNone(unread, unseen) };
  }

  /** Return the item as a mark makes it, `undefined` once deleted. */
  private marked(item: Item, pending: Pending): Item | undefined {
    const made = this.made.get(pending) ?? new WeakMap<Item, Item>();
    this.made.set(pending, made);
    const known = made.get(item);
    if (known) return known;
    const after = marked(item, pending.mark, pending.when);
    if (!after) return undefined;
    const result = same(after, item) ? item : after;
    made.set(item, result);
    return result;
  }
}

function same(one: Item, other: Item): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function atLeastNone(unread: number, unseen: number): Counts {
  return { unread: Math.max(0, unread), unseen: Math.max(0, unseen) };
}
