"use strict";
// A contact sheet: tiles of pictures by digest, walked with arrows, chosen singly or as ranges; a key acts on the chosen.
(() => {
  const { el, say } = window.semtrace;

  /** Show tiles `{id, pictures: [{md5, alt}], caption, done}`; `open(id)` on Enter or a double click. */
  const show = (root, { tiles, source, label, open }) => {
    const chosen = new Set();
    let at = 0, anchor = 0;
    const made = tiles.map((tile, i) =>
      el(
        "li",
        {
          class: "tile" + (tile.done ? " done" : ""), role: "option", tabindex: i ? "-1" : "0", "aria-selected": "false", "data-id": tile.id,
          onclick: (event) => move(i, event.shiftKey ? "range" : event.ctrlKey || event.metaKey ? "toggle" : "one"),
          ondblclick: () => open?.(tile.id),
        },
        el("span", { class: "pictures" }, tile.pictures.map(({ md5, alt }) => {
          const url = md5 && source.url(md5, "thumb");
          return url ? el("img", { src: url, alt, loading: "lazy", width: 128, height: 96, onerror: (event) => event.target.replaceWith(el("span", { class: "gone", text: "no picture" })) }) : el("span", { class: "gone", text: md5 ? "no picture here" : "none" });
        })),
        el("span", { class: "caption" }, tile.caption),
      ),
    );
    const list = el("ul", { class: "sheet", role: "listbox", "aria-multiselectable": "true", "aria-label": label }, made);
    const move = (to, how) => {
      to = Math.min(Math.max(0, to), tiles.length - 1);
      made[at].tabIndex = -1;
      if (how === "toggle") chosen.has(to) ? chosen.delete(to) : chosen.add(to);
      else if (how === "range") {
        chosen.clear();
        for (let k = Math.min(anchor, to); k <= Math.max(anchor, to); k++) chosen.add(k);
      } else {
        chosen.clear();
        chosen.add(to);
      }
      if (how !== "range") anchor = to;
      at = to;
      made.forEach((tile, k) => tile.setAttribute("aria-selected", String(chosen.has(k))));
      made[at].tabIndex = 0;
      made[at].focus();
      if (chosen.size > 1) say(`${chosen.size} chosen`);
    };
    const across = () => {
      const top = made[0]?.offsetTop;
      const count = made.findIndex((tile) => tile.offsetTop !== top);
      return count < 1 ? Math.max(1, made.length) : count;
    };
    root.replaceChildren(list);
    const steps = { arrowleft: () => -1, arrowright: () => 1, arrowup: () => -across(), arrowdown: () => across() };
    const entries = Object.entries(steps).flatMap(([key, step]) => [
      { keys: [key], repeats: true, run: () => move(at + step(), "one") },
      { keys: ["shift+" + key], repeats: true, run: () => move(at + step(), "range") },
    ]);
    return {
      chosen: () => [...chosen].sort((a, b) => a - b).map((k) => tiles[k].id),
      keys: [
        ...entries,
        { keys: ["ctrl+a"], label: "choose all", run: () => ((anchor = 0), move(tiles.length - 1, "range")) },
        { keys: ["enter"], label: "open", run: () => tiles.length && open?.(tiles[at].id) },
      ],
      focus: () => made[0]?.focus(),
    };
  };

  window.semtrace.sheet = { show };
})();
