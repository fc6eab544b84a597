from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from semtrace.core.grouping.neighbours import TooFewPointsError
from semtrace.discovery import dimension
from semtrace.discovery import tables as of
from semtrace.io import tables
from tests.discovery.conftest import DIMENSION, digests
from tests.discovery.test_feature_sets import write


def test_a_square_in_ten_columns_is_two_dimensional_and_copies_are_counted(tmp_path):
    rng = np.random.default_rng(3)
    points = rng.uniform(size=(800, 2)) @ rng.normal(size=(2, 10))
    points = np.concatenate([points, points[:80]]).astype(np.float32)
    write(tmp_path / "features", points)
    settings = replace(DIMENSION, repeats=100, tolerance=0.12)
    done = dimension.run(tmp_path / "features", tmp_path / "out", settings)
    assert done.sets["made"] == pytest.approx(2.0, abs=0.2)
    assert done.merged == {"made": 80}
    assert done.plateaus["made"] == "1.9 at 25 to 800 points"
    assert dimension.run(tmp_path / "features", tmp_path / "strict", DIMENSION).plateaus["made"] == "none"
    rows = tables.read(tmp_path / "out/dimension.csv", of.DIMENSION)
    assert {int(row["sample_size"]) for row in rows} == {800, 400, 200, 100, 50, 25, 12}
    assert {row["estimator"] for row in rows} == {"fit", "ml", "gride1", "gride2", "gride4"}
    assert sum(row["sample_size"] == 25 and row["estimator"] == "ml" for row in rows) == 32


def test_rows_in_any_order_give_the_same_bytes(tmp_path):
    points = np.random.default_rng(4).normal(size=(60, 5))
    for seed in (None, 5):
        write(tmp_path / f"{seed}", points, seed)
        dimension.run(tmp_path / f"{seed}", tmp_path / f"out{seed}", DIMENSION)
    assert digests(tmp_path / "outNone") == digests(tmp_path / "out5")


def test_the_thick_line_is_on_record_with_its_plateau_at_few_points(work):
    rows = tables.read(work / "dimension/thick_line.csv", of.DIMENSION)
    curve = dimension.curve_of(rows, dimension.LINE, 0.9)
    assert curve[-1][0] == 50_000
    assert curve[-1][1] == pytest.approx(1.74, abs=0.05)
    assert next(mean for size, mean, _ in curve if 500 < size < 1000) == pytest.approx(1.0, abs=0.1)
    plateau = {
        row["fraction"]: row
        for row in tables.read(work / "dimension/plateau.csv", of.PLATEAU)
        if row["features"] == dimension.LINE
    }
    assert set(plateau) == set(DIMENSION.fractions)
    assert plateau[0.9]["dimension"] == pytest.approx(1.0, abs=0.05)
    assert plateau[0.9]["largest"] < 5000  # at 50,000 the noise is seen
    assert plateau[0.9]["verdict"].startswith("1.0 at ")
    for name in ("thick_line", "thick_line_curve", "fits", "dimension_by_sample_size", "dimension_by_scale"):
        assert (work / f"dimension/{name}.png").stat().st_size > 5000


def test_identical_images_alone_have_no_dimension(tmp_path):
    write(tmp_path / "features", np.ones((20, 3)))
    with pytest.raises(TooFewPointsError, match="made: 1 different points, and 2-NN needs 4"):
        dimension.run(tmp_path / "features", tmp_path / "out", DIMENSION)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "wrong",
    [{"fractions": [0.0]}, {"fractions": [1.1]}, {"smallest": 9}, {"repeats": 0}, {"ranks": [0]}, {"tolerance": 1}],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=f"dimension.{next(iter(wrong))}"):
        replace(DIMENSION, **wrong)
