"""What runs on a GPU gives the answers of the CPU kernels; here on CPU tensors, and in Triton's interpreter."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.core.image.ssim import ssim

torch = pytest.importorskip("torch")


def stack(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Noise, a near copy of it, black, white, half-planes, a checkerboard, and a bright flat picture."""
    noise = rng.integers(0, 256, (height, width), dtype=np.uint8)
    near = np.clip(noise + rng.normal(0, 8, noise.shape), 0, 255).astype(np.uint8)
    half = (np.arange(width) < width // 2).astype(np.uint8)[None].repeat(height, 0) * 255
    board = (np.indices((height, width)).sum(0) % 2 * 255).astype(np.uint8)
    flat = rng.integers(253, 256, (height, width), dtype=np.uint8)
    return np.stack([noise, near, np.zeros_like(noise), np.full_like(noise, 255), half, board, flat])


ALL = np.stack(np.meshgrid(np.arange(7), np.arange(7), indexing="ij"), -1).reshape(-1, 2)


@settings(deadline=None, max_examples=25)
@given(st.integers(11, 40), st.integers(11, 40), st.integers(1, 2), st.integers(0, 2**32))
def test_ssim_of_pairs_equals_the_cpu_kernel(height: int, width: int, memory_mb: int, seed: int):
    from semtrace.core.gpu.ssim_torch import ssim_pairs

    rng = np.random.default_rng(seed)
    images = stack(rng, height, width)
    mask = rng.random((height, width)) < 0.5
    mask[height // 2, width // 2] = True
    for cover in (None, mask):
        found = ssim_pairs(
            torch.from_numpy(images),
            torch.from_numpy(ALL),
            mask=None if cover is None else torch.from_numpy(cover),
            memory_mb=memory_mb,
        )
        expected = [ssim(images[i], images[j], cover) for i, j in ALL]
        np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-9)


def test_the_smallest_pictures_and_no_pairs():
    from semtrace.core.gpu.ssim_torch import ssim_pairs

    images = torch.zeros((2, 7, 7), dtype=torch.uint8)
    assert ssim_pairs(images, torch.tensor([[0, 1]])).tolist() == [1.0]
    assert ssim_pairs(images, torch.empty((0, 2), dtype=torch.int64)).shape == (0,)


@pytest.mark.parametrize(
    ("images", "pairs", "message"),
    [
        (torch.zeros((2, 20, 20)), [[0, 1]], r"uint8.*float32"),
        (torch.zeros((2, 20, 20), dtype=torch.uint8), [[0.0, 1.0]], r"int64 \(p, 2\).*float32"),
        (torch.zeros((2, 20, 20), dtype=torch.uint8), [[0, 2]], "from 0 to 2 of 2"),
        (torch.zeros((2, 20, 20), dtype=torch.uint8), [[-1, 1]], "from -1 to 1 of 2"),
        (torch.zeros((2, 6, 20), dtype=torch.uint8), [[0, 1]], "at least 7 x 7"),
    ],
)
def test_what_cannot_be_compared_is_refused(images, pairs, message: str):
    from semtrace.core.gpu.ssim_torch import ssim_pairs

    with pytest.raises(ValueError, match=message):
        ssim_pairs(images, torch.tensor(pairs))


def test_a_mask_that_does_not_fit_is_refused():
    from semtrace.core.gpu.ssim_torch import ssim_pairs

    images, pairs = torch.zeros((2, 20, 20), dtype=torch.uint8), torch.tensor([[0, 1]])
    with pytest.raises(ValueError, match="leaves no window"):
        ssim_pairs(images, pairs, mask=torch.zeros((20, 20), dtype=torch.bool))
    with pytest.raises(ValueError, match=r"mask must be bool \(20, 20\)"):
        ssim_pairs(images, pairs, mask=torch.ones((20, 21), dtype=torch.bool))


@pytest.mark.parametrize("message", ["Failed to find C compiler", "out of memory"])
def test_without_a_c_compiler_there_is_plain_torch(message, monkeypatch):
    """Triton compiles its launcher with one; a slim container has none. Any other failure is a failure."""
    from semtrace.core.gpu import ssim_torch

    def fused(images: object, pairs: object) -> None:
        raise RuntimeError(message)

    monkeypatch.setitem(sys.modules, "semtrace.core.gpu.ssim_triton", SimpleNamespace(ssim_pairs_fused=fused))
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    images, pairs = torch.zeros((2, 20, 20), dtype=torch.uint8), torch.tensor([[0, 1]])
    if "compiler" in message:
        assert ssim_torch.ssim_pairs(images, pairs).tolist() == [1.0]
    else:
        with pytest.raises(RuntimeError, match=message):
            ssim_torch.ssim_pairs(images, pairs)


INTERPRETED = """
import os
os.environ["TRITON_INTERPRET"] = "1"
import numpy as np, torch
from semtrace.core import triton_ssim
from semtrace.core.ssim import ssim
from tests.core.gpu.test_torch_kernels import stack
triton_ssim._ROWS, triton_ssim._COLUMNS = 8, 16  # several strips in a small picture: the interpreter is slow
for height, width, pairs in ((7, 7, [(0, 1)]), (15, 24, [(0, 1), (4, 6)]), (7, 39, [(6, 3), (2, 3), (5, 5)])):
    images = stack(np.random.default_rng(1), height, width)
    found = triton_ssim.ssim_pairs_fused(torch.from_numpy(images), torch.tensor(pairs))
    print(*(float(a) - ssim(images[i], images[j]) for a, (i, j) in zip(found, pairs, strict=True)))
assert triton_ssim.ssim_pairs_fused(torch.from_numpy(images), torch.empty((0, 2), dtype=torch.int64)).shape == (0,)
"""


COMPILED = """
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, compile
from semtrace.core.triton_ssim import _COLUMNS, _ROWS, _sum_ratios
signature = {"images": "*u8", "pairs": "*i64", "out": "*fp64", "height": "i32", "width": "i32"}
constants = {"rows": _ROWS, "block": _COLUMNS}
source = ASTSource(_sum_ratios, {**signature, **dict.fromkeys(constants, "constexpr")}, constants)
print(len(compile(source, target=GPUTarget("cuda", 90, 32)).asm["cubin"]))
"""


def run(script: str, project: Path) -> list[float]:
    done = subprocess.run([sys.executable, "-c", script], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [float(word) for word in done.stdout.split()]


@pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed: pip install '.[gpu]'")
def test_the_fused_kernel_equals_the_cpu_kernel_and_compiles_for_a_gpu_that_is_not_here(project):
    differences = run(INTERPRETED, project)
    assert len(differences) == 6
    assert max(map(abs, differences)) <= 1e-11
    assert run(COMPILED, project)[0] > 0  # bytes of machine code for compute capability 9.0 (H100, H200)


def test_the_device_is_chosen_without_a_gpu_too(monkeypatch):
    from semtrace.core.gpu import device

    assert device.choose_device("cpu") == "cpu"
    with pytest.raises(ValueError, match="one of auto, cpu, cuda"):
        device.choose_device("gpu")
    monkeypatch.setattr(device, "_driver_sees_a_device", lambda: False)
    assert device.choose_device("auto") == "cpu"
    with pytest.raises(ValueError, match="driver is not installed or sees no device"):
        device.choose_device("cuda")
    monkeypatch.setattr(device, "_driver_sees_a_device", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.choose_device("auto") == "cpu"
    with pytest.raises(ValueError, match="install a build of torch for CUDA"):
        device.choose_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device.choose_device("auto") == device.choose_device("cuda") == "cuda"
