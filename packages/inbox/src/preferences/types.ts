/** What a person chooses, as the API has it: docs/api/inbox.md and docs/api/quiet-hours.md. */

export type Kind = "critical" | "transactional" | "promotional";
export type Cadence = "at_once" | "hourly" | "daily" | "weekly";
export type Day = "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";

/** Whether something is sent, by channel. */
export type Channels = Readonly<Record<string, boolean>>;

export interface Category {
  readonly name: string;
  readonly display_name: string;
  readonly description: string;
  readonly kind: Kind;
  readonly channels: Channels;
}

export interface Topic {
  readonly name: string;
  readonly display_name: string;
  readonly publisher: string;
  readonly category: string;
  /** It cannot be refused, apart from messages of other categories. */
  readonly always_sent: boolean;
  /** Of what is always sent: only where something was chosen about it. */
  readonly channels: Channels;
}

export interface QuietWindow {
  readonly days: readonly Day[];
  readonly from: string;
  /** `24:00` is midnight. */
  readonly to: string;
}

export interface QuietHours {
  readonly windows: readonly QuietWindow[];
  readonly channels: readonly string[];
  readonly source: "own" | "company";
  readonly time_zone: string;
  readonly quiet_until: string | null;
}

export interface DigestChoice {
  /** `null`: all that have no choice of their own. */
  readonly category: string | null;
  readonly cadence: Cadence;
}

export interface Me {
  readonly user_id: string;
  readonly locale: string;
  readonly time_zone: string;
  readonly digests: readonly DigestChoice[];
  /** Where the person is reached, and where they may have quiet hours. */
  readonly channels: readonly string[];
  readonly quiet_channels: readonly string[];
  readonly locales: readonly { readonly locale: string; readonly name: string }[];
  readonly sms_stopped: boolean;
}

/** Everything that a person can choose about. */
export interface Choices {
  readonly me: Me;
  readonly categories: readonly Category[];
  readonly topics: readonly Topic[];
  readonly quiet: QuietHours;
}
