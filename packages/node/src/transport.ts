/** Calls of the API over `fetch`, repeated where that is safe. */
import { ConnectionFailed, fromProblem, NotFound, NotifierError } from "./errors.js";
import { VERSION } from "./version.js";

/** Statuses of a proxy, or of an overloaded or restarting service: they may pass in a moment. */
const PASSING = [429, 502, 503, 504];
const IN_FLIGHT = "idempotency-in-flight";
const FIRST_WAIT = 200;
const LONGEST_WAIT = 5_000;
/** Milliseconds without a heartbeat after which a stream is lost: they come every 25 s. */
const STREAM_SILENCE = 60_000;
/** Most milliseconds that a timer waits; with more it would end at once. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** Causes of a failed `fetch` with which nothing of the request was written. */
const UNWRITTEN = [
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "UND_ERR_CONNECT_TIMEOUT",
];

export interface ClientOptions {
  /** Milliseconds for one request, from connecting to the last byte of the answer: 15,000. */
  readonly timeout?: number;
  /** Milliseconds within which a call may be repeated, waits included: 30,000. */
  readonly retryFor?: number;
}

export interface CallOptions {
  /** Ends the call when it is aborted; what the service has taken stays taken. */
  readonly signal?: AbortSignal;
}

/** One call of the API, which may be made several times. */
export interface Call extends CallOptions {
  readonly method: string;
  readonly path: string;
  readonly query?: object | undefined;
  readonly body?: unknown;
  /** Its Idempotency-Key. */
  readonly key?: string;
  /** Whether making it twice does what making it once does; else only what had no effect is. */
  readonly repeatable: boolean;
}

/** A 2xx answer; `body` is undefined where there is none. */
export interface Answer {
  readonly headers: Headers;
  readonly body: unknown;
}

export class Transport {
  /** Milliseconds after which a call is over. */
  readonly longest: number;
  private readonly baseUrl: string;
  private readonly timeout: number;
  private readonly retryFor: number;
  readonly #token: string; // shown by no console.log and no inspector of objects

  constructor(
    baseUrl: string,
    token: string,
    { timeout = 15_000, retryFor = 30_000 }: ClientOptions = {},
  ) {
    const { protocol, href } = new URL(baseUrl);
    if (!["http:", "https:"].includes(protocol)) { // "localhost:8000" is a URL, too
      throw new TypeError(`The base URL begins with https:// or http://, unlike ${baseUrl}`);
    }
    this.baseUrl = href.replace(/\/+$/, "");
    this.#token = token.trim();
    if (!/^[\x21-\x7e]+$/.test(this.#token)) { // the error of a header would show all of it
      throw new TypeError("The key has characters that no key has: a line break, perhaps");
    }
    this.timeout = timeout;
    this.retryFor = retryFor;
    this.longest = Math.max(timeout, retryFor);
  }

  /**
   * Return a 2xx answer, or fail after `longest` milliseconds, or `within` where that is less.
   *
   * @throws NotifierError
   */
  async request(call: Call, within = Infinity): Promise<Answer> {
    const began = performance.now();
    const ends = began + Math.min(within, this.longest);
    for (let attempt = 0; ; attempt++) {
      let wait: number;
      try {
        return await this.once(call, Math.min(this.timeout, ends - performance.now()));
      } catch (error) {
        if (!(error instanceof NotifierError)) throw error;
        wait = backoff(attempt, error.retryAfter);
        const late = performance.now() + wait > Math.min(ends, began + this.retryFor);
        if (late || !mayRepeat(error, call.repeatable)) throw error;
      }
      await pause(wait, call.signal);
    }
  }

  /**
   * Iterate over the lines of a 2xx answer that goes on.
   *
   * @throws NotifierError
   */
  async *lines(call: Call): AsyncGenerator<string, void, undefined> {
    const request = this.requestOf(call, "text/event-stream");
    const limit = new Limit(call.signal);
    try {
      limit.set(STREAM_SILENCE);
      const response = await fetch(request, { signal: limit.signal });
      if (response.status >= 300) throw fromProblem(response.status, parsed(await response.text()));
      const reader = response.body!.getReader();
      const decoder = new TextDecoder();
      for (let rest = ""; ; ) {
        limit.set(STREAM_SILENCE);
        const { done, value } = await reader.read();
        if (done) return;
        limit.unset(); // while the caller is at what has come
        const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        yield* lines;
      }
    } catch (error) {
      throw this.failure(error, call.signal);
    } finally {
      limit.abort(); // closes the connection where the caller has enough
    }
  }

  private async once(call: Call, milliseconds: number): Promise<Answer> {
    const request = this.requestOf(call, "application/json");
    const limit = new Limit(call.signal);
    try {
      limit.set(milliseconds);
      const response = await fetch(request, { signal: limit.signal });
      const text = await response.text();
      const body = parsed(text);
      if (response.status < 200 || response.status >= 300) {
        throw fromProblem(response.status, body, retryAfter(response.headers));
      }
      if (text && body === undefined) { // a log-in page of the network's, perhaps
        const { status } = response;
        const what = `The service answered ${status} with something that is not JSON`;
        throw new NotFound(`${what}; check its base URL.`, { status });
      }
      return { headers: response.headers, body };
    } catch (error) {
      throw this.failure(error, call.signal);
    } finally {
      limit.clear();
    }
  }

  /** Made before anything is sent, so that what cannot be written is the caller's TypeError. */
  private requestOf(call: Call, accept: string): Request {
    const headers = new Headers({
      authorization: `Bearer ${this.#token}`,
      accept,
      "user-agent": `notifier-client-node/${VERSION}`,
    });
    if (call.key !== undefined) headers.set("idempotency-key", call.key);
    if (call.body !== undefined) headers.set("content-type", "application/json");
    const body = call.body === undefined ? null : JSON.stringify(call.body);
    const url = this.baseUrl + call.path + queryOf(call.query);
    return new Request(url, { method: call.method, headers, body, redirect: "manual" });
  }

  /** Return what is to be thrown for `error`: the caller's own reason where they have aborted. */
  private failure(error: unknown, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason;
    if (error instanceof NotifierError) return error;
    const cause = (error as { cause?: { code?: string; message?: string } }).cause;
    const type = UNWRITTEN.includes(cause?.code ?? "") ? "not-connected" : "no-answer";
    const why = cause?.message || cause?.code || (error as Error).message;
    return new ConnectionFailed(`${this.baseUrl} does not answer: ${why}`, { type, cause: error });
  }
}

/** A signal that is aborted when time is up, or with the caller's. */
class Limit {
  private readonly controller = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly forward = () => this.controller.abort();

  constructor(private readonly outer: AbortSignal | undefined) {
    outer?.throwIfAborted();
    outer?.addEventListener("abort", this.forward, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  set(milliseconds: number): void {
    this.unset();
    const late = () => this.controller.abort(new Error(`nothing came within ${Math.ceil(milliseconds)} ms`));
    this.timer = setTimeout(late, Math.min(LONGEST_TIMER, Math.max(1, milliseconds)));
  }

  unset(): void {
    clearTimeout(this.timer);
  }

  clear(): void {
    this.unset();
    this.outer?.removeEventListener("abort", this.forward);
  }

  abort(): void {
    this.clear();
    this.controller.abort();
  }
}

/** Return whether the call may be made again after `error`. */
function mayRepeat(error: NotifierError, repeatable: boolean): boolean {
  if (error.status === 429 || error.type === "not-connected") return true;
  const passing = PASSING.includes(error.status ?? 0) || error.type === IN_FLIGHT;
  return repeatable && (passing || error instanceof ConnectionFailed);
}

/** Return milliseconds to wait, doubled with each attempt and spread; `asked` is a floor. */
export function backoff(attempt: number, asked: number | undefined, random = Math.random): number {
  const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt);
  const planned = longest * (0.5 + random() / 2);
  return asked === undefined ? planned : Math.max(planned, asked * (1 + 0.1 * random()));
}

/** Wait; throws the signal's reason as soon as it is aborted. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, milliseconds);
    if (signal?.aborted) end();
    else signal?.addEventListener("abort", end, { once: true });
  });
}

/** Return `text` as one segment of a path. */
export function segment(text: string | number): string {
  const written = String(text);
  if (["", ".", ".."].includes(written)) { // a URL would lose it, and lead to another resource
    throw new TypeError(`"${written}" cannot be a name or an id in a path`);
  }
  return encodeURIComponent(written);
}

/** Return milliseconds of a Retry-After. The service sends no dates, and a proxy's is ignored. */
function retryAfter(headers: Headers): number | undefined {
  const value = (headers.get("retry-after") ?? "").trim();
  return /^[0-9]{1,9}(\.[0-9]{1,6})?$/.test(value) ? Number(value) * 1_000 : undefined;
}

function queryOf(query: object | undefined): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text && `?${text}`;
}

/** Return the JSON's value; undefined where it is none, as a proxy's answer may be. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
