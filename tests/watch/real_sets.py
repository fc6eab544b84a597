"""The sets of real pictures on which the watcher is measured, and what a rule keeps and loses of them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from semtrace.core.image.frame_range import frame_to_gray8
from semtrace.core.image.shift import field_spectrum, shrink
from semtrace.io.digests import md5
from semtrace.io.frames import Frame, Signature, decode_frame
from semtrace.watch.decide import FrameDecision, decide_frame, in_order
from semtrace.watch.kept import Kept
from semtrace.watch.picture import Picture, measure_picture
from semtrace.watch.settings import Settings

NOWHERE = Signature(0, 0, 0, 0)


@dataclass(frozen=True)
class Scenes:
    """Frames by name, and the scene that each shows; no scene: an empty frame."""

    frames: dict[str, Frame]
    scenes: dict[str, str]


@dataclass(frozen=True)
class Result:
    decisions: dict[str, FrameDecision]
    kept: list[str]
    lost: set[str]


class Views:
    """Pixels out of memory."""

    def __init__(self, frames: Mapping[str, Frame]) -> None:
        self.frames = frames

    def whole(self, picture: Any, top: int) -> Any:
        return frame_to_gray8(self.frames[picture.path].pixels, top)

    def spectrum(self, picture: Any, top: int, shape: tuple[int, int]) -> Any:
        return field_spectrum(shrink(self.whole(picture, top)), shape)


def near_duplicates(shared: Path, prefix: str) -> Scenes:
    """The files of near_duplicates/ that begin with ``prefix``; truth is scenes.csv."""
    folder = shared / "near_duplicates"
    with (folder / "scenes.csv").open(newline="") as file:
        scenes = {row["file"]: row["scene"] for row in csv.DictReader(file) if row["file"].startswith(prefix)}
    return Scenes({name: decode_frame((folder / name).read_bytes()) for name in scenes}, scenes)


def particles(shared: Path) -> Scenes:
    """25 different particles, as cut from their frames."""
    files = sorted((shared / "imaging_flow_cytometry").glob("*.png"))
    return Scenes({f.name: decode_frame(f.read_bytes()) for f in files}, {f.name: f.stem for f in files})


def twice(shared: Path, seed: int, sigma: float = 3.0) -> Scenes:
    """Each particle twice on a noisy background of 144 x 256, the second time moved by a few pixels."""
    rng, frames, scenes = np.random.default_rng(seed), {}, {}
    for name, frame in particles(shared).frames.items():
        cut = frame.pixels.astype(np.float64)
        edge = float(np.median(np.concatenate([cut[0], cut[-1], cut[:, 0], cut[:, -1]])))
        height, width = cut.shape
        for number in range(2):
            top, left = (144 - height) // 2, (256 - width) // 2
            if number:
                top += int(np.clip(rng.integers(-3, 4), -top, 144 - height - top))
                left += int(np.clip(rng.integers(-5, 6), -left, 256 - width - left))
            field = np.full((144, 256), 169.5)
            field[top : top + height, left : left + width] += cut - edge
            frames[f"{name}_{number}"] = Frame(exposed(field, sigma, rng))
            scenes[f"{name}_{number}"] = name
    return Scenes(frames, scenes)


def empty(count: int = 30, sigma: float = 3.0, seed: int = 9) -> Scenes:
    rng = np.random.default_rng(seed)
    frames = {f"empty_{i}": Frame(exposed(np.full((144, 256), 169.5), sigma, rng)) for i in range(count)}
    return Scenes(frames, dict.fromkeys(frames, ""))


def exposed(field: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """A field with noise, as an 8-bit camera gives it."""
    return np.clip(np.rint(field + rng.normal(0, sigma, field.shape)), 0, 255).astype(np.uint8)


def measured(frames: Mapping[str, Frame], settings: Settings) -> list[Picture]:
    """All frames measured with one range, in the order in which they are decided."""

    def once(top: int) -> list[Picture]:
        return [
            measure_picture(name, NOWHERE, md5(f"{name} {frame.pixels.tobytes()!r}".encode()), frame, settings, top)
            for name, frame in frames.items()
        ]

    pictures = once(255)
    top = max(picture.top for picture in pictures)
    return in_order(once(top) if top > 255 else pictures, settings.keeper)


def sort_out(given: Scenes, settings: Settings) -> Result:
    pictures = measured(given.frames, settings)
    decisions = decide_frame(pictures, Kept(settings.size**2 // 64), settings, Views(given.frames))
    by_path = {picture.path: decision for picture, decision in zip(pictures, decisions, strict=True)}
    kept = [path for path, decision in by_path.items() if decision.kind == "unique"]
    return Result(by_path, kept, lost(given.scenes, kept))


def lost(scenes: Mapping[str, str], kept: Sequence[str]) -> set[str]:
    """Scenes without a kept file."""
    return set(scenes.values()) - {""} - {scenes.get(path, "") for path in kept}
