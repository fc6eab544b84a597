"""The default input of curation: volumes, stacks, videos and images as people have them, and the truth about patches.

Among them are what goes wrong in life: a signed stack deposited twice, a charged section, a saturated tile, a padded
border, a truncated file, and two names that meet.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from semtrace.core.volume.location import Location
from semtrace.core.volume.patches import patch_grid
from semtrace.core.volume.sections import cut_section, section_shape
from semtrace.io import tables
from semtrace.io.schema import Column, Table
from semtrace.io.staging import staged_folder
from semtrace.io.volumes.write import write_mrc, write_ome_zarr
from semtrace.stage.declaration import Job
from semtrace.synthetic.em_volume import Tissue, make

PATCH_TRUTH = Table(
    "patches.csv",
    1,
    (
        Column("volume", "text", "dataset of the patch"),
        Column("axis", "integer", "axis that the section is across"),
        Column("index", "integer", "number of the section"),
        Column("y0", "integer", "first row", "pixels"),
        Column("y1", "integer", "row after the last", "pixels"),
        Column("x0", "integer", "first column", "pixels"),
        Column("x1", "integer", "column after the last", "pixels"),
        Column("tissue", "number", "share of the patch that is tissue"),
        Column("artefact", "text", "what is wrong with it; empty: nothing"),
        Column("informative", "integer", "1 where a network can learn from it, else 0"),
    ),
)
DUPLICATES = Table(
    "duplicates.csv",
    1,
    (Column("dataset", "text", "a dataset"), Column("same_as", "text", "the one that has the same voxels")),
)
_LEAST_TISSUE = 0.3
_STEADY = {"qp": "18", "x264-params": "threads=1:rc-lookahead=0:sync-lookahead=0:bframes=0"}
"""For H.264: with a look ahead its bytes differ now and then, as its threads happen to meet."""


@dataclass(frozen=True)
class Summary:
    """What was made."""

    volumes: int
    images: int
    videos: int
    patches: int
    informative: int


def stage(job: Job) -> Summary:
    """Make the default input of curation."""
    return generate_volumes(job.archive.parent, seed=1)


def generate_volumes(out: Path, seed: int, *, side: int = 288, patch: int = 224) -> Summary:
    """Write ``volumes/``, ``images/`` and ``truth/`` into the folder ``out``, which is replaced.

    Args:
        out: folder to write.
        seed: everything follows from it.
        side: of the isotropic volume in voxels; the others keep their proportion to it.
        patch: side of the patches that truth/patches.csv speaks of, cut with the policy ``overlap``.
    """
    rows: list[dict[str, Any]] = []
    with staged_folder(out) as folder:
        for name in ("volumes", "images", "truth"):
            (folder / name).mkdir()
        volumes = folder / "volumes"
        cells = make((side, side, side), seed)
        write_ome_zarr(volumes / "cells.ome.zarr", cells.gray, 8.0)
        rows += _truth("cells", cells, (0, 1, 2), patch)
        stack, artefacts = _stack(seed + 1, side, patch)
        write_mrc(volumes / "stack.mrc", stack.gray, (40, 4, 4), signed=True)
        write_mrc(volumes / "stack_again.mrc", stack.gray, (40, 4, 4), signed=False)
        for name in ("stack", "stack_again"):
            rows += _truth(name, stack, (0,), patch, artefacts)
        (volumes / "deposit").mkdir()
        small = make((12, side, side), seed + 2, stretch=10.0, resin=0.0)
        write_mrc(volumes / "Deposit.mrc", small.gray, (40, 4, 4), signed=False)
        for number, page in enumerate(small.gray[:6]):
            tifffile.imwrite(volumes / "deposit" / f"s{number:03}.tif", 255 - page)
        data = (volumes / "stack.mrc").read_bytes()
        (volumes / "truncated.mrc").write_bytes(data[: len(data) * 7 // 10])
        _video(volumes / "fibres.avi", small.gray, "ffv1", "gray")
        _video(volumes / "fibres_small.mp4", small.gray[:, : side // 2 * 2, : side // 2 * 2], "libx264", "yuv420p")
        images = _images(folder / "images", seed + 3, side)
        tables.write(folder / "truth" / "patches.csv", PATCH_TRUTH, rows)
        twins = [{"dataset": "stack_again", "same_as": "stack"}]
        tables.write(folder / "truth" / "duplicates.csv", DUPLICATES, twins)
    return Summary(5, images, 2, len(rows), sum(row["informative"] for row in rows))


def _stack(seed: int, side: int, patch: int) -> tuple[Tissue, dict[int, str]]:
    """A stack of thick sections in which some went wrong: section -> what."""
    gray, tissue = make((12, side * 3 // 2, side * 3 // 2), seed, stretch=10.0, resin=0.3)
    columns = np.arange(gray.shape[2])
    stripes = 200 + 40 * np.sin(columns / 9.0) * (np.arange(gray.shape[1])[:, None] % 7 < 4)
    gray[3] = np.clip(stripes, 0, 255)  # charged
    gray[6] = np.where(gray[6] > 20, 255, gray[6])  # saturated
    gray[9, :, patch // 3 :] = 0  # padded
    return Tissue(gray, tissue), {3: "charging", 6: "saturated", 9: "padded"}


def _truth(
    name: str, volume: Tissue, axes: tuple[int, ...], patch: int, artefacts: dict[int, str] | None = None
) -> list[dict[str, Any]]:
    """One row for each patch: its share of tissue, and whether it is informative."""
    rows = []
    for axis in axes:
        height, width = section_shape(volume.gray.shape, axis)
        for index in range(volume.gray.shape[axis]):
            section = cut_section(volume.tissue.view(np.uint8), axis, index)
            artefact = (artefacts or {}).get(index, "")
            for down in patch_grid(height, patch, patch, "overlap"):
                for along in patch_grid(width, patch, patch, "overlap"):
                    share = float(section[down.start : down.valid, along.start : along.valid].mean())
                    place = Location(name, axis, index, down.start, down.stop, along.start, along.stop)
                    rows.append({
                        "volume": name, "axis": axis, "index": index, "y0": place.y0, "y1": place.y1, "x0": place.x0,
                        "x1": place.x1, "tissue": round(share, 4), "artefact": artefact,
                        "informative": int(share >= _LEAST_TISSUE and not artefact),
                    })  # fmt: skip
    return rows


def _video(path: Path, frames: NDArray[np.uint8], codec: str, pixels: str) -> None:
    """Write a video whose bytes depend on its frames alone."""
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream: Any = container.add_stream(codec, rate=5, options=_STEADY if codec == "libx264" else {})
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], pixels
        stream.codec_context.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="gray")))
        container.mux(stream.encode())


def _images(folder: Path, seed: int, side: int) -> int:
    """2D images of several depths and kinds, in folders by dataset."""
    random = np.random.default_rng(seed)
    made = 0
    for number, kind in enumerate(("grid_a", "grid_b")):
        (folder / kind).mkdir()
        for index in range(3):
            gray = make((8, side, side * 5 // 4), seed + 10 * number + index, stretch=10.0, resin=0.1).gray[4]
            deep = gray.astype(np.float32) * 210 + random.uniform(0, 200)
            stream = io.BytesIO()
            if index == 0:
                tifffile.imwrite(stream, deep.astype(np.uint16), photometric="minisblack", metadata=None)
            elif index == 1 and number == 0:
                tifffile.imwrite(stream, (deep - 26000).astype(np.int16), photometric="minisblack", metadata=None)
            elif index == 1:
                tifffile.imwrite(stream, deep / 1e4, photometric="minisblack", metadata=None)
            else:
                Image.fromarray(np.stack([gray] * 3, -1)).save(stream, "PNG")
            (folder / kind / f"image{index}.{'png' if index == 2 else 'tif'}").write_bytes(stream.getvalue())
            made += 1
    return made
