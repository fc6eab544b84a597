"use strict";
// The page of one run: overview, table of pairs, one pair, and the questions. Its state is its address, one index and
// one item.
(() => {
  const { el, name, visible, words, number, say, keys, table, sheet, compare, source } = window.semtrace;
  const DECISIONS = ["matched", "ambiguous", "unmatched"];
  const TIERS = [["excellent", "> 0.95"], ["good", "0.85–0.95"], ["acceptable", "0.70–0.85"], ["problematic", "< 0.70"], ["not_compared", "no SSIM"]];
  const KINDS = { ambiguous: "Ambiguous", conflict: "Category conflict", weak: "Weak match", near_miss: "Near miss", audit: "Audit" };
  const ASKED = {
    ambiguous: "Which of these is the original?", conflict: "Which category is right?", weak: "Is this the original?",
    near_miss: "Is this the original after all?", audit: "Is this the original?",
  };
  const main = document.getElementById("main");
  const header = document.getElementById("header");
  let run, queue = [], rows = null, view = "side", shown = null, saved = "", busy = false, broken = "", stale = false, started = 0;
  const skipped = new Set();

  // --- the address

  const read = () => {
    const [path, query] = location.hash.replace(/^#/, "").split("?");
    const [, place = "", id = ""] = path.split("/");
    return { place, id: decodeURIComponent(id), state: Object.fromEntries(new URLSearchParams(query || "")) };
  };
  const address = (place, id = "", state = {}) => {
    const query = new URLSearchParams(Object.entries(state).filter(([, value]) => value)).toString();
    return `#/${place}${id ? "/" + encodeURIComponent(id) : ""}${query ? "?" + query : ""}`;
  };
  const go = (...where) => {
    const to = address(...where);
    if (location.hash !== to) history.pushState(null, "", to); // no event follows, so the view need not wait for it
    route();
  };
  /** Whether the address is still the one it is now: what was waited for is not drawn over a later view. */
  const staying = () => {
    const here = location.hash;
    return () => location.hash === here;
  };
  const replace = (...where) => {
    history.replaceState(null, "", address(...where));
    route();
  };

  // --- the header

  const done = () => queue.filter((one) => one.answer).length;
  const drawHeader = () => {
    const here = read().place;
    const link = (place, text) => el("a", { href: address(place), text, "aria-current": here === place || (here === "question" && place === "questions") || (here === "pair" && place === "pairs") ? "page" : null });
    header.replaceChildren(...[
      el("a", { class: "skip", href: "#main", text: "Skip to the content", onclick: (event) => (event.preventDefault(), main.focus()) }),
      el("strong", { class: "title", text: run ? run.title : "semtrace" }),
      el("nav", { "aria-label": "Views" }, link("overview", "Overview"), link("pairs", "Pairs"), link("questions", `Questions (${queue.length})`)),
      el("span", { class: "progress", id: "progress", text: queue.length ? `${done()} of ${queue.length} answered` : "no questions" }),
      source.answers ? el("span", { class: "saved", id: "saved", text: broken ? "not saved" : saved }) : null,
      source.answers && run ? el("span", { class: "who" }, "as ", name(run.who)) : null,
      el("button", { type: "button", text: "Keys", "aria-label": "Keys and help", onclick: help }),
    ].filter(Boolean));
  };
  const help = () => {
    const box = el("input", { type: "checkbox", onchange: (event) => (keys.single = event.target.checked) });
    box.checked = keys.single;
    const dialog = el(
      "dialog", { "aria-labelledby": "help-title", onclose: () => dialog.remove() },
      el("h2", { id: "help-title", text: "Keys" }), keys.help(),
      el("p", {}, el("label", {}, box, " Single keys answer. Without it use the buttons.")),
      el("form", { method: "dialog" }, el("button", { text: "Close", autofocus: true })),
    );
    document.body.append(dialog);
    dialog.showModal();
  };
  const always = [
    { keys: ["?", "shift+?"], hidden: ["shift+?"], label: "this help", run: help },
    { keys: ["escape"], label: "back to the list", run: () => back() },
  ];
  const back = () => {
    const { place, state } = read();
    if (place === "question" || place === "group") go("questions");
    else if (place === "pair") go("pairs", "", state);
  };

  // --- the overview

  const figures = (place, title = "") => {
    const found = run.plots.filter((plot) => plot.place === place);
    const made = found.map((plot) => el("figure", {}, el("img", { src: plot.src, alt: visible(plot.alt), loading: "lazy" }), el("figcaption", {}, visible(plot.title), plot.src.startsWith("data:") ? "" : [" (", el("a", { href: plot.src, "aria-label": `PNG of ${plot.title}`, text: "PNG" }), ")"])));
    return found.length ? [title ? el("h2", { text: title }) : "", el("div", { class: `plots ${place}` }, made)] : [];
  };
  const list = (title, entries) => (entries.length ? [el("h2", { text: title }), el("dl", { class: "facts" }, entries.map(([term, value]) => [el("dt", {}, term), el("dd", {}, [value].flat())]))] : []);
  const counted = (value) => value.toLocaleString("en");
  const drawOverview = () => {
    const decisions = run.decisions;
    const sum = [...DECISIONS.map((one) => [one, decisions[one]]), ["rejected", run.rejected]];
    const share = (value) => (run.images_in ? ` (${((100 * value) / run.images_in).toFixed(1)} %)` : "");
    const cards = [
      el("div", { class: "card" }, el("b", { text: counted(run.images_in) }), el("span", { text: "published images in" })),
      ...sum.map(([one, value]) => el("a", { class: `card ${one}`, href: one === "rejected" ? "#rejects" : address("pairs", "", { decision: one }), onclick: one === "rejected" ? (event) => (event.preventDefault(), document.getElementById("rejects")?.scrollIntoView()) : null }, el("b", { text: counted(value) }), el("span", { text: one + share(value) }))),
    ];
    const columns = ["images", ...DECISIONS, ...TIERS.map(([one]) => one)];
    const body = run.categories.map((row) => el("tr", {}, el("th", { scope: "row" }, row.category ? el("a", { href: address("pairs", "", { category: row.category }) }, name(row.category)) : "(no folder)"), columns.map((one) => el("td", { class: "number", text: counted(row[one]) }))));
    const total = el("tr", { class: "total" }, el("th", { scope: "row", text: "all" }), columns.map((one) => el("td", { class: "number", text: counted(run.categories.reduce((all, row) => all + row[one], 0)) })));
    const kinds = Object.entries(KINDS).map(([kind, text]) => [text, queue.filter((one) => one.kind === kind).length]).filter(([, count]) => count);
    const rejects = Object.entries(run.rejects).flatMap(([stage, reasons]) => Object.entries(reasons).map(([reason, count]) => [`${stage}: ${reason}`, counted(count)]));
    const { version, code, parameters, tables } = run.provenance;
    main.replaceChildren(
      el("h1", { text: "Overview", tabindex: "-1" }),
      el("p", { class: "headline", text: visible(run.headline) }),
      run.missing.length ? el("p", { class: "warning", text: `Not there yet: ${run.missing.join(", ")}. Run the pipeline to have it here.` }) : "",
      el("div", { class: "cards", role: "group", "aria-label": "Counts" }, cards),
      el("p", { class: "sum", id: "sum", text: `${counted(run.images_in)} in = ${sum.map(([one, value]) => `${counted(value)} ${one}`).join(" + ")}` }),
      kinds.length ? el("p", {}, el("a", { class: "button", href: address("questions") }, `Look at ${counted(queue.length)} question${queue.length === 1 ? "" : "s"}`), " ", kinds.map(([text, count]) => `${count} ${text.toLowerCase()}`).join(", ")) : "",
      run.not_looked_for?.length ? el("div", { id: "not-looked-for" }, run.not_looked_for.map((text) => el("p", { class: "note", text }))) : "",
      ...figures("first"),
      el("h2", { text: "By category, with the tiers of SSIM of the matches" }),
      el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "By category" }, el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col", text: "category" }), columns.map((one) => el("th", { scope: "col", text: one.replace("_", " ") + (TIERS.find(([tier]) => tier === one) ? ` ${TIERS.find(([tier]) => tier === one)[1]}` : "") })))), el("tbody", {}, body, total))),
      ...list("Evidence of all decisions", Object.entries(run.evidence).map(([one, count]) => [el("a", { href: address("pairs", "", { evidence: one }), text: one }), counted(count)])),
      ...list("Reasons", Object.entries(run.reasons).map(([one, count]) => [el("a", { href: address("pairs", "", { reason: one }), text: one }), counted(count)])),
      ...list("Labels", Object.entries(run.labels).map(([one, count]) => [one, counted(count)])),
      ...(run.groups.files ? list("Groups of files that show one field", [["files", counted(run.groups.files)], ["groups", counted(run.groups.groups)], ...Object.entries(run.groups.sizes).map(([size, count]) => [`groups of ${size}`, counted(count)])]) : []),
      ...list("Conflicts of categories and names", run.conflicts.map((row) => [row.kind.replaceAll("_", " "), [...row.categories.split("|").flatMap((one, i) => (i ? [" | ", name(one)] : [name(one)])), ` → ${row.resolution}`]])),
      el("div", { id: "rejects" }, ...list("Rejected, by stage and reason", rejects)),
      ...figures("plot", "How alike the pairs are"), ...figures("sheet", "Contact sheets"),
      ...list("A person's verdicts", Object.entries(run.verdicts).map(([one, count]) => [one, counted(count)])),
      el("h2", { text: "Where it comes from" }),
      el("dl", { class: "facts" }, el("dt", { text: "semtrace" }), el("dd", { text: `${version}, code ${code}` }), Object.entries(tables).map(([table, digest]) => [el("dt", { text: table }), el("dd", {}, el("code", { text: digest }))])),
      el("details", {}, el("summary", { text: "Parameters" }), el("pre", { tabindex: "0", text: JSON.stringify(parameters, null, 1) })),
    );
    keys.use(always);
  };

  // --- the table of pairs

  const column = (field) => run.columns.indexOf(field);
  const category = (path) => path.split("/").slice(-2, -1)[0] || "";
  const range = (state, field, at) => {
    const low = parseFloat(state[field + "_from"]), high = parseFloat(state[field + "_to"]);
    if (Number.isNaN(low) && Number.isNaN(high)) return null;
    return (row) => row[at] !== null && !(row[at] < low) && !(row[at] > high);
  };
  const tableColumns = (state) => {
    const at = Object.fromEntries(run.columns.map((field, i) => [field, i]));
    const equal = (field) => (given) => given[field] && ((row) => row[at[field]] === given[field]);
    const text = (value) => name(value);
    const thumb = (row) => {
      if (!source.has(row[at.item])) return "";
      const image = el("img", { class: "thumb", alt: "", loading: "lazy", width: 64, height: 48, onerror: () => image.remove() });
      source.pair(row[at.item]).then((pair) => {
        const url = pair && source.url(pair.jpeg.md5, "thumb");
        if (url) image.src = url;
      }, () => {});
      return image;
    };
    const cell = (field, digits) => ({ name: field, title: field.replace("_", "-"), kind: "number", value: (row) => row[at[field]], cell: (row) => number(row[at[field]], digits), test: (given) => range(given, field, at[field]) });
    return [
      { name: "picture", title: "picture", cell: thumb },
      { name: "jpeg", title: "published image", value: (row) => row[at.jpeg], cell: (row) => el("a", { href: address("pair", row[at.item], state) }, text(row[at.jpeg])) },
      { name: "tiff", title: "original", value: (row) => row[at.tiff], cell: (row) => text(row[at.tiff] || (row[at.runner_up] && row[at.decision] === "unmatched" ? "(nearest: " + row[at.runner_up] + ")" : "")) },
      { name: "decision", title: "decision", value: (row) => row[at.decision], cell: (row) => el("span", { class: "tag " + row[at.decision], text: row[at.decision] }), test: equal("decision") },
      { name: "evidence", title: "evidence", value: (row) => row[at.evidence], cell: (row) => row[at.evidence], test: equal("evidence") },
      { name: "reason", title: "reason", value: (row) => row[at.reason], cell: (row) => row[at.reason], test: equal("reason") },
      cell("ssim", 4), cell("margin", 4), cell("correlation", 4), cell("hamming", 0),
      { name: "category", test: (given) => given.category && ((row) => category(row[at.jpeg]) === given.category) },
      { name: "q", test: (given) => {
        const sought = (given.q || "").toLowerCase();
        return sought && ((row) => `${row[at.jpeg]}\n${row[at.tiff]}\n${row[at.runner_up]}`.toLowerCase().includes(sought));
      } },
    ];
  };
  let order = [];
  const drawPairs = async (state) => {
    if (!rows) {
      const stays = staying();
      main.replaceChildren(el("p", { class: "note", text: "Loading the table …" }));
      rows = await source.rows();
      if (!stays()) return;
    }
    const place = el("div");
    const values = (field) => [...new Set(rows.map((row) => row[column(field)]))].filter(Boolean).sort();
    const change = (next) => {
      history.replaceState(null, "", address("pairs", "", next));
      state = next;
      show();
    };
    const select = (field, options) => {
      const made = el("select", { name: field, onchange: (event) => change({ ...state, [field]: event.target.value, page: "" }) }, el("option", { value: "", text: "any" }), options.map((one) => el("option", { value: one, text: visible(one), selected: state[field] === one })));
      return el("label", {}, field, made);
    };
    const input = (field, label, attributes) => el("label", {}, label, el("input", { name: field, value: state[field] || "", oninput: (event) => change({ ...state, [field]: event.target.value, page: "" }), ...attributes }));
    const bound = { inputmode: "decimal", size: 5, class: "short" };
    const filters = el(
      "form", { class: "filters", role: "search", "aria-label": "Filter", onsubmit: (event) => event.preventDefault() },
      input("q", "text", { type: "search", size: 18 }), select("decision", DECISIONS), select("evidence", values("evidence")), select("reason", values("reason")),
      select("category", [...new Set(rows.map((row) => category(row[column("jpeg")])))].sort()),
      input("ssim_from", "SSIM from", bound), input("ssim_to", "to", bound), input("margin_from", "margin from", bound), input("margin_to", "to", bound),
      el("button", { type: "button", text: "Clear", onclick: () => go("pairs") }),
    );
    const show = () => (order = table.show(place, { rows, columns: tableColumns(state), state, change, caption: "Published images and their originals" }).map((row) => row[column("item")]));
    main.replaceChildren(el("h1", { text: "Pairs", tabindex: "-1" }), filters, place);
    show();
    keys.use(always);
  };

  // --- one pair

  const facts = (pair) => {
    const entry = (term, value) => [el("dt", { text: term }), el("dd", {}, value)];
    const todo = (pair.todo || "").replace(/^nothing(; |$)/, "");
    return el(
      "dl", { class: "facts pair-facts" },
      pair.decision ? entry("decision", [el("span", { class: "tag " + pair.decision, text: pair.decision }), pair.evidence ? ` by ${pair.evidence}` : ""]) : "",
      entry("reason", [words(pair.meaning || pair.why), todo ? [" — ", words(todo)] : ""].flat(3)),
      entry("SSIM", number(pair.ssim, 4)), entry("correlation", number(pair.correlation, 4)), entry("margin", number(pair.margin, 4)), entry("Hamming", `${number(pair.hamming, 0)} bits`),
      entry("files", [pair.files.length > 1 ? `applies to ${pair.files.length} files: ` : "", pair.files.map((file, i) => [i ? ", " : "", name(file)])].flat(3)),
      pair.answer ? entry("verdict", visible(answerWords(pair, pair.answer))) : "",
    );
  };
  const answerWords = (pair, answer) => ({ a: "A is the original", b: "B is the original", both: "both are called the same", none: "none of these" })[answer] || answer;
  const settle = (pair) => {
    shown?.close();
    const box = el("section", { class: "compare", "aria-label": "Pictures" });
    shown = null;
    return { box, start: () => (shown = compare(box, source, pair, { view })) };
  };
  const drawPair = async (item, state) => {
    const stays = staying();
    const pair = await source.pair(item);
    if (!stays()) return;
    if (!pair) return drawAbsent(item, state);
    const { box, start } = settle(pair);
    const at = order.indexOf(item);
    const step = (by) => at >= 0 && order[at + by] && go("pair", order[at + by], state);
    const asked = queue.some((one) => one.item === item);
    main.replaceChildren(
      el("h1", { id: "item-title", tabindex: "-1" }, "Pair: ", name(pair.jpeg.path)), box, facts(pair),
      el("p", { class: "actions" }, el("a", { class: "button", href: address("pairs", "", state), text: "Back to the table" }), asked ? [" ", el("a", { class: "button", href: address("question", item), text: "It is a question" })] : ""),
    );
    const made = start();
    keys.use(always, made.keys, [
      { keys: ["arrowleft"], label: "previous", run: () => step(-1) }, { keys: ["arrowright"], label: "next", run: () => step(1) },
      ...(pair.group.length ? [{ keys: ["g"], label: "sheet of the group", run: () => go("group", item) }] : []),
    ]);
    document.getElementById("item-title").focus({ preventScroll: true });
  };
  const drawAbsent = async (item, state) => {
    const stays = staying();
    rows = rows || (await source.rows());
    if (!stays()) return;
    const row = rows.find((one) => one[column("item")] === item);
    main.replaceChildren(
      el("h1", { tabindex: "-1", id: "item-title" }, row ? ["Pair: ", name(row[column("jpeg")])] : "No such pair"),
      el("p", { class: "note" }, row ? ["This report has no pictures of this pair. ", el("code", { text: "semtrace review" }), " shows any pair; ", el("code", { text: "report.pictures=all" }), " puts all into the report."] : "It is not in this run (any more)."),
      row ? el("dl", { class: "facts" }, run.columns.map((field, i) => [el("dt", { text: field }), el("dd", {}, row[i] === null ? "–" : name(row[i]))])) : "",
      el("p", {}, el("a", { class: "button", href: address("pairs", "", state), text: "Back to the table" })),
    );
    keys.use(always);
  };

  // --- the group of a picture, as a sheet

  const drawGroup = async (item) => {
    const stays = staying();
    const pair = await source.pair(item);
    if (!stays()) return;
    const place = el("div");
    const tiles = (pair?.group || []).map((file) => ({ id: file.md5, pictures: [{ md5: file.md5, alt: visible(file.path) }], caption: [el("b", { text: file.side === "tiff" ? "original " : "published " }), name(file.path), file.keeper ? " (keeper)" : ` ${file.evidence}`], done: false }));
    main.replaceChildren(el("h1", { tabindex: "-1", text: `Group of ${tiles.length} files that show one field` }), place, el("p", {}, el("a", { class: "button", href: address("question", item), text: "Back" })));
    const made = sheet.show(place, { tiles, source, label: "Files of the group" });
    keys.use([{ keys: ["?", "shift+?"], hidden: ["shift+?"], label: "this help", run: help }, { keys: ["escape"], label: "back", run: () => history.back() }], made.keys);
    made.focus();
  };

  // --- the questions

  const wanted = () => {
    const { state } = read();
    const kind = state.kind ?? run.kind ?? "";
    return kind && kind !== "all" ? queue.filter((one) => one.kind === kind) : queue;
  };
  const drawQuestions = (state) => {
    const kind = state.kind ?? run.kind ?? "";
    const mine = wanted();
    const counts = Object.keys(KINDS).map((one) => [one, queue.filter((each) => each.kind === one)]).filter(([, found]) => found.length);
    const links = [["all", "All", queue], ...counts.map(([one, found]) => [one, KINDS[one], found])].map(([one, text, found]) => el("a", { class: "button", href: address("questions", "", { kind: one }), "aria-current": (kind || "all") === one ? "true" : null, text: `${text} ${found.filter((each) => each.answer).length}/${found.length}` }));
    const place = el("div");
    const tiles = mine.map((one) => ({
      id: one.item, done: Boolean(one.answer),
      pictures: [{ md5: one.jpeg, alt: "published" }, { md5: one.a, alt: "original A" }],
      caption: [el("b", { text: KINDS[one.kind] }), one.answer ? el("span", { class: "tag done", text: visible(one.answer) }) : "", " ", name(one.path)],
    }));
    const audit = run.audit?.looked_at ? `Audit: ${run.audit.looked_at} looked at, ${run.audit.wrong} wrong: at most ${(100 * run.audit.most).toFixed(1)} % wrong (95 % Wilson).` : "";
    const first = next(-1);
    main.replaceChildren(
      el("h1", { text: "Questions", tabindex: "-1" }),
      el("p", { class: "kinds" }, links),
      audit ? el("p", { id: "audit", text: audit }) : "",
      first >= 0 && source.answers ? el("p", {}, el("a", { class: "button primary", id: "begin", href: address("question", mine[first].item, state.kind ? { kind: state.kind } : {}), text: done() ? "Go on" : "Begin" })) : "",
      mine.length ? place : el("p", { class: "note", id: "none" }, "No questions of this kind. ", queue.some((one) => one.kind === "audit") ? el("a", { href: address("questions", "", { kind: "audit" }), text: "Look at the audit: answers without proof, drawn at random." }) : "The audit draws some: set review.audit."),
      source.answers ? "" : el("p", { class: "note" }, "This page shows questions. ", el("code", { text: "semtrace review" }), " takes answers."),
    );
    const made = tiles.length ? sheet.show(place, { tiles, source, label: "Questions", open: (item) => go("question", item, state.kind ? { kind: state.kind } : {}) }) : { keys: [], focus() {} };
    const all = (answer) => async () => {
      let count = 0;
      for (const item of made.chosen()) {
        const pair = await source.pair(item, true);
        if (!pair || pair.kind === "conflict" || !pair.originals.length) continue;
        if (!(await store(pair, answer, null))) break;
        count += 1;
      }
      if (count) {
        drawQuestions(state);
        say(`${count} answered`);
      }
    };
    keys.use(always, made.keys, source.answers ? [{ keys: ["a"], label: "A is the original, of all that are chosen", run: all("a") }, { keys: ["n"], label: "none of these, of all that are chosen", run: all("none") }] : []);
    drawHeader();
  };

  /** The index after `from` of the next question that is open; those skipped come last; -1: none. */
  const next = (from) => {
    const mine = wanted();
    const inOrder = mine.map((_, i) => (i + from + 1) % mine.length).filter((i) => !mine[i].answer);
    return inOrder.find((i) => !skipped.has(mine[i].item)) ?? inOrder.find((i) => i !== from) ?? inOrder[0] ?? -1;
  };
  const drawQuestion = async (item, state) => {
    const mine = wanted();
    const index = mine.findIndex((one) => one.item === item);
    const stays = staying();
    const pair = await source.pair(item);
    if (!stays()) return;
    if (!pair || index < 0) return drawAbsent(item, {});
    const { box, start } = settle(pair);
    const conflict = pair.kind === "conflict";
    const choices = conflict
      ? pair.categories.map((one, i) => ({ answer: one, keys: i < 9 ? [String(i + 1)] : [], label: one }))
      : [
          ...(pair.originals.length ? [{ answer: "a", keys: ["a", "1"], label: "A is it" }] : []),
          ...(pair.originals.length > 1 ? [{ answer: "b", keys: ["b", "2"], label: "B is it" }] : []),
          ...(pair.originals.length ? [{ answer: "none", keys: ["n", "0"], label: pair.originals.length > 1 ? "None of these" : "Not this one" }] : []),
        ];
    const button = (label, shownKeys, action, attributes = {}) => el("button", { type: "button", onclick: action, ...attributes }, el("span", {}, visible(label)), shownKeys.length ? el("kbd", { text: shownKeys.map(keys.shown).join(" ") }) : "");
    const answers = el(
      "div", { class: "answers", role: "group", "aria-label": "Answers" },
      source.answers ? choices.map((one) => button(one.label, one.keys, () => give(pair, one.answer), { class: "answer", "data-answer": one.answer, "aria-pressed": String(pair.answer === one.answer) })) : el("p", { class: "note" }, el("code", { text: "semtrace review" }), " takes answers."),
      source.answers ? button("Skip", ["s"], () => skip(pair), { "data-answer": "skip" }) : "",
      source.answers ? button("Undo", ["backspace"], undo, { "data-answer": "undo" }) : "",
    );
    const troubles = broken || stale ? el("div", { class: "warning", role: "alert", id: "trouble" }, broken ? `Not saved: ${broken}. The page takes no further answer until it can be saved. ` : "The tables have changed since this page was loaded. ", el("button", { type: "button", text: broken ? "Try again" : "Load them", onclick: () => reload() })) : "";
    main.replaceChildren(
      el("h1", { id: "item-title", tabindex: "-1" }, el("span", { class: "place", text: `${index + 1} of ${mine.length}` }), ` ${KINDS[pair.kind]}: ${ASKED[pair.kind]}`),
      troubles, box, facts(pair), answers,
    );
    const made = start();
    const step = (by) => mine[(index + by + mine.length) % mine.length] && go("question", mine[(index + by + mine.length) % mine.length].item, state);
    keys.use(always, made.keys, [
      ...(source.answers
        ? [
            ...choices.map((one) => ({ keys: one.keys, label: one.label, run: () => give(pair, one.answer) })),
            { keys: ["s"], label: "skip; it comes back last", run: () => skip(pair) },
            { keys: ["backspace", "ctrl+z"], label: "undo", run: undo },
          ]
        : []),
      { keys: ["arrowleft"], label: "previous, without answering", repeats: true, run: () => step(-1) },
      { keys: ["arrowright"], label: "next, without answering", repeats: true, run: () => step(1) },
      ...(pair.group.length ? [{ keys: ["g"], label: "sheet of the group", run: () => go("group", item) }] : []),
    ]);
    document.getElementById("item-title").focus({ preventScroll: true });
    started = performance.now();
    drawHeader();
    if (source.prefetch) for (let k = 1; k <= 3; k++) if (mine[index + k]) source.prefetch(mine[index + k].item);
  };

  // --- answers: saved first, then shown

  const store = async (pair, answer, seconds) => {
    try {
      const kept = await source.answer(pair.item, answer, pair.state, seconds);
      const entry = queue.find((one) => one.item === pair.item);
      if (entry) entry.answer = kept.answer;
      if (kept.audit) run.audit = kept.audit;
      skipped.delete(pair.item);
      broken = "";
      saved = "saved";
      return true;
    } catch (error) {
      if (error.status === 409) {
        say(`Not saved: ${error.message}`);
        saved = "changed meanwhile";
        source.forget();
        stale = /table/.test(error.message);
        if (!stale) queue = await source.queue();
      } else {
        broken = error.message;
        say(`Not saved: ${broken}`);
      }
      return false;
    }
  };
  const give = async (pair, answer) => {
    if (busy || broken || stale) return;
    busy = true;
    const { state } = read();
    const good = await store(pair, answer, (performance.now() - started) / 1000);
    busy = false;
    view = shown?.state.view || view;
    if (!good) return route();
    const mine = wanted();
    const index = mine.findIndex((one) => one.item === pair.item);
    const to = next(index);
    say(`Saved: ${answerWords(pair, answer)}. ${to < 0 ? "All questions are answered." : `${done()} of ${queue.length} answered.`}`);
    if (to < 0) go("questions", "", state);
    else go("question", mine[to].item, state);
  };
  const skip = (pair) => {
    if (busy) return;
    skipped.delete(pair.item);
    skipped.add(pair.item);
    view = shown?.state.view || view;
    const mine = wanted();
    const to = next(mine.findIndex((one) => one.item === pair.item));
    say("Skipped");
    if (to >= 0) go("question", mine[to].item, read().state);
  };
  const undo = async () => {
    if (busy || broken || !source.undo) return;
    busy = true;
    try {
      const taken = await source.undo();
      queue = await source.queue();
      if (taken.audit) run.audit = taken.audit;
      saved = taken.subjects.length ? "undone" : "nothing to undo";
      say(taken.subjects.length ? "Undone" : "There is nothing to undo");
      busy = false;
      if (taken.item && queue.some((one) => one.item === taken.item)) return go("question", taken.item, wanted().some((one) => one.item === taken.item) ? read().state : { kind: "all" });
    } catch (error) {
      if (error.status !== 409) broken = error.message;
      saved = "not undone";
      say(`Not undone: ${error.message}`);
    }
    busy = false;
    source.forget();
    route();
  };
  const reload = async () => {
    try {
      source.forget();
      run = await source.run();
      queue = await source.queue();
      rows = null;
      broken = "";
      stale = false;
      saved = "";
    } catch (error) {
      broken = error.message;
    }
    const { place, id } = read();
    if (place === "question" && !queue.some((one) => one.item === id)) return go("questions");
    return route();
  };

  // --- start

  const route = async () => {
    view = shown?.state.view || view;
    shown?.close();
    shown = null;
    const { place, id, state } = read();
    const stays = staying();
    drawHeader();
    document.body.dataset.place = place || "overview";
    try {
      if (place === "pairs") await drawPairs(state);
      else if (place === "pair") await drawPair(id, state);
      else if (place === "questions") drawQuestions(state);
      else if (place === "question") await drawQuestion(id, state);
      else if (place === "group") await drawGroup(id);
      else drawOverview();
    } catch (error) {
      if (!stays()) return;
      main.replaceChildren(el("h1", { text: "This cannot be shown", tabindex: "-1" }), el("p", { class: "warning", role: "alert", text: error.message }), el("button", { type: "button", text: "Try again", onclick: () => reload() }));
      keys.use(always);
    }
    if (stays() && place !== "question" && place !== "pair" && place !== "group") {
      window.scrollTo(0, 0);
      if (routed) main.querySelector("h1")?.focus({ preventScroll: true });
    }
    routed = true;
  };
  let routed = false;
  const start = async () => {
    try {
      await source.begin?.();
      run = await source.run();
      queue = await source.queue();
    } catch (error) {
      main.replaceChildren(el("h1", { text: "No access", tabindex: "-1" }), el("p", { class: "warning", role: "alert", text: error.status === 403 ? "Open the address that semtrace review printed: it lets this browser in." : error.message }));
      return;
    }
    document.title = run.title;
    window.addEventListener("hashchange", route);
    if (source.answers && !location.hash) {
      const first = next(-1);
      if (first >= 0) replace("question", wanted()[first].item);
      else replace("questions");
    } else await route();
    document.documentElement.dataset.ready = "yes";
  };
  start();
})();
