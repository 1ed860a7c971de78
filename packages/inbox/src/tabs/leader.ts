import { hold } from "../locks.ts";
import { Stream, type StreamMessage } from "../stream.ts";
import type { Feed, FeedOptions } from "./feed.ts";

type Said = StreamMessage | { readonly type: "hello" };

/**
 * One of the tabs reads the stream and tells the others: whoever holds a lock. The browser gives it
 * to the next one when that tab dies, which goes on from the last event that it was told.
 */
export class LeaderFeed implements Feed {
  private readonly channel: BroadcastChannel;
  private readonly closing = new AbortController();
  private stream: Stream | undefined;
  private leads = false;
  private position: number | undefined;

  constructor(private readonly options: FeedOptions) {
    this.channel = new BroadcastChannel(`${options.key} stream`);
    this.channel.onmessage = ({ data }: MessageEvent<Said>) => this.hear(data);
    hold(`${options.key} leader`, this.closing.signal, () => {
      this.leads = true;
      this.lead();
    });
  }

  since(position: number): void {
    this.position = Math.max(position, this.position ?? 0);
    this.lead();
    if (!this.stream) this.channel.postMessage({ type: "hello" });
  }

  wake(): void {
    this.stream?.wake();
  }

  lost(): void {
    this.stream?.lost();
  }

  close(): void {
    this.closing.abort();
    this.stream?.close();
    this.channel.close();
  }

  private lead(): void {
    if (!this.leads || this.position === undefined || this.closing.signal.aborted) return;
    this.stream ??= new Stream({
      url: this.options.url,
      since: this.position,
      token: this.options.token,
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
