"use strict";
// A long table: filtered and sorted whole, shown page by page; its state is plain data that fits into an address.
(() => {
  const { el } = window.semtrace;
  const PAGE = 100;

  /** The rows that a state lets through, in its order. */
  const selected = (rows, columns, state) => {
    const tests = columns
      .filter((column) => column.test)
      .map((column) => column.test(state))
      .filter(Boolean);
    const found = rows.filter((row) => tests.every((test) => test(row)));
    const name = (state.sort || "").replace(/^-/, "");
    const column = columns.find((one) => one.name === name);
    if (column) {
      const sign = state.sort.startsWith("-") ? -1 : 1;
      const value = column.value;
      found.sort((a, b) => {
        const left = value(a), right = value(b);
        if (left === right) return 0;
        if (left === null || left === "") return 1; // what is not known stands last in both directions
        if (right === null || right === "") return -1;
        return left < right ? -sign : sign;
      });
    }
    return found;
  };

  /** Show the table in `root`; `change(state)` is called where a person wants another state. */
  const show = (root, { rows, columns, state, change, caption }) => {
    const found = selected(rows, columns, state);
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    const page = Math.min(Math.max(1, Number(state.page) || 1), pages);
    const head = columns
      .filter((column) => column.cell)
      .map((column) => {
        if (!column.value) return el("th", { scope: "col", text: column.title });
        const mine = (state.sort || "").replace(/^-/, "") === column.name;
        const down = mine && state.sort.startsWith("-");
        const next = mine && !down ? "-" + column.name : column.name;
        const mark = mine ? (down ? " ▼" : " ▲") : "";
        return el(
          "th",
          { scope: "col", "aria-sort": mine ? (down ? "descending" : "ascending") : null },
          el("button", { type: "button", class: "sort", text: column.title + mark, "data-sort": column.name, onclick: () => change({ ...state, sort: next, page: "" }) }),
        );
      });
    const shown = found.slice((page - 1) * PAGE, page * PAGE);
    const body = shown.map((row) => el("tr", {}, columns.filter((column) => column.cell).map((column) => el("td", { class: column.kind || null }, column.cell(row)))));
    const turn = (to, text) => el("button", { type: "button", text, disabled: to < 1 || to > pages, onclick: () => change({ ...state, page: to === 1 ? "" : String(to) }) });
    root.replaceChildren(
      el("p", { class: "count", id: "count", text: `${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows` }),
      el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption }, el("table", {}, el("caption", { class: "spoken", text: caption }), el("thead", {}, el("tr", {}, head)), el("tbody", {}, body))),
      el("nav", { class: "pages", "aria-label": "Pages of the table" }, turn(1, "First"), turn(page - 1, "Previous"), el("span", { text: `page ${page} of ${pages}` }), turn(page + 1, "Next"), turn(pages, "Last")),
    );
    return found;
  };

  window.semtrace.table = { show, selected, PAGE };
})();
