"""The figures of a curation, each with the numbers that it shows."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from semtrace.core.volume.box import Box
from semtrace.curation.funnel import ALL, step_sums
from semtrace.stage.figures import BLUE, GREEN, GREY, ORANGE, RED, new_figure, png, quiet_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BINS = 40


class DrawnNumbers(NamedTuple):
    """A figure: PNG, and its numbers as CSV."""

    png: bytes
    csv: bytes


def numbers_csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """A small table as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def draw_funnel(rows: list[dict[str, Any]]) -> DrawnNumbers:
    """Patches left after each step, over all datasets, with what was taken away beside it."""
    total = step_sums(rows)
    steps = [("raw", "Raw"), ("passed", "Gated"), ("deduplicated", "Deduplicated"), ("filtered", "Filtered")]
    values = {**total, "passed": total["raw"] - total["gated"]}
    figure = new_figure(8, 3.2)
    axes = quiet_axes(figure.add_axes((0.16, 0.14, 0.8, 0.72)))
    axes.grid(axis="y", visible=False)
    for place, (key, _) in enumerate(steps):
        axes.barh(place, values[key], color=(GREY, BLUE, BLUE, GREEN)[place], height=0.62)
        axes.text(values[key], place, f" {values[key]:,}", va="center", fontsize=10)
    axes.set_yticks(range(len(steps)), [name for _, name in steps])
    axes.invert_yaxis()
    axes.set_xlim(0, max(1, values["raw"]) * 1.12)
    axes.set_xlabel("patches")
    axes.set_title(f"{total['removed']:,} exemplars removed and {total['unsure']:,} unsure", fontsize=10, loc="left")
    numbers = numbers_csv(("step", "patches"), [(name, values[key]) for key, name in steps])
    return DrawnNumbers(png(figure), numbers)


def draw_datasets(rows: list[dict[str, Any]]) -> DrawnNumbers:
    """What became of the patches of each dataset, as shares."""
    names = sorted({row["dataset"] for row in rows} - {ALL})
    parts = ("gated", "duplicates", "removed", "unsure", "filtered")
    colours = (ORANGE, GREY, RED, "#e8c55b", GREEN)
    found = {name: step_sums(rows, name) for name in names}
    figure = new_figure(8, 1.3 + 0.34 * len(names))
    top = 0.9 / (1.3 + 0.34 * len(names))
    axes = quiet_axes(figure.add_axes((0.3, 0.55 * top + 0.02, 0.66, 1 - 1.35 * top)))
    axes.grid(axis="y", visible=False)
    left = np.zeros(len(names))
    for part, colour in zip(parts, colours, strict=True):
        shares = np.array([found[name][part] / max(1, found[name]["raw"]) for name in names])
        axes.barh(range(len(names)), shares, left=left, color=colour, label=part, height=0.7)
        left += shares
    axes.set_yticks(range(len(names)), [f"{name[-32:]} ({found[name]['raw']:,})" for name in names], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel("share of Raw")
    axes.legend(ncols=5, frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.4, 1.0))
    table = [(name, found[name]["raw"], *(found[name][part] for part in parts)) for name in names]
    return DrawnNumbers(png(figure), numbers_csv(("dataset", "raw", *parts), table))


def draw_histogram(
    samples: Mapping[str, NDArray[np.float64]], label: str, edges: NDArray[np.float64], marks: Sequence[float],
    *, logarithmic: bool = False, shares: bool = False,
) -> DrawnNumbers:  # fmt: skip
    """How often each value is, of one or more samples.

    Args:
        samples: name -> values.
        label: of the axis.
        edges: of the bins, rising.
        marks: thresholds, drawn as lines.
        logarithmic: the values' axis.
        shares: of each sample, in place of counts.
    """
    figure = new_figure(6.4, 3.4)
    axes = quiet_axes(figure.add_axes((0.13, 0.16, 0.84, 0.74)))
    table = []
    for (name, values), colour in zip(samples.items(), (BLUE, ORANGE, GREEN, RED, GREY), strict=False):
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
        heights = counts / max(1, counts.sum()) if shares else counts
        axes.stairs(heights, edges, color=colour, fill=True, alpha=0.45, label=f"{name} ({len(values):,})")
        table += [
            (name, float(low), float(high), int(n)) for low, high, n in zip(edges, edges[1:], counts, strict=False)
        ]
    for mark in marks:
        axes.axvline(mark, color=RED, linewidth=1.4, linestyle="--")
        axes.text(mark, axes.get_ylim()[1], f"{mark:g}", color=RED, fontsize=8, ha="center", va="bottom")
    if logarithmic:
        axes.set_xscale("log")
    axes.set_xlabel(label)
    axes.set_ylabel("share" if shares else "patches")
    axes.legend(frameon=False, fontsize=8)
    return DrawnNumbers(png(figure), numbers_csv(("sample", "from", "to", "patches"), table))


def draw_bars(counts: Mapping[str, int], label: str) -> DrawnNumbers:
    """A few named counts."""
    figure = new_figure(6.4, 1.2 + 0.32 * max(1, len(counts)))
    height = 1.2 + 0.32 * max(1, len(counts))
    axes = quiet_axes(figure.add_axes((0.36, 0.55 / height, 0.58, 1 - 0.75 / height)))
    axes.grid(axis="y", visible=False)
    names = list(counts)
    axes.barh(range(len(names)), [counts[name] for name in names], color=BLUE, height=0.65)
    axes.set_yticks(range(len(names)), [name[-40:] for name in names], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel(label)
    return DrawnNumbers(png(figure), numbers_csv(("name", "patches"), list(counts.items())))


def draw_map(shape: tuple[int, int, int], nm: Sequence[float | None], boxes: Sequence[Box]) -> DrawnNumbers:
    """Where patches lie in a volume: how many of them are behind each place, from three sides.

    Args:
        shape: of the volume, z, y, x.
        nm: sides of a voxel; where one is None, lengths are in voxels.
        boxes: of the patches.
    """
    known = None not in nm
    sides = [size * (float(side or 1) / 1000 if known else 1.0) for size, side in zip(shape, nm, strict=True)]
    unit = "µm" if known else "voxels"
    figure = new_figure(9, 3.5)
    table = []
    planes = (("xy", 1, 2), ("xz", 0, 2), ("yz", 0, 1))
    pictures = [_depth(shape, boxes, down, along) for _, down, along in planes]
    most = max(1.0, max(float(picture.max()) for picture in pictures))
    for number, ((name, down, along), picture) in enumerate(zip(planes, pictures, strict=True)):
        axes: Axes = figure.add_axes((0.07 + 0.32 * number, 0.16, 0.24, 0.72))
        shown = axes.imshow(
            picture, extent=(0, sides[along], sides[down], 0), cmap="viridis", vmin=0, vmax=most, aspect="auto"
        )
        axes.set_title(f"{name} ({'zyx'[down]} down)", fontsize=9)
        axes.set_xlabel(f"{'zyx'[along]} in {unit}", fontsize=8)
        axes.tick_params(labelsize=7)
        rows, columns = picture.shape
        table += [
            (name, round(j * sides[down] / rows, 4), round(i * sides[along] / columns, 4), int(picture[j, i]))
            for j in range(rows) for i in range(columns)
        ]  # fmt: skip
    bar = figure.colorbar(shown, cax=figure.add_axes((0.965, 0.16, 0.01, 0.72)))
    bar.ax.tick_params(labelsize=7)
    return DrawnNumbers(png(figure), numbers_csv(("plane", f"down_{unit}", f"along_{unit}", "patches"), table))


def _depth(shape: tuple[int, int, int], boxes: Sequence[Box], down: int, along: int) -> NDArray[np.float64]:
    """How many boxes lie behind each cell of a plane, at most 32 cells a side."""
    cells = [min(32, shape[down]), min(32, shape[along])]
    found = np.zeros((cells[0], cells[1]))
    middles = [(np.arange(count) + 0.5) * shape[axis] / count for count, axis in zip(cells, (down, along), strict=True)]
    for box in boxes:
        rows = np.searchsorted(middles[0], (box[2 * down] - 0.5, box[2 * down + 1]))
        columns = np.searchsorted(middles[1], (box[2 * along] - 0.5, box[2 * along + 1]))
        found[rows[0] : max(rows[1], rows[0] + 1), columns[0] : max(columns[1], columns[0] + 1)] += 1
    return found


def even_edges(low: float, high: float) -> NDArray[np.float64]:
    """Edges of 40 equal bins."""
    return np.linspace(low, high, _BINS + 1)
