import { Api, isFailure } from "./api.ts";
import { Clock } from "./clock.ts";
import { Emitter } from "./emitter.ts";
import type { InboxEvents, InboxOptions } from "./options.ts";
import { inCalls, unique } from "./marks.ts";
import { Outbox, type Settled } from "./outbox.ts";
import { actOnPage } from "./page.ts";
import { Kept } from "./storage.ts";
import { type Difference, type Pending, Store } from "./store.ts";
import type { Heard, StreamMessage } from "./stream.ts";
import { Popups } from "./popups.ts";
import { Channel, type Chat } from "./tabs/channel.ts";
import { type OpenFeed, openFeed, type Sharing } from "./tabs/open.ts";
import { AnotherPerson, Tokens } from "./tokens.ts";
import { tried } from "./trying.ts";
import type { Change, Counts, Item, Mark, Marked, Page, PageQuery, View } from "./types.ts";

/** Longest time that a timer of a browser can wait. */
const LONGEST_TIMER = 2_147_483_647;

interface Waiting {
  resolve(answer: Marked): void;
  reject(error: Error): void;
}

/** A person's inbox in a page. `connect` lists it, and then hears what changes. */
export class NotifierInbox extends Emitter<InboxEvents> {
  /** Whether the stream is open now. */
  connected = false;

  private readonly api: Api;
  private readonly tokens: Tokens;
  private readonly clock = new Clock();
  private readonly store = new Store(this.clock.now);
  private readonly streamUrl: string;
  private readonly base: string;
  private feed: OpenFeed | undefined;
  private outbox: Outbox | undefined;
  private channel: Channel | undefined;
  private popups: Popups | undefined;
  private kept: Kept | undefined;
  private connecting: Promise<void> | undefined;
  private position = 0;
  /** How often the inbox was listed from its beginning. */
  private listed = 0;
  /** What the stream tells while pages are being read, for each of them. */
  private readonly paging = new Set<Heard[]>();
  /** What the stream told while the inbox was being listed. */
  private held: StreamMessage[] | undefined;
  private readonly waiting = new Map<string, Waiting>();
  private expiry: ReturnType<typeof setTimeout> | undefined;
  private ended = new AbortController();

  constructor(private readonly options: InboxOptions) {
    super();
    const here = globalThis.location?.href;
    const absolute = (url: string): string => new URL(url || "/", here).href.replace(/\/+$/, "");
    this.base = absolute(options.url);
    this.streamUrl = `${absolute(options.streamUrl ?? options.url)}/v1/inbox/stream`;
    this.tokens = new Tokens(options.token, this.clock.now);
    this.api = new Api(this.base, this.tokens, this.clock);
  }

  get counts(): Counts {
    return this.store.counts;
  }

  /** The inbox, newest first, as far as its pages were read. */
  get items(): readonly Item[] {
    return this.store.list("inbox");
  }

  /** Whose inbox it is, once a token has said so. */
  get person(): string | undefined {
    return this.tokens.person;
  }

  /** How this tab shares the stream with the others, once it is connected. */
  get sharing(): Sharing | undefined {
    return this.feed?.way;
  }

  /** Return the server's time, in milliseconds since 1970: this device's clock may be wrong. */
  now(): number {
    return this.clock.now();
  }

  item(id: number): Item | undefined {
    return this.store.item(id);
  }

  /** Return one of the lists, as far as its pages were read. */
  list(view: View = "inbox"): readonly Item[] {
    return this.store.list(view);
  }

  /** Return whether a list has further pages; `undefined` before its first one. */
  hasMore(view: View = "inbox"): boolean | undefined {
    return this.store.listed(view) ? this.store.next(view) !== null : undefined;
  }

  /** List the inbox and open the stream. Done once the first page is there. */
  connect(): Promise<void> {
    this.connecting ??= this.begin();
    return this.connecting;
  }

  /** Read the next page of a list, the first one if there was none; return the whole list. */
  async more(view: View = "inbox"): Promise<readonly Item[]> {
    const cursor = this.store.next(view) ?? undefined;
    if (this.store.listed(view) && cursor === undefined) return this.list(view);
    const { signal } = this.ended;
    const { listed } = this;
    const told: Heard[] = [];
    this.paging.add(told);
    try {
      const page = await this.api.page({ ...this.query(view), ...(cursor ? { cursor } : {}) });
      if (signal.aborted || listed !== this.listed) return this.list(view); // of another list
      this.show(this.store.append(page, view));
      // The page may be older than what the stream has told since it was asked for.
      const at = Number(page.last_event_id);
      this.show(this.store.tell(told.filter(({ id }) => id > at)));
    } finally {
      this.paging.delete(told);
    }
    return this.list(view);
  }

  /** Read a page as the API answers it, filtered and perhaps of any size. */
  page(query: PageQuery = {}): Promise<Page> {
    return this.api.page(query);
  }

  /**
   * Mark items, or "all" that are not put away. It is shown at once, and taken back if the server
   * refuses. Done once the server has taken it, which may be when the network is back. Whoever does
   * not wait for that is told of a refusal by the event `rolledback`.
   */
  mark(status: Change, which: number | readonly number[] | "all", until?: Date): Promise<Marked> {
    const answer = this.markAll(status, which, until);
    answer.catch(() => {});
    return answer;
  }

  private async markAll(
    status: Change,
    which: number | readonly number[] | "all",
    until?: Date,
  ): Promise<Marked> {
    const ids = which === "all" ? this.all(status) : [which].flat();
    const snoozed = until ? { snoozed_until: until.toISOString() } : {};
    if (ids === undefined) return this.put({ status, all: true, ...snoozed });
    const calls = inCalls(ids).map((some) => this.put({ status, ids: some, ...snoozed }));
    const found = await Promise.all(calls);
    return {
      changed: found.reduce((sum, one) => sum + one.changed, 0),
      unknown: found.flatMap((one) => one.unknown),
    };
  }

  /** Call anything else that the person's token opens, as `/v1/me`. */
  call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.api.call(method, path, body);
  }

  /** End this person's inbox in all tabs of this browser, and forget what is kept of it here. */
  signOut(): void {
    this.channel?.say({ type: "signout" });
    this.leave("signed-out");
  }

  /** Close this page's part; what waits to be sent is kept for the next one. */
  disconnect(): void {
    this.ended.abort();
    this.feed?.close();
    this.outbox?.close();
    this.channel?.close();
    clearTimeout(this.expiry);
    for (const one of this.waiting.values()) one.reject(new Error("disconnected"));
    this.waiting.clear();
    this.feed = this.outbox = this.channel = this.popups = undefined;
    this.connecting = this.held = undefined;
    this.setConnected(false);
  }

  private async begin(): Promise<void> {
    this.ended = new AbortController();
    const { signal } = this.ended;
    await this.tried(() => this.tokens.get());
    if (signal.aborted) return;
    const key = `notifier-inbox/1 ${this.base} ${encodeURIComponent(this.person ?? "")}`;
    const kept = (this.kept = new Kept(`${key} `));
    this.outbox = new Outbox(
      kept,
      `${key} marks`,
      (mark) => this.api.mark(mark),
      (settled) => this.settle(settled),
    );
    this.channel = new Channel(`${key} tabs`, (said) => this.hearTab(said));
    for (const pending of this.outbox.waiting()) this.show(this.store.mark(pending));
    this.listen(signal);
    const fresh = (): Item[] => this.store.fresh();
    const pop = (item: Item): void => this.emit("popup", item);
    this.popups = new Popups(kept, `${key} popup`, fresh, pop, this.clock.now, signal);
    const feed = {
      key,
      url: this.streamUrl,
      token: (not: string) => this.token(not),
      say: (message: StreamMessage) => this.hear(message),
    };
    this.feed = openFeed(feed, this.options.sharing, this.options.worker);
    void this.outbox.drain();
    await this.relist();
  }

  private listen(signal: AbortSignal): void {
    const back = (): void => this.wake();
    const offline = (): void => this.feed?.lost();
    actOnPage({ back, offline, restored: () => void this.relist() }, signal);
  }

  private wake(): void {
    this.feed?.wake();
    void this.outbox?.drain();
  }

  /** List the inbox from its beginning; what the stream tells meanwhile is shown after it. */
  private async relist(): Promise<void> {
    if (this.held) return; // it is being listed
    this.held = [];
    const { signal } = this.ended;
    const page = await this.tried(() => this.api.page(this.query("inbox")));
    if (signal.aborted || !page) return;
    this.position = Number(page.last_event_id);
    const held = this.held ?? [];
    this.held = undefined;
    this.listed += 1;
    this.show(this.store.replace(page), true);
    // Another tab has sent these while this one slept.
    const waits = new Set(this.outbox?.waiting().map((one) => one.uid));
    for (const { uid } of this.store.marks) {
      if (!waits.has(uid)) this.show(this.store.settle(uid, false));
    }
    this.feed?.since(this.position);
    for (const message of held) this.hear(message);
  }

  private hear(message: StreamMessage): void {
    switch (message.type) {
      case "connected":
        this.setConnected(true);
        void this.outbox?.drain();
        break;
      case "disconnected":
        this.setConnected(false, message.retryIn);
        break;
      case "failed":
        this.emit("error", new Error(message.detail));
        break;
      case "resync":
        // The list that is awaited may be older than this.
        if (this.held) this.held.push(message);
        // A lower one, too: the database may have been replaced by an older one.
        else if (message.id !== this.position) void this.relist();
        break;
      case "told":
        if (this.held) this.held.push(message);
        // What came before these events has not reached this tab: it slept, or joined late.
        else if (message.after > this.position) void this.relist();
        else this.tell(message.id, message.events);
    }
  }

  private tell(id: number, events: readonly Heard[]): void {
    const fresh = events.filter((one) =>
      one.name === "counts" ? one.id >= this.position : one.id > this.position,
    );
    this.position = Math.max(this.position, id);
    for (const told of this.paging) told.push(...fresh);
    this.show(this.store.tell(fresh));
  }

  private put(mark: Mark): Promise<Marked> {
    const { outbox } = this;
    if (!outbox) return Promise.reject(new Error("connect() first"));
    const pending: Pending = {
      uid: unique(),
      mark,
      when: new Date(this.now()).toISOString(),
      upTo: this.store.newest,
    };
    outbox.add(pending);
    this.show(this.store.mark(pending));
    this.channel?.say({ type: "mark", pending });
    const answer = new Promise<Marked>((resolve, reject) =>
      this.waiting.set(pending.uid, { resolve, reject }),
    );
    void outbox.drain();
    return answer;
  }

  /** Another tab of the same person says something. */
  private hearTab(said: Chat): void {
    if (said.type === "signout") this.leave("signed-out");
    else if (said.type === "mark") this.show(this.store.mark(said.pending));
    else this.settled({ uid: said.uid, ...(said.error ? { error: new Error(said.error) } : {}) });
  }

  private settle(settled: Settled): void {
    const { uid, error } = settled;
    this.channel?.say({ type: "settled", uid, ...(error ? { error: error.message } : {}) });
    this.settled(settled);
    if (error && isFailure(error)) this.emit("error", error);
  }

  private settled({ uid, answer, error }: Settled): void {
    const pending = this.store.marks.find((one) => one.uid === uid);
    this.show(this.store.settle(uid, error === undefined));
    if (error && pending) this.emit("rolledback", { mark: pending.mark, error });
    const caller = this.waiting.get(uid);
    this.waiting.delete(uid);
    if (error) caller?.reject(error);
    else caller?.resolve(answer ?? { changed: 0, unknown: [] });
  }

  /**
   * Return the ids of all, so that a mark which is sent later does not touch what came meanwhile;
   * `undefined` where not all of them are here.
   */
  private all(status: Change): number[] | undefined {
    if (status === "restored" || this.hasMore() !== false) return undefined;
    return this.items.map((item) => item.id);
  }

  /** Tell what has changed. `listed`: the list was begun anew, which is told if it is empty, too. */
  private show(difference: Difference, listed = false): void {
    const { items, deleted, counts } = difference;
    this.await();
    this.popups?.look(items);
    if (!items.length && !deleted.length && !counts && !listed) return;
    for (const item of items) this.emit("item", item);
    for (const id of deleted) this.emit("deleted", { id });
    if (counts) this.emit("counts", this.counts);
    this.emit("change", difference);
  }

  /** Wait for the next item to expire: nobody tells of it. */
  private await(): void {
    clearTimeout(this.expiry);
    const next = this.store.expires();
    if (next === Infinity || this.ended.signal.aborted) return;
    const wait = Math.min(Math.max(next - this.now(), 0) + 1, LONGEST_TIMER);
    this.expiry = setTimeout(() => this.show(this.store.expire()), wait);
  }

  private setConnected(connected: boolean, retryIn = 0): void {
    if (connected === this.connected) return;
    this.connected = connected;
    if (connected) this.emit("connected", undefined);
    else this.emit("disconnected", { retryIn });
  }

  private query(view: View): PageQuery {
    const put = view === "inbox" ? {} : { [view]: true };
    return { limit: this.options.pageSize ?? 20, ...put };
  }

  private async token(not: string): Promise<string> {
    try {
      return await this.tokens.get(not);
    } catch (error) {
      if (error instanceof AnotherPerson) this.leave("another-person");
      throw error;
    }
  }

  private tried<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    const failed = (error: Error): void => {
      if (error instanceof AnotherPerson) this.leave("another-person");
      else this.emit("error", error);
    };
    return tried(work, failed, this.ended.signal);
  }

  private leave(reason: InboxEvents["signedout"]["reason"]): void {
    this.disconnect();
    this.kept?.clear();
    this.kept = undefined;
    this.tokens.forget();
    this.show(this.store.clear(), true);
    this.emit("signedout", { reason });
  }
}
