/** Defines `<notifier-inbox>` alone. */
import { define } from "../define.ts";
import { NotifierInboxElement } from "../elements/inbox.ts";

define({ "notifier-inbox": NotifierInboxElement });

export { NotifierInboxElement };
export { attach } from "../define.ts";
export { ENGLISH, type Messages } from "../elements/messages.ts";
