"use strict";
// Sorting and filtering on top of tables that are complete without it. No request, no storage.
(() => {
  const value = (row, column) => {
    const cell = row.cells[column];
    if (!cell) return "";
    if (cell.dataset.v === "") return NaN;
    return cell.dataset.v === undefined ? cell.textContent.trim().toLowerCase() : Number(cell.dataset.v);
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") {
      if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b) || 0;
      return a - b;
    }
    return String(a).localeCompare(String(b), "en", { numeric: true });
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const falls = head.getAttribute("aria-sort") === "descending" || head.dataset.first === "up" && !head.hasAttribute("aria-sort");
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", falls ? "ascending" : "descending");
        for (const body of table.tBodies) {
          const rows = [...body.rows].filter((row) => !row.querySelector("th[scope=rowgroup]"));
          rows.forEach((row) => row.classList.remove("newband"));
          rows.sort((a, b) => {
            const [x, y] = [value(a, column), value(b, column)];
            const missing = Number.isNaN(x) || Number.isNaN(y);
            return compare(x, y) * (falls || missing ? 1 : -1);
          });
          body.append(...rows);
        }
      });
    });
  }
  for (const filters of document.querySelectorAll(".filters")) {
    const table = document.getElementById(filters.dataset.table);
    const rows = [...table.tBodies[0].rows];
    const told = filters.querySelector("output");
    const apply = () => {
      const wanted = [...filters.querySelectorAll("select")].map((s) => [s.name, s.value]);
      let shown = 0;
      for (const row of rows) {
        const fits = wanted.every(([name, v]) => v === "*" || row.dataset[name] === v || (name === "breadth" && v === "wide" && row.dataset.breadth === "wide"));
        row.hidden = !fits;
        shown += fits;
      }
      told.textContent = `${shown} of ${rows.length} tasks shown`;
    };
    for (const select of filters.querySelectorAll("select")) {
      select.addEventListener("change", () => {
        const breadth = filters.querySelector("[name=breadth]");
        if (select !== breadth && select.value !== "*") breadth.value = "*";
        apply();
      });
    }
    filters.hidden = false;
    apply();
  }
})();
