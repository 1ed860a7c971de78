// The stream of messages, its filters, and the buttons above it.
import { card } from "./devices.js";
import { element } from "./dom.js";
import { call, showState } from "./trouble.js";

// Most cards in each lane, so that a page that is open for a week stays small.
const MOST = 40;
const NAMES = { push: "Push", sms: "SMS", email: "Email", webhook: "Webhook" };
const PROVIDERS = { push: ["fcm", "apns"], sms: ["twilio"], email: ["sendgrid", "smtp"], webhook: ["webhook"] };

const lanes = document.getElementById("lanes");
const live = document.getElementById("live");
const skippedLine = document.getElementById("skipped");
const recipient = document.getElementById("recipient");
const hold = document.getElementById("hold");
const wanted = { channel: "", address: "" };
let source = null;
let last = "";
let life = "";
let skipped = 0;

const laneOf = Object.fromEntries(
  Object.entries(NAMES).map(([channel, name]) => {
    const none = element("p", { className: "none" }, `Nothing by ${name.toLowerCase().replace("sms", "SMS")} to show`);
    const lane = element("section", { className: "lane", ariaLabel: name }, element("h2", {}, name), none);
    lane.classList.toggle("wide", channel === "email" || channel === "webhook");
    return [channel, lane];
  }),
);
lanes.append(...Object.values(laneOf));

function empty() {
  for (const found of document.querySelectorAll("article.message")) found.remove();
  skipped = 0;
  skippedLine.hidden = true;
}

function add({ messages, skipped: more }) {
  for (const message of messages) {
    const lane = laneOf[message.channel];
    lane.querySelector("h2").after(card(message));
    const cards = lane.querySelectorAll("article");
    if (cards.length > MOST) cards[cards.length - 1].remove();
  }
  skipped += more;
  skippedLine.hidden = !skipped;
  skippedLine.textContent = `${skipped.toLocaleString()} more arrived too fast to be shown.`;
}

function connect() {
  source?.close();
  source = null;
  if (document.hidden || hold.getAttribute("aria-pressed") === "true") {
    say(document.hidden ? "waiting" : "held", false);
    return;
  }
  source = new EventSource(`/page/live?${new URLSearchParams({ ...wanted, last })}`);
  source.addEventListener("open", () => say("live", true));
  source.addEventListener("error", () => say("the sandbox does not answer", false));
  source.addEventListener("state", ({ data }) => {
    const state = JSON.parse(data);
    if (life && state.life !== life) empty(); // it was cleared or restarted
    life = state.life;
    for (const counter of document.querySelectorAll("[data-count]")) {
      const numbers = PROVIDERS[counter.dataset.count].map((name) => state.counts[name].messages);
      counter.textContent = numbers.reduce((sum, number) => sum + number).toLocaleString();
    }
    showState(state);
  });
  source.addEventListener("messages", (event) => {
    last = event.lastEventId;
    add(JSON.parse(event.data));
  });
}

function say(words, on) {
  live.textContent = words;
  live.classList.toggle("on", on);
}

/** Reconnect with other filters. */
function want(change) {
  Object.assign(wanted, change);
  lanes.classList.toggle("one", Boolean(wanted.channel));
  for (const [channel, lane] of Object.entries(laneOf)) lane.classList.toggle("shown", channel === wanted.channel);
  last = "";
  empty();
  connect();
}

for (const tab of document.getElementsByName("channel")) {
  tab.addEventListener("change", () => want({ channel: tab.value }));
}
let typing;
recipient.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => want({ address: recipient.value.trim() }), 200);
});
hold.addEventListener("click", () => {
  hold.setAttribute("aria-pressed", hold.getAttribute("aria-pressed") !== "true");
  connect();
});
document.getElementById("clear").addEventListener("click", () => call("DELETE", "messages"));
// A browser has six connections to a host: a hidden page uses none of them.
document.addEventListener("visibilitychange", connect);
const chosen = [...document.getElementsByName("channel")].find((tab) => tab.checked);
want({ channel: chosen.value, address: recipient.value.trim() }); // kept by a reloaded page
