"""features: compute the features of every image without its data bar.

Rows in = rows out + rejects, for each encoder alike. Each image is read and decoded once, in a worker, and what was
found is kept in the side cache by content, encoder and crop. A network looks at one picture at a time: on a processor
that is as quick as a batch, and no result can depend on what stood beside it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from semtrace.core.errors import InputError
from semtrace.discovery.encoders import BAR_CUT, OFFLINE, check_encoders, encoder_of, ready_encoder
from semtrace.discovery.images import EXPLAINING, ListedImages, listed
from semtrace.discovery.pictures import square_picture
from semtrace.discovery.tables import DISCOVERED_IMAGES
from semtrace.io import feature_table, tables
from semtrace.io.cache import Kind
from semtrace.io.files import safe_name, write_atomic
from semtrace.io.images import DecodedImage
from semtrace.io.schema import Column
from semtrace.io.staging import staged_folder
from semtrace.models.crop import Crop, picture_rows
from semtrace.stage.declaration import Job
from semtrace.stage.decode_files import Examination, FileSource, examine
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure, Reject, write_rejects
from semtrace.stage.settings import Section


class Settings(Section, section="features"):
    """Which features of which images (conf/features/).

    Attributes:
        root: folder of the images.
        table: of the images, with a column path; empty: every image below ``root``, its first folder the category.
        side: ``tiff`` or ``jpeg``: which rows of the table of duplicate groups are meant.
        encoders: ``lite0``, ``texture``; and of ``weights``.
        weights: of encoders that come with no package, by name (``inception_v3``, ``timm:NAME``, ``finetuned``):
            ``file`` and its ``sha256``.
        crop: ``bar`` cuts the data bar off, ``none`` keeps it.
        subset: first part of the names of the feature sets.

    """

    root: Path
    table: str
    side: Literal["tiff", "jpeg"]
    encoders: list[str]
    weights: dict[str, dict[str, str]]
    crop: Crop
    subset: str

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.encoders:
            raise ValueError(f"features.encoders is empty; known are {', '.join(OFFLINE)}, which need no network")
        check_encoders(self.encoders, self.weights)
        if not self.subset or "/" in self.subset:
            raise ValueError(f"features.subset is {self.subset!r}; it becomes the first part of file names")
        return self


@dataclass(frozen=True)
class Summary:
    """What was seen."""

    images: int
    groups: int
    labelled: int
    sets: list[str]
    crops: dict[str, int]
    rejects: dict[str, int]


def stage(job: Job) -> Summary:
    """Features of the images that ``features.root`` or ``features.table`` names."""
    settings: Settings = job.params.features
    return run(settings, job.result("deduplicate/groups.csv"), job.result("features"), job.executor)


def run(settings: Settings, groups: Path | None, out: Path, executor: Executor) -> Summary:
    """Write one table a feature set, ``images.csv`` and ``rejects.csv`` to ``out``.

    Args:
        settings: which features of which images.
        groups: ``groups.csv`` of the deduplicate stage; it may be absent: then equal contents alone are a group.
        out: folder to write.
        executor: where to work.

    Raises:
        InputError: there is no image, or weights are missing.

    """
    root = settings.root.resolve()
    images, rejects = listed(root, Path(settings.table) if settings.table else None, groups, settings.side)
    rows_in = len(images) + len(rejects)
    encoders = {name: ready_encoder(name, settings.weights) for name in settings.encoders}
    sources = [FileSource(safe_name(root, image.path), image.md5) for image in images]
    looked = examine(sources, _examination(settings), executor=executor, what="features")
    kept: list[tuple[ListedImages, dict[str, Any]]] = []
    for image, facts in zip(images, looked, strict=True):
        if isinstance(facts, Failure):
            rejects.append(Reject.of(image.path, "features", facts))
        else:
            kept.append((image, facts))
    if not kept:
        raise InputError(f"{settings.root}: no image could be read: {len(rejects)} rejects, the first {rejects[0]}")
    keys = {
        "path": [image.path for image, _ in kept],
        "md5": [facts["md5"] for _, facts in kept],
        "group": [image.group or facts["content"] for image, facts in kept],
    }
    names = []
    with staged_folder(out) as folder:
        for name, encoder in encoders.items():
            for layer, (end, size) in enumerate(encoder.layers.items()):
                whole = f"{settings.subset}_{end}"
                values = np.stack([_vector(facts[name][layer]) for _, facts in kept])
                columns = [f"f{number:04}" for number in range(size)]
                feature_table.write(folder / f"{whole}.parquet", keys, values, columns)
                write_atomic(folder / f"{whole}.json", _description(name, end, size, settings).encode())
                names.append(whole)
        _write_images(folder / "images.csv", kept, keys["group"])
        counts = write_rejects(folder, rejects, rows_in=rows_in, rows_out=len(kept))
    crops: dict[str, int] = {}
    for _, facts in kept:
        crops[facts["crop"]] = crops.get(facts["crop"], 0) + 1
    labelled = sum(bool(image.category) for image, _ in kept)
    return Summary(len(kept), len(set(keys["group"])), labelled, names, dict(sorted(crops.items())), counts)


def _examination(settings: Settings) -> Examination:
    names = sorted(settings.encoders)
    modules = (__name__, *sorted({encoder_of(name, settings.weights).module for name in names}))
    digests = [settings.weights[name]["sha256"] for name in names if name in settings.weights]
    kind = Kind("-".join(["features", *names, settings.crop, *digests]), modules)
    return Examination(kind, partial(_facts, names=names, weights=settings.weights, crop=settings.crop))


def _facts(
    data: bytes, image: DecodedImage, *, names: list[str], weights: dict[str, dict[str, str]], crop: Crop
) -> dict[str, Any]:
    """What is found out about an image: JSON values."""
    gray = image.gray
    rows, rule = picture_rows(gray, crop)
    content = hashlib.sha1(gray.tobytes(), usedforsecurity=False)
    content.update(f"{gray.shape}".encode())
    found: dict[str, Any] = {
        "content": content.hexdigest(), "width": gray.shape[1], "height": gray.shape[0], "picture_rows": rows,
        "crop": rule,
    }  # fmt: skip
    for name in names:
        encoder = encoder_of(name, weights)
        small = square_picture(gray, rows, encoder.side)
        found[name] = [base64.b64encode(vector.tobytes()).decode() for vector in encoder.encode(small)]
    return found


def _vector(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), np.float32)


def _description(name: str, end: str, size: int, settings: Settings) -> str:
    from semtrace.models import lite0

    encoder = encoder_of(name, settings.weights)
    return (
        json.dumps(
            {
                "encoder": name,
                "set": end,
                "columns": size,
                "weights_sha256": lite0.SHA256 if name == "lite0" else encoder.weights_sha256,
                "preprocessing": encoder.preprocessing.removeprefix("" if settings.crop == "bar" else BAR_CUT),
                "standardise": encoder.standardise,
                "crop": settings.crop,
                "versions": {package: version(package) for package in encoder.packages},
            },
            indent=2,
        )
        + "\n"
    )


def _write_images(path: Path, kept: list[tuple[ListedImages, dict[str, Any]]], groups: list[str]) -> None:
    more = [name for name in EXPLAINING if any(name in image.more for image, _ in kept)]
    rows = (
        {
            "path": image.path, "md5": facts["md5"], "group": group, "category": image.category,
            **{name: facts[name] for name in ("width", "height", "picture_rows", "crop")},
            **{name: image.more.get(name, "") for name in more},
        }
        for (image, facts), group in zip(kept, groups, strict=True)
    )  # fmt: skip
    columns = (*DISCOVERED_IMAGES.columns, *(Column(name, "text", "as in the table of the images") for name in more))
    tables.write(path, replace(DISCOVERED_IMAGES, columns=columns), rows)
