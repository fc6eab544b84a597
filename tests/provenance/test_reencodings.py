"""Published re-encodings of originals of any depth and colour, in whole runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from semtrace.provenance import reference_check
from semtrace.stage.declaration import Job
from tests.pipeline import defaults, publish, run_all
from tests.small_archive import Done, scene


def exposure(seed: int, frame: int) -> np.ndarray:
    noise = np.random.default_rng([seed, frame]).normal(0, 3, scene(seed).shape)
    return (scene(seed) * 0.9 + 12 + noise).clip(0, 255)


def originals(frame: int) -> dict[str, np.ndarray]:
    colours = np.stack([exposure(4, frame), exposure(4, frame) * 0.8, 255 - exposure(4, frame)], axis=2)
    return {
        "deep.tif": (exposure(1, frame) * 250).astype(np.uint16),
        "twelve.tif": (exposure(2, frame) * 16).astype(np.uint16),
        "part.tif": (exposure(3, frame) * 90 + 9000).astype(np.uint16),
        "colour.tif": colours.astype(np.uint8),
        "deep_colour.tif": (colours[::-1] * 256).astype(np.uint16),
    }


def published() -> dict[str, np.ndarray]:
    made = originals(0)
    looks = {
        "high_deep": made["deep.tif"] >> 8,
        "part_deep": np.rint(made["deep.tif"] / 257),
        "minmax_part": (made["part.tif"] - float(made["part.tif"].min())) * 255 / float(np.ptp(made["part.tif"])),
        "high_twelve": made["twelve.tif"] >> 4,
        "minmax_twelve": (made["twelve.tif"] - float(made["twelve.tif"].min())) * 255 / np.ptp(made["twelve.tif"]),
        "rgb_colour": made["colour.tif"],
        "high_deep_colour": made["deep_colour.tif"] >> 8,
    }
    return {name: look.astype(np.uint8) for name, look in looks.items()}


@pytest.fixture(scope="module", params=[0, 1], ids=["own frames", "second frames"])
def done(request, tmp_path_factory) -> tuple[int, Done, Job]:
    root = tmp_path_factory.mktemp("reencodings")
    parts = root / "archive", root / "published", root / "known", root / "work"
    parts[0].mkdir()
    parts[2].mkdir()
    for name, array in originals(request.param).items():
        tifffile.imwrite(parts[0] / name, array, photometric="rgb" if array.ndim == 3 else "minisblack")
    for name, look in published().items():
        for quality in (95, 80):
            publish(Image.fromarray(look), parts[1] / "Tips" / f"{name}_{quality}.jpg", quality=quality)
    p = defaults(root)
    job = Job(p, parts[0], parts[1], parts[2], root / "verdicts", parts[3], p.executor)
    return request.param, Done(*parts, run_all(*parts, p)), job


def test_every_re_encoding_is_proven_and_no_second_frame(done):
    frame, ended, _ = done
    rows = ended.rows("match/jpeg_to_tiff.csv")
    assert len(rows) == 2 * len(published())
    for row in rows:
        made_from = Path(row["jpeg_path"]).stem.rsplit("_", 1)[0].split("_", 1)[1] + ".tif"
        if frame == 0:
            assert (row["decision"], row["evidence"]) == ("matched", "reencoded"), row["jpeg_path"]
            assert row["matched_tiff_path"] == made_from
        else:
            assert row["evidence"] != "reencoded"


def test_the_references_agree(done):
    frame, _, job = done
    found = reference_check.check_proofs(job, 1000)
    assert (found.equal, found.differing, found.unreadable) == (found.checked, (), 0)
    assert found.checked >= (6 if frame == 0 else 1)
