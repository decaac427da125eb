"use strict";
// Sorting, filtering, saving and comparing on top of tables that are complete without it. No request, no storage.
(() => {
  const PAGE = 100;
  const make = (tag, given = {}, ...inside) => {
    const element = Object.assign(document.createElement(tag), given);
    element.append(...inside);
    return element;
  };
  const main = (cell) => {
    const first = [...cell.childNodes].filter((n) => n.nodeName !== "SMALL" && n.nodeName !== "SUP" && !(n.classList && n.classList.contains("sr")));
    return first.map((n) => n.textContent).join("").trim();
  };
  const number = (text) => {
    const found = /^[<\s]*([+\u2212-]?[\d,]*\.?\d+)/.exec(text);
    return found ? Number(found[1].replace(/,/g, "").replace("\u2212", "-")) : NaN;
  };
  const bodies = (table) => [...table.tBodies].map((body) => [...body.rows].filter((row) => !row.querySelector("th[scope=rowgroup]")));
  const heads = (table) => [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  const title = (head) => [...head.querySelectorAll("button")].concat(head)[0].firstChild.textContent.trim();
  const told = make("p", { className: "sr" });
  told.setAttribute("role", "status");
  document.body.append(told);

  const sortable = (table) => {
    heads(table).forEach((head, column) => {
      const button = make("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const was = head.getAttribute("aria-sort");
        const rises = was === "descending" || (!was && head.dataset.first === "up");
        heads(table).forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", rises ? "ascending" : "descending");
        bodies(table).forEach((rows, i) => {
          const keyed = rows.map((row) => [main(row.cells[column]), row]);
          const numeric = keyed.filter(([t]) => t && t !== "n/a").every(([t]) => !Number.isNaN(number(t)));
          const sign = rises ? 1 : -1;
          const last = (t) => t === "n/a" || t === "";
          keyed.sort(([a], [b]) => last(a) - last(b) || sign * (numeric ? number(a) - number(b) || 0 : a.localeCompare(b, "en", { numeric: true })));
          rows.forEach((row) => row.classList.remove("newband"));
          table.tBodies[i].append(...keyed.map(([, row]) => row));
        });
        paged(table);
        told.textContent = `Sorted by ${title(head)}, ${rises ? "ascending" : "descending"}`;
      });
    });
  };

  const paged = (table) => {
    let seen = 0;
    for (const row of bodies(table).flat()) {
      const later = !row.hidden && ++seen > PAGE && !table.dataset.all;
      if (row.classList.contains("later") !== later) row.classList.toggle("later", later);
    }
    const more = table.moreButton;
    if (more) {
      more.hidden = table.dataset.all || seen <= PAGE;
      more.textContent = `Show all ${seen} rows`;
    }
  };

  const filtered = (table, tools) => {
    const rows = bodies(table).flat();
    if (rows.length < 8) return;
    const named = heads(table).findIndex((head) => /^(Model|Task)$/.test(title(head)));
    const names = rows.map((row) => main(row.cells[named]).toLowerCase());
    const box = make("input", { type: "search", placeholder: "part of a name", autocomplete: "off" });
    const count = make("output");
    count.setAttribute("role", "status");
    const picks = [];
    heads(table).forEach((head, column) => {
      if (!head.hasAttribute("data-pick")) return;
      const values = rows.map((row) => main(row.cells[column]));
      const choices = [...new Set(values)];
      if (choices.length < 2 || choices.length > 60) return;
      const select = make("select", {}, make("option", { value: "", textContent: "all" }));
      choices.forEach((choice) => select.append(make("option", { value: choice, textContent: choice })));
      select.setAttribute("aria-label", `${title(head)}: only`);
      picks.push([select, values]);
      tools.append(make("label", {}, title(head), select));
    });
    tools.prepend(make("label", {}, title(heads(table)[named]), box));
    const apply = () => {
      const part = box.value.trim().toLowerCase();
      const active = picks.filter(([select]) => select.value !== "");
      let shown = 0;
      rows.forEach((row, i) => {
        const fits = (!part || names[i].includes(part)) && active.every(([select, values]) => values[i] === select.value);
        if (row.hidden === fits) row.hidden = !fits;
        shown += fits;
      });
      paged(table);
      count.textContent = `${shown} of ${rows.length} shown`;
    };
    box.addEventListener("input", apply);
    picks.forEach(([select]) => select.addEventListener("change", apply));
    tools.append(count);
    if (rows.length > PAGE) {
      table.moreButton = make("button", { type: "button" });
      table.moreButton.addEventListener("click", () => {
        table.dataset.all = "yes";
        paged(table);
      });
      table.closest(".scroll").after(make("p", { className: "tools" }, table.moreButton));
      paged(table);
    }
    count.textContent = `${rows.length} of ${rows.length} shown`;
  };

  const records = (table) => {
    const spans = heads(table);
    return [...table.tBodies].flatMap((body) => {
      const group = body.querySelector("th[scope=rowgroup]");
      return [...body.rows].filter((row) => !row.querySelector("th[scope=rowgroup]") && !row.hidden).map((row) => {
        const record = group ? { group: group.textContent.trim() } : {};
        spans.forEach((head, column) => {
          const cell = row.cells[column];
          const name = [title(head), head.querySelector("small") ? head.querySelector("small").textContent : ""].filter(Boolean).join(", ");
          const text = cell ? main(cell) : "";
          const why = cell && cell.querySelector("abbr");
          const plain = /^[+\u2212-]?[\d,]*\.?\d+$/.test(text) && !/^0\d/.test(text);
          record[name] = why && text === "n/a" ? null : plain ? number(text) : text;
          if (why && text === "n/a") record[`${name}: why not`] = why.title;
          const small = cell && cell.querySelector("small");
          const ends = small && /^\[(.+), (.+)\]$/.exec(small.textContent);
          if (ends) [record[`${name}: low`], record[`${name}: high`]] = [number(ends[1]), number(ends[2])];
        });
        return record;
      });
    });
  };
  const csv = (rows) => {
    const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    // A spreadsheet runs words that begin like a formula: a quote before them keeps them words.
    const safe = (v) => typeof v === "string" && /^[=+@\t\r-]/.test(v) ? `'${v}` : String(v);
    const cell = (v) => v === null || v === undefined ? "" : /[",\r\n]/.test(safe(v)) ? `"${safe(v).replace(/"/g, '""')}"` : safe(v);
    return [names, ...rows.map((row) => names.map((name) => row[name]))].map((line) => line.map(cell).join(",")).join("\n") + "\n";
  };
  const save = (name, text, type) => {
    const address = URL.createObjectURL(new Blob([text], { type }));
    const link = make("a", { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  };
  const savable = (table, tools) => {
    const button = (kind, write, type) => {
      const made = make("button", { type: "button", textContent: kind });
      made.setAttribute("aria-label", `Save this table as ${kind}`);
      made.addEventListener("click", () => save(`${table.id}.${kind.toLowerCase()}`, write(records(table)), type));
      return made;
    };
    tools.append(make("span", { className: "save" }, button("CSV", csv, "text/csv"), button("JSON", (rows) => JSON.stringify(rows, null, 1) + "\n", "application/json")));
  };

  for (const table of document.querySelectorAll("table.sortable, table.tall")) {
    if (!table.tBodies.length) continue;
    const tools = make("div", { className: "tools" });
    if (table.classList.contains("sortable")) sortable(table);
    if (table.classList.contains("filtered")) filtered(table, tools);
    savable(table, tools);
    table.closest(".scroll").before(tools);
  }

  for (const heats of document.querySelectorAll("[data-side-by-side]")) {
    const figures = [...heats.children];
    if (figures.length < 3) continue;
    const choose = (label, at) => {
      const select = make("select", {}, ...figures.map((f, i) => make("option", { value: i, textContent: f.dataset.model, selected: i === at })));
      select.addEventListener("change", show);
      return [select, make("label", {}, label, select)];
    };
    const show = () => {
      const wanted = all.checked ? figures.map((_, i) => i) : [Number(left.value), Number(right.value)];
      figures.forEach((figure, i) => { figure.hidden = !wanted.includes(i); });
      heats.append(...(all.checked ? figures : [...new Set(wanted)].map((i) => figures[i])));
    };
    const [left, first] = choose("Left", 0);
    const [right, second] = choose("Right", 1);
    const all = make("input", { type: "checkbox" });
    all.addEventListener("change", show);
    heats.before(make("div", { className: "tools" }, first, second, make("label", { className: "line" }, all, " all side by side")));
    show();
  }

  for (const plots of document.querySelectorAll("[data-legend]")) {
    for (const item of plots.nextElementSibling.children) {
      const name = item.lastElementChild.textContent;
      const button = make("button", { type: "button" }, ...item.childNodes);
      button.setAttribute("aria-pressed", "true");
      button.addEventListener("click", () => {
        const off = button.getAttribute("aria-pressed") === "true";
        button.setAttribute("aria-pressed", String(!off));
        for (const curve of plots.querySelectorAll("g[data-model]")) if (curve.dataset.model === name) curve.classList.toggle("off", off);
      });
      item.append(button);
    }
  }
})();
