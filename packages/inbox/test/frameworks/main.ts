// Shows one of the README's programs, which the test copies here: #react or #vue.
import { NotifierInbox } from "notifier-inbox";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { createApp } from "vue";

const claims = btoa(JSON.stringify({ sub: "ada", exp: Date.now() / 1000 + 3600 }));
const inbox = new NotifierInbox({ url: "", token: () => `.${claims}.` });
const place = document.querySelector("main")!;
if (location.hash === "#react") {
  const { Bell } = await import("./react_bell");
  createRoot(place).render(createElement(Bell, { inbox }));
} else {
  const { default: Bell } = await import("./vue_bell.vue");
  createApp(Bell, { inbox }).mount(place);
}
Object.assign(window, { inbox });
void inbox.connect();
