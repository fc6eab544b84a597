"use strict";
// Elements from text alone, names that cannot mislead, and the live region.
(() => {
  const semtrace = (window.semtrace = {});
  const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu; // what Python's str.isprintable calls not printable

  /** Make an element: attributes by name (on… are listeners, true and false are presence), then children. */
  semtrace.el = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (name === "text") made.textContent = value;
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
    }
    made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
    return made;
  };

  /** A name as it can be shown: control and bidirectional characters become visible, as on the terminal. */
  semtrace.visible = (text) =>
    String(text).replace(HIDDEN, (character) => {
      const code = character.codePointAt(0);
      if (code < 0x100) return "\\x" + code.toString(16).padStart(2, "0");
      return code < 0x10000 ? "\\u" + code.toString(16).padStart(4, "0") : "\\U" + code.toString(16).padStart(8, "0");
    });

  /** A name from a table, isolated from the direction of the text around it. */
  semtrace.name = (text) => semtrace.el("bdi", { text: semtrace.visible(text), class: "name" });

  /** Words of the documentation: `code` spans become elements. */
  semtrace.words = (text) =>
    String(text)
      .split("`")
      .map((part, i) => (i % 2 ? semtrace.el("code", { text: part }) : part));

  semtrace.number = (value, digits = 3) => (value === null || value === undefined ? "–" : Number(value.toFixed(digits)).toString());

  /** Say something to people who do not see the page. */
  semtrace.say = (text) => {
    const region = document.getElementById("say");
    region.textContent = region.textContent === text ? text + "\u00a0" : text;
  };

  /** A setting of this browser; where it keeps none, of this page. */
  const kept = new Map();
  semtrace.setting = (name, value) => {
    const key = "semtrace." + name;
    try {
      if (value === undefined) return localStorage.getItem(key) ?? kept.get(key) ?? null;
      localStorage.setItem(key, value);
    } catch {
      // a page from the disk may have no storage
    }
    if (value !== undefined) kept.set(key, value);
    return kept.get(key) ?? null;
  };
})();
