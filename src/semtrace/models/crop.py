"""What of an SEM picture is looked at: the part above its data bar, with a rule for bars that are not found."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.databar import bar_top

Crop = Literal["bar", "none"]
CropRule = Literal["bar", "share", "none"]
MISSED = 0.14
"""Share of the height that is cut off where no bar is found: after lossy compression a bar is no longer seen."""


def picture_rows(gray: NDArray[np.uint8], crop: Crop) -> tuple[int, CropRule]:
    """Number of rows from the top that are picture, and the rule that gave it.

    Args:
        gray: shape (H, W).
        crop: ``none`` keeps everything. ``bar`` cuts at the data bar where one is found, else ``MISSED`` of the
            height: a picture without a bar loses that part too, which costs less than a bar that stays.

    Returns:
        1 to H, and ``bar`` (found), ``share`` (not found) or ``none``.

    """
    height = len(gray)
    if crop == "none":
        return height, "none"
    top = bar_top(gray)
    if top < height:
        return max(top, 1), "bar"
    return max(height - round(height * MISSED), 1), "share"
