import type { NotifierInbox } from "../client.ts";
import { viewOf } from "../marks.ts";
import type { Item } from "../types.ts";
import { h, icon } from "./dom.ts";
import { NotifierElement } from "./element.ts";
import { linksOf, retell, textOf } from "./item_view.ts";

const CSS = `
:host {
  position: fixed; z-index: 1100; inset-block-start: .8rem; inset-inline-end: .8rem;
  inline-size: min(24rem, calc(100vw - 1.6rem)); pointer-events: none;
}
.banners { display: grid; gap: .5rem }
.banner {
  display: flex; align-items: start; gap: .5rem; padding: .7rem .5rem .7rem .9rem;
  border: 1px solid var(--line); border-inline-start: 4px solid var(--info);
  border-radius: var(--radius); background: var(--card); box-shadow: var(--shadow);
  pointer-events: auto;
}
.text-and-links { flex: 1; min-inline-size: 0 }
[data-severity="success"] { border-inline-start-color: var(--success) }
[data-severity="warning"] { border-inline-start-color: var(--warning) }
[data-severity="error"] { border-inline-start-color: var(--error) }
.close { padding: .3rem; color: var(--soft) }
dialog {
  pointer-events: auto; color: inherit; background: var(--card); border: 1px solid var(--line);
  border-radius: var(--radius); padding: 1.4rem; inline-size: min(28rem, calc(100vw - 2rem));
  box-shadow: var(--shadow);
}
dialog:focus-visible { outline-offset: -4px }
dialog::backdrop { background: #0b0d1499 }
dialog.page {
  inline-size: 100vw; block-size: 100vh; max-inline-size: none; max-block-size: none; border: 0;
  border-radius: 0; padding: max(1.4rem, 15vh) max(1.4rem, calc(50vw - 20rem));
}
dialog .title { font-size: 1.25rem; margin-block-end: .4rem }
dialog .meta { margin-block-start: .5rem }
.answer {
  margin-block-start: 1.1rem; padding: .5rem 1.1rem; background: var(--accent);
  color: var(--on-accent); font-weight: 600;
}
.answer:disabled { filter: grayscale(.6); cursor: default }
.answer:hover { background: var(--accent); filter: brightness(1.08) }
`;
/** Banners at a time; further ones follow when one has gone. */
const MOST = 3;
/** Milliseconds for which a new dialog takes no answer: what is pressed then was meant for the page. */
const SETTLED_AFTER = 600;

/** `<notifier-toasts>`: what is to be shown beside the inbox, as its display type says. */
export class NotifierToastsElement extends NotifierElement {
  private readonly banners = h("div", { class: "banners", part: "banners" });
  private readonly dialog = h("dialog", { part: "dialog", tabindex: "-1" });
  /** What is on the screen or waits for it, oldest first. */
  private readonly items = new Map<number, Item>();
  private readonly shown = new Map<number, { item: Item; element: HTMLElement }>();
  private asking: number | undefined;
  private clock: ReturnType<typeof setInterval> | undefined;
  /** Runs until the dialog takes an answer. */
  private settling: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super(CSS);
    this.root.append(this.banners, this.dialog);
    const early = (event: Event): void => {
      if (this.settling === undefined) return;
      event.preventDefault();
      event.stopPropagation();
    };
    this.dialog.addEventListener("click", early, true); // of a link
    this.dialog.addEventListener("cancel", early); // by Escape
    // By Escape: a pop-up may go like this, a page may not.
    this.dialog.addEventListener("close", () => {
      // It comes later than what it tells of: another item may be asked about already.
      if (this.dialog.open) return;
      const item = this.items.get(this.asking ?? 0);
      const goes = item?.display_type === "popup" && this.settling === undefined;
      if (goes) this.end(item, "seen");
      else if (item) this.open();
    });
  }

  override connectedCallback(): void {
    this.clock = setInterval(() => this.tick(), 60_000); // what stays is no longer of "now"
    super.connectedCallback();
  }

  override disconnectedCallback(): void {
    clearInterval(this.clock);
    super.disconnectedCallback();
  }

  protected hear(client: NotifierInbox): (() => void)[] {
    this.follow(client); // it may have changed while this was not in the page
    return [
      client.on("popup", (item) => {
        this.items.set(item.id, item);
        this.draw();
      }),
      client.on("change", () => this.follow(client)),
      client.on("signedout", () => this.clear()),
    ];
  }

  protected draw(): void {
    const all = [...this.items.values()];
    this.drawBanners(all.filter((one) => one.display_type.startsWith("banner")).slice(0, MOST));
    this.drawDialog(all.find((one) => ["page", "popup"].includes(one.display_type)));
  }

  /** Take away what was read, put away or deleted here or anywhere else. */
  private follow(client: NotifierInbox): void {
    for (const id of this.items.keys()) {
      const item = client.item(id);
      const gone = !item || item.read_at !== null || viewOf(item, this.now) !== "inbox";
      if (gone) this.items.delete(id);
      else this.items.set(id, item);
    }
    this.draw();
  }

  private tick(): void {
    const say = (element: Element, item: Item): void =>
      retell(element, item, this.messages, this.language, this.now);
    for (const { item, element } of this.shown.values()) say(element, item);
    const asked = this.items.get(this.asking ?? 0);
    if (asked) say(this.dialog, asked);
  }

  protected override forget(): void {
    this.items.clear();
  }

  private clear(): void {
    this.items.clear();
    this.draw();
  }

  private end(item: Item, status: "seen" | "read" | "acknowledged"): void {
    this.items.delete(item.id);
    void this.client?.mark(status, item.id);
    this.draw();
  }

  private drawBanners(items: Item[]): void {
    for (const [id, { element }] of this.shown) {
      if (items.some((one) => one.id === id)) continue;
      element.remove();
      this.shown.delete(id);
    }
    for (const item of items) {
      if (this.shown.has(item.id)) continue;
      const element = this.banner(item);
      this.shown.set(item.id, { item, element });
      this.banners.append(element);
    }
  }

  private banner(item: Item): HTMLElement {
    return h(
      "section",
      {
        class: "banner",
        part: "banner",
        "aria-label": item.title,
        "data-severity": item.severity,
        "data-id": item.id,
      },
      this.content(item),
      item.display_type === "banner_dismiss" &&
        h(
          "button",
          {
            type: "button",
            class: "close",
            part: "close",
            "aria-label": `${this.messages.close}: ${item.title}`,
            onclick: () => this.end(item, "seen"),
          },
          icon("close"),
        ),
    );
  }

  private content(item: Item): HTMLElement {
    return h(
      "div",
      { class: "text-and-links" },
      textOf(item, this.messages, this.language, this.now),
      linksOf(item, () => this.end(item, "read")),
    );
  }

  private drawDialog(item: Item | undefined): void {
    if (this.asking === item?.id) return;
    this.asking = item?.id;
    if (!item) {
      clearTimeout(this.settling);
      this.settling = undefined;
      this.dialog.close();
      return;
    }
    const isPage = item.display_type === "page";
    const answer = h(
      "button",
      {
        type: "button",
        class: "answer",
        part: "answer",
        onclick: () => this.end(item, isPage ? "acknowledged" : "read"),
      },
      isPage ? this.messages.proceed : this.messages.ok,
    );
    this.dialog.className = isPage ? "page" : "popup";
    this.dialog.setAttribute("aria-label", item.title);
    this.dialog.dataset["severity"] = item.severity;
    this.dialog.replaceChildren(this.content(item), answer);
    this.settle(answer);
    this.open();
  }

  /** Show the dialog with the focus on itself: a key that is being pressed answers nothing. */
  private open(): void {
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.focus();
  }

  /** Take an answer after a while, and none before. */
  private settle(answer: HTMLButtonElement): void {
    answer.disabled = true;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.settling = undefined;
      answer.disabled = false;
    }, SETTLED_AFTER);
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "notifier-toasts": NotifierToastsElement;
  }
}
