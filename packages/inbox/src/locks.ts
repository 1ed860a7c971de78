/** Web Locks, by which the tabs of a browser agree; where there are none, a tab is by itself. */

function locks(): LockManager | undefined {
  return globalThis.navigator?.locks;
}

export function hasLocks(): boolean {
  return locks() !== undefined;
}

/** Do what only one tab may do at a time; later ones wait. */
export async function locked<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const found = locks();
  return found ? found.request(name, work) : work();
}

/**
 * Hold a lock for as long as this tab lives, or until the signal. `held` is called once it has it.
 * The browser lets go of it when the tab dies, however that is.
 */
export function hold(name: string, signal: AbortSignal, held = (): void => {}): void {
  locks()
    ?.request(name, { signal }, () => {
      held();
      if (signal.aborted) return undefined;
      return new Promise<void>((done) => signal.addEventListener("abort", () => done()));
    })
    .catch(() => {}); // the signal came while it waited
}

/** Call back once nobody holds this lock: whoever held it has gone. */
export function whenGone(name: string, signal: AbortSignal, gone: () => void): void {
  locks()
    ?.request(name, { mode: "shared", signal }, () => {
      if (!signal.aborted) gone();
    })
    .catch(() => {});
}
