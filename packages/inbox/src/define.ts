/** Makes elements known to the browser, and gives them their client. */
import type { NotifierInbox } from "./client.ts";
import type { NotifierElement } from "./elements/element.ts";

const NAMES: readonly (keyof HTMLElementTagNameMap)[] = [
  "notifier-bell",
  "notifier-inbox",
  "notifier-preferences",
  "notifier-toasts",
];

/** Define elements by their names. A page may have the library twice: the first one stays. */
export function define(elements: Readonly<Record<string, typeof HTMLElement>>): void {
  for (const [name, element] of Object.entries(elements)) {
    if (globalThis.customElements && !customElements.get(name)) customElements.define(name, element);
  }
}

/** Give all elements of a page, or of a part of it, their client. */
export function attach(client: NotifierInbox, root: ParentNode = document): void {
  const defined = NAMES.filter((name) => customElements.get(name));
  if (!defined.length) return;
  for (const one of root.querySelectorAll<NotifierElement>(defined.join(","))) one.client = client;
}
