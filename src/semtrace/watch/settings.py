"""The settings of the watcher, and the three named choices of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

_CHOICES = {
    "method": ("hash", "mse"),
    "hash": ("phash", "dhash"),
    "size": (8, 16, 32),
    "empty": ("archive", "keep"),
    "keeper": ("first", "sharpest", "largest"),
    "against": ("folder", "all"),
    "existing": ("process", "skip"),
}
_RANGES = {
    "confirm": (0.0, 1.0), "confirm_most": (1, 1000), "mse_threshold": (0.0, 65025.0), "depth": (0, 64),
    "poll_s": (0.1, 3600.0), "rescan_s": (1.0, 86400.0), "quiet_s": (0.0, 86400.0),
    "unreadable_after_s": (0.0, 86400.0), "workers": (0, 256),
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
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
        ValueError: a value is out of range.

    """

    method: str = "hash"
    hash: str = "phash"
    size: int = 8
    threshold: int = 11
    confirm: float = 0.5
    confirm_most: int = 8
    mse_threshold: float = 25.0
    empty: str = "archive"
    keeper: str = "first"
    against: str = "folder"
    existing: str = "process"
    extensions: list[str] = field(default_factory=lambda: ["bmp", "png", "tif", "tiff", "jpg", "jpeg"])
    depth: int = 4
    poll_s: float = 2.0
    rescan_s: float = 600.0
    quiet_s: float = 10.0
    unreadable_after_s: float = 60.0
    state: str = ""
    workers: int = 2

    def __post_init__(self) -> None:
        if self.method == "opencv":  # the word of the document that asked for this
            object.__setattr__(self, "method", "mse")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"watch.{name} is {getattr(self, name)!r}; it must be one of {choices}")
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"watch.{name} is {getattr(self, name)}; it must be {low} to {high}")
        if not 1 <= self.threshold <= self.size**2:
            raise ValueError(f"watch.threshold is {self.threshold}; it must be 1 to {self.size**2} bits")
        if not self.extensions or any(not word or word.strip(".") != word for word in self.extensions):
            raise ValueError(f"watch.extensions is {self.extensions}; write words without a dot, such as [bmp, png]")
        if self.state.startswith(("\\\\", "//")):
            raise ValueError(f"watch.state is {self.state!r}; SQLite needs a local disk, not a share")


PRESETS = {
    "default": Settings(),
    "loose": replace(Settings(), confirm=0.25),
    "seed": replace(Settings(), threshold=5, confirm=0.0, empty="keep"),
}
"""conf/watch/<name>.yaml says the same, for projects; a test compares them."""
