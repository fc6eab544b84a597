from __future__ import annotations

from dataclasses import replace

import pytest
from sklearn.metrics import adjusted_mutual_info_score

from semtrace.discovery import agree, clusterings, feature_sets
from semtrace.discovery import tables as of
from semtrace.io import tables
from tests.discovery.conftest import AGREE, CATEGORIES


def test_every_number_of_clusters_is_scored_on_labelled_groups_alone(work):
    rows = tables.read(work / "agree/agreement.csv", of.AGREEMENT)
    ward = [row for row in rows if row["method"] == "ward" and row["features"] == "small_texture_10"]
    assert [int(row["k"]) for row in ward] == list(range(2, AGREE.most + 1))
    assert {row["images"] for row in rows} == {47}  # the copy under two categories says nothing
    one = next(one for one in clusterings.read(work / "cluster") if one.name == "small_texture_10")
    category = {path: row["category"] for path, row in feature_sets.read_images(work / "features").items()}
    kept = [row for row, path in enumerate(one.paths) if path not in ("Fibres/0_0.png", "Particles/copy.png")]
    truth = [category[one.paths[row]] for row in kept]
    found = one.labels("ward", 7)[kept]
    assert float(ward[5]["ami"]) == pytest.approx(adjusted_mutual_info_score(truth, found), abs=1e-8)


def test_references_and_figures_are_there(work):
    rows = tables.read(work / "agree/reference.csv", of.REFERENCE)
    four = {row["reference"]: float(row["nmi"]) for row in rows if row["k"] == 4}
    assert four["halved"] == pytest.approx(1.0)
    assert four["halved"] > four["uniform"] > four["orthogonal"]
    for name in ("square", "square_by_k", "references_category", "nmi_by_k_category", "ami_by_k_category"):
        assert (work / f"agree/{name}.png").stat().st_size > 5000
    square = tables.read(work / "agree/square.csv", of.SQUARE_PARTITIONS)
    assert [tuple(square[row].values()) for row in (0, 27)] == [(0, 0, 0, 0, 0), (27, 7, 2, 7, 6)]


def test_kinds_are_a_second_truth(work, tmp_path):
    images = feature_sets.read_images(work / "features")
    known = tmp_path / "subcategories.csv"
    lines = [f"{path},{path.split('/')[0]},{path.split('/')[1][0]}" for path in images]
    known.write_text("path,category,kind\n" + "\n".join(lines) + "\n")
    done = agree.run(work / "features", work / "cluster", tmp_path / "out", replace(AGREE, known=str(known), most=9))
    assert done.labelled == {"category": 47, "kind": 47}
    rows = tables.read(tmp_path / "out/agreement.csv", of.AGREEMENT)
    best = max(float(row["ami"]) for row in rows if row["against"] == "kind")
    assert best > 0.5
    assert (tmp_path / "out/ami_by_k_kind.png").is_file()
    assert len(CATEGORIES) == 4


def test_without_labels_there_is_a_note_and_no_score(work, tmp_path):
    (tmp_path / "features").mkdir()
    lines = (work / "features/images.csv").read_text().splitlines()
    header = lines[0].split(",")
    place = header.index("category")
    bare = [",".join(c if i != place else "" for i, c in enumerate(line.split(","))) for line in lines[1:]]
    (tmp_path / "features/images.csv").write_text("\n".join([lines[0], *bare]) + "\n")
    done = agree.run(tmp_path / "features", work / "cluster", tmp_path / "out", AGREE)
    assert done.note == "no image has a category: nothing to agree with"
    assert tables.read(tmp_path / "out/agreement.csv", of.AGREEMENT) == []


@pytest.mark.parametrize("wrong", [{"most": 1}, {"draws": 0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="agree"):
        replace(AGREE, **wrong)


def test_images_that_training_saw_are_not_scored_in_its_sets_alone(work, tmp_path):
    import json
    import shutil

    shutil.copytree(work / "finetune", tmp_path / "tuned")
    about = tmp_path / "tuned/small_lite0_4_ft.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"seen": "small_lite0_1280_head/split.csv"}))
    settings = replace(AGREE, most=4, draws=1)
    agree.run(work / "features", work / "cluster", tmp_path / "out", settings, tuned=tmp_path / "tuned")
    split = tables.read(tmp_path / "tuned/small_lite0_1280_head/split.csv", of.SPLIT)
    test = sum(row["part"] == "test" for row in split)
    rows = tables.read(tmp_path / "out/agreement.csv", of.AGREEMENT)
    assert {row["images"] for row in rows if "_ft_" in row["features"]} == {test}
    assert {row["images"] for row in rows if "_ft_" not in row["features"]} == {len(split)}
