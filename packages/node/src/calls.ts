/** What the generated methods are made of: one call, or a list read page by page. */
import { type Call, type CallOptions, type ClientOptions, Transport } from "./transport.js";
import type { components, operations } from "./generated/schema.js";

/** Types of what is sent and answered, by their names in the OpenAPI document. */
export type Schemas = components["schemas"];

/** Rows that the client asks for a page. */
const PAGE = 200;

export interface PublishOptions extends CallOptions {
  /**
   * Your own name of the event, so that a restarted job notifies nobody twice; by default a new one
   * for each call.
   */
  readonly idempotencyKey?: string;
}

/** An answer, and whether it is that of an earlier call with the same Idempotency-Key. */
export type Replayable<Row> = Row & { readonly replayed: boolean };

/** Query parameters of an operation; a list's pages are asked for by the client. */
export type Query<Name extends keyof operations> = Omit<
  NonNullable<operations[Name]["parameters"]["query"]>,
  "cursor" | "limit"
>;

export interface Page<Row> {
  readonly data: readonly Row[];
  readonly next: string | null;
}

export abstract class Calls {
  protected readonly http: Transport;

  constructor(baseUrl: string, token: string, options: ClientOptions = {}) {
    this.http = new Transport(baseUrl, token, options);
  }

  protected async call<Body>(call: Call): Promise<Body> {
    return (await this.http.request(call)).body as Body;
  }

  /** Make a call that carries an Idempotency-Key, and so is always repeated. */
  protected async keyed<Body>(
    call: Omit<Call, "key" | "repeatable">,
    { idempotencyKey: key = crypto.randomUUID(), ...options }: PublishOptions,
  ): Promise<Replayable<Body>> {
    const answer = await this.http.request({ ...call, ...options, key, repeatable: true });
    const replayed = answer.headers.get("idempotent-replayed") === "true";
    return { ...(answer.body as Body), replayed };
  }

  protected async *pages<One extends Page<unknown>>(
    path: string,
    query: object,
    options: CallOptions,
  ): AsyncGenerator<One, void, undefined> {
    let cursor: string | null = null;
    do {
      const asked = { ...query, limit: PAGE, cursor };
      const page: One = await this.call({ method: "GET", path, query: asked, repeatable: true, ...options });
      yield page;
      cursor = page.next;
    } while (cursor !== null);
  }

  protected async *rows<Row>(
    path: string,
    query: object,
    options: CallOptions,
  ): AsyncGenerator<Row, void, undefined> {
    for await (const page of this.pages<Page<Row>>(path, query, options)) yield* page.data;
  }
}

