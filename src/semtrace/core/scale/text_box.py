"""A piece of text in a picture, as an OCR engine gives it."""

from __future__ import annotations

from typing import NamedTuple


class TextBox(NamedTuple):
    """A piece of text and the pixels that it covers: columns ``x0`` to ``x1``, rows ``y0`` to ``y1``, ends excluded."""

    text: str
    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def height(self) -> int:
        """Rows that the text covers."""
        return self.y1 - self.y0

    def moved(self, right: int, down: int, zoom: float = 1.0) -> TextBox:
        """The box in a picture of which the text's picture is a part, enlarged ``zoom`` times."""
        x0, y0, x1, y1 = (round(value / zoom) for value in self[1:])
        return TextBox(self.text, x0 + right, y0 + down, x1 + right, y1 + down)

    def clipped(self, width: int, height: int) -> TextBox:
        """The part of the box inside a picture of this size."""
        x0, x1 = (min(max(x, 0), width) for x in (self.x0, self.x1))
        y0, y1 = (min(max(y, 0), height) for y in (self.y0, self.y1))
        return TextBox(self.text, x0, y0, x1, y1)
