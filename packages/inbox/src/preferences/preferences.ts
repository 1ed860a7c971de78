import { Emitter } from "../emitter.ts";
import type { Call, Edit } from "./edits.ts";
import type { Category, Choices, Me, QuietHours, Topic } from "./types.ts";

export interface PreferenceEvents {
  /** What is shown has changed, or whether it could be loaded. */
  change: undefined;
  /** Everything that was changed is saved. */
  saved: undefined;
  /** A change was not saved, and what it showed is taken back. */
  rolledback: { readonly edit: Edit; readonly error: Error };
}

/**
 * A person's choices: as the server has them, with changes that are on their way on top. Changes
 * are sent one after the other, and then everything is read again: one may change what others come
 * to, and another tab may have made some.
 */
export class Preferences extends Emitter<PreferenceEvents> {
  /** Why the choices could not be read the last time. */
  error: Error | undefined;

  private known: Choices | undefined;
  private readonly waiting: Edit[] = [];
  /** Changes that were not saved, to be tried again. */
  private failed: Edit[] = [];
  private reading: Promise<void> | undefined;
  private sending: Promise<void> | undefined;
  /** How many changes are through: what was read before one of them is not shown any more. */
  private done = 0;
  private closed = false;

  constructor(private readonly api: Call) {
    super();
  }

  /** What to show; `undefined` before the first answer. */
  get shown(): Choices | undefined {
    return this.known && this.waiting.reduce((shown, edit) => edit.show(shown), this.known);
  }

  /** Whether there are changes that were not saved, to be tried again or given up. */
  get failing(): boolean {
    return this.failed.length > 0;
  }

  /** Done once no change is on its way. */
  get settled(): Promise<void> {
    return this.sending ?? Promise.resolve();
  }

  /** Read the choices again, unless changes are on their way: they are read after these. */
  load(): Promise<void> {
    if (this.sending) return this.sending;
    this.reading ??= this.read().finally(() => (this.reading = undefined));
    return this.reading;
  }

  /** Make a change: shown at once, and taken back where the server does not take it. */
  change(edit: Edit): void {
    this.failed = this.failed.filter((one) => one.key !== edit.key);
    this.waiting.push(edit);
    this.emit("change", undefined);
    this.sending ??= this.send();
  }

  /** Make the changes again that were not saved. */
  retry(): void {
    for (const edit of this.failed) this.change(edit);
  }

  /** Give up those that were not saved. */
  dismiss(): void {
    this.failed = [];
  }

  /** Send nothing any more: the next token may be another person's. */
  close(): void {
    this.closed = true;
    this.known = undefined;
    this.waiting.length = 0;
    this.failed = [];
  }

  private readonly call: Call = (method, path, body) => {
    if (this.closed) return Promise.reject(new Error("the person has signed out meanwhile"));
    return this.api(method, path, body);
  };

  private async send(): Promise<void> {
    let saved = true;
    for (let edit = this.waiting[0]; edit; edit = this.waiting[0]) {
      const error = await this.sent(edit);
      if (this.closed) return;
      this.done += 1;
      this.waiting.shift();
      if (error) {
        saved = false;
        this.failed.push(edit);
        this.emit("rolledback", { edit, error });
      } else if (this.known) this.known = edit.show(this.known);
      this.emit("change", undefined);
    }
    this.sending = undefined;
    if (saved) this.emit("saved", undefined);
    await this.load();
  }

  private async sent(edit: Edit): Promise<Error | undefined> {
    try {
      await edit.send(this.call);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  private async read(): Promise<void> {
    let done: number;
    do {
      done = this.done;
      try {
        const choices = await this.answers();
        if (done !== this.done || this.closed) continue;
        this.known = choices;
        this.error = undefined;
      } catch (error) {
        this.error = error as Error;
      }
    } while (done !== this.done && !this.closed);
    if (!this.closed) this.emit("change", undefined);
  }

  private async answers(): Promise<Choices> {
    const [me, { categories }, { topics }, quiet] = await Promise.all([
      this.call<Me>("GET", "/v1/me"),
      this.call<{ categories: Category[] }>("GET", "/v1/me/categories"),
      this.call<{ topics: Topic[] }>("GET", "/v1/me/topics"),
      this.call<QuietHours>("GET", "/v1/me/quiet-hours"),
    ]);
    return { me, categories, topics, quiet };
  }
}
