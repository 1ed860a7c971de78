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
    const timer = setTimeout(done, milliseconds);
    const now = (): void => {
      clearTimeout(timer);
      done();
    };
    signal.addEventListener("abort", now, { once: true });
    globalThis.addEventListener?.("online", now, { once: true });
  });
}
