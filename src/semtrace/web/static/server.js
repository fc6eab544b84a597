"use strict";
// Where the page's data come from when a server gives them: the session, what is shown, and answers.
(() => {
  const get = async (path) => {
    const answer = await fetch(path, { credentials: "same-origin", headers: { Accept: "application/json" } });
    if (!answer.ok) throw Object.assign(new Error((await said(answer)) || answer.statusText), { status: answer.status });
    return answer.json();
  };
  const post = async (path, body) => {
    let answer;
    try {
      answer = await fetch(path, { method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    } catch {
      throw Object.assign(new Error("the server does not answer"), { status: 0 });
    }
    if (!answer.ok) throw Object.assign(new Error((await said(answer)) || answer.statusText), { status: answer.status });
    return answer.json();
  };
  const said = async (answer) => {
    try {
      return (await answer.json()).error;
    } catch {
      return "";
    }
  };
  const cached = new Map();
  const decoded = new Map(); // images by address, kept so that the browser keeps their pixels
  const KEPT = 24; // images
  window.semtrace.source = {
    answers: true,
    get,
    post,
    /** The token in the address becomes a cookie, and leaves the address bar. */
    async begin() {
      const token = new URLSearchParams(location.hash.slice(1)).get("token");
      if (!token) return;
      history.replaceState(null, "", location.pathname);
      await post("/session", { token });
    },
    run: () => get("/api/run"),
    queue: () => get("/api/queue"),
    rows: () => get("/api/rows"),
    async pair(item, fresh = false) {
      if (!fresh && cached.has(item)) return cached.get(item);
      const wanted = get(`/api/item/${encodeURIComponent(item)}`).catch((error) => {
        cached.delete(item);
        if (error.status === 404) return null;
        throw error;
      });
      cached.set(item, wanted);
      return wanted;
    },
    forget: () => cached.clear(),
    has: () => true,
    url: (md5, size) => `/picture/${md5}/${size}`,
    async reason(md5) {
      try {
        await get(`/picture/${md5}/view`);
      } catch (error) {
        return error.message;
      }
      return "";
    },
    map: (jpeg, tiff) => `/map/${jpeg}/${tiff}`,
    async answer(item, answer, state, seconds) {
      const saved = await post("/api/answer", { item, answer, state, seconds });
      cached.delete(item);
      return saved;
    },
    async undo() {
      const taken = await post("/api/undo", {});
      if (taken.item) cached.delete(taken.item);
      return taken;
    },
    /** Load an item and decode its pictures before they are looked at. */
    async prefetch(item) {
      const pair = await this.pair(item).catch(() => null);
      for (const picture of pair ? [pair.jpeg, ...pair.originals] : []) {
        const url = this.url(picture.md5, "view");
        const image = decoded.get(url) || Object.assign(new Image(), { src: url });
        decoded.delete(url);
        decoded.set(url, image);
        if (decoded.size > KEPT) decoded.delete(decoded.keys().next().value);
        image.decode().catch(() => {}); // a picture that cannot be shown has its reason where it is shown
      }
    },
  };
})();
