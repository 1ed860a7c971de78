/** How a client is made, and what it tells. */
import type { Difference } from "./store.ts";
import type { Sharing } from "./tabs/open.ts";
import type { AskToken } from "./tokens.ts";
import type { Counts, Item, Mark } from "./types.ts";

export interface InboxOptions {
  /** Where the API is, as `https://notifier.example.com`; empty for the page's own origin. */
  url: string;
  /** Where the stream is, if no proxy sends it there from `url`. */
  streamUrl?: string;
  /** Return the person's token; asked again whenever it has expired. */
  token: AskToken;
  /** Items of a page, 20 by default, 100 at most. */
  pageSize?: number;
  /** How tabs share a stream; by default the first way of these that the browser has. */
  sharing?: Sharing;
  /** Where the package's `worker.js` is, if not beside this module. It is of the page's origin. */
  worker?: URL | string;
}

export interface InboxEvents {
  /** An item is new or has changed. */
  item: Item;
  /** An item was deleted or has expired. */
  deleted: { readonly id: number };
  counts: Counts;
  /** Anything of the above, once for all that came together: what to draw anew on. */
  change: Difference;
  /** An item is to be shown beside the inbox, in this one of the tabs in sight. */
  popup: Item;
  connected: undefined;
  disconnected: { readonly retryIn: number };
  /** A mark was refused, or given up after the server failed at it; what it showed is taken back. */
  rolledback: { readonly mark: Mark; readonly error: Error };
  /** Something failed and is tried again, or was tried in vain for long: a mark. */
  error: Error;
  signedout: { readonly reason: "signed-out" | "another-person" };
}
