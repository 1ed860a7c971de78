import type { NotifierInbox } from "../client.ts";
import { announce } from "./announcer.ts";
import { ENGLISH, type Messages } from "./messages.ts";
import { COMMON, sheet } from "./styles.ts";

/** A server that renders pages has no elements, and may import this all the same. */
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

/** What the elements have in common: their client, words, language and looks. */
export abstract class NotifierElement extends Base {
  protected readonly root: ShadowRoot;
  private inbox: NotifierInbox | undefined;
  private words: Messages = ENGLISH;
  private leaving: (() => void)[] = [];
  private frame: number | undefined;

  constructor(css: string) {
    super();
    this.root = this.attachShadow({ mode: "open" });
    this.root.adoptedStyleSheets = [sheet(COMMON), sheet(css)];
  }

  /** The inbox that it shows. */
  get client(): NotifierInbox | undefined {
    return this.inbox;
  }

  set client(client: NotifierInbox | undefined) {
    this.leave();
    if (client !== this.inbox) this.forget();
    this.inbox = client;
    if (this.isConnected) this.enter();
  }

  /** Its words; those that are left out stay English. */
  get messages(): Messages {
    return this.words;
  }

  set messages(words: Partial<Messages>) {
    this.words = { ...ENGLISH, ...words };
    if (this.isConnected) this.draw();
  }

  /** The person's language: the attribute `lang` of the element or of what it is in. */
  get language(): string | undefined {
    return (this.closest("[lang]") as HTMLElement | null)?.lang || undefined;
  }

  /** The server's time: what is said to be a minute old is so whatever this device's clock says. */
  protected get now(): number {
    return this.inbox?.now() ?? Date.now();
  }

  connectedCallback(): void {
    this.enter();
  }

  disconnectedCallback(): void {
    this.leave();
  }

  /** Forget what was shown of another client: it may be another person's. */
  protected forget(): void {}

  /** Show what there is. */
  protected abstract draw(): void;

  /** Show what there is with the next frame: once, however much changes until then. */
  protected drawSoon(): void {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.draw();
    });
  }

  /** Return functions that end the subscriptions to this client. */
  protected abstract hear(client: NotifierInbox): (() => void)[];

  private enter(): void {
    this.leave();
    if (this.inbox) {
      this.leaving = this.hear(this.inbox);
      announce(this.inbox, () => this.messages);
    }
    this.draw();
  }

  private leave(): void {
    for (const end of this.leaving) end();
    this.leaving = [];
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
    this.frame = undefined;
  }
}
