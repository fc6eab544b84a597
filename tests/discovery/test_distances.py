from __future__ import annotations

import csv
import itertools
import math
from collections import Counter
from dataclasses import replace

import pytest

from semtrace.discovery import distances, feature_sets
from semtrace.discovery import tables as of
from semtrace.io import tables
from tests.discovery.conftest import DISTANCES
from tests.discovery.test_feature_sets import write


def test_the_sample_is_balanced_sorted_and_from_labelled_groups_that_agree(work):
    rows = tables.read(work / "distances/sample.csv", of.SAMPLE)
    assert len(rows) == 30
    counts = Counter(row["category"] for row in rows)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert [row["category"] for row in rows] == sorted(row["category"] for row in rows)
    assert not {"Fibres/0_0.png", "Particles/copy.png"} & {row["path"] for row in rows}


def test_every_set_is_measured_before_and_after_reduction(work):
    rows = tables.read(work / "distances/distances.csv", of.DISTANCES)
    assert [(row["features"], row["reduced"]) for row in rows] == [
        ("small_lite0_1000_in", False), ("small_lite0_1280_in", False), ("small_texture", False),
        ("small_lite0_4_ft", False), ("small_lite0_1000_in_10", True), ("small_lite0_1280_in_10", True),
        ("small_lite0_4_ft_4", True), ("small_texture_10", True),
    ]  # fmt: skip
    assert all(-1 <= float(row["pearson"]) <= 1 and 0 <= float(row["overlap_1"]) <= 1 for row in rows)
    assert float(rows[1]["overlap_1"]) > 0.5  # four kinds of picture are not that alike
    known = tables.read(work / "distances/imbalance.csv", of.IMBALANCE)
    assert len(known) == 12
    for name in ("heatmaps", "label_distance", "imbalance"):
        assert (work / f"distances/{name}.png").stat().st_size > 5000


def test_the_heat_maps_have_their_numbers_as_csv(work):
    rows = list(csv.DictReader((work / "distances/heatmaps.csv").read_text(encoding="utf-8").splitlines()))
    sample = [row["category"] for row in tables.read(work / "distances/sample.csv", of.SAMPLE)]
    sets = [row["features"] for row in tables.read(work / "distances/distances.csv", of.DISTANCES)]
    assert list(rows[0]) == ["left", "right", "label", *sets]
    assert [(int(row["left"]), int(row["right"])) for row in rows] == list(itertools.combinations(range(30), 2))
    assert all(row["label"] == str(int(sample[int(row["left"])] != sample[int(row["right"])])) for row in rows)
    first = tables.read(work / "distances/sample.csv", of.SAMPLE)
    loaded = feature_sets.load(work / "features/small_texture.parquet", "distances")
    at = {paths[0]: point for point, paths in enumerate(loaded.members)}
    for row in rows[::50]:
        ends = (loaded.points[at[first[int(row[side])]["path"]]] for side in ("left", "right"))
        assert float(row["small_texture"]) == pytest.approx(math.dist(*ends), rel=1e-5)


def test_without_labels_the_note_says_so_and_the_rest_is_done(work, tmp_path):
    import numpy as np

    points = np.random.default_rng(1).normal(size=(20, 4))
    write(tmp_path / "features", points, name="a")
    write(tmp_path / "features", points[:, :2], name="b")
    write(tmp_path / "reduce", points, name="a_4")
    done = distances.run(tmp_path / "features", tmp_path / "reduce", tmp_path / "out", DISTANCES)
    assert done.note == "no image has a category: nothing to compare distances with"
    assert len(tables.read(tmp_path / "out/imbalance.csv", of.IMBALANCE)) == 2
    rows = tables.read(tmp_path / "out/distances.csv", of.DISTANCES)
    assert {row["note"] for row in rows} == {"no image has a category"}
    pairs = list(csv.DictReader((tmp_path / "out/heatmaps.csv").read_text(encoding="utf-8").splitlines()))
    assert len(pairs) == 190
    assert {row["label"] for row in pairs} == {""}


@pytest.mark.parametrize("wrong", [{"sample": 9}, {"k": 0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=f"distances.{next(iter(wrong))}"):
        replace(DISTANCES, **wrong)
