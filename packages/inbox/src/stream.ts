import { refusal, Refused } from "./api.ts";
import { backoff, spread } from "./backoff.ts";
import { EventParser, type ServerEvent } from "./sse.ts";
import type { Told } from "./types.ts";

/** Milliseconds without a byte after which a connection is dead: heartbeats come every 25 s. */
const SILENCE = 60_000;
/** Milliseconds after which a connection was a good one: the next failure is a first one. */
const STEADY = 5_000;
/** Milliseconds until a page that may not read the stream asks again. */
const FORBIDDEN = 300_000;

/** An event, and the id from which a stream goes on after it. */
export type Heard = Told & { readonly id: number };

/** What whoever reads the stream says to those who show it. */
export type StreamMessage =
  | {
      readonly type: "told";
      /** The ids before and after these events: who has not had all before them missed something. */
      readonly after: number;
      readonly id: number;
      readonly events: readonly Heard[];
    }
  | { readonly type: "resync"; readonly id: number }
  | { readonly type: "connected" }
  | { readonly type: "disconnected"; readonly retryIn: number }
  | { readonly type: "failed"; readonly status: number; readonly detail: string };

export interface StreamOptions {
  readonly url: string;
  /** The id of the last event, or `last_event_id` of a list. */
  readonly since: number;
  /** Return a token; `not`: one that has expired or was refused. */
  readonly token: (not: string) => Promise<string>;
  readonly say: (message: StreamMessage) => void;
}

/** A connection to the stream that comes back by itself, from where it was. */
export class Stream {
  position: number;
  connected = false;

  private failures = 0;
  private spent = "";
  private expired = false;
  private refusals = 0;
  private heardAt = 0;
  private connectedAt = 0;
  /** Milliseconds after which the server wants to be called again, once it has said so. */
  private retry = 0;
  private readonly closing = new AbortController();
  private attempt = new AbortController();
  private awake: () => void = () => {};
  /** The server has said how long to wait: a page that comes back does not make it shorter. */
  private told = false;
  /** What has come together and is passed on together, and the id before it. */
  private gathered: Heard[] = [];
  private before = 0;

  constructor(private readonly options: StreamOptions) {
    this.position = options.since;
    void this.run();
  }

  close(): void {
    this.closing.abort();
    this.attempt.abort();
    this.awake();
  }

  /** Connect at once if it waits, or if it has heard nothing for long: the network is back. */
  wake(): void {
    if (this.connected && Date.now() - this.heardAt > SILENCE / 2) this.attempt.abort();
    this.failures = 0;
    if (!this.told) this.awake();
  }

  /** The network has gone: do not wait for a silence. */
  lost(): void {
    if (this.connected) this.attempt.abort();
  }

  private async run(): Promise<void> {
    while (!this.closing.signal.aborted) {
      let wait = 0;
      this.told = false;
      try {
        wait = await this.connect();
      } catch (error) {
        wait = this.failed(error);
      }
      if (this.closing.signal.aborted) return;
      this.connected = false;
      this.options.say({ type: "disconnected", retryIn: wait });
      await new Promise<void>((done) => {
        const timer = setTimeout(done, wait);
        this.awake = () => {
          clearTimeout(timer);
          done();
        };
      });
      this.awake = () => {};
    }
  }

  /** Read the stream until it ends; return after how many milliseconds to connect again. */
  private async connect(): Promise<number> {
    this.attempt = new AbortController();
    const { signal } = this.attempt;
    const token = await this.options.token(this.spent);
    const watchdog = new Watchdog(SILENCE, () => this.attempt.abort());
    try {
      if (this.closing.signal.aborted) return 0;
      const response = await fetch(this.options.url, {
        headers: { Authorization: `Bearer ${token}`, "Last-Event-ID": String(this.position) },
        cache: "no-store",
        credentials: "omit",
        signal,
      });
      if (response.status === 401) this.spent = token;
      if (!response.ok || !response.body) throw await refusal(response);
      this.refusals = 0;
      this.expired = false;
      return await this.read(response.body.getReader(), watchdog, token);
    } finally {
      watchdog.stop();
    }
  }

  private async read(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    watchdog: Watchdog,
    token: string,
  ): Promise<number> {
    const parser = new EventParser();
    let waiting: Told[] = [];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      watchdog.feed();
      this.heardAt = Date.now();
      const found = parser.read(value);
      this.retry = parser.retry ?? this.retry;
      try {
        for (const event of found) waiting = this.take(event, waiting);
      } finally {
        this.pass();
      }
      if (found.some((event) => event.name === "expired")) {
        this.spent = token;
        this.expired = true;
      }
    }
    return this.expired ? 0 : this.pause(this.retry);
  }

  /**
   * Gather what is complete, and return what waits for its id: only the last one of the events
   * that belong together has one, and after an interruption they all come again.
   */
  private take(event: ServerEvent, waiting: Told[]): Told[] {
    const id = event.id ? Number(event.id) : this.position;
    switch (event.name) {
      case "ready":
        this.pass();
        this.connected = true;
        this.connectedAt = Date.now();
        this.options.say({ type: "connected" });
        this.gather(id, [{ name: "counts", data: JSON.parse(event.data) }]);
        return [];
      case "item":
      case "deleted":
      case "counts":
        waiting.push({ name: event.name, data: JSON.parse(event.data) });
        if (!event.id) return waiting;
        this.gather(id, waiting);
        return [];
      case "resync":
        this.pass();
        this.position = id;
        this.options.say({ type: "resync", id });
        return [];
      default:
        return waiting;
    }
  }

  private gather(id: number, events: readonly Told[]): void {
    if (!this.gathered.length) this.before = this.position;
    this.gathered.push(...events.map((event) => ({ ...event, id })));
    this.position = id;
  }

  /** Pass on what was gathered: thousands of events may come at once, and are drawn together. */
  private pass(): void {
    const { before: after, position: id, gathered: events } = this;
    this.gathered = [];
    if (events.length) this.options.say({ type: "told", after, id, events });
  }

  /** Return how long to wait after a connection that has ended; `least`: at least so long. */
  private pause(least = 0): number {
    if (this.connected && Date.now() - this.connectedAt > STEADY) this.failures = 0;
    return Math.max(backoff(this.failures++), spread(least));
  }

  private failed(error: unknown): number {
    // What was given up here comes back soon: it is alone. A process that is killed cuts off many.
    if (!(error instanceof Refused)) return this.pause(this.attempt.signal.aborted ? 0 : this.retry);
    const { status, message: detail } = error;
    // The first refusal of a token is that it was too old, and the next one will do.
    if (status === 401 && this.refusals++ === 0) return 0;
    this.options.say({ type: "failed", status, detail });
    this.told = error.retryAfter !== undefined || status === 403;
    if (error.retryAfter !== undefined) return spread(error.retryAfter);
    return status === 403 ? FORBIDDEN : this.pause();
  }
}

/** Calls back after a silence. */
class Watchdog {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly silence: number,
    private readonly bark: () => void,
  ) {
    this.feed();
  }

  feed(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.bark, this.silence);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
