"""The pictures of the dimension stage: fits, and the dimension over the sample size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from semtrace.core.grouping.neighbours import Points
from semtrace.discovery import dimension
from semtrace.discovery.looks import DARK, FRACTION_SHADES, LIGHT, MARKS, SERIES_COLOURS, saved
from semtrace.stage.figures import new_figure, quiet_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DimensionRows = list[dict[str, Any]]
DimensionLine = tuple[Points, Points]
_FIT_COLOURS = {1.0: SERIES_COLOURS[4], 0.9: SERIES_COLOURS[2], 0.7: SERIES_COLOURS[5], 0.5: SERIES_COLOURS[1]}
_FIT_DASHES = {1.0: ":", 0.9: "-", 0.7: "-.", 0.5: "--"}
_X, _Y = r"log $\mu$, $\mu = r_2/r_1$", r"$-$log(1 $-$ F($\mu$))"


def draw_dimension(
    rows: DimensionRows,
    flat: DimensionRows,
    lines: Mapping[str, DimensionLine],
    line_rows: DimensionRows,
    line_fits: Mapping[int, DimensionLine],
    fractions: Sequence[float],
) -> dict[str, bytes]:
    """All pictures by file name."""
    return {
        "thick_line.png": _thick_line(line_fits),
        "thick_line_curve.png": _curves(line_rows, [dimension.LINE], [0.9], flat),
        "fits.png": _fits(lines, fractions),
        "dimension_by_sample_size.png": _curves(rows, list(lines), [f for f in fractions if f < 1], flat),
        "dimension_by_scale.png": _scales(rows, list(lines)),
    }


def _fit(axes: Axes, line: DimensionLine, fraction: float, label: str, colour: str, dashes: str) -> None:
    x, y = line
    used = min(int(len(x) * fraction), len(x) - 1)
    slope = float(x[:used] @ y[:used] / (x[:used] @ x[:used]))
    ends = np.array([0.0, x[-2]])
    axes.plot(ends, slope * ends, linestyle=dashes, color=colour, linewidth=1.8, label=f"{label}: {slope:.2f}")


def _thick_line(fits: Mapping[int, DimensionLine]) -> bytes:
    figure = new_figure(8, 4.6)
    axes = quiet_axes(figure.add_axes((0.1, 0.14, 0.86, 0.74)))
    for number, count in enumerate(sorted(fits, reverse=True)):
        x, y = fits[count]
        shown = np.unique(np.linspace(0, len(x) - 2, 1500).astype(int))
        axes.plot(x[shown], y[shown], MARKS[number], markersize=2.5, color=SERIES_COLOURS[number], alpha=0.35)
        _fit(axes, fits[count], 0.9, f"{count:,} points, fit of 90 %", SERIES_COLOURS[number], ("-", "--")[number])
    axes.set(xlabel=_X, ylabel=_Y, ylim=(0, 7), xlim=(0, 6))
    axes.set_title("A line of length 100 with noise of 0.001 across it: more points see its thickness", fontsize=10)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    return saved(figure)


def _fits(lines: Mapping[str, DimensionLine], fractions: Sequence[float]) -> bytes:
    across = min(2, len(lines))
    down = -(-len(lines) // across)
    figure = new_figure(5.2 * across, 3.9 * down)
    for number, (name, line) in enumerate(lines.items()):
        axes = quiet_axes(figure.add_subplot(down, across, number + 1))
        x, y = line
        shown = np.unique(np.linspace(0, len(x) - 2, 1500).astype(int))
        axes.plot(x[shown], y[shown], "o", markersize=2.5, color=LIGHT)
        for fraction in fractions:
            if fraction != 0.7:
                colour, dashes = _FIT_COLOURS.get(fraction, DARK), _FIT_DASHES.get(fraction, "-")
                _fit(axes, line, fraction, f"{fraction:.0%} of the points", colour, dashes)
        axes.set(xlabel=_X, ylabel=_Y, xlim=(0, None), ylim=(0, float(y[-2]) * 1.1))
        axes.set_title(f"{name} (n = {len(x):,})", fontsize=10)
        axes.legend(frameon=False, fontsize=8, title="slope of the fit = dimension", title_fontsize=8)
    figure.tight_layout()
    return saved(figure)


def _curves(rows: DimensionRows, names: Sequence[str], fractions: Sequence[float], flat: DimensionRows) -> bytes:
    figure = new_figure(9, 5.2)
    axes = quiet_axes(figure.add_axes((0.08, 0.12, 0.6, 0.78)))
    for number, name in enumerate(names):
        colour = SERIES_COLOURS[number % len(SERIES_COLOURS)]
        for fraction in fractions:
            curve = dimension.curve_of(rows, name, fraction)
            if not curve:
                continue
            x, y, error = (np.array(values) for values in zip(*curve, strict=True))
            axes.errorbar(
                x, y, error, color=colour, alpha=FRACTION_SHADES.get(fraction, 1.0), marker=MARKS[number % len(MARKS)],
                linestyle=_FIT_DASHES.get(fraction, "-"), markersize=4, linewidth=1.4, capsize=2,
                label=f"{name}, {fraction:.0%}",
            )  # fmt: skip
        for row in flat:
            if row["features"] == name and row["dimension"] is not None and row["fraction"] == 0.9:
                ends = [row["smallest"], row["largest"]]
                axes.plot(ends, [row["dimension"]] * 2, color=colour, linewidth=7, alpha=0.2)
    axes.set_xscale("log")
    shown = sorted({row["sample_size"] for row in rows if row["features"] == names[0]})
    axes.set_xticks(shown, [f"{size:,}" for size in shown], fontsize=8)
    axes.set_xticks([], minor=True)
    axes.set(xlabel="points in the sample", ylabel="intrinsic dimension, 2-NN fit", ylim=(0, None))
    axes.set_title(
        "Dimension over the sample size: mean and standard error of the repeats; broad: a plateau", fontsize=10
    )
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1.0))
    return saved(figure)


def _scales(rows: DimensionRows, names: Sequence[str]) -> bytes:
    figure = new_figure(8, 4.6)
    axes = quiet_axes(figure.add_axes((0.09, 0.14, 0.87, 0.76)))
    for number, name in enumerate(names):
        found = [row for row in rows if row["features"] == name and row["estimator"].startswith("gride")]
        found.sort(key=lambda row: int(row["estimator"][5:]))
        ranks = [int(row["estimator"][5:]) for row in found]
        axes.errorbar(
            ranks,
            [row["id"] for row in found],
            [row["error"] for row in found],
            color=SERIES_COLOURS[number % len(SERIES_COLOURS)],
            marker=MARKS[number % len(MARKS)],
            markersize=5,
            capsize=2,
            label=name,
        )
    axes.set_xscale("log", base=2)
    shown = sorted({int(row["estimator"][5:]) for row in rows if row["estimator"].startswith("gride")})
    axes.set_xticks(shown, [str(rank) for rank in shown])
    axes.set(xlabel="rank of the nearer neighbour", ylabel="intrinsic dimension, Gride", ylim=(0, None))
    axes.set_title("Dimension over the scale: ratio of the distances to neighbour 2n and n", fontsize=10)
    if names:
        axes.legend(frameon=False, fontsize=9)
    return saved(figure)
