"""How a picture is stored and how it is shown: the orientation of TIFF and Exif, 1 to 8."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semtrace.io import tiff


def upright(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn a stored picture, shape (H, W, ...), as its orientation says it is to be shown; a view."""
    if orientation in (5, 6, 7, 8):
        array = np.swapaxes(array, 0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return array[:, ::-1] if orientation in (2, 3, 6, 7) else array


def as_stored(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn a picture that is shown upright, shape (H, W, ...), back to how it is stored; a view."""
    return upright(array, {6: 8, 8: 6}.get(orientation, orientation))


def orientation(image: Image.Image) -> int:
    """The orientation that Exif or XMP of an opened JPEG or PNG states; 1 where there is none that can be read."""
    if not {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"} & image.info.keys():
        return 1
    try:
        found = image.getexif().get(tiff.ORIENTATION, 1)
    except (SyntaxError, ValueError, KeyError, IndexError, TypeError, OSError, struct.error, AttributeError):
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def of_file(data: bytes) -> int:
    """The orientation that a JPEG or PNG states; 1 for any other file."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
            return orientation(image)
    except (OSError, ValueError, SyntaxError):
        return 1
