/** The person's token: asked of the page, kept until shortly before it expires. */

export type AskToken = () => Promise<string> | string;

/** Milliseconds before its end from which on a token is not used any more. */
const SPARE = 15_000;
/** Milliseconds within which `token()` is answered: what waits for it holds up all tabs. */
const PATIENCE = 15_000;

/** The page has given another person's token: it has changed its log-in. */
export class AnotherPerson extends Error {
  override name = "AnotherPerson";
}

/** Return the claims of a JWT. The server verifies it; here they only say whose it is. */
export function claims(token: string): { sub: string; exp: number } {
  try {
    const part = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(part), (one) => one.charCodeAt(0));
    const { sub, exp } = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof sub === "string" && typeof exp === "number") return { sub, exp };
  } catch {
    // Said below.
  }
  throw new TypeError("token() has to return the person's JWT, with sub and exp (docs/api/inbox.md)");
}

export class Tokens {
  /** Whose tokens they are, once there was one. */
  person: string | undefined;

  /** How often the person was forgotten: what was begun for one is not done for the next. */
  generation = 0;

  private token = "";
  private asking: Promise<string> | undefined;

  constructor(
    private readonly ask: AskToken,
    private readonly now: () => number,
  ) {}

  /** Return a token; `not`: one that the server refused. Raises `AnotherPerson`. */
  async get(not = ""): Promise<string> {
    if (this.token && this.token !== not && claims(this.token).exp * 1000 - SPARE > this.now()) {
      return this.token;
    }
    if (!this.asking) {
      const asking: Promise<string> = this.renew().finally(() => {
        if (this.asking === asking) this.asking = undefined;
      });
      this.asking = asking;
    }
    return this.asking;
  }

  /** Forget whose they were: the next one may be anybody's. */
  forget(): void {
    this.person = undefined;
    this.token = "";
    this.asking = undefined;
    this.generation += 1;
  }

  /** Raise an error if the person was forgotten since. */
  check(generation: number): void {
    if (generation !== this.generation) throw new Error("the person has signed out meanwhile");
  }

  private async renew(): Promise<string> {
    const { generation } = this;
    const token = await inTime(this.ask(), PATIENCE);
    this.check(generation);
    const { sub } = claims(token);
    this.person ??= sub;
    if (sub !== this.person) {
      throw new AnotherPerson("token() returned the token of another person than before");
    }
    return (this.token = token);
  }
}

/** Return what is promised. Raises an error if it takes longer. */
async function inTime(promised: Promise<string> | string, milliseconds: number): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, failed) => {
    timer = setTimeout(() => failed(new Error("token() has not answered")), milliseconds);
  });
  return Promise.race([promised, late]).finally(() => clearTimeout(timer));
}
