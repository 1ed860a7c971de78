/** Calls of the API, with the person's token. */
import { retryAfter } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import type { Tokens } from "./tokens.ts";
import type { Mark, Marked, Page, PageQuery } from "./types.ts";

/** Milliseconds within which a call is answered: a mark may wait 2.5 s for a message being sent. */
const PATIENCE = 15_000;

/** The server's answer to a call that it did not do (RFC 9457). */
export class Refused extends Error {
  override name = "Refused";

  constructor(
    readonly status: number,
    message: string,
    /** Milliseconds after which to try again, where the server has said so. */
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}

/** Return the error that an answer is. */
export async function refusal(response: Response): Promise<Refused> {
  let said = "";
  try {
    const problem = await response.json();
    said = problem.detail || problem.title || "";
  } catch {
    // A proxy's answer, perhaps.
  }
  return new Refused(
    response.status,
    said || `The server answered ${response.status}`,
    retryAfter(response.headers.get("retry-after")),
  );
}

/** Return whether the server cannot be reached, or takes no calls now: the next one fails, too. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Refused)) return true; // the network, or the page's own token()
  return [401, 408, 425, 429, 502, 503, 504].includes(error.status);
}

/** Return whether the server failed at a call, which may be taken later, or never. */
export function isFailure(error: unknown): boolean {
  return error instanceof Refused && error.status >= 500 && !isAway(error);
}

export class Api {
  constructor(
    private readonly base: string,
    private readonly tokens: Tokens,
    private readonly clock: Clock,
  ) {}

  page(query: PageQuery = {}): Promise<Page> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    return this.call("GET", `/v1/inbox?${text}`);
  }

  mark(mark: Mark): Promise<Marked> {
    return this.call("POST", "/v1/inbox/status", mark);
  }

  /** Call the API; a token that it does not take (any more) is replaced once. */
  async call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const { generation } = this.tokens;
    const token = await this.tokens.get();
    let response = await this.fetch(method, path, token, body);
    if (response.status === 401) {
      this.tokens.check(generation); // the next token may be another person's
      response = await this.fetch(method, path, await this.tokens.get(token), body);
    }
    if (!response.ok) throw await refusal(response);
    return (response.status === 204 ? undefined : await response.json()) as Answer;
  }

  private async fetch(
    method: string,
    path: string,
    token: string,
    body: unknown,
  ): Promise<Response> {
    const headers: Record<string, string> = { Authorization: `Bearer ${token}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const asked = Date.now();
    const response = await fetch(this.base + path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(PATIENCE),
    });
    this.clock.compare(response.headers.get("date"), asked);
    return response;
  }
}
