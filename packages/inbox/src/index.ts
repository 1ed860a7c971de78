export { Refused } from "./api.ts";
export { type InboxEvents, type InboxOptions, NotifierInbox } from "./client.ts";
export { AnotherPerson } from "./tokens.ts";
export type * from "./types.ts";
