from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from semtrace.core.grouping.agglomerative import MemoryBoundError
from semtrace.core.grouping.neighbours import TooFewPointsError
from semtrace.discovery import cluster, clusterings, methods
from semtrace.discovery import tables as of
from semtrace.io import column_table, tables
from tests.discovery.conftest import CLUSTER, digests
from tests.discovery.test_feature_sets import write


def heaps(count=20):
    rng = np.random.default_rng(2)
    return np.concatenate([rng.normal(middle, 1, (count, 3)) for middle in (0, 15, 40)])


def test_three_heaps_are_found_by_every_method(tmp_path):
    write(tmp_path / "reduce", heaps())
    cluster.run(tmp_path / "reduce", tmp_path / "out", replace(CLUSTER, k=[3]))
    table = column_table.read(tmp_path / "out/clusters.parquet", cluster.CLUSTERS)
    truth = {f"path{row:04}": row // 20 for row in range(60)}
    for method in (*methods.METHODS, "saddles_halo"):
        rows = table["method"] == method
        known = [truth[path] for path in table["path"][rows]]
        assert len(known) == 60
        found = table["cluster"][rows]
        inside = found >= 0
        assert adjusted_rand_score(np.array(known)[inside], found[inside]) == 1.0, method
        if method in methods.NESTED:
            assert np.nanmin(table["stability"][rows]) > 0.9
            assert np.isfinite(table["to_medoid"][rows]).all()


def test_what_was_written_gives_any_number_of_clusters_again(work):
    table = column_table.read(work / "cluster/clusters.parquet", cluster.CLUSTERS)
    for one in clusterings.read(work / "cluster"):
        for method in one.nested():
            for k in (4, 8):
                rows = (table["features"] == one.name) & (table["method"] == method) & (table["k"] == k)
                written = dict(zip(table["path"][rows], table["cluster"][rows], strict=True))
                assert [written[path] for path in one.paths] == one.labels(method, k).tolist()
                assert len(written) == 49  # the copy has a row, too
                assert written["Fibres/0_0.png"] == written["Particles/copy.png"]


def test_rows_in_any_order_give_the_same_bytes(tmp_path):
    for seed in (None, 5):
        write(tmp_path / f"{seed}", heaps(), seed)
        cluster.run(tmp_path / f"{seed}", tmp_path / f"out{seed}", CLUSTER)
    assert digests(tmp_path / "outNone") == digests(tmp_path / "out5")


def test_equal_points_follow_the_one_that_stands_for_them(tmp_path):
    points = np.concatenate([heaps(), heaps()[:10]])
    write(tmp_path / "reduce", points)
    cluster.run(tmp_path / "reduce", tmp_path / "out", replace(CLUSTER, methods=["density_peaks"], k=[3]))
    rows = tables.read(tmp_path / "out/density.csv", of.DENSITY)
    assert sum(row["rank"] is None for row in rows) == 10
    labels = clusterings.read(tmp_path / "out")[0].labels("density_peaks", 3)
    assert np.array_equal(labels[60:], labels[:10])


def test_too_many_clusters_are_named_and_too_little_memory_is_refused_before(tmp_path):
    write(tmp_path / "reduce", heaps())
    done = cluster.run(tmp_path / "reduce", tmp_path / "out", replace(CLUSTER, methods=["ward"], k=[60, 61]))
    assert done.skipped == {"made": "k = 61: there are 60 points"}
    write(tmp_path / "many", np.random.default_rng(1).normal(size=(600, 2)))
    with pytest.raises(
        MemoryBoundError, match=r"average linkage of 600 points needs up to 1 MB, cluster\.memory_mb is 1"
    ):
        cluster.run(tmp_path / "many", tmp_path / "none", replace(CLUSTER, methods=["average"], memory_mb=1))
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("count", "chosen", "said"),
    [(1, ["ward"], "1 different image"), (5, ["density_peaks"], "5 points are fewer than cluster.neighbours = 5"),
     (2, ["hdbscan"], "2 points are fewer than cluster.smallest = 3")],
)  # fmt: skip
def test_too_few_images_are_exit_1_with_both_numbers(tmp_path, count, chosen, said):
    write(tmp_path / "reduce", heaps()[:count])
    with pytest.raises(TooFewPointsError, match=said) as error:
        cluster.run(tmp_path / "reduce", tmp_path / "out", replace(CLUSTER, methods=chosen))
    assert error.value.exit_code == 1


@pytest.mark.parametrize(
    "wrong",
    [{"methods": ["kmeans"]}, {"k": [1]}, {"neighbours": 2}, {"search": 3}, {"z": -1}, {"stability_samples": -1}],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="cluster"):
        replace(CLUSTER, **wrong)
