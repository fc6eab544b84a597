"""The pictures of the reduce stage: scree plots with their elbows, and errors of autoencoders beside PCA."""

from __future__ import annotations

from typing import Any

import numpy as np

from semtrace.discovery.looks import MARKS, SERIES_COLOURS, saved
from semtrace.stage.figures import new_figure, quiet_axes

ReductionRows = list[dict[str, Any]]
_SHOWN = 12  # autoencoders of a set in the picture; the table has all
_TRIED = ("activation", "phases", "epochs", "batch", "rate", "l2")


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
    """Errors of the best autoencoders of each set, with PCA of their size beside them, as a picture."""
    names = sorted({row["features"] for row in rows})
    shown = [row for name in names for row in _best_rows(name, rows)][::-1]
    varied = [name for name in _TRIED if len({row[name] for row in rows if row["method"] == "autoencoder"}) > 1]
    figure = new_figure(10, 1.2 + 0.3 * len(shown))
    axes = quiet_axes(figure.add_subplot())
    labels = []
    for place, row in enumerate(shown):
        colour = SERIES_COLOURS[names.index(row["features"]) % len(SERIES_COLOURS)]
        axes.plot([row["error"], row["held_out_error"]], [place, place], color=colour, linewidth=1)
        axes.plot(row["error"], place, "o", color=colour, fillstyle="none")
        axes.plot(row["held_out_error"], place, "o" if row["method"] == "autoencoder" else "s", color=colour)
        built = f"{row['hidden']} {row['size']}" + "".join(f", {name} {row[name]}" for name in varied)
        labels.append(f"{row['features']}: " + (f"PCA, {row['size']}" if row["method"] == "pca" else built))
    axes.set_yticks(np.arange(len(shown)), labels, fontsize=8)
    axes.set(xlabel="mean squared error over the variance\nfilled: held-out points, open: training", xlim=(0, None))
    few = f"\nthe best {_SHOWN} of each set" if len(shown) < len(rows) else ""
    title = f"Reconstruction, {rows[0]['points']} points trained on, {rows[0]['held_out']} held out{few}"
    axes.set_title(title, fontsize=10)
    figure.tight_layout()
    return saved(figure)


def _best_rows(name: str, rows: ReductionRows) -> ReductionRows:
    """PCA of a set at every size, and its best autoencoders; the smallest held-out error first."""
    mine = sorted((row for row in rows if row["features"] == name), key=lambda row: float(row["held_out_error"]))
    kept = [row for row in mine if row["method"] == "autoencoder"][:_SHOWN]
    return [row for row in mine if row["method"] == "pca" or row in kept]
