import { hasLocks } from "../locks.ts";
import { type Feed, type FeedOptions, LoneFeed } from "./feed.ts";
import { LeaderFeed } from "./leader.ts";
import { SharedFeed } from "./shared.ts";

/** How tabs share a stream: the first way that the browser has. */
export type Sharing = "worker" | "leader" | "none";

/** Open the stream in the first way that the browser has, from `way` on. */
export function openFeed(
  options: FeedOptions,
  way: Sharing = "worker",
  worker?: URL | string,
): OpenFeed {
  return new OpenFeed(options, way, worker);
}

export class OpenFeed implements Feed {
  way!: Sharing;
  private feed!: Feed;
  private position: number | undefined;
  private closed = false;

  constructor(
    private readonly options: FeedOptions,
    way: Sharing,
    private readonly worker: URL | string | undefined,
  ) {
    this.open(way);
  }

  since(position: number): void {
    this.position = position;
    this.feed.since(position);
  }

  wake(): void {
    this.feed.wake();
  }

  lost(): void {
    this.feed.lost();
  }

  close(): void {
    this.closed = true;
    this.feed.close();
  }

  private open(way: Sharing): void {
    if (this.closed) return;
    if (way === "worker" && "SharedWorker" in globalThis) {
      this.way = "worker";
      this.feed = new SharedFeed(this.options, this.worker, () => this.open("leader"));
    } else if (way !== "none" && hasLocks() && "BroadcastChannel" in globalThis) {
      this.way = "leader";
      this.feed = new LeaderFeed(this.options);
    } else {
      this.way = "none";
      this.feed = new LoneFeed(this.options);
    }
    if (this.position !== undefined) this.feed.since(this.position);
  }
}
