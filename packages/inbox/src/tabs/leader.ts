import { backoff } from "../backoff.ts";
import { hold } from "../locks.ts";
import { Stream, type StreamMessage } from "../stream.ts";
import type { Feed, FeedOptions } from "./feed.ts";

type Said = StreamMessage | { readonly type: "hello" };

/**
 * One of the tabs reads the stream and tells the others: whoever holds a lock. The browser gives it
 * to the next one when that tab dies, which goes on from the last event that it was told. A tab that
 * gets no token of its page lets go of the lock for a while: another one's page may have one.
 */
export class LeaderFeed implements Feed {
  private readonly channel: BroadcastChannel;
  private readonly closing = new AbortController();
  /** Ends this tab's part in the lock, until it stands again. */
  private term = new AbortController();
  private stream: Stream | undefined;
  private leads = false;
  private position: number | undefined;
  private failures = 0;
  private rest: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: FeedOptions) {
    this.channel = new BroadcastChannel(`${options.key} stream`);
    this.channel.onmessage = ({ data }: MessageEvent<Said>) => this.hear(data);
    this.stand();
  }

  since(position: number): void {
    this.position = Math.max(position, this.position ?? 0);
    this.lead();
    if (!this.stream) this.channel.postMessage({ type: "hello" });
  }

  wake(): void {
    this.stream?.wake();
    if (this.rest === undefined) return;
    this.failures = 0;
    this.stand();
  }

  lost(): void {
    this.stream?.lost();
  }

  close(): void {
    this.closing.abort();
    this.term.abort();
    clearTimeout(this.rest);
    this.stream?.close();
    this.channel.close();
  }

  /** Wait for the lock, and lead from then on. */
  private stand(): void {
    clearTimeout(this.rest);
    this.rest = undefined;
    const { signal } = (this.term = new AbortController());
    hold(`${this.options.key} leader`, signal, () => {
      this.leads = true;
      this.lead();
    });
  }

  /** Let go of the lock, and stand again later. */
  private resign(): void {
    if (this.closing.signal.aborted) return;
    this.position = this.stream?.position ?? this.position;
    this.stream?.close();
    this.stream = undefined;
    this.leads = false;
    this.term.abort();
    this.rest = setTimeout(() => this.stand(), backoff(this.failures++));
  }

  private async token(not: string): Promise<string> {
    try {
      const token = await this.options.token(not);
      this.failures = 0;
      return token;
    } catch (error) {
      this.resign();
      throw error;
    }
  }

  private lead(): void {
    if (!this.leads || this.position === undefined || this.closing.signal.aborted) return;
    this.stream ??= new Stream({
      url: this.options.url,
      since: this.position,
      token: (not) => this.token(not),
      say: (message) => {
        if (this.closing.signal.aborted) return;
        this.channel.postMessage(message);
        this.options.say(message);
      },
    });
  }

  private hear(message: Said): void {
    if (message.type === "hello") {
      if (!this.stream?.connected) return;
      const { position } = this.stream;
      this.channel.postMessage({ type: "connected" });
      // Says where the stream is, by which the tab sees whether it missed something.
      this.channel.postMessage({ type: "told", after: position, id: position, events: [] });
      return;
    }
    if ("id" in message) this.position = Math.max(message.id, this.position ?? 0);
    this.options.say(message);
  }
}
