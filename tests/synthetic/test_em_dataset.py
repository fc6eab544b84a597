from __future__ import annotations

import numpy as np
import pytest

from semtrace.core.image.structure import measure
from semtrace.curation import import_volumes
from semtrace.curation.tables import VOLUMES
from semtrace.io import tables
from semtrace.stage.executor import Executor
from semtrace.synthetic import em_dataset
from semtrace.synthetic.em_volume import make


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("em") / "em_synthetic"
    return out, em_dataset.generate(out, 1, side=48, patch=32)


def test_tissue_has_structure_and_resin_has_none():
    gray, tissue = make((32, 64, 64), 3, resin=0.4)
    assert 0.55 < tissue.mean() < 0.65
    assert gray[~tissue].std() < 10 < gray[tissue].std()
    inner, _ = make((32, 64, 64), 3, resin=0.0)
    assert np.median(measure(np.ascontiguousarray(inner)).structure) > 8


def test_the_seed_decides_everything(made, tmp_path):
    out, summary = made
    again = em_dataset.generate(tmp_path / "again", 1, side=48, patch=32)
    assert again == summary
    files = sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())
    assert files == sorted(p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*") if p.is_file())
    for name in files:
        assert (out / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_import_takes_it_all_but_the_truncated_file(made, tmp_path):
    out, _ = made
    summary = import_volumes.run(
        out / "volumes", tmp_path / "import", import_volumes.Settings(), Executor(1, tmp_path / "cache.sqlite")
    )
    assert summary.rejects == {"truncated": 1}
    rows = {row["path"]: row for row in tables.read(tmp_path / "import" / "volumes.csv", VOLUMES)}
    assert len(rows) == 7
    assert rows["stack.mrc"]["sign"].startswith("signed")
    assert rows["stack_again.mrc"]["duplicate_of"] == "stack"
    assert len({row["dataset"].casefold() for row in rows.values()}) == 7


def test_the_truth_speaks_of_every_patch(made):
    out, summary = made
    rows = tables.read(out / "truth" / "patches.csv", em_dataset.TRUTH)
    assert len(rows) == summary.patches
    assert {row["artefact"] for row in rows} == {"", "charging", "saturated", "padded"}
    for row in rows:
        assert (row["informative"] == 1) == (row["tissue"] >= 0.3 and not row["artefact"])
    assert 0 < summary.informative < summary.patches
