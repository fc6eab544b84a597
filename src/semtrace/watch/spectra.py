"""Spectra of pictures that will be compared: the newest in memory, the others in a scratch file."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from pathlib import Path

import numpy as np

from semtrace.core.image.shift import REACH_SHAPE, FieldSpectrum
from semtrace.io.scratch import ScratchFile

SpectrumKey = tuple[str, int, tuple[int, int]]
"""Path of a file that travelled on, or the md5 of one that has not; range of deep frames; common shape."""

_MOST_BYTES = 64 << 20  # in memory: 280 spectra of 256 x 256 pixels, and more of smaller pictures


class Spectra:
    """Spectra by key. One that is not found is taken from the file again; no result depends on what is kept."""

    def __init__(self, folder: Path | None, *, most_bytes: int = _MOST_BYTES) -> None:
        """Begin with none.

        Args:
            folder: where the scratch file lies; None: memory alone.
            most_bytes: in memory.
        """
        self._scratch = None if folder is None else ScratchFile(folder)
        self._most, self._bytes = most_bytes, 0
        self._recent: OrderedDict[SpectrumKey, FieldSpectrum] = OrderedDict()
        self._shapes: dict[SpectrumKey, tuple[tuple[int, int], tuple[int, ...]]] = {}

    def get(self, key: SpectrumKey) -> FieldSpectrum | None:
        """The spectrum, or None."""
        if key in self._recent:
            self._recent.move_to_end(key)
            return self._recent[key]
        data = self._scratch.get(key) if self._scratch is not None else None
        if data is None:
            return None
        found = _unpacked(data, *self._shapes[key])
        self._remember(key, found)
        return found

    def put(self, key: SpectrumKey, spectrum: FieldSpectrum) -> None:
        """Keep a spectrum."""
        self._remember(key, spectrum)

    def forget(self, sources: Collection[str]) -> None:
        """Forget the spectra of these files or md5."""
        for key in [key for key in self._recent if key[0] in sources]:
            self._bytes -= _size(self._recent.pop(key))
        for key in [key for key in self._shapes if key[0] in sources]:
            del self._shapes[key]
            if self._scratch is not None:
                self._scratch.forget(key)

    def close(self) -> None:
        """Forget all, and remove the scratch file."""
        self._recent.clear()
        self._shapes.clear()
        self._bytes = 0
        if self._scratch is not None:
            self._scratch.close()

    def _remember(self, key: SpectrumKey, spectrum: FieldSpectrum) -> None:
        if (old := self._recent.pop(key, None)) is not None:
            self._bytes -= _size(old)
        self._recent[key] = spectrum
        self._bytes += _size(spectrum)
        while self._bytes > self._most and len(self._recent) > 2:  # two are compared
            oldest, gone = self._recent.popitem(last=False)
            self._bytes -= _size(gone)
            if self._scratch is not None and oldest not in self._shapes and self._scratch.put(oldest, _packed(gone)):
                self._shapes[oldest] = gone.shape, gone.waves.shape


def _size(spectrum: FieldSpectrum) -> int:
    return spectrum.waves.nbytes + spectrum.sums.nbytes + spectrum.squares.nbytes


def _packed(spectrum: FieldSpectrum) -> bytes:
    return spectrum.sums.tobytes() + spectrum.squares.tobytes() + spectrum.waves.tobytes()


def _unpacked(data: bytes, shape: tuple[int, int], waves: tuple[int, ...]) -> FieldSpectrum:
    one = REACH_SHAPE[0] * REACH_SHAPE[1]
    sums, squares = np.frombuffer(data, np.float64, 2 * one).reshape(2, *REACH_SHAPE)
    return FieldSpectrum(shape, np.frombuffer(data, np.complex64, offset=16 * one).reshape(waves), sums, squares)
