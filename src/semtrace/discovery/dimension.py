"""dimension: the intrinsic dimension of every feature set, over sample sizes and fractions, and where it is flat.

Equal and nearly equal points, and members of one duplicate group, count once; how many were merged is a column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from semtrace.core.grouping.neighbours import Points, TooFewPointsError, nearest_points
from semtrace.core.statistics import intrinsic_dimension as idim
from semtrace.discovery import dimension_figures, feature_sets
from semtrace.discovery.looks import digits
from semtrace.discovery.tables import DIMENSION, FIT, PLATEAU
from semtrace.io import tables
from semtrace.io.files import write_atomic
from semtrace.io.staging import staged_folder
from semtrace.stage.declaration import Job
from semtrace.stage.rejects import Reject, write_rejects
from semtrace.stage.settings import Number, Section, Share, Whole

LINE = "thick_line"
"""Name of the artificial set whose dimension is known: a line with noise across it."""


class Settings(Section, section="dimension"):
    """How the dimension is estimated (conf/dimension/).

    Attributes:
        fractions: of the points, in the order of their ratios, that are fitted; above 0 to 1.
        smallest: least sample size, 10 or more; sizes are the whole and its halves.
        repeats: disjoint samples of one size at most.
        ranks: neighbours of Gride, each a power of 2: the ratio is that of twice the rank to the rank.
        tolerance: range over mean of the dimensions that make a plateau.
        seed: of the samples.

    """

    fractions: Annotated[list[Annotated[Number, Field(gt=0, le=1)]], Field(min_length=1)]
    smallest: Annotated[Whole, Field(ge=10, description="points")]
    repeats: Annotated[Whole, Field(ge=1)]
    ranks: list[Annotated[Whole, Field(ge=1)]]
    tolerance: Share
    seed: Whole


@dataclass(frozen=True)
class Summary:
    """The dimension of every set at its full size (2-NN fit of the first fraction below 1), and its plateau."""

    sets: dict[str, float]
    plateaus: dict[str, str]
    merged: dict[str, int]
    rejects: dict[str, int]


def stage(job: Job) -> Summary:
    """Run on what ``features`` and ``finetune`` wrote."""
    return run(job.result("features"), job.result("dimension"), job.params.dimension, tuned=job.result("finetune"))


def run(features: Path, out: Path, settings: Settings, *, tuned: Path | None = None) -> Summary:
    """Write ``dimension.csv``, ``plateau.csv``, figures and ``rejects.csv`` to ``out``.

    Raises:
        InputError: there is no set.
        TooFewPointsError: one has fewer than 4 different points.

    """
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    kept, lines = 0, {}
    for name, file in feature_sets.feature_set_files(features, tuned).items():
        loaded = feature_sets.load(file, "dimension")
        rejects += [Reject(f"{name}: {reject.path}", *_rest(reject)) for reject in loaded.rejects]
        kept += loaded.images
        found, line = _estimates(name, loaded.points, settings)
        rows += found
        lines[name] = line
    rows_line, line_fits = _thick_line(settings)
    plateaus = [_plateau(name, rows, settings) for name in lines]
    flat = [row for group in plateaus for row in group]
    line_flat = _plateau(LINE, rows_line, settings)
    with staged_folder(out) as folder:
        tables.write(folder / "dimension.csv", DIMENSION, rows, sort=False)
        tables.write(folder / "thick_line.csv", DIMENSION, rows_line, sort=False)
        tables.write(folder / "plateau.csv", PLATEAU, [*flat, *line_flat], sort=False)
        thick = {f"{LINE}_{count}": line for count, line in line_fits.items()}
        tables.write(folder / "fits.csv", FIT, _thinned(lines | thick), sort=False)
        figures = dimension_figures.draw_dimension(
            rows, [*flat, *line_flat], lines, rows_line, line_fits, settings.fractions
        )
        for picture, data in figures.items():
            write_atomic(folder / picture, data)
        counts = write_rejects(folder, rejects, rows_in=kept + len(rejects), rows_out=kept)
    shown = next((f for f in settings.fractions if f < 1), settings.fractions[0])
    whole = {
        row["features"]: round(row["id"], 2)
        for row in reversed(rows)
        if row["estimator"] == "fit" and row["fraction"] == shown
    }
    return Summary(
        sets=dict(sorted(whole.items())),
        plateaus={row["features"]: row["verdict"] for row in flat if row["fraction"] == shown},
        merged={row["features"]: row["merged"] for row in rows},
        rejects=counts,
    )


def _rest(reject: Reject) -> tuple[str, str, str]:
    return reject.stage, reject.reason, reject.detail


def sizes(count: int, smallest: int) -> list[int]:
    """Sample sizes: the whole, its half and so on down to ``smallest``, ascending."""
    found = [count]
    while found[-1] // 2 >= smallest:
        found.append(found[-1] // 2)
    return found[::-1]


def _estimates(name: str, points: Points, settings: Settings) -> tuple[list[dict[str, Any]], tuple[Points, Points]]:
    """Rows of all sample sizes, largest first, and the points of the fit at the full size."""
    distinct = idim.distinct_points(points)
    merged, points = len(points) - len(distinct), points[distinct]
    if len(points) < 4:
        raise TooFewPointsError(
            f"{name}: {len(points)} different points, and 2-NN needs 4 or more: its two nearest neighbours and a fit"
        )
    order = np.random.default_rng(settings.seed).permutation(len(points))
    rows: list[dict[str, Any]] = []
    line: tuple[Points, Points] | None = None
    for size in reversed(sizes(len(points), settings.smallest)):
        for repeat in range(min(settings.repeats, len(points) // size)):
            sample = np.sort(order[repeat * size : (repeat + 1) * size])
            ranks = [rank for rank in settings.ranks if size == len(points) and 2 * rank < size]
            near = nearest_points(points[sample], max(2, *(2 * rank for rank in ranks)) if ranks else 2)
            first, second = near.distances[:, 0], near.distances[:, 1]
            if line is None:
                line = idim.two_nn_line(first, second)
            fixed = {"features": name, "sample_size": size, "repeat": repeat, "merged": merged}
            for fraction in settings.fractions:
                rows.append(_row(fixed, fraction, "fit", idim.two_nn_fit(first, second, fraction)))
            rows.append(_row(fixed, 1.0, "ml", idim.two_nn_likelihood(first, second)))
            rows += [_row(fixed, 1.0, f"gride{rank}", idim.gride(near.distances, rank)) for rank in ranks]
    assert line is not None  # noqa: S101  (there is always the full size)
    return rows, line


def _row(fixed: dict[str, Any], fraction: float, estimator: str, found: idim.Estimate) -> dict[str, Any]:
    return {
        **fixed, "fraction": fraction, "estimator": estimator, "id": digits(found.dimension),
        "error": digits(found.error), "scale": digits(found.scale), "points": found.points,
    }  # fmt: skip


def _plateau(name: str, rows: list[dict[str, Any]], settings: Settings) -> list[dict[str, Any]]:
    found = []
    for fraction in settings.fractions:
        curve, scale = curve_of(rows, name, fraction), {}
        for row in rows:
            if row["features"] == name:
                scale[row["sample_size"]] = row["scale"]
        flat = idim.plateau([size for size, _, _ in curve], [mean for _, mean, _ in curve], settings.tolerance)
        found.append(
            {
                "features": name,
                "fraction": fraction,
                "dimension": digits(flat.dimension) if flat else None,
                "smallest": flat.smallest if flat else None,
                "largest": flat.largest if flat else None,
                "scale": scale[flat.largest] if flat else None,
                "verdict": f"{flat.dimension:.1f} at {flat.smallest} to {flat.largest} points" if flat else "none",
            }
        )
    return found


def curve_of(rows: list[dict[str, Any]], name: str, fraction: float) -> list[tuple[int, float, float]]:
    """Sample size, mean dimension, and its standard error over the repeats (of the estimate where there is one)."""
    chosen = [r for r in rows if (r["features"], r["fraction"], r["estimator"]) == (name, fraction, "fit")]
    curve = []
    for size in sorted({row["sample_size"] for row in chosen}):
        values = [row["id"] for row in chosen if row["sample_size"] == size]
        own = [row["error"] for row in chosen if row["sample_size"] == size]
        error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else own[0]
        curve.append((size, float(np.mean(values)), error))
    return curve


def _thick_line(settings: Settings) -> tuple[list[dict[str, Any]], dict[int, tuple[Points, Points]]]:
    """A line of 50,000 points with noise across it: 1-dimensional at few points, 2-dimensional at many."""
    rng = np.random.default_rng(settings.seed)
    points = np.column_stack([rng.uniform(0, 100, 50_000), rng.normal(0, 0.001, 50_000)])
    rows, whole = _estimates(LINE, points, settings)
    few = nearest_points(points[:1000], 2)
    return rows, {50_000: whole, 1000: idim.two_nn_line(few.distances[:, 0], few.distances[:, 1])}


def _thinned(lines: dict[str, tuple[Points, Points]]) -> Iterator[dict[str, Any]]:
    """At most 1,000 points of each line, as the figure shows them."""
    for name, (x, y) in lines.items():
        for row in np.unique(np.linspace(0, len(x) - 2, 1000).astype(int)):
            yield {"features": name, "log_mu": digits(x[row]), "minus_log_rest": digits(y[row])}
