"""Encoders of the package timm (Inception V3, DINOv2, the MicroNet encoders) with weights from a file.

Nothing is fetched: the file is one that a person has, with the sha256 that it must have.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from semtrace.models.weights import WeightsError, load


@dataclass(frozen=True, eq=False)
class TimmNetwork:
    """A network of timm, ready to be asked.

    Attributes:
        model: the network.
        side: pixels of its square input.
        features: number of its pooled features.
        classes: number of its scores; 0 where it has none, as DINOv2.
        mean, deviation: of each channel, in the unit of grey values over 255.

    """

    model: Any
    side: int
    features: int
    classes: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @torch.inference_mode()
    def look(self, gray: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """Pooled features, shape (features,), and, where there are classes, scores, shape (classes,).

        Args:
            gray: the picture, shape (side, side).

        """
        x = torch.from_numpy(gray).float()[None, None].expand(-1, 3, -1, -1) / 255
        mean, deviation = (torch.tensor(part)[:, None, None] for part in (self.mean, self.deviation))
        pooled = self.model.forward_head(self.model.forward_features((x - mean) / deviation), pre_logits=True)
        layers = (pooled, self.model.get_classifier()(pooled)) if self.classes else (pooled,)
        return tuple(layer[0].numpy() for layer in layers)


def load_timm(name: str, file: Path, digest: str) -> TimmNetwork:
    """A network by timm's name for it, with the weights of ``file``.

    Raises:
        WeightsError: timm is not installed or does not know the name; the weights are missing, others, or do not fit.

    """
    try:
        timm = import_module("timm")
    except ModuleNotFoundError as error:
        raise WeightsError(f"{name}: the package timm is not installed; pip install timm") from error
    # The published weights of Inception V3 have a second classifier, which timm builds for training alone.
    state = {key: value for key, value in load(file, digest).items() if not key.startswith("AuxLogits.")}
    try:
        model = timm.create_model(name, pretrained=False)
        model.load_state_dict(state)
    except (RuntimeError, ValueError) as error:
        raise WeightsError(f"{file}: not the weights of timm's {name} ({str(error).splitlines()[0]})") from error
    config = model.pretrained_cfg
    return TimmNetwork(
        model.eval().requires_grad_(False), int(config["input_size"][-1]), int(model.num_features),
        int(model.num_classes), tuple(config["mean"]), tuple(config["std"]),
    )  # fmt: skip
