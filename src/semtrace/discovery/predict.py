"""predict: the category of every image with its probability, by what finetune learnt.

Images without a label are what this is for. Those with one have a row too, and ``seen`` says which of them training
saw, for their probability says little.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from semtrace.core.errors import InputError
from semtrace.core.statistics.linear_head import HeadPoints, LinearHead, softmax
from semtrace.discovery import feature_sets
from semtrace.discovery.looks import digits
from semtrace.discovery.tables import PREDICTIONS, SPLIT
from semtrace.discovery.training_results import PARTS
from semtrace.io import tables
from semtrace.io.files import sha256
from semtrace.io.staging import staged_folder
from semtrace.stage.declaration import Job
from semtrace.stage.rejects import Reject, write_rejects


@dataclass(frozen=True)
class Summary:
    """What was said: images, those without a label, and how many of these have a probability of 0.9 or more."""

    images: int
    unlabelled: int
    sure: int
    note: str
    rejects: dict[str, int]


def stage(job: Job) -> Summary:
    """Run on what ``features`` and ``finetune`` wrote."""
    return run(job.result("features"), job.result("finetune"), job.result("predict"))


def run(features: Path, tuned: Path, out: Path) -> Summary:
    """Write ``predictions.csv`` and ``rejects.csv`` to ``out``.

    Where nothing was learnt the table is empty, and the note says so.

    Raises:
        InputError: ``finetune`` has not run, or its weights are not those that its metrics name.

    """
    if not tuned.is_dir():
        raise InputError(f"{tuned}: no such folder; run `semtrace finetune` first")
    found = sorted(tuned.glob("*/metrics.json"))
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    note = "" if found else "finetune learnt nothing: no category to say"
    for file in found:
        about = json.loads(file.read_text(encoding="utf-8"))
        own = tuned / f"{file.parent.name.removesuffix('_full')}_ft.parquet"
        table = own if about["method"] == "full" else feature_sets.file_of(features, about["features"])
        loaded = feature_sets.load(table, "predict")
        rejects = loaded.rejects
        probabilities = _probabilities(file.parent, about, loaded.points)
        rows += _rows(file.parent, features, about["categories"], loaded, probabilities)
    with staged_folder(out) as folder:
        tables.write(folder / "predictions.csv", PREDICTIONS, rows)
        counts = write_rejects(folder, rejects, rows_in=len(rows) + len(rejects), rows_out=len(rows))
    open_ = [row for row in rows if not row["category"]]
    return Summary(len(rows), len(open_), sum(row["probability"] >= 0.9 for row in open_), note, counts)


def _probabilities(folder: Path, about: dict[str, Any], points: HeadPoints) -> HeadPoints:
    weights = folder / about["weights"]
    if about["method"] == "head":
        return load_head(weights, about["weights_sha256"]).probabilities(points)
    from semtrace.models.finetuned import load_network

    last = load_network(weights, about["weights_sha256"]).last
    scores = points @ last.weight.detach().numpy().astype(np.float64).T + last.bias.detach().numpy().astype(np.float64)
    return softmax(scores)


def load_head(file: Path, digest: str) -> LinearHead:
    """A head that ``finetune`` saved.

    Raises:
        InputError: no such file, another sha256, or not the arrays of a head.

    """
    if not file.is_file():
        raise InputError(f"{file}: no such file; run `semtrace finetune` again")
    if (found := sha256(file)) != digest:
        raise InputError(f"{file}: its sha256 is {found}, not {digest} as metrics.json says; run `semtrace finetune`")
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
            shift, scale, weights, bias = (arrays[name] for name in ("shift", "scale", "weights", "bias"))
            return LinearHead(tuple(str(name) for name in arrays["names"]), shift, scale, weights, bias)
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{file}: not a head that `semtrace finetune` saved ({error})") from error


def _rows(
    folder: Path, features: Path, names: list[str], loaded: feature_sets.FeatureSet, probabilities: HeadPoints
) -> Iterator[dict[str, Any]]:
    known = {path: str(row["category"]) for path, row in feature_sets.read_images(features).items()}
    split = [row for row in tables.read(folder / "split.csv", SPLIT) if row["part"] != PARTS[0]]
    seen = {row[key] for row in split for key in ("path", "md5")}
    order = np.argsort(-probabilities, axis=1, kind="stable")
    for row, paths in enumerate(loaded.members):
        first, second = (int(place) for place in order[row, :2])
        for path in paths:
            yield {
                "path": path, "md5": loaded.contents[path], "category": known.get(path, ""), "predicted": names[first],
                "probability": digits(probabilities[row, first], 6), "second": names[second],
                "second_probability": digits(probabilities[row, second], 6),
                "seen": paths[0] in seen or loaded.contents[path] in seen,
            }  # fmt: skip
