/** The parts of an item that lists, banners and dialogs show alike. */
import type { Item } from "../types.ts";
import { h, safeUrl } from "./dom.ts";
import type { Messages } from "./messages.ts";
import { absolute, relative } from "./times.ts";

/** Say anew how long ago it was, in an element that shows an item. */
export function retell(
  element: Element,
  item: Item,
  messages: Messages,
  language: string | undefined,
  now: number,
): void {
  const time = element.querySelector("time");
  if (time) time.textContent = when(item, messages, language, now);
}

/** Return the time of an item as people say it: that at which it comes back, if it was put off. */
function when(item: Item, messages: Messages, language: string | undefined, now: number): string {
  const said = relative(timeOf(item), language, now);
  return item.snoozed_until ? messages.until(said) : said;
}

function timeOf(item: Item): string {
  return item.snoozed_until ?? item.created_at;
}

/** Return title, body, source and time. */
export function textOf(
  item: Item,
  messages: Messages,
  language: string | undefined,
  now: number,
): HTMLElement {
  const time = timeOf(item);
  return h(
    "div",
    { class: "text" },
    h(
      "p",
      { class: "title", part: "title", dir: "auto" },
      // Apart, so that the title itself decides the paragraph's direction.
      item.severity !== "info" &&
        h("bdi", { class: "mark" }, `${messages.severity[item.severity]}:`),
      item.severity !== "info" && " ",
      item.title,
    ),
    item.body && h("p", { class: "body", part: "body", dir: "auto" }, item.body),
    h(
      "p",
      { class: "meta", part: "meta" },
      item.source && h("bdi", {}, item.source),
      item.source && " · ",
      h(
        "time",
        { datetime: time, title: absolute(time, language), dir: "auto" },
        when(item, messages, language, now),
      ),
    ),
  );
}

/** Return its links; those that lead to anything but pages and mail are left out. */
export function linksOf(item: Item, followed: (item: Item) => void): HTMLElement {
  const links = Object.entries(item.actions).flatMap(([label, url], at) => {
    const href = safeUrl(url);
    const onclick = (): void => followed(item);
    return href ? [h("a", { href, part: "action", "data-key": `link ${at}`, onclick }, label)] : [];
  });
  return h("div", { class: "actions" }, ...links);
}
