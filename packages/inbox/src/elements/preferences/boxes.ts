/** What comes, and where: the company's kinds of messages, and subscriptions. */
import * as edits from "../../preferences/edits.ts";
import type { Cadence, Category, Choices, Topic } from "../../preferences/types.ts";
import { h } from "../dom.ts";
import { group, hint, type Option, Section } from "./section.ts";

const CADENCES: Cadence[] = ["at_once", "hourly", "daily", "weekly"];

/** A group of boxes for each category, and how often it comes. What is critical has none. */
export class Kinds extends Section {
  protected structure({ categories, me }: Choices): unknown {
    const shown = categories.map(({ name, display_name, description, kind }) => [
      name,
      display_name,
      description,
      kind,
    ]);
    return [shown, me.channels, me.quiet_channels.length > 0];
  }

  protected build({ categories, me }: Choices): Node[] {
    if (!categories.length) return [];
    const { messages } = this.page;
    const waits = me.quiet_channels.length > 0;
    return [
      this.title(messages.kinds),
      ...categories.map((one) => this.kind(one, me.channels, waits)),
      ...(waits ? [this.cadence(null, messages.howOftenElse)] : []),
    ];
  }

  private kind(one: Category, channels: readonly string[], waits: boolean): HTMLElement {
    const { messages } = this.page;
    const about = one.description && hint(one.description);
    if (one.kind === "critical") {
      return group(one.display_name, about, hint(messages.always));
    }
    const boxes = channels.map((channel) =>
      this.box(
        `categories ${one.name} ${channel}`,
        this.channel(channel),
        ({ categories }) => is(categories, one.name, channel),
        (on) => this.page.change(edits.category(one.name, channel, on)),
      ),
    );
    return group(
      one.display_name,
      about,
      h("div", { class: "boxes" }, ...boxes),
      waits && this.cadence(one.name, messages.howOften),
    );
  }

  private cadence(about: string | null, label: string): HTMLElement {
    const { messages } = this.page;
    const options: Option[] = CADENCES.map((one) => [one, messages.cadence[one]]);
    return this.select(
      `digest ${about ?? ""}`,
      label,
      [["", [["", messages.asSent], ...options]]],
      ({ me }) => me.digests.find(({ category }) => category === about)?.cadence ?? "",
      (value) => this.page.change(edits.cadence(about, value as Cadence | "")),
    );
  }
}

/** A group of boxes for each topic. What is always sent has some where something was chosen. */
export class Topics extends Section {
  protected structure({ topics }: Choices): unknown {
    return topics.map(({ channels, ...topic }) => [topic, Object.keys(channels)]);
  }

  protected build({ topics }: Choices): Node[] {
    const { messages } = this.page;
    return [
      this.title(messages.topics),
      ...(topics.length ? topics.map((one) => this.topic(one)) : [hint(messages.noTopics)]),
    ];
  }

  private topic(one: Topic): HTMLElement {
    const { messages } = this.page;
    const boxes = Object.keys(one.channels).map((channel) =>
      this.box(
        `topics ${one.name} ${channel}`,
        this.channel(channel),
        ({ topics }) => is(topics, one.name, channel),
        (on) => this.page.change(edits.topic(one.name, channel, on)),
      ),
    );
    return group(
      one.display_name,
      hint(messages.by(one.publisher)),
      one.always_sent && hint(messages.always),
      h("div", { class: "boxes" }, ...boxes),
    );
  }
}

function is(rows: readonly (Category | Topic)[], name: string, channel: string): boolean {
  return rows.find((row) => row.name === name)?.channels[channel] ?? false;
}
