import type { NotifierInbox } from "../client.ts";
import { h, icon } from "./dom.ts";
import { NotifierElement } from "./element.ts";
import { NotifierInboxElement } from "./inbox.ts";

const CSS = `
:host { display: inline-block; position: relative }
.bell { position: relative; padding: .5rem; border-radius: 999px }
.bell svg { inline-size: 1.5rem; block-size: 1.5rem }
.badge {
  position: absolute; inset-block-start: -.1rem; inset-inline-end: -.2rem; min-inline-size: 1.25rem;
  padding: 0 .3rem; border-radius: 999px; background: var(--badge); color: var(--on-badge);
  font-size: .75rem; font-weight: 700; line-height: 1.25rem; text-align: center;
}
.panel {
  position: absolute; z-index: 1000; inset-block-start: calc(100% + .4rem); inset-inline-end: 0;
  inline-size: min(26rem, calc(100vw - 1rem)); max-block-size: min(38rem, calc(100vh - 6rem));
  overflow: auto; border: 1px solid var(--line); border-radius: var(--radius);
  background: var(--card); box-shadow: var(--shadow);
}
@media (max-width: 480px) {
  .panel {
    position: fixed; inset-block-start: var(--below); inset-inline: .5rem; inline-size: auto;
    max-block-size: max(16rem, calc(100vh - var(--below) - 1rem));
  }
}
`;
const MOST = 99;

/** `<notifier-bell>`: how many items are new, and the inbox behind it. */
export class NotifierBellElement extends NotifierElement {
  private readonly badge = h("span", { class: "badge", part: "badge", "aria-hidden": "true" });
  private readonly button = h(
    "button",
    { type: "button", class: "bell", part: "button", "aria-haspopup": "dialog", onclick: () => this.toggle() },
    icon("bell"),
    this.badge,
  );
  private readonly panel = h("div", { class: "panel", part: "panel", role: "dialog", tabindex: "-1" });
  private content: NotifierInboxElement | undefined;

  constructor() {
    super(CSS);
    this.panel.hidden = true;
    this.root.append(this.button, this.panel);
    this.root.addEventListener("keydown", (event) => {
      if ((event as KeyboardEvent).key === "Escape" && this.open) this.close(true);
    });
  }

  /** Whether the inbox is shown. */
  get open(): boolean {
    return !this.panel.hidden;
  }

  override disconnectedCallback(): void {
    this.close();
    super.disconnectedCallback();
  }

  /** Show the inbox, or hide it. */
  toggle(): void {
    if (this.open) this.close(true);
    else this.show();
  }

  protected hear(client: NotifierInbox): (() => void)[] {
    return [client.on("counts", () => this.drawSoon()), client.on("signedout", () => this.close())];
  }

  protected override forget(): void {
    this.close();
    if (this.content) this.content.client = undefined;
  }

  protected draw(): void {
    const { messages, client } = this;
    const unseen = client?.counts.unseen ?? 0;
    this.badge.hidden = !unseen;
    this.badge.textContent = unseen > MOST ? `${MOST}+` : String(unseen);
    this.button.setAttribute("aria-label", messages.bell(unseen));
    this.button.setAttribute("aria-expanded", String(this.open));
    this.panel.setAttribute("aria-label", messages.title);
  }

  private show(): void {
    // Made now and not with the bell: most pages never open it.
    this.content ??= document.createElement("notifier-inbox") as NotifierInboxElement;
    const theme = this.getAttribute("theme");
    if (theme) this.content.setAttribute("theme", theme);
    this.content.setAttribute("exportparts", "header, list, item, title, body, meta, action, tools, tool, empty, more");
    if (this.language) this.content.lang = this.language;
    this.content.client = this.client;
    this.content.messages = this.messages;
    this.panel.append(this.content);
    const { bottom } = this.button.getBoundingClientRect();
    this.panel.style.setProperty("--below", `${Math.max(bottom, 0) + 6}px`);
    this.panel.hidden = false;
    this.draw();
    this.panel.focus();
    document.addEventListener("pointerdown", this.outside);
  }

  private close(focus = false): void {
    if (!this.open) return;
    this.panel.hidden = true;
    this.content?.remove();
    document.removeEventListener("pointerdown", this.outside);
    this.draw();
    if (focus) this.button.focus();
  }

  private readonly outside = (event: Event): void => {
    if (!event.composedPath().includes(this)) this.close();
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "notifier-bell": NotifierBellElement;
  }
}
