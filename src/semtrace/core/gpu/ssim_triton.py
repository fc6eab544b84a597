"""SSIM of many pairs as one fused CUDA kernel: uint8 pixels in, one number for each pair out, no map in memory.

Each program walks down a strip of 128 columns and keeps the sums over the last seven rows; the rows that leave a
window are read again, from the cache. All window sums are exact integers (int32); the ratio of a window and the mean
are double precision, so the answer is the CPU's to the last decimals. Source: the formula of ``core/image/ssim.py``.

Without a GPU the kernel runs in Triton's interpreter, where TRITON_INTERPRET=1 is set before this is imported.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

_SIDE = 7
_ROWS, _COLUMNS = 64, 128  # windows of one program
_AREA = tl.constexpr(_SIDE * _SIDE)
_C1 = tl.constexpr(6.5025 * _SIDE**4)
_C2 = tl.constexpr(58.5225 * _SIDE**2 * (_SIDE**2 - 1))
_TAPS = tl.constexpr(_SIDE)


def ssim_pairs_fused(images: Tensor, pairs: Tensor) -> Tensor:
    """Mean SSIM of each pair with the uniform 7 x 7 window, within 1e-11 of ``ssim.ssim``.

    Args:
        images: uint8 (n, H, W), contiguous, H and W at least 7; ``torch_ssim.ssim_pairs`` checks them.
        pairs: int64 (p, 2), indices into ``images``, on the same device.

    Returns:
        float64 (p,), on the device of ``images``; the same in every run, for nothing is added atomically.
    """
    height, width = images.shape[1:]
    rows, columns = height - _SIDE + 1, width - _SIDE + 1
    strips = -(-rows // _ROWS), -(-columns // _COLUMNS)
    sums = torch.zeros((len(pairs), *strips), dtype=torch.float64, device=images.device)
    if len(pairs):
        _sum_ratios[(len(pairs), *strips)](images, pairs.contiguous(), sums, height, width, _ROWS, _COLUMNS)
    return sums.sum((1, 2)) / (rows * columns)


@triton.jit
def _row(x, y, columns, inside):  # type: ignore[no-untyped-def]
    """Sums of x, y, x² + y², xy over seven neighbours in one row, int32."""
    sx = tl.zeros_like(columns)
    sy = tl.zeros_like(columns)
    squares = tl.zeros_like(columns)
    products = tl.zeros_like(columns)
    for tap in tl.static_range(_TAPS):
        a = tl.load(x + columns + tap, mask=inside, other=0).to(tl.int32)
        b = tl.load(y + columns + tap, mask=inside, other=0).to(tl.int32)
        sx += a
        sy += b
        squares += a * a + b * b
        products += a * b
    return sx, sy, squares, products


@triton.jit
def _sum_ratios(images, pairs, out, height, width, rows: tl.constexpr, block: tl.constexpr):  # type: ignore[no-untyped-def]
    pair = tl.program_id(0)
    top = tl.program_id(1) * rows
    columns = tl.program_id(2) * block + tl.arange(0, block)
    inside = columns < width - 6
    pixels = height.to(tl.int64) * width
    x = images + tl.load(pairs + 2 * pair) * pixels + top * width
    y = images + tl.load(pairs + 2 * pair + 1) * pixels + top * width
    sx = tl.zeros([block], tl.int32)
    sy = tl.zeros([block], tl.int32)
    squares = tl.zeros([block], tl.int32)
    products = tl.zeros([block], tl.int32)
    for i in range(_TAPS - 1):
        a, b, c, d = _row(x + i * width, y + i * width, columns, inside)
        sx += a
        sy += b
        squares += c
        products += d
    total = tl.zeros([block], tl.float64)
    for i in range(tl.minimum(rows, height - 6 - top)):
        a, b, c, d = _row(x + (i + 6) * width, y + (i + 6) * width, columns, inside)
        sx += a
        sy += b
        squares += c
        products += d
        mean = 2 * sx * sy  # every integer here is below 2^29
        power = sx * sx + sy * sy
        covariance = 2 * _AREA * products - mean
        variance = _AREA * squares - power
        above = (mean.to(tl.float64) + _C1) * (covariance.to(tl.float64) + _C2)
        below = (power.to(tl.float64) + _C1) * (variance.to(tl.float64) + _C2)
        total += tl.where(inside, above / below, 0.0)
        a, b, c, d = _row(x + i * width, y + i * width, columns, inside)
        sx -= a
        sy -= b
        squares -= c
        products -= d
    place = (pair.to(tl.int64) * tl.num_programs(1) + tl.program_id(1)) * tl.num_programs(2) + tl.program_id(2)
    tl.store(out + place, tl.sum(total))
