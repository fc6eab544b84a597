"""Pixels of pictures for comparing, read when they are needed and kept for a while."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.frame_range import TOPS, frame_to_gray8, top_for
from semtrace.core.image.shift import FieldSpectrum, field_spectrum, shrink
from semtrace.io.digests import md5
from semtrace.io.folders import path_in
from semtrace.io.frames import decode_frame, read_unchanged
from semtrace.io.images import UnreadableImage
from semtrace.io.moves import state_of
from semtrace.watch.kept import KeptPicture
from semtrace.watch.picture import Picture

_Value = TypeVar("_Value")
_PIXEL_BYTES, _SPECTRUM_BYTES = 64 << 20, 160 << 20  # 650 spectra and more


class FileViews:
    """``Views`` of files on the disk; what was asked for last is kept: 64 MiB of pixels, 160 MiB of spectra."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._pixels = _Recent[NDArray[np.uint8]](_PIXEL_BYTES)
        self._spectra = _Recent[FieldSpectrum](_SPECTRUM_BYTES)

    def spectrum(self, picture: Picture | KeptPicture, top: int, shape: tuple[int, int]) -> FieldSpectrum | None:
        """The spectrum at a common shape of the 8-bit grey, reduced to at most 256 columns."""
        key = picture.md5, top, shape
        found = self._spectra.get(key)
        if found is None and (small := self._small(picture, top)) is not None:
            found = field_spectrum(small, shape)
            self._spectra.put(key, found, found.waves.nbytes + 2 * found.sums.nbytes)
        return found

    def whole(self, picture: Picture | KeptPicture, top: int) -> NDArray[np.uint8] | None:
        """8-bit grey in full size."""
        key = picture.md5, top, "whole"
        found = self._pixels.get(key)
        if found is None and (found := self._read(picture, top)) is not None:
            self._pixels.put(key, found, found.nbytes)
        return found

    def _small(self, picture: Picture | KeptPicture, top: int) -> NDArray[np.uint8] | None:
        key = picture.md5, top, "small"
        found = self._pixels.get(key)
        if found is None and (gray := self._read(picture, top)) is not None:
            found = shrink(gray)
            self._pixels.put(key, found, found.nbytes)
        return found

    def _read(self, picture: Picture | KeptPicture, top: int) -> NDArray[np.uint8] | None:
        """None where the file is gone, another one, or deeper than ``top``: what cannot be compared is not similar."""
        file = picture.file if isinstance(picture, KeptPicture) else ""
        file = file or path_in(self._root, picture.path)
        try:
            state = state_of(file)
            if state is None:
                return None
            data = read_unchanged(file, state)
            if md5(data) != picture.md5:
                return None
            pixels = decode_frame(data).pixels
        except (OSError, UnreadableImage, MemoryError):
            return None
        deep = pixels.dtype == np.uint16
        if deep and top_for(int(pixels.max())) > top:
            return None
        return frame_to_gray8(pixels, top if deep else TOPS[0])


class _Recent(Generic[_Value]):
    """Values by key; those that were asked for longest ago go when there are too many bytes."""

    def __init__(self, most: int) -> None:
        self._most, self._bytes = most, 0
        self._values: OrderedDict[object, tuple[_Value, int]] = OrderedDict()

    def get(self, key: object) -> _Value | None:
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key][0]

    def put(self, key: object, value: _Value, size: int) -> None:
        self._values[key] = value, size
        self._bytes += size
        while self._bytes > self._most and len(self._values) > 1:
            self._bytes -= self._values.popitem(last=False)[1][1]
