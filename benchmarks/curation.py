"""Curation against the published scripts' way and against its targets; ``--only NAME`` runs one row alone.

Ratios and CPU time count, on the same input. Figures of a busy machine are worth little: its load is printed.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import imagehash
import numpy as np
import seed_curation
from main_job import measured
from PIL import Image
from scipy.ndimage import gaussian_filter

from semtrace.core.grouping.exemplars import exemplars
from semtrace.core.hashing.patch_hash import patch_hashes
from semtrace.core.image.constructed_empties import RECIPES, construct_empty
from semtrace.core.image.patch_texture import patch_texture
from semtrace.core.image.structure import Gate, measure_structure
from semtrace.core.statistics.logistic import fit_logistic
from semtrace.core.statistics.ranking import area_under_curve, found_while_keeping
from semtrace.core.volume.blocks import blocks, stretches
from semtrace.curation.cut_blocks import BlockTask, Cutting, cut_block, load_patch_kernels
from semtrace.curation.patch_features import see
from semtrace.curation.sources import Source
from semtrace.curation.tables import SCORES
from semtrace.io.columns import read_columns
from semtrace.io.files import read_regular
from semtrace.io.images import decode
from semtrace.io.video import write_stack
from semtrace.io.volumes.volume import ReadingChoices
from semtrace.io.volumes.write import write_mrc
from semtrace.models.patch_classifier import PACKAGED, cascade, read_classifier
from semtrace.synthetic.training_patches import training_patches

SIZE = 224
SHARED = Path(__file__).resolve().parents[2] / "shared"
LABELS = SHARED / "cases" / "curation" / "patch_labels.csv"


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of this process, and the result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def main() -> None:
    """Run all rows, or one, and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=ROWS, action="append", metavar="NAME", help=f"one of {', '.join(ROWS)}")
    parser.add_argument("--side", type=int, default=512, help="of the volume in voxels (default: %(default)s)")
    parser.add_argument("--hashes", type=int, default=200_000, help="to find exemplars of (default: %(default)s)")
    given = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # as the command line sets them: a row's own process then forks its workers
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    for name in given.only or ROWS:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name}: ", end="", flush=True)
            ROWS[name](Path(folder), given)


def made_volume(side: int) -> Any:
    """A volume with structure and noise, uint8."""
    random = np.random.default_rng(1)
    coarse = gaussian_filter(random.normal(size=(side // 4,) * 3), 1.5)
    volume = coarse.repeat(4, 0).repeat(4, 1).repeat(4, 2)
    volume = (volume - volume.min()) / np.ptp(volume) * 200 + random.normal(20, 6, volume.shape)
    return volume.clip(0, 255).astype(np.uint8)


def cutting_row(folder: Path, given: argparse.Namespace) -> None:
    """Section, crop, gate and hash on three axes."""
    gray = made_volume(given.side)
    load_patch_kernels()
    write_mrc(folder / "v.mrc", gray, (8, 8, 8), signed=False)
    source = Source("v", str(folder / "v.mrc"), "volume", "", "identity", ReadingChoices("unsigned"), str(folder))
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
    print(f"{found / ours:,.0f} patches per CPU s, {theirs * found / ours:.1f} x the seed")


def dhash_row(folder: Path, given: argparse.Namespace) -> None:
    """A hash against imagehash, and whether they are equal."""
    batch = np.ascontiguousarray(made_volume(256)[:128, :SIZE, :SIZE])
    patch_hashes(batch[:1], SIZE)
    ours, found = cpu(lambda: patch_hashes(batch, SIZE))
    theirs, expected = cpu(lambda: [str(imagehash.dhash(Image.fromarray(patch))) for patch in batch])
    same = [f"{int(word):016x}" for word in found] == expected
    print(f"{ours / len(batch) * 1e6:.0f} us a patch, {theirs / ours:.1f} x imagehash, equal: {same}")


def gate_row(folder: Path, given: argparse.Namespace) -> None:
    """Gate and texture, without a network."""
    batch = np.ascontiguousarray(made_volume(256)[:128, :SIZE, :SIZE])
    measure_structure(batch[:1])
    patch_texture(batch[:1])
    gate, _ = cpu(lambda: measure_structure(batch))
    texture, _ = cpu(lambda: patch_texture(batch))
    print(f"gate {gate / len(batch) * 1e3:.3f} ms, texture {texture / len(batch) * 1e3:.3f} ms a patch")


def clustered(count: int, clusters: int) -> Any:
    """Hashes of which each lies within four bits of one of the clusters."""
    random = np.random.default_rng(1)
    words = random.integers(0, 2**64, clusters, dtype=np.uint64)[random.integers(0, clusters, count)]
    for _ in range(4):
        words ^= np.uint64(1) << random.integers(0, 64, count).astype(np.uint64)
    return words


def _exemplars_of(words: Any, workers: int) -> None:
    exemplars(words[:100], 12)
    start = time.perf_counter()
    used, (owner, _) = cpu(lambda: exemplars(words, 12, workers=workers))
    wall = time.perf_counter() - start
    print(f"{len(words):,} hashes: {used:.1f} CPU s, {wall:.1f} s wall, {len(np.unique(owner)):,} exemplars")


def exemplars_row(folder: Path, given: argparse.Namespace) -> None:
    """200,000 hashes on one core."""
    _exemplars_of(clustered(given.hashes, given.hashes // 5), 1)


def million_row(folder: Path, given: argparse.Namespace) -> None:
    """1,000,000 hashes in 200,000 clusters on two cores."""
    _exemplars_of(clustered(1_000_000, 200_000), 2)


def distinct_row(folder: Path, given: argparse.Namespace) -> None:
    """1,000,000 hashes that are all different, on two cores."""
    _exemplars_of(np.random.default_rng(2).integers(0, 2**64, 1_000_000, dtype=np.uint64), 2)


def loop_row(folder: Path, given: argparse.Namespace) -> None:
    """50,000 hashes against the published loop, in the same order."""
    words = clustered(50_000, 10_000)
    exemplars(words[:100], 12)
    ours, (owner, _) = cpu(lambda: exemplars(words, 12))
    bits = np.unpackbits(words.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1).astype(bool)
    theirs, kept = cpu(lambda: seed_curation.exemplars(bits, 12))
    same = np.array_equal(kept, np.flatnonzero(owner == np.arange(len(words))))
    print(f"50,000 hashes: {theirs / ours:.0f} x the seed's loop, equal: {same}")


MEMORY_SCRIPT = """
import json, sys
from pathlib import Path
from semtrace.curation import crop, import_volumes, section
from semtrace.stage.executor import Executor
root = Path(sys.argv[1]); ex = Executor(2, root / "cache.sqlite")
s = import_volumes.Settings(sample_gb=0); r = s.reading()
import_volumes.run(root / "volumes", root / "import", s, ex)
section.run(root / "volumes", root / "import", root / "section", section.Settings(axes=json.loads(sys.argv[2])), r, ex)
inputs = crop.CropInputs(root / "volumes", root / "import", root / "section", None)
print(crop.run(inputs, root / "raw", crop.Settings(), r, ex).patches)
"""


def _memory(folder: Path, axes: Sequence[int]) -> None:
    """Import, section and crop with two workers; the peak of all processes together, shared pages once."""
    done = measured([sys.executable, "-c", MEMORY_SCRIPT, str(folder), json.dumps(axes)], folder)
    print(f"peak {done.peak_mb:,.0f} MB of all processes, {done.seconds:.0f} s wall")


def memory_row(folder: Path, given: argparse.Namespace) -> None:
    """1,024 cubed, uint16, made on the fly: import, section of three axes, crop."""
    (folder / "volumes").mkdir()
    random = np.random.default_rng(3)
    tile = (gaussian_filter(random.normal(size=(64, 1024, 1024)), 2) * 20_000 + 30_000).clip(0, 65535).astype("<u2")
    header = np.zeros(256, "<i4")
    header[:4] = 1024, 1024, 1024, 6
    header[7:10] = header[:3]
    header[10:13].view("<f4")[:] = 8 * 1024 * 10.0
    header[16:19] = 1, 2, 3
    header[52] = int.from_bytes(b"MAP ", "little")
    header[53] = 0x4444
    with (folder / "volumes" / "v.mrc").open("wb") as file:
        file.write(header.tobytes())
        for number in range(16):
            file.write(np.roll(tile, 64 * number, axis=1).tobytes())
    _memory(folder, [0, 1, 2])


def sparse_row(folder: Path, given: argparse.Namespace) -> None:
    """A sparse MRC of 8 GiB: import, xy sections, crop."""
    (folder / "volumes").mkdir()
    header = np.zeros(256, "<i4")
    header[:4] = 2048, 2048, 1024, 6
    header[7:10] = header[:3]
    header[16:19] = 1, 2, 3
    header[52] = int.from_bytes(b"MAP ", "little")
    header[53] = 0x4444
    with (folder / "volumes" / "v.mrc").open("wb") as file:
        file.write(header.tobytes())
        file.truncate(1024 + 2048 * 2048 * 1024 * 2)
    _memory(folder, [0])


ADDING_SCRIPT = """
import resource, sys
from pathlib import Path
from semtrace.curation import crop, deduplicate, import_volumes, section
from semtrace.stage.executor import Executor
root = Path(sys.argv[1]); volumes = root / "volumes"

def used():
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)

def run(cache, out):
    ex, s = Executor(1, root / cache), import_volumes.Settings()
    reading = s.reading()
    import_volumes.run(volumes, root / "import", s, ex)
    section.run(volumes, root / "import", root / "section", section.Settings(), reading, ex)
    inputs = crop.CropInputs(volumes, root / "import", root / "section", None)
    start = used()
    crop.run(inputs, root / out, crop.Settings(), reading, ex)
    deduplicate.run(root / out, inputs, root / f"{out}_deduplicated", deduplicate.Settings(), reading, ex)
    return used() - start

run("a.sqlite", "raw")
(root / "v20.mrc").rename(volumes / "v20.mrc")
print(run("a.sqlite", "raw"), run("b.sqlite", "full"))
"""


def adding_row(folder: Path, given: argparse.Namespace) -> None:
    """One dataset more beside 20 equal ones: CPU of crop and deduplicate, workers included, against a full run."""
    volumes = folder / "volumes"
    volumes.mkdir()
    gray = made_volume(256)
    for number in range(21):
        write_mrc(volumes / f"v{number:02}.mrc", np.roll(gray, 11 * number, 1), (8, 8, 8), signed=False)
    (volumes / "v20.mrc").rename(folder / "v20.mrc")
    command = [sys.executable, "-c", ADDING_SCRIPT, str(folder)]  # one process forks its workers: their CPU counts
    more, full = map(float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    same = all(
        (folder / stage.replace("full", "raw") / path.name).read_bytes() == path.read_bytes()
        for stage in ("full", "full_deduplicated")
        for path in (folder / stage).iterdir()
        if path.is_file()
    )
    print(f"{more:.2f} CPU s for one more, {full:.2f} for all 21: {more / full:.1%}, equal: {same}")


def video_row(folder: Path, given: argparse.Namespace) -> None:
    """A video to a stack against plain decoding."""
    file = folder / "v.mp4"
    frames = made_volume(512)[:400, :480, :480]
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 480, 480, "yuv420p"
        for picture in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "gray").reformat(format="yuv420p")))
        container.mux(stream.encode())

    def plain() -> int:
        with av.open(str(file)) as container:
            return sum(frame.to_ndarray(format="gray").shape[0] > 0 for frame in container.decode(video=0))

    theirs, count = min((cpu(plain) for _ in range(3)), key=lambda one: one[0])

    def written() -> None:
        (folder / "v.tif").unlink(missing_ok=True)
        write_stack(file, folder / "v.tif", salvage=False)

    ours = min(cpu(written)[0] for _ in range(3))
    print(f"{count} frames: {count / ours:,.0f} a CPU s, {theirs / ours:.2f} x plain PyAV")


def classify_row(folder: Path, given: argparse.Namespace) -> None:
    """The default cascade on generated patches, in one process; with the weights that `make curate` left, if any."""
    patches = [pixels for _, pixels in training_patches(2)][:200]
    names = list(RECIPES)
    patches += [construct_empty(patch, names[i % len(names)], i) for i, patch in enumerate(patches[:50])]
    trained = Path(__file__).resolve().parents[1] / "data" / "work" / "curation" / "train"
    whence = trained if (trained / "model.json").is_file() else PACKAGED
    classifier = read_classifier(whence)
    see(patches[:1], texture=True, network=True)

    def work() -> int:
        texture = see(patches, texture=True, network=False).texture
        _, doubt = cascade(classifier, (0.02, 0.98), texture)
        see([patches[i] for i in np.flatnonzero(doubt)], texture=False, network=True)
        return int(doubt.sum())

    used, doubtful = cpu(work)
    looked = f"the network looked at {doubtful} of {len(patches)}"
    print(f"{len(patches) / used:.1f} patches per CPU s, {looked}, weights: {whence.name}")


def _labelled() -> tuple[list[Any], Any, Any]:
    """Real patches that are informative or not, their classes, and the source of each."""
    with LABELS.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] in ("informative", "uninformative")]
    pictures: dict[str, Any] = {}
    patches, groups = [], []
    for row in rows:
        name = row["file"]
        if name not in pictures:
            pictures = {name: decode(read_regular(str(SHARED / "data" / name))).gray}
        y, x, size = (int(row[key]) for key in ("y", "x", "size"))
        patches.append(np.ascontiguousarray(pictures[name][y : y + size, x : x + size]))
        folder = name.rpartition("/")[0]
        groups.append("bam_tio2" if "zeiss_supra40_bam_tio2" in folder else folder)
    return patches, np.array([row["label"] == "informative" for row in rows]), np.array(groups)


def _told(scores: Any, classes: Any) -> str:
    found = found_while_keeping(scores, classes, 0.95)
    return f"AUC {area_under_curve(scores, classes):.3f}, found at 95 % kept {found:.2f}"


def packaged_row(folder: Path, given: argparse.Namespace) -> None:
    """The packaged weights, and the gate alone, on the real labels of ../shared."""
    if not LABELS.is_file():
        print(f"{LABELS} is not here")
        return
    patches, classes, _ = _labelled()
    seen = see(patches, texture=True, network=True)
    both = read_classifier(PACKAGED).both
    assert both is not None
    scores = both.probability(np.concatenate([seen.texture, seen.network], axis=1))
    structure = np.array([measure_structure(patch[None]).structure[0] for patch in patches])
    stopped = structure < 3
    gate = f"gate alone: informative lost {int((stopped & classes).sum())}, empty found {stopped[~classes].mean():.2f}"
    print(f"{_told(scores, classes)}; {gate}")


def others_row(folder: Path, given: argparse.Namespace) -> None:
    """Trained with the patches of all other sources and empty ones made of them: the real labels of ../shared."""
    if not LABELS.is_file():
        print(f"{LABELS} is not here")
        return
    patches, classes, groups = _labelled()
    good = np.flatnonzero(classes)
    names = [name for name in RECIPES if name != "border"]
    empty = [construct_empty(patches[at], names[i % len(names)], i) for i, at in enumerate(good)]
    seen = see(patches + empty, texture=True, network=True)
    every = np.concatenate([seen.texture, seen.network], axis=1)
    source = np.concatenate([groups, groups[good]])
    kind = np.concatenate([classes, np.zeros(len(empty), bool)])
    known = np.concatenate([classes, np.ones(len(empty), bool)])  # no real empty patch is learned from
    scores = np.zeros(len(patches))
    for name in np.unique(groups):
        rows = known & (source != name)
        weights = np.where(kind[rows], 1 / kind[rows].sum(), 1 / (~kind[rows]).sum())
        model = fit_logistic(every[rows], kind[rows], weights, float(every.shape[1]))
        here = groups == name
        scores[here] = model.probability(every[: len(patches)][here])
    print(f"{len(np.unique(groups))} sources, each held out: {_told(scores, classes)}")


def pipeline_row(folder: Path, given: argparse.Namespace) -> None:
    """``semtrace curate`` on the default input, stage by stage, as `make curate` runs it."""
    start = time.perf_counter()
    work = folder / "work"
    asked = 0.0
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for verb in ("import", "clean", "section", "crop", "deduplicate", "train", "classify", "reconstruct", "show"):
        command = [sys.executable, "-m", "semtrace.cli", "curate", verb, "--work", str(work)]
        one = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        if verb == "classify":
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            asked = after.ru_utime + after.ru_stime - one.ru_utime - one.ru_stime
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    said = (work / "show" / "summary.txt").read_text().splitlines()
    count = len(read_columns(work / "filtered" / "scores.parquet", SCORES)["name"])
    print(f"classify {count / asked:.1f} patches per CPU s, start included; ", end="")
    truth = next((line for line in said if line.startswith("Against truth")), "no truth")
    print(f"{time.perf_counter() - start:.0f} s wall, {seconds:.0f} CPU s. {truth}")


ROWS: dict[str, Callable[[Path, argparse.Namespace], None]] = {
    "cutting": cutting_row, "dhash": dhash_row, "gate": gate_row, "memory": memory_row, "sparse": sparse_row,
    "exemplars": exemplars_row, "million": million_row, "distinct": distinct_row, "loop": loop_row,
    "adding": adding_row, "video": video_row, "classify": classify_row, "packaged": packaged_row,
    "others": others_row, "pipeline": pipeline_row,
}  # fmt: skip


if __name__ == "__main__":
    main()
