// Keeps the panels of a page fresh whose row is not finished, as those of a bulk action. They are
// replaced without a word to screen readers, which are told once, at the end.
"use strict";

// In a block: names at the top of a script are those of every script of the page.
{
  const EVERY = 3000; // milliseconds

  function put(place, fresh) {
    if (!fresh || place.innerHTML === fresh.innerHTML || place.contains(document.activeElement)) return;
    place.replaceChildren(...fresh.childNodes);
  }

  async function follow(panels, told) {
    let page = null;
    if (!document.hidden) {
      try {
        const answer = await fetch(location.href, { headers: { "X-Unattended": "1" } });
        const refused = answer.status >= 400 && answer.status < 500;
        if (answer.redirected || refused) return; // to where one logs in, or it is gone
        page = new DOMParser().parseFromString(await answer.text(), "text/html");
      } catch {
        // The next time may do.
      }
    }
    const fresh = page?.querySelector("#panels");
    if (fresh) {
      put(panels, fresh);
      if (!("unfinished" in fresh.dataset)) {
        const buttons = document.querySelector("#buttons");
        if (buttons) put(buttons, page.querySelector("#buttons") ?? document.createElement("div"));
        told.textContent = "It is finished.";
        return;
      }
    }
    setTimeout(follow, EVERY, panels, told);
  }

  addEventListener("DOMContentLoaded", () => {
    const panels = document.querySelector("#panels[data-unfinished]");
    if (!panels) return;
    const told = document.createElement("p");
    told.setAttribute("role", "status");
    told.className = "n-muted";
    panels.after(told);
    setTimeout(follow, EVERY, panels, told);
  });
}
