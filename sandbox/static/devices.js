// Each message as its recipient would see it.
import { clock, day, element, link, linked, precise } from "./dom.js";

const PLATFORMS = { android: "Android", ios: "iOS", web: "Web" };
// Characters above which a webhook's JSON is not coloured, since each coloured token is a node.
const MOST_COLOURED = 6000;
const TALLEST_MAIL = 460;

/** A message's card: the device, and below it what the provider knows. */
export function card(message) {
  const draw = { push, sms, mail, webhook }[message.looks.kind] ?? plain;
  const made = element("article", { className: "message" }, draw(message, message.looks), caption(message));
  made.classList.toggle("lost", !message.accepted);
  made.dataset.channel = message.channel;
  made.style.order = -message.seq;
  return made;
}

function caption(message) {
  const chip = element("span", { className: "chip", title: "what was answered" }, answered(message));
  chip.classList.toggle("bad", !message.accepted || Boolean(message.note));
  return element(
    "div",
    { className: "caption" },
    chip,
    element("span", {}, message.provider),
    element("time", { title: new Date(message.at * 1000).toISOString() }, precise(message.at)),
    message.delivery_id ? element("span", { title: "delivery id" }, message.delivery_id) : null,
    element("code", { title: message.address }, message.address || "no address"),
  );
}

function push(message, looks) {
  const silent = !looks.title && !looks.body;
  const data = Object.entries(looks.data);
  const banner = element(
    "div",
    { className: "banner" },
    element(
      "div",
      { className: "app" },
      element("i"),
      element("span", {}, `Your app · ${PLATFORMS[looks.platform]}`),
      element("time", {}, clock(message.at)),
    ),
    silent ? element("span", { className: "silent" }, "Silent push: wakes the app, shows nothing") : null,
    looks.title ? element("b", { className: "said", dir: "auto" }, looks.title) : null,
    looks.body ? element("p", { className: "said", dir: "auto" }, looks.body) : null,
    looks.actions.length
      ? element("div", { className: "links" }, ...looks.actions.map(({ label, url }) => link(url, label)))
      : null,
    data.length
      ? element(
          "details",
          { className: "more" },
          element("summary", {}, "Data for the app"),
          element("dl", {}, ...data.flatMap(([key, value]) => [
            element("dt", {}, key),
            element("dd", {}, typeof value === "string" ? value : JSON.stringify(value)),
          ])),
        )
      : null,
  );
  if (looks.platform === "web") return element("div", { className: "desk" }, banner);
  const top = element(
    "div",
    { className: "clock" },
    element("b", {}, clock(message.at)),
    element("span", {}, day(message.at)),
  );
  const screen = element("div", { className: `lock ${looks.platform}` }, top, banner);
  return element("div", { className: "phone" }, screen);
}

function sms(message, looks) {
  const chat = element(
    "div",
    { className: "chat" },
    element("div", { className: "who" }, element("i", {}, initial(looks.from)), looks.from),
    element("time", {}, `${day(message.at)}, ${clock(message.at)}`),
    element("div", { className: "bubble said", dir: "auto" }, ...linked(looks.body)),
  );
  return element("div", { className: "phone" }, chat);
}

function mail(message, looks) {
  const parts = {
    HTML: looks.html && (() => frame(looks.html)),
    Text: looks.text && (() => element("pre", { dir: "auto" }, ...linked(looks.text))),
    Headers: Object.keys(looks.headers).length && (() => element("pre", {}, headers(looks.headers))),
    Source: looks.html && (() => element("pre", {}, looks.html)),
  };
  const there = Object.keys(parts).filter((name) => parts[name]);
  const body = element("div", { className: "body" });
  const tabs = there.map((name) =>
    element("button", { type: "button", role: "tab", onclick: () => show(name) }, name),
  );
  function show(name) {
    tabs.forEach((tab) => tab.setAttribute("aria-selected", tab.textContent === name));
    body.replaceChildren(parts[name]());
  }
  if (there.length) show(there[0]);
  return element(
    "div",
    { className: "mail" },
    element(
      "header",
      {},
      element("h3", { dir: "auto" }, looks.subject || "(no subject)"),
      element(
        "div",
        { className: "who" },
        element("i", {}, initial(looks.from)),
        element("span", {}, looks.from),
        element("time", {}, clock(message.at)),
        element("span", { className: "to" }, `to ${message.address}`),
      ),
    ),
    element("div", { className: "parts", role: "tablist" }, ...tabs),
    body,
  );
}

/** A mail's HTML, where no script runs and nothing is loaded; its links open in a new tab. */
function frame(html) {
  const made = element("iframe", { title: "The mail's HTML" });
  // allow-same-origin lets this page measure the mail; without allow-scripts nothing in it runs.
  made.setAttribute("sandbox", "allow-same-origin allow-popups allow-popups-to-escape-sandbox");
  made.srcdoc = `<!doctype html><base target="_blank"><meta name="referrer" content="no-referrer">${html}`;
  made.addEventListener("load", () => {
    const height = made.contentDocument?.documentElement?.offsetHeight ?? 0;
    made.style.height = `${Math.max(60, Math.min(TALLEST_MAIL, height))}px`;
  });
  return made;
}

function webhook(message, looks) {
  const url = URL.canParse(message.address) ? new URL(message.address) : { pathname: "", search: "" };
  const screen = element(
    "pre",
    {},
    element("span", { className: "verb" }, "POST "),
    `${url.pathname}${url.search}\n`,
    ...Object.entries(looks.headers).flatMap(([name, value]) => [
      element("span", { className: "name" }, `${name}: `),
      `${value}\n`,
    ]),
    "\n",
    ...json(looks.content),
    "\n\n",
    element("span", { className: message.accepted ? "fine" : "wrong" }, `← ${answered(message)}`),
  );
  return element(
    "div",
    { className: "terminal" },
    element("header", {}, element("i"), element("i"), element("i"), element("span", {}, url.pathname.split("/").pop())),
    screen,
  );
}

function plain(message, looks) {
  const cut = looks.cut ? `\n… of ${message.size.toLocaleString()} bytes` : "";
  return element(
    "div",
    { className: "terminal" },
    element("header", {}, element("i"), element("i"), element("i"), element("span", {}, "as it came")),
    element("pre", {}, (looks.text || "(empty)") + cut),
  );
}

/** The status, and the behaviour or error where that differs. */
function answered({ status, note }) {
  const answer = String(status ?? "no answer");
  return note && note !== answer ? `${answer} ${note}` : answer;
}

const initial = (name) => (name.match(/[\p{L}]/u)?.[0] ?? "#").toUpperCase();

const headers = (found) =>
  Object.entries(found).map(([name, value]) => `${name}: ${value}`).join("\n");

/** JSON in colours: strings, keys and everything else. */
function json(value) {
  const text = JSON.stringify(value, null, 2);
  if (text.length > MOST_COLOURED) return [text];
  const token = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*|true|false|null)/g;
  const found = [];
  let end = 0;
  for (const match of text.matchAll(token)) {
    const [whole, string, colon] = match;
    const className = colon ? "key" : string ? "string" : "other";
    found.push(text.slice(end, match.index), element("span", { className }, string ?? whole), colon ?? "");
    end = match.index + whole.length;
  }
  return [...found, text.slice(end)];
}
