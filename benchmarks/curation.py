"""Curation against the published scripts' way, in CPU time on the same input; ratios only are worth quoting."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import seed_curation
from PIL import Image
from scipy.ndimage import gaussian_filter

from semtrace.core.grouping.exemplars import exemplars
from semtrace.core.hashing.patch_hash import patch_hashes
from semtrace.core.image.structure import Gate, measure
from semtrace.core.volume.blocks import blocks, stretches
from semtrace.curation.cut_blocks import BlockTask, Cutting, cut_block, load_kernels
from semtrace.curation.sources import Source
from semtrace.io.volumes.volume import Reading
from semtrace.io.volumes.write import write_mrc

SIZE = 224


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of this process, and the result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def main() -> None:
    """Run all of it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=512, help="of the volume in voxels (default: %(default)s)")
    parser.add_argument("--hashes", type=int, default=200_000, help="to find exemplars of (default: %(default)s)")
    given = parser.parse_args()
    random = np.random.default_rng(1)
    coarse = gaussian_filter(random.normal(size=(given.side // 4,) * 3), 1.5)
    volume = coarse.repeat(4, 0).repeat(4, 1).repeat(4, 2)
    volume = (volume - volume.min()) / np.ptp(volume) * 200 + random.normal(20, 6, volume.shape)
    gray = volume.clip(0, 255).astype(np.uint8)
    load_kernels()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pieces(gray, folder)
    hashes(random, given.hashes)


def pieces(gray: Any, folder: Path) -> None:
    """Section, crop, gate and hash on three axes; then hash and gate alone."""
    write_mrc(folder / "v.mrc", gray, (8, 8, 8), signed=False)
    source = Source("v", str(folder / "v.mrc"), "volume", "", "identity", Reading("unsigned"), str(folder))
    cutting = Cutting(SIZE, SIZE, "seed", "pad", Gate())
    sides = [stretches(side, SIZE, SIZE, "seed", "pad") for side in gray.shape]
    wanted = {axis: np.arange(gray.shape[axis]) for axis in range(3)}
    tasks = [BlockTask(source, block, wanted) for block in blocks(sides[0], sides[1], sides[2], 512 * 10**6)]
    ours, found = cpu(lambda: sum(len(cut_block(cutting, task)["index"]) for task in tasks))
    some = gray[: min(len(gray), 256), : 2 * SIZE, : 2 * SIZE]
    (folder / "sections").mkdir()
    (folder / "patches").mkdir()
    first, _ = cpu(lambda: seed_curation.cut_sections(some, folder / "sections"))
    second, patches = cpu(lambda: seed_curation.crop_patches(folder / "sections", folder / "patches", SIZE))
    theirs = (first + second) / patches
    print(
        f"section + crop + gate + hash: {found / ours:,.0f} patches per CPU s, {theirs * found / ours:.1f} x the seed"
    )
    batch = np.ascontiguousarray(gray[:128, :SIZE, :SIZE])
    ours, _ = cpu(lambda: patch_hashes(batch, SIZE))
    theirs, _ = cpu(lambda: [imagehash.dhash(Image.fromarray(patch)) for patch in batch])
    print(f"dHash: {ours / len(batch) * 1e6:.0f} us a patch, {theirs / ours:.1f} x imagehash")
    ours, _ = cpu(lambda: measure(batch))
    print(f"gate: {ours / len(batch) * 1e3:.3f} ms a patch")


def hashes(random: np.random.Generator, count: int) -> None:
    """Exemplars of clustered hashes, and against the loop on few."""
    words = random.integers(0, 2**64, count // 5, dtype=np.uint64)[random.integers(0, count // 5, count)]
    for _ in range(4):
        words ^= np.uint64(1) << random.integers(0, 64, count).astype(np.uint64)
    exemplars(words[:100], 12)
    ours, (owner, _) = cpu(lambda: exemplars(words, 12))
    print(f"exemplars of {count:,} hashes: {ours:.2f} CPU s, {len(np.unique(owner)):,} of them")
    few = words[:10_000]
    ours, (owner, _) = cpu(lambda: exemplars(few, 12))
    bits = np.unpackbits(few.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1).astype(bool)
    theirs, kept = cpu(lambda: seed_curation.exemplars(bits, 12))
    same = np.array_equal(kept, np.flatnonzero(owner == np.arange(len(few))))
    print(f"exemplars of {len(few):,}: {theirs / ours:.0f} x the seed's loop, equal: {same}")


if __name__ == "__main__":
    main()
