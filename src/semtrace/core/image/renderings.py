"""How other programs make 8-bit pictures of deep samples: the high byte, v / 257, minimum to maximum."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rendering = Callable[[NDArray[Any]], NDArray[np.uint8]]
"""From samples of any shape to 8-bit values of the same shape."""

_WEIGHTS = np.array([0.299, 0.587, 0.114])  # of red, green and blue in the brightness (ITU-R 601)
_DETECTORS = (12, 10, 14)  # bits that they deliver
_MEAN_STEP = 0.1  # grey levels; renderings whose means lie nearer than this are told apart by encoding only
_NOISE_SEED = 20


def renderings(samples: NDArray[Any], bits: int, cuts: Sequence[int]) -> list[Rendering]:
    """What other programs may have made of deep samples, the most usual first.

    - Unsigned integers: the high byte (numpy, libvips), rounded (OpenCV) or not; the part of the largest value
      (ImageMagick: ``v / 257``), rounded or not.
      For the depth of the file, the depth that is used, and usual depths of detectors.
    - Any number: minimum to maximum, of all rows and of those above each cut: rounded half up, half to even (OpenCV),
      or cut to integers (numpy); in 256 equal steps (ImageJ).

    Args:
        samples: shape (H, W) or (H, W, 3), an integer or real floating dtype, finite.
        bits: depth of the file's samples; unsigned integers stay below ``2**bits``.
        cuts: rows above which a range may have been taken, beside the whole height.
    """
    found: list[Rendering] = []
    if samples.dtype.kind == "u":
        used = int(samples.max()).bit_length()
        for depth in dict.fromkeys((bits, used, *_DETECTORS)):
            if depth > 8 and used <= depth <= bits:
                found += _of_depth(depth)
    elif samples.dtype.kind == "f" and samples.min() >= 0 and samples.max() <= 1:
        found += _of_range(0.0, 1.0, whole=False)
    ranges = [samples] + [samples[:cut] for cut in cuts if 0 < cut < len(samples)]
    for low, high in dict.fromkeys((float(part.min()), float(part.max())) for part in ranges):
        if high > low:
            found += _of_range(low, high, whole=samples.dtype.kind in "ui")
    return found


def likely(
    samples: NDArray[Any], bits: int, cuts: Sequence[int], rows: int, mean: float, slack: float
) -> Iterator[Rendering]:
    """The renderings whose brightness has nearly a given mean, the nearest first; each gives another picture.

    Args:
        samples: see ``renderings``.
        bits: see there.
        cuts: see there.
        rows: of the samples, so many from the top were published.
        mean: of the published brightness, 0 to 255.
        slack: how far the mean may be off, in grey levels.
    """
    shown = samples[:rows]
    table = samples.dtype == np.uint16
    channels = shown.reshape(-1, 1) if shown.ndim == 2 else shown.reshape(-1, 3)
    weights = _WEIGHTS if shown.ndim == 3 else np.ones(1)
    counts = np.stack([np.bincount(channel, minlength=65536) for channel in channels.T]) if table else None
    values = np.arange(65536, dtype=np.uint16) if table else channels
    used = counts.any(axis=0) if counts is not None else slice(None)
    ranked: list[tuple[int, int, Rendering]] = []
    seen: set[bytes] = set()
    for order, rendering in enumerate(renderings(samples, bits, cuts)):
        levels = rendering(values)
        key = levels[used].tobytes()
        means = counts @ levels / len(channels) if counts is not None else levels.mean(axis=0)
        off = abs(float(weights @ means) - mean)
        if off <= slack and key not in seen:
            seen.add(key)
            ranked.append((int(off / _MEAN_STEP), order, _looked_up(levels) if table else rendering))
    for *_, rendering in sorted(ranked, key=lambda entry: entry[:2]):
        yield rendering


def exposed_again(samples: NDArray[Any]) -> NDArray[Any]:
    """The samples with fresh noise, as strong as their own, as another exposure of the same place would have it.

    The noise is estimated from the second differences along the rows, by the median of those that are not 0. Samples at
    either end of the range keep their value, as saturated ones do. The noise is the same in each call.
    """
    values = samples.astype(np.float64)
    low, high = values.min(), values.max()
    bends = np.abs(2 * values[:, 1:-1] - values[:, :-2] - values[:, 2:])
    bends = bends[bends > 0]
    sigma = float(np.median(bends)) / (0.6745 * np.sqrt(6)) if bends.size else 0.0
    noise = np.random.default_rng(_NOISE_SEED).normal(0, 1, values.shape) * sigma
    fresh = np.clip(values + np.where((values > low) & (values < high), noise, 0), low, high)
    return (np.rint(fresh) if samples.dtype.kind in "ui" else fresh).astype(samples.dtype)


def _of_depth(bits: int) -> list[Rendering]:
    most = float((1 << bits) - 1)
    return [
        lambda v: (v >> (bits - 8)).clip(0, 255).astype(np.uint8),
        lambda v: np.floor(v * (255.0 / most) + 0.5).clip(0, 255).astype(np.uint8),
        lambda v: (v.astype(np.uint64) * 255 // int(most)).clip(0, 255).astype(np.uint8),
        lambda v: np.rint(v / float(1 << (bits - 8))).clip(0, 255).astype(np.uint8),
        lambda v: np.floor(v / float(1 << (bits - 8)) + 0.5).clip(0, 255).astype(np.uint8),
    ]


def _of_range(low: float, high: float, *, whole: bool) -> list[Rendering]:
    span = high - low

    def part(v: NDArray[Any]) -> NDArray[np.float64]:
        return (v.astype(np.float64) - low).clip(0, span)

    def single(v: NDArray[Any]) -> NDArray[np.float32]:
        scale = np.float32(255 / span)
        return v.astype(np.float32) * scale - np.float32(low * (255 / span))

    found: list[Rendering] = [
        lambda v: np.floor(part(v) * (255 / span) + 0.5).astype(np.uint8),
        lambda v: np.floor(part(v) / span * 255).astype(np.uint8),
        lambda v: np.rint(single(v)).clip(0, 255).astype(np.uint8),
        lambda v: np.rint(part(v) / span * 255).astype(np.uint8),
        lambda v: np.floor(part(v) * 255 / span).astype(np.uint8),
        lambda v: np.floor(part(v) * (255 / span)).astype(np.uint8),
        lambda v: (part(v).astype(np.float32) / np.float32(span) * np.float32(255)).clip(0, 255).astype(np.uint8),
    ]
    if whole:
        found.append(lambda v: np.floor(part(v) * (256 / (span + 1)) + 0.5).clip(0, 255).astype(np.uint8))
    return found


def _looked_up(levels: NDArray[np.uint8]) -> Rendering:
    return lambda v: levels[v]
