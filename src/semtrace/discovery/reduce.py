"""reduce: every feature set in few columns, by principal components or by an autoencoder, and which of them is better.

Both are judged by the mean squared error on points that they have not seen, one of each duplicate group. The scale of
a set is divided by its overall deviation first, so errors of sets can be compared; 1 is no better than the mean.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, cast

import numpy as np
from pydantic import Field, model_validator

from semtrace.core.grouping.neighbours import Points, TooFewPointsError, nearest_points
from semtrace.core.statistics import intrinsic_dimension as idim
from semtrace.core.statistics.pca import Components, components, elbows
from semtrace.discovery import feature_sets, reduce_figures
from semtrace.discovery.looks import digits
from semtrace.discovery.reduction import Reduction
from semtrace.discovery.tables import GRID, SCREE
from semtrace.io import feature_table, tables
from semtrace.io.files import write_atomic
from semtrace.io.staging import staged_folder
from semtrace.parallel.processes import progress
from semtrace.stage.declaration import Job
from semtrace.stage.rejects import Reject, write_rejects
from semtrace.stage.settings import Number, Section, Share, Whole

if TYPE_CHECKING:
    from semtrace.core.statistics.autoencoder import Autoencoder, Phase, Shape, Training


PHASES = ("1_a", "1_b", "1", "2", "g")
"""Of the training of an autoencoder; ``autoencoder.train`` says which layers each trains."""


class Settings(Section, section="reduce"):
    """How features are reduced (conf/reduce/).

    Attributes:
        method: ``none`` keeps all columns; ``pca``; ``autoencoder`` of the first shape below; ``grid`` tries all of
            their combinations and keeps the one with the smallest held-out error.
        size: columns that are left; 0: the intrinsic dimension of the set (2-NN, 90 %), rounded up.
        hidden: for each shape the units of the first and the second hidden layer.
        tied: for each choice, which pairs of layers share their weights, innermost first.
        activation: of all layers but the output.
        epochs: of each phase 1_a, 1_b, 1, 2, g.
        order: phases in the order in which they are trained.
        batch: points a step.
        rate: learning rate.
        l2: weight of the squared weights.
        held_out: share of the groups that training does not see.
        seed: of the held-out groups, the first weights and the batches.

    """

    method: Literal["none", "pca", "autoencoder", "grid"]
    size: Annotated[Whole, Field(ge=0)]
    hidden: list[list[Whole]]
    tied: list[list[bool]]
    activation: Literal["elu", "tanh", "sigmoid", "relu", "linear"]
    epochs: dict[str, Whole]
    order: list[str]
    batch: Annotated[Whole, Field(ge=1)]
    rate: Annotated[Number, Field(gt=0)]
    l2: Annotated[Number, Field(ge=0)]
    held_out: Share
    seed: Whole

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.hidden or any(len(pair) != 2 or min(pair) < 1 for pair in self.hidden):
            raise ValueError(f"reduce.hidden is {self.hidden}; it must be pairs of 1 unit or more")
        if not self.tied or any(len(pairs) != 3 for pairs in self.tied):
            raise ValueError(f"reduce.tied is {self.tied}; each must have three entries, innermost pair first")
        if not self.order or set(self.order) - set(PHASES) or set(self.epochs) != set(PHASES):
            raise ValueError(f"reduce.order and reduce.epochs have the phases {', '.join(PHASES)}")
        return self


@dataclass(frozen=True)
class Summary:
    """Columns of each reduced set, and which method had the smaller held-out error at that size."""

    sets: dict[str, int]
    better: dict[str, str]
    rejects: dict[str, int]


@dataclass(frozen=True, eq=False)
class _Scaled:
    """A set for training: centred, scaled, split."""

    name: str
    points: Points
    mean: Points
    scale: float
    training: Points
    held_out: Points


def stage(job: Job) -> Summary:
    """Run on what ``features`` and ``finetune`` wrote."""
    return run(job.result("features"), job.result("reduce"), job.params.reduce, tuned=job.result("finetune"))


def run(features: Path, out: Path, settings: Settings, *, tuned: Path | None = None) -> Summary:
    """Write a reduced table a set, ``scree.csv``, ``grid.csv``, weights, figures and ``rejects.csv`` to ``out``.

    Raises:
        InputError: there is no set.
        TooFewPointsError: one has too few points for the columns asked for.

    """
    scree: list[dict[str, Any]] = []
    grid: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    kept, sizes = 0, {}
    with staged_folder(out) as folder:
        for name, file in feature_sets.feature_set_files(features, tuned).items():
            loaded = feature_sets.load(file, "reduce")
            rejects += _of_set(name, loaded.rejects)
            kept += loaded.images
            scree += _scree(name, components(loaded.points))
            done = _Reduced(loaded.points, [], np.zeros(loaded.points.shape[1]), np.empty((0, loaded.points.shape[1])))
            if settings.method != "none":
                done = _reduced(_scaled(loaded, settings), _size(loaded, settings), settings)
            values, state = done.values, done.state
            grid += done.rows
            end = f"{name}_{values.shape[1]}" if settings.method != "none" else name
            sizes[end] = values.shape[1]
            how = Reduction(loaded.shift, loaded.scale, done.offset, done.directions).saved()
            about = {"reduction_sha256": hashlib.sha256(how).hexdigest()}
            write_atomic(folder / f"{end}.npz", how)
            if state is not None:
                write_atomic(folder / f"{end}.pth", state)
                about |= {"weights_sha256": hashlib.sha256(state).hexdigest(), **done.shape}
            _write_set(folder / f"{end}.parquet", file, loaded, values, settings, about)
        tables.write(folder / "scree.csv", SCREE, scree, sort=False)
        tables.write(folder / "grid.csv", GRID, grid, sort=False)
        for picture, data in reduce_figures.draw_reduction(scree, grid).items():
            write_atomic(folder / picture, data)
        counts = write_rejects(folder, rejects, rows_in=kept + len(rejects), rows_out=kept)
    return Summary(sizes, _better(grid), counts)


def _scaled(loaded: feature_sets.FeatureSet, settings: Settings) -> _Scaled:
    count = len(loaded.points)
    held = max(1, round(count * settings.held_out))
    if count < held + 2:
        raise TooFewPointsError(
            f"{loaded.name}: {count} different images cannot be divided into a training and a held-out part"
        )
    order = np.random.default_rng(settings.seed).permutation(count)
    rest, out = np.sort(order[held:]), np.sort(order[:held])
    mean = loaded.points[rest].mean(axis=0)
    scale = float(np.sqrt(((loaded.points[rest] - mean) ** 2).mean())) or 1.0
    points = (loaded.points - mean) / scale
    return _Scaled(loaded.name, points, mean, scale, points[rest], points[out])


def _size(loaded: feature_sets.FeatureSet, settings: Settings) -> int:
    columns = int(loaded.points.shape[1])
    if settings.size:
        return min(settings.size, columns, len(loaded.points) - 1)
    points = loaded.points[idim.distinct_points(loaded.points)]
    if len(points) < 4:
        raise TooFewPointsError(
            f"{loaded.name}: {len(points)} different points; the intrinsic dimension needs 4 or more"
        )
    near = nearest_points(points, 2)
    return min(columns, int(np.ceil(idim.two_nn_fit(near.distances[:, 0], near.distances[:, 1]).dimension)))


def _scree(name: str, found: Components) -> Iterator[dict[str, Any]]:
    bends = set(elbows(found.variance).tolist())
    total = 0.0
    for number, (variance, share) in enumerate(zip(found.variance[:100], found.share[:100], strict=True), start=1):
        total += float(share)
        yield {
            "features": name, "component": number, "variance": digits(variance), "share": digits(share),
            "cumulative": digits(total), "elbow": number in bends,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Reduced:
    """Reduced points, rows of ``grid.csv``, and what gives the same of other points: see ``Reduction``.

    ``state`` has an autoencoder's weights, ``shape`` what it is built of.
    """

    values: Points
    rows: list[dict[str, Any]]
    offset: Points
    directions: Points
    state: bytes | None = None
    shape: dict[str, Any] = field(default_factory=dict)


def _reduced(scaled: _Scaled, size: int, settings: Settings) -> _Reduced:
    plain = _pca_row(scaled, size)
    if settings.method == "pca":
        whole = components(scaled.points * scaled.scale)
        values = whole.project(scaled.points * scaled.scale, plain["size"])
        offset, directions = scaled.mean + whole.mean, whole.directions[: plain["size"]]
        return _Reduced(values, [{**plain, "best": True}], offset, directions)
    tried = list(_tried(scaled, plain["size"], settings))
    rows = _with_best([row for row, _ in tried])
    best = next(model for row, (_, model) in zip(rows, tried, strict=True) if row["best"])
    built = {name: list(getattr(best.shape, name)) for name in ("hidden", "tied", "activations")}
    none = np.empty((0, len(scaled.mean)))
    return _Reduced(best.code(scaled.points), [plain, *rows], scaled.mean, none, _saved(best, scaled), built)


def _pca_row(scaled: _Scaled, size: int) -> dict[str, Any]:
    """The row of ``grid.csv`` of principal components of the training part; their number is its ``size``."""
    trained = components(scaled.training)
    size = min(size, len(trained.directions))
    return _grid_row(scaled, "pca", size, trained.error(scaled.training, size), trained.error(scaled.held_out, size))


def _tried(scaled: _Scaled, size: int, settings: Settings) -> Iterator[tuple[dict[str, Any], Autoencoder]]:
    """An autoencoder for each shape, or the first alone where no grid is asked for, and its row of ``grid.csv``."""
    from semtrace.core.statistics import autoencoder

    first = 1 if settings.method == "autoencoder" else None
    for hidden, tied in product(settings.hidden[:first], settings.tied[:first]):
        shape = autoencoder.Shape(int(scaled.points.shape[1]), (*hidden, size), tuple(tied), (settings.activation,))
        training = autoencoder.Training(
            cast("dict[Phase, int]", settings.epochs), tuple(cast("list[Phase]", settings.order)), settings.batch,
            settings.rate, settings.l2, settings.seed,
        )  # fmt: skip
        model = autoencoder.Autoencoder(shape, settings.seed)
        autoencoder.train(model, scaled.training, training)
        yield _model_row(scaled, model, shape, training, model.error(scaled.held_out)), model


def _with_best(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows; the first one with the smallest held-out error is the best."""
    least = min(range(len(rows)), key=lambda place: rows[place]["held_out_error"])
    return [{**row, "best": place == least} for place, row in enumerate(rows)]


def search_autoencoders(
    features: Path, out: Path, points: Sequence[Settings], *, tuned: Path | None = None
) -> dict[str, str]:
    """Try autoencoders of many settings on every set: ``grid.csv``, ``grid.png`` and ``rejects.csv`` in ``out``.

    Principal components stand beside, and for each set and size the autoencoder with the smallest held-out error is
    marked. Nothing is reduced: ``run`` does that with the settings that were chosen.

    Args:
        features: folder of the stage features.
        out: folder to write.
        points: settings to try, every shape of each, one or more; the split in training and held-out part is that
            of the first, and ``method`` is not asked.
        tuned: folder of the stage finetune, where its sets are tried too.

    Returns:
        By feature set and size the best of all: how it was built, and its held-out error.

    Raises:
        InputError: there is no set.
        TooFewPointsError: one has too few points for the columns asked for.

    """
    grid: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    kept = 0
    for name, file in feature_sets.feature_set_files(features, tuned).items():
        loaded = feature_sets.load(file, "reduce")
        rejects += _of_set(name, loaded.rejects)
        kept += loaded.images
        scaled = _scaled(loaded, points[0])  # one split for all, or their errors could not be compared
        by_size: dict[int, list[Settings]] = defaultdict(list)
        asked = [_size(loaded, settings) for settings in points]
        had = {size: _pca_row(scaled, size) for size in dict.fromkeys(asked)}
        plain = {row["size"]: row for row in had.values()}  # of a small set several sizes asked for are one
        for settings, size in zip(points, asked, strict=True):
            by_size[had[size]["size"]].append(replace(settings, method="grid"))
        for size, chosen in by_size.items():
            tried = (row for settings in chosen for row, _ in _tried(scaled, size, settings))
            count = sum(len(settings.hidden) * len(settings.tied) for settings in chosen)
            shown = progress(tried, count, f"autoencoders of {name}, {size} columns", "model")
            grid += [plain[size], *_with_best(list(shown))]
    with staged_folder(out) as folder:
        tables.write(folder / "grid.csv", GRID, grid, sort=False)
        write_atomic(folder / "grid.png", reduce_figures.draw_grid(grid))
        write_rejects(folder, rejects, rows_in=kept + len(rejects), rows_out=kept)
    return {f"{row['features']} {row['size']}": _said(row) for row in grid if row["best"]}


def _said(row: dict[str, Any]) -> str:
    return (
        f"{row['hidden']} {row['size']}, {row['activation']}, phases {row['phases']}, epochs {row['epochs']}, batch "
        f"{row['batch']}, rate {row['rate']:g}, l2 {row['l2']:g}: {row['held_out_error']:.3g}"
    )


def _of_set(name: str, rejects: Sequence[Reject]) -> list[Reject]:
    return [Reject(f"{name}: {reject.path}", "reduce", reject.reason, reject.detail) for reject in rejects]


def _grid_row(scaled: _Scaled, method: str, size: int, error: float, held_out: float) -> dict[str, Any]:
    empty = dict.fromkeys(("hidden", "tied", "activation", "phases", "epochs", "batch", "rate", "l2", "parameters"))
    return {
        **empty, "features": scaled.name, "method": method, "inputs": scaled.points.shape[1], "size": size,
        "error": digits(error, 6), "held_out_error": digits(held_out, 6), "points": len(scaled.training),
        "held_out": len(scaled.held_out), "best": False,
    }  # fmt: skip


def _model_row(
    scaled: _Scaled, model: Autoencoder, shape: Shape, training: Training, held_out: float
) -> dict[str, Any]:
    row = _grid_row(scaled, "autoencoder", shape.hidden[-1], model.error(scaled.training), held_out)
    depth = len(shape.hidden)
    # As table 3.3 writes it: a T before the units of a layer whose pair is tied.
    units = [("T" if shape.tied[depth - 1 - i] else "") + str(count) for i, count in enumerate(shape.hidden)]
    return {
        **row, "hidden": " ".join(units[:-1]), "tied": " ".join(str(int(tied)) for tied in shape.tied),
        "activation": shape.activations[0], "phases": " ".join(training.order),
        "epochs": " ".join(str(training.epochs[phase]) for phase in training.order), "batch": training.batch,
        "rate": training.rate, "l2": training.l2, "parameters": model.info()["parameters"],
    }  # fmt: skip


def _saved(model: Autoencoder, scaled: _Scaled) -> bytes:
    """Weights with the mean and scale that points must be brought to first, tensors alone."""
    import torch

    state = {**model.state_dict(), "mean": torch.from_numpy(scaled.mean), "scale": torch.tensor(scaled.scale)}
    data = io.BytesIO()
    torch.save(state, data)
    return data.getvalue()


def _write_set(
    path: Path,
    source: Path,
    loaded: feature_sets.FeatureSet,
    values: Points,
    settings: Settings,
    about: dict[str, Any],
) -> None:
    """Every member of a group has the features of its representative from here on."""
    table = feature_table.read(source)
    of = {name: row for row, paths in enumerate(loaded.members) for name in paths}
    rows = [row for row, name in enumerate(table.path) if name in of]
    keys = {
        "path": [table.path[row] for row in rows],
        "md5": [table.md5[row] for row in rows],
        "group": [table.group[row] for row in rows],
    }
    chosen = values[[of[table.path[row]] for row in rows]].astype(np.float32)
    feature_table.write(path, keys, chosen, [f"r{number:04}" for number in range(values.shape[1])])
    known = {"features": loaded.name, "method": settings.method, "columns": values.shape[1], "standardise": False}
    write_atomic(path.with_suffix(".json"), (json.dumps(known | about, indent=2) + "\n").encode())


def _better(grid: list[dict[str, Any]]) -> dict[str, str]:
    found = {}
    for name in sorted({row["features"] for row in grid}):
        rows = [row for row in grid if row["features"] == name]
        best = min(rows, key=lambda row: (row["held_out_error"], row["method"]))
        found[name] = f"{best['method']} ({best['held_out_error']:.3g})"
    return found
