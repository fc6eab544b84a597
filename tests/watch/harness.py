"""A watcher on a small tree, with a clock that a test moves by hand."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from semtrace.io.decision_log import DecisionLog
from semtrace.io.digests import md5
from semtrace.io.journal import Item, opened
from semtrace.watch.clock import Clock
from semtrace.watch.console import Console
from semtrace.watch.picture import examine
from semtrace.watch.places import checked
from semtrace.watch.settings import PRESETS, Settings
from semtrace.watch.watcher import Watcher

DEFAULT = PRESETS["default"]


class Hand(Clock):
    """A clock that stands still until it is moved; waiting moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> str:
        return (
            f"2026-01-01T{int(self.seconds) // 3600:02}:{int(self.seconds) // 60 % 60:02}:{int(self.seconds) % 60:02}Z"
        )

    def wait(self, seconds: float) -> None:
        self.seconds += seconds


class World:
    """Folders, and a watcher of them that can be started again."""

    def __init__(self, base: Path, rules: Settings = DEFAULT, **options: bool) -> None:
        self.base, self.rules, self.options = base, rules, options
        self.root, self.unique, self.archive = (base / name for name in ("raw", "unique", "archive"))
        self.state = base / "state" / "raw.sqlite"
        self.root.mkdir(exist_ok=True)
        self.clock = Hand()
        self.lines: list[str] = []
        self.watcher: Watcher | None = None
        self.start()

    def start(self, **changes: object) -> None:
        """A new watcher on the same folders, as after a restart."""
        self.stop()
        self.rules = replace(self.rules, **changes)
        self.journal, self.aside = opened(self.state)
        self.log = DecisionLog(self.state.with_name("raw.watch.jsonl"))
        places = checked(self.root, self.unique, self.archive)
        self.watcher = Watcher(
            places, self.rules, self.journal, self.log, self.clock, Console(self.lines.append),
            lambda jobs: map(examine, jobs), **self.options,
        )  # fmt: skip

    def stop(self) -> None:
        if self.watcher is not None:
            self.journal.close()
            self.log.close()
            self.watcher = None

    def go(self, seconds: float, event: Callable[[float], object] | None = None) -> None:
        """Let time pass, a look every poll_s; ``event`` hears of each second since the call before the look."""
        end, begun = self.clock.seconds + seconds, self.clock.seconds
        while self.clock.seconds < end:
            if event is not None:
                event(self.clock.seconds - begun)
            self.watcher.tick()
            self.clock.wait(self.rules.poll_s)
        self.watcher.tick()

    def put(self, path: str, data: bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file

    def items(self) -> list[Item]:
        return [item for batch in self.journal.batches(str(self.root)) for item in self.journal.items(batch.id)]

    def said(self, word: str) -> list[str]:
        return [line for line in self.lines if word in line]

    def waiting(self) -> dict[str, str]:
        return {row.path: row.reason for row in self.journal.waiting(str(self.root))}


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder and its md5."""
    return {
        path.relative_to(folder).as_posix(): md5(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".semtrace-watch")
    }


def contents(*folders: Path) -> list[str]:
    """The md5 of every file below the folders, sorted: what there is, wherever it lies."""
    return sorted(digest for folder in folders if folder.exists() for digest in tree(folder).values())


def gray(seed: int, shape: tuple[int, int] = (48, 64)) -> np.ndarray:
    """A picture unlike that of any other seed."""
    rng = np.random.default_rng(seed)
    field = np.kron(rng.normal(0, 30, (6, 8)), np.ones((8, 8))) + rng.normal(0, 12, (48, 64))
    return np.clip(128 + np.resize(field, shape), 0, 255).astype(np.uint8)


def picture(seed: int, form: str = "BMP", shape: tuple[int, int] = (48, 64)) -> bytes:
    """The file of a picture unlike that of any other seed."""
    return encoded(gray(seed, shape), form)


def similar(seed: int, form: str = "BMP") -> bytes:
    """The file of a picture that differs from ``picture(seed)`` by a little noise."""
    noisy = gray(seed) + np.random.default_rng(seed + 10**6).normal(0, 1, (48, 64))
    return encoded(np.clip(np.rint(noisy), 0, 255).astype(np.uint8), form)


def encoded(array: np.ndarray, form: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, form)
    return file.getvalue()
