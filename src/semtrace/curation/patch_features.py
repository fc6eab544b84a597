"""What a classifier sees of patches, worked out where they are cut again, many processes at once."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image.constructed_empties import construct_empty
from semtrace.core.image.patch_texture import patch_texture
from semtrace.core.image.resample import resize
from semtrace.curation.recut import PatchGroup, PatchSources, group_patches, patches_of
from semtrace.io.cache import Kind
from semtrace.io.columns import Columns, take_rows
from semtrace.io.digests import md5
from semtrace.io.images import UnreadableImage
from semtrace.io.volumes.volume import UnreadableVolume
from semtrace.models.weights import WeightsError, check_weights
from semtrace.stage.cached_map import cached_map
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure, why_unreadable

_MEMORY = 64 * 10**6  # bytes: small groups, so that all workers have some
_MOST = 64  # patches of one task


class PatchFeatures(NamedTuple):
    """Features of n patches: texture (n, 23), float64; network (n, 1280), float32, or of no column."""

    texture: NDArray[np.float64]
    network: NDArray[np.float32]


class ResNetChoice(NamedTuple):
    """A ResNet34 with one output: file and sha256 of its state dict, and side of the pictures that it sees."""

    file: str
    sha256: str
    side: int = 224


class FeatureTask(NamedTuple):
    """Patches to look at: where they are cut, the recipe and seed of what is made of each, if any, and their digest."""

    dataset: str
    rows: NDArray[np.int64]
    group: PatchGroup
    recipes: tuple[tuple[str, int], ...]
    key: str


def see_patches(
    tables: Mapping[str, Columns],
    sources: PatchSources,
    executor: Executor,
    *,
    network: bool,
    texture: bool = True,
    resnet: ResNetChoice | None = None,
    recipes: Mapping[str, Sequence[tuple[str, int]]] | None = None,
    what: str,
) -> tuple[dict[str, PatchFeatures], dict[str, Failure]]:
    """Look at all patches of some datasets.

    Args:
        tables: dataset -> patch table whose rows have the md5 of their pixels.
        sources: where the pixels are.
        executor: where to work.
        network: whether EfficientNet-Lite0 looks too.
        texture: whether texture is measured.
        resnet: a ResNet34 that looks instead: its probability is the one column of ``network``.
        recipes: dataset -> for each patch the recipe and seed of the empty one that is looked at in its place; an empty
            recipe leaves the patch as it is.
        what: the words beside the progress bar.

    Returns:
        Dataset -> features in the order of its rows; and the datasets whose pixels cannot be read, and why.

    Raises:
        WeightsError: the network's weights are missing.
    """
    if resnet is not None:
        check_weights(resnet.file, resnet.sha256)
    elif network:
        lite0()
    tasks: list[FeatureTask] = []
    failed: dict[str, Failure] = {}
    found: dict[str, PatchFeatures] = {}
    for name, columns in tables.items():
        count = len(columns["index"])
        width = 1 if resnet is not None else 1280 if network else 0
        found[name] = PatchFeatures(np.zeros((count, 23 if texture else 0)), np.zeros((count, width), np.float32))
        try:
            groups = group_patches(name, columns, sources, _MEMORY)
        except KeyError:
            failed[name] = Failure("changed", "it is not among the sources any more; run crop again")
            continue
        made = (recipes or {}).get(name)
        for group in _split(groups):
            wanted = tuple(made[int(row)] for row in group.rows) if made is not None else ()
            pixels = columns["md5"][group.rows].tolist()
            tasks.append(FeatureTask(name, group.rows, group, wanted, md5(f"{pixels} {wanted}".encode())))
    seen = f"{texture:d}{network:d}{'' if resnet is None else resnet.sha256 + str(resnet.side)}"
    results = cached_map(
        tasks,
        partial(_see, texture, network, resnet),
        kind=Kind(f"features-{seen}", (__name__,)),
        key=_key_of,
        executor=executor,
        what=what,
        reads=_read,
        chunk=1,
        prepare=_compile if texture else None,
        batch=1,
    )
    for task, result in zip(tasks, results, strict=True):
        if isinstance(result, Failure):
            failed[task.dataset] = result
        else:
            found[task.dataset].texture[task.rows] = result["texture"]
            found[task.dataset].network[task.rows] = result["network"]
    return {name: seen for name, seen in found.items() if name not in failed}, failed


def _split(groups: Sequence[PatchGroup]) -> Iterator[PatchGroup]:
    """The same patches in groups of at most ``_MOST``; of neighbours, as the groups are sorted."""
    for group in groups:
        for start in range(0, len(group.rows), _MOST):
            part = slice(start, start + _MOST)
            place = {name: values[part] for name, values in group.place.items()}
            yield PatchGroup(group.rows[part], place, group.source)


def _key_of(task: FeatureTask) -> str:
    return task.key


def _read(task: FeatureTask) -> tuple[str, ...]:
    source = task.group.source
    return (source if isinstance(source, str) else source.path,)


def _compile() -> None:
    patch_texture(np.arange(1024, dtype=np.int64).astype(np.uint8).reshape(1, 32, 32))


def _see(texture: bool, network: bool, resnet: ResNetChoice | None, task: FeatureTask) -> dict[str, Any] | Failure:
    try:
        patches = list(patches_of(task.group))
    except (UnreadableVolume, UnreadableImage) as error:
        return Failure(error.reason, error.detail)
    except OSError as error:
        return why_unreadable(error)
    except MemoryError:
        return Failure("out_of_memory", "not enough memory for a block of voxels")
    for number, (recipe, seed) in enumerate(task.recipes):
        if recipe:
            patches[number] = construct_empty(patches[number], recipe, seed)
    found = see(patches, texture=texture, network=network and resnet is None)
    if resnet is not None:
        model = _resnet(resnet.file, resnet.sha256)
        chances = [[_chance(model, patch, resnet.side)] for patch in patches]
        found = found._replace(network=np.array(chances, np.float32).reshape(len(patches), 1))
    return found._asdict()


def see(patches: Sequence[NDArray[np.uint8]], *, texture: bool, network: bool) -> PatchFeatures:
    """Features of patches of any shapes; each patch is looked at alone, so none depends on the others."""
    measures = [patch_texture(_large_enough(patch)[None])[0] for patch in patches] if texture else []
    features = [_features(patch) for patch in patches] if network else []
    return PatchFeatures(
        np.array(measures, np.float64).reshape(len(patches), -1),
        np.array(features, np.float32).reshape(len(patches), -1),
    )


def _large_enough(patch: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mirror what is too small to be measured."""
    down, along = (max(0, 16 - side) for side in patch.shape)
    return np.pad(patch, ((0, down), (0, along)), mode="symmetric") if down or along else patch


@functools.cache
def lite0() -> Any:
    """The network, on one thread: its processes are many.

    Raises:
        WeightsError: its weights are missing; the message says what to do without them.
    """
    import torch

    from semtrace.models import lite0

    torch.set_num_threads(1)
    try:
        return lite0.network()
    except WeightsError as error:
        raise WeightsError(
            f"{error}. Without it: curation.train.network=false curation.classify.network=false"
        ) from error


def _features(patch: NDArray[np.uint8]) -> NDArray[np.float32]:
    from semtrace.models.lite0 import LITE0_SIDE, lite0_features

    side = LITE0_SIDE
    fitting = patch if patch.shape == (side, side) else resize(patch, side, side)
    features, _ = lite0_features(lite0(), fitting[None])
    row: NDArray[np.float32] = features[0]
    return row


@functools.cache
def _resnet(file: str, digest: str) -> Any:
    """A ResNet34 with the weights of a file, on one thread.

    Raises:
        WeightsError: the file is missing, has another sha256, or holds other names or shapes.
    """
    import torch

    from semtrace.models.resnet34 import resnet34
    from semtrace.models.weights import load

    torch.set_num_threads(1)
    return resnet34(load(Path(file), digest)).eval()


def _chance(model: Any, patch: NDArray[np.uint8], side: int) -> float:
    import torch

    from semtrace.models.resnet34 import resnet_inputs

    fitting = patch if patch.shape == (side, side) else resize(patch, side, side)
    with torch.inference_mode():
        return float(torch.sigmoid(model(resnet_inputs(fitting[None])))[0, 0])


def taken(tables: Mapping[str, Columns], rows: Mapping[str, NDArray[Any]]) -> dict[str, Columns]:
    """Of each dataset the rows that an index or a mask picks; datasets of no row are left out."""
    picked = {name: take_rows(columns, rows[name]) for name, columns in tables.items() if name in rows}
    return {name: columns for name, columns in picked.items() if len(columns["name"])}
