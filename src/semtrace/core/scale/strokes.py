"""Horizontal strokes of ink in a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SLIP = 1
"""Pixels that the ends of the rows of one stroke may differ by."""


@dataclass(frozen=True)
class Stroke:
    """A horizontal stroke: columns x0 to x1, rows y0 to y1, ends excluded."""

    x0: int
    x1: int
    y0: int
    y1: int


def strokes(ink: NDArray[np.bool_], shortest: int) -> list[Stroke]:
    """Horizontal strokes: runs of ink, those of neighbouring rows with the same ends taken together."""
    open_: list[Stroke] = []
    done: list[Stroke] = []
    for y, row in enumerate(ink):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.view(np.int8), [0]])))
        runs = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= shortest]
        still: list[Stroke] = []
        for a, b in runs:
            above = next((line for line in open_ if abs(line.x0 - a) <= SLIP and abs(line.x1 - b) <= SLIP), None)
            if above is None:
                still.append(Stroke(a, b, y, y + 1))
            else:
                open_.remove(above)
                still.append(Stroke(min(a, above.x0), max(b, above.x1), above.y0, y + 1))
        done += open_
        open_ = still
    return done + open_


def extents(ink: NDArray[np.bool_], line: Stroke) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many pixels of each column are ink from the line's middle row upwards (with it) and below it."""
    middle = (line.y0 + line.y1 - 1) // 2
    columns = ink[:, line.x0 : line.x1]
    up = np.array([reach(column) for column in columns[: middle + 1][::-1].T], np.int64)
    down = np.array([reach(column) for column in columns[middle + 1 :].T], np.int64)
    return up, np.where(up > 0, down, 0)


def reach(pixels: NDArray[np.bool_]) -> int:
    """How many pixels from the first on are ink."""
    return len(pixels) if pixels.all() else int(np.argmin(pixels))
