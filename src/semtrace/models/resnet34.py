"""ResNet34 with one output, in plain torch, under the names of parameters that torchvision gave it.

He et al., Deep residual learning for image recognition, 2016. The 218 entries of its state dict are those of published
weights, the classifier of CEM500K among them, so that these load strictly.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from semtrace.models.weights import WeightsError

_LAYERS = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # channels, blocks, stride
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet


class BasicBlock(nn.Module):
    """Two convolutions and what goes around them."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        if stride != 1 or channels_in != channels:
            beside = nn.Conv2d(channels_in, channels, 1, stride, bias=False)
            self.downsample: nn.Module = nn.Sequential(beside, nn.BatchNorm2d(channels))
        else:
            self.downsample = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return functional.relu(y + self.downsample(x))


class ResNet34(nn.Module):
    """The network; ``forward`` gives a logit of each picture, shape (B, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        before = 64
        for number, (channels, blocks, stride) in enumerate(_LAYERS, 1):
            parts = [
                BasicBlock(before if i == 0 else channels, channels, stride if i == 0 else 1) for i in range(blocks)
            ]
            setattr(self, f"layer{number}", nn.Sequential(*parts))
            before = channels
        self.fc = nn.Linear(512, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of pictures, shape (B, 3, H, W), as ``resnet_inputs`` makes them."""
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for number in range(1, len(_LAYERS) + 1):
            x = getattr(self, f"layer{number}")(x)
        return torch.as_tensor(self.fc(x.mean(dim=(2, 3))))


def resnet34(state: Mapping[str, Tensor] | None = None) -> ResNet34:
    """The network, with given weights or new ones.

    Raises:
        WeightsError: a name is missing or unknown, or a shape is another.
    """
    if state is None:
        return ResNet34()
    with torch.device("meta"):  # nothing is drawn that would be overwritten
        model = ResNet34()
    try:
        model.load_state_dict({name: value.clone() for name, value in state.items()}, strict=True, assign=True)
    except RuntimeError as error:
        raise WeightsError(
            f"not the weights of ResNet34 with one output: {str(error).splitlines()[1].strip()}"
        ) from error
    return model


def resnet_inputs(patches: NDArray[np.uint8] | Tensor, device: str = "cpu") -> Tensor:
    """Grey patches, shape (B, H, W), 0 to 255, as published: three equal channels, mean and deviation of ImageNet."""
    grey = torch.from_numpy(patches) if isinstance(patches, np.ndarray) else patches
    x = grey.to(device).float()[:, None].expand(-1, 3, -1, -1) / 255.0
    mean, deviation = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (_MEAN, _DEVIATION))
    return torch.as_tensor((x - mean) / deviation)
