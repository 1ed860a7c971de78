export { Refused } from "./api.ts";
export { NotifierInbox } from "./client.ts";
export type { InboxEvents, InboxOptions } from "./options.ts";
export { AnotherPerson } from "./tokens.ts";
export type * from "./types.ts";
export type { Sharing } from "./tabs/open.ts";
