"""One range policy: how any single-channel picture becomes 8-bit grey, and the words that record it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.databar import bar_top

_NO_DATA = 1e30  # no detector counts that far; float files mark pixels without data so (-3.4e38, 9.97e36, -1e30)
_DIM = 128  # wider integers that stay below it leave a bit of 8 unused: counts of a detector, not 8-bit data


def spread(array: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Spread samples of 1 to 8 bits evenly over 0 to 255, rounding half up; any shape, values below ``2**bits``."""
    most = (1 << bits) - 1
    return ((np.arange(256) * 510 + most) // (2 * most)).clip(0, 255).astype(np.uint8)[array]


def to_gray8(array: NDArray[Any], *, min_is_white: bool = False) -> tuple[NDArray[np.uint8], str]:
    """Bring a picture to 8-bit grey by one rule, and say in words what was done.

    - 1-bit: 0 and 255. 8-bit unsigned: kept. Wider or signed integers that all lie in 0..255 and reach 128: kept
      (they are 8-bit data in a wider file).
    - Everything else: linear between the 0.1 and the 99.9 percentile of the finite values, clipped. The two
      are values of the picture itself (nothing is interpolated), so multiplying all values by a power of two
      changes no pixel. Where they coincide, the minimum and the maximum take their place; a constant picture
      becomes 0.
    - All this is asked of the picture without its data bar (``semtrace.core.image.databar``): its text and paper are
      drawn at levels of their own, often at full scale, and would leave a black picture.
    - NaN becomes 0, -inf the dark and +inf the bright end; the words count them. So do numbers of a size of 1e30 or
      more where most others are smaller: they mark pixels without data.

    Pillow's own conversion of 16-bit grey (``convert("L")``) clips at 255 instead and leaves white pictures;
    it must not be used.

    Args:
        array: shape (H, W), boolean, integer or real floating dtype in any byte order, at least one pixel.
        min_is_white: the smallest value is white (TIFF photometric interpretation 0): invert.

    Returns:
        The grey picture, shape (H, W), C-contiguous and writable, and the rule, for example
        ``linear 523..4095 (0.1-99.9 %) of uint16``.

    Raises:
        ValueError: not two-dimensional, empty, or not a number per pixel.
    """
    array = np.asarray(array)
    kind = array.dtype.kind
    if array.ndim != 2 or array.size == 0 or kind not in "buif":
        raise ValueError(f"need a non-empty (H, W) array of real numbers, got {array.dtype} {array.shape}")
    if kind == "b":
        gray, rule = array.astype(np.uint8) * np.uint8(255), "1-bit to 0/255"
    elif array.dtype == np.uint8:
        gray, rule = array.astype(np.uint8), "identity"
    else:
        gray, rule = _ranged(array)
    if min_is_white:
        gray, rule = 255 - gray, rule + "; min-is-white inverted"
    if kind == "f" and (missing := np.isnan(array)).any():
        gray[missing] = 0
        rule += f"; {np.count_nonzero(missing)} NaN to 0"
    return np.ascontiguousarray(gray), rule


def is_ranged(rule: str) -> bool:
    """Whether a rule in the words of ``to_gray8`` says that a range was taken, so that another one could have been."""
    return "linear " in rule


def _ranged(array: NDArray[Any]) -> tuple[NDArray[np.uint8], str]:
    picture = array[: bar_top(array)]
    if array.dtype.kind in "ui" and picture.min() >= 0 and _DIM <= picture.max() <= 255:
        return array.clip(0, 255).astype(np.uint8), "identity"
    gray, rule = _linear(array, picture)
    return gray, rule if len(picture) == len(array) else f"{rule}; range without the data bar"


def _linear(array: NDArray[Any], picture: NDArray[Any]) -> tuple[NDArray[np.uint8], str]:
    name = array.dtype.newbyteorder("=").name
    note, known = f" of {name}", picture.ravel()
    if array.dtype.kind == "f":
        known = known[np.isfinite(known)]
        if infinite := np.count_nonzero(np.isinf(array)):
            note += f"; {infinite} infinite clipped"
        usual = known[np.abs(known) < _NO_DATA] if known.dtype.itemsize > 2 else known
        if len(known) > len(usual) > len(known) // 2 and usual.min() < usual.max():
            note, known = f"{note}; {len(known) - len(usual)} of 1e30 or more clipped", usual
    if known.size == 0:
        return np.where(array == np.inf, 255, 0).astype(np.uint8), f"no finite value{note}"
    lowest, low, high, highest = _order_statistics(known)
    how = "0.1-99.9 %"
    if low == high:
        low, high, how = lowest, highest, "min-max"
    if low == high:
        return np.where(array == np.inf, 255, 0).astype(np.uint8), f"constant {_number(low)}{note} to 0"
    rule = f"linear {_number(low)}..{_number(high)} ({how}){note}"
    if array.dtype == np.uint16:  # few values, many pixels: look them up
        return stretch(np.arange(65536), low, high)[array], rule
    return stretch(array, low, high), rule


def _order_statistics(known: NDArray[Any]) -> tuple[float, float, float, float]:
    """Minimum, the values that 0.1 % of the pixels lie below and above, maximum."""
    cut = (known.size - 1) // 1000
    ranks = [0, cut, known.size - 1 - cut, known.size - 1]
    if known.dtype == np.uint16:
        found = np.searchsorted(np.cumsum(np.bincount(known)), ranks, side="right")
    else:
        found = np.partition(known, ranks)[ranks]
    return float(found[0]), float(found[1]), float(found[2]), float(found[3])


def stretch(array: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Map low..high to 0..255, rounding half up; what lies outside, and infinities, go to the ends."""
    values = np.clip(array.astype(np.float64), low, high)
    values[np.isnan(values)] = low
    if not 1e-300 < high - low < 1e300:  # the factor below would over- or underflow: scale to -1..1 first
        size = max(abs(low), abs(high))
        values, low, high = values / size, low / size, high / size
    values -= low
    values *= 255.0 / (high - low)
    return np.floor(values + 0.5).clip(0, 255).astype(np.uint8)


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"
