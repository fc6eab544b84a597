from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from semtrace.core.errors import InputError
from semtrace.io.encoders import ENCODERS
from semtrace.provenance.fingerprint import HashSettings
from semtrace.stage.executor import Executor
from semtrace.tuning import republish
from tests.pipeline import grey, table
from tests.small_archive import Done


def made(done: Done, out: Path, sample: int, seed: int = 1, workers: int = 1, archive: Path | None = None):
    hashes = done.work / "fingerprint/tiff/hashes.csv"
    executor = Executor(workers, out.parent / "cache.sqlite")
    source = republish.run(archive or done.archive, hashes, out, (sample, seed), HashSettings(32), executor)
    assert {row["path"] for row in table(source.hashes)} == source.truth.originals.keys()
    return source.lost, source.truth.originals


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def test_every_drawn_picture_is_published_by_every_encoder(done, tmp_path):
    rejects, truth = made(done, tmp_path / "out", 1000)
    hashes = {row["path"]: row for row in done.rows("fingerprint/tiff/hashes.csv")}
    assert rejects == []
    assert len(set(truth.values())) == len({row["picture_id"] for row in hashes.values()})
    for jpeg, tiff in truth.items():
        with_bar, encoder = bool(hashes[tiff]["bar_top"]), jpeg.split("/")[0]
        assert encoder in ENCODERS
        assert with_bar or encoder != "cropped"
        assert (tmp_path / "out/images" / jpeg).is_file()
    original = grey(done.archive / "lzw.tif")
    [best] = [jpeg for jpeg, tiff in truth.items() if tiff == "lzw.tif" and jpeg.startswith("grey 100/")]
    difference = np.abs(np.asarray(grey(tmp_path / "out/images" / best), float) - np.asarray(original, float))
    assert difference.max() <= 4


def test_the_draw_depends_on_the_seed_alone(done, tmp_path):
    _, truth = made(done, tmp_path / "a", 4)
    made(done, tmp_path / "b", 4, workers=2)
    made(done, tmp_path / "c", 4, seed=2)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert set(digests(tmp_path / "a")) != set(digests(tmp_path / "c"))
    assert len(set(truth.values())) == 4


def test_an_original_that_is_gone_is_listed(done, tmp_path):
    rows = done.rows("fingerprint/tiff/hashes.csv")
    (tmp_path / "archive").mkdir()
    with pytest.raises(InputError, match="none of 3 originals could be published"):
        made(done, tmp_path / "none", 3, archive=tmp_path / "archive")
    for row in rows:
        if row["path"] != "deep.tiff":
            target = tmp_path / "archive" / row["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((done.archive / row["path"]).read_bytes())
    rejects, truth = made(done, tmp_path / "out", 1000, archive=tmp_path / "archive")
    assert [(one.path, one.reason) for one in rejects] == [("deep.tiff", "unreadable")]
    assert "deep.tiff" not in truth.values()
