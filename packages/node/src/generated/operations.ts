// Generated from the OpenAPI document by `npm run generate`. Do not edit.

import { Calls, type PublishOptions, type Query, type Replayable, type Schemas } from "../calls.js";
import { type CallOptions, segment } from "../transport.js";

/** Operations that a publisher's key opens. */
export abstract class NotifierOperations extends Calls {
  /** List your keys, including revoked ones, oldest first. */
  listApiKeys(options: CallOptions = {}): AsyncGenerator<Schemas["KeyRow"], void, undefined> {
    return this.rows(`/v1/api-keys`, {}, options);
  }

  /**
   * Create a key. It is shown in this response only.
   *
   * The new key has the rate limit of the key that makes the request, if that has one. It ends
   * no later than that key or token, and is revoked with that key.
   */
  createApiKey(body: Schemas["NewKey"], options: CallOptions = {}): Promise<Schemas["KeyMade"]> {
    return this.call({ method: "POST", path: `/v1/api-keys`, body, repeatable: false, ...options });
  }

  /**
   * Revoke a key and every key that it made, at once and for good.
   *
   * With `family=true` also the keys that it replaced or that replaced it by rotation, and the
   * keys that those made: everything that somebody who had the key could have obtained.
   */
  revokeApiKey(prefix: string, query: Query<"revoke_api_key"> = {}, options: CallOptions = {}): Promise<void> {
    return this.call({ method: "DELETE", path: `/v1/api-keys/${segment(prefix)}`, query, repeatable: true, ...options });
  }

  /**
   * Replace a key by one with the same scopes; the old one works for `grace_seconds` longer.
   *
   * The new key ends no later than the key that makes the request. Only a key can rotate keys;
   * a token of your identity provider cannot (409).
   */
  rotateApiKey(prefix: string, body: Schemas["Rotation"] = {}, options: CallOptions = {}): Promise<Schemas["KeyMade"]> {
    return this.call({ method: "POST", path: `/v1/api-keys/${segment(prefix)}/rotate`, body, repeatable: false, ...options });
  }

  /** List changes of your objects, made by you or by operators, newest first. */
  listAuditEvents(query: Query<"list_audit_events"> = {}, options: CallOptions = {}): AsyncGenerator<Schemas["EventOut"], void, undefined> {
    return this.rows(`/v1/audit`, query, options);
  }

  /** List your bulk actions, newest first. */
  listBulkActions(query: Query<"list_bulk_actions"> = {}, options: CallOptions = {}): AsyncGenerator<Schemas["BulkActionOut"], void, undefined> {
    return this.rows(`/v1/bulk-actions`, query, options);
  }

  /**
   * Redrive, release or cancel everything of yours that matches, in the background.
   *
   * `redrive` sends dead letters again. `release` tries deliveries now that wait for another
   * attempt since a provider failed. `cancel` cancels notifications. Only what was there before
   * the call is acted on, so a call that is repeated does no harm.
   */
  beginBulkAction(body: Schemas["BulkActionIn"], options: CallOptions = {}): Promise<Schemas["BulkActionOut"]> {
    return this.call({ method: "POST", path: `/v1/bulk-actions`, body, repeatable: false, ...options });
  }

  /** Read how far a bulk action is. */
  getBulkAction(actionId: string, options: CallOptions = {}): Promise<Schemas["BulkActionOut"]> {
    return this.call({ method: "GET", path: `/v1/bulk-actions/${segment(actionId)}`, repeatable: true, ...options });
  }

  /**
   * End a bulk action. What it has done stays done, and it does nothing after the answer.
   *
   * One that is done already, or was ended, stays as it is.
   */
  abortBulkAction(actionId: string, options: CallOptions = {}): Promise<Schemas["BulkActionOut"]> {
    return this.call({ method: "POST", path: `/v1/bulk-actions/${segment(actionId)}/abort`, repeatable: true, ...options });
  }

  /** List the categories, oldest first. */
  listCategories(options: CallOptions = {}): AsyncGenerator<Schemas["CategoryOut"], void, undefined> {
    return this.rows(`/v1/categories`, {}, options);
  }

  /** Read a category. Its name is the same in any case. */
  getCategory(name: string, options: CallOptions = {}): Promise<Schemas["CategoryOut"]> {
    return this.call({ method: "GET", path: `/v1/categories/${segment(name)}`, repeatable: true, ...options });
  }

  /**
   * Create or change a category. What is left out stays as it is.
   *
   * The catalogue is the whole installation's. Texts need one in the default locale. 201 when
   * created, 200 when changed; what was accepted before keeps the kind that it had.
   */
  putCategory(name: string, body: Schemas["CategoryIn"] = {}, options: CallOptions = {}): Promise<Schemas["CategoryOut"]> {
    return this.call({ method: "PUT", path: `/v1/categories/${segment(name)}`, body, repeatable: true, ...options });
  }

  /**
   * Delete a category that no topic and no template names.
   *
   * Nor is a critical one deleted: give it another kind first. What people refused under that
   * name stays refused.
   */
  deleteCategory(name: string, options: CallOptions = {}): Promise<void> {
    return this.call({ method: "DELETE", path: `/v1/categories/${segment(name)}`, repeatable: false, ...options });
  }

  /**
   * Confirm a subscription with the token that was sent to its address.
   *
   * Needs no API key. A token can be used again while it is valid; the subscription is active
   * afterwards in either case.
   */
  confirm(body: Schemas["ConfirmationIn"], options: CallOptions = {}): Promise<Schemas["ConfirmedOut"]> {
    return this.call({ method: "POST", path: `/v1/confirmations`, body, repeatable: true, ...options });
  }

  /**
   * List your dead letters, newest first: out of attempts, or our credentials failed.
   *
   * Each stays until it is redriven.
   */
  listDeadLetters(query: Query<"list_dead_letters"> = {}, options: CallOptions = {}): AsyncGenerator<Schemas["DeadLetterRow"], void, undefined> {
    return this.rows(`/v1/dead-letters`, query, options);
  }

  /** Read one of your dead letters with every attempt. */
  getDeadLetter(deliveryId: string, options: CallOptions = {}): Promise<Schemas["DeadLetterOut"]> {
    return this.call({ method: "GET", path: `/v1/dead-letters/${segment(deliveryId)}`, repeatable: true, ...options });
  }

  /**
   * Send dead letters again, now, from the start of their retry policy.
   *
   * A call redrives up to 10,000. It reads a limited number of rows, so it may redrive fewer, or
   * none, while others match. While `more` is true, call again with `next` as the `cursor`.
   * What something else is changing at this moment is left as it is, and listed in `busy`: call
   * again with these ids.
   * Expiry, cancellation, suppressions and preferences still apply to a redriven delivery. What
   * they said is deleted some days after they were posted; one that is named then is refused
   * with 410, and nothing is redriven. Those that only match are left out and counted in `gone`.
   */
  redrive(body: Schemas["RedriveIn"] = {}, options: CallOptions = {}): Promise<Schemas["RedrivenOut"]> {
    return this.call({ method: "POST", path: `/v1/dead-letters/redrive`, body, repeatable: true, ...options });
  }

  /**
   * Explain in sentences why somebody got a notification or did not.
   *
   * The delivery says who and which. On every channel: what decided, each attempt, what the
   * providers reported, and what comes next. Operators read the same in the admin.
   */
  explainDelivery(deliveryId: string, options: CallOptions = {}): Promise<Schemas["Explanation"]> {
    return this.call({ method: "GET", path: `/v1/deliveries/${segment(deliveryId)}/why`, repeatable: true, ...options });
  }

  /** Read how far the erasure of a person is. */
  getErasure(erasureId: string, options: CallOptions = {}): Promise<Schemas["Erasure"]> {
    return this.call({ method: "GET", path: `/v1/erasures/${segment(erasureId)}`, repeatable: true, ...options });
  }

  /** List your groups, oldest first. */
  listGroups(options: CallOptions = {}): AsyncGenerator<Schemas["GroupOut"], void, undefined> {
    return this.rows(`/v1/groups`, {}, options);
  }

  /** Read a group of yours. */
  getGroup(name: string, options: CallOptions = {}): Promise<Schemas["GroupOut"]> {
    return this.call({ method: "GET", path: `/v1/groups/${segment(name)}`, repeatable: true, ...options });
  }

  /**
   * Create a group, or change its display name.
   *
   * Names belong to one publisher: another publisher's group of the same name is another group.
   * 201 when created, 200 when changed.
   */
  putGroup(name: string, body: Schemas["GroupIn"] = {}, options: CallOptions = {}): Promise<Schemas["GroupOut"]> {
    return this.call({ method: "PUT", path: `/v1/groups/${segment(name)}`, body, repeatable: true, ...options });
  }

  /**
   * Delete a group of yours. Its members stay recipients.
   *
   * Notifications to it that are not yet fanned out into deliveries reach nobody any more.
   */
  deleteGroup(name: string, options: CallOptions = {}): Promise<void> {
    return this.call({ method: "DELETE", path: `/v1/groups/${segment(name)}`, repeatable: false, ...options });
  }

  /** List a group's members in the order they joined. */
  listMembers(name: string, options: CallOptions = {}): AsyncGenerator<Schemas["MemberRow"], void, undefined> {
    return this.rows(`/v1/groups/${segment(name)}/members`, {}, options);
  }

  /**
   * Add up to 1,000 recipients. Those who are in the group already stay in it.
   *
   * `unknown` lists the ids that are no recipients; the others are added all the same.
   */
  addMembers(name: string, body: Schemas["MembersIn"], options: CallOptions = {}): Promise<Schemas["MembersAdded"]> {
    return this.call({ method: "POST", path: `/v1/groups/${segment(name)}/members`, body, repeatable: true, ...options });
  }

  /** Remove up to 1,000 recipients from a group. Those who are not in it are no error. */
  removeMembers(name: string, body: Schemas["MembersIn"], options: CallOptions = {}): Promise<Schemas["MembersRemoved"]> {
    return this.call({ method: "POST", path: `/v1/groups/${segment(name)}/members/remove`, body, repeatable: true, ...options });
  }

  /**
   * Notify everybody in a group of yours. 202: it is stored durably.
   *
   * Without `channels`, each member is notified on every channel they can be reached on that has
   * a provider.
   */
  notifyGroup(name: string, body: Schemas["PublishIn"] = {}, options: PublishOptions = {}): Promise<Replayable<Schemas["TakenOut"]>> {
    return this.keyed({ method: "POST", path: `/v1/groups/${segment(name)}/notify`, body }, options);
  }

  /**
   * Say how many members would get it, when, and why the others would not.
   *
   * Nothing is accepted, counted or sent. Large groups are estimated as topics are.
   */
  dryRunGroup(name: string, body: Schemas["PublishIn"] = {}, options: CallOptions = {}): Promise<Schemas["DryRunOut"]> {
    return this.call({ method: "POST", path: `/v1/groups/${segment(name)}/notify/dry-run`, body, repeatable: true, ...options });
  }

  /**
   * List your notifications, newest first, or those that meet all of the criteria.
   *
   * With `user_id` they are in the order in which their first delivery to that person was made;
   * what has not been sent to them yet is not listed.
   */
  listNotifications(query: Query<"list_notifications"> = {}, options: CallOptions = {}): AsyncGenerator<Schemas["NotificationOut"], void, undefined> {
    return this.rows(`/v1/notifications`, query, options);
  }

  /**
   * Notify 1 to 1,000 recipients. 202: it is stored durably.
   *
   * Or, with an `audience`, up to 100,000 whom an earlier notification did not reach.
   */
  notify(body: Schemas["NotifyIn"] = {}, options: PublishOptions = {}): Promise<Replayable<Schemas["TakenOut"]>> {
    return this.keyed({ method: "POST", path: `/v1/notifications`, body }, options);
  }

  /** Read its state, and its deliveries counted by channel and state. */
  getNotification(notificationId: string, options: CallOptions = {}): Promise<Schemas["NotificationOut"]> {
    return this.call({ method: "GET", path: `/v1/notifications/${segment(notificationId)}`, repeatable: true, ...options });
  }

  /**
   * Move a scheduled notification to another time, or change what it says.
   *
   * What is left out stays as it is. 409 once it is begun, or cancelled; then nothing is
   * changed. An edit that would change nothing is answered with 200 whatever became of it, so
   * that a request can be repeated. What the key might not post, it cannot change either.
   */
  editNotification(notificationId: string, body: Schemas["PatchedEditIn"] = {}, options: CallOptions = {}): Promise<Schemas["NotificationOut"]> {
    return this.call({ method: "PATCH", path: `/v1/notifications/${segment(notificationId)}`, body, repeatable: true, ...options });
  }

  /**
   * Cancel the deliveries that have not been sent. A call under way is not called back.
   *
   * The answer, the notification with its counts, comes once no worker will begin to send
   * another of its messages: at once, or after 2.5 seconds where a provider is slow or a worker
   * does not answer. Deliveries counted as `sending` then may have reached their provider.
   * Cancelling twice has no further effect, and finished deliveries keep their state.
   */
  cancel(notificationId: string, options: CallOptions = {}): Promise<Schemas["NotificationOut"]> {
    return this.call({ method: "POST", path: `/v1/notifications/${segment(notificationId)}/cancel`, repeatable: true, ...options });
  }

  /** List the notification's deliveries with every attempt, in the order they were made. */
  deliveries(notificationId: string, query: Query<"list_deliveries"> = {}, options: CallOptions = {}): AsyncGenerator<Schemas["DeliveryOut"], void, undefined> {
    return this.rows(`/v1/notifications/${segment(notificationId)}/deliveries`, query, options);
  }

  /**
   * Send a notification again to those who did not get it. 202: it is stored durably.
   *
   * It is a new notification with the same content, to those whose deliveries ended in these
   * states, on the channels on which they did. Whoever got it on any channel, or in an earlier
   * replay, is left out, and so is who unsubscribed or was erased since. 409 while it, or a
   * replay of it, is not done, and once it has expired, without another `expires_at`; 410 once
   * its content is deleted.
   */
  replay(notificationId: string, body: Schemas["ReplayIn"] = {}, options: PublishOptions = {}): Promise<Replayable<Schemas["TakenOut"]>> {
    return this.keyed({ method: "POST", path: `/v1/notifications/${segment(notificationId)}/replay`, body }, options);
  }

  /**
   * Notify with up to 1,000 different notifications; each has its own result.
   *
   * Those with errors are left out, and the others are accepted together.
   */
  notifyBatch(body: Schemas["BatchIn"], options: PublishOptions = {}): Promise<Replayable<Schemas["BatchOut"]>> {
    return this.keyed({ method: "POST", path: `/v1/notifications/batch`, body }, options);
  }

  /**
   * Say how many of these recipients would get it, when, and why the others would not.
   *
   * Nothing is accepted, counted or sent. The numbers are of deliveries, one an address.
   */
  dryRunUsers(body: Schemas["NotifyIn"] = {}, options: CallOptions = {}): Promise<Schemas["DryRunOut"]> {
    return this.call({ method: "POST", path: `/v1/notifications/dry-run`, body, repeatable: true, ...options });
  }

  /** List recipients, oldest first. */
  listRecipients(options: CallOptions = {}): AsyncGenerator<Schemas["RecipientRow"], void, undefined> {
    return this.rows(`/v1/recipients`, {}, options);
  }

  /** Read a recipient with devices and contacts, addresses masked. */
  getRecipient(userId: string, options: CallOptions = {}): Promise<Schemas["RecipientOut"]> {
    return this.call({ method: "GET", path: `/v1/recipients/${segment(userId)}`, repeatable: true, ...options });
  }

  /**
   * Create or change a recipient.
   *
   * What is left out stays as it is; `attributes` are replaced as a whole. `email`, `phone` and
   * the `contacts` of a channel replace the contacts on that channel; devices and preferences
   * are added, and so are `frequency_caps`, of which the lower one holds, and `digests`, where
   * the person has not chosen.
   * Every recipient has an inbox. 201 when created, 200 when changed.
   */
  upsertRecipient(userId: string, body: Schemas["RecipientIn"] = {}, options: CallOptions = {}): Promise<Schemas["RecipientWritten"]> {
    return this.call({ method: "PUT", path: `/v1/recipients/${segment(userId)}`, body, repeatable: true, ...options });
  }

  /**
   * Erase a person: everything that names or reaches them, in every table.
   *
   * They are out of the directory with the answer, and nothing that waited for them is sent. The
   * rest is erased in the background: `GET /v1/erasures/{erasure_id}` says how far it is.
   * Repeated, it is answered with the same erasure: 200 once that is done.
   */
  eraseRecipient(userId: string, options: CallOptions = {}): Promise<Schemas["Erasure"]> {
    return this.call({ method: "DELETE", path: `/v1/recipients/${segment(userId)}`, repeatable: true, ...options });
  }

  /** List a recipient's contacts, addresses masked. */
  listContacts(userId: string, options: CallOptions = {}): Promise<readonly Schemas["ContactRow"][]> {
    return this.call({ method: "GET", path: `/v1/recipients/${segment(userId)}/contacts`, repeatable: true, ...options });
  }

  /**
   * Add a contact, beside those there are.
   *
   * A webhook's signing secret is in this response only. 201 if this recipient did not have the
   * contact. Adding one again makes it active again.
   */
  addContact(userId: string, body: Schemas["ContactIn"], options: CallOptions = {}): Promise<Schemas["ContactMade"]> {
    return this.call({ method: "POST", path: `/v1/recipients/${segment(userId)}/contacts`, body, repeatable: true, ...options });
  }

  /** Remove a contact: nothing is sent to it any more. */
  removeContact(userId: string, contactId: number, options: CallOptions = {}): Promise<void> {
    return this.call({ method: "DELETE", path: `/v1/recipients/${segment(userId)}/contacts/${segment(contactId)}`, repeatable: false, ...options });
  }

  /** Read the recipient's contact of an address, in any spelling. */
  findContact(userId: string, body: Schemas["ContactAt"], options: CallOptions = {}): Promise<Schemas["ContactRow"]> {
    return this.call({ method: "POST", path: `/v1/recipients/${segment(userId)}/contacts/find`, body, repeatable: true, ...options });
  }

  /** Remove the recipient's contact of an address: nothing is sent to it any more. */
  removeAddress(userId: string, body: Schemas["ContactAt"], options: CallOptions = {}): Promise<void> {
    return this.call({ method: "POST", path: `/v1/recipients/${segment(userId)}/contacts/remove`, body, repeatable: false, ...options });
  }

  /**
   * List the deliveries of your notifications to a person, newest first.
   *
   * Those of what went to other publishers' topics are left out: only a topic's owner may know
   * its subscribers.
   */
  deliveriesTo(userId: string, query: Query<"list_recipient_deliveries"> = {}, options: CallOptions = {}): AsyncGenerator<Schemas["PersonDeliveryOut"], void, undefined> {
    return this.rows(`/v1/recipients/${segment(userId)}/deliveries`, query, options);
  }

  /** List a recipient's devices, tokens masked. */
  listDevices(userId: string, options: CallOptions = {}): Promise<readonly Schemas["DeviceRow"][]> {
    return this.call({ method: "GET", path: `/v1/recipients/${segment(userId)}/devices`, repeatable: true, ...options });
  }

  /**
   * Register a device, or confirm that it is still in use.
   *
   * A token that was another recipient's becomes this one's. 201 if this recipient did not have
   * it.
   */
  addDevice(userId: string, body: Schemas["DeviceIn"], options: CallOptions = {}): Promise<Schemas["DeviceRow"]> {
    return this.call({ method: "POST", path: `/v1/recipients/${segment(userId)}/devices`, body, repeatable: true, ...options });
  }

  /** Remove a device: nothing is sent to it any more. */
  removeDevice(userId: string, contactId: number, options: CallOptions = {}): Promise<void> {
    return this.call({ method: "DELETE", path: `/v1/recipients/${segment(userId)}/devices/${segment(contactId)}`, repeatable: false, ...options });
  }

  /** Remove the recipient's device of a token: nothing is sent to it any more. */
  removeToken(userId: string, body: Schemas["DeviceAt"], options: CallOptions = {}): Promise<void> {
    return this.call({ method: "POST", path: `/v1/recipients/${segment(userId)}/devices/remove`, body, repeatable: false, ...options });
  }

  /**
   * Export everything that is held about a person, addresses and contents in clear.
   *
   * The document is written as it is read. One that is not valid JSON was cut off: ask again.
   */
  exportRecipient(userId: string, options: CallOptions = {}): Promise<Schemas["Export"]> {
    return this.call({ method: "GET", path: `/v1/recipients/${segment(userId)}/export`, repeatable: true, ...options });
  }

  /** Read a recipient's preferences, apart from those for topics you do not see. */
  getPreferences(userId: string, options: CallOptions = {}): Promise<Schemas["PreferencesOut"]> {
    return this.call({ method: "GET", path: `/v1/recipients/${segment(userId)}/preferences`, repeatable: true, ...options });
  }

  /**
   * Replace a recipient's preferences with these.
   *
   * Preferences for topics you do not see stay as they are. You can add refusals but not lift
   * any (403): the person does that with their own token, or an operator.
   */
  setPreferences(userId: string, body: Schemas["PreferencesIn"], options: CallOptions = {}): Promise<Schemas["PreferencesOut"]> {
    return this.call({ method: "PUT", path: `/v1/recipients/${segment(userId)}/preferences`, body, repeatable: true, ...options });
  }

  /**
   * Change these preferences and leave the others; `allowed: null` withdraws one.
   *
   * You can add refusals but not lift any (403).
   */
  changePreferences(userId: string, body: Schemas["PatchedPreferencesChange"] = {}, options: CallOptions = {}): Promise<Schemas["PreferencesOut"]> {
    return this.call({ method: "PATCH", path: `/v1/recipients/${segment(userId)}/preferences`, body, repeatable: true, ...options });
  }

  /** Read the quiet hours that apply to a recipient, and whether it is quiet now. */
  getQuietHours(userId: string, options: CallOptions = {}): Promise<Schemas["QuietHoursOut"]> {
    return this.call({ method: "GET", path: `/v1/recipients/${segment(userId)}/quiet-hours`, repeatable: true, ...options });
  }

  /**
   * Give a recipient quiet hours of their own.
   *
   * What may wait is sent when they end; high priority and critical categories go through. An
   * empty list of windows is none at all, whatever the company's are.
   */
  setQuietHours(userId: string, body: Schemas["QuietHoursIn"], options: CallOptions = {}): Promise<Schemas["QuietHoursOut"]> {
    return this.call({ method: "PUT", path: `/v1/recipients/${segment(userId)}/quiet-hours`, body, repeatable: true, ...options });
  }

  /** Remove a recipient's own quiet hours: the company's apply. */
  removeQuietHours(userId: string, options: CallOptions = {}): Promise<void> {
    return this.call({ method: "DELETE", path: `/v1/recipients/${segment(userId)}/quiet-hours`, repeatable: true, ...options });
  }

  /** List your schedules, oldest first. */
  listSchedules(options: CallOptions = {}): AsyncGenerator<Schemas["ScheduleOut"], void, undefined> {
    return this.rows(`/v1/schedules`, {}, options);
  }

  /** Have a notification sent again and again. It is validated now, and for each run. */
  createSchedule(body: Schemas["ScheduleIn"], options: CallOptions = {}): Promise<Schemas["ScheduleDetailOut"]> {
    return this.call({ method: "POST", path: `/v1/schedules`, body, repeatable: false, ...options });
  }

  /** Read a schedule of yours, with its notification and next occurrences. */
  getSchedule(name: string, options: CallOptions = {}): Promise<Schemas["ScheduleDetailOut"]> {
    return this.call({ method: "GET", path: `/v1/schedules/${segment(name)}`, repeatable: true, ...options });
  }

  /**
   * Change a schedule of yours. What is left out stays as it is.
   *
   * It is validated as a whole, as if it were posted with this key.
   */
  changeSchedule(name: string, body: Schemas["PatchedScheduleChange"] = {}, options: CallOptions = {}): Promise<Schemas["ScheduleDetailOut"]> {
    return this.call({ method: "PATCH", path: `/v1/schedules/${segment(name)}`, body, repeatable: false, ...options });
  }

  /**
   * Delete a schedule of yours with the records of its runs.
   *
   * Notifications accepted before are still delivered.
   */
  deleteSchedule(name: string, options: CallOptions = {}): Promise<void> {
    return this.call({ method: "DELETE", path: `/v1/schedules/${segment(name)}`, repeatable: false, ...options });
  }

  /** Pause a schedule: nothing is run until it is resumed, nor made up for then. */
  pauseSchedule(name: string, options: CallOptions = {}): Promise<Schemas["ScheduleDetailOut"]> {
    return this.call({ method: "POST", path: `/v1/schedules/${segment(name)}/pause`, repeatable: true, ...options });
  }

  /** Resume a schedule, from its next occurrence on. */
  resumeSchedule(name: string, options: CallOptions = {}): Promise<Schemas["ScheduleDetailOut"]> {
    return this.call({ method: "POST", path: `/v1/schedules/${segment(name)}/resume`, repeatable: true, ...options });
  }

  /**
   * Send the schedule's notification now. Its occurrences stay as they are.
   *
   * 202: it is stored durably.
   */
  runSchedule(name: string, options: PublishOptions = {}): Promise<Replayable<Schemas["ManualRunOut"]>> {
    return this.keyed({ method: "POST", path: `/v1/schedules/${segment(name)}/run` }, options);
  }

  /** List the runs of a schedule, newest first, with the ids of their notifications. */
  listScheduleRuns(name: string, options: CallOptions = {}): AsyncGenerator<Schemas["ScheduleRun"], void, undefined> {
    return this.rows(`/v1/schedules/${segment(name)}/runs`, {}, options);
  }

  /** Skip the next occurrence, which is named so that none is skipped twice. */
  skipOccurrence(name: string, body: Schemas["SkipIn"], options: CallOptions = {}): Promise<Schemas["ScheduleDetailOut"]> {
    return this.call({ method: "POST", path: `/v1/schedules/${segment(name)}/skip`, body, repeatable: true, ...options });
  }

  /** List your status webhooks, oldest first. */
  listStatusWebhooks(options: CallOptions = {}): AsyncGenerator<Schemas["StatusWebhookOut"], void, undefined> {
    return this.rows(`/v1/status-webhooks`, {}, options);
  }

  /**
   * Have events sent to a URL when your deliveries reach the states you choose.
   *
   * 201 for a new one. 200 where you had one at this URL: it gets these events from now on, and
   * is enabled if it was disabled. A publisher has at most 10.
   */
  createStatusWebhook(body: Schemas["StatusWebhookIn"], options: CallOptions = {}): Promise<Schemas["StatusWebhookKept"]> {
    return this.call({ method: "POST", path: `/v1/status-webhooks`, body, repeatable: false, ...options });
  }

  /** Read one of your status webhooks. */
  getStatusWebhook(webhookId: number, options: CallOptions = {}): Promise<Schemas["StatusWebhookOut"]> {
    return this.call({ method: "GET", path: `/v1/status-webhooks/${segment(webhookId)}`, repeatable: true, ...options });
  }

  /** Choose other events; this enables a status webhook that was disabled. */
  updateStatusWebhook(webhookId: number, body: Schemas["PatchedStatusWebhookChange"] = {}, options: CallOptions = {}): Promise<Schemas["StatusWebhookOut"]> {
    return this.call({ method: "PATCH", path: `/v1/status-webhooks/${segment(webhookId)}`, body, repeatable: true, ...options });
  }

  /** Delete a status webhook; events already on their way may still arrive. */
  deleteStatusWebhook(webhookId: number, options: CallOptions = {}): Promise<void> {
    return this.call({ method: "DELETE", path: `/v1/status-webhooks/${segment(webhookId)}`, repeatable: false, ...options });
  }

  /** List the messages to its endpoint with every attempt, newest first. */
  listStatusWebhookDeliveries(webhookId: number, options: CallOptions = {}): AsyncGenerator<Schemas["DeliveryOut"], void, undefined> {
    return this.rows(`/v1/status-webhooks/${segment(webhookId)}/deliveries`, {}, options);
  }

  /**
   * Send a message of the type `webhook.test` there now, signed like any other.
   *
   * A worker sends it as it sends any message. The answer has the outcome of its first attempt.
   */
  testStatusWebhook(webhookId: number, options: CallOptions = {}): Promise<Schemas["StatusWebhookTested"]> {
    return this.call({ method: "POST", path: `/v1/status-webhooks/${segment(webhookId)}/test`, repeatable: false, ...options });
  }

  /** List suppressed addresses, masked, newest first; or look up a single one. */
  listSuppressions(query: Query<"list_suppressions"> = {}, options: CallOptions = {}): AsyncGenerator<Schemas["SuppressionRow"], void, undefined> {
    return this.rows(`/v1/suppressions`, query, options);
  }

  /**
   * Suppress an address: nothing is sent to it any more, whichever publisher posts.
   *
   * It applies from the next delivery on; what a worker is sending right now still goes out.
   * 201 when it is new, 200 when the address was suppressed before: it keeps its reason then,
   * unless the new one is stronger. You can lift only what you suppressed as `manual`.
   */
  suppress(body: Schemas["SuppressionIn"], options: CallOptions = {}): Promise<Schemas["SuppressionRow"]> {
    return this.call({ method: "POST", path: `/v1/suppressions`, body, repeatable: true, ...options });
  }

  /**
   * Lift a suppression that you added as `manual`.
   *
   * Any other is lifted by an operator (403), or, if the address was dead, by registering it
   * again. What was suppressed meanwhile is not sent after all. A contact that a provider
   * reported as dead stays disabled until it is registered again.
   */
  liftSuppression(suppressionId: number, options: CallOptions = {}): Promise<void> {
    return this.call({ method: "DELETE", path: `/v1/suppressions/${segment(suppressionId)}`, repeatable: false, ...options });
  }

  /** List your templates in their newest version, oldest template first. */
  listTemplates(options: CallOptions = {}): AsyncGenerator<Schemas["TemplateRow"], void, undefined> {
    return this.rows(`/v1/templates`, {}, options);
  }

  /** Create a template with its version 1. Its texts are validated before they are stored. */
  createTemplate(body: Schemas["TemplateIn"], options: CallOptions = {}): Promise<Schemas["TemplateOut"]> {
    return this.call({ method: "POST", path: `/v1/templates`, body, repeatable: false, ...options });
  }

  /** Read a template of yours in its newest version, or in another one. */
  getTemplate(name: string, query: Query<"read_template"> = {}, options: CallOptions = {}): Promise<Schemas["TemplateOut"]> {
    return this.call({ method: "GET", path: `/v1/templates/${segment(name)}`, query, repeatable: true, ...options });
  }

  /**
   * Delete a template of yours, and free its name.
   *
   * Notifications accepted with it before are still delivered.
   */
  deleteTemplate(name: string, options: CallOptions = {}): Promise<void> {
    return this.call({ method: "DELETE", path: `/v1/templates/${segment(name)}`, repeatable: false, ...options });
  }

  /** Render a template as a recipient with this locale would get it. Nothing is sent. */
  previewTemplate(name: string, body: Schemas["PreviewIn"], options: CallOptions = {}): Promise<Schemas["ContentOut"]> {
    return this.call({ method: "POST", path: `/v1/templates/${segment(name)}/preview`, body, repeatable: true, ...options });
  }

  /** List a template's versions, newest first. */
  listTemplateVersions(name: string, options: CallOptions = {}): AsyncGenerator<Schemas["VersionRow"], void, undefined> {
    return this.rows(`/v1/templates/${segment(name)}/versions`, {}, options);
  }

  /** Store the template's next version, which is used from now on. Versions never change. */
  addTemplateVersion(name: string, body: Schemas["VersionIn"], options: CallOptions = {}): Promise<Schemas["TemplateOut"]> {
    return this.call({ method: "POST", path: `/v1/templates/${segment(name)}/versions`, body, repeatable: false, ...options });
  }

  /** List the topics you own or were granted, oldest first. */
  listTopics(options: CallOptions = {}): AsyncGenerator<Schemas["TopicOut"], void, undefined> {
    return this.rows(`/v1/topics`, {}, options);
  }

  /** Create a topic. Its name is unique among all publishers. */
  createTopic(body: Schemas["TopicIn"], options: CallOptions = {}): Promise<Schemas["TopicDetailOut"]> {
    return this.call({ method: "POST", path: `/v1/topics`, body, repeatable: false, ...options });
  }

  /** Read a topic that you own or were granted. */
  getTopic(name: string, options: CallOptions = {}): Promise<Schemas["TopicDetailOut"]> {
    return this.call({ method: "GET", path: `/v1/topics/${segment(name)}`, repeatable: true, ...options });
  }

  /** Change a topic of yours. What is left out stays as it is. */
  updateTopic(name: string, body: Schemas["PatchedTopicChange"] = {}, options: CallOptions = {}): Promise<Schemas["TopicDetailOut"]> {
    return this.call({ method: "PATCH", path: `/v1/topics/${segment(name)}`, body, repeatable: true, ...options });
  }

  /**
   * Delete a topic of yours, and free its name.
   *
   * Notifications accepted before are still delivered.
   */
  deleteTopic(name: string, options: CallOptions = {}): Promise<void> {
    return this.call({ method: "DELETE", path: `/v1/topics/${segment(name)}`, repeatable: false, ...options });
  }

  /** Let another publisher read a topic of yours and publish to it. */
  grant(name: string, publisher: string, options: CallOptions = {}): Promise<void> {
    return this.call({ method: "PUT", path: `/v1/topics/${segment(name)}/grants/${segment(publisher)}`, repeatable: true, ...options });
  }

  /** Withdraw a grant, from the next request on. */
  revoke(name: string, publisher: string, options: CallOptions = {}): Promise<void> {
    return this.call({ method: "DELETE", path: `/v1/topics/${segment(name)}/grants/${segment(publisher)}`, repeatable: true, ...options });
  }

  /** Notify everybody subscribed to the topic. 202: it is stored durably. */
  publish(name: string, body: Schemas["PublishIn"] = {}, options: PublishOptions = {}): Promise<Replayable<Schemas["TakenOut"]>> {
    return this.keyed({ method: "POST", path: `/v1/topics/${segment(name)}/publish`, body }, options);
  }

  /**
   * Say how many subscribers would get it, when, and why the others would not.
   *
   * Nothing is accepted, counted or sent. The numbers are of deliveries, one an address. Of a
   * large audience as many are judged as five seconds allow, from all over it, and the numbers
   * are estimated for all (`exact` is false).
   */
  dryRunPublish(name: string, body: Schemas["PublishIn"] = {}, options: CallOptions = {}): Promise<Schemas["DryRunOut"]> {
    return this.call({ method: "POST", path: `/v1/topics/${segment(name)}/publish/dry-run`, body, repeatable: true, ...options });
  }

  /**
   * Count the deliveries of a topic of yours that wait now, and that ended in each hour.
   *
   * Includes what publishers with a grant on the topic posted. Hours longer than 31 days ago are
   * added up by day.
   */
  topicStatistics(name: string, query: Query<"topic_statistics"> = {}, options: CallOptions = {}): Promise<Schemas["TopicStatisticsOut"]> {
    return this.call({ method: "GET", path: `/v1/topics/${segment(name)}/statistics`, query, repeatable: true, ...options });
  }

  /** List the subscriptions of a topic of yours, oldest first, addresses masked. */
  listSubscriptions(name: string, query: Query<"list_subscriptions"> = {}, options: CallOptions = {}): AsyncGenerator<Schemas["SubscriptionRow"], void, undefined> {
    return this.rows(`/v1/topics/${segment(name)}/subscriptions`, query, options);
  }

  /** End a subscription; it stays in the list as unsubscribed. */
  deleteSubscription(name: string, subscriptionId: number, options: CallOptions = {}): Promise<void> {
    return this.call({ method: "DELETE", path: `/v1/topics/${segment(name)}/subscriptions/${segment(subscriptionId)}`, repeatable: false, ...options });
  }

  /**
   * Send a subscription's confirmation again, to its addresses that have not confirmed.
   *
   * 429 if its address has had its confirmations of the day, or this subscription had one just
   * now; `Retry-After` says when the next may be sent.
   */
  sendConfirmation(name: string, subscriptionId: number, options: CallOptions = {}): Promise<Schemas["SubscriptionRef"]> {
    return this.call({ method: "POST", path: `/v1/topics/${segment(name)}/subscriptions/${segment(subscriptionId)}/confirmation`, repeatable: false, ...options });
  }

  /** End a recipient's subscriptions on some channels or all, or a bare endpoint's. */
  unsubscribe(name: string, body: Schemas["UnsubscribeIn"] = {}, options: CallOptions = {}): Promise<Schemas["UnsubscribedOut"]> {
    return this.call({ method: "POST", path: `/v1/topics/${segment(name)}/unsubscribe`, body, repeatable: true, ...options });
  }

  /** Read your limits, what you posted by day (UTC), for 31 days, and how long it is kept. */
  usage(options: CallOptions = {}): Promise<Schemas["UsageOut"]> {
    return this.call({ method: "GET", path: `/v1/usage`, repeatable: true, ...options });
  }
}

/** Operations that an end user's token opens. */
export abstract class InboxOperations extends Calls {
  /** Delete an item and its content. */
  delete(itemId: number, options: CallOptions = {}): Promise<void> {
    return this.call({ method: "DELETE", path: `/v1/inbox/${segment(itemId)}`, repeatable: false, ...options });
  }

  /**
   * Mark, archive, snooze, restore or delete items: up to 1,000, or all in the inbox.
   *
   * An id that is not in your inbox does not affect the others; it is listed as unknown.
   */
  mark(body: Schemas["InboxChange"], options: CallOptions = {}): Promise<Schemas["InboxChanged"]> {
    return this.call({ method: "POST", path: `/v1/inbox/status`, body, repeatable: true, ...options });
  }

  /**
   * Get a ticket that opens the stream once, within a minute.
   *
   * For `EventSource`, which cannot send the token: it goes into the URL, `?ticket=…`.
   */
  streamTicket(options: CallOptions = {}): Promise<Schemas["TicketOut"]> {
    return this.call({ method: "POST", path: `/v1/inbox/stream/ticket`, repeatable: false, ...options });
  }

  /** Count the items that you have not read, and those that you have not seen. */
  unread(options: CallOptions = {}): Promise<Schemas["CountsOut"]> {
    return this.call({ method: "GET", path: `/v1/inbox/unread`, repeatable: true, ...options });
  }

  /** Read your settings: language, time zone and how often you want to hear. */
  me(options: CallOptions = {}): Promise<Schemas["MeOut"]> {
    return this.call({ method: "GET", path: `/v1/me`, repeatable: true, ...options });
  }

  /** Change your settings. What is left out stays as it is. */
  changeMe(body: Schemas["PatchedMeChangeIn"] = {}, options: CallOptions = {}): Promise<Schemas["MeOut"]> {
    return this.call({ method: "PATCH", path: `/v1/me`, body, repeatable: true, ...options });
  }

  /** List the categories in your language, and on which channels you get each. */
  categories(options: CallOptions = {}): Promise<Schemas["MyCategoriesOut"]> {
    return this.call({ method: "GET", path: `/v1/me/categories`, repeatable: true, ...options });
  }

  /** Refuse everything that can be refused, and withdraw whatever you have allowed. */
  leaveEverything(options: CallOptions = {}): Promise<Schemas["PreferencesOut"]> {
    return this.call({ method: "POST", path: `/v1/me/leave`, repeatable: true, ...options });
  }

  /** Read your preferences. The most specific one decides. */
  getPreferences(options: CallOptions = {}): Promise<Schemas["PreferencesOut"]> {
    return this.call({ method: "GET", path: `/v1/me/preferences`, repeatable: true, ...options });
  }

  /**
   * Replace your preferences with these; what is left out is neither allowed nor refused.
   *
   * You can name topics that you are or were subscribed to.
   */
  setPreferences(body: Schemas["PreferencesIn"], options: CallOptions = {}): Promise<Schemas["PreferencesOut"]> {
    return this.call({ method: "PUT", path: `/v1/me/preferences`, body, repeatable: true, ...options });
  }

  /**
   * Change these of your preferences and leave the others; `allowed: null` withdraws one.
   *
   * You can name topics that you are or were subscribed to.
   */
  changePreferences(body: Schemas["PatchedPreferencesChange"] = {}, options: CallOptions = {}): Promise<Schemas["PreferencesOut"]> {
    return this.call({ method: "PATCH", path: `/v1/me/preferences`, body, repeatable: true, ...options });
  }

  /** Read your quiet hours, and whether it is quiet now. */
  getQuietHours(options: CallOptions = {}): Promise<Schemas["QuietHoursOut"]> {
    return this.call({ method: "GET", path: `/v1/me/quiet-hours`, repeatable: true, ...options });
  }

  /**
   * Choose quiet hours of your own, in place of the company's.
   *
   * What may wait is sent when they end. An empty list of windows is none at all.
   */
  setQuietHours(body: Schemas["QuietHoursIn"], options: CallOptions = {}): Promise<Schemas["QuietHoursOut"]> {
    return this.call({ method: "PUT", path: `/v1/me/quiet-hours`, body, repeatable: true, ...options });
  }

  /** Remove your own quiet hours: the company's apply. */
  removeQuietHours(options: CallOptions = {}): Promise<void> {
    return this.call({ method: "DELETE", path: `/v1/me/quiet-hours`, repeatable: true, ...options });
  }

  /** List what you are subscribed to, and on which channels you get each. */
  topics(options: CallOptions = {}): Promise<Schemas["MyTopicsOut"]> {
    return this.call({ method: "GET", path: `/v1/me/topics`, repeatable: true, ...options });
  }

  /**
   * Acknowledge a notification that was sent to you, on any channel.
   *
   * Further steps of its fallback are not sent to you any more, nor to anybody where a step is
   * for a group. The answer comes once none of them is being sent, or after 2.5 seconds.
   * Acknowledging twice has no further effect.
   */
  acknowledge(notificationId: string, options: CallOptions = {}): Promise<Schemas["Acknowledged"]> {
    return this.call({ method: "POST", path: `/v1/notifications/${segment(notificationId)}/acknowledge`, repeatable: true, ...options });
  }
}
