"""One range policy: how any single-channel picture becomes 8-bit grey, and the words that record it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.databar import bar_top

_NO_DATA = 1e30  # no detector counts that far; float files mark pixels without data so (-3.4e38, 9.97e36, -1e30)
_MOST_MARKED = 0.5  # part of the pixels; where more have a suspected mark, nobody knows that it is one
_DIM = 128  # wider integers that stay below it leave a bit of 8 unused: counts of a detector, not 8-bit data


def spread(array: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Spread samples of 1 to 8 bits evenly over 0 to 255, rounding half up; any shape, values below ``2**bits``."""
    most = (1 << bits) - 1
    return ((np.arange(256) * 510 + most) // (2 * most)).clip(0, 255).astype(np.uint8)[array]


def to_gray8(
    array: NDArray[Any], *, min_is_white: bool = False, no_data: float | None = None
) -> tuple[NDArray[np.uint8], str]:
    """Bring a picture to 8-bit grey by one rule, and say in words what was done.

    - 1-bit: 0 and 255. 8-bit unsigned: kept. Wider or signed integers that all lie in 0..255 and reach 128: kept
      (they are 8-bit data in a wider file).
    - Everything else: linear between the 0.1 and the 99.9 percentile of the finite values, clipped. The two
      are values of the picture itself (nothing is interpolated), so multiplying all values by a power of two
      changes no pixel. Where they coincide, the minimum and the maximum take their place; a constant picture
      becomes 0.
    - All this is asked of the picture without its data bar (``semtrace.core.image.databar``): its text and paper are
      drawn at levels of their own, often at full scale, and would leave a black picture.
    - NaN becomes 0, -inf the dark and +inf the bright end; the words count them.
    - Marks of pixels without data take no part in the range. They are clipped to it, and the words count them. Such
      marks are the number that the file states (``no_data``), and two kinds that it does not state. One is numbers of
      a size of 1e30 or more. The other is the lowest value of a signed integer type, if the gap up to the next value
      is wider than the span of all other values. Those two count only where most pixels are others. The highest value
      of an integer type is never a mark without a statement, for a detector saturates there. No mark counts where the
      other pixels of the picture have one value only. Pixels of 8 bits are kept, whatever is stated.

    Pillow's own conversion of 16-bit grey (``convert("L")``) clips at 255 instead and leaves white pictures;
    it must not be used.

    Args:
        array: shape (H, W), boolean, integer or real floating dtype in any byte order, at least one pixel.
        min_is_white: the smallest value is white (TIFF photometric interpretation 0): invert.
        no_data: the value of pixels without data, as the file states it, in the units of ``array``. None, NaN, or a
            number that the dtype cannot hold: nothing is stated.

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
        gray, rule = _ranged(array, no_data)
    if min_is_white:
        gray, rule = 255 - gray, rule + "; min-is-white inverted"
    if kind == "f" and (missing := np.isnan(array)).any():
        gray[missing] = 0
        rule += f"; {np.count_nonzero(missing)} NaN to 0"
    return np.ascontiguousarray(gray), rule


def is_ranged(rule: str) -> bool:
    """Whether a rule in the words of ``to_gray8`` says that a range was taken, so that another one could have been."""
    return "linear " in rule


def _ranged(array: NDArray[Any], no_data: float | None) -> tuple[NDArray[np.uint8], str]:
    marked, note = _marks(array, no_data)
    if marked is None:
        return _linear_or_kept(array, array[: bar_top(array)], "")
    top = bar_top(np.where(marked, np.fmin.reduce(array[~marked]), array))
    known = array[:top][~marked[:top]]
    known = known[np.isfinite(known)] if known.dtype.kind == "f" else known
    if known.size and known.min() < known.max():
        return _linear_or_kept(array, array[:top], note, known)
    return _linear_or_kept(array, array[: bar_top(array)], "")


def _marks(array: NDArray[Any], no_data: float | None) -> tuple[NDArray[np.bool_] | None, str]:
    """Which pixels have a mark instead of a value, shape (H, W), or None, and the words that count them."""
    marks: NDArray[np.bool_] = np.zeros(array.shape, bool)
    note = ""
    if (value := _as_stored(no_data, array.dtype)) is not None and (stated := array == value).any():
        marks, note = stated, f"; {np.count_nonzero(stated)} without data ({_number(float(value))}, stated) clipped"
    suspected, words = _suspected(array, marks)
    if suspected is not None and (number := np.count_nonzero(suspected)):
        others = np.count_nonzero(np.isfinite(array) & ~marks) if array.dtype.kind == "f" else array.size - marks.sum()
        if number < others * _MOST_MARKED:
            marks, note = marks | suspected, f"{note}; {number} {words} clipped"
    return (marks, note) if note and not marks.all() else (None, "")


def _as_stored(value: float | None, dtype: np.dtype[Any]) -> np.generic | None:
    """A stated number in the dtype of the pixels; None where that cannot hold it."""
    if value is None or not np.isfinite(value):
        return None
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            stored: np.generic = dtype.type(value)
        return stored if np.isfinite(stored) else None
    limits = np.iinfo(dtype)
    return dtype.type(int(value)) if float(value).is_integer() and limits.min <= int(value) <= limits.max else None


def _suspected(array: NDArray[Any], stated: NDArray[np.bool_]) -> tuple[NDArray[np.bool_] | None, str]:
    """Pixels whose value is most likely a mark that the file does not state, without those of a stated one."""
    if array.dtype.kind == "f" and array.dtype.itemsize > 2:
        with np.errstate(invalid="ignore"):
            return np.isfinite(array) & (np.abs(array) >= _NO_DATA) & ~stated, "of 1e30 or more"
    if array.dtype.kind != "i" or array.min() > (lowest := np.iinfo(array.dtype).min):
        return None, ""
    at_end = (array == lowest) & ~stated
    others = array[(array != lowest) & ~stated]
    if not others.size:
        return None, ""
    next_, highest = int(others.min()), int(others.max())
    return (at_end if next_ - lowest > highest - next_ else None), f"taken for pixels without data ({lowest})"


def _linear_or_kept(
    array: NDArray[Any], picture: NDArray[Any], note: str, known: NDArray[Any] | None = None
) -> tuple[NDArray[np.uint8], str]:
    """``picture`` is the array without its data bar, ``known`` its pixels without marks."""
    known = picture.ravel() if known is None else known
    if array.dtype.kind in "ui" and known.min() >= 0 and _DIM <= known.max() <= 255:
        return array.clip(0, 255).astype(np.uint8), f"identity{note}"
    gray, rule = _linear(array, known, note)
    return gray, rule if len(picture) == len(array) else f"{rule}; range without the data bar"


def _linear(array: NDArray[Any], known: NDArray[Any], marks: str) -> tuple[NDArray[np.uint8], str]:
    name = array.dtype.newbyteorder("=").name
    note = f" of {name}"
    if array.dtype.kind == "f":
        known = known[np.isfinite(known)]
        if infinite := np.count_nonzero(np.isinf(array)):
            note += f"; {infinite} infinite clipped"
    note += marks
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
