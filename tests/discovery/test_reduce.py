from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from semtrace.cli.main import main
from semtrace.core.grouping.neighbours import TooFewPointsError
from semtrace.discovery import reduce
from semtrace.discovery import tables as of
from semtrace.io import feature_table, tables
from tests.discovery.conftest import REDUCE, configure, digests
from tests.discovery.test_feature_sets import write


def made(count=60):
    rng = np.random.default_rng(1)
    return rng.normal(size=(count, 2)) @ rng.normal(size=(2, 8)) + 0.05 * rng.normal(size=(count, 8))


def test_principal_components_keep_distances_and_the_scree_is_on_record(tmp_path):
    points = made()
    write(tmp_path / "features", points)
    reduce.run(tmp_path / "features", tmp_path / "out", replace(REDUCE, size=2))
    table = feature_table.read(tmp_path / "out/made_2.parquet")
    distance = np.linalg.norm(table.values[:30] - table.values[30:], axis=1)
    np.testing.assert_allclose(distance, np.linalg.norm(points[:30] - points[30:], axis=1), rtol=0.1)
    scree = tables.read(tmp_path / "out/scree.csv", of.SCREE)
    assert float(scree[1]["cumulative"]) > 0.98
    assert scree[1]["elbow"] is True


def test_a_grid_keeps_the_best_on_held_out_points_beside_pca_and_is_repeatable(tmp_path):
    write(tmp_path / "features", made())
    settings = replace(REDUCE, method="grid", size=2, hidden=[[6, 4], [8, 5]], tied=[[False] * 3, [False, False, True]])
    for out in ("a", "b"):
        done = reduce.run(tmp_path / "features", tmp_path / out, settings)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    rows = tables.read(tmp_path / "a/grid.csv", of.GRID)
    assert [row["method"] for row in rows] == ["pca"] + 4 * ["autoencoder"]
    errors = [float(row["held_out_error"]) for row in rows[1:]]
    assert [row["best"] for row in rows[1:]] == [error == min(errors) for error in errors]
    assert {row["hidden"] for row in rows[1:]} == {"6 4", "T6 4", "8 5", "T8 5"}
    assert rows[0]["points"] == 48
    assert rows[0]["held_out"] == 12
    assert done.better["made"].startswith("pca")  # the set is linear
    assert feature_table.read(tmp_path / "a/made_2.parquet").values.shape == (60, 2)
    from semtrace.io.files import sha256
    from semtrace.models.weights import load

    state = load(tmp_path / "a/made_2.pth", sha256(tmp_path / "a/made_2.pth"))
    assert state["mean"].shape == (8,)


def test_sizes_beyond_the_columns_of_a_set_are_one_size_with_one_best(tmp_path):
    write(tmp_path / "features", made())
    points = [replace(REDUCE, size=size, hidden=[[6, 4]], tied=[[False] * 3]) for size in (8, 20, 30)]
    reduce.search_autoencoders(tmp_path / "features", tmp_path / "out", points)
    rows = tables.read(tmp_path / "out/grid.csv", of.GRID)
    assert [(row["method"], row["size"]) for row in rows] == [("pca", 8)] + 3 * [("autoencoder", 8)]
    assert sum(row["best"] for row in rows) == 1


def test_a_grid_on_the_command_line_marks_the_best_and_leaves_the_result_of_the_stage(
    project, tmp_path, monkeypatch, capsys
):
    write(tmp_path / "out/features", made())
    configure(
        tmp_path, project, reduce__size=2, reduce__hidden=[[6, 4]], reduce__tied=[[False] * 3], executor__workers=1,
        reduce__epochs={**REDUCE.epochs, "g": 10}, tracking__enabled=False,
    )  # fmt: skip
    (tmp_path / "conf").symlink_to(project / "conf")
    monkeypatch.chdir(tmp_path)
    grid = ["reduce.rate=0.0001,0.01", "reduce.order=[g],[1_a,g]"]
    assert main(["reduce", "--work", "out", "-m", *grid]) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert "4 points; the smallest held-out errors:" in said
    assert "tracking is off" in said
    rows = tables.read(tmp_path / "out/reduce-grid/grid.csv", of.GRID)
    assert [row["method"] for row in rows] == ["pca"] + 4 * ["autoencoder"]
    assert len({(row["rate"], row["phases"]) for row in rows[1:]}) == 4
    best = min(rows[1:], key=lambda row: row["held_out_error"])
    assert [row for row in rows if row["best"]] == [best]
    assert best["rate"] == 0.01  # the slow ones have not got far
    assert f"made 2: 6 4 2, {best['activation']}, phases {best['phases']}" in said
    assert (tmp_path / "out/reduce-grid/grid.png").stat().st_size > 5000
    assert not (tmp_path / "out/reduce").exists()
    for wrong, message in (
        ("reduce.seed=1,2", "reduce.seed: unknown parameter; what can be varied is reduce, reduce.size"),
        ("cluster.z=1,2", "cluster.z: a reduce does not repeat the stages that read it"),
    ):
        assert main(["reduce", "--work", "out", "-m", wrong]) == 2
        assert message in capsys.readouterr().err
    assert main(["reduce", "--work", "out", "-m"]) == 2
    assert "+experiment=autoencoders" in capsys.readouterr().err


def test_size_0_is_the_intrinsic_dimension_rounded_up(tmp_path):
    write(tmp_path / "features", made(200))
    assert reduce.run(tmp_path / "features", tmp_path / "out", replace(REDUCE, size=0)).sets in (
        {"made_3": 3},
        {"made_4": 4},
    )


def test_members_of_a_group_have_the_features_of_its_representative(work):
    table = feature_table.read(work / "reduce/small_lite0_1280_in_10.parquet")
    row = dict(zip(table.path, table.values, strict=True))
    assert np.array_equal(row["Fibres/0_0.png"], row["Particles/copy.png"])


def test_too_few_images_cannot_be_divided(tmp_path):
    write(tmp_path / "features", made(2))
    with pytest.raises(TooFewPointsError, match="2 different images cannot be divided"):
        reduce.run(tmp_path / "features", tmp_path / "out", REDUCE)


@pytest.mark.parametrize(
    "wrong",
    [{"method": "tsne"}, {"size": -1}, {"hidden": [[1]]}, {"tied": [[True]]}, {"activation": "x"}, {"batch": 0}],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="reduce"):
        replace(REDUCE, **wrong)
