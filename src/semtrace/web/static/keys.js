"use strict";
// Keys from data. A map is a list of {keys, label, run, once, held}; the last map that is shown answers.
(() => {
  const { el, setting } = window.semtrace;
  let maps = [];
  const NAMES = { " ": "Space", arrowleft: "←", arrowright: "→", arrowup: "↑", arrowdown: "↓", backspace: "Backspace", escape: "Esc", enter: "Enter" };

  const named = (event) => {
    const key = event.key.toLowerCase();
    const shifted = event.shiftKey && key.length > 1;
    return (event.ctrlKey || event.metaKey ? "ctrl+" : "") + (shifted ? "shift+" : "") + key;
  };
  const isPrintable = (key) => key.length === 1 && key !== " ";
  const types = (target) => target.closest?.("input:not([type=range]):not([type=checkbox]), select, textarea");
  const acts = (target) => target.closest?.("button, a, summary, input, select, textarea");

  const keys = {
    /** Whether one key alone answers; a person can turn that off (WCAG 2.1.4). */
    get single() {
      return setting("single") !== "off";
    },
    set single(on) {
      setting("single", on ? "on" : "off");
    },
    /** Show a map in place of those of the last view. */
    use(...shown) {
      maps = shown;
    },
    /** What the keys do, for people. */
    help() {
      const rows = maps.flat().filter((entry) => entry.label);
      return el(
        "dl",
        { class: "keys" },
        rows.map((entry) => [
          el("dt", {}, entry.keys.filter((key) => !entry.hidden?.includes(key)).map((key, i) => [i ? " " : "", el("kbd", { text: keys.shown(key) })])),
          el("dd", { text: entry.label }),
        ]),
      );
    },
    shown(key) {
      const parts = key === "+" ? ["+"] : key.split("+");
      return parts.map((part) => NAMES[part] || part[0].toUpperCase() + part.slice(1)).join("+");
    },
  };

  const find = (event, up) => {
    const key = named(event);
    if (types(event.target) || document.querySelector("dialog[open]")) return null;
    if ((key === " " || key === "enter") && acts(event.target)) return null;
    if (event.target.matches?.("input[type=range]") && key.includes("arrow")) return null;
    if (isPrintable(key) && !keys.single) return null;
    for (const map of maps.slice().reverse()) {
      const entry = map.find((one) => one.keys.includes(key) && (!up || one.held));
      if (entry) return entry;
    }
    return null;
  };
  document.addEventListener("keydown", (event) => {
    if (event.altKey) return;
    const entry = find(event, false);
    if (!entry) return;
    event.preventDefault();
    if (event.repeat && !entry.repeats) return; // a key held down answers once
    if (entry.held) entry.held(true);
    else entry.run(named(event));
  });
  document.addEventListener("keyup", (event) => {
    const entry = find(event, true);
    if (entry) {
      event.preventDefault();
      entry.held(false);
    }
  });
  window.semtrace.keys = keys;
})();
