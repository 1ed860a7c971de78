/** The client of a publisher. */
import type { PublishOptions, Replayable, Schemas } from "./calls.js";
import { ConnectionFailed, StillSending } from "./errors.js";
import { NotifierOperations } from "./generated/operations.js";
import { type CallOptions, pause, segment } from "./transport.js";

/** Most items that the API takes in one call. */
const BULK = 1_000;

/** A notification without its recipients. */
export type Message = Omit<Schemas["NotifyIn"], "user_id" | "user_ids" | "audience">;

/**
 * A client of the API at a base URL (without `/v1`), with a key or a JWT of your identity provider.
 *
 * It has a method for each operation: what is in the path comes first, then the body or the query
 * as the API's documentation has it, then options. Lists are asynchronous iterators, which read
 * pages while they are iterated.
 *
 * Requests that are safe to repeat are repeated on connection errors, 429, 502, 503 and 504, with
 * growing, jittered waits, for at most `retryFor` milliseconds. Publishing is always safe, since it
 * carries an Idempotency-Key. Other errors are thrown at once, as a `NotifierError`.
 *
 * So a call, repetitions included, is over after `retryFor`, or after `timeout` where that is
 * longer. Methods that make several calls have that for each: lists, `upsertRecipients`,
 * `subscribeMany`, `redriveAll`.
 */
export class NotifierClient extends NotifierOperations {
  /**
   * Notify 1 to 1,000 recipients.
   *
   *     await client.notifyUsers(["ada"], { content: { title: "Shipped", body: "It is on its way." } });
   */
  notifyUsers(
    userIds: readonly string[],
    message: Message,
    options?: PublishOptions,
  ): Promise<Replayable<Schemas["TakenOut"]>> {
    return this.notify({ user_ids: userIds, ...message }, options);
  }

  /**
   * Notify the people whom an earlier notification of yours did not reach, each once.
   *
   * `states`: those that all of a person's deliveries have to be in; by default any in which it did
   * not arrive.
   */
  notifyUnreached(
    notificationId: string,
    { states, ...message }: Message & Pick<Schemas["AudienceIn"], "states">,
    options?: PublishOptions,
  ): Promise<Replayable<Schemas["TakenOut"]>> {
    const audience = { not_reached_by: notificationId, ...(states && { states }) };
    return this.notify({ audience, ...message }, options);
  }

  /**
   * Wait until nothing more is to be sent, and return the notification.
   *
   * @throws StillSending after `timeout` milliseconds, whether or not the service answers then.
   */
  async wait(
    notificationId: string,
    { timeout = 60_000, signal }: CallOptions & { readonly timeout?: number } = {},
  ): Promise<Schemas["NotificationOut"]> {
    const ends = performance.now() + timeout;
    const call = {
      method: "GET",
      path: `/v1/notifications/${segment(notificationId)}`,
      repeatable: true,
      ...(signal && { signal }),
    };
    let known = "not known";
    let cause: unknown;
    for (let between = 50; ; between = Math.min(1_000, between * 1.5)) {
      const left = ends - performance.now();
      try {
        const answer = await this.http.request(call, left);
        const found = answer.body as Schemas["NotificationOut"];
        if (found.state === "done" || found.state === "cancelled") return found;
        known = `${found.state}: ${JSON.stringify(found.counts)}`;
        cause = undefined;
      } catch (error) {
        if (!(error instanceof ConnectionFailed) || left > this.http.longest) throw error;
        cause = error;
      }
      if (performance.now() + between > ends) {
        throw new StillSending(`After ${timeout} ms notification ${notificationId} is ${known}.`, { cause });
      }
      await pause(between, signal);
    }
  }

  /** Create or change any number of recipients, 1,000 a call; return results in their order. */
  upsertRecipients(
    recipients: Iterable<Schemas["BulkRecipientIn"]>,
    options: CallOptions = {},
  ): Promise<Schemas["RecipientResult"][]> {
    return inSlices(recipients, (part) => {
      const path = "/v1/recipients/bulk";
      return this.call({ method: "POST", path, body: { recipients: part }, repeatable: true, ...options });
    });
  }

  /**
   * Subscribe a recipient on channels, or a bare endpoint. A repetition changes nothing.
   *
   *     await client.subscribe("orders", { user_id: "ada", channels: ["push", "inbox"] });
   *     await client.subscribe("orders", { channel: "email", address: "desk@example.com" });
   */
  subscribe(
    topic: string,
    subscriber: Schemas["SubscriptionIn"],
    options: CallOptions = {},
  ): Promise<Schemas["SubscribedOut"]> {
    return this.postSubscriptions(topic, subscriber, options);
  }

  /** Subscribe any number to a topic, 1,000 a call; return results in their order. */
  subscribeMany(
    topic: string,
    subscribers: Iterable<Schemas["SubscriptionIn"]>,
    options: CallOptions = {},
  ): Promise<Schemas["SubscriptionResult"][]> {
    return inSlices(subscribers, (part) => this.postSubscriptions(topic, { subscriptions: part }, options));
  }

  /** Redrive all your dead letters that match, in as many calls as needed; return the number. */
  async redriveAll(match: Schemas["MatchIn"] = {}, options: CallOptions = {}): Promise<number> {
    let total = 0;
    let cursor: string | null | undefined;
    for (;;) {
      const done: Schemas["RedrivenOut"] = await this.redrive({ match, ...(cursor && { cursor }) }, options);
      total += done.redriven;
      if (!done.more) return total;
      cursor = done.next;
    }
  }

  private postSubscriptions<Answer>(topic: string, body: object, options: CallOptions): Promise<Answer> {
    const path = `/v1/topics/${segment(topic)}/subscriptions`;
    return this.call({ method: "POST", path, body, repeatable: true, ...options });
  }
}

/** Make a bulk call for each 1,000 of `items`; return all results, with the index in `items`. */
async function inSlices<Item, Result extends { readonly index: number }>(
  items: Iterable<Item>,
  bulk: (part: Item[]) => Promise<{ readonly results: readonly Result[] }>,
): Promise<Result[]> {
  const all = [...items];
  const found: Result[] = [];
  for (let start = 0; start < all.length; start += BULK) {
    const { results } = await bulk(all.slice(start, start + BULK));
    found.push(...results.map((result) => ({ ...result, index: start + result.index })));
  }
  return found;
}
