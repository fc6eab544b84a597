"""The settings of the watcher, and the three named choices of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from semtrace.stage.settings import Number, Section, Whole


def _method(value: Any) -> Any:
    """The method's name; ``opencv`` is the word of the document that asked for squared errors."""
    return "mse" if value == "opencv" else value


class Settings(Section, section="watch"):
    """When two pictures are similar, and when a folder is complete.

    Attributes:
        method: ``hash`` (perceptual hash, confirmed by fine structure) or ``mse`` (mean squared error, equal sizes).
        hash: ``phash`` or ``dhash``.
        size: bits of the hash along a side: 8, 16 or 32.
        threshold: hashes nearer than this are candidates, bits of size².
        confirm: least likeness (high-pass correlation, 0 to 1) of a candidate; 0: the hash alone decides.
        confirm_most: nearest kept pictures that are looked at for it.
        mse_threshold: with ``mse``: similar below this, squared grey levels of 8 bits.
        empty: ``archive`` puts empty frames away; ``keep`` treats them as any picture.
        keeper: which of similar pictures comes first and is kept: ``first`` by name, ``sharpest`` or ``largest``.
        against: compare with the kept pictures of the same ``folder``, or of ``all`` folders.
        existing: what lies there at the first start: ``process`` or ``skip``.
        extensions: file names that may hold pictures; the content decides.
        depth: levels of folders below the watched one.
        poll_s: seconds between two looks.
        rescan_s: seconds after which a finished folder is listed again though nothing seems to have changed.
        quiet_s: seconds that a file must stay the same.
        unreadable_after_s: seconds after which a folder no longer waits for a file that does not decode.
        state: file of the journal, on a local disk; empty: ``data/watch/<name of the folder>.sqlite``.
        workers: processes that read pictures; 0: one per core. No result depends on it.

    Raises:
        SettingsError: a value is out of range.

    """

    method: Annotated[Literal["hash", "mse"], BeforeValidator(_method)] = "hash"
    hash: Literal["phash", "dhash"] = "phash"
    size: Literal[8, 16, 32] = 8
    threshold: Annotated[Whole, Field(ge=1)] = 11
    confirm: Annotated[Number, Field(ge=0, le=1)] = 0.5
    confirm_most: Annotated[Whole, Field(ge=1, le=1000)] = 8
    mse_threshold: Annotated[Number, Field(ge=0, le=65025)] = 25.0
    empty: Literal["archive", "keep"] = "archive"
    keeper: Literal["first", "sharpest", "largest"] = "first"
    against: Literal["folder", "all"] = "folder"
    existing: Literal["process", "skip"] = "process"
    extensions: list[str] = Field(default_factory=lambda: ["bmp", "png", "tif", "tiff", "jpg", "jpeg"])
    depth: Annotated[Whole, Field(ge=0, le=64)] = 4
    poll_s: Annotated[Number, Field(ge=0.1, le=3600)] = 2.0
    rescan_s: Annotated[Number, Field(ge=1, le=86400)] = 600.0
    quiet_s: Annotated[Number, Field(ge=0, le=86400)] = 10.0
    unreadable_after_s: Annotated[Number, Field(ge=0, le=86400)] = 60.0
    state: str = ""
    workers: Annotated[Whole, Field(ge=0, le=256)] = 2

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.threshold > self.size**2:
            raise ValueError(f"watch.threshold is {self.threshold}; it must be 1 to {self.size**2} bits")
        if not self.extensions or any(not word or word.strip(".") != word for word in self.extensions):
            raise ValueError(f"watch.extensions is {self.extensions}; write words without a dot, such as [bmp, png]")
        if self.state.startswith(("\\\\", "//")):
            raise ValueError(f"watch.state is {self.state!r}; SQLite needs a local disk, not a share")
        return self


PRESETS = {
    "default": Settings(),
    "loose": replace(Settings(), confirm=0.25),
    "seed": replace(Settings(), threshold=5, confirm=0.0, empty="keep"),
}
"""conf/watch/<name>.yaml says the same, for projects; a test compares them."""
