/** Errors of the client. */

/** One thing that is wrong with a request. */
export interface ProblemError {
  /** JSON pointer into the body. */
  readonly pointer?: string;
  /** Name of a query parameter. */
  readonly parameter?: string;
  readonly detail: string;
}

export interface ErrorOptions {
  readonly status?: number | undefined;
  readonly type?: string;
  readonly problem?: Readonly<Record<string, unknown>>;
  readonly retryAfter?: number | undefined;
  readonly cause?: unknown;
}

/** A call that did not succeed. */
export class NotifierError extends Error {
  override name = "NotifierError";
  /** HTTP status; undefined where there was no answer. */
  readonly status: number | undefined;
  /** The last part of the problem's URI (RFC 9457): the name to branch on. */
  readonly type: string;
  readonly title: string;
  /** A sentence that says what to do; the `message`, too. */
  readonly detail: string;
  /** What is wrong with the request, field by field. */
  readonly errors: readonly ProblemError[];
  /** The whole answer. */
  readonly problem: Readonly<Record<string, unknown>>;
  /** Milliseconds that the service asked to wait. */
  readonly retryAfter: number | undefined;

  constructor(detail: string, options: ErrorOptions = {}) {
    super(detail, "cause" in options ? { cause: options.cause } : {});
    this.detail = detail;
    this.status = options.status;
    this.type = options.type ?? "";
    this.problem = options.problem ?? {};
    this.title = typeof this.problem.title === "string" ? this.problem.title : "";
    const { errors } = this.problem;
    this.errors = Array.isArray(errors) ? errors.filter((one): one is ProblemError => isObject(one)) : [];
    this.retryAfter = options.retryAfter;
  }
}

/** 401: the API key is missing, wrong, expired or revoked. */
export class AuthenticationError extends NotifierError {
  override name = "AuthenticationError";
}

/** 403: the key lacks a scope, or the topic is another publisher's. */
export class NotAllowed extends NotifierError {
  override name = "NotAllowed";
}

/** 404: no such topic, recipient or notification, or none that this publisher may see. */
export class NotFound extends NotifierError {
  override name = "NotFound";
}

/** 400, 413, 422 and other 4xx: the request is invalid; `errors` name the fields. */
export class InvalidRequest extends NotifierError {
  override name = "InvalidRequest";
}

/** 409: the request conflicts with what exists, such as a topic of the same name. */
export class Conflict extends NotifierError {
  override name = "Conflict";
}

/** 429, and the wait would exceed `retryFor`. */
export class RateLimited extends NotifierError {
  override name = "RateLimited";
}

/** 5xx: the service failed or is down, and did not recover within `retryFor`. */
export class Unavailable extends NotifierError {
  override name = "Unavailable";
}

/** No answer came within `retryFor`: no connection was made, or it broke. */
export class ConnectionFailed extends NotifierError {
  override name = "ConnectionFailed";
}

/** `wait` reached its timeout; the notification is still being sent. */
export class StillSending extends NotifierError {
  override name = "StillSending";
}

const BY_STATUS: Readonly<Record<number, typeof NotifierError>> = {
  401: AuthenticationError,
  403: NotAllowed,
  404: NotFound,
  409: Conflict,
  429: RateLimited,
};

/** Return the error for an answer of `status` with this body. */
export function fromProblem(status: number, body: unknown, retryAfter?: number): NotifierError {
  const problem = isObject(body) ? body : {};
  const detail = problem.detail || `The service answered ${status}; check its base URL.`;
  const type = String(problem.type ?? "");
  return new (kindOf(status))(String(detail), {
    status,
    type: type.slice(type.lastIndexOf("/") + 1),
    problem,
    retryAfter,
  });
}

function kindOf(status: number): typeof NotifierError {
  if (status >= 500) return Unavailable;
  if (status >= 400) return BY_STATUS[status] ?? InvalidRequest;
  return NotifierError; // a redirect, which is never followed: another host would get the key
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
