import { Refused } from "../api.ts";
import type { NotifierInbox } from "../client.ts";
import type { Edit } from "../preferences/edits.ts";
import { Preferences } from "../preferences/preferences.ts";
import { AnotherPerson } from "../tokens.ts";
import { h, icon } from "./dom.ts";
import { NotifierElement } from "./element.ts";
import type { Messages } from "./messages.ts";
import { Kinds, Topics } from "./preferences/boxes.ts";
import { Leave, Stopped } from "./preferences/leave.ts";
import { Profile } from "./preferences/profile.ts";
import { Quiet } from "./preferences/quiet.ts";
import type { Page, Section } from "./preferences/section.ts";
import { CSS } from "./preferences/styles.ts";

/** Milliseconds for which it is shown that something is saved. */
const SAID = 4_000;

/** `<notifier-preferences>`: what a person gets, where and when, and everything to change it. */
export class NotifierPreferencesElement extends NotifierElement implements Page {
  private store: Preferences | undefined;
  /** Ends the subscription to the person's signing out. */
  private deaf: (() => void) | undefined;
  private sections: Section[] = [];
  /** What the sections were built with. */
  private spoken: Messages | undefined;
  private tongue: string | undefined;
  private readonly main = h("div");
  private readonly note = h("div");
  // Live regions are there before they say something.
  private readonly status = h("div", { role: "status", "aria-live": "polite" });
  private readonly failed = h("div", { class: "failed", role: "alert" });
  private readonly foot = h("div", { class: "foot", tabindex: "-1" }, this.status, this.failed);
  private said: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super(CSS);
    this.root.append(this.main, this.note, this.foot);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    globalThis.addEventListener("focus", this.anew);
    document.addEventListener("visibilitychange", this.anew);
  }

  override disconnectedCallback(): void {
    globalThis.removeEventListener("focus", this.anew);
    document.removeEventListener("visibilitychange", this.anew);
    super.disconnectedCallback();
    // What is on its way is sent, and then nothing is kept of whoever it was.
    void this.store?.settled.then(() => {
      if (!this.isConnected) this.end();
    });
  }

  /** Make a change: shown at once, and sent. */
  change(edit: Edit): void {
    this.say("");
    this.store?.change(edit);
  }

  protected hear(client: NotifierInbox): (() => void)[] {
    const store = (this.store ??= this.open(client));
    void store.load();
    return [
      store.on("change", () => this.draw()),
      store.on("saved", () => this.say(this.messages.saved)),
      store.on("rolledback", ({ error }) => this.fail(error)),
      client.on("connected", () => {
        if (!this.store) this.client = client; // somebody has signed in again
        else if (!store.shown) void store.load();
      }),
    ];
  }

  private open(client: NotifierInbox): Preferences {
    // Outside of the page, too: the next token may be another person's.
    this.deaf = client.on("signedout", () => this.end());
    return new Preferences((...asked) => client.call(...asked));
  }

  protected override forget(): void {
    this.end();
  }

  protected draw(): void {
    const { store, messages, language } = this;
    if (store?.error instanceof AnotherPerson) return this.end();
    const choices = store?.shown;
    if (choices) {
      if (this.spoken !== messages || this.tongue !== language) this.build();
      for (const section of this.sections) section.draw(choices);
    }
    this.note.replaceChildren(...(choices || !store ? [] : [this.missing(store.error)]));
    if (!store?.failing) this.clear();
  }

  private build(): void {
    this.tongue = this.language;
    this.spoken = this.messages;
    const parts = [Stopped, Kinds, Topics, Quiet, Profile, Leave];
    this.sections = parts.map((Part) => new Part(this));
    this.main.replaceChildren(
      h("header", { part: "header" }, h("h2", {}, this.messages.preferences)),
      ...this.sections.map((section) => section.element),
    );
  }

  /** Forget what was shown: whoever comes next may be another person. */
  private end(): void {
    this.store?.close();
    this.deaf?.();
    this.store = this.spoken = undefined;
    this.sections = [];
    for (const part of [this.main, this.note, this.status, this.failed]) part.replaceChildren();
  }

  private readonly anew = (): void => {
    if (!document.hidden) void this.store?.load(); // another tab may have changed something
  };

  // -- What is said -------------------------------------------------------------------------

  private missing(error: Error | undefined): HTMLElement {
    const { messages } = this;
    if (!error) return h("p", { class: "note", part: "note" }, messages.loading);
    return h(
      "div",
      { class: "note", part: "note", role: "alert" },
      h("p", {}, `${messages.notLoaded} ${detail(error)}`),
      this.button(messages.retry, "retry", () => void this.store?.load()),
    );
  }

  private say(text: string): void {
    clearTimeout(this.said);
    this.status.replaceChildren(...(text ? [h("p", { part: "status" }, icon("read"), text)] : []));
    if (text) this.said = setTimeout(() => this.say(""), SAID);
  }

  private fail(error: Error): void {
    const { messages } = this;
    this.say("");
    this.failed.replaceChildren(
      h(
        "div",
        { part: "error" },
        h("p", {}, `${messages.notSaved} ${detail(error)}`),
        this.button(messages.retry, "retry", () => this.store?.retry()),
        this.button(messages.close, "close", () => {
          this.store?.dismiss();
          this.clear();
        }),
      ),
    );
  }

  private clear(): void {
    const focused = this.failed.contains(this.root.activeElement);
    this.failed.replaceChildren();
    if (focused) this.foot.focus();
  }

  private button(label: string, key: string, press: () => void): HTMLElement {
    return h("button", { type: "button", part: "button", "data-key": key, onclick: press }, label);
  }
}

/** Return what the server says of a call that it refused; nothing where it is out of order. */
function detail(error: Error): string {
  return error instanceof Refused && error.status < 500 ? error.message : "";
}

declare global {
  interface HTMLElementTagNameMap {
    "notifier-preferences": NotifierPreferencesElement;
  }
}
