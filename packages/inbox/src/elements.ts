/** Defines the elements: `import "notifier-inbox/elements"`. */
import type { NotifierInbox } from "./client.ts";
import { NotifierBellElement } from "./elements/bell.ts";
import { NotifierInboxElement } from "./elements/inbox.ts";
import type { NotifierElement } from "./elements/element.ts";
import { NotifierPreferencesElement } from "./elements/preferences.ts";
import { NotifierToastsElement } from "./elements/toasts.ts";

const ELEMENTS = {
  "notifier-bell": NotifierBellElement,
  "notifier-inbox": NotifierInboxElement,
  "notifier-preferences": NotifierPreferencesElement,
  "notifier-toasts": NotifierToastsElement,
};

for (const [name, element] of Object.entries(ELEMENTS)) {
  // A page may have the library twice.
  if (globalThis.customElements && !customElements.get(name)) customElements.define(name, element);
}

/** Give all elements of a page, or of a part of it, their client. */
export function attach(client: NotifierInbox, root: ParentNode = document): void {
  const names = Object.keys(ELEMENTS).join(",");
  for (const one of root.querySelectorAll<NotifierElement>(names)) one.client = client;
}

export {
  NotifierBellElement,
  NotifierInboxElement,
  NotifierPreferencesElement,
  NotifierToastsElement,
};
export { ENGLISH, type Messages } from "./elements/messages.ts";

declare global {
  interface HTMLElementTagNameMap {
    "notifier-bell": NotifierBellElement;
    "notifier-inbox": NotifierInboxElement;
    "notifier-preferences": NotifierPreferencesElement;
    "notifier-toasts": NotifierToastsElement;
  }
}
