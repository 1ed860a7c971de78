/** The parts of an item that lists, banners and dialogs show alike. */
import type { Item } from "../types.ts";
import { h, safeUrl } from "./dom.ts";
import type { Messages } from "./messages.ts";
import { absolute, relative } from "./times.ts";

/** Return title, body, source and time. */
export function textOf(
  item: Item,
  messages: Messages,
  language: string | undefined,
  now: number,
): HTMLElement {
  const back = item.snoozed_until;
  const time = back ?? item.created_at;
  const said = relative(time, language, now);
  return h(
    "div",
    { class: "text" },
    h(
      "p",
      { class: "title", part: "title", dir: "auto" },
      item.severity !== "info" &&
        h("span", { class: "mark" }, `${messages.severity[item.severity]}: `),
      item.title,
    ),
    item.body && h("p", { class: "body", part: "body", dir: "auto" }, item.body),
    h(
      "p",
      { class: "meta", part: "meta" },
      item.source && `${item.source} · `,
      h(
        "time",
        { datetime: time, title: absolute(time, language) },
        back ? messages.until(said) : said,
      ),
    ),
  );
}

/** Return its links; those that lead to anything but pages and mail are left out. */
export function linksOf(item: Item, followed: (item: Item) => void): HTMLElement {
  const links = Object.entries(item.actions).flatMap(([label, url]) => {
    const href = safeUrl(url);
    return href ? [h("a", { href, part: "action", onclick: () => followed(item) }, label)] : [];
  });
  return h("div", { class: "actions" }, ...links);
}
