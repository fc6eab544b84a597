"""Encoders of pictures: two that need no network, and those whose weights a person names by file and sha256."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.errors import InputError

if TYPE_CHECKING:
    from semtrace.models.finetuned import TrainedNetwork
    from semtrace.models.timm_network import TimmNetwork

OFFLINE = ("lite0", "texture")
"""Encoders that every installation has."""
BAR_CUT = "bar cut off, "
"""Begin of what is said of the preprocessing where the data bar goes."""
_INSTEAD = f"without it: features.encoders=[{', '.join(OFFLINE)}], which need no network"
WeightFiles = Mapping[str, Mapping[str, str]]
"""By name of an encoder its ``file`` and ``sha256``."""
Vectors = tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class FeatureEncoder:
    """One way to see a picture.

    Attributes:
        side: pixels of the square picture it is given.
        layers: of each feature set the end of its name, and its number of columns.
        encode: from the picture, shape (side, side), to one vector a layer.
        standardise: whether columns have units of their own, so that they are scaled before distances are taken.
        preprocessing: in words.
        module: that does it.
        weights_sha256: of its weights file; None where that lies in a package, or there is none.
        packages: whose versions its features depend on.

    """

    side: int
    layers: dict[str, int]
    encode: Callable[[NDArray[np.uint8]], Vectors]
    standardise: bool
    preprocessing: str
    module: str
    weights_sha256: str | None
    packages: tuple[str, ...] = ("torch", "Pillow", "numpy")


def check_encoders(names: Sequence[str], weights: WeightFiles) -> None:
    """Make sure that every encoder is known, and that those of a file have one.

    Raises:
        ValueError: one is not; the message names the choice that needs no network.

    """
    for name in names:
        if name in OFFLINE:
            continue
        if name not in ("inception_v3", "finetuned") and not name.startswith("timm:"):
            known = ", ".join((*OFFLINE, "inception_v3", "timm:NAME", "finetuned"))
            raise ValueError(f"features.encoders has {name!r}; known are {known}")
        if set(weights.get(name, {})) != {"file", "sha256"}:
            raise ValueError(
                f"features.encoders has {name!r}, whose weights lie in no package: name their file and sha256 in "
                f"features.weights; {_INSTEAD}"
            )


def ready_encoder(name: str, weights: WeightFiles) -> FeatureEncoder:
    """An encoder whose weights have been loaded once, so that what is missing is said before any work.

    Raises:
        InputError: weights or a package are missing, or the weights are others.

    """
    try:
        encoder = encoder_of(name, weights)
        if name != "texture":
            encoder.encode(np.zeros((encoder.side, encoder.side), np.uint8))
    except InputError as error:
        instead = "without it: features.encoders=[texture]" if name == "lite0" else _INSTEAD
        raise InputError(f"{error}; {instead}") from error
    return encoder


def encoder_of(name: str, weights: WeightFiles) -> FeatureEncoder:
    """The encoder of a name; its network is loaded when it is first asked."""
    if name == "lite0":
        return _LITE0
    if name == "texture":
        return _TEXTURE
    return _from_file(name, weights[name]["file"], weights[name]["sha256"])


@functools.cache
def _from_file(name: str, file: str, digest: str) -> FeatureEncoder:
    if name == "finetuned":
        about = Path(file).with_name("metrics.json")
        if not about.is_file():
            raise InputError(f"{about}: no such file; features.weights names the weights.pth that `finetune` wrote")
        count = len(json.loads(about.read_text(encoding="utf-8"))["categories"])
        return FeatureEncoder(
            224, {"lite0_1280_ft": 1280, f"lite0_{count}_ft": count}, functools.partial(_finetuned, file, digest),
            False, _LITE0.preprocessing, "semtrace.models.finetuned", digest,
        )  # fmt: skip
    network = _timm(name, file, digest)
    short = name.removeprefix("timm:").replace("/", "-")
    sizes = {f"{short}_{size}_in": size for size in (network.features, network.classes) if size}
    return FeatureEncoder(
        network.side, sizes, functools.partial(_by_timm, name, file, digest), False,
        f"{BAR_CUT}bicubic to {network.side} x {network.side} pixels, grey in three channels, less the mean and "
        "over the deviation that timm names", "semtrace.models.timm_network", digest, ("timm", "torch", "Pillow"),
    )  # fmt: skip


@functools.cache
def _network() -> Any:
    from semtrace.models import lite0

    return lite0.network()


@functools.cache
def _trained(file: str, digest: str) -> TrainedNetwork:
    from semtrace.models import finetuned

    return finetuned.load_network(Path(file), digest)


@functools.cache
def _timm(name: str, file: str, digest: str) -> TimmNetwork:
    from semtrace.models import timm_network

    return timm_network.load_timm(name.removeprefix("timm:"), Path(file), digest)


def _lite0(gray: NDArray[np.uint8]) -> Vectors:
    from semtrace.models import lite0

    features, logits = lite0.lite0_features(_network(), gray[None])
    return features[0], logits[0]


def _texture(gray: NDArray[np.uint8]) -> Vectors:
    from semtrace.models import texture

    return (texture.texture_features(gray),)


def _finetuned(file: str, digest: str, gray: NDArray[np.uint8]) -> Vectors:
    features, logits = _trained(file, digest).look(gray[None])
    return features[0], logits[0]


def _by_timm(name: str, file: str, digest: str, gray: NDArray[np.uint8]) -> Vectors:
    return _timm(name, file, digest).look(gray)


_LITE0 = FeatureEncoder(
    224, {"lite0_1280_in": 1280, "lite0_1000_in": 1000}, _lite0, False,
    f"{BAR_CUT}bicubic to 224 x 224 pixels, grey in three channels, (x - 127) / 128", "semtrace.models.lite0",
    None,
)  # fmt: skip
_TEXTURE = FeatureEncoder(
    256, {"texture": 120}, _texture, True, f"{BAR_CUT}bicubic to 256 x 256 pixels, grey", "semtrace.models.texture",
    None, ("scikit-image", "Pillow", "numpy"),
)  # fmt: skip
