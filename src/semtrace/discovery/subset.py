"""subset: subsets of the flat set by scale, and how scales and subsets are spread over the categories."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from semtrace.core.scale.lengths import bar_value
from semtrace.core.scale.pixel_size import ScaleStatus
from semtrace.discovery.scale_tables import (
    FLAT,
    FLAT_LABELS,
    SCALE_BY_CATEGORY,
    SCALES,
    SUBSET,
    SUBSET_BY_CATEGORY,
    with_categories,
)
from semtrace.io import tables
from semtrace.io.files import write_atomic
from semtrace.io.staging import staged_folder
from semtrace.stage.declaration import Job
from semtrace.stage.figures import BLUE, GREY, new_figure, png, quiet_axes
from semtrace.stage.settings import Number, Section

_FIELD = 100  # pixels that a range of pixel sizes is given for


class Range(Section, section="subset.ranges"):
    """A named subset (conf/subset/): by the values of the scale bar, or by the field of 100 pixels.

    Attributes:
        name: of the subset.
        bars: values of scale bars that go in, as texts: ``1 µm``. Empty: by field.
        field_um: least and greatest width of 100 pixels in micrometres, both included. Empty: by bars.

    """

    name: str
    bars: list[str] = Field(default_factory=list)
    field_um: list[Number] = Field(default_factory=list)

    @model_validator(mode="after")
    def _either(self) -> Self:
        if bool(self.bars) == bool(self.field_um):
            raise ValueError(f"subset {self.name!r} must have either bars or field_um")
        wrong = [text for text in self.bars if bar_value(text) is None]
        if wrong:
            raise ValueError(f"subset {self.name!r}: {wrong[0]!r} is no value of a scale bar; write it as 1 µm")
        if self.field_um and not (len(self.field_um) == 2 and 0 < self.field_um[0] <= self.field_um[1]):
            raise ValueError(f"subset {self.name!r}: field_um is {self.field_um}; it must be [least, greatest] above 0")
        return self

    def holds(self, bar: float | None, pixel_size: float | None) -> bool:
        """Whether an image belongs, given the value of its bar and the size of its pixels in metres."""
        if self.bars:
            return bar is not None and any(
                math.isclose(bar, bar_value(text) or 0.0, rel_tol=1e-9) for text in self.bars
            )
        if pixel_size is None:
            return False
        wide = pixel_size * _FIELD * 1e6
        return self.field_um[0] * (1 - 1e-9) <= wide <= self.field_um[1] * (1 + 1e-9)


class Settings(Section, section="subset"):
    """Which subsets are made (conf/subset/); ``statuses`` of scale.csv may go in."""

    ranges: list[Range]
    statuses: list[ScaleStatus]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.statuses:
            raise ValueError("subset.statuses is []; it must name one or more")
        names = [one.name for one in self.ranges]
        if len(set(names)) < len(names) or not names:
            raise ValueError(f"subset.ranges must have one or more different names, got {names}")
        return self


@dataclass(frozen=True)
class Summary:
    """Images of each subset."""

    images: int
    subsets: dict[str, int]


def stage(job: Job) -> Summary:
    """Make the subsets of the flat set."""
    flat, scale, labels = (job.result(path) for path in ("flat/flat.csv", "scale/scale.csv", "flat/labels.csv"))
    return run(flat, scale, labels, job.result("subset"), job.params.subset)


def run(flat: Path, scale: Path, labels: Path, out: Path, settings: Settings) -> Summary:
    """Write ``subset.csv``, ``scale_by_category.csv``, ``subset_by_category.csv`` and a figure to the folder ``out``.

    Args:
        flat: ``flat.csv``; images that were left out of the flat set are in no subset.
        scale: ``scale.csv``.
        labels: ``labels.csv`` of the flat set.
        out: folder to write.
        settings: the ranges.

    Raises:
        TableError: a stage has not run.

    """
    inside = {row["md5"] for row in tables.read(flat, FLAT) if not row["left_out_for"]}
    category = {row["md5"]: row["category"] for row in tables.read(labels, FLAT_LABELS)}
    images = [row for row in tables.read(scale, SCALES) if row["md5"] in inside]
    rows = [
        {
            "subset": one.name, "path": row["path"], "md5": row["md5"], "bar_value_m": row["bar_value_m"],
            "pixel_size_m": row["pixel_size_m"], "category": category.get(row["md5"], ""),
        }
        for one in settings.ranges
        for row in images
        if row["status"] in settings.statuses and one.holds(row["bar_value_m"], row["pixel_size_m"])
    ]  # fmt: skip
    names = sorted(set(category.values()))
    bars = [(row["bar_value_m"], category.get(row["md5"], "")) for row in images]
    with staged_folder(out) as folder:
        tables.write(folder / "subset.csv", SUBSET, rows)
        counts = with_categories(SCALE_BY_CATEGORY, names)
        tables.write(folder / counts.name, counts, _by_bar(bars, names), sort=False)
        of = [(row["subset"], row["category"]) for row in rows]
        listed = (_counted("subset", one.name, of, names) for one in settings.ranges)
        counts = with_categories(SUBSET_BY_CATEGORY, names)
        tables.write(folder / counts.name, counts, listed, sort=False)
        write_atomic(folder / "images_by_bar_value.png", _figure(bars))
    found = Counter(row["subset"] for row in rows)
    return Summary(len(images), {one.name: found[one.name] for one in settings.ranges})


def _by_bar(bars: Sequence[tuple[float | None, str]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Images of each bar value by category, the greatest value first; those without one last, under an empty cell."""
    values = sorted({value for value, _ in bars if value is not None}, reverse=True)
    rows = [_counted("bar_value_m", value, bars, names) for value in values]
    return [*rows, _counted("bar_value_m", None, bars, names)]


def _counted(column: str, value: Any, pairs: Sequence[tuple[Any, str]], names: Sequence[str]) -> dict[str, Any]:
    found = Counter(name for one, name in pairs if one == value)
    labelled = sum(found[name] for name in names)
    return {column: value, **{name: found[name] for name in names}, "labelled": labelled, "all": found.total()}


def _figure(bars: Sequence[tuple[float | None, str]]) -> bytes:
    """Images by the value of their bar on a logarithmic axis: all of them, and in front those with a label."""
    from matplotlib.ticker import MaxNLocator

    every = Counter(value for value, _ in bars if value is not None)
    labelled = Counter(value for value, name in bars if value is not None and name)
    figure = new_figure(9, 4.6)
    axes = quiet_axes(figure.add_axes((0.09, 0.15, 0.88, 0.75)))
    for counts, colour, name in ((every, GREY, "all"), (labelled, BLUE, "labelled")):
        values = sorted(counts)
        axes.bar(values, [counts[v] for v in values], width=[0.12 * v for v in values], color=colour, label=name)
    axes.set_xscale("log")
    axes.set_xlabel("value of the scale bar (m)")
    axes.set_ylabel("images")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title("Images by scale", loc="left")
    axes.legend(frameon=False)
    return png(figure)
