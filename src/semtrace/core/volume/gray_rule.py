"""One rule that makes a whole volume 8-bit grey, so that its xy, xz and yz sections agree.

It is the rule of ``core.image.gray8``, with the order statistics of the volume instead of one picture's. They are
exact, and found without holding the volume: each pass counts 16 bits of a key that sorts as the values do.
Marks of pixels without data are not looked for: they take part, so set the range of such a volume.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from semtrace.core.image.gray8 import stretch

Blocks = Callable[[], Iterable[NDArray[Any]]]
_PATTERN = re.compile(r"linear (\S+)\.\.(\S+) \(")


@dataclass(frozen=True)
class GrayRule:
    """How the values of a volume become 8-bit grey.

    Attributes:
        low: value that becomes 0; None: the values are kept as they are (``identity``).
        high: value that becomes 255; equal to ``low`` where all values are alike, and all become 0.
        how: words that say where the two come from.
    """

    low: float | None
    high: float | None
    how: str

    def apply(self, array: NDArray[Any]) -> NDArray[np.uint8]:
        """Bring values of any shape to grey, uint8, same shape; NaN becomes 0, infinities the dark and bright end."""
        if self.low is None or self.high is None:
            return array.astype(np.uint8, copy=False)
        if self.low == self.high:
            return np.where(array == np.inf, 255, 0).astype(np.uint8)
        if array.dtype.itemsize == 2 and array.dtype.kind in "ui":  # few values, many voxels: look them up
            name = "<u2" if array.dtype.kind == "u" else "<i2"
            every = np.arange(65536, dtype=np.uint16).view(name)
            return stretch(every, self.low, self.high)[array.astype(name, copy=False).view(np.uint16)]
        gray = stretch(array, self.low, self.high)
        if array.dtype.kind == "f":
            gray[np.isnan(array)] = 0
        return gray

    @property
    def text(self) -> str:
        """The rule in words, from which ``parse`` makes it again."""
        if self.low is None or self.high is None:
            return self.how
        if self.low == self.high:
            return f"constant {self.low!r} to 0; {self.how}"
        return f"linear {self.low!r}..{self.high!r} ({self.how})"


def parse_rule(text: str) -> GrayRule:
    """The rule of a text that ``GrayRule.text`` wrote.

    Raises:
        ValueError: it is none.
    """
    if text == "identity":
        return GrayRule(None, None, "identity")
    if text.startswith("constant "):
        value, _, how = text.removeprefix("constant ").partition(" to 0; ")
        return GrayRule(float(value), float(value), how)
    found = _PATTERN.match(text)
    if not found or not text.endswith(")"):
        raise ValueError(f"{text!r} is no rule that makes grey")
    return GrayRule(float(found[1]), float(found[2]), text[found.end() : -1])


def find_rule(blocks: Blocks, dtype: np.dtype[Any], how: str = "auto") -> GrayRule:
    """Find the rule for all values of a volume.

    Args:
        blocks: gives the values anew at each call, in pieces of any shape, all of ``dtype``. It is called once for each
            16 bits of a value, and once more; not at all for uint8.
        dtype: boolean, integer or real floating type of up to 8 bytes.
        how: ``auto`` (0.1 and 99.9 percentile; integers that all lie in 0..255 are kept), ``full`` (the range of an
            integer type, minimum and maximum of a floating one), or ``LOW..HIGH``.

    Raises:
        ValueError: another type, or ``how`` is none of the three.
    """
    if dtype.kind not in "buif" or dtype.itemsize > 8:
        raise ValueError(f"voxels of type {dtype} cannot become grey")
    name = dtype.newbyteorder("=").name
    if how not in ("auto", "full"):
        low, high = fixed_range(how)
        return GrayRule(low, high, f"as set, of {name}")
    if dtype == np.uint8:
        return GrayRule(None, None, "identity")
    if dtype.kind == "b":
        return GrayRule(0.0, 1.0, "1-bit to 0/255")
    if how == "full" and dtype.kind in "ui":
        info = np.iinfo(dtype)
        return GrayRule(float(info.min), float(info.max), f"full range of {name}")
    size, lowest, highest = 0, np.inf, -np.inf
    for block in blocks():
        known = _finite(block)
        size += known.size
        if known.size:
            lowest, highest = min(lowest, float(known.min())), max(highest, float(known.max()))
    if size == 0:
        return GrayRule(0.0, 0.0, f"no finite value of {name}")
    if how == "auto" and dtype.kind in "ui" and lowest >= 0 and highest <= 255:
        return GrayRule(None, None, "identity")
    ends, words = (lowest, highest), "min-max"
    if how == "auto":
        cut = (size - 1) // 1000
        low, high = order_statistics(blocks, dtype, [cut, size - 1 - cut])
        if low != high:
            ends, words = (low, high), "0.1-99.9 %"
    return GrayRule(*ends, f"{words}, of {name}")


def fixed_range(text: str) -> tuple[float, float]:
    """Low and high of a text ``LOW..HIGH``.

    Raises:
        ValueError: not two numbers, or the first is not below the second.
    """
    low, separator, high = text.partition("..")
    try:
        ends = float(low), float(high)
    except ValueError:
        separator, ends = "", (0.0, 0.0)
    if not separator or not -np.inf < ends[0] < ends[1] < np.inf:
        raise ValueError(f"range {text!r}: must be auto, full or LOW..HIGH with LOW below HIGH")
    return ends


def order_statistics(blocks: Blocks, dtype: np.dtype[Any], ranks: list[int]) -> list[float]:
    """The values that stand at ``ranks`` (from 0) when all finite values are sorted: exact, in bounded memory."""
    bits = 8 * dtype.itemsize
    width = min(bits, 16)
    prefixes, left = [0] * len(ranks), list(ranks)
    for shift in range(bits - width, -1, -width):
        counts = np.zeros((len(ranks), 1 << width), np.int64)
        for block in blocks():
            keys = _keys(_finite(block))
            for row, prefix in enumerate(prefixes):
                _count(keys, np.uint64(prefix), shift + width, shift, counts[row])
        for row, rank in enumerate(left):
            sums = np.cumsum(counts[row])
            digit = int(np.searchsorted(sums, rank, side="right"))
            left[row] = rank - int(sums[digit] - counts[row, digit])
            prefixes[row] = prefixes[row] << width | digit
    return [_value(prefix, dtype) for prefix in prefixes]


def _finite(block: NDArray[Any]) -> NDArray[Any]:
    flat = block.ravel()
    if block.dtype.kind != "f":
        return flat
    finite = np.isfinite(flat)
    return flat if finite.all() else flat[finite]


def _keys(values: NDArray[Any]) -> NDArray[Any]:
    """Unsigned numbers that sort as the values do, same width."""
    size = values.dtype.itemsize
    raw = values.astype(values.dtype.newbyteorder("="), copy=False).view(f"u{size}")
    top = np.asarray(1 << (8 * size - 1), raw.dtype)
    if values.dtype.kind in "ub":
        return raw
    if values.dtype.kind == "i":
        return np.asarray(raw ^ top)
    return np.asarray(np.where(raw & top, ~raw, raw | top))  # IEEE 754: negative numbers sort backwards


def _value(key: int, dtype: np.dtype[Any]) -> float:
    size = dtype.itemsize
    top, every = 1 << (8 * size - 1), (1 << 8 * size) - 1
    if dtype.kind == "i":
        key ^= top
    elif dtype.kind == "f":
        key = key ^ top if key & top else ~key & every
    return float(np.array(key, f"u{size}").view(f"{dtype.kind}{size}"))


@njit(nogil=True, cache=True)
def _count(keys: NDArray[Any], prefix: np.uint64, above: int, shift: int, counts: NDArray[np.int64]) -> None:
    """Count the digit above ``shift`` of those keys whose bits from ``above`` up are ``prefix``."""
    mask = np.uint64(counts.size - 1)
    for key in keys:
        wide = np.uint64(key)
        if above >= 64 or (wide >> np.uint64(above)) == prefix:
            counts[(wide >> np.uint64(shift)) & mask] += 1
