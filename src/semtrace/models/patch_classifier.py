"""A linear classifier of patches: texture alone first, texture and network where that is in doubt.

It is plain arrays in an ``.npz`` file, with what is to be known of them in JSON beside it; nothing is pickled. The
packaged one is trained on generated pictures alone, by ``semtrace curate weights``.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.patch_texture import TEXTURE_NAMES
from semtrace.core.statistics.logistic import LinearModel
from semtrace.io.files import read_regular, write_atomic
from semtrace.models.weights import WeightsError

PACKAGED = Path(__file__).with_name("packaged")
WEIGHTS_NAME, MODEL_NAME = "weights.npz", "model.json"
NETWORK_SIZE = 1280
_PARTS = ("mean", "deviation", "weights")


@dataclass(frozen=True, eq=False)
class PatchClassifier:
    """What tells informative patches from empty ones.

    Attributes:
        texture: model of the measures ``core.image.patch_texture``.
        both: model of these and the features of EfficientNet-Lite0; None: texture decides alone.
        reference: scores that informative patches had when they were not in training, sorted, shape (k,).
    """

    texture: LinearModel
    both: LinearModel | None
    reference: NDArray[np.float64]


def cascade(
    classifier: PatchClassifier, band: tuple[float, float], texture: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores of texture alone, shape (n,), and which of them the network must look at too.

    Args:
        classifier: the models.
        band: scores between these are in doubt.
        texture: measures, shape (n, 23).
    """
    scores = classifier.texture.probability(texture)
    doubt = (scores > band[0]) & (scores < band[1]) if classifier.both is not None else np.zeros(len(scores), np.bool_)
    return scores, doubt


def write_classifier(folder: Path, classifier: PatchClassifier, facts: Mapping[str, Any]) -> str:
    """Write ``weights.npz`` and ``model.json`` into a folder; return the sha256 of the weights.

    Equal classifiers give equal bytes under one version of Python. ``facts`` say how it was made.
    """
    arrays: dict[str, NDArray[Any]] = {"reference": classifier.reference}
    for name, model in (("texture", classifier.texture), ("both", classifier.both)):
        if model is not None:
            arrays |= {f"{name}_{part}": getattr(model, part) for part in _PARTS}
            arrays[f"{name}_bias"] = np.array([model.bias])
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **{name: value.astype(np.float64) for name, value in arrays.items()})
    digest = hashlib.sha256(stream.getvalue()).hexdigest()
    write_atomic(folder / WEIGHTS_NAME, stream.getvalue())
    known = {"kind": "linear", "columns": list(TEXTURE_NAMES), "network": classifier.both is not None}
    told = {**known, **facts, "sha256": digest}  # facts of other weights name another digest
    write_atomic(folder / MODEL_NAME, (json.dumps(told, indent=2) + "\n").encode())
    return digest


def read_classifier(folder: Path) -> PatchClassifier:
    """Read the classifier of a folder.

    Raises:
        WeightsError: a file is missing or damaged, the sha256 differs, or shapes do not fit.
    """
    model = read_model_facts(folder)
    file = folder / WEIGHTS_NAME
    try:
        data = read_regular(file)
    except OSError as error:
        raise WeightsError(f"{file}: {error.strerror}; run `semtrace curate train`") from error
    if (found := hashlib.sha256(data).hexdigest()) != model["sha256"]:
        raise WeightsError(f"{file}: its sha256 is {found}, model.json says {model['sha256']}; train it again")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            parts = {name: np.asarray(arrays[name], np.float64) for name in arrays.files}
        texture = _model(parts, "texture", len(TEXTURE_NAMES))
        both = _model(parts, "both", len(TEXTURE_NAMES) + NETWORK_SIZE) if "both_bias" in parts else None
        return PatchClassifier(texture, both, parts["reference"])
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{file}: not the weights of a patch classifier ({error}); train it again") from error


def read_model_facts(folder: Path) -> dict[str, Any]:
    """What ``model.json`` of a folder says.

    Raises:
        WeightsError: it is missing, or is no JSON with a sha256.
    """
    file = folder / MODEL_NAME
    try:
        model = json.loads(read_regular(file))
        if not isinstance(model["sha256"], str):
            raise TypeError("sha256")
    except OSError as error:
        raise WeightsError(f"{file}: {error.strerror}; run `semtrace curate train`") from error
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{file}: not the description of a model ({error}); train it again") from error
    return dict(model)


def _model(parts: Mapping[str, NDArray[np.float64]], name: str, size: int) -> LinearModel:
    mean, deviation, weights = (parts[f"{name}_{part}"] for part in _PARTS)
    if not mean.shape == deviation.shape == weights.shape == (size,) or parts[f"{name}_bias"].shape != (1,):
        raise ValueError(f"{name}: {size} columns are expected, found {mean.shape}")
    return LinearModel(mean, deviation, weights, float(parts[f"{name}_bias"][0]))
