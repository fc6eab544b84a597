from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from semtrace.core.errors import InputError
from semtrace.core.grouping.neighbours import TooFewPointsError
from semtrace.discovery import cluster, dimension, feature_sets, reduce
from semtrace.io import feature_table, tables
from semtrace.stage.rejects import REJECTS
from tests.cases import CASES, needs_cases
from tests.discovery.conftest import CLUSTER, DIMENSION, REDUCE, digests


def write(folder, points, seed=None, name="made"):
    """Features whose rows come in an order of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    order = np.arange(len(points)) if seed is None else np.random.default_rng(seed).permutation(len(points))
    keys = {k: [f"{k}{row:04}" for row in order] for k in feature_table.KEYS}
    columns = [f"f{i}" for i in range(points.shape[1])]
    feature_table.write(folder / f"{name}.parquet", keys, points[order].astype(np.float32), columns)


@needs_cases
def test_bad_rows_are_rejects_with_their_reason_and_too_few_rows_are_exit_1(tmp_path):
    (tmp_path / "features").mkdir()
    shutil.copy(CASES / "09_features_bad.csv", tmp_path / "features/bad.features.csv")
    reduce.run(tmp_path / "features", tmp_path / "reduce", replace(REDUCE, method="none"))
    rejects = {row["path"]: row["reason"] for row in tables.read(tmp_path / "reduce/rejects.csv", REJECTS)}
    assert rejects == {"bad: b.tif": "nan", "bad: c.tif": "infinite", "bad: e.tif": "short_row"}
    assert feature_table.read(tmp_path / "reduce/bad.parquet").path == ["a.tif", "d.tif"]
    with pytest.raises(TooFewPointsError, match=r"2 points are fewer than cluster.neighbours = 5") as error:
        cluster.run(tmp_path / "reduce", tmp_path / "cluster", CLUSTER)
    assert error.value.exit_code == 1
    with pytest.raises(TooFewPointsError, match="1 different points, and 2-NN needs 4"):
        dimension.run(tmp_path / "features", tmp_path / "dimension", DIMENSION)


@needs_cases
def test_ties_give_the_same_table_whatever_the_order_of_the_rows(tmp_path):
    points = np.loadtxt(CASES / "05_ties_grid.csv", delimiter=",")
    settings = replace(CLUSTER, methods=["single", "complete", "centroid", "ward", "average", "density_peaks"], k=[2])
    made = []
    for seed in (None, 1, 2):
        write(tmp_path / f"{seed}", points, seed)
        cluster.run(tmp_path / f"{seed}", tmp_path / f"out{seed}", settings)
        made.append(digests(tmp_path / f"out{seed}"))
    assert made[0] == made[1] == made[2]
    from semtrace.discovery import clusterings

    one = clusterings.read(tmp_path / "outNone")[0]
    for method in ("single", "complete", "centroid", "ward"):
        assert np.array_equal(one.labels(method, 2), np.repeat([0, 1], 36))


def test_a_group_is_one_point_and_its_members_follow_it(work):
    loaded = feature_sets.load(work / "features/small_lite0_1280_in.parquet", "test")
    assert loaded.images == 49
    assert len(loaded.points) == 48
    assert ["Fibres/0_0.png", "Particles/copy.png"] in loaded.members
    assert loaded.md5 == sorted(loaded.md5)
    said = feature_sets.labels(loaded.members, {"Fibres/0_0.png": "Fibres", "Particles/copy.png": "Particles"})
    assert said.conflicts == 1
    assert len(said.labelled) == 0


def test_columns_with_units_of_their_own_are_standardised_and_constant_ones_are_0(work):
    loaded = feature_sets.load(work / "features/small_texture.parquet", "test")
    assert np.abs(loaded.points.mean(axis=0)).max() < 1e-9
    deviations = loaded.points.std(axis=0)
    assert np.all((np.abs(deviations - 1) < 1e-9) | (deviations == 0))
    shift, scale = feature_sets.standard_scale(np.array([[1.0, 5], [3.0, 5]]))
    assert ((np.array([[1.0, 5], [3.0, 5]]) - shift) / scale).tolist() == [[-1, 0], [1, 0]]


def test_sets_that_are_not_there_are_named(work, tmp_path):
    with pytest.raises(InputError, match="no feature set nothing; there are small_lite0_1000_in"):
        feature_sets.feature_set_names(work / "features", ["nothing"])
    with pytest.raises(InputError, match="run `semtrace features`"):
        feature_sets.feature_set_names(tmp_path)
