"""The CUDA kernels beside pytorch-msssim and torchmetrics on one GPU, inputs resident: SSIM of pairs, Hamming search.

First every kernel is compared with its float64 (or integer) counterpart on the CPU; nothing is timed that is wrong.
Then each contestant works on fresh random images, several times the L2 cache in size, in random order; CUDA events
measure; a ratio is the median of the rounds' ratios. Without a CUDA device nothing is measured.

Usage: python benchmarks/gpu.py [--rounds 9] [--images 512] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hamming_torch
import numpy as np
import torch
from contest import machine

from semtrace.core.gpu.ssim_torch import ssim_pairs
from semtrace.core.hashing import hamming
from semtrace.core.image.ssim import ssim

HEIGHT, WIDTH = 768, 1024
PAIRS = 256  # in one call
PEER_BATCH = 16  # pairs a peer gets at once: it works in float32 with several maps for each
PACKAGES = ("torch", "triton", "numpy", "numba", "pytorch-msssim", "torchmetrics")


def images(count: int, generator: torch.Generator) -> torch.Tensor:
    """Noise on coarse structure, and every second picture a near copy of the one before."""
    coarse = torch.rand((count, 1, HEIGHT // 32, WIDTH // 32), device="cuda", generator=generator)
    out = torch.empty((count, HEIGHT, WIDTH), dtype=torch.uint8, device="cuda")
    for i in range(count):
        smooth = torch.nn.functional.interpolate(coarse[i & ~1][None], (HEIGHT, WIDTH), mode="bicubic")[0, 0] * 200
        noise = torch.randn((HEIGHT, WIDTH), device="cuda", generator=generator) * 12
        out[i] = (smooth + noise + 25).clamp_(0, 255).to(torch.uint8)
    return out


def peers() -> dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]:
    """SSIM by other libraries from uint8 stacks (n, H, W), to one number for each pair."""

    def batched(function: Callable[[Any, Any], Any]) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        def run(stack: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
            parts = pairs.split(PEER_BATCH)
            return torch.cat([function(*(stack[part[:, i], None].float() for i in (0, 1))) for part in parts])

        return run

    found = {}
    if find_spec("pytorch_msssim"):
        from pytorch_msssim import ssim as measured

        found["pytorch-msssim, Gaussian"] = batched(lambda x, y: measured(x, y, data_range=255, size_average=False))
    if find_spec("torchmetrics"):
        from torchmetrics.functional.image import structural_similarity_index_measure as measure

        options = {"data_range": 255.0, "reduction": "none"}
        found["torchmetrics, Gaussian"] = batched(lambda x, y: measure(x, y, **options))
        uniform = options | {"gaussian_kernel": False, "kernel_size": 7}
        found["torchmetrics, uniform"] = batched(lambda x, y: measure(x, y, **uniform))
    return found


def check(generator: torch.Generator) -> dict[str, float]:
    """Largest differences to the CPU kernels, which count in integers and float64; exits where one is too large."""
    stack = images(8, generator)
    stack[5], stack[6], stack[7] = 0, 255, torch.arange(WIDTH, device="cuda") // 512 * 255
    pairs = torch.cartesian_prod(*2 * [torch.arange(8, device="cuda")])
    pictures = stack.cpu().numpy()
    found = ssim_pairs(stack, pairs).cpu().numpy()
    expected = [ssim(pictures[i], pictures[j]) for i, j in pairs.tolist()]
    worst = {"SSIM": float(np.abs(found - expected).max())}
    if max(worst.values()) > 1e-6:
        sys.exit(f"wrong by more than 1e-6, so nothing is timed: {worst}")
    rng = np.random.default_rng(1)
    references = rng.integers(0, 2**64, (5000, 16), dtype=np.uint64)
    references[2500:] = references[:2500]  # ties
    queries = references[:300] ^ np.uint64(5)
    one, other = (
        hamming_torch.nearest_on_device(queries, references, 10, device="cuda"),
        hamming.nearest(queries, references, 10),
    )
    if not all(np.array_equal(one[i], other[i]) for i in (0, 1)):
        sys.exit("the Hamming search differs from the CPU's, so nothing is timed")
    return worst


def milliseconds(function: Callable[[], object]) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    function()
    end.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(end))


def in_turns(contestants: dict[str, Callable[[], object]], renew: Callable[[], None], rounds: int) -> dict[str, Any]:
    """Median milliseconds of each, and how many times faster than the first, round by round."""
    for function in contestants.values():  # compiles, and fills the allocator's pools
        function()
    times: dict[str, list[float]] = {name: [] for name in contestants}
    order = random.Random(1)
    for _ in range(rounds):
        for name in order.sample(list(contestants), len(contestants)):
            renew()
            times[name].append(milliseconds(contestants[name]))
    first = times[next(iter(times))]
    return {
        name: {
            "ms": statistics.median(own),
            "ratio": statistics.median(a / b for a, b in zip(first, own, strict=True)),
        }
        for name, own in times.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--images", type=int, default=512, help="resident pictures of 1024 x 768")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    if not torch.cuda.is_available():
        print("no CUDA device: nothing measured")
        return
    generator = torch.Generator("cuda").manual_seed(1)
    properties = torch.cuda.get_device_properties(0)
    setting = machine(PACKAGES) | {
        "gpu": properties.name,
        "cuda": torch.version.cuda,
        "l2_mb": properties.L2_cache_size / 1e6,
    }
    print(f"{properties.name}, CUDA {torch.version.cuda}, L2 {setting['l2_mb']:.0f} MB, {setting['date']}, "
          f"{setting['versions']}")  # fmt: skip
    print("largest difference to the CPU:", check(generator))

    stack = images(given.images, generator)
    pairs = torch.empty((PAIRS, 2), dtype=torch.int64, device="cuda")

    def renew() -> None:  # other pictures in other pairs, and all the rest of the stack through the cache
        stack.add_(1)
        pairs.copy_(torch.randint(given.images, (PAIRS, 2), device="cuda", generator=generator))
        torch.cuda.synchronize()

    renew()
    contestants: dict[str, Callable[[], object]] = {
        name: partial(function, stack, pairs) for name, function in peers().items()
    }
    contestants["semtrace, uniform"] = lambda: ssim_pairs(stack, pairs)
    found = in_turns(contestants, renew, given.rounds)
    for name, figures in found.items():
        each = figures["ms"] / PAIRS * 1000
        print(
            f"  {name:<34}{each:>10.2f} us a pair {1e6 / each:>10.0f} pairs/s {figures['ratio']:>8.2f} times the first"
        )

    rng = np.random.default_rng(2)
    references = rng.integers(0, 2**64, (38_000, 16), dtype=np.uint64)
    queries = references[rng.integers(0, 38_000, 12_000)] ^ rng.integers(0, 2**64, (12_000, 16), dtype=np.uint64)
    search: dict[str, Callable[[], object]] = {
        "Hamming top 10, 12,000 x 38,000": lambda: hamming_torch.nearest_on_device(
            queries, references, 10, device="cuda"
        )
    }
    searched = in_turns(search, lambda: None, given.rounds)
    for name, figures in searched.items():
        print(f"  {name}, transfers included: {figures['ms']:.2f} ms")
    found |= searched
    if given.json:
        given.json.write_text(json.dumps({**setting, "contests": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
