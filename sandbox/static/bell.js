// The demo of packages/inbox. ?user=ada shows one person, and ?sharing=leader another way to share.
import { element as h } from "./dom.js";

const asked = new URLSearchParams(location.search);
const { api, stream } = document.documentElement.dataset;

async function token(user) {
  const answer = await fetch(`/bell/token?user=${encodeURIComponent(user)}`);
  if (!answer.ok) throw new Error("The sandbox runs without a service: start it by `make up`");
  return answer.text();
}

function show(user, { NotifierInbox, attach }) {
  const inbox = new NotifierInbox({
    url: api,
    streamUrl: stream,
    token: () => token(user),
    sharing: asked.get("sharing") ?? undefined,
  });
  const live = h("span", { className: "live", role: "status" }, "connecting");
  inbox.on("connected", () => {
    live.textContent = "live";
    live.classList.add("on");
  });
  inbox.on("disconnected", () => {
    live.textContent = "away";
    live.classList.remove("on");
  });
  const out = h("button", { type: "button" }, "Sign out");
  out.addEventListener("click", () => inbox.signOut());
  inbox.on("signedout", () => {
    live.textContent = "signed out";
    live.classList.remove("on");
    out.disabled = true;
  });
  const choices = h("details", { className: "choices" }, h("summary", {}, "What I get"));
  choices.addEventListener("toggle", () => {
    if (choices.children.length > 1) return;
    choices.append(document.createElement("notifier-preferences"));
    attach(inbox, choices);
  });
  const section = h("section", { className: "person", ariaLabel: user },
    h("header", {}, h("h2", {}, user), live, document.createElement("notifier-bell"), out),
    document.createElement("notifier-inbox"), document.createElement("notifier-toasts"),
    choices);
  document.querySelector("#people").append(section);
  attach(inbox, section);
  void inbox.connect();
  return inbox;
}

/** Have an item sent; the answer is one line, as soon as it is accepted. */
async function send(event) {
  event.preventDefault();
  const form = event.target;
  const said = form.querySelector("output");
  said.textContent = "Sending …";
  const answer = await fetch(`/bell/send?${new URLSearchParams(new FormData(form))}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
  });
  const reader = answer.body.getReader();
  const { error } = JSON.parse(new TextDecoder().decode((await reader.read()).value));
  void reader.cancel();
  said.textContent = error || "Sent.";
}

try {
  const library = { ...(await import("/bell/index.js")), ...(await import("/bell/elements.js")) };
  const users = asked.getAll("user");
  const shown = users.length ? users : ["ada", "bo"];
  window.inboxes = shown.map((user) => show(user, library));
  const form = document.querySelector("#sending");
  form.elements.user.append(...shown.map((user) => h("option", {}, user)));
  form.addEventListener("submit", send);
} catch {
  document.querySelector("#missing").hidden = false;
}
