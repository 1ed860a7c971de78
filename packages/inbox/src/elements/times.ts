/** Times as people say them. */

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** Return "3 minutes ago" or "in 2 days" in a language. */
export function relative(time: string, locale: string | undefined, now = Date.now()): string {
  const seconds = Math.round((Date.parse(time) - now) / 1000);
  const [unit, length] = UNITS.find(([, one]) => Math.abs(seconds) >= one) ?? ["second", 1];
  const words = new Intl.RelativeTimeFormat(language(locale), { numeric: "auto" });
  return words.format(Math.trunc(seconds / length), unit);
}

/** Return the time in full. */
export function absolute(time: string, locale: string | undefined): string {
  const words = new Intl.DateTimeFormat(language(locale), { dateStyle: "full", timeStyle: "short" });
  return words.format(new Date(time));
}

/** Return the language if the browser knows such a one, its own otherwise. */
function language(locale: string | undefined): string | undefined {
  try {
    return locale ? Intl.getCanonicalLocales(locale)[0] : undefined;
  } catch {
    return undefined;
  }
}

export type Snooze = "hour" | "tomorrow" | "week";

/** Return until when something is put off: for an hour, or until nine in the morning. */
export function snoozeUntil(choice: Snooze, now = new Date()): Date {
  if (choice === "hour") return new Date(now.getTime() + 3_600_000);
  const days = choice === "tomorrow" ? 1 : 7;
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, 9);
}
