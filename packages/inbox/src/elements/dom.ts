/** Makes elements. Text is text: nothing here takes markup. */

type Child = Node | string | null | undefined | false;
type Properties = Record<string, unknown>;

/** Return an element. `on…` are listeners, `class` and names with a dash are attributes. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") made.addEventListener(name.slice(2), value as EventListener);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((one): one is Node | string => Boolean(one)));
  return made;
}

const ICONS = {
  bell: "M12 3a6 6 0 0 0-6 6v4l-2 3v1h16v-1l-2-3V9a6 6 0 0 0-6-6zM9.5 19a2.5 2.5 0 0 0 5 0",
  read: "M4 12.5l5 5L20 6.5",
  unread: "M4 6h16v12H4zM4 7l8 6 8-6",
  archive: "M4 5h16v4H4zM6 9v10h12V9M10 13h4",
  restore: "M9 14L4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3",
  snooze: "M12 4a8 8 0 1 0 .01 0zM12 8v4l3 2",
  delete: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  close: "M6 6l12 12M18 6L6 18",
};
export type Icon = keyof typeof ICONS;

/** Return a picture that screen readers do not read. */
export function icon(name: Icon): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  return svg;
}

/** Return a URL that a link may lead to, `undefined` for any other: a script's, for one. */
export function safeUrl(url: string, base = globalThis.document?.baseURI): string | undefined {
  try {
    const { href, protocol } = new URL(url, base);
    return ["http:", "https:", "mailto:"].includes(protocol) ? href : undefined;
  } catch {
    return undefined;
  }
}
