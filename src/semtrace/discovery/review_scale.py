"""The review page of scale: one row an image with its stripe, its numbers and its status, the doubtful ones first.

A folder: ``index.html``, its style and script in ``assets``, and the stripes by md5. It asks nothing of a network: its
content security policy allows this folder alone. The style is that of every page.
"""

from __future__ import annotations

import html
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from semtrace.core.scale.pixel_size import STATUSES
from semtrace.io.cache import Cache, Kind
from semtrace.io.digests import md5
from semtrace.io.files import read_regular, safe_join, write_staged
from semtrace.io.images import UnreadableImage, decode
from semtrace.io.reuse import link_if_unchanged
from semtrace.stage.executor import Executor
from semtrace.web.assets import ICON, POLICY, STYLE, asset

_FIRST = ("conflict", "not_read", "bar_not_found", "read_once", "stripe_not_detected", "no_ocr", "tag_only", "agreed")
_KIND = Kind("stripe of the review page", (__name__,))
_WIDEST = 900  # pixels of a thumbnail
_TALLEST = 0.25  # of the picture that it shows
_AROUND = 40  # pixels around a bar that is in no stripe
_OWN_STYLE, _SCRIPT = "scale.css", "scale.js"
_CSS = """article { border-top: 1px solid var(--line); padding: .6rem 0; }
article b { margin-right: .5rem; }
article img { display: block; max-width: 100%; height: auto; margin: .4rem 0; background: var(--stage); }
.agreed b { color: var(--good); } .conflict b { color: var(--bad); } .read_once b { color: var(--accent); }
.not_read b, .bar_not_found b { color: var(--doubt); }
.chosen { display: flex; flex-wrap: wrap; gap: .3rem 1rem; margin: .4rem 0 .8rem; }
.chosen label { white-space: nowrap; } .chosen input { vertical-align: middle; }
article .facts { display: flex; flex-wrap: wrap; gap: .1rem .4rem; }
article .facts dd { margin-right: .9rem; }
"""
_JS = """"use strict";
for (const box of document.querySelectorAll("input[data-status]")) {
  const show = () => {
    for (const row of document.querySelectorAll("article." + box.dataset.status)) row.hidden = !box.checked;
  };
  box.addEventListener("change", show);
  show();
}
document.documentElement.dataset.ready = "";
"""
_SHOWN = (
    ("pixel size", "pixel_size_m", " m"), ("from", "pixel_size_source", ""), ("bar", "bar_text", ""),
    ("bar length", "bar_px", " px"), ("measured as", "bar_convention", ""), ("tag", "tag_pixel_size_m", " m"),
    ("printed width", "printed_width_m", " m"), ("printed pixel size", "printed_pixel_size_m", " m"),
    ("magnification", "magnification", ""), ("ratio", "ratio", ""), ("instrument", "instrument", ""),
    ("detail", "detail", ""),
)  # fmt: skip


class _Strip(NamedTuple):
    """A thumbnail to make: the image, its stripe's first row, the bar's box, the file to write."""

    file: str
    top: int | None
    box: tuple[int, ...]
    target: str


def write(
    folder: Path, root: Path, rows: Sequence[Mapping[str, Any]], most: int, executor: Executor, *,
    earlier: Path | None = None,
) -> None:  # fmt: skip
    """Write the page of the first ``most`` rows of scale.csv, doubtful ones first, to the new folder ``folder``.

    Args:
        folder: to write; it must not exist.
        root: of the images.
        rows: of scale.csv.
        most: rows that are shown.
        executor: where to work.
        earlier: the page of an earlier run; its stripes are taken over where they are still what would be drawn.

    """
    shown = sorted(rows, key=lambda row: (_FIRST.index(row["status"]), row["path"]))[:most]
    thumbs = folder / "stripes"
    thumbs.mkdir(parents=True)
    todo: dict[str, _Strip] = {}
    for row in shown:
        box = tuple(int(value) for value in str(row["bar_box"]).split())
        file = str(safe_join(root, row["path"]))
        todo.setdefault(row["md5"], _Strip(file, row["stripe_top"], box, str(thumbs / f"{row['md5']}.png")))
    keys = {digest: f"{digest} {strip.top} {strip.box}" for digest, strip in todo.items()}
    with Cache(executor.cache) as cache:
        known = dict(zip(todo, cache.get_many(_KIND, list(keys.values())), strict=True))
    new = {digest: strip for digest, strip in todo.items() if not _taken_over(earlier, strip, known[digest])}
    drawn = executor.map(_draw, list(new.values()), what="review", reads=lambda strip: (strip.file, str(thumbs)))
    made = [(_KIND, keys[digest], png) for digest, png in zip(new, drawn, strict=True) if isinstance(png, str) and png]
    with Cache(executor.cache) as cache:
        cache.put(made)
    write_staged(folder / "index.html", _page(shown, rows).encode())
    (folder / "assets").mkdir()
    own = {_OWN_STYLE: _CSS.encode(), _SCRIPT: _JS.encode(), STYLE: asset(STYLE), ICON: asset(ICON)}
    for name, data in own.items():
        write_staged(folder / "assets" / name, data)


def _taken_over(earlier: Path | None, strip: _Strip, digest: str | None) -> bool:
    """Whether an earlier run's stripe, whose md5 is known, has got its new place."""
    if earlier is None or not digest:
        return False
    return link_if_unchanged(str(earlier / "stripes" / Path(strip.target).name), strip.target, digest)


def _draw(strip: _Strip) -> str:
    """Write the thumbnail; return its md5, empty for a file that cannot be read any more, which has none."""
    try:
        gray = decode(read_regular(strip.file)).gray
    except (OSError, UnreadableImage, MemoryError):
        return ""
    height, width = gray.shape
    top = height - max(round(height * _TALLEST), 1)
    if strip.top is not None and strip.top < height:
        top = strip.top
    if strip.box and strip.box[1] < top:
        top = max(strip.box[1] - _AROUND, 0)
    bottom = min(top + max(round(height * _TALLEST), 1), height)
    zoom = min(1.0, _WIDEST / width)
    shown = Image.fromarray(np.ascontiguousarray(gray[top:bottom]))
    size = (max(round(width * zoom), 1), max(round((bottom - top) * zoom), 1))
    picture = shown.resize(size, Image.Resampling.BOX).convert("RGB")
    if strip.box:
        x0, y0, x1, y1 = (value * zoom for value in strip.box)
        frame = (round(x0) - 2, round(y0 - top * zoom) - 2, round(x1) + 1, round(y1 - top * zoom) + 1)
        ImageDraw.Draw(picture).rectangle(frame, outline=(229, 62, 62))
    file = io.BytesIO()
    picture.save(file, "PNG")
    write_staged(Path(strip.target), file.getvalue())
    return md5(file.getvalue())


def _page(shown: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> str:
    counts = Counter(row["status"] for row in rows)
    boxes = "".join(
        f'<label><input type="checkbox" data-status="{name}" checked> {name.replace("_", " ")} ({counts[name]})</label>'
        for name in STATUSES
        if counts[name]
    )
    articles = "".join(map(_article, shown))
    policy = POLICY.replace("frame-ancestors 'none'; ", "")  # a page cannot say that of itself
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        '<meta name="color-scheme" content="light dark"><title>Scale bars</title>'
        f'<link rel="icon" href="assets/{ICON}"><link rel="stylesheet" href="assets/{STYLE}">'
        f'<link rel="stylesheet" href="assets/{_OWN_STYLE}"></head><body><main>'
        f"<h1>Scale bars: {len(shown)} of {len(rows)} images</h1>"
        '<p class="note">Those that a person should look at come first. To correct one: '
        "<code>semtrace verdicts scale MD5 9.77nm</code>, then run the stage again.</p>"
        f'<div class="chosen" role="group" aria-label="shown statuses">{boxes}</div>{articles}</main>'
        f'<script src="assets/{_SCRIPT}"></script></body></html>\n'
    )


def _article(row: Mapping[str, Any]) -> str:
    values = "".join(
        f"<dt>{name}</dt><dd>{html.escape(_said(row[key]))}{unit}</dd>"
        for name, key, unit in _SHOWN
        if row[key] not in (None, "")
    )
    path, status = html.escape(str(row["path"])), row["status"]
    return (
        f'<article class="{status}"><b>{status.replace("_", " ")}</b> <code class="name">{path}</code> '
        f"<code>{row['md5']}</code>"
        f'<img src="stripes/{row["md5"]}.png" alt="stripe of {path}" loading="lazy">'
        f'<dl class="facts">{values}</dl></article>\n'
    )


def _said(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
