"""Pixels of pictures for comparing, read when they are needed and kept for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semtrace.core.hashing.index import HashIndex
from semtrace.core.image.frame_range import TOPS, frame_to_gray8, top_for
from semtrace.core.image.shift import FieldSpectrum, common_shape, field_spectrum, shrink, shrunk_shape
from semtrace.io.digests import md5
from semtrace.io.folders import path_in
from semtrace.io.frames import decode_frame, read_unchanged
from semtrace.io.images import UnreadableImage
from semtrace.io.moves import state_of
from semtrace.watch.kept import KeptPicture
from semtrace.watch.picture import Picture
from semtrace.watch.spectra import Spectra

_PIXEL_BYTES = 48 << 20


class FileViews:
    """``Views`` of files on the disk; 48 MiB of pixels that were asked for last are kept, and spectra."""

    def __init__(self, root: str, scratch: Path | None = None, near: int = 0) -> None:
        """Begin with none.

        Args:
            root: the watched folder.
            scratch: folder on a local disk for the spectra that memory does not hold; None: those are not kept.
            near: bits; pictures of a folder whose hashes are nearer than this will be compared.
        """
        self._root, self._near = root, near
        self._seen: dict[str, HashIndex] = {}
        self._pixels: OrderedDict[tuple[str, int, str], NDArray[np.uint8]] = OrderedDict()
        self._bytes = 0
        self.spectra = Spectra(scratch)

    def keep(self, picture: Picture) -> Picture:
        """Take over the spectrum of a picture that was read just now; give the picture without it.

        It is kept where the folder has shown a near picture before: most folders of different pictures need none.
        """
        if picture.spectrum is None:
            return picture
        seen = self._seen.setdefault(_folder_of(picture), HashIndex(picture.words.size))
        small = shrunk_shape((picture.height, picture.width))
        shape = common_shape(small, small)
        if shape is not None and len(seen) and seen.query(picture.words, 1, below=self._near):
            self.spectra.put((picture.md5, picture.top, shape), picture.spectrum)
        seen.add(picture.words)
        return replace(picture, spectrum=None)

    def forget(self, pictures: Collection[Picture], kept: Iterable[KeptPicture]) -> None:
        """Forget the spectra of pictures that are decided and of those that they were compared with."""
        for folder in {_folder_of(picture) for picture in pictures}:
            self._seen.pop(folder, None)
        self.spectra.forget({picture.md5 for picture in pictures} | {picture.file for picture in kept})

    def close(self) -> None:
        """Forget all spectra, and remove the scratch file."""
        self._seen.clear()
        self.spectra.close()

    def spectrum(self, picture: Picture | KeptPicture, top: int, shape: tuple[int, int]) -> FieldSpectrum | None:
        """The spectrum at a common shape of the 8-bit grey, reduced to at most 256 columns."""
        key = _source(picture), top if picture.deep else TOPS[0], shape
        found = self.spectra.get(key)
        if found is None and (small := self._get(picture, top, "small")) is not None:
            found = field_spectrum(small, shape)
            self.spectra.put(key, found)
        return found

    def whole(self, picture: Picture | KeptPicture, top: int) -> NDArray[np.uint8] | None:
        """8-bit grey in full size."""
        return self._get(picture, top, "whole")

    def _get(self, picture: Picture | KeptPicture, top: int, size: str) -> NDArray[np.uint8] | None:
        key = _source(picture), top, size
        if key in self._pixels:
            self._pixels.move_to_end(key)
            return self._pixels[key]
        gray = self._read(picture, top)
        if gray is None:
            return None
        view = shrink(gray) if size == "small" else gray
        self._pixels[key] = view
        self._bytes += view.nbytes
        while self._bytes > _PIXEL_BYTES and len(self._pixels) > 1:
            self._bytes -= self._pixels.popitem(last=False)[1].nbytes
        return view

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


def _folder_of(picture: Picture) -> str:
    return picture.path.rpartition("/")[0]


def _source(picture: Picture | KeptPicture) -> str:
    """What is kept is known by: the file of a picture that travelled on earlier, else the md5.

    So a picture that was taken away confirms nothing, whatever else has its content.
    """
    return picture.file or picture.md5 if isinstance(picture, KeptPicture) else picture.md5
