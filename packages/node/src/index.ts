/** A typed client of Notifier's REST API, and the verification of its webhooks. */

export type { Message } from "./client.js";
export type { PublishOptions, Query, Replayable, Schemas } from "./calls.js";
export type { CallOptions, ClientOptions } from "./transport.js";
export type { InboxEvent, InboxItems } from "./inbox.js";
export type { ProblemError } from "./errors.js";
export type { WebhookHeaders, WebhookMessage } from "./webhooks.js";
export { NotifierClient } from "./client.js";
export { InboxClient } from "./inbox.js";
export { Webhook, WebhookVerificationError } from "./webhooks.js";
export {
  AuthenticationError,
  Conflict,
  ConnectionFailed,
  InvalidRequest,
  NotAllowed,
  NotFound,
  NotifierError,
  RateLimited,
  StillSending,
  Unavailable,
} from "./errors.js";
