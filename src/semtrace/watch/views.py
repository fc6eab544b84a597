"""Pixels of pictures for comparing, read when they are needed and kept for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.frame_range import TOPS, to_gray8, top_for
from semtrace.core.image.shift import shrink
from semtrace.io.digests import md5
from semtrace.io.folders import path_in
from semtrace.io.frames import decode_frame, read_unchanged
from semtrace.io.images import UnreadableImage
from semtrace.io.moves import state_of
from semtrace.watch.kept import KeptPicture
from semtrace.watch.picture import Picture

_MOST_BYTES = 96 << 20


class FileViews:
    """``Views`` of files on the disk; the pictures asked for last are kept, 96 MiB of them."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._kept: OrderedDict[tuple[str, int, bool], NDArray[np.uint8]] = OrderedDict()
        self._bytes = 0

    def small(self, picture: Picture | KeptPicture, top: int) -> NDArray[np.uint8] | None:
        """8-bit grey reduced to at most 256 columns."""
        return self._get(picture, top, True, shrink)

    def whole(self, picture: Picture | KeptPicture, top: int) -> NDArray[np.uint8] | None:
        """8-bit grey in full size."""
        return self._get(picture, top, False, lambda gray: gray)

    def _get(
        self,
        picture: Picture | KeptPicture,
        top: int,
        is_small: bool,
        make: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
    ) -> NDArray[np.uint8] | None:
        key = picture.md5, top, is_small
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        gray = self._read(picture, top)
        if gray is None:
            return None
        view = make(gray)
        self._kept[key] = view
        self._bytes += view.nbytes
        while self._bytes > _MOST_BYTES and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
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
        return to_gray8(pixels, top if deep else TOPS[0])
