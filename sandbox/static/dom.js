// Building of DOM nodes: everything gets onto the page through these, so text is never markup.

/** An element with properties, and children that are elements or text. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** A link that opens a new tab without a referrer, or plain text for any but an http URL. */
export function link(url, text) {
  if (!/^https?:\/\//i.test(url)) return element("span", { title: url }, text);
  return element("a", { href: url, title: url, target: "_blank", rel: "noopener noreferrer" }, text);
}

/** Text in which web addresses can be followed. */
export function linked(text) {
  const parts = text.split(/(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]])/i);
  return parts.map((part, index) => (index % 2 ? link(part, part) : part));
}

export const clock = (at) =>
  new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
export const precise = (at) => new Date(at * 1000).toTimeString().slice(0, 8);
export const day = (at) =>
  new Date(at * 1000).toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
