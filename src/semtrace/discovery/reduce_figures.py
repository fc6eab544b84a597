"""The pictures of the reduce stage: scree plots with their elbows, and errors of autoencoders beside PCA."""

from __future__ import annotations

from typing import Any

import numpy as np

from semtrace.discovery.looks import MARKS, SERIES_COLOURS, saved
from semtrace.stage.figures import new_figure, quiet_axes

ReductionRows = list[dict[str, Any]]


def draw_reduction(scree: ReductionRows, grid: ReductionRows) -> dict[str, bytes]:
    """All pictures by file name."""
    return {"scree.png": _scree(scree), **({"grid.png": draw_grid(grid)} if len(grid) > 1 else {})}


def _scree(rows: ReductionRows) -> bytes:
    names = sorted({row["features"] for row in rows})
    figure = new_figure(9, 4.8)
    axes = quiet_axes(figure.add_axes((0.09, 0.13, 0.87, 0.77)))
    for number, name in enumerate(names):
        mine = [row for row in rows if row["features"] == name][:40]
        x, y = [row["component"] for row in mine], [100 * row["share"] for row in mine]
        colour, mark = SERIES_COLOURS[number % len(SERIES_COLOURS)], MARKS[number % len(MARKS)]
        bends = [row["component"] for row in mine if row["elbow"]]
        said = f"{name}: elbows at {', '.join(map(str, bends))}" if bends else f"{name}: no elbow"
        axes.plot(x, y, color=colour, marker=mark, markersize=4, linewidth=1.2, label=said)
        axes.plot(bends, [y[x.index(bend)] for bend in bends], "o", color=colour, markersize=12, fillstyle="none")
    if any(row["share"] > 0 for row in rows):
        axes.set_yscale("log")
    axes.set(xlabel="principal component", ylabel="share of the variance [%]")
    axes.set_title("Scree plot; rings: the two sharpest bends of the logarithm", fontsize=10)
    axes.legend(frameon=False, fontsize=9)
    return saved(figure)


def draw_grid(rows: ReductionRows) -> bytes:
    """Errors of autoencoders, PCA of their size beside them, as the picture of ``grid.csv``."""
    names = sorted({row["features"] for row in rows})
    figure = new_figure(9, 1.2 + 0.3 * len(rows))
    axes = quiet_axes(figure.add_axes((0.36, 0.18, 0.6, 0.7)))
    labels = []
    ordered = sorted(rows, key=lambda row: (row["features"], row["held_out_error"]), reverse=True)
    for place, row in enumerate(ordered):
        colour = SERIES_COLOURS[names.index(row["features"]) % len(SERIES_COLOURS)]
        axes.plot([row["error"], row["held_out_error"]], [place, place], color=colour, linewidth=1)
        axes.plot(row["error"], place, "o", color=colour, fillstyle="none")
        axes.plot(row["held_out_error"], place, "o" if row["method"] == "autoencoder" else "s", color=colour)
        what = f"PCA, {row['size']}" if row["method"] == "pca" else f"{row['hidden']} {row['size']}"
        labels.append(f"{row['features']}: {what}")
    axes.set_yticks(np.arange(len(ordered)), labels, fontsize=8)
    axes.set(xlabel="mean squared error over the variance; filled: held-out points, open: training", xlim=(0, None))
    axes.set_title(
        f"Reconstruction, {rows[0]['points']} points trained on, {rows[0]['held_out']} held out", fontsize=10
    )
    return saved(figure)
