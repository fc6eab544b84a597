"""The source's reader of scale bars (../shared/seeds/004, chapter 2.3) as it describes it: OpenCV and Tesseract.

A stripe by a square of even brightness in the lower part, one stroke of small extent in its left part, the text above
it. The description gives no numbers; those here are ours.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import numpy as np
from numpy.typing import NDArray

_EVEN = 2.0  # grey levels: deviation within the square
_STRIPE = 0.8  # of the picture's width
_LEFT = 0.4  # of the stripe's width
_BIG = 0.05  # of the picture's width
_EXTENT = 0.6  # area of a stroke over that of its box
_UNITS = {"nm": 1e-9, "um": 1e-6, "µm": 1e-6, "μm": 1e-6, "mm": 1e-3}


def read_by_source(gray: NDArray[np.uint8]) -> tuple[float, int] | None:
    """The value of the bar in metres and its pixels; None where the method has no answer."""
    import cv2

    level = _level(gray)
    if level is None:
        return None
    if level < 128:
        gray, level = 255 - gray, 255 - level
    bright = np.where(np.abs(gray.astype(np.int16) - level) <= 10, 255, 0).astype(np.uint8)
    boxes = _boxes(cv2, bright)
    stripes = [box for box, _ in boxes if box[2] >= _STRIPE * gray.shape[1] and box[3] >= 12 and box[1] > len(gray) / 2]
    if len(stripes) != 1:
        return None
    x, y, wide, tall = stripes[0]
    left = gray[y : y + tall, x : x + round(_LEFT * wide)]
    strokes = [
        box for box, area in _boxes(cv2, np.where(left < level / 2, 255, 0).astype(np.uint8))
        if box[2] >= _BIG * gray.shape[1] and box[2] >= 2 * box[3] and area <= _EXTENT * box[2] * box[3]
    ]  # fmt: skip
    if len(strokes) != 1 or strokes[0][1] < 8:
        return None
    found = re.search(r"(\d+) ?(mm|µm|μm|um|nm)", _tesseract(left[: strokes[0][1]]))
    return (float(found[1]) * _UNITS[found[2]], strokes[0][2]) if found else None


def _level(gray: NDArray[np.uint8]) -> float | None:
    """The mean brightness of the most even square in the lower quarter, where it is even."""
    lower, side = gray[len(gray) * 3 // 4 :], max(len(gray) // 50, 12)
    squares = [
        lower[y : y + side, x : x + side]
        for y in range(0, len(lower) - side, side // 2)
        for x in range(0, lower.shape[1] - side, side // 2)
    ]
    if not squares:
        return None
    most_even = min(squares, key=lambda square: float(square.std()))
    return float(most_even.mean()) if most_even.std() <= _EVEN else None


def _boxes(cv2: Any, mask: NDArray[np.uint8]) -> list[tuple[tuple[int, int, int, int], float]]:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [(cv2.boundingRect(contour), float(cv2.contourArea(contour))) for contour in contours]


def _tesseract(part: NDArray[np.uint8]) -> str:
    import cv2

    larger = cv2.resize(part, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    data = bytes(cv2.imencode(".png", larger)[1])
    command = [shutil.which("tesseract") or "tesseract", "stdin", "stdout", "--psm", "7"]
    asked = subprocess.run(command, input=data, capture_output=True, check=True, env={"OMP_THREAD_LIMIT": "1"})
    return asked.stdout.decode("utf-8", "replace")
