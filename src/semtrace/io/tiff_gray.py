"""A TIFF whose bytes we unpack ourselves, as 8-bit grey: what its samples mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.gray8 import spread, to_gray8
from semtrace.io import tiff
from semtrace.io.luma import cmyk_to_rgb, luma, luma8, palette_luma, undone_alpha
from semtrace.io.orientation import upright
from semtrace.io.tiff_parts import UNPACKED
from semtrace.io.tiff_samples import depth_and_format, samples
from semtrace.io.unreadable import unsupported

WHITE, BLACK, RGB, PALETTE, CMYK, LAB = 0, 1, 2, 3, 5, 8
_CHANNELS = {WHITE: 1, BLACK: 1, RGB: 3, PALETTE: 1, CMYK: 4, LAB: 3}
_CCITT = (2, 3, 4)

Gray = tuple[NDArray[np.uint8], str, int, str]
"""Grey of shape (H, W), Pillow's name of the stored mode, bits of a sample, the rule."""


def photometric(directory: tiff.Directory) -> int:
    """What the samples mean. Where the tag is missing, libtiff's rule: by the channels, and none for four.

    Raises:
        UnreadableImage: ``unsupported``: the tag is missing, and the number of channels does not tell.
    """
    if tiff.PHOTOMETRIC in directory:
        return directory.integer(tiff.PHOTOMETRIC)
    channels = directory.integer(tiff.SAMPLES, 1) - len(directory.integers(tiff.EXTRA_SAMPLES))
    if channels == 1:
        return WHITE if directory.integer(tiff.COMPRESSION, 1) in _CCITT else BLACK
    if channels == 3:
        return RGB
    raise unsupported(f"{channels} channels, and no photometric interpretation that says what they are")


def is_ours(directory: tiff.Directory) -> bool:
    """Whether ``to_gray`` knows the compression and the photometric interpretation."""
    return directory.integer(tiff.COMPRESSION, 1) in UNPACKED and photometric(directory) in _CHANNELS


def to_gray(directory: tiff.Directory) -> Gray:
    """Decode a TIFF for which ``is_ours``, and turn it the right way up.

    Raises:
        UnreadableImage: ``unsupported``: sound, but a variant that is not known here.
        TiffError: damaged, or the file ends too early.
        OSError: damaged, as libtiff says it.
        MemoryError: no room.
    """
    depth, kind = depth_and_format(directory)
    meaning = photometric(directory)
    extra = directory.integers(tiff.EXTRA_SAMPLES).tolist()
    number, channels = directory.integer(tiff.SAMPLES, 1), _CHANNELS[meaning]
    if number < channels:
        raise unsupported(f"{number} samples for photometric interpretation {meaning}")
    if meaning == CMYK and directory.integer(tiff.INK_SET, 1) != 1:
        raise unsupported("inks other than cyan, magenta, yellow and black")
    if meaning in (LAB, PALETTE) and (kind != 1 or depth > (8 if meaning == LAB else 16)):
        raise unsupported(f"{depth} bits for photometric interpretation {meaning}")
    stored = upright(samples(directory), directory.integer(tiff.ORIENTATION, 1))
    if number > channels and len(extra) >= number - channels and extra[0] == 1 and meaning not in (PALETTE, LAB):
        most = 1.0 if kind == 3 else float((1 << (depth - (kind == 2))) - 1)
        if not (meaning == RGB and depth == 8 and kind == 1):  # Pillow's own way, below
            stored = np.concatenate([undone_alpha(stored[..., :channels], stored[..., channels], most),
                                     stored[..., channels:]], axis=2)  # fmt: skip
    alpha = " (alpha ignored)" if number == channels + 1 else " (further channels ignored)" if number > channels else ""
    if meaning in (WHITE, BLACK):
        return _grey(stored, directory, alpha, white=meaning == WHITE)
    if meaning == PALETTE:
        colors = directory.integers(tiff.COLOR_MAP)
        if len(colors) != 3 << depth:
            raise tiff.TiffError(f"a colour map of {len(colors)} values for {depth} bits")
        return palette_luma(colors)[stored[..., 0]], "PA" if alpha else "P", depth, "palette->luma" + alpha
    if meaning == LAB:
        gray = stored[..., 0] if depth == 8 else spread(stored[..., 0], depth)
        return np.array(gray, np.uint8, order="C"), "LAB", depth, "lab->lightness"
    return _colour(stored, directory, meaning, extra)


def _grey(stored: NDArray[Any], directory: tiff.Directory, alpha: str, *, white: bool) -> Gray:
    plane, (depth, kind) = stored[..., 0], depth_and_format(directory)
    if kind == 1 and depth <= 8:
        gray = np.array(plane, np.uint8, order="C") if depth == 8 else spread(plane, depth)
        rule = "identity" if depth == 8 else "1-bit to 0/255" if depth == 1 else f"{depth}-bit spread to 0..255"
        if white:
            np.subtract(255, gray, out=gray)
            rule += "; min-is-white inverted"
        return gray, "LA" if alpha else "1" if depth == 1 else "L", depth, rule + alpha
    gray, rule = to_gray8(plane, min_is_white=white, no_data=directory.number(tiff.NO_DATA))
    return gray, _mode(depth, kind, directory.order), depth, rule + alpha


def _mode(depth: int, kind: int, order: str) -> str:
    """Pillow's name of deep grey."""
    if kind == 3:
        return "F"
    if depth <= 8:
        return "L"
    return ("I;16B" if order == ">" and depth == 16 else "I;16") if depth <= 16 and kind == 1 else "I"


def _colour(stored: NDArray[Any], directory: tiff.Directory, meaning: int, extra: list[int]) -> Gray:
    number, (depth, kind) = stored.shape[2], depth_and_format(directory)
    if meaning == CMYK:
        mode, rule = "CMYK", "cmyk->luma"
    elif number == 3 or (extra and extra[0] == 0):
        mode, rule = "RGB", "rgb->luma"
    else:
        mode, rule = "RGBA", "rgba->luma (alpha ignored)"
    if kind == 1 and depth <= 8:
        pixels = stored if depth == 8 else spread(stored, depth)
        if meaning == CMYK:
            return luma8(pixels[..., :4], "CMYK", "CMYK"), mode, depth, rule
        if number > 3 and extra and extra[0] == 1:
            return luma8(pixels[..., :4], "RGBA", "RGBa"), mode, depth, rule
        return luma8(pixels[..., :3]), mode, depth, rule
    if meaning == CMYK:
        stored = cmyk_to_rgb(stored, 1.0 if kind == 3 else float((1 << (depth - (kind == 2))) - 1))
    # of a pixel whose channels all have the stated mark, the luma has it too
    gray, how = to_gray8(luma(stored[..., :3]), no_data=None if meaning == CMYK else directory.number(tiff.NO_DATA))
    return gray, mode, depth, f"{rule}, {how}"
