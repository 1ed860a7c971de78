/** The words of the elements. Give an element other ones: `element.messages = {...}`. */

import type { Cadence } from "../preferences/types.ts";

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
  preferences: string;
  /** By channel; one of the company's own is called as it is. */
  channel: Record<string, string>;
  kinds: string;
  /** Said of what cannot be refused. */
  always: string;
  topics: string;
  noTopics: string;
  by(publisher: string): string;
  howOften: string;
  howOftenElse: string;
  asSent: string;
  cadence: Record<Cadence, string>;
  quiet: string;
  quietText: string;
  quietOn: string;
  quietOwn: string;
  quietCompany: string;
  quietUntil(time: string): string;
  quietZone(zone: string): string;
  quietDays: string;
  quietFrom: string;
  quietTo: string;
  quietHint: string;
  quietChannels: string;
  quietSave: string;
  quietRemove: string;
  quietWrong: string;
  unsaved: string;
  profile: string;
  locale: string;
  zone: string;
  leave: string;
  leaveText: string;
  leaveAll: string;
  leaveSure: string;
  cancel: string;
  stopped: string;
  stoppedText: string;
  saved: string;
  notSaved: string;
  notLoaded: string;
  retry: string;
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
  preferences: "What you get from us",
  channel: {
    push: "Push notification",
    sms: "Text message",
    email: "Email",
    webhook: "Webhook",
    inbox: "In the app",
  },
  kinds: "Kinds of messages",
  always: "Always sent: this cannot be refused.",
  topics: "What you are subscribed to",
  noTopics: "You are not subscribed to anything.",
  by: (publisher) => `From ${publisher}`,
  howOften: "How often",
  howOftenElse: "How often, where nothing is chosen above",
  asSent: "As the sender chooses",
  cadence: {
    at_once: "At once",
    hourly: "Once an hour at most",
    daily: "Once a day",
    weekly: "Once a week",
  },
  quiet: "Quiet hours",
  quietText:
    "What can wait is sent to you when they are over. What is critical or urgent comes at once.",
  quietOn: "Have quiet hours",
  quietOwn: "These are your own.",
  quietCompany: "These are the same for everybody. What you change becomes your own.",
  quietUntil: (time) => `It is quiet now, until ${time}.`,
  quietZone: (zone) => `The times are those of this time zone: ${zone}.`,
  quietDays: "Days on which they begin",
  quietFrom: "From",
  quietTo: "Until",
  quietHint: "They end on the next day, unless the second time is later than the first.",
  quietChannels: "Where nothing disturbs you",
  quietSave: "Save quiet hours",
  quietRemove: "Use those for everybody",
  quietWrong: "Give quiet hours two times that differ.",
  unsaved: "Not saved yet.",
  profile: "Language and time",
  locale: "Language",
  zone: "Time zone",
  leave: "Leave everything",
  leaveText:
    "Nothing will be sent to you any more, on any channel, except what cannot be refused. You can come back here and choose again.",
  leaveAll: "Leave everything that can be left",
  leaveSure: "Yes, leave everything",
  cancel: "Cancel",
  stopped: "Text messages are stopped",
  stoppedText:
    "You wrote STOP. So nothing is sent to you as a text message, whatever else you choose here. To get them again, write START to the number that they came from.",
  saved: "Saved.",
  notSaved: "That was not saved, and is shown as it was.",
  notLoaded: "This could not be loaded.",
  retry: "Try again",
};
