"""validate_scale: scale.csv against a table of known scales, by instrument and status."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from semtrace.core.statistics.accuracy import wilson
from semtrace.discovery.scale_tables import BY_INSTRUMENT, KNOWN, SCALES, WRONG_SCALES
from semtrace.io import tables
from semtrace.io.files import write_atomic
from semtrace.io.staging import staged_folder
from semtrace.stage.declaration import Job

_TOLERANCE = 0.03
_ALL = "all"


@dataclass(frozen=True)
class ScaleTruth:
    """What is known of an image: metres of its bar (None: it has none), metres a pixel (None: not known)."""

    bar: float | None
    pixel_size: float | None
    group: str


@dataclass(frozen=True)
class Judged:
    """A row of scale.csv beside its truth."""

    row: Mapping[str, Any]
    truth: ScaleTruth

    @property
    def value(self) -> bool | None:
        """Whether the bar's value is right; None where none is given, or there is no bar."""
        if self.truth.bar is None or not self.row["bar_value_m"]:
            return None
        return abs(float(self.row["bar_value_m"]) / self.truth.bar - 1) < 1e-6

    @property
    def pixel_size(self) -> bool | None:
        """Whether the pixel size is right within max(3 %, 1 pixel of the bar); None where either is not known."""
        if self.truth.pixel_size is None or not self.row["pixel_size_m"]:
            return None
        off = abs(float(self.row["pixel_size_m"]) / self.truth.pixel_size - 1)
        pixel = self.truth.pixel_size / self.truth.bar if self.truth.bar else 0.0
        return off <= max(_TOLERANCE, pixel) * (1 + 1e-9)


@dataclass(frozen=True)
class Summary:
    """What was compared."""

    images: int
    not_in_truth: int
    values_right: int
    values_wrong: int
    pixel_sizes_right: int
    pixel_sizes_wrong: int


def stage(job: Job) -> Summary:
    """Compare the scales of a dataset with its known ones."""
    return run(job.result("scale/scale.csv"), job.known / "scale.csv", job.result("validate_scale"))


def run(scale: Path, truth: Path, out: Path) -> Summary:
    """Write ``by_instrument.csv``, ``wrong.csv`` and ``metrics.json`` to the folder ``out``.

    Args:
        scale: ``scale.csv``.
        truth: a table with ``file`` or ``path``, ``pixel_size_m``, and ``scale_bar_m`` or ``bar_value_m``; an empty
            bar says that the image has none. ``instrument`` or ``layout`` names the group, else its folder does.
        out: folder to write.

    Raises:
        TableError: a table is missing, or lacks a column.

    """
    known = read_scale_truth(truth)
    rows = tables.read(scale, SCALES)
    judged = [Judged(row, known[row["path"]]) for row in rows if row["path"] in known]
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        groups[one.truth.group].append(one)
    lines = [_line(name, group) for name, group in sorted(groups.items())]
    total = _line(_ALL, judged)
    metrics = {**total, "by_status": _by_status(judged), "not_in_truth": len(rows) - len(judged)}
    with staged_folder(out) as folder:
        tables.write(folder / "by_instrument.csv", BY_INSTRUMENT, [*lines, total], sort=False)
        tables.write(folder / "wrong.csv", WRONG_SCALES, _wrong(judged))
        write_atomic(folder / "metrics.json", (json.dumps(metrics, indent=1, sort_keys=True) + "\n").encode())
    return Summary(
        len(judged), len(rows) - len(judged), total["value_right"], total["value_wrong"],
        total["pixel_size_right"], total["pixel_size_wrong"],
    )  # fmt: skip


def read_scale_truth(file: Path) -> dict[str, ScaleTruth]:
    """Known scales by path; a row without a bar's value is an image without a bar."""
    found = {}
    for row in tables.read(file, KNOWN, required=("pixel_size_m",)):
        path, bar = row.get("file") or row.get("path"), row.get("scale_bar_m") or row.get("bar_value_m")
        if path is None:
            raise tables.TableError(f"{file}: has neither a column file nor path; it must name the images")
        folder = PurePosixPath(path).parent.as_posix()
        group = row.get("instrument") or row.get("layout") or "/".join(PurePosixPath(folder).parts[:2])
        found[path] = ScaleTruth(bar or None, row["pixel_size_m"] or None, group)
    return found


def _line(name: str, group: Sequence[Judged]) -> dict[str, Any]:
    """One row of the table: Wilson bounds at 95 % of the right values among the images with a bar."""
    with_bar = [one for one in group if one.truth.bar is not None]
    status = [one.row["status"] for one in group]
    right = sum(one.value is True for one in group)
    low, high = wilson(right, len(with_bar)) or (None, None)
    return {
        "instrument": name, "images": len(group), "with_bar": len(with_bar),
        "stripe_not_detected": status.count("stripe_not_detected"), "not_read": status.count("not_read"),
        "bar_not_found": status.count("bar_not_found"), "conflict": status.count("conflict"),
        "value_right": right, "value_wrong": sum(one.value is False for one in group),
        "value_right_low": low, "value_right_high": high,
        "pixel_size_known": sum(one.truth.pixel_size is not None for one in with_bar),
        "pixel_size_right": sum(one.pixel_size is True for one in with_bar),
        "pixel_size_wrong": sum(one.pixel_size is False for one in group),
        "agreed": status.count("agreed"),
        "agreed_wrong": sum(one.pixel_size is False and one.row["status"] == "agreed" for one in group),
        "answer_without_bar": sum(bool(one.row["bar_value_m"]) for one in group if one.truth.bar is None),
    }  # fmt: skip


def _by_status(judged: Sequence[Judged]) -> dict[str, dict[str, int]]:
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        groups[one.row["status"]].append(one)
    return {
        name: {
            "images": len(group),
            "value_right": sum(one.value is True for one in group),
            "value_wrong": sum(one.value is False for one in group),
            "pixel_size_right": sum(one.pixel_size is True for one in group),
            "pixel_size_wrong": sum(one.pixel_size is False for one in group),
        }
        for name, group in sorted(groups.items())
    }


def _wrong(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Everything that a person should look at: wrong values and sizes, bars where there are none, conflicts."""
    rows = []
    for one in judged:
        row, truth = one.row, one.truth
        said = [
            ("bar value", row["bar_value_m"], truth.bar, one.value is False),
            ("pixel size", row["pixel_size_m"], truth.pixel_size, one.pixel_size is False),
            ("bar where there is none", row["bar_value_m"], None, truth.bar is None and bool(row["bar_value_m"])),
            ("no value", None, truth.bar, truth.bar is not None and not row["bar_value_m"]),
            ("conflict", row["bar_value_m"], truth.bar, row["status"] == "conflict"),
        ]
        rows += [
            {
                "path": row["path"], "instrument": truth.group, "what": what, "said": given, "truth": right,
                "status": row["status"], "detail": row["detail"],
            }
            for what, given, right, is_wrong in said
            if is_wrong
        ]  # fmt: skip
    return rows
