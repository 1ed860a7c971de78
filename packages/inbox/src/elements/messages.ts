/** The words of the elements. Give an element other ones: `element.messages = {...}`. */

export interface Messages {
  title: string;
  /** What the bell is called; `count` is what is new. */
  bell(count: number): string;
  /** Said to screen readers, once for a burst. */
  arrived(count: number): string;
  inbox: string;
  snoozed: string;
  archived: string;
  empty: string;
  loading: string;
  more: string;
  readAll: string;
  read: string;
  unread: string;
  archive: string;
  restore: string;
  snooze: string;
  delete: string;
  isUnread: string;
  hour: string;
  tomorrow: string;
  week: string;
  until(time: string): string;
  close: string;
  ok: string;
  proceed: string;
  offline: string;
  refused: string;
  severity: Record<"info" | "success" | "warning" | "error", string>;
}

export const ENGLISH: Messages = {
  title: "Notifications",
  bell: (count) => (count ? `Notifications, ${count} new` : "Notifications"),
  arrived: (count) => (count === 1 ? "A new notification" : `${count} new notifications`),
  inbox: "Inbox",
  snoozed: "Snoozed",
  archived: "Archived",
  empty: "Nothing here.",
  loading: "Loading…",
  more: "Show more",
  readAll: "Mark all as read",
  read: "Mark as read",
  unread: "Mark as unread",
  archive: "Archive",
  restore: "Put back",
  snooze: "Snooze",
  delete: "Delete",
  isUnread: "Unread",
  hour: "In an hour",
  tomorrow: "Tomorrow, 9:00",
  week: "In a week",
  until: (time) => `Back ${time}`,
  close: "Close",
  ok: "OK",
  proceed: "Continue",
  offline: "You are offline. What you do here is sent later.",
  refused: "That did not work, and was taken back.",
  severity: { info: "Information", success: "Success", warning: "Warning", error: "Error" },
};
