"use strict";
// One published image beside its originals. All lie in the frame of the original: one zoom and one pan for all.
(() => {
  const { el, visible } = window.semtrace;
  const VIEWS = [
    ["side", "Side by side"], ["flip", "Flip"], ["swipe", "Swipe"], ["overlay", "Overlay"], ["difference", "Difference"], ["map", "SSIM map"],
  ];
  const LARGE = 1024; // pixels: the longer side of a view; beyond its own resolution the full picture is loaded
  const MOST = 40; // times the size that fits
  const LETTERS = ["A", "B"];

  /** Show `pair` in `root`. The view stays when the pair changes, zoom and pan begin anew. */
  const compare = (root, source, pair, kept) => {
    const state = { view: kept?.view || "side", which: 0, zoom: 1, u: 0.5, v: null, flipped: false, seen: kept?.seen ?? -1 };
    const originals = pair.originals;
    const panes = [];
    if (!originals.length) state.view = "side";

    const words = (picture, side) => `${side}: ${visible(picture.path)}, ${picture.width} × ${picture.height} pixels`;
    const frameOf = (original) => (original ? [original.width, original.height] : [pair.jpeg.width, pair.jpeg.height]);

    // --- layers

    const image = (picture, side) => {
      const made = el("img", { alt: words(picture, side), draggable: "false", decoding: "async", "data-md5": picture.md5 });
      const holder = el("div", { class: "picture" }, made);
      const url = source.url(picture.md5, "view");
      made.addEventListener("error", async () => {
        made.remove();
        holder.append(el("div", { class: "placeholder", role: "img", "aria-label": `${words(picture, side)}, not shown`, text: `No picture. ${await source.reason(picture.md5)}` }));
      });
      if (url) made.src = url;
      else made.dispatchEvent(new Event("error"));
      return { holder, made, picture };
    };
    const lay = (node, x, y, width, height) => Object.assign(node.style, { left: x + "px", top: y + "px", width: width + "px", height: height + "px" });
    const layer = (frame, content, name) => {
      const stage = el("div", { class: "stage" }, content);
      Object.assign(stage.style, { width: frame[0] + "px", height: frame[1] + "px" });
      return { node: el("div", { class: "layer " + name }, stage), stage };
    };
    const publishedLayer = (original, side, compared = true) => {
      const shown = image(pair.jpeg, side);
      if (!original) {
        lay(shown.holder, 0, 0, pair.jpeg.width, pair.jpeg.height);
        return { ...layer(frameOf(null), [shown.holder], "published"), images: [[shown, pair.jpeg.width]] };
      }
      const [x, y, width, height] = original.place;
      const odd = original.quarters % 2 === 1;
      const [w, h] = odd ? [height, width] : [width, height];
      lay(shown.holder, x + (width - w) / 2, y + (height - h) / 2, w, h);
      const turns = (original.quarters ? `rotate(${-90 * original.quarters}deg)` : "") + (original.mirrored ? " scaleX(-1)" : "");
      if (turns) shown.holder.style.transform = turns.trim();
      if (compared && original.symmetry.startsWith("negative")) shown.holder.classList.add("negative");
      return { ...layer(frameOf(original), [shown.holder], "published"), images: [[shown, w]] };
    };
    const originalLayer = (original, side) => {
      const shown = image(original, side);
      lay(shown.holder, 0, 0, original.width, original.height);
      const content = [shown.holder];
      if (original.bar !== null && original.bar !== undefined) {
        const bar = el("div", { class: "bar" }, el("span", { text: "data bar, not compared" }));
        lay(bar, 0, original.bar, original.width, original.height - original.bar);
        content.push(bar);
      }
      return { ...layer(frameOf(original), content, "original"), images: [[shown, original.width]] };
    };
    const partOf = (original) => {
      const [width, height, x, y] = original.crop ? original.crop.split(/[x+]/).map(Number) : [original.width, original.height, 0, 0];
      return [x, y, width, height];
    };
    const mapLayer = (original) => {
      const url = source.map(pair.jpeg.md5, original.md5);
      let [x, y, width, height] = original.place;
      if (original.page) [x, y, width, height] = partOf(original);
      const end = Math.min(original.bar ?? original.height, y + height);
      const shown = el("img", { class: "picture", alt: "Map of SSIM: white is alike, dark is different", draggable: "false" });
      lay(shown, x, y, width, Math.max(1, end - y));
      const none = () => {
        const said = el("div", { class: "placeholder", text: "No map of this pair." });
        lay(said, x, y, width, Math.max(1, end - y));
        shown.replaceWith(said);
      };
      shown.addEventListener("error", none);
      const made = { ...layer(frameOf(original), [shown], "ssim"), images: [] };
      if (url) shown.src = url;
      else none();
      return made;
    };

    // --- panes

    const pane = (title, frame, layers, name) => {
      const view = el("div", { class: "pane", "data-pane": name }, layers.map((one) => one.node));
      const made = { view, frame, layers, node: el("figure", { class: "framed", "data-name": name }, view, el("figcaption", {}, title)) };
      panes.push(made);
      pan(view);
      return made;
    };
    const title = (letter, picture, text) => [el("strong", { text: letter }), " ", window.semtrace.name(picture.path), el("span", { class: "size", text: ` ${picture.width} × ${picture.height}${text || ""}` })];
    const turned = (original) => [original.symmetry && original.symmetry !== "identity" ? `, published ${original.symmetry.replaceAll("_", " ")}` : "", original.crop ? `, part ${original.crop}` : "", original.page ? `, on the page at ${original.page}` : "", original.angle !== null && original.angle !== undefined ? `, turned by ${original.angle}°, shown as it is` : ""].join("");

    const place = el("div", { class: "panes" });
    const slider = el("input", { type: "range", min: 0, max: 100, value: 50, oninput: () => draw() });
    const sliderLabel = el("label", { class: "slider" }, el("span"), slider);
    const legend = el("div", { class: "legend", "aria-hidden": "true" }, el("span", { text: "SSIM ≤ 0" }), el("span", { class: "ramp" }), el("span", { text: "1" }));
    const buttons = VIEWS.map(([name, text]) => el("button", { type: "button", "data-view": name, text, disabled: !originals.length && name !== "side", onclick: () => setView(name) }));
    const picks = el("span", { class: "picks", role: "group", "aria-label": "Which original" }, originals.map((_, i) => el("button", { type: "button", "data-which": i, text: LETTERS[i], "aria-label": `Original ${LETTERS[i]}`, onclick: () => pick(i) })));
    const toggle = el("span", { class: "toggle", role: "group", "aria-label": "Which picture" }, ["Published", ...originals.map((_, i) => LETTERS[i])].map((text, i) => el("button", { type: "button", "data-seen": i, text, onclick: () => see(i) })));
    const bar = el(
      "div", { class: "viewbar", role: "toolbar", "aria-label": "Ways to compare" },
      el("span", { class: "views", role: "group", "aria-label": "View" }, buttons), originals.length > 1 ? picks : null, toggle, sliderLabel, legend,
      el("span", { class: "zooms", role: "group", "aria-label": "Zoom" },
        el("button", { type: "button", text: "−", "aria-label": "Zoom out", onclick: () => zoomBy(1 / 1.5) }), el("button", { type: "button", text: "+", "aria-label": "Zoom in", onclick: () => zoomBy(1.5) }),
        el("button", { type: "button", text: "Fit", onclick: () => fit() }), el("button", { type: "button", text: "1:1", onclick: () => actual() })),
    );
    root.replaceChildren(place, bar);

    const build = () => {
      panes.length = 0;
      const one = originals[state.which];
      if (state.view === "side") {
        const left = pane(title("Published", pair.jpeg), frameOf(originals[0]), [publishedLayer(originals[0], "published image, left", false)], "published");
        const right = originals.map((original, i) =>
          pane(title(LETTERS[i], original, turned(original)), frameOf(original), [originalLayer(original, `original ${LETTERS[i]}, right`), publishedLayer(original, "published image in its place")], LETTERS[i]),
        );
        place.replaceChildren(left.node, el("div", { class: "originals" }, right.map((each) => each.node)));
      } else {
        const top = state.view === "map" ? mapLayer(one) : publishedLayer(one, "published image, above");
        const made = pane([...title(LETTERS[state.which], one, turned(one)), " under the published image"], frameOf(one), [originalLayer(one, `original ${LETTERS[state.which]}, below`), top], "both");
        place.replaceChildren(made.node);
      }
      place.dataset.view = state.view;
      place.dataset.count = String(originals.length);
      if (state.seen < 0 || state.seen > originals.length) state.seen = 0;
      draw();
    };

    // --- zoom and pan: the middle of each pane in widths of its frame, and how many times the size that fits

    const fitted = ({ view, frame }) => Math.min(view.clientWidth / frame[0], view.clientHeight / frame[1]) || 0.001;
    const draw = () => {
      for (const each of panes) {
        const scale = fitted(each) * state.zoom;
        const v = state.v ?? (0.5 * each.frame[1]) / each.frame[0];
        const x = each.view.clientWidth / 2 - state.u * each.frame[0] * scale;
        const y = each.view.clientHeight / 2 - v * each.frame[0] * scale;
        each.layers.forEach((one, i) => {
          one.stage.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
          one.stage.style.setProperty("--stroke", `${1.5 / scale}px`);
          one.stage.style.setProperty("--letter", `${12 / scale}px`);
          one.stage.classList.toggle("coarse", scale > 2);
          for (const [{ made, picture }, width] of one.images) sharpen(made, picture, (scale * width) / picture.width);
          if (i) top(one.node);
        });
      }
      root.dataset.zoom = state.zoom.toFixed(3);
      root.dataset.flipped = String(state.flipped);
      for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.view === state.view));
      for (const button of picks.children) button.setAttribute("aria-pressed", String(Number(button.dataset.which) === state.which));
      for (const button of toggle.children) button.setAttribute("aria-pressed", String(Number(button.dataset.seen) === state.seen));
      place.dataset.seen = String(state.seen);
      const shows = { swipe: "Swipe: the published image on the left", overlay: "Opacity of the published image", map: "Opacity of the map" }[state.view];
      sliderLabel.hidden = !shows;
      sliderLabel.firstChild.textContent = shows || "";
      slider.setAttribute("aria-label", shows || "");
      legend.hidden = state.view !== "map";
      picks.hidden = state.view === "side";
    };
    const top = (node) => {
      const part = Number(slider.value);
      const style = { opacity: "1", clipPath: "none", mixBlendMode: "normal", visibility: "visible" };
      if (state.view === "side" || state.view === "flip") style.visibility = state.flipped ? "visible" : "hidden";
      if (state.view === "swipe") style.clipPath = `inset(0 ${100 - part}% 0 0)`;
      if (state.view === "overlay" || state.view === "map") style.opacity = String(part / 100);
      if (state.view === "difference") style.mixBlendMode = "difference";
      Object.assign(node.style, style);
    };
    const sharpen = (made, picture, own) => {
      const view = Math.min(1, LARGE / Math.max(picture.width, picture.height));
      if (own > view * 1.05 && own > 1 && !made.dataset.full) {
        const url = source.url(picture.md5, "full");
        if (url) {
          made.dataset.full = "yes";
          made.src = url;
        }
      }
    };
    const zoomBy = (times, u, v) => {
      const zoom = Math.min(MOST, Math.max(0.5, state.zoom * times));
      const middle = state.v ?? (0.5 * panes[0].frame[1]) / panes[0].frame[0];
      if (u !== undefined) {
        state.u = u + ((state.u - u) * state.zoom) / zoom;
        state.v = v + ((middle - v) * state.zoom) / zoom;
      }
      state.zoom = zoom;
      draw();
    };
    const fit = () => (Object.assign(state, { zoom: 1, u: 0.5, v: null }), draw());
    const actual = () => ((state.zoom = Math.min(MOST, 1 / fitted(panes[panes.length - 1]))), draw());
    const shift = (dx, dy) => {
      const each = panes[0];
      const width = each.frame[0] * fitted(each) * state.zoom;
      state.v = (state.v ?? (0.5 * each.frame[1]) / each.frame[0]) + dy / width;
      state.u += dx / width;
      draw();
    };
    const pan = (view) => {
      const fingers = new Map();
      const spread = () => {
        const [a, b] = [...fingers.values()];
        return Math.hypot(a.x - b.x, a.y - b.y);
      };
      view.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
        view.setPointerCapture(event.pointerId);
      });
      view.addEventListener("pointermove", (event) => {
        const last = fingers.get(event.pointerId);
        if (!last) return;
        const before = fingers.size === 2 ? spread() : 0;
        fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
        if (fingers.size === 2) zoomBy(spread() / (before || 1));
        else shift(last.x - event.clientX, last.y - event.clientY);
      });
      for (const name of ["pointerup", "pointercancel"]) view.addEventListener(name, (event) => fingers.delete(event.pointerId));
      view.addEventListener("wheel", (event) => {
        event.preventDefault();
        const each = panes.find((one) => one.view === view);
        const box = view.getBoundingClientRect();
        const width = each.frame[0] * fitted(each) * state.zoom;
        const middle = state.v ?? (0.5 * each.frame[1]) / each.frame[0];
        zoomBy(event.deltaY < 0 ? 1.2 : 1 / 1.2, state.u + (event.clientX - box.left - box.width / 2) / width, middle + (event.clientY - box.top - box.height / 2) / width);
      }, { passive: false });
    };

    // --- what a person does

    const setView = (name) => {
      state.view = name;
      state.flipped = false;
      build();
    };
    const pick = (i) => ((state.which = i), build());
    const see = (i) => ((state.seen = i), draw());
    const nextView = () => {
      const names = VIEWS.map(([name]) => name);
      if (originals.length) setView(names[(names.indexOf(state.view) + 1) % names.length]);
    };
    const watch = new ResizeObserver(() => draw());
    watch.observe(place);
    build();

    const step = 60; // pixels
    return {
      state,
      close: () => watch.disconnect(),
      keys: [
        { keys: ["v"], label: "next view", run: nextView },
        { keys: [" "], label: "hold: the published image in place of the original", held: (down) => ((state.flipped = down), draw()) },
        { keys: ["+", "="], hidden: ["="], label: "zoom in", repeats: true, run: () => zoomBy(1.5) },
        { keys: ["-"], label: "zoom out", repeats: true, run: () => zoomBy(1 / 1.5) },
        { keys: ["f"], label: "fit", run: fit },
        { keys: ["z"], label: "one pixel to one pixel", run: actual },
        { keys: ["shift+arrowleft", "shift+arrowright", "shift+arrowup", "shift+arrowdown"], label: "pan", repeats: true,
          run: (key) => shift(step * ((key === "shift+arrowright") - (key === "shift+arrowleft")), step * ((key === "shift+arrowdown") - (key === "shift+arrowup"))) },
      ],
    };
  };

  window.semtrace.compare = compare;
})();
