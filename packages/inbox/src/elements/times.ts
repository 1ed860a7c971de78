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
export function relative(time: string, locale: string | undefined, now: number): string {
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

/** Return day and time of day in a time zone; in the browser's own where it does not know that. */
export function weekday(time: string, locale: string | undefined, zone: string): string {
  const said = (timeZone?: string): string =>
    new Intl.DateTimeFormat(language(locale), {
      weekday: "long",
      hour: "numeric",
      minute: "2-digit",
      timeZone,
    }).format(new Date(time));
  try {
    return said(zone);
  } catch {
    return said();
  }
}

/** Return the name of a day of the week; 0 is Monday. */
export function dayName(day: number, locale: string | undefined): string {
  const words = new Intl.DateTimeFormat(language(locale), { weekday: "long", timeZone: "UTC" });
  return words.format(Date.UTC(2024, 0, 1 + day)); // the first was one
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
export function snoozeUntil(choice: Snooze, now: Date): Date {
  if (choice === "hour") return new Date(now.getTime() + 3_600_000);
  const days = choice === "tomorrow" ? 1 : 7;
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, 9);
}
