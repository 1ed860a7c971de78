/** Defines all elements: `import "notifier-inbox/elements"`. */
import { define } from "./define.ts";
import { NotifierBellElement } from "./elements/bell.ts";
import { NotifierInboxElement } from "./elements/inbox.ts";
import { NotifierPreferencesElement } from "./elements/preferences.ts";
import { NotifierToastsElement } from "./elements/toasts.ts";

define({
  "notifier-bell": NotifierBellElement,
  "notifier-inbox": NotifierInboxElement,
  "notifier-preferences": NotifierPreferencesElement,
  "notifier-toasts": NotifierToastsElement,
});

export {
  NotifierBellElement,
  NotifierInboxElement,
  NotifierPreferencesElement,
  NotifierToastsElement,
};
export { attach } from "./define.ts";
export { ENGLISH, type Messages } from "./elements/messages.ts";
