import { hasLocks, hold, whenGone } from "../locks.ts";
import type { Feed, FeedOptions } from "./feed.ts";
import type { FromWorker, ToWorker } from "./hub.ts";

/** Milliseconds within which a worker says hello, or there is none: its script may be missing. */
const PATIENCE = 5_000;

/** A stream that a SharedWorker reads for all tabs. */
export class SharedFeed implements Feed {
  private port: MessagePort | undefined;
  private closing = new AbortController();
  private position: number | undefined;
  private greeted = false;
  private joined = false;

  /** `failed` is called where there is no such worker to be had. */
  constructor(
    private readonly options: FeedOptions,
    private readonly script: URL | string | undefined,
    private readonly failed: () => void,
  ) {
    this.open();
  }

  since(position: number): void {
    this.position = Math.max(position, this.position ?? 0);
    this.join();
  }

  wake(): void {
    this.say({ type: "wake" });
  }

  lost(): void {
    this.say({ type: "lost" });
  }

  close(): void {
    this.say({ type: "leave" });
    this.closing.abort();
    this.port?.close();
  }

  private open(): void {
    const { signal } = (this.closing = new AbortController());
    const timer = setTimeout(() => this.fail(), PATIENCE);
    signal.addEventListener("abort", () => clearTimeout(timer));
    const options: WorkerOptions = { type: "module", name: this.options.key };
    // Bundlers copy a file that is named like this. Written within `new SharedWorker(…)`, Vite would
    // want options that are known when it builds.
    const script = this.script || new URL("./worker.js", import.meta.url);
    let worker: SharedWorker;
    try {
      worker = new SharedWorker(script, options);
    } catch {
      clearTimeout(timer);
      queueMicrotask(() => this.fail()); // of another origin, perhaps
      return;
    }
    worker.onerror = () => this.fail();
    this.port = worker.port;
    this.port.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      clearTimeout(timer);
      this.hear(data);
    };
  }

  private hear(message: FromWorker): void {
    if (this.closing.signal.aborted) return;
    switch (message.type) {
      case "hello":
        this.greeted = true;
        whenGone(message.worker, this.closing.signal, () => this.reopen());
        this.join();
        break;
      case "token?":
        this.options.token(message.not).then(
          (token) => this.say({ type: "token", number: message.number, token }),
          () => this.say({ type: "token", number: message.number }),
        );
        break;
      default:
        if ("id" in message) this.position = Math.max(message.id, this.position ?? 0);
        this.options.say(message);
    }
  }

  /** Join once the worker and the list are there. */
  private join(): void {
    if (!this.greeted || this.joined || this.position === undefined) return;
    this.joined = true;
    const { signal } = this.closing;
    const tab = `${this.options.key} tab ${Math.random()}`;
    const join = (): void =>
      this.say({ type: "join", url: this.options.url, since: this.position ?? 0, tab });
    // The worker may wait for the lock only once it is held.
    if (hasLocks()) hold(tab, signal, join);
    else join();
  }

  /** The worker has died. */
  private reopen(): void {
    this.closing.abort();
    this.port?.close();
    this.greeted = this.joined = false;
    this.options.say({ type: "disconnected", retryIn: 0 });
    this.open();
  }

  private fail(): void {
    if (this.greeted || this.closing.signal.aborted) return;
    this.closing.abort();
    this.failed();
  }

  private say(message: ToWorker): void {
    if (!this.closing.signal.aborted) this.port?.postMessage(message);
  }
}
