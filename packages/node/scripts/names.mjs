// What the OpenAPI document does not say of an operation: its method's name, and what a repetition does.

/** Names other than the operation's own: those of the Python client. */
export const NAMES = {
  acknowledge_notification: "acknowledge",
  add_suppression: "suppress",
  cancel_notification: "cancel",
  change_inbox: "mark",
  change_status_webhook: "update_status_webhook",
  change_topic: "update_topic",
  count_unread: "unread",
  create_stream_ticket: "stream_ticket",
  delete_inbox_item: "delete",
  dry_run_notify: "dry_run_users",
  dry_run_notify_group: "dry_run_group",
  grant_topic: "grant",
  list_deliveries: "deliveries",
  change_my_preferences: "change_preferences",
  list_my_categories: "categories",
  list_my_topics: "topics",
  list_recipient_deliveries: "deliveries_to",
  read_category: "get_category",
  read_group: "get_group",
  read_me: "me",
  read_my_preferences: "get_preferences",
  read_my_quiet_hours: "get_quiet_hours",
  read_preferences: "get_preferences",
  read_quiet_hours: "get_quiet_hours",
  read_recipient: "get_recipient",
  read_schedule: "get_schedule",
  read_status_webhook: "get_status_webhook",
  read_template: "get_template",
  read_topic: "get_topic",
  register_device: "add_device",
  remove_my_quiet_hours: "remove_quiet_hours",
  replace_my_preferences: "set_preferences",
  replace_my_quiet_hours: "set_quiet_hours",
  replace_preferences: "set_preferences",
  replace_quiet_hours: "set_quiet_hours",
  replay_notification: "replay",
  withdraw_grant: "revoke",
};

/** Operations whose methods are in client.ts and inbox.ts. */
export const BY_HAND = new Set(["list_inbox", "stream_inbox", "subscribe", "upsert_recipients"]);

/** Operations that providers call, and neither publishers nor end users. */
export const NOT_FOR_CLIENTS = new Set(["take_receipt", "take_reply"]);

/**
 * Operations by POST, PATCH or DELETE that do the same when they are done twice. GET and PUT always
 * do, and so does what carries an Idempotency-Key; all others are repeated only where the first
 * request cannot have had an effect.
 */
export const REPEATABLE = new Set([
  "abort_bulk_action",
  "acknowledge_notification",
  "add_contact",
  "add_members",
  "add_suppression",
  "cancel_notification",
  "change_inbox",
  "change_me",
  "change_my_preferences",
  "change_preferences",
  "change_status_webhook",
  "change_topic",
  "confirm",
  "dry_run_notify",
  "dry_run_notify_group",
  "dry_run_publish",
  "edit_notification",
  "erase_recipient",
  "find_contact",
  "leave_everything",
  "pause_schedule",
  "preview_template",
  "redrive",
  "register_device",
  "remove_members",
  "remove_my_quiet_hours",
  "remove_quiet_hours",
  "resume_schedule",
  "revoke_api_key",
  "skip_occurrence",
  "unsubscribe",
  "withdraw_grant",
]);
