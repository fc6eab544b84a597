"""A TIFF's picture: the right page, by whichever reader knows it, and nothing that the file does not hold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from semtrace.io import tiff
from semtrace.io.decoders import Decoded, TooLargeError, by_pillow, by_tifffile, check_size
from semtrace.io.jpeg_stream import check_data, check_kind, shared_tables
from semtrace.io.luma import palette_luma
from semtrace.io.tiff_gray import PALETTE, WHITE, is_ours, photometric, to_gray
from semtrace.io.tiff_pages import Choice, Page, choose
from semtrace.io.tiff_parts import JPEG, NONE, UNPACKED, check_listed, check_places, parts, rows_of_zeros
from semtrace.io.tiff_samples import needed_bytes
from semtrace.io.unreadable import UnreadableImage, by_decoder, unsupported

_WEBP = 50001  # the libtiff inside Pillow lacks it
_YCBCR = 6
_ALIKE = 0.9  # correlation of a thumbnail with its picture; a little sharpening or another range leaves more


class Found(NamedTuple):
    """A picture, the words that say which page it is (empty for the only one), and where its directory begins."""

    decoded: Decoded
    note: str
    page: int


def decode_tiff(data: bytes) -> Found:
    """Decode the picture of a TIFF.

    Raises:
        UnreadableImage: there is none, or none that is known here.
        TooLargeError: before memory is taken.
        MemoryError: no room.
    """
    try:
        choice = choose(data)
    except tiff.TiffError as error:
        raise UnreadableImage("truncated" if error.truncated else "corrupt", str(error)) from None
    taken, decoded = choice.page, _page(choice.page, choice)
    if choice.larger is not None:
        try:
            larger = _page(choice.larger, choice)
        except UnreadableImage:
            larger = None
        if larger is not None and _shows_same(decoded.gray, larger.gray):
            taken, decoded = choice.larger, larger
    return Found(decoded, choice.note(taken), taken.directory.offset)


def _shows_same(small: NDArray[np.uint8], large: NDArray[np.uint8]) -> bool:
    """Whether one picture is a thumbnail of the other."""
    height, width = min(64, small.shape[0]), min(64, small.shape[1])
    first, second = (
        np.asarray(Image.fromarray(one).resize((width, height), Image.Resampling.BOX), np.float64).ravel()
        for one in (small, large)
    )
    first, second = first - first.mean(), second - second.mean()
    size = float(np.sqrt((first @ first) * (second @ second)))
    return size > 0 and float(first @ second) >= _ALIKE * size


def _page(page: Page, choice: Choice) -> Decoded:
    directory = page.directory
    check_size(directory.integer(tiff.WIDTH), directory.integer(tiff.HEIGHT))
    check_size(directory.integer(tiff.TILE_WIDTH, 1), directory.integer(tiff.TILE_HEIGHT, 1))
    try:
        check_listed(parts(directory))
        decoded = _plain(directory) or _by_samples(directory)
        if decoded is None:
            check_places(directory, parts(directory), None)
            decoded = _by_others(directory, first=directory.offset == choice.first)
    except tiff.TiffError as error:
        raise UnreadableImage("truncated" if error.truncated else "corrupt", str(error)) from None
    return decoded._replace(pages=choice.pages)


def _plain(directory: tiff.Directory) -> Decoded | None:
    """What microscopes write, in a fraction of a decoder's time."""
    samples = tiff.plain_pixels(directory)
    if samples is None:
        return None
    check_places(directory, parts(directory), needed_bytes(directory))
    meaning, colors = photometric(directory), directory.integers(tiff.COLOR_MAP)
    if meaning == PALETTE:
        if len(colors) != 768:
            return None
        levels = bytearray(samples).translate(palette_luma(colors).tobytes())  # a quarter of numpy's time
        gray, mode, rule = np.frombuffer(levels, np.uint8).reshape(samples.shape), "P", "palette->luma"
    elif meaning == WHITE:
        gray, mode, rule = 255 - samples, "L", "identity; min-is-white inverted"
    else:
        gray, mode, rule = samples.copy(), "L", "identity"
    return Decoded(gray, mode, 8, 1, rule + _zeros(directory))


def _by_samples(directory: tiff.Directory) -> Decoded | None:
    """By our own reader, where it knows the compression and the photometric interpretation."""
    if not is_ours(directory):
        return None
    try:
        gray, mode, depth, rule = to_gray(directory)
    except (tiff.TiffError, UnreadableImage):
        raise
    except Exception as error:  # of libtiff, by way of Pillow
        raise by_decoder(error, cut=directory.is_cut()) from None
    return Decoded(gray, mode, depth, 1, rule + _zeros(directory))


def _zeros(directory: tiff.Directory) -> str:
    rows = rows_of_zeros(directory)
    return f"; the last {rows} rows are zeros, as in a copy that broke off" if rows else ""


def _by_others(directory: tiff.Directory, *, first: bool) -> Decoded:
    """By Pillow, and by tifffile what that does not know."""
    compression = directory.integer(tiff.COMPRESSION, 1)
    if directory.integer(tiff.PHOTOMETRIC, -1) == _YCBCR and compression in UNPACKED:
        _check_chroma(directory, compression)
    streams = _jpegs(directory) if compression == JPEG else []
    for stream in streams:
        check_kind(stream)
    data = directory.data if first else tiff.led_by(directory)
    try:
        decoded = by_pillow(data, "TIFF", directory)
    except (TooLargeError, UnreadableImage):
        raise
    except Exception as error:  # a decoder that is fed damaged bytes raises anything
        refusal = by_decoder(error, cut=directory.is_cut())
        # what Pillow knows and finds damaged is damaged: a more tolerant decoder would only hide it
        if refusal.reason == "truncated" or not (isinstance(error, UnidentifiedImageError) or compression == _WEBP):
            raise refusal from None
        return _by_tifffile(data, refusal)
    tables = shared_tables(directory.raw(tiff.JPEG_TABLES)) if streams else None
    for stream in streams:
        check_data(stream, tables)
    return decoded


def _check_chroma(directory: tiff.Directory, compression: int) -> None:
    """Refuse brightness and colour difference where Pillow or libtiff would guess how they are stored.

    Raises:
        UnreadableImage: ``unsupported``.
    """
    spacing = directory.integers(tiff.CHROMA_SPACING).tolist()
    if directory.integer(tiff.PLANAR, 1) == 2:
        raise unsupported("YCbCr in separate planes")
    if len(spacing) != 2 or (compression == NONE and spacing != [1, 1]):
        raise unsupported(f"YCbCr in compression {compression} with subsampling {spacing or 'not stated'}")


def _by_tifffile(data: bytes, refusal: UnreadableImage) -> Decoded:
    try:
        return by_tifffile(data)
    except (TooLargeError, MemoryError):
        raise
    except Exception as error:
        detail = f"{refusal.detail}; tifffile: {type(error).__name__} {error}"
        if isinstance(error, NotImplementedError) or "not supported" in detail:
            raise unsupported(detail) from None
        raise UnreadableImage("corrupt", detail) from None


def _jpegs(directory: tiff.Directory) -> list[bytes]:
    """The JPEG of each strip or tile."""
    found = parts(directory)
    places = zip(found.offsets[: found.number].tolist(), found.sizes[: found.number].tolist(), strict=False)
    return [directory.data[start : start + size] for start, size in places]
