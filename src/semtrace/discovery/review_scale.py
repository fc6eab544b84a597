"""The review page of scale: one row an image with its stripe, its numbers and its status, the doubtful ones first.

A folder: ``index.html`` with ``review.css`` and ``review.js`` beside it, and the stripes by md5. It asks nothing of a
network: its content security policy allows this folder alone.
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
from semtrace.io.files import read_regular, safe_join, write_staged
from semtrace.io.images import UnreadableImage, decode
from semtrace.stage.executor import Executor

_FIRST = ("conflict", "not_read", "bar_not_found", "read_once", "stripe_not_detected", "no_ocr", "tag_only", "agreed")
_WIDEST = 900  # pixels of a thumbnail
_TALLEST = 0.25  # of the picture that it shows
_AROUND = 40  # pixels around a bar that is in no stripe
_CSP = "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'none'"
_CSS = """body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem;color:#1d2730;background:#fff}
h1{font-size:1.3rem}article{border-top:1px solid #d5dbe1;padding:.7rem 0}img{max-width:100%;display:block}
.agreed b{color:#2f855a}.read_once b{color:#2b6cb0}.conflict b{color:#c53030}
code{overflow-wrap:anywhere}label{margin-right:1rem;white-space:nowrap}dl{margin:.3rem 0;display:flex;flex-wrap:wrap}
dt{color:#5b6873;margin-right:.3rem}dd{margin:0 1.2rem 0 0}
"""
_JS = """for (const box of document.querySelectorAll("input[data-status]")) {
  const show = () => {
    for (const row of document.getElementsByClassName(box.dataset.status)) row.hidden = !box.checked;
  };
  box.addEventListener("change", show);
  show();
}
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


def write(folder: Path, root: Path, rows: Sequence[Mapping[str, Any]], most: int, executor: Executor) -> None:
    """Write the page of the first ``most`` rows of scale.csv, doubtful ones first, to the new folder ``folder``."""
    shown = sorted(rows, key=lambda row: (_FIRST.index(row["status"]), row["path"]))[:most]
    thumbs = folder / "stripes"
    thumbs.mkdir(parents=True)
    todo: dict[str, _Strip] = {}
    for row in shown:
        box = tuple(int(value) for value in str(row["bar_box"]).split())
        file = str(safe_join(root, row["path"]))
        todo.setdefault(row["md5"], _Strip(file, row["stripe_top"], box, str(thumbs / f"{row['md5']}.png")))
    for _ in executor.map(_draw, list(todo.values()), what="review", reads=lambda strip: (strip.file, str(thumbs))):
        pass
    write_staged(folder / "index.html", _page(shown, rows).encode())
    write_staged(folder / "review.css", _CSS.encode())
    write_staged(folder / "review.js", _JS.encode())


def _draw(strip: _Strip) -> None:
    """Write the thumbnail; a file that cannot be read any more has none."""
    try:
        gray = decode(read_regular(strip.file)).gray
    except (OSError, UnreadableImage, MemoryError):
        return
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


def _page(shown: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> str:
    counts = Counter(row["status"] for row in rows)
    boxes = "".join(
        f'<label><input type="checkbox" data-status="{name}" checked> {name.replace("_", " ")} ({counts[name]})</label>'
        for name in STATUSES
        if counts[name]
    )
    articles = "".join(map(_article, shown))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_CSP}"><title>Scale bars</title>'
        f'<link rel="stylesheet" href="review.css"></head><body><h1>Scale bars: {len(shown)} of {len(rows)} images</h1>'
        f"<p>{boxes}</p>{articles}"
        f'<script src="review.js"></script></body></html>\n'
    )


def _article(row: Mapping[str, Any]) -> str:
    values = "".join(
        f"<dt>{name}</dt><dd>{html.escape(_said(row[key]))}{unit}</dd>"
        for name, key, unit in _SHOWN
        if row[key] not in (None, "")
    )
    path, status = html.escape(str(row["path"])), row["status"]
    return (
        f'<article class="{status}"><b>{status.replace("_", " ")}</b> <code>{path}</code> <code>{row["md5"]}</code>'
        f'<img src="stripes/{row["md5"]}.png" alt="stripe of {path}" loading="lazy"><dl>{values}</dl></article>\n'
    )


def _said(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
