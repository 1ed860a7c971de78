import { isAway, isFailure, Refused } from "./api.ts";
import { backoff } from "./backoff.ts";
import { locked } from "./locks.ts";
import type { Kept } from "./storage.ts";
import type { Pending } from "./store.ts";
import type { Mark, Marked } from "./types.ts";

const START = "mark/";
/** How often a mark is tried at which the server fails: for one to two minutes. */
const MOST_TRIES = 8;
/** Milliseconds that no wait is longer than, unless the clock was set. */
const LONGEST_WAIT = 900_000;

/** A mark as it is kept. */
interface Queued extends Pending {
  /** How often the server has failed at it. */
  readonly failures?: number;
  /** When it is tried again, in milliseconds since 1970: for all tabs of the browser. */
  readonly due?: number;
}

export interface Settled {
  readonly uid: string;
  readonly answer?: Marked;
  /** The server's refusal, or its last failure; without one it was taken. */
  readonly error?: Error;
}

/**
 * Marks on their way to the server, in their order. All tabs of a person share it, and one of them
 * at a time sends: a reload, or a tab that is closed, loses none.
 *
 * While the server is away all of them wait. One at which it fails is tried again, more and more
 * seldom, and given up in the end; meanwhile those of other items go past it.
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
    const names = this.kept.names(START);
    const waiting: Mark[] = [];
    let next = Infinity;
    for (const name of names) {
      const queued = this.read(name);
      if (this.closed) return;
      if (!queued) {
        this.kept.remove(name);
        continue;
      }
      const { uid, mark } = queued;
      // Of the same item, the later mark is the one that holds.
      const behind = waiting.some((one) => overlap(one, mark));
      const milliseconds = behind ? Infinity : left(queued);
      if (milliseconds > 0) {
        next = Math.min(next, milliseconds);
        waiting.push(mark);
        continue;
      }
      try {
        const answer = await this.send(mark);
        this.failures = 0;
        this.end(name, { uid, answer });
      } catch (error) {
        if (isAway(error)) {
          this.again = false; // what was added meanwhile waits as well
          return this.later(wait(error, this.failures++));
        }
        const failures = (queued.failures ?? 0) + 1;
        if (isFailure(error) && failures < MOST_TRIES) {
          const delay = wait(error, failures - 1);
          this.postpone(name, { ...queued, failures, due: Date.now() + delay });
          next = Math.min(next, delay);
          waiting.push(mark);
        } else this.end(name, { uid, error: error as Error });
      }
    }
    if (next < Infinity) this.later(next);
  }

  private postpone(name: string, queued: Queued): void {
    if (!this.closed) this.kept.set(name, JSON.stringify(queued));
  }

  private end(name: string, settled: Settled): void {
    if (this.closed) return;
    this.kept.remove(name);
    this.settled(settled);
  }

  private later(milliseconds: number): void {
    if (this.closed) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.drain(), milliseconds);
  }

  private read(name: string): Queued | undefined {
    try {
      return JSON.parse(this.kept.get(name) ?? "") as Queued;
    } catch {
      return undefined;
    }
  }
}

/** Return whether both marks may be about the same item. */
function overlap(one: Mark, other: Mark): boolean {
  return !one.ids || !other.ids || one.ids.some((id) => other.ids?.includes(id));
}

/** Return the milliseconds until a mark is tried again. */
function left(queued: Queued): number {
  const milliseconds = (queued.due ?? 0) - Date.now();
  return milliseconds > LONGEST_WAIT ? 0 : milliseconds;
}

/** Return the milliseconds until the next attempt after so many failures. */
function wait(error: unknown, failures: number): number {
  return (error instanceof Refused ? error.retryAfter : undefined) ?? backoff(failures);
}
