/** The SharedWorker's side: one stream for the tabs that are connected to it. */
import { hasLocks, hold, whenGone } from "../locks.ts";
import { Stream, type StreamMessage } from "../stream.ts";

export type ToWorker =
  | {
      readonly type: "join";
      readonly url: string;
      readonly since: number;
      /** A lock that the tab holds while it lives. */
      readonly tab: string;
    }
  | { readonly type: "token"; readonly number: number; readonly token?: string }
  | { readonly type: "wake" | "lost" | "leave" };

export type FromWorker =
  | StreamMessage
  /** The first message. `worker`: a lock that the worker holds while it lives. */
  | { readonly type: "hello"; readonly worker: string }
  | { readonly type: "token?"; readonly number: number; readonly not: string };

/** The side of a `MessagePort` that is needed here. */
export interface Port {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}

/** Milliseconds that a tab may take for a token before another one is asked: it may be frozen. */
const PATIENCE = 10_000;

export class Hub {
  private readonly tabs = new Map<Port, AbortController>();
  private readonly asked = new Map<number, (token: string | undefined) => void>();
  private stream: Stream | undefined;
  private number = 0;
  private readonly lock: string;
  /** Tabs may wait for the lock only once it is held. */
  private readonly held: Promise<void>;

  constructor(name: string, private readonly patience = PATIENCE) {
    this.lock = `${name} worker ${Date.now()}`;
    this.held = new Promise((done) => {
      if (hasLocks()) hold(this.lock, new AbortController().signal, done);
      else done();
    });
  }

  /** Take in a tab. */
  connect(port: Port): void {
    port.onmessage = ({ data }) => this.hear(port, data);
    void this.held.then(() => port.postMessage({ type: "hello", worker: this.lock }));
  }

  private hear(port: Port, message: ToWorker): void {
    switch (message.type) {
      case "join":
        this.join(port, message.url, message.since, message.tab);
        break;
      case "token":
        this.asked.get(message.number)?.(message.token);
        break;
      case "wake":
        this.stream?.wake();
        break;
      case "lost":
        this.stream?.lost();
        break;
      case "leave":
        this.leave(port);
    }
  }

  private join(port: Port, url: string, since: number, tab: string): void {
    if (this.tabs.has(port)) return;
    const leaving = new AbortController();
    this.tabs.set(port, leaving);
    whenGone(tab, leaving.signal, () => this.leave(port));
    this.stream ??= new Stream({
      url,
      since,
      token: (not) => this.token(not),
      say: (message) => {
        for (const one of this.tabs.keys()) one.postMessage(message);
      },
    });
    if (!this.stream.connected) return;
    port.postMessage({ type: "connected" });
    // Says where the stream is, by which the tab sees whether it missed something.
    const { position } = this.stream;
    port.postMessage({ type: "told", after: position, id: position, events: [] });
  }

  private leave(port: Port): void {
    this.tabs.get(port)?.abort();
    this.tabs.delete(port);
    if (this.tabs.size) return;
    this.stream?.close();
    this.stream = undefined;
  }

  /** Ask the tabs for a token, the latest one first, until one has answered. */
  private async token(not: string): Promise<string> {
    for (const port of [...this.tabs.keys()].reverse()) {
      const token = await this.ask(port, not);
      if (token) return token;
    }
    throw new Error("No tab has a token");
  }

  private ask(port: Port, not: string): Promise<string | undefined> {
    const number = ++this.number;
    port.postMessage({ type: "token?", number, not });
    return new Promise((done) => {
      const answered = (token: string | undefined): void => {
        clearTimeout(timer);
        this.asked.delete(number);
        done(token);
      };
      const timer = setTimeout(() => answered(undefined), this.patience);
      this.asked.set(number, answered);
    });
  }
}
