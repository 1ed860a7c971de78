// Controls for misbehaviour, and for text messages that people write. They show the sandbox's rules, whoever set them.
import { element } from "./dom.js";

const providers = document.getElementById("providers");
const form = document.getElementById("rule");
const refused = document.getElementById("refused");
const words = [...form.behaviour.options].map((option) => [option.value, option.title]);
const boxes = new Map();

for (const { value: provider } of form.provider.options) {
  const select = element(
    "select",
    { ariaLabel: `${provider} to every address` },
    element("option", { value: "" }, "behaves"),
    ...words.map(([value, title]) => element("option", { value, title }, value)),
  );
  select.addEventListener("change", () =>
    select.value ? set({ provider, behaviour: select.value }) : drop(provider, null),
  );
  const numbers = element("p");
  const box = element("div", { className: "provider" }, element("label", {}, provider, select), numbers);
  boxes.set(provider, { box, select, numbers });
  providers.append(box);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const asked = { provider: form.provider.value, behaviour: form.behaviour.value };
  if (form.address.value.trim()) asked.address = form.address.value.trim();
  if (form.times.value) asked.times = Number(form.times.value);
  if (form.value.value.trim()) asked.retry_after = form.value.value.trim();
  set(asked);
});
const reply = document.getElementById("text");
reply.addEventListener("submit", (event) => {
  event.preventDefault();
  call("POST", "texts", { from: reply.number.value.trim(), body: reply.text.value });
});
document.getElementById("heal").addEventListener("click", () => call("DELETE", "behave"));
const opener = document.getElementById("open-trouble");
opener.addEventListener("click", () => {
  const section = document.getElementById("trouble");
  section.hidden = !section.hidden;
  opener.setAttribute("aria-expanded", !section.hidden);
});

const set = (asked) => call("POST", "behave", asked);

function drop(provider, address) {
  const which = new URLSearchParams({ provider, ...(address === null ? {} : { address }) });
  return call("DELETE", `behave?${which}`);
}

/** A call of the control API; its error is shown. */
export async function call(method, path, body) {
  try {
    const answer = await fetch(`/sandbox/${path}`, { method, body: body && JSON.stringify(body) });
    refused.textContent = answer.ok ? "" : (await answer.json()).error;
  } catch {
    refused.textContent = "The sandbox does not answer.";
  }
}

export function showState({ counts, rules }) {
  document.getElementById("rules-count").textContent = rules.length || "";
  for (const [provider, { box, select, numbers }] of boxes) {
    const rule = rules.find((one) => one.provider === provider && one.address === null);
    select.value = rule?.behaviour ?? "";
    box.classList.toggle("ill", rules.some((one) => one.provider === provider));
    const { messages, accepted, duplicates } = counts[provider];
    const twice = duplicates ? `, ${duplicates.toLocaleString()} duplicates` : "";
    numbers.textContent = `${messages.toLocaleString()} received, ${accepted.toLocaleString()} accepted${twice}`;
  }
  const items = rules.map(({ provider, behaviour, address, times, value }) => {
    const details = [
      `${provider}: ${behaviour}`,
      address === null ? "to every address" : `to ${address}`,
      times ? `${times} ${times === 1 ? "time" : "times"}` : "",
      value ? `(${value})` : "",
    ];
    const words = details.filter(Boolean).join(" ");
    const button = element("button", { type: "button", ariaLabel: `Forget ${words}` }, "×");
    button.addEventListener("click", () => drop(provider, address));
    return element("li", {}, words, button);
  });
  document.getElementById("rules").replaceChildren(...items);
}
