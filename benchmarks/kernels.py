"""The kernels beside their peers: hashing, Hamming search, SSIM, mean squared error, start-up time.

Peers that are not installed are left out; `pip install --constraint constraints.txt '.[bench]'` brings them all.
Inputs are synthetic, and real ones where ../shared/data is.

Usage: python benchmarks/kernels.py [--rounds 9] [--only WORD] [--json FILE]
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from contest import Contest, Contestant, Report, answer, machine, over
from PIL import Image, ImageOps
from self_join import self_join
from ssim_gaussian import ssim_gaussian

from semtrace.core.hashing import hamming, phash
from semtrace.core.image.mse import mse
from semtrace.core.image.ssim import ssim
from semtrace.io.images import decode
from semtrace.synthetic.generate import generate
from semtrace.synthetic.settings import Settings

PROJECT = Path(__file__).resolve().parent.parent
REAL = PROJECT.parent / "shared" / "data"
PACKAGES = ("numpy", "numba", "Pillow", "ImageHash", "scipy", "scikit-image", "faiss-cpu", "usearch", "torch",
            "pytorch-msssim", "torchmetrics")  # fmt: skip
Array = np.ndarray[Any, Any]


# --- hashing


def by_imagehash(source: Path | Array) -> str:
    import imagehash

    image = Image.fromarray(source) if isinstance(source, np.ndarray) else Image.open(source)
    return str(imagehash.phash(ImageOps.autocontrast(ImageOps.equalize(image.convert("L"))), hash_size=32))


def by_semtrace(source: Path | Array) -> str:
    gray = source if isinstance(source, np.ndarray) else decode(source.read_bytes()).gray
    return phash.to_hex(phash.phash(gray))


def eight_bit(folder: Path, kind: str) -> list[Path]:
    """Image files of one format that Pillow makes grey as people expect: 8 bits a sample."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower().startswith((".tif", ".jp")):
            try:
                facts = decode(path.read_bytes()).facts
            except ValueError:
                continue
            if facts.format == kind and facts.bit_depth == 8 and facts.mode in ("L", "P", "RGB"):
                found.append(path)
    return found


def hashing(sources: list[Any]) -> Contest | str:
    if not sources:
        return "no images here"
    return Contest(
        "image", 1e3, "ms",
        {"ImageHash on Pillow": over(by_imagehash, sources), "semtrace": over(by_semtrace, sources)},
        lambda a, b: f"{sum(x == y for x, y in zip(a, b, strict=True))} of {len(a)} identical",
    )  # fmt: skip


def images(data: Path, kind: str, real: bool) -> list[Path]:
    if real:
        return eight_bit(REAL / ("sem_tiff" if kind == "TIFF" else "sem_jpeg_png"), kind)
    return eight_bit(data / ("archive" if kind == "TIFF" else "published"), kind)[:24]


# --- Hamming


def hashes(count: int, copies: int, seed: int) -> tuple[Array, Array]:
    """Random references, and queries near some of them, up to 40 bits away."""
    rng = np.random.default_rng(seed)
    references = rng.integers(0, 2**64, (count, 16), dtype=np.uint64)
    queries = references[rng.integers(0, count, copies)]
    for _ in range(40):
        bit = np.uint64(1) << rng.integers(0, 64, copies).astype(np.uint64)
        queries[np.arange(copies), rng.integers(0, 16, copies)] ^= bit
    return references, queries


def published_hashes() -> tuple[Array, Array] | None:
    """The published NFFA tables: originals, and JPEGs."""
    folder = REAL / "nffa_hashes"
    if not folder.is_dir():
        return None

    def read(files: list[Path]) -> Array:
        lines = [line for file in files for line in file.read_text().splitlines()[1:]]
        return phash.from_hex_many([line.rsplit(",", 1)[1] for line in lines])

    return read([folder / "tiff_hashes.csv"]), read(sorted((folder / "jpeg").glob("*.csv")))


def top_ten(references: Array, queries: Array) -> Contest:
    few, fewer, part = queries[:1200], queries[:20], references[:1000]

    def ours(workers: int) -> tuple[Array, Array]:
        return hamming.nearest(queries, references, 10, workers=workers)

    contestants = {"semtrace": Contestant(ours, len(queries) * len(references))}
    if find_spec("faiss"):
        contestants = {"faiss IndexBinaryFlat": _faiss(references, queries), **contestants}
    if find_spec("usearch"):
        contestants["usearch exact"] = _usearch(references, few)
    contestants["Python loop over ImageHash"] = _loop(part, fewer)

    def check(a: Any, b: Any) -> str:
        n = len(b[1])
        if len(part) < len(references) and n == len(fewer):
            a = hamming.nearest(fewer, part, 10)
        same = np.array_equal(a[1][:n], b[1])
        ties = float((a[0][:n] == b[0]).mean())
        return f"distances {'equal' if same else 'DIFFER'}, indices equal {100 * ties:.1f} %"

    return Contest("pair of hashes", 1e9, "ns", contestants, check, rounds=5)


def _faiss(references: Array, queries: Array) -> Contestant:
    import faiss

    index = faiss.IndexBinaryFlat(1024)
    index.add(references.view(np.uint8))

    def run(workers: int) -> tuple[Array, Array]:
        faiss.omp_set_num_threads(workers)
        distances, indices = index.search(queries.view(np.uint8), 10)
        return indices, distances

    return Contestant(run, len(queries) * len(references))


def _usearch(references: Array, queries: Array) -> Contestant:
    from usearch.index import MetricKind, search

    def run(workers: int) -> tuple[Array, Array]:
        found = search(references.view(np.uint8), queries.view(np.uint8), 10, MetricKind.Hamming, exact=True,
                       threads=workers)  # fmt: skip
        return found.keys.astype(np.int64), found.distances.astype(np.int32)

    return Contestant(run, len(queries) * len(references))


def _loop(references: Array, queries: Array) -> Contestant:
    import imagehash

    left, right = (
        [imagehash.ImageHash(np.unpackbits(row.astype(">u8").view(np.uint8)).reshape(32, 32) == 1) for row in table]
        for table in (queries, references)
    )

    def run(_: int) -> tuple[Array, Array]:
        best = []
        for query in left:
            distances = [query - other for other in right]
            best.append(sorted(zip(distances, range(len(right)), strict=True))[:10])
        pairs = np.array(best)
        return pairs[:, :, 1], pairs[:, :, 0]

    return Contestant(run, len(queries) * len(references))


def near_pairs() -> Contest | str:
    table, copies = hashes(140_000, 10_000, 3)
    table = np.concatenate([table, copies])
    some = table[-3000:]

    def ours(workers: int) -> set[tuple[int, int, int]]:
        pairs, distances = self_join(table, 120, workers=workers)
        return {(i, j, d) for (i, j), d in zip(pairs.tolist(), distances.tolist(), strict=True)}

    n = len(table)
    contestants = {"semtrace, 150,000 hashes": Contestant(ours, n * (n - 1) // 2)}
    if find_spec("faiss"):
        import faiss

        index = faiss.IndexBinaryFlat(1024)
        index.add(table.view(np.uint8))

        def theirs(workers: int) -> set[tuple[int, int, int]]:
            faiss.omp_set_num_threads(workers)
            limits, distances, indices = index.range_search(some.view(np.uint8), 120)
            query = np.repeat(np.arange(n - len(some), n), np.diff(limits.astype(np.int64)))
            triples = zip(query.tolist(), indices.tolist(), distances.tolist(), strict=True)
            return {(min(i, j), max(i, j), int(d)) for i, j, d in triples if i != j}

        contestants = {"faiss range_search, 3,000 of them": Contestant(theirs, n * len(some)), **contestants}

    def check(a: Any, b: Any) -> str:
        late = {triple for triple in b if triple[1] >= n - len(some)}
        return f"{len(b)} pairs; those of the 3,000 {'equal' if a == late else 'DIFFER'}"

    return Contest("pair of hashes", 1e9, "ns", contestants, check, rounds=3)


# --- comparing pictures


def pairs(data: Path, real: bool) -> list[tuple[Array, Array]]:
    """Pictures of 1024 x 768 beside themselves as a JPEG of quality 75."""
    made = []
    for path in images(data, "TIFF", real):
        gray = decode(path.read_bytes()).gray
        if gray.shape[1] >= 1024 and gray.shape[0] >= 700:
            buffer = io.BytesIO()
            gray = np.ascontiguousarray(gray[:768, :1024])
            Image.fromarray(gray).save(buffer, "JPEG", quality=75)
            made.append((gray, decode(buffer.getvalue()).gray))
    return made[:4]


def by_scikit_image(pair: tuple[Array, Array], options: dict[str, Any]) -> float:
    from skimage.metrics import structural_similarity

    return float(structural_similarity(*pair, data_range=255, **options))


def by_kernel(pair: tuple[Array, Array], kernel: Callable[[Array, Array], float]) -> float:
    return kernel(*pair)


def similarity(data: Path, real: bool, gaussian: bool) -> Contest | str:
    couples = pairs(data, real)
    if not couples:
        return "no images here"
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False} if gaussian else {}
    contestants = {
        "scikit-image": over(partial(by_scikit_image, options=options), couples),
        "semtrace": over(partial(by_kernel, kernel=ssim_gaussian if gaussian else ssim), couples, times=16),
    }
    if find_spec("torchmetrics"):
        from torchmetrics.functional.image import structural_similarity_index_measure as measure

        how = {"gaussian_kernel": True, "sigma": 1.5} if gaussian else {"gaussian_kernel": False, "kernel_size": 7}
        contestants["torchmetrics"] = _torch(lambda x, y: measure(x, y, data_range=255.0, **how), couples)
    if gaussian and find_spec("pytorch_msssim"):
        from pytorch_msssim import ssim as measured

        contestants["pytorch-msssim"] = _torch(lambda x, y: measured(x, y, data_range=255), couples)
    return Contest("pair of pictures", 1e3, "ms", contestants, _furthest)


def _torch(function: Callable[[Any, Any], Any], couples: list[tuple[Array, Array]]) -> Contestant:
    def run(workers: int) -> list[float]:
        import torch

        torch.set_num_threads(workers)
        with torch.no_grad():
            return [
                float(function(*(torch.from_numpy(p.copy())[None, None].float() for p in pair))) for pair in couples
            ]

    return Contestant(run, len(couples))


def _furthest(a: list[float], b: list[float]) -> str:
    return f"differs by {max(abs(x - y) for x, y in zip(a, b, strict=True)):.1e} at most"


def by_numpy(pair: tuple[Array, Array]) -> float:
    return float(((pair[0].astype(np.float64) - pair[1]) ** 2).mean())


def squared_error(data: Path) -> Contest:
    couples = pairs(data, real=False)
    contestants = {
        "numpy": over(by_numpy, couples, times=16),
        "semtrace": over(partial(by_kernel, kernel=mse), couples, times=256),
    }
    return Contest("pair of pictures", 1e3, "ms", contestants, _furthest)


# --- start-up


def start_up() -> Contest:
    def process(*command: str) -> Contestant:
        def run(_: int) -> str:
            return subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True).stdout

        return Contestant(run, 1)

    contestants = {
        "python -c pass": process("-c", "pass"),
        "semtrace --help": process("-m", "semtrace.cli", "--help"),
    }
    agreement = "wall time here, too"
    return Contest("start", 1e3, "ms", contestants, lambda a, b: agreement, rounds=25, processes=True)


CONTESTS: dict[str, Callable[[Path], Contest | str]] = {
    "TIFF to hash, synthetic": lambda data: hashing(images(data, "TIFF", real=False)),
    "TIFF to hash, real": lambda data: hashing(images(data, "TIFF", real=True)),
    "JPEG to hash, synthetic": lambda data: hashing(images(data, "JPEG", real=False)),
    "JPEG to hash, real": lambda data: hashing(images(data, "JPEG", real=True)),
    "array to hash": lambda data: hashing([decode(p.read_bytes()).gray for p in images(data, "TIFF", real=False)]),
    "Hamming top 10, 12,000 x 38,000": lambda _: top_ten(*hashes(38_000, 12_000, 2)),
    "Hamming top 10, published tables": lambda _: top_ten(*tables) if (tables := published_hashes()) else "no tables",
    "Hamming self-join": lambda _: near_pairs(),
    "SSIM uniform, synthetic": lambda data: similarity(data, real=False, gaussian=False),
    "SSIM uniform, real": lambda data: similarity(data, real=True, gaussian=False),
    "SSIM Gaussian, synthetic": lambda data: similarity(data, real=False, gaussian=True),
    "SSIM Gaussian, real": lambda data: similarity(data, real=True, gaussian=True),
    "mean squared error": squared_error,
    "start-up": lambda _: start_up(),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", metavar="WORD", help="contests with this in their name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    for name in ("--contest", "--way", "--data"):  # how the program calls itself
        parser.add_argument(name, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contest:
        answer(CONTESTS[given.contest](Path(given.data)), given.way, given.rounds)
        return
    setting = machine(PACKAGES)
    print(f"{setting['processor']}, {setting['cores']} cores, load {setting['load']}, {setting['date']}, Python "
          f"{setting['python']}\n" + ", ".join(f"{k} {v}" for k, v in setting["versions"].items()))  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="semtrace-bench-") as name:
        generate(Settings(seed=1, originals=60, published=40), Path(name) / "data")
        report = Report(Path(__file__).resolve(), ["--rounds", str(given.rounds), "--data", str(Path(name) / "data")])
        for contest in CONTESTS:
            if given.only.lower() in contest.lower():
                report.measure(contest)
    if given.json:
        given.json.write_text(json.dumps({**setting, "contests": report.figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
