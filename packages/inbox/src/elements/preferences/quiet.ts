import { companysQuietHours, quietHours } from "../../preferences/edits.ts";
import type { Choices, Day, QuietHours, QuietWindow } from "../../preferences/types.ts";
import { h } from "../dom.ts";
import { dayName, weekday } from "../times.ts";
import { group, hint, Section } from "./section.ts";

const DAYS: Day[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/** What somebody gets who turns them on and has had none. */
const NIGHTS: QuietWindow = { days: DAYS, from: "22:00", to: "07:00" };
/** The end of a day, as the API has it and as a field for a time has it. */
const MIDNIGHT = ["24:00", "00:00"] as const;

/** Days and times are sent together, by a button: half of a change may be no schedule at all. */
type Draft = Pick<QuietHours, "windows" | "channels">;

/**
 * The quiet hours that apply, whoever's they are; what is changed becomes the person's own. Several
 * windows, as the API writes them, are shown one by one; none is added here.
 */
export class Quiet extends Section {
  private draft: Draft | undefined;
  /** What was there before they were turned off. */
  private last: readonly QuietWindow[] = [NIGHTS];
  private readonly wrong = h("p", { class: "wrong", role: "alert" });

  protected structure({ quiet, me }: Choices): unknown {
    const { source, time_zone, quiet_until } = quiet;
    return [this.windows(quiet).length, me.quiet_channels, source, time_zone, quiet_until];
  }

  protected build({ quiet, me }: Choices): Node[] {
    const own = quiet.source === "own";
    if (!own && !me.quiet_channels.length) return [];
    const { messages } = this.page;
    const on = this.windows(quiet).length > 0;
    this.wrong.textContent = "";
    this.watch((choices) => {
      if (choices.quiet.windows.length) this.last = choices.quiet.windows;
    });
    return [
      this.title(messages.quiet),
      hint(messages.quietText),
      h(
        "div",
        { class: "boxes" },
        this.box(
          "quiet",
          messages.quietOn,
          (choices) => choices.quiet.windows.length > 0,
          (turned) => this.turn(turned, quiet.channels),
        ),
      ),
      ...(on ? this.schedule(quiet, me.quiet_channels) : []),
      h(
        "div",
        { class: "buttons" },
        on && this.button("quiet save", messages.quietSave, () => this.save()),
        own && this.button("quiet remove", messages.quietRemove, () => this.remove()),
        on && this.unsaved(),
      ),
    ];
  }

  private schedule(quiet: QuietHours, channels: readonly string[]): Node[] {
    const { messages, language } = this.page;
    const windows = this.windows(quiet);
    const until = quiet.quiet_until && weekday(quiet.quiet_until, language, quiet.time_zone);
    return [
      hint(quiet.source === "own" ? messages.quietOwn : messages.quietCompany),
      ...(until ? [h("p", { part: "hint" }, messages.quietUntil(until))] : []),
      ...windows.map((_, at) => this.window(at, windows.length)),
      hint(`${messages.quietHint} ${messages.quietZone(quiet.time_zone)}`),
      group(
        messages.quietChannels,
        h(
          "div",
          { class: "boxes" },
          ...channels.map((channel) =>
            this.box(
              `quiet ${channel}`,
              this.channel(channel),
              (choices) => this.of(choices.quiet).channels.includes(channel),
              (on) => this.edit({ channels: turned(this.now.channels, channel, on) }),
            ),
          ),
        ),
      ),
      this.wrong,
    ];
  }

  private window(at: number, count: number): HTMLElement {
    const { messages, language } = this.page;
    const days = DAYS.map((day, number) =>
      this.box(
        `quiet ${at} ${day}`,
        dayName(number, language),
        ({ quiet }) => this.of(quiet).windows[at]?.days.includes(day) ?? false,
        (on) => {
          const found = turned(this.now.windows[at]?.days ?? [], day, on);
          this.change(at, { days: DAYS.filter((one) => found.includes(one)) });
        },
      ),
    );
    return group(
      count > 1 ? `${messages.quietDays} (${at + 1})` : messages.quietDays,
      h("div", { class: "boxes" }, ...days),
      h("div", { class: "fields" }, this.time(at, "from", messages.quietFrom), this.time(at, "to", messages.quietTo)),
    );
  }

  private time(at: number, end: "from" | "to", label: string): HTMLElement {
    const input = h("input", { type: "time", required: true, "data-key": `quiet ${at} ${end}` });
    input.addEventListener("input", () => {
      const value = end === "to" && input.value === MIDNIGHT[1] ? MIDNIGHT[0] : input.value;
      this.change(at, { [end]: value });
    });
    this.watch(({ quiet }) => {
      const value = this.of(quiet).windows[at]?.[end] ?? "";
      const shown = value === MIDNIGHT[0] ? MIDNIGHT[1] : value;
      if (input.value !== shown) input.value = shown;
    });
    return h("label", { class: "field", part: "field" }, h("span", {}, label), input);
  }

  private button(key: string, label: string, press: () => void): HTMLElement {
    return h("button", { type: "button", part: "button", "data-key": key, onclick: press }, label);
  }

  private unsaved(): HTMLElement {
    const said = h("span", { class: "meta" }, this.page.messages.unsaved);
    this.watch(() => {
      said.hidden = !this.draft;
    });
    return said;
  }

  // -- What is shown, and what is sent ------------------------------------------------------

  private get now(): Draft {
    return this.of(this.choices.quiet);
  }

  private of(quiet: QuietHours): Draft {
    return this.draft ?? quiet;
  }

  private windows(quiet: QuietHours): readonly QuietWindow[] {
    return this.of(quiet).windows;
  }

  private edit(change: Partial<Draft>): void {
    const { windows, channels } = this.now;
    this.draft = { windows, channels, ...change };
    this.wrong.textContent = "";
    this.draw();
  }

  private change(at: number, change: Partial<QuietWindow>): void {
    const windows = this.now.windows.map((one, number) => (number === at ? { ...one, ...change } : one));
    this.edit({ windows });
  }

  private turn(on: boolean, channels: readonly string[]): void {
    this.draft = undefined;
    this.page.change(quietHours(on ? this.last : [], channels));
  }

  private save(): void {
    const { channels } = this.now;
    // A window without days is none.
    const windows = this.now.windows.filter((one) => one.days.length);
    const bad = windows.findIndex(({ from, to }) => !from || !to || from === to);
    if (bad >= 0) {
      this.wrong.textContent = this.page.messages.quietWrong;
      this.find(`quiet ${this.now.windows.indexOf(windows[bad]!)} from`)?.focus();
      return;
    }
    this.draft = undefined;
    this.page.change(quietHours(windows, channels));
  }

  private remove(): void {
    this.draft = undefined;
    this.page.change(companysQuietHours());
  }
}

function turned<One>(all: readonly One[], one: One, on: boolean): One[] {
  const others = all.filter((other) => other !== one);
  return on ? [...others, one] : others;
}
