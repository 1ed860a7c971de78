/** The client of a person's own inbox. */
import type { Page, Query, Schemas } from "./calls.js";
import { InboxOperations } from "./generated/operations.js";
import type { CallOptions } from "./transport.js";

/** What changed in an inbox. */
export interface InboxEvent {
  /** `ready`, `item`, `deleted`, `counts`, `resync`, `expired` or `restart`. */
  readonly name: string;
  readonly data: unknown;
  /** What `stream` goes on from after this event. */
  readonly id: string;
}

type InboxPage = Page<Schemas["InboxItemOut"]> & {
  readonly last_event_id: string;
  readonly unread: number;
  readonly unseen: number;
};

/**
 * Items of an inbox, newest first.
 *
 * The rest is of the moment at which the first page was read, with the first item that is asked
 * for: `lastEventId` is what `stream` goes on from, and is told all that changes while further pages
 * are read; `unread` and `unseen` count items on all pages.
 */
export class InboxItems implements AsyncIterable<Schemas["InboxItemOut"]> {
  lastEventId = "";
  unread = 0;
  unseen = 0;

  constructor(private readonly pages: AsyncIterable<InboxPage>) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Schemas["InboxItemOut"], void, undefined> {
    for await (const page of this.pages) {
      if (!this.lastEventId) {
        this.lastEventId = page.last_event_id;
        this.unread = page.unread;
        this.unseen = page.unseen;
      }
      yield* page.data;
    }
  }
}

/**
 * The inbox of the person whom the token names: the end user's JWT, not an API key.
 *
 *     const inbox = new InboxClient("https://notifier.example.com", token);
 *     for await (const item of inbox.items({ status: "unread" })) console.log(item.title);
 *     await inbox.mark({ status: "read", all: true });
 */
export class InboxClient extends InboxOperations {
  /** List the inbox's items, newest first; pages are read while iterating. */
  items(query: Query<"list_inbox"> = {}, options: CallOptions = {}): InboxItems {
    return new InboxItems(this.pages<InboxPage>("/v1/inbox", query, options));
  }

  /**
   * Iterate over what changes in the inbox, as it happens, until the connection ends.
   *
   * `since`: the id of the last event, or `lastEventId` of `items`, to be told what was missed; by
   * default what changes from now on. The stream is served by another process: where no proxy is in
   * front, use a client with that one's base URL.
   *
   * @throws NotifierError where the connection is lost: call it again then.
   */
  async *stream(
    { since, signal }: CallOptions & { readonly since?: string } = {},
  ): AsyncGenerator<InboxEvent, void, undefined> {
    const path = "/v1/inbox/stream";
    const call = { method: "GET", path, query: { since }, repeatable: true, ...(signal && { signal }) };
    let fields: Record<string, string> = {};
    for await (const line of this.http.lines(call)) {
      if (line) {
        const colon = line.indexOf(": ");
        if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
        continue;
      }
      const { event: name = "message", data, id = "" } = fields;
      fields = {};
      if (data !== undefined) yield { name, data: JSON.parse(data), id }; // else a heartbeat
    }
  }
}
