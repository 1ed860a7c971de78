/** Defines `<notifier-toasts>` alone. */
import { define } from "../define.ts";
import { NotifierToastsElement } from "../elements/toasts.ts";

define({ "notifier-toasts": NotifierToastsElement });

export { NotifierToastsElement };
export { attach } from "../define.ts";
export { ENGLISH, type Messages } from "../elements/messages.ts";
