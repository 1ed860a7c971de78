/** Defines `<notifier-bell>` alone, and `<notifier-inbox>`, which it opens. */
import { define } from "../define.ts";
import { NotifierBellElement } from "../elements/bell.ts";
import { NotifierInboxElement } from "../elements/inbox.ts";

define({ "notifier-bell": NotifierBellElement, "notifier-inbox": NotifierInboxElement });

export { NotifierBellElement, NotifierInboxElement };
export { attach } from "../define.ts";
export { ENGLISH, type Messages } from "../elements/messages.ts";
