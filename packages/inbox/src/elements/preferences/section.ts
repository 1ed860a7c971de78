import type { Edit } from "../../preferences/edits.ts";
import type { Choices } from "../../preferences/types.ts";
import { h } from "../dom.ts";
import type { Messages } from "../messages.ts";

/** What sections know of the element that they are in. */
export interface Page {
  readonly messages: Messages;
  readonly language: string | undefined;
  change(edit: Edit): void;
}

/** A choice of a field: its value, and what it is called. */
export type Option = readonly [value: string, label: string];

/**
 * A part of the element. It is built anew only where there is other than before to choose from;
 * else its controls are brought up to date, and whatever is being pressed or typed stays.
 */
export abstract class Section {
  readonly element = h("section", { part: "section" });
  protected choices!: Choices;
  private built = "";
  private controls: ((choices: Choices) => void)[] = [];

  constructor(protected readonly page: Page) {}

  draw(choices: Choices = this.choices): void {
    this.choices = choices;
    const structure = JSON.stringify(this.structure(choices));
    if (structure !== this.built) {
      this.built = structure;
      this.controls = [];
      const focused = this.focused();
      const nodes = this.build(choices);
      this.element.hidden = !nodes.length;
      this.element.replaceChildren(...nodes);
      if (focused) this.find(focused)?.focus();
    }
    for (const show of this.controls) show(choices);
  }

  /** Return the control of a name. */
  protected find(key: string): HTMLElement | undefined {
    const all = this.element.querySelectorAll<HTMLElement>("[data-key]");
    return [...all].find((one) => one.dataset["key"] === key);
  }

  private focused(): string | undefined {
    const at = (this.element.getRootNode() as ShadowRoot).activeElement as HTMLElement | null;
    return at && this.element.contains(at) ? at.dataset["key"] : undefined;
  }

  /** Return what the section is built from; it is compared by its JSON. */
  protected abstract structure(choices: Choices): unknown;

  /** Return what is in it; nothing leaves the section out. */
  protected abstract build(choices: Choices): Node[];

  /** Have something brought up to date whenever the choices have changed. */
  protected watch(show: (choices: Choices) => void): void {
    this.controls.push(show);
  }

  /** Return a box that somebody ticks. `key`: the control's name, which finds it again. */
  protected box(
    key: string,
    label: string,
    on: (choices: Choices) => boolean,
    turned: (on: boolean) => void,
  ): HTMLElement {
    const input = h("input", { type: "checkbox", "data-key": key });
    input.addEventListener("change", () => turned(input.checked));
    this.watch((choices) => {
      input.checked = on(choices);
    });
    return h("label", { class: "box", part: "box" }, input, label);
  }

  /** Return a field with options to choose from; those of a name are in a group. */
  protected select(
    key: string,
    label: string,
    groups: Iterable<readonly [name: string, options: readonly Option[]]>,
    value: (choices: Choices) => string,
    chosen: (value: string) => void,
  ): HTMLElement {
    const select = h("select", { "data-key": key });
    for (const [name, options] of groups) {
      const found = options.map(([one, called]) => h("option", { value: one }, called));
      select.append(...(name ? [h("optgroup", { label: name }, ...found)] : found));
    }
    select.addEventListener("change", () => chosen(select.value));
    this.watch((choices) => {
      select.value = value(choices);
    });
    return h("label", { class: "field", part: "field" }, h("span", {}, label), select);
  }

  protected title(text: string): HTMLElement {
    return h("h3", { part: "title" }, text);
  }

  protected channel(name: string): string {
    return this.page.messages.channel[name] ?? name;
  }
}

/** Return a group of controls with its name. */
export function group(legend: string, ...children: (Node | string | false)[]): HTMLElement {
  return h(
    "fieldset",
    { part: "group" },
    h("legend", { part: "legend" }, h("bdi", {}, legend)),
    ...children,
  );
}

/** Return a line that explains. */
export function hint(text: string): HTMLElement {
  return h("p", { class: "meta", part: "hint" }, h("bdi", {}, text));
}
