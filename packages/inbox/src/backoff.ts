/** How long to wait before the next attempt. */

const FIRST = 1_000;
const LONGEST = 60_000;

/** Return milliseconds for the attempt after so many failures, half of them by chance. */
export function backoff(failures: number, random = Math.random): number {
  const whole = Math.min(LONGEST, FIRST * 2 ** Math.min(failures, 10));
  return whole / 2 + (random() * whole) / 2;
}

/** Return somewhat more: whoever was told the same time is not to come back at the same moment. */
export function spread(milliseconds: number, random = Math.random): number {
  return milliseconds * (1 + random() / 2);
}

/** Return the milliseconds of a `Retry-After`, which has seconds or a date. */
export function retryAfter(header: string | null, now = Date.now()): number | undefined {
  if (!header) return undefined;
  const seconds = Number(header);
  const found = Number.isNaN(seconds) ? Date.parse(header) - now : seconds * 1000;
  // An absurd one would keep a page from its inbox for ever.
  return Number.isNaN(found) ? undefined : Math.min(Math.max(found, 0), 600_000);
}
