/** What tabs of a person tell each other beside the stream. */
import type { Pending } from "../store.ts";

export type Chat =
  | { readonly type: "mark"; readonly pending: Pending }
  | { readonly type: "settled"; readonly uid: string; readonly error?: string }
  | { readonly type: "signout" };

/** A `BroadcastChannel`, and what it does by the events of `localStorage` where there is none. */
export class Channel {
  private readonly channel: BroadcastChannel | undefined;
  private readonly closing = new AbortController();

  constructor(
    private readonly name: string,
    hear: (message: Chat) => void,
  ) {
    if ("BroadcastChannel" in globalThis) {
      this.channel = new BroadcastChannel(name);
      this.channel.onmessage = ({ data }: MessageEvent<Chat>) => hear(data);
      return;
    }
    const stored = ({ key, newValue }: StorageEvent): void => {
      if (key === name && newValue) hear(JSON.parse(newValue) as Chat);
    };
    globalThis.addEventListener?.("storage", stored, { signal: this.closing.signal });
  }

  say(message: Chat): void {
    if (this.channel) {
      this.channel.postMessage(message);
      return;
    }
    try {
      localStorage.setItem(this.name, JSON.stringify(message));
      localStorage.removeItem(this.name); // or the same message again would be no event
    } catch {
      // Nothing may be kept here: each tab is by itself.
    }
  }

  close(): void {
    this.closing.abort();
    this.channel?.close();
  }
}
