import { leaveEverything } from "../../preferences/edits.ts";
import type { Choices } from "../../preferences/types.ts";
import { h } from "../dom.ts";
import { hint, Section } from "./section.ts";

/** Leaving everything, in two steps: it undoes every choice at once. */
export class Leave extends Section {
  private asking = false;

  protected structure(): unknown {
    return this.asking;
  }

  protected build(): Node[] {
    const { messages } = this.page;
    const button = (label: string, key: string, press: () => void): HTMLElement =>
      h("button", { type: "button", part: "button", "data-key": key, onclick: press }, label);
    const ask = (asking: boolean): void => {
      this.asking = asking;
      this.draw();
      this.element.querySelector("button")?.focus();
    };
    const sure = (): void => {
      this.page.change(leaveEverything());
      ask(false);
    };
    return [
      this.title(messages.leave),
      hint(messages.leaveText),
      this.asking
        ? h(
            "div",
            { class: "buttons", role: "group", "aria-label": messages.leave },
            button(messages.leaveSure, "sure", sure),
            button(messages.cancel, "cancel", () => ask(false)),
          )
        : h("div", { class: "buttons" }, button(messages.leaveAll, "leave", () => ask(true))),
    ];
  }
}

/** Says that a STOP stands: it goes before whatever is chosen. */
export class Stopped extends Section {
  protected structure({ me }: Choices): unknown {
    return me.sms_stopped;
  }

  protected build({ me }: Choices): Node[] {
    const { messages } = this.page;
    return me.sms_stopped ? [this.title(messages.stopped), hint(messages.stoppedText)] : [];
  }
}
