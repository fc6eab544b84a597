"""SSIM of many pairs out of one stack of images, on any torch device: the answers of ``core/image/ssim.py``.

The stack stays on its device as uint8, so an image that is in many pairs is uploaded once. A CUDA device with
Triton runs the fused kernel of ``core/gpu/ssim_triton.py``; everything else is plain torch,
which is also what that kernel is checked against.
"""

from __future__ import annotations

import torch
from torch import Tensor

_C1, _C2 = 6.5025, 58.5225  # (0.01 * 255)² and (0.03 * 255)²
_BYTES = 100  # per pixel and pair at the peak of one batch: 97 measured
_SIDE = 7


def ssim_pairs(images: Tensor, pairs: Tensor, *, mask: Tensor | None = None, memory_mb: int = 512) -> Tensor:
    """Mean SSIM of each pair, as ``ssim.ssim`` gives it, within 1e-11.

    Memory beyond ``images`` is about 100 H W bytes for each pair of a batch; as many pairs are batched as fit into
    ``memory_mb``, at least one. The fused kernel needs 8 bytes for each 64 x 128 windows.

    Args:
        images: uint8 (n, H, W), contiguous.
        pairs: int64 (p, 2), indices into ``images``, on the same device.
        mask: which windows count, bool (H, W), for all pairs; see ``ssim.ssim``. None: all.
        memory_mb: bound for what a batch needs, in 10^6 bytes.

    Returns:
        float64 (p,), on the device of ``images``.

    Raises:
        ValueError: other types or shapes, an index out of range, smaller than the window, or no window counts.
    """
    centres, count = _checked(images, pairs, mask)
    if images.is_cuda and mask is None:
        try:
            from semtrace.core.gpu.ssim_triton import ssim_pairs_fused

            return ssim_pairs_fused(images, pairs)
        except ImportError:  # torch without Triton: Windows, or an own build
            pass
        except RuntimeError as error:
            if "C compiler" not in str(error):  # Triton needs one; slim containers have none
                raise
    height, width = images.shape[1:]
    batch = max(1, memory_mb * 1_000_000 // (_BYTES * height * width))
    out = torch.empty(len(pairs), dtype=torch.float64, device=images.device)
    for start in range(0, len(pairs), batch):
        some = pairs[start : start + batch]
        ratios = _uniform(images[some[:, 0]], images[some[:, 1]])
        if centres is not None:
            ratios *= centres
        out[start : start + batch] = ratios.sum((1, 2)) / count
    return out


def _checked(images: Tensor, pairs: Tensor, mask: Tensor | None) -> tuple[Tensor | None, int]:
    """Check all; give the mask cut to the centres of whole windows, and how many windows count."""
    if images.dtype != torch.uint8 or images.ndim != 3 or not images.is_contiguous():
        raise ValueError(f"images must be uint8 (n, H, W), contiguous: got {images.dtype} {tuple(images.shape)}")
    if pairs.dtype != torch.int64 or pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"pairs must be int64 (p, 2): got {pairs.dtype} {tuple(pairs.shape)}")
    if len(pairs) and not 0 <= int(pairs.min()) <= int(pairs.max()) < len(images):
        raise ValueError(f"pairs name images from {int(pairs.min())} to {int(pairs.max())} of {len(images)}")
    height, width = images.shape[1:]
    if min(height, width) < _SIDE:
        raise ValueError(f"SSIM needs at least {_SIDE} x {_SIDE} pixels, got {(height, width)}")
    if mask is None:
        return None, (height - _SIDE + 1) * (width - _SIDE + 1)
    if mask.dtype != torch.bool or mask.shape != images.shape[1:]:
        raise ValueError(f"the mask must be bool {(height, width)}: got {mask.dtype} {tuple(mask.shape)}")
    radius = _SIDE // 2
    centres = mask[radius : height - radius, radius : width - radius]
    count = int(centres.sum())
    if count == 0:
        raise ValueError("the mask leaves no window: none of its pixels is the centre of a whole window")
    return centres, count


def _uniform(x: Tensor, y: Tensor) -> Tensor:
    """The map, float64 (b, H - 6, W - 6), from exact integer sums."""
    area = _SIDE * _SIDE
    weights = [1] * _SIDE
    u, v = x.int(), y.int()
    sx, sy, squares, products = (_slide(t, weights) for t in (u, v, u * u + v * v, u * v))
    mean, power = 2 * sx * sy, sx * sx + sy * sy  # every integer here is below 2^29
    covariance, variance = 2 * area * products - mean, area * squares - power
    c1, c2 = _C1 * area * area, _C2 * area * (area - 1)
    above = (mean.double() + c1) * (covariance.double() + c2)
    return above / ((power.double() + c1) * (variance.double() + c2))


def _slide(images: Tensor, weights: list[int]) -> Tensor:
    """Weighted sums over all whole windows, downwards, then across, of images (b, H, W)."""
    for axis in (1, 2):
        size = images.shape[axis] - len(weights) + 1
        total = images.narrow(axis, 0, size) * weights[0]
        for start, weight in enumerate(weights[1:], 1):
            total.add_(images.narrow(axis, start, size), alpha=weight)
        images = total
    return images
