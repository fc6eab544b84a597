"use strict";
// Labelling patches: a screen of tiles, keys for the labels, the context of a patch on a key.
(() => {
  const { el, say, name, keys, sheet, source, number } = window.semtrace;
  const WORDS = [["i", "informative"], ["u", "uninformative"], ["x", "unsure"]];
  const main = document.getElementById("main");
  const header = document.getElementById("header");
  let shown = null, patches = [];

  const count = (labels) => WORDS.map(([, word]) => `${labels[word]} ${word}`).join(", ");

  const load = async (said) => {
    let screen;
    try {
      screen = await source.get("/api/screen");
    } catch (error) {
      return warn(error.message);
    }
    patches = screen.patches;
    header.replaceChildren(
      el("h1", { class: "title", text: "Label patches" }),
      el("span", { class: "progress", text: `${screen.left.toLocaleString("en")} without a label; ${count(screen.labels)}` }),
      el("span", { class: "who", text: `as ${screen.who}` }),
    );
    const list = el("div");
    const buttons = el(
      "div",
      { class: "answers" },
      WORDS.map(([key, word]) => el("button", { class: "answer", type: "button", onclick: () => answer(word) }, word, el("kbd", { text: key.toUpperCase() }))),
      el("button", { type: "button", onclick: () => rest("informative") }, "all shown informative", el("kbd", { text: "Shift+Enter" })),
      el("button", { type: "button", onclick: context }, "context", el("kbd", { text: "C" })),
      el("button", { type: "button", disabled: !screen.can_undo, onclick: undo }, "undo", el("kbd", { text: "Z" })),
    );
    if (!patches.length) {
      main.replaceChildren(el("h2", { text: "Every patch has a label", tabindex: "-1" }), el("p", { class: "note", text: "Run the pipeline again: it uses the labels." }), buttons);
      keys.use([{ keys: ["z", "backspace"], label: "undo", run: undo }]);
    } else {
      main.replaceChildren(
        el("p", { class: "note", text: "Choose tiles with the arrows, Shift for a range, Ctrl for single ones. Most doubtful first." }),
        list,
        buttons,
      );
      shown = sheet.show(list, {
        tiles: patches.map((one) => ({
          id: one.md5,
          pictures: [{ md5: one.md5, alt: "" }],
          caption: [name(one.name), one.score === null ? "" : ` · ${number(one.score, 2)}`],
        })),
        source, label: "patches", open: context,
      });
      list.firstChild.classList.add("patches");
      keys.use(
        shown.keys,
        WORDS.map(([key, word]) => ({ keys: [key], label: word, run: () => answer(word) })),
        [
          { keys: ["shift+enter"], label: "all that are shown are informative", run: () => rest("informative") },
          { keys: ["c", "enter"], label: "the patch in its section", run: context },
          { keys: ["z", "backspace"], label: "undo", run: undo },
        ],
      );
      shown.focus();
    }
    if (said) say(said);
    document.documentElement.dataset.ready = "";
  };

  const warn = (text) => {
    main.querySelector(".warning")?.remove();
    main.prepend(el("p", { class: "warning", role: "alert", text }));
    document.documentElement.dataset.ready = "";
  };

  const send = async (chosen, label) => {
    try {
      await source.post("/api/label", { patches: chosen, label });
    } catch (error) {
      return warn(`not saved: ${error.message}`);
    }
    await load(`${chosen.length} ${label}`);
  };
  const answer = (label) => {
    const chosen = shown.chosen();
    return send(chosen.length ? chosen : [focused()], label);
  };
  const rest = (label) => send(patches.map((one) => one.md5), label);
  const focused = () => document.activeElement?.closest?.("[data-id]")?.dataset.id ?? patches[0].md5;

  const undo = async () => {
    let taken;
    try {
      taken = await source.post("/api/undo", {});
    } catch (error) {
      return warn(`not taken back: ${error.message}`);
    }
    await load(taken.taken_back.length ? `${taken.taken_back.length} taken back` : "nothing to take back");
  };

  const context = () => {
    const md5 = focused();
    const patch = patches.find((one) => one.md5 === md5);
    const dialog = el(
      "dialog",
      { "aria-label": "the patch in its section", onclose: (event) => event.target.remove() },
      el("p", {}, name(patch.name)),
      el("img", { class: "context", src: source.url(md5, "view"), alt: "the section around the patch" }),
      el("form", { method: "dialog" }, el("button", { text: "Close", autofocus: true })),
    );
    document.body.append(dialog);
    dialog.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "c") return;
      event.stopPropagation(); // the page's own C would open it again
      dialog.close();
    });
    dialog.showModal();
  };

  source.begin().then(() => load(), (error) => warn(error.message));
})();
