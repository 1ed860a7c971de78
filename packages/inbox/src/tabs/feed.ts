/** Where a tab hears the stream: a connection of its own, or one that it shares with others. */
import { Stream, type StreamMessage } from "../stream.ts";

export interface FeedOptions {
  /** Names what tabs share: the same for the tabs of one person at one service alone. */
  readonly key: string;
  readonly url: string;
  readonly token: (not: string) => Promise<string>;
  readonly say: (message: StreamMessage) => void;
}

export interface Feed {
  /** Begin after this event, unless the shared connection is open already. */
  since(position: number): void;
  /** The network or the page is back. */
  wake(): void;
  /** The network has gone. */
  lost(): void;
  close(): void;
}

/** A stream of this tab's own. */
export class LoneFeed implements Feed {
  private stream: Stream | undefined;

  constructor(private readonly options: FeedOptions) {}

  since(position: number): void {
    this.stream ??= new Stream({ ...this.options, since: position });
  }

  wake(): void {
    this.stream?.wake();
  }

  lost(): void {
    this.stream?.lost();
  }

  close(): void {
    this.stream?.close();
  }
}
