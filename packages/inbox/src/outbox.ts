import { isTransient, Refused } from "./api.ts";
import { backoff } from "./backoff.ts";
import { locked } from "./locks.ts";
import type { Kept } from "./storage.ts";
import type { Pending } from "./store.ts";
import type { Mark, Marked } from "./types.ts";

const START = "mark/";

export interface Settled {
  readonly uid: string;
  readonly answer?: Marked;
  /** The server's refusal; without one it was taken. */
  readonly error?: Error;
}

/**
 * Marks on their way to the server, in their order. All tabs of a person share it, and one of them
 * at a time sends: a reload, or a tab that is closed, loses none.
 */
export class Outbox {
  private count = 0;
  private failures = 0;
  private draining = false;
  private again = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(
    private readonly kept: Kept,
    private readonly lock: string,
    private readonly send: (mark: Mark) => Promise<Marked>,
    private readonly settled: (settled: Settled) => void,
  ) {}

  /** Return what waits, oldest first. */
  waiting(): Pending[] {
    return this.kept.names(START).flatMap((name) => this.read(name) ?? []);
  }

  add(pending: Pending): void {
    // A key for each: tabs that add at the same time do not overwrite each other's.
    const order = `${String(Date.now()).padStart(15, "0")}.${String(++this.count).padStart(6, "0")}`;
    this.kept.set(`${START}${order}.${pending.uid}`, JSON.stringify(pending));
  }

  /** Send what waits, until there is none or the server cannot be reached. */
  async drain(): Promise<void> {
    this.again = true;
    if (this.draining || this.closed) return;
    this.draining = true;
    clearTimeout(this.timer);
    try {
      while (this.again && !this.closed) {
        this.again = false;
        await locked(this.lock, () => this.sendAll());
      }
    } finally {
      this.draining = false;
    }
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private async sendAll(): Promise<void> {
    for (const name of this.kept.names(START)) {
      const pending = this.read(name);
      if (this.closed) return;
      if (!pending) {
        this.kept.remove(name);
        continue;
      }
      try {
        const answer = await this.send(pending.mark);
        this.failures = 0;
        this.end(name, { uid: pending.uid, answer });
      } catch (error) {
        if (isTransient(error)) return this.later(error);
        this.end(name, { uid: pending.uid, error: error as Error });
      }
    }
  }

  private end(name: string, settled: Settled): void {
    if (this.closed) return;
    this.kept.remove(name);
    this.settled(settled);
  }

  private later(error: unknown): void {
    if (this.closed) return;
    const told = error instanceof Refused ? error.retryAfter : undefined;
    this.again = false; // what was added meanwhile waits as well
    this.timer = setTimeout(() => void this.drain(), told ?? backoff(this.failures++));
  }

  private read(name: string): Pending | undefined {
    try {
      return JSON.parse(this.kept.get(name) ?? "") as Pending;
    } catch {
      return undefined;
    }
  }
}
