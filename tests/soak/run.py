"""The long run: very many thumbnails through inventory, fingerprint and match, watched from outside.

The memory of the process and of its workers must stay flat within a tenth; descriptors stay constant; a log grows by a
line with the time that is left every few seconds; and every published image is traced to its own original.

Usage: python -m tests.soak.run [--files 100000]
"""

from __future__ import annotations

import argparse
import csv
import io
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
from PIL import Image

PROJECT = Path(__file__).resolve().parents[2]
STAGES = (["inventory"], ["fingerprint", "tiff"], ["fingerprint", "jpeg"], ["match"])
BLOCKS, TOLERANCE = 10, 0.10  # blocks of a phase; growth of memory from the second of them on
SILENCE = 30  # seconds without a line, also between two commands
PUBLISHED = 10  # one picture in so many is published
HEIGHT, WIDTH = 48, 64


def header() -> bytes:
    """What comes before the pixels of an uncompressed 8-bit grey TIFF of one strip."""
    size = HEIGHT * WIDTH
    tags = [(256, WIDTH), (257, HEIGHT), (258, 8), (259, 1), (262, 1), (273, 126), (277, 1), (278, HEIGHT), (279, size)]
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + directory + bytes(4) + bytes(4)


def make(root: Path, files: int) -> None:
    """``files`` different thumbnails in folders of a thousand, and a JPEG of every tenth."""
    start = header()
    for block in range(0, files, 1000):
        folder, rng = root / f"archive/{block // 1000:03}", np.random.default_rng(block)
        folder.mkdir(parents=True)
        (root / f"published/{('Tips', 'Powder')[block // 1000 % 2]}").mkdir(parents=True, exist_ok=True)
        for i in range(block, min(block + 1000, files)):
            pixels = rng.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
            (folder / f"img_{i:06}.tif").write_bytes(start + pixels.tobytes())
            if i % PUBLISHED == 0:
                data = io.BytesIO()
                Image.fromarray(pixels).save(data, "JPEG", quality=90)
                category, number = ("Tips", 5) if block // 1000 % 2 == 0 else ("Powder", 4)
                (root / f"published/{category}/L{number}_{i:032x}.jpg").write_bytes(data.getvalue())
    (root / "known").mkdir()


class Seen(NamedTuple):
    """One look: when; resident bytes and descriptors of the process, and of the largest of its workers."""

    moment: float
    parent: int
    worker: int
    parent_opened: int
    worker_opened: int


class Watch:
    """Runs one verb and notes, ten times a second, what it and its workers hold while there are workers."""

    def __init__(self) -> None:
        self.seen: dict[str, list[Seen]] = defaultdict(list)
        self.silence = 0.0
        self.seconds: dict[str, float] = {}
        self._last = 0.0

    def run(self, verb: list[str], folder: Path, workers: int) -> None:
        command = [sys.executable, "-m", "semtrace.cli", *verb, "--workers", str(workers)]
        begin = self._last = time.monotonic()
        with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
            reader = threading.Thread(target=self._read, args=(process,))
            reader.start()
            while process.poll() is None:
                self._look(psutil.Process(process.pid), self.seen[" ".join(verb)])
                time.sleep(0.1)
            reader.join()
        self.seconds[" ".join(verb)] = time.monotonic() - begin
        self.silence = max(self.silence, time.monotonic() - self._last)
        if process.returncode:
            raise SystemExit(f"{' '.join(verb)} ended with exit code {process.returncode}")

    def _read(self, process: subprocess.Popen[str]) -> None:
        for line in process.stderr or ():
            now = time.monotonic()
            self.silence, self._last = max(self.silence, now - self._last), now
            print(f"{now - START:7.1f} s  {line}", end="", flush=True)

    def _look(self, process: psutil.Process, seen: list[Seen]) -> None:
        try:
            workers = process.children(recursive=True)
            held = [part.memory_info().rss for part in (process, *workers)]
            opened = [part.num_fds() for part in (process, *workers)]
        except psutil.Error:  # one ended meanwhile
            return
        if workers:
            seen.append(Seen(time.monotonic(), held[0], max(held[1:]), opened[0], max(opened[1:])))


def report(verbs: dict[str, list[Seen]]) -> list[str]:
    """Print the tenths of every verb's work; what is not as it must be."""
    wrong = []
    for what, looks in verbs.items():
        if len(looks) < 2 * BLOCKS:
            wrong.append(f"{what}: too quick to say anything; take more files")
            continue
        start, end = looks[0].moment, looks[-1].moment
        blocks: dict[int, list[Seen]] = defaultdict(list)
        for seen in looks:
            blocks[min(int(BLOCKS * (seen.moment - start) / (end - start)), BLOCKS - 1)].append(seen)
        print(f"\n{what}: {end - start:.0f} s with workers. MB at each tenth")
        for who, name in (("largest worker", "worker"), ("the process", "parent")):
            held = [statistics.median(getattr(seen, name) for seen in blocks[block]) / 1e6 for block in sorted(blocks)]
            print(f"  {who}:", *(f"{m:.1f}" for m in held))
            growth = max(held[1:]) / held[1] - 1  # in the first kernels and decoders are loaded
            print(f"  {growth:+.1%} after the first")
            if growth > TOLERANCE:
                wrong.append(f"{what}: {who} grew by {growth:.0%}")
        for name in ("parent_opened", "worker_opened"):
            counts = [getattr(seen, name) for seen in looks]
            half = len(counts) // 2
            print(f"  descriptors ({name.partition('_')[0]}): {min(counts)} to {max(counts)}")
            if max(counts[half:]) > max(counts[:half]) + 4:  # a file and its folders are open at one moment or not
                wrong.append(f"{what}: descriptors grew from {max(counts[:half])} to {max(counts[half:])}")
    return wrong


def check(work: Path, files: int) -> list[str]:
    """Compare the tables with what is known: all files are there, every published image is traced to its own."""
    with (work / "inventory/inventory.csv").open(newline="") as file:
        listed = sum(1 for _ in csv.DictReader(file))
    with (work / "match/jpeg_to_tiff.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    own = sum(int(row["jpeg_path"][-36:-4], 16) == int(row["matched_tiff_path"][-10:-4] or -1) for row in rows)
    print(f"\n{listed} listed; {own} of {len(rows)} published images traced to their own original")
    wrong = [] if listed == files else [f"{listed} of {files} files listed"]
    return wrong if own == len(rows) == -(-files // PUBLISHED) else [*wrong, f"{own} of {len(rows)} traced rightly"]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=0)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="semtrace-soak-"))
    try:
        make(root, given.files)
        print(f"{time.monotonic() - START:7.1f} s  {given.files} thumbnails made")
        shutil.copytree(PROJECT / "conf", root / "conf")
        places = [f"dataset.{name}={root / name}" for name in ("archive", "published", "known")]
        call = [sys.executable, "-m", "semtrace.cli", "params", "dataset=archive", *places]
        subprocess.run(call, cwd=root, check=True)
        watch = Watch()
        for verb in STAGES:
            watch.run(verb, root, given.workers)
        wrong = report(watch.seen) + check(root / "data/work", given.files)
        if watch.silence > SILENCE:
            wrong.append(f"{watch.silence:.0f} s without a line")
        print("seconds:", {verb: round(seconds, 1) for verb, seconds in watch.seconds.items()})
        print(f"{time.monotonic() - START:.0f} s in all; longest time without a line {watch.silence:.1f} s")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print(*(f"WRONG: {one}" for one in wrong), sep="\n")
    return bool(wrong)


START = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
