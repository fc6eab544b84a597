"""Why the bytes of a file give no picture."""

from __future__ import annotations

import re
from typing import Literal

Reason = Literal["empty_file", "not_an_image", "truncated", "corrupt", "unsupported", "too_large"]


class UnreadableImage(ValueError):  # noqa: N818  (a finding about a file, not a fault of the program)
    """The bytes give no picture.

    Attributes:
        reason: ``empty_file``; ``not_an_image`` (no format that holds pictures); ``truncated`` (ends too early);
            ``corrupt`` (damaged); ``unsupported`` (sound, but a variant that nothing here decodes);
            ``too_large`` (more than ``decoders.MAX_PIXELS``).
        detail: one line for people. The same bytes always give the same line.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason: Reason = reason
        self.detail = re.sub(r"<[^<>]* at 0x[0-9a-fA-F]+>", "data", " ".join(detail.split()))[:300]
        super().__init__(f"{reason}: {self.detail}")

    def __reduce__(self) -> tuple[type[UnreadableImage], tuple[Reason, str]]:
        """Pickle both arguments: a worker process sends it home."""
        return type(self), (self.reason, self.detail)


def unsupported(what: str) -> UnreadableImage:
    """Sound, but nothing here decodes it."""
    return UnreadableImage("unsupported", f"{what}: convert it to plain TIFF")


def by_decoder(error: Exception, *, cut: bool) -> UnreadableImage:
    """What the exception of a general decoder says of a file.

    Args:
        error: of Pillow, libtiff by way of Pillow, or tifffile.
        cut: whether the file ends too early.

    Raises:
        MemoryError: there was no room, which says nothing about the file.
    """
    detail = f"{type(error).__name__} {error}"
    if isinstance(error, MemoryError) or detail.endswith("decoder error -9") or "out of memory" in detail:
        raise MemoryError from None
    return UnreadableImage("truncated" if cut or "truncated" in detail else "corrupt", detail)
