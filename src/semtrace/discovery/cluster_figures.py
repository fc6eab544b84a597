"""The picture of a decision graph."""

from __future__ import annotations

import numpy as np

from semtrace.core.grouping.density_peaks import Peaks, centres_by_number
from semtrace.discovery.looks import DARK, LIGHT, SERIES_COLOURS, saved
from semtrace.stage.figures import new_figure, quiet_axes

_NAMED = 12


def decision_graph(name: str, graph: Peaks) -> bytes:
    """Delta over density, the points of largest gamma with their place, and gamma by place."""
    figure = new_figure(10, 4.6)
    axes = quiet_axes(figure.add_axes((0.07, 0.13, 0.52, 0.75)))
    chosen = centres_by_number(graph, min(_NAMED, len(graph.order)))
    axes.plot(graph.log_density, graph.delta, "o", markersize=3, color=LIGHT)
    axes.plot(graph.log_density[chosen], graph.delta[chosen], "o", markersize=6, color=SERIES_COLOURS[1])
    for place, row in enumerate(chosen):
        axes.annotate(
            str(place + 1), (graph.log_density[row], graph.delta[row]), xytext=(4, 3), textcoords="offset points",
            fontsize=8, color=DARK,
        )  # fmt: skip
    axes.set(xlabel="log density [points per unit volume, over n]", ylabel="distance to the nearest denser point")
    axes.set_title(f"Decision graph of {name}, n = {len(graph.order):,}", fontsize=10)
    beside = quiet_axes(figure.add_axes((0.67, 0.13, 0.31, 0.75)))
    gamma = np.sort(graph.gamma)[::-1][:60]
    beside.plot(np.arange(1, len(gamma) + 1), gamma, "o-", markersize=3, linewidth=0.8, color=SERIES_COLOURS[0])
    beside.set(xlabel="place", ylabel="gamma = (log density − lowest) × distance", ylim=(0, None))
    beside.set_title("Candidates for centres", fontsize=10)
    return saved(figure)
