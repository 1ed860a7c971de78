// Shows the numbers of a point of a chart to those who point at it, and to those who go there by
// keyboard. They are those of the table below the chart.
"use strict";

// In a block: names at the top of a script are those of every script of the page.
{
  const FAR = 10; // steps of Page Up and Page Down

  function element(name, parent, text = "") {
    const one = document.createElement("span");
    one.className = name;
    one.append(text); // a node also where it is empty, as the name of no provider is
    parent.append(one);
    return one;
  }

  function follow(plot) {
    const area = plot.querySelector(".n-plot-area");
    const table = plot.querySelector("table");
    const rows = [...table.tBodies[0].rows];
    const names = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
    const lines = plot.querySelectorAll(".n-plot-legend li").length;
    const line = element("n-plot-cursor", area);
    const card = element("n-plot-card", area);
    // Texts are changed in place: new elements would be looked through by operators.js.
    const title = element("n-plot-moment", card, "–").firstChild;
    const values = names.map((name, place) => {
      const row = element("n-plot-value", card);
      if (place < lines) element(`n-plot-key n-line-${place}`, row);
      return { row, text: element("", row, name).firstChild };
    });
    let shown = rows.length - 1;

    function show(place) {
      shown = Math.max(0, Math.min(rows.length - 1, place));
      const cells = [...rows[shown].cells].map((cell) => cell.textContent);
      title.data = cells[0];
      values.forEach(({ row, text }, number) => {
        text.data = `${names[number]}: ${cells[number + 1]}`;
        row.hidden = !cells[number + 1];
      });
      const at = ((shown + 0.5) / rows.length) * 100;
      line.style.left = `${at}%`;
      card.style.left = at < 50 ? `${at}%` : "";
      card.style.right = at < 50 ? "" : `${100 - at}%`;
      area.classList.add("n-plot-shows");
      area.setAttribute("aria-valuenow", shown);
      const said = names.map((name, number) => cells[number + 1] && `${name} ${cells[number + 1]}`);
      area.setAttribute("aria-valuetext", `${cells[0]}: ${said.filter(Boolean).join(", ")}`);
    }

    function hide() {
      if (document.activeElement !== area) area.classList.remove("n-plot-shows");
    }

    // A slider over the points: arrows move it, and what it says is read aloud.
    area.setAttribute("role", "slider");
    area.setAttribute("aria-valuemin", 0);
    area.setAttribute("aria-valuemax", rows.length - 1);
    area.tabIndex = 0;
    show(shown);
    hide();
    area.addEventListener("focus", () => show(shown));
    area.addEventListener("blur", hide);
    area.addEventListener("pointerleave", hide);
    area.addEventListener("pointermove", (event) => {
      const box = area.getBoundingClientRect();
      show(Math.floor(((event.clientX - box.left) / box.width) * rows.length));
    });
    area.addEventListener("keydown", (event) => {
      const to = {
        ArrowLeft: shown - 1,
        ArrowDown: shown - 1,
        ArrowRight: shown + 1,
        ArrowUp: shown + 1,
        PageDown: shown - FAR,
        PageUp: shown + FAR,
        Home: 0,
        End: rows.length - 1,
      }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      show(to);
    });
  }

  addEventListener("DOMContentLoaded", () => {
    for (const plot of document.querySelectorAll(".n-plot")) follow(plot);
  });
}
