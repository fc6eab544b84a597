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
from semtrace.curation.recut import PatchGroup, PatchSources, group_patches, patches_or_failure
from semtrace.io.cache import Cache, Entry, Kind, reader
from semtrace.io.columns import Columns, take_rows
from semtrace.io.digests import md5
from semtrace.models.weights import WeightsError, check_weights
from semtrace.stage.cached_map import worked_map
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure

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
    """Patches to look at: where they are cut, the recipe and seed of what is made of each, if any, and digests.

    ``key`` is the digest of all together, ``keys`` are those of each.
    """

    dataset: str
    rows: NDArray[np.int64]
    group: PatchGroup
    recipes: tuple[tuple[str, int], ...]
    key: str
    keys: tuple[str, ...]


class _Looks(NamedTuple):
    """What looks at patches. A network's features are kept patch by patch: another stage may ask for other patches."""

    texture: bool
    network: bool
    resnet: ResNetChoice | None

    @property
    def network_kind(self) -> Kind:
        """Of the features of the network, in the side cache."""
        chosen = "lite0" if self.resnet is None else f"{self.resnet.sha256}-{self.resnet.side}"
        return Kind(f"seen-{chosen}", (__name__,))


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
    """Look at all patches of some datasets; the network looks at no patch that it has seen before.

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
    looks = _Looks(texture, network or resnet is not None, resnet)
    if resnet is not None:
        check_weights(resnet.file, resnet.sha256)
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
            key = md5(f"{pixels} {wanted}".encode())
            tasks.append(FeatureTask(name, group.rows, group, wanted, key, tuple(_keys(pixels, group, wanted))))
    results = worked_map(
        tasks,
        partial(_see, looks),
        recall=partial(_recall, looks),
        executor=executor,
        what=what,
        reads=_read,
        chunk=1,
        prepare=partial(_load, looks),
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


def _keys(pixels: Sequence[str], group: PatchGroup, wanted: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Of each patch the digest of its shape and pixels, and of what is made of it."""
    heights, widths = (group.place[f"{side}1"] - group.place[f"{side}0"] for side in "yx")
    for number, digest in enumerate(pixels):
        recipe, seed = wanted[number] if wanted else ("", 0)
        made = f"{recipe} {seed}" if recipe else ""
        yield md5(f"{digest} {heights[number]} {widths[number]} {made}".encode())


def _read(task: FeatureTask) -> tuple[str, ...]:
    source = task.group.source
    return (source if isinstance(source, str) else source.path,)


def _load(looks: _Looks) -> None:
    """Compile or load what looks, where there is something to look at, so that workers which are forked have it."""
    if looks.texture:
        patch_texture(np.arange(1024, dtype=np.int64).astype(np.uint8).reshape(1, 32, 32))
    if looks.network and looks.resnet is None:
        lite0()


_TEXTURE = Kind("texture", (__name__,))


def _recall(looks: _Looks, cache: Cache, tasks: Sequence[FeatureTask]) -> list[dict[str, Any] | None]:
    """Features of the tasks of which all is known."""
    found: list[dict[str, Any] | None] = []
    textures = cache.get_many(_TEXTURE, [task.key for task in tasks]) if looks.texture else [{}] * len(tasks)
    for task, texture in zip(tasks, textures, strict=True):
        seen = _known(looks, cache, task)
        if texture is None or any(row is None for row in seen):
            found.append(None)
        else:
            found.append({"texture": texture.get("texture", _NOTHING), "network": _stacked(seen)})
    return found


_NOTHING: Any = np.empty((1, 0))  # features that nobody asked for


def _known(looks: _Looks, cache: Cache, task: FeatureTask) -> list[NDArray[np.float32] | None]:
    """What the network has seen before, copied: very many maps of the cache's file cannot be open at once."""
    if not looks.network:
        return []
    found = cache.get_many(looks.network_kind, task.keys)
    return [None if one is None else np.array(one["features"]) for one in found]


def _stacked(rows: Sequence[NDArray[np.float32] | None]) -> NDArray[np.float32]:
    return np.array(rows, np.float32) if rows else np.empty((1, 0), np.float32)


def _see(looks: _Looks, file: str, task: FeatureTask) -> tuple[dict[str, Any] | Failure, list[Entry]]:
    rows = _known(looks, reader(file), task)
    new = np.array([n for n in range(len(task.keys)) if looks.texture or rows[n] is None], np.int64)
    group = PatchGroup(task.group.rows[new], take_rows(task.group.place, new), task.group.source)
    cut = patches_or_failure(group) if len(new) else []
    if isinstance(cut, Failure):
        return cut, []
    patches = dict(zip(new.tolist(), cut, strict=True))
    for number, (recipe, seed) in enumerate(task.recipes):
        if recipe and number in patches:
            patches[number] = construct_empty(patches[number], recipe, seed)
    texture, entries = _NOTHING, list[Entry]()
    if looks.texture:
        texture = see(list(patches.values()), texture=True, network=False).texture
        entries.append((_TEXTURE, task.key, {"texture": texture}))
    for number, row in enumerate(rows):
        if row is None:
            rows[number] = features = _features_by(looks, patches[number])
            entries.append((looks.network_kind, task.keys[number], {"features": features}))
    return {"texture": texture, "network": _stacked(rows)}, entries


def _features_by(looks: _Looks, patch: NDArray[np.uint8]) -> NDArray[np.float32]:
    if looks.resnet is None:
        return _features(patch)
    model = _resnet(looks.resnet.file, looks.resnet.sha256)
    return np.array([_chance(model, patch, looks.resnet.side)], np.float32)


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
