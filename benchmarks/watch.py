"""The watcher under load: a large folder, faint particles, many folders, idling, squared errors, and peers.

python benchmarks/watch.py                  # all, about 25 minutes on 2 cores
python benchmarks/watch.py --images 500 --folders 50 --only flow idle

Peers are compared where they are installed: imagededup and perception need an environment of their own.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image

SIDE = 512


class Frames:
    """As many different frames as are asked for, quickly: sums of windows of one large scene, with noise."""

    def __init__(self, side: int = SIDE) -> None:
        rng = np.random.default_rng(0)
        self.side = side
        field = np.full((8 * side, 8 * side), 128, np.float32)
        for cell, contrast in ((side // 2, 22), (side // 8, 16), (side // 32, 10)):
            count = 8 * side // cell
            coarse = Image.fromarray(rng.normal(0, contrast, (count, count)).astype(np.float32))
            field += np.asarray(coarse.resize((8 * side, 8 * side), Image.Resampling.BILINEAR))
        self.field = field
        self.noise = rng.normal(0, 3, 4 * side * side).astype(np.float32)

    def __call__(self, number: int) -> NDArray[np.uint8]:
        """Frame of this number, shape (side, side)."""
        rng = np.random.default_rng((1, number))
        (y, x), (v, u) = rng.integers(0, 7 * self.side, (2, 2))
        start = int(rng.integers(0, 3 * self.side * self.side))
        noise = self.noise[start : start + self.side**2].reshape(self.side, self.side)
        window = self.field[y : y + self.side, x : x + self.side] - 128  # two windows: no frame is another one moved
        window = window + self.field[v : v + self.side, u : u + self.side]
        return np.asarray(np.clip(np.rint(window + noise), 0, 255), np.uint8)

    def file(self, number: int, form: str) -> bytes:
        """The same as the bytes of a file."""
        out = io.BytesIO()
        Image.fromarray(self(number)).save(out, form, **({"compress_level": 1} if form == "PNG" else {}))
        return out.getvalue()


class FaintFrames(Frames):
    """Frames of one faint particle each on an even background: all outlines are alike, so hashes tell few apart."""

    def __call__(self, number: int) -> NDArray[np.uint8]:
        """Frame of this number, shape (side, side)."""
        rng = np.random.default_rng((2, number))
        frame = np.full((self.side, self.side), 169.5, np.float32)
        patch, radii = self.side // 2, rng.uniform(0.06, 0.2, 2) * self.side
        y, x = np.indices((patch, patch), np.float32) - patch / 2
        y, x = y - rng.uniform(-0.1, 0.1) * self.side, x - rng.uniform(-0.1, 0.1) * self.side
        turn = rng.uniform(0, np.pi)
        along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        within = (along / radii[0]) ** 2 + (across / radii[1]) ** 2 < 1
        texture = np.zeros((patch, patch), np.float32)
        for down, right in rng.integers(0, 7 * self.side, (2, 2)):  # two windows: no texture is another one moved
            texture += self.field[down : down + patch, right : right + patch] - 128
        place = slice(self.side // 4, self.side // 4 + patch)
        frame[place, place] += np.where(within, rng.uniform(-60, -25) + texture, 0)
        start = int(rng.integers(0, 3 * self.side * self.side))
        noise = self.noise[start : start + self.side**2].reshape(self.side, self.side)
        return np.asarray(np.clip(np.rint(frame + noise), 0, 255), np.uint8)


@dataclass
class Watched:
    """A watcher in a process of its own, with what it used."""

    folder: Path
    words: tuple[str, ...] = ()
    memory: list[int] = field(default_factory=list)
    at_rest: list[tuple[int, int]] = field(default_factory=list)  # memory and open files while no worker lives
    out: list[str] = field(default_factory=list)

    def __enter__(self) -> Watched:
        command = [sys.executable, "-m", "semtrace.cli", "watch", "run", "raw", "--unique", "unique"]
        command += ["--archive", "archive", *self.words]
        (self.folder / "raw").mkdir(parents=True)
        self.process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, text=True)
        self.end = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._sample, daemon=True).start()
        self.until(lambda: bool(self.out))
        return self

    def __exit__(self, *_: object) -> None:
        self.end.set()
        self.process.terminate()
        self.process.wait(60)

    def until(self, condition: Callable[[], bool], seconds: float = 900) -> float:
        """Wait for it; return the seconds that took."""
        begun = time.perf_counter()
        while not condition():
            if time.perf_counter() - begun > seconds or self.process.poll() is not None:
                raise SystemExit(f"it did not come about: {self.out[-3:]}")
            time.sleep(0.05)
        return time.perf_counter() - begun

    def said(self, word: str) -> int:
        """How many lines begin with it."""
        return sum(line.startswith(word) for line in self.out)

    def cpu(self) -> float:
        """Processor seconds used so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.out.append(line.rstrip("\n"))

    def _sample(self) -> None:
        while not self.end.wait(0.5):
            try:
                parent = psutil.Process(self.process.pid)
                tree = [parent, *parent.children(recursive=True)]
                self.memory.append(sum(one.memory_full_info().pss for one in tree))
                if len(tree) == 1:
                    self.at_rest.append((self.memory[-1], parent.num_fds()))
            except psutil.Error:
                continue


def flow(base: Path, frames: Frames, count: int, form: str, rate: float) -> str:
    """One folder of many images, written at a steady pace; they are made before, so that this costs no time then."""
    ready = base / "ready"
    ready.mkdir(parents=True)
    for number in range(count):
        (ready / f"{number}").write_bytes(frames.file(number, form))
    with Watched(base) as watched:
        folder = base / "raw" / "imgs001"
        folder.mkdir()
        begun = time.perf_counter()
        for number in range(count):
            (folder / f"image_{number}.{form.lower()}").write_bytes((ready / f"{number}").read_bytes())
            (ready / f"{number}").unlink()
            time.sleep(max(0.0, begun + (number + 1) / rate - time.perf_counter()))
        wrote = time.perf_counter() - begun
        took = watched.until(lambda: watched.said("Done.") > 0)
    kept = sum(1 for path in (base / "unique").rglob("*.*") if path.is_file())
    put_away = sum(1 for path in (base / "archive").rglob("image*") if path.is_file())
    assert kept + put_away == count, (kept, put_away)
    peak = max(watched.memory) / 1e6
    return (
        f"{count} {type(frames).__name__} of {SIDE} x {SIDE}, {form}, written in {wrote:.0f} s: "
        f"sorted {took:.1f} s after the last write, {kept} kept, {put_away} put away, "
        f"memory at most {peak:.0f} MB{_load()}"
    )


def by_error(base: Path, count: int) -> str:
    """The same number of different frames by squared error; a part of them against brute force."""
    from semtrace.core.image.mse import mse
    from semtrace.io.moves import state_of
    from semtrace.watch.decide import decide_frame, in_order
    from semtrace.watch.kept import Kept
    from semtrace.watch.picture import Picture, PictureJob
    from semtrace.watch.reading import picture_reader
    from semtrace.watch.settings import Settings
    from semtrace.watch.views import FileViews

    frames, rules = Frames(), Settings(method="mse", mse_threshold=25.0)
    base.mkdir()
    jobs = []
    for number in range(count):
        path = base / f"{number}.bmp"
        path.write_bytes(frames.file(number, "BMP"))
        found = state_of(str(path))
        assert found is not None
        jobs.append(PictureJob(str(path), path.name, found, rules))
    begun = time.perf_counter()
    pictures = in_order([one for one in picture_reader(rules)(jobs) if isinstance(one, Picture)], "first")
    read = time.perf_counter() - begun
    begun = time.perf_counter()
    kept = Kept(1)
    decisions = decide_frame(pictures, kept, rules, FileViews(str(base)))
    took = time.perf_counter() - begun
    part, expected = pictures[: min(count, 1000)], list[str]()
    arrays: list[NDArray[np.uint8]] = []
    for picture in part:
        gray = frames(int(Path(picture.path).stem))
        new = not any(mse(gray, other) < 25.0 for other in arrays)
        if new:
            arrays.append(gray)
        expected.append("unique" if new else "similar")
    agree = sum((d.kind == "unique") == (e == "unique") for d, e in zip(decisions, expected, strict=False))
    return (
        f"squared error: {count} frames read in {read:.0f} s, decided in {took:.1f} s, {len(kept)} kept; "
        f"brute force on the first {len(part)}: {agree} decisions agree{_load()}"
    )


def many_folders(base: Path, folders: int, seconds: float, idle: float) -> str:
    """Many small folders at a pace, then none: growth of memory and open files, and what idling costs."""
    frames = Frames(64)
    with Watched(base, ("watch.quiet_s=2",)) as watched:
        begun = time.perf_counter()
        for number in range(folders):
            folder = base / "raw" / f"imgs{number:04}"
            folder.mkdir()
            for image in range(10):
                (folder / f"image_{image}.bmp").write_bytes(frames.file(10 * number + image, "BMP"))
            time.sleep(max(0.0, begun + seconds * (number + 1) / folders - time.perf_counter()))
        watched.until(lambda: watched.said("10 image(s) found") == folders)
        samples = np.array(watched.at_rest)
        time.sleep(20)  # folders that are finished become calm
        before, start = watched.cpu(), time.perf_counter()
        time.sleep(idle)
        share = (watched.cpu() - before) / (time.perf_counter() - start)
    third = len(samples) // 3
    (first, files), (last, more_files) = np.median(samples[third : 2 * third], 0), np.median(samples[2 * third :], 0)
    return (
        f"{folders} folders of 10 in {seconds:.0f} s: memory {first / 1e6:.0f} MB in the second third, "
        f"{last / 1e6:.0f} MB in the last ({100 * (last / first - 1):+.1f} %), open files "
        f"{files:.0f} and {more_files:.0f}, each between two batches of reading; "
        f"idle with all of them finished: {100 * share:.2f} % of a core{_load()}"
    )


def _load() -> str:
    return f" (load {os.getloadavg()[0]:.1f})"


def peers(data: Path) -> str:
    """Kept, lost and seconds on real pictures: semtrace, ImageHash in the loop of the document, and other peers.

    imagededup and perception put away what their own functions name, nearer than 11 of 64 bits (imagededup's default).
    """
    import imagehash

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from semtrace.watch.settings import PRESETS
    from tests.watch import real_sets

    def loop(given: Any) -> list[str]:
        kept: list[tuple[str, Any]] = []
        for name, frame in given.frames.items():
            found = imagehash.phash(Image.fromarray(frame.pixels))
            if not any(found - other < 5 for _, other in kept):
                kept.append((name, found))
        return [name for name, _ in kept]

    def by_imagededup(given: Any) -> list[str]:
        hasher = __import__("imagededup.methods", fromlist=["PHash"]).PHash(verbose=False)
        hashes = {name: hasher.encode_image(image_array=frame.pixels) for name, frame in given.frames.items()}
        away = hasher.find_duplicates_to_remove(encoding_map=hashes, max_distance_threshold=10, num_dist_workers=0)
        return [name for name in hashes if name not in set(away)]

    def by_perception(given: Any) -> list[str]:
        tools = __import__("perception.tools", fromlist=["deduplicate_hashes"])
        hasher = __import__("perception.hashers", fromlist=["PHash"]).PHash()
        found = [(n, hasher.compute(np.dstack([f.pixels] * 3), hash_format="vector")) for n, f in given.frames.items()]
        pairs = tools.deduplicate_hashes(found, threshold=11 / 64, hash_format="vector", hasher=hasher)
        return [name for name in given.frames if name not in {first for first, _ in pairs}]

    sets = {
        "A": real_sets.near_duplicates(data, "caltech"),
        "B": real_sets.near_duplicates(data, "potatoes_two_folders/v1"),
        "wafer": real_sets.near_duplicates(data, "wafer"),
        "C": real_sets.twice(data, 0),
    }
    ways: dict[str, Callable[[Any], list[str]]] = {
        f"semtrace watch={name}": lambda given, rules=rules: real_sets.sort_out(given, rules).kept  # type: ignore[misc]
        for name, rules in PRESETS.items()
    }
    ways["ImageHash, the document's loop"] = loop
    for module, peer in (("imagededup", by_imagededup), ("perception", by_perception)):
        if find_spec(module) is None:
            print(f"{module} is not installed: left out")
        else:
            ways[f"{module} {version(module)}, pHash"] = peer
    lines = [f"{'kept / lost, seconds':<32}" + "".join(f"{name:>20}" for name in sets)]
    for way, sort in ways.items():
        sort(sets["wafer"])  # compiled
        cells = []
        for given in sets.values():
            begun = time.perf_counter()
            kept = sort(given)
            took = time.perf_counter() - begun
            cells.append(f"{len(kept)} / {len(real_sets.lost(given.scenes, kept))}, {took:.2f}")
        lines.append(f"{way:<32}" + "".join(f"{cell:>20}" for cell in cells))
    return "\n".join(lines)


def main() -> None:
    """Run what is asked for and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--folders", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50.0, help="images written each second")
    parser.add_argument("--seconds", type=float, default=180.0, help="over which the folders are written")
    parser.add_argument("--only", nargs="+", default=["flow", "faint", "error", "idle", "peers"])
    parser.add_argument("--forms", nargs="+", default=["BMP", "PNG"])
    given = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="bench-watch-"))
    try:
        for form in given.forms if "flow" in given.only else ():
            print(flow(base / form, Frames(), given.images, form, given.rate), flush=True)
            shutil.rmtree(base / form)
        if "faint" in given.only:
            print(flow(base / "faint", FaintFrames(), given.images, "BMP", given.rate), flush=True)
            shutil.rmtree(base / "faint")
        if "error" in given.only:
            print(by_error(base / "error", given.images), flush=True)
            shutil.rmtree(base / "error")
        if "idle" in given.only:
            print(many_folders(base / "many", given.folders, given.seconds, 30.0), flush=True)
        data = Path(__file__).parents[2] / "shared" / "data"
        if "peers" in given.only and data.is_dir():
            print(peers(data), flush=True)
    finally:
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
