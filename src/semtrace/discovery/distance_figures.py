"""The pictures of the distances stage: heat maps on one colour scale, and which feature set knows which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import squareform

from semtrace.core.statistics.label_distance import label_distance, ranked_matrix
from semtrace.discovery import distances
from semtrace.discovery.looks import DARK, saved
from semtrace.stage.figures import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DistanceRows = list[dict[str, Any]]
_COLOURS = "cividis"  # even in grey, and the same to colour-blind readers


def draw_distances(
    compared: Sequence[distances.ComparedSets],
    rows: DistanceRows,
    codes: NDArray[np.int64],
    counts: Mapping[str, int],
    imbalances: DistanceRows,
) -> dict[str, bytes]:
    """All pictures by file name."""
    found = {"heatmaps.png": _heatmaps(compared, rows, counts)}
    if len(codes):
        found["label_distance.png"] = _labels(codes, counts)
    if imbalances:
        found["imbalance.png"] = _imbalance(imbalances)
    return found


def _borders(axes: Axes, counts: Mapping[str, int], *, names: bool) -> None:
    ends = np.cumsum([0, *counts.values()])
    for end in ends[1:-1]:
        axes.axhline(end - 0.5, color="white", linewidth=0.4)
        axes.axvline(end - 0.5, color="white", linewidth=0.4)
    axes.set_xticks([])
    if names:
        middles = (ends[:-1] + ends[1:]) / 2 - 0.5
        axes.set_yticks(middles, [f"{name} ({count})" for name, count in counts.items()], fontsize=7)
    else:
        axes.set_yticks([])
    axes.tick_params(length=0)


def _labels(codes: NDArray[np.int64], counts: Mapping[str, int]) -> bytes:
    figure = new_figure(7.2, 5.2)
    axes = figure.add_axes((0.34, 0.04, 0.62, 0.86))
    axes.imshow(squareform(label_distance(codes)), cmap=_COLOURS, interpolation="nearest")
    _borders(axes, counts, names=True)
    axes.set_title(f"Distance of labels: 0 (dark) equal, 1 (bright) different; n = {len(codes)}", fontsize=9, x=0.3)
    return saved(figure)


def _heatmaps(compared: Sequence[distances.ComparedSets], rows: DistanceRows, counts: Mapping[str, int]) -> bytes:
    whole = [i for i, one in enumerate(compared) if not one.reduced]
    figure = new_figure(9.4, 4.5 * len(whole) + 0.7)
    grid = figure.add_gridspec(
        len(whole), 2, left=0.2, right=0.97, top=1 - 0.5 / (4.5 * len(whole)), bottom=0.09, hspace=0.2
    )
    shown = None
    for line, index in enumerate(whole):
        name = compared[index].name
        ends = [i for i, one in enumerate(compared) if one.reduced and f"{one.name}_".startswith(f"{name}_")]
        pair = [index, *ends][:2]
        for column, i in enumerate(pair):
            axes = figure.add_subplot(grid[line, column])
            shown = axes.imshow(
                ranked_matrix(compared[i].points), cmap=_COLOURS, vmin=0, vmax=1, interpolation="nearest"
            )
            _borders(axes, counts, names=column == 0 and bool(counts))
            row = rows[i]
            said = f"{row['features']}, {row['columns']} columns, n = {row['sample']}"
            if row["pearson"] is not None:
                said += f"\nPearson {row['pearson']:.3f}, Spearman {row['spearman']:.3f}"
            axes.set_title(said, fontsize=9, color=DARK)
    if shown is not None:
        scale = figure.add_axes((0.3, 0.045, 0.5, 0.018 / len(whole) + 0.004))
        bar = figure.colorbar(shown, cax=scale, orientation="horizontal")
        bar.set_label("rank of the distance among all pairs (0 nearest, 1 farthest)", fontsize=9)
    return saved(figure)


def _imbalance(rows: DistanceRows) -> bytes:
    names = sorted({row["knows"] for row in rows})
    table = np.full((len(names), len(names)), np.nan)
    for row in rows:
        table[names.index(row["knows"]), names.index(row["known"])] = row["imbalance"]
    figure = new_figure(3.6 + 1.1 * len(names), 2.6 + 0.6 * len(names))
    axes = figure.add_axes((0.36, 0.34, 0.5, 0.5))
    shown = axes.imshow(table, cmap=_COLOURS, vmin=0, vmax=1)
    for y, x in np.ndindex(table.shape):
        if not np.isnan(table[y, x]):
            colour = "black" if table[y, x] > 0.55 else "white"
            axes.annotate(f"{table[y, x]:.2f}", (x, y), ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(names)), names, rotation=25, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set(xlabel="known", ylabel="knows")
    axes.set_title(
        f"Information imbalance, n = {rows[0]['points']}\n0: knows all of the other's neighbourhoods", fontsize=9
    )
    figure.colorbar(shown, ax=axes, fraction=0.05)
    return saved(figure)
