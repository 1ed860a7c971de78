/** A service in memory, in place of `fetch`: what it was asked, and what it answers. */

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: any;
  readonly signal: AbortSignal | undefined;
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

/** An open stream; `say` writes to it. */
export class OpenStream {
  private controller!: ReadableStreamDefaultController<Uint8Array>;
  readonly response: Response;

  constructor(asked: Asked) {
    const body = new ReadableStream<Uint8Array>({ start: (one) => void (this.controller = one) });
    asked.signal?.addEventListener("abort", () => this.controller.error(new Error("aborted")));
    this.response = new Response(body);
  }

  say(name: string, data: unknown = {}, id?: number): void {
    this.write(`event: ${name}\n${id ? `id: ${id}\n` : ""}data: ${JSON.stringify(data)}\n\n`);
  }

  write(text: string): void {
    this.controller.enqueue(new TextEncoder().encode(text));
  }

  end(): void {
    this.controller.close();
  }

  /** Break off, as a process that is killed. */
  cut(): void {
    this.controller.error(new TypeError("network error"));
  }
}

export class FakeServer {
  readonly asked: Asked[] = [];
  readonly streams: OpenStream[] = [];
  /** Answers by method and path; an `Error` is a network that fails. */
  readonly answers = new Map<string, (asked: Asked) => Response | Error>();
  private readonly real = globalThis.fetch;

  constructor() {
    globalThis.fetch = async (input, init = {}) => {
      const url = new URL(String(input));
      const asked: Asked = {
        method: init.method ?? "GET",
        path: url.pathname + url.search,
        headers: init.headers as Record<string, string>,
        body: init.body ? JSON.parse(String(init.body)) : undefined,
        signal: init.signal ?? undefined,
      };
      this.asked.push(asked);
      const found = this.answers.get(`${asked.method} ${url.pathname}`);
      const answer = found ? found(asked) : json({ detail: "not found" }, 404);
      if (answer instanceof Error) throw answer;
      return answer;
    };
  }

  /** Open streams at the stream's path. */
  stream(): void {
    this.answers.set("GET /v1/inbox/stream", (asked) => {
      this.streams.push(new OpenStream(asked));
      return this.streams.at(-1)!.response;
    });
  }

  of(method: string, path: string): Asked[] {
    return this.asked.filter((one) => one.method === method && one.path.split("?")[0] === path);
  }

  stop(): void {
    globalThis.fetch = this.real;
  }
}

export function token(sub = "ada", exp = Date.now() / 1000 + 600, more = {}): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "HS256" })}.${part({ sub, exp, ...more })}.signature`;
}

export async function until(what: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!what()) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** Wait where the clock stands still. */
export async function soon(what: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000 && !what(); turn++) await new Promise(setImmediate);
  if (!what()) throw new Error(`never: ${what}`);
}
