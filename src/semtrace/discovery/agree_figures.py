"""The pictures of the agree stage: a square of 100 whose scores are known, the references, and every method over k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.statistics.agreement import halved, nmi, uniform
from semtrace.discovery.looks import DARK, DASHES, LIGHT, MARKS, SERIES_COLOURS, saved
from semtrace.stage.figures import new_figure, quiet_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AgreementRows = Sequence[Mapping[str, Any]]
_ORDER = ("ward", "complete", "average", "centroid", "single", "density_peaks", "spectral", "hdbscan", "saddles")
_REFERENCES = {"halved": ("refined by halving", "-"), "uniform": ("chance", "--"), "orthogonal": ("orthogonal", ":")}
_LOWEST = {"nmi": -0.03, "ami": -0.3}  # AMI is below 0 where a partition agrees less than chance
_NAMES = {"nmi": "NMI (geometric)", "ami": "AMI (arithmetic)"}


def draw_agreement(
    found: AgreementRows, references: AgreementRows, curves: Mapping[str, Sequence[float]]
) -> dict[str, bytes]:
    """All pictures by file name; ``curves`` are ``square_curves``."""
    made = {"square.png": _square(), "square_by_k.png": _square_by_k(curves)}
    for against in sorted({row["against"] for row in found}):
        mine, known = [[r for r in rows if r["against"] == against] for rows in (found, references)]
        made[f"references_{against}.png"] = _references(known, against)
        for score in ("nmi", "ami"):
            made[f"{score}_by_k_{against}.png"] = _by_k(mine, known, against, score)
    return made


def _square() -> bytes:
    """Four partitions of a 10 x 10 square; the columns are what is known."""
    figure = new_figure(9, 3.2)
    partitions = square_partitions()
    truth = partitions[10]
    for number, (k, labels) in enumerate(partitions.items()):
        axes = figure.add_subplot(1, 4, number + 1)
        axes.imshow(_shades(labels, k).reshape(10, 10, 3), interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        for y, x in np.ndindex(10, 10):
            axes.annotate(str(labels[10 * y + x]), (x, y), ha="center", va="center", fontsize=6, color=DARK)
        axes.set_title(f"({'ABCD'[number]}) $C_{{{k}}}$: NMI {nmi(labels, truth):.3f}", fontsize=10)
    figure.suptitle("NMI with (A) of four partitions of 100 elements", fontsize=10)
    figure.tight_layout()
    return saved(figure)


def _shades(labels: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Light colours with the number of the cluster written on each; colour alone says nothing."""
    from matplotlib.colors import hsv_to_rgb

    hue = labels * 0.381966 % 1.0
    return np.asarray(hsv_to_rgb(np.stack([hue, np.full(len(hue), 0.28), 0.82 + 0.16 * (labels % 2)], axis=-1)))


def square_partitions() -> dict[int, NDArray[np.int64]]:
    """The four partitions of 100 elements that are drawn, shape (100,) each, by their number of clusters."""
    return {k: np.arange(100) % k for k in (10, 5, 20, 7)}


def square_curves() -> dict[str, list[float]]:
    """NMI of partitions of 100 elements with ten known ones, k = 2 to 100, by the name of the curve."""
    truth, rng = np.arange(100) % 10, np.random.default_rng(1)
    k = range(2, 101)
    return {
        "$C_k$": [nmi(np.arange(100) % n, truth) for n in k],
        "refined by halving": [nmi(halved(truth, n), truth) for n in k],
        "chance, mean of 10": [float(np.mean([nmi(uniform(truth, n, rng), truth) for _ in range(10)])) for n in k],
    }


def _square_by_k(curves: Mapping[str, Sequence[float]]) -> bytes:
    k = np.arange(2, 101)
    figure = new_figure(8, 4.4)
    axes = quiet_axes(figure.add_axes((0.09, 0.13, 0.87, 0.77)))
    for number, (name, values) in enumerate(curves.items()):
        axes.plot(
            k,
            values,
            MARKS[0] if number == 0 else DASHES[number - 1],
            color=SERIES_COLOURS[number],
            markersize=4,
            label=name,
        )
    axes.set(xlabel="clusters k", ylabel=_NAMES["nmi"], ylim=(0, 1.03))
    axes.set_title("NMI of $C_{10}$ and $C_k$ of 100 elements", fontsize=10)
    axes.legend(frameon=False, fontsize=9)
    return saved(figure)


def _drawn(axes: Axes, references: AgreementRows, score: str, *, black: bool) -> None:
    for number, (name, (said, dashes)) in enumerate(_REFERENCES.items()):
        rows = [row for row in references if row["reference"] == name]
        colour = LIGHT if black else SERIES_COLOURS[number]
        width = 2.2 if black else 1.6
        axes.plot(
            [r["k"] for r in rows],
            [r[score] for r in rows],
            dashes,
            color=colour,
            linewidth=width,
            label=said,
            zorder=1,
        )


def _references(references: AgreementRows, against: str) -> bytes:
    figure = new_figure(9, 4.2)
    for number, score in enumerate(("nmi", "ami")):
        axes = quiet_axes(figure.add_subplot(1, 2, number + 1))
        _drawn(axes, references, score, black=False)
        axes.set(xlabel="clusters k", ylabel=_NAMES[score], ylim=(_LOWEST[score], 1.03))
        axes.legend(frameon=False, fontsize=8)
    count = references[0]["images"] if references else 0
    figure.suptitle(f"References against the {against}, n = {count} labelled images", fontsize=10)
    figure.tight_layout()
    return saved(figure)


def _by_k(found: AgreementRows, references: AgreementRows, against: str, score: str) -> bytes:
    names = sorted({row["features"] for row in found})
    across = min(2, len(names))
    down = -(-len(names) // across)
    figure = new_figure(5.4 * across + 0.4, 4.0 * down + 0.9)
    shown: dict[str, Any] = {}
    for place, name in enumerate(names):
        axes = quiet_axes(figure.add_subplot(down, across, place + 1))
        _drawn(axes, references, score, black=True)
        for number, method in enumerate(_ORDER):
            rows = [row for row in found if row["features"] == name and row["method"] == method]
            if len(rows) > 3:
                axes.plot(
                    [r["k"] for r in rows], [r[score] for r in rows], linestyle=DASHES[number % 9],
                    color=SERIES_COLOURS[number % 9], linewidth=1.4, label=method, zorder=2,
                )  # fmt: skip
            elif rows:
                axes.plot(
                    [r["k"] for r in rows],
                    [r[score] for r in rows],
                    MARKS[number % 9],
                    color=SERIES_COLOURS[number % 9],
                    markersize=6,
                    label=method,
                    zorder=3,
                )
        axes.set(xlabel="clusters k", ylabel=_NAMES[score], ylim=(_LOWEST[score], 1.03))
        count = next(row["images"] for row in found if row["features"] == name)
        axes.set_title(f"{name}, n = {count}", fontsize=10)
        handles, labels = axes.get_legend_handles_labels()
        shown |= dict(zip(labels, handles, strict=True))
    figure.tight_layout(rect=(0, 0.11 / down + 0.02, 1, 0.95))
    figure.legend(shown.values(), shown.keys(), loc="lower center", ncols=6, frameon=False, fontsize=8)
    figure.suptitle(f"{_NAMES[score]} against the {against} over the number of clusters; grey: references", fontsize=10)
    return saved(figure)
