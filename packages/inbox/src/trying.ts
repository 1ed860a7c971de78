import { Refused } from "./api.ts";
import { backoff } from "./backoff.ts";

/**
 * Try until it works, more and more seldom, or until the signal: then the result is `undefined`.
 * `failed` is told of each error.
 */
export async function tried<Result>(
  work: () => Promise<Result>,
  failed: (error: Error) => void,
  signal: AbortSignal,
): Promise<Result | undefined> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) break;
      failed(error as Error);
      const told = error instanceof Refused ? error.retryAfter : undefined;
      await pause(told ?? backoff(failures), signal);
    }
  }
  return undefined;
}

/** Wait so long, or until the network is back. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const over = new AbortController();
    const end = (): void => {
      clearTimeout(timer);
      over.abort(); // or each pause would leave its listeners behind
      done();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end, { signal: over.signal });
    globalThis.addEventListener?.("online", end, { signal: over.signal });
  });
}
