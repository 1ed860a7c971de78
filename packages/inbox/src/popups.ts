import { hasLocks, hold, locked } from "./locks.ts";
import { insists, viewOf } from "./marks.ts";
import type { Kept } from "./storage.ts";
import type { Item } from "./types.ts";

const START = "popped/";
/** Milliseconds that a tab in sight leaves to the one that has the focus. */
const COURTESY = 200;
/** Milliseconds after which a tab has heard what became of the item in another one. */
const NEWS = 1_000;

/**
 * Decides in which tab an item pops up: one that is in sight, the one with the focus if there is
 * one. Hidden pages wait, and what is still to be shown when they come back pops up.
 *
 * What waits for an answer belongs to its tab for as long as that lives, by a lock: another tab, or
 * the same after a reload, shows it again. Anything else pops up once in a browser, which keeps a
 * note of it until the item expires or is put off. Not until it is seen: a tab may hear of the item
 * only after another one has shown it and marked it.
 */
export class Popups {
  /** Items that this tab has decided about, and what ends its claim to each. */
  private readonly claims = new Map<number, AbortController>();

  constructor(
    private readonly kept: Kept,
    private readonly lock: string,
    /** Items that are to pop up. */
    private readonly fresh: () => readonly Item[],
    private readonly pop: (item: Item) => void,
    private readonly now: () => number,
    signal: AbortSignal,
  ) {
    for (const name of kept.names(START)) {
      if (!(Date.parse(kept.get(name) ?? "") > now())) kept.remove(name);
    }
    globalThis.document?.addEventListener("visibilitychange", () => this.look(), { signal });
    signal.addEventListener("abort", () => {
      for (const id of this.claims.keys()) this.drop(id);
    });
  }

  /** Pop up what is to, if this page is in sight. `changed`: items that are not as they were. */
  look(changed: readonly Item[] = []): void {
    const fresh = new Map(this.fresh().map((item) => [item.id, item]));
    for (const id of this.claims.keys()) if (!fresh.has(id)) this.drop(id);
    // Whoever puts an item off wants to see it again.
    for (const item of changed) {
      if (viewOf(item, this.now()) === "snoozed") this.kept.remove(START + item.id);
    }
    if (hidden()) return;
    for (const item of [...fresh.values()].reverse()) {
      if (this.claims.has(item.id)) continue;
      const claim = new AbortController();
      this.claims.set(item.id, claim);
      void this.claim(item, claim.signal);
    }
  }

  private async claim(item: Item, signal: AbortSignal): Promise<void> {
    if (globalThis.document?.hasFocus() === false) {
      await new Promise((done) => setTimeout(done, COURTESY));
      if (signal.aborted) return;
    }
    if (!insists(item)) return locked(`${this.lock} ${item.id}`, () => this.once(item.id));
    if (!hasLocks()) return void this.show(item.id);
    const asked = performance.now();
    hold(`${this.lock} ${item.id}`, signal, () => {
      if (performance.now() - asked < COURTESY) return void this.show(item.id);
      // The tab that had it has gone, or its person has answered, which may not be known here yet.
      setTimeout(() => signal.aborted || this.show(item.id), NEWS);
    });
  }

  /** Show an item unless another tab has. */
  private async once(id: number): Promise<void> {
    if (this.kept.get(START + id) !== null) return;
    const item = this.show(id);
    if (!item) return;
    this.kept.set(START + id, item.expires_at);
    // The lock is kept meanwhile: a tab in another process may be given it before it can read this.
    await new Promise((done) => setTimeout(done, NEWS));
  }

  /** Show an item and return it, if it still is to be shown and this page in sight. */
  private show(id: number): Item | undefined {
    const item = this.fresh().find((one) => one.id === id);
    if (item && !hidden()) {
      this.pop(item);
      return item;
    }
    this.drop(id);
    return undefined;
  }

  private drop(id: number): void {
    this.claims.get(id)?.abort();
    this.claims.delete(id);
  }
}

function hidden(): boolean {
  return globalThis.document?.visibilityState === "hidden";
}
