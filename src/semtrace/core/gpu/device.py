"""Where array work runs: ``cpu`` (numba), or ``cuda`` (torch, Triton) where there is such a device."""

from __future__ import annotations

import ctypes
from typing import Literal, get_args

Device = Literal["auto", "cpu", "cuda"]
CHOICES = get_args(Device)


def choose(device: str) -> str:
    """``cpu`` or ``cuda``; no result depends on which, beyond 1e-11 of an SSIM.

    torch takes a second to import, so it is asked only where NVIDIA's driver says that there is a device.

    Args:
        device: ``cpu``, ``cuda``, or ``auto`` for a CUDA device where there is one that torch can use.

    Raises:
        ValueError: another word; or ``cuda``, and there is none.
    """
    if device not in CHOICES:
        raise ValueError(f"device is {device!r}; it must be one of {', '.join(CHOICES)}")
    if device == "cpu":
        return "cpu"
    if _driver_sees_a_device():
        import torch

        if torch.cuda.is_available():
            return "cuda"
        reason = f"torch {torch.__version__} cannot use it: install a build of torch for CUDA"
    else:
        reason = "NVIDIA's driver is not installed or sees no device"
    if device == "cuda":
        raise ValueError(f"device is 'cuda', but {reason}; or set device to auto or cpu")
    return "cpu"


def _driver_sees_a_device() -> bool:
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
