"""How a feature set became few columns, kept so that new images come to the same place."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.errors import InputError
from semtrace.core.grouping.neighbours import Points
from semtrace.io.files import sha256


@dataclass(frozen=True, eq=False)
class Reduction:
    """From D columns to K: (row - shift) / scale, then less ``offset`` along ``directions``, or an autoencoder's code.

    Attributes:
        shift, scale: shape (D,), of the feature set.
        offset: shape (D,).
        directions: shape (K, D); of an autoencoder or where all columns stay shape (0, D).
        network: an autoencoder and the overall scale of its points; None elsewhere.

    """

    shift: Points
    scale: Points
    offset: Points
    directions: Points
    network: Any = None
    network_scale: float = 1.0

    def apply(self, values: NDArray[np.float32]) -> Points:
        """Reduced rows, shape (N, K), of rows of the feature table, shape (N, D)."""
        points = (values.astype(np.float64) - self.shift) / self.scale - self.offset
        if self.network is not None:
            return np.asarray(self.network.code(points / self.network_scale))
        return np.asarray(points @ self.directions.T) if len(self.directions) else points

    def saved(self) -> bytes:
        """The arrays, without the autoencoder, as NumPy's compressed arrays."""
        data = io.BytesIO()
        np.savez(data, shift=self.shift, scale=self.scale, offset=self.offset, directions=self.directions)
        return data.getvalue()


def read_reduction(folder: Path, name: str) -> tuple[Reduction, dict[str, Any]]:
    """The reduction of a set that ``reduce`` wrote, and what its JSON file says.

    Raises:
        InputError: the set has none, or a file is not that which the JSON file names.

    """
    beside = folder / f"{name}.json"
    about = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    if "reduction_sha256" not in about:
        raise InputError(f"{beside}: does not say how the set was reduced; run `semtrace reduce` again")
    file = _checked(folder / f"{name}.npz", about["reduction_sha256"])
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
            parts = [arrays[key] for key in ("shift", "scale", "offset", "directions")]
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{file}: not what `semtrace reduce` wrote ({error})") from error
    if about["method"] not in ("autoencoder", "grid"):
        return Reduction(*parts), about
    from semtrace.core.statistics import autoencoder
    from semtrace.models import weights

    state = weights.load(folder / f"{name}.pth", about["weights_sha256"])
    mean, scale = state.pop("mean").numpy(), float(state.pop("scale"))
    shape = autoencoder.Shape(len(mean), tuple(about["hidden"]), tuple(about["tied"]), tuple(about["activations"]))
    shift, divide, _, none = parts
    return Reduction(shift, divide, mean, none, autoencoder.load_weights(shape, state), scale), about


def _checked(file: Path, digest: str) -> Path:
    if not file.is_file() or sha256(file) != digest:
        raise InputError(f"{file}: missing, or not the file that its JSON names; run `semtrace reduce` again")
    return file
