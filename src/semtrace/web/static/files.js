"use strict";
// Where the page's data come from when it lies on a disk: scripts and files beside it, nothing is fetched.
(() => {
  const { run, pairs, queue } = window.semtraceRun;
  const maps = new Set(run.maps || []);
  const inside = run.pictures; // of a single file: data addresses by md5
  const shown = new Set(Object.values(pairs).flatMap((pair) => [pair.jpeg, ...pair.originals].map((picture) => picture.md5)));
  window.semtrace.source = {
    answers: false,
    run: async () => run,
    queue: async () => queue,
    rows: async () => window.semtraceRows,
    pair: async (item) => pairs[item] || null,
    has: (item) => item in pairs,
    url(md5) {
      if (inside) return inside[md5] || null;
      return shown.has(md5) && !(md5 in run.failures) ? `pictures/${md5}.jpg` : null;
    },
    reason: async (md5) => run.failures[md5] || "This report holds no picture of it.",
    map: (jpeg, tiff) => (maps.has(`${jpeg}-${tiff}`) ? `maps/${jpeg}-${tiff}.jpg` : null),
  };
})();
