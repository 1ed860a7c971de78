// What the admin's pages need beside their theme: questions before something is done, and what
// keyboards and screen readers miss in the theme's markup.
"use strict";

// In a block: names at the top of a script are those of every script of the page.
{
  const QUESTION = "warning"; // a form's data-warning is asked before it is sent

  addEventListener("submit", (event) => {
    const question = event.target.dataset[QUESTION] || aboutAction(event);
    if (question && !confirm(question)) event.preventDefault();
  });

  // Of a list's action on the rows that are selected. Deleting asks on a page of its own.
  function aboutAction({ target, submitter }) {
    if (target.id !== "changelist-form" || submitter?.name !== "index") return "";
    const chosen = target.querySelector("select[name=action]")?.selectedOptions[0];
    const rows = target.querySelectorAll("input.action-select:checked").length;
    if (!chosen?.value || chosen.value === "delete_selected" || !rows) return "";
    return `${chosen.text.trim()} (${rows})?`;
  }

  // The theme's icons are words in a font of their own, its menus open on elements that no keyboard
  // reaches, and some controls have no name.
  const CLICKED = ["a", "span", "div", "h2", "h3"]
    .map((tag) => `${tag}:is([x-on\\:click], [\\@click]):not([href], [tabindex], #changelist-filter-close)`)
    .join();
  const NAMES = {
    expand_less: "Show or hide",
    menu: "Menu",
    dock_to_right: "Show or hide the sidebar",
    computer: "Theme",
    dark_mode: "Theme",
    light_mode: "Theme",
    more_horiz: "More",
    more_vert: "More",
    visibility: "Show or hide the password",
    visibility_off: "Show or hide the password",
    close: "Close",
  };

  function improve(root) {
    for (const one of root.querySelectorAll(CLICKED)) {
      one.tabIndex = 0;
      one.setAttribute("role", "button");
      one.addEventListener("keydown", (event) => {
        if (event.target !== one || !["Enter", " "].includes(event.key)) return;
        event.preventDefault();
        one.click();
      });
    }
    for (const icon of root.querySelectorAll(".material-symbols-outlined")) name(icon);
    for (const hint of root.querySelectorAll(".help-tooltip[aria-label]")) hint.setAttribute("role", "img");
    for (const card of root.querySelectorAll(".n-card")) scroll(card);
    for (const chooser of root.querySelectorAll(".select2-container")) label(chooser);
  }

  // What scrolls sideways is reached by keyboard, too.
  function scroll(card) {
    if (card.scrollWidth <= card.clientWidth || card.tabIndex === 0) return;
    card.tabIndex = 0;
    card.setAttribute("role", "region");
    card.setAttribute("aria-label", card.querySelector("h2")?.textContent.trim() || "Table");
  }

  // Choosers are drawn by select2 beside the field that has the label.
  function label(chooser) {
    const field = chooser.previousElementSibling;
    const said = field?.labels?.[0]?.textContent.trim().replace(/\s+/g, " ");
    if (!said) return;
    const parts = "[role=combobox], [role=textbox], [role=searchbox]";
    for (const part of chooser.querySelectorAll(parts)) {
      if (part.getAttribute("aria-label") !== said) part.setAttribute("aria-label", said);
    }
  }

  function name(icon) {
    const control = icon.closest("a, button, [role=button]");
    if (control && !control.getAttribute("aria-label")) {
      const copy = control.cloneNode(true);
      for (const one of copy.querySelectorAll(".material-symbols-outlined")) one.remove();
      const word = icon.textContent.trim();
      const said = control === icon ? "" : copy.textContent.trim();
      if (!said) control.setAttribute("aria-label", control.title || NAMES[word] || word.replaceAll("_", " "));
    }
    if (control !== icon) icon.setAttribute("aria-hidden", "true");
  }

  addEventListener("DOMContentLoaded", () => {
    improve(document);
    addEventListener("load", () => improve(document)); // choosers are drawn, and styles are there
    addEventListener("resize", () => improve(document));
    new MutationObserver((changes) => {
      if (changes.some((change) => change.addedNodes.length)) improve(document);
    }).observe(document.body, { childList: true, subtree: true });
  });
}
