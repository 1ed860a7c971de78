import { locked } from "./locks.ts";
import type { Kept } from "./storage.ts";
import type { Item } from "./types.ts";

const START = "popped/";
/** Milliseconds that a tab in sight leaves to the one that has the focus. */
const COURTESY = 200;

/**
 * Decides in which tab an item pops up: one that is in sight, the one with the focus if there is
 * one, and each item once. Hidden pages wait, and what is still new when they come back pops up.
 */
export class Popups {
  /** Items that this tab has decided about. */
  private readonly decided = new Set<number>();

  constructor(
    private readonly kept: Kept,
    private readonly lock: string,
    /** Items that are new, and are to pop up. */
    private readonly fresh: () => readonly Item[],
    private readonly pop: (item: Item) => void,
    signal: AbortSignal,
  ) {
    for (const name of kept.names(START)) {
      if (!(Date.parse(kept.get(name) ?? "") > Date.now())) kept.remove(name);
    }
    globalThis.document?.addEventListener("visibilitychange", () => this.look(), { signal });
  }

  /** Pop up what is new, if this page is in sight. */
  look(): void {
    if (hidden()) return;
    for (const item of [...this.fresh()].reverse()) {
      if (this.decided.has(item.id)) continue;
      this.decided.add(item.id);
      void this.claim(item);
    }
  }

  /** An item is put away until later, and is to pop up again then. */
  forget(id: number): void {
    if (this.decided.delete(id)) this.kept.remove(START + id);
  }

  private async claim(item: Item): Promise<void> {
    if (globalThis.document?.hasFocus() === false) {
      await new Promise((done) => setTimeout(done, COURTESY));
    }
    await locked(this.lock, async () => {
      if (this.kept.get(START + item.id) !== null) return; // another tab has
      const still = this.fresh().find((one) => one.id === item.id);
      if (hidden() || !still) {
        this.decided.delete(item.id);
        return;
      }
      this.kept.set(START + item.id, item.expires_at);
      this.pop(still);
    });
  }
}

function hidden(): boolean {
  return globalThis.document?.visibilityState === "hidden";
}
