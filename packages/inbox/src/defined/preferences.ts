/** Defines `<notifier-preferences>` alone. */
import { define } from "../define.ts";
import { NotifierPreferencesElement } from "../elements/preferences.ts";

define({ "notifier-preferences": NotifierPreferencesElement });

export { NotifierPreferencesElement };
export { attach } from "../define.ts";
export { ENGLISH, type Messages } from "../elements/messages.ts";
