/** What the API and the stream say: docs/api/inbox.md and docs/api/stream.md have every field. */

export type Severity = "info" | "success" | "warning" | "error";
export type DisplayType = "inbox" | "banner_dismiss" | "banner_nondismiss" | "page" | "popup";
export type Status = "unread" | "read" | "acknowledged";

export interface Item {
  readonly id: number;
  readonly title: string;
  readonly body: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** URLs by label. */
  readonly actions: Readonly<Record<string, string>>;
  readonly severity: Severity;
  readonly display_type: DisplayType;
  readonly source: string;
  readonly status: Status;
  readonly created_at: string;
  readonly expires_at: string;
  readonly seen_at: string | null;
  readonly read_at: string | null;
  readonly acknowledged_at: string | null;
  readonly archived_at: string | null;
  readonly snoozed_until: string | null;
  readonly notification_id: string | null;
}

export interface Counts {
  readonly unread: number;
  readonly unseen: number;
}

export interface Page extends Counts {
  readonly data: readonly Item[];
  readonly next: string | null;
  readonly last_event_id: string;
}

export interface PageQuery {
  status?: Status;
  severity?: Severity;
  source?: string;
  archived?: boolean;
  snoozed?: boolean;
  limit?: number;
  cursor?: string;
}

export type Change =
  | "seen"
  | "read"
  | "unread"
  | "acknowledged"
  | "archived"
  | "snoozed"
  | "restored"
  | "deleted";

/** A change of some items, or of all that are not put away. */
export interface Mark {
  readonly status: Change;
  readonly ids?: readonly number[];
  readonly all?: true;
  readonly snoozed_until?: string;
}

export interface Marked {
  readonly changed: number;
  readonly unknown: readonly number[];
}

/** The lists of an inbox: what is there, and what is put away. */
export type View = "inbox" | "archived" | "snoozed";

/** An event of the stream that changes what a page shows. */
export type Told =
  | { readonly name: "item"; readonly data: Item }
  | { readonly name: "deleted"; readonly data: { readonly id: number } }
  | { readonly name: "counts"; readonly data: Counts };
