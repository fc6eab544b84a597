from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest

from semtrace.core.errors import InputError
from semtrace.core.statistics.accuracy import wilson
from semtrace.discovery import feature_sets, features, finetune, predict
from semtrace.discovery import tables as of
from semtrace.io import feature_table, tables
from semtrace.stage.executor import Executor
from tests.discovery.conftest import FEATURES, FINETUNE, digests

NAME = "small_lite0_1280_head"
CATEGORIES = ["Fibres", "Particles", "Patterned_surface", "Porous_Sponge"]


def test_every_labelled_group_is_in_one_part_and_scored_by_a_head_that_did_not_see_it(work):
    rows = tables.read(work / f"finetune/{NAME}/split.csv", of.SPLIT)
    assert len(rows) == 47  # 48 different pictures, one of them with two categories
    counts = Counter(row["part"] for row in rows)
    assert counts["test"] + counts["validation"] + counts["training"] == 47
    assert all(3 <= counts[part] <= 7 for part in ("test", "validation"))
    assert all(row["predicted"] and 0 < float(row["probability"]) <= 1 for row in rows)
    about = json.loads((work / f"finetune/{NAME}/metrics.json").read_text())
    right = sum(row["predicted"] == row["category"] for row in rows)
    assert (about["tenths"]["images"], about["tenths"]["right"]) == (47, right)
    assert (about["tenths"]["low"], about["tenths"]["high"]) == wilson(right, 47)
    assert about["test"]["images"] == counts["test"]
    assert about["tenths"]["accuracy"] > 0.7 > about["chance"]  # four kinds of picture are not that alike


def test_confusion_and_recall_add_up_and_the_curve_ends_early(work):
    folder = work / f"finetune/{NAME}"
    rows = tables.read(folder / "confusion.csv", of.CONFUSION)
    assert sum(int(row["images"]) for row in rows if row["of"] == "tenths") == 47
    for row in tables.read(folder / "per_class.csv", of.PER_CLASS):
        mine = [c for c in rows if (c["of"], c["category"]) == (row["of"], row["category"])]
        assert int(row["images"]) == sum(int(c["images"]) for c in mine)
        assert int(row["right"]) == sum(int(c["images"]) for c in mine if c["predicted"] == row["category"])
    curve = tables.read(folder / "curve.csv", of.CURVE)
    assert [int(row["epoch"]) for row in curve] == list(range(1, len(curve) + 1))
    for name in ("curve", "confusion", "per_class"):
        assert (folder / f"{name}.png").stat().st_size > 5000


def test_the_scores_are_a_feature_set_that_later_stages_take(work):
    table = feature_table.read(work / "finetune/small_lite0_4_ft.parquet")
    assert table.values.shape == (49, 4)
    assert (work / "reduce/small_lite0_4_ft_4.parquet").is_file()
    assert "small_lite0_4_ft" in {r["features"] for r in tables.read(work / "dimension/dimension.csv", of.DIMENSION)}


def test_predictions_say_which_images_training_saw(work):
    rows = {row["path"]: row for row in tables.read(work / "predict/predictions.csv", of.PREDICTIONS)}
    assert len(rows) == 49
    part = {row["path"]: row["part"] for row in tables.read(work / f"finetune/{NAME}/split.csv", of.SPLIT)}
    for path, row in rows.items():
        assert row["seen"] == (part.get(path) in ("training", "validation"))
        assert float(row["probability"]) >= float(row["second_probability"])
    seen = [row for row in rows.values() if row["seen"]]
    assert sum(row["predicted"] == row["category"] for row in seen) > 0.9 * len(seen)
    pair = rows["Fibres/0_0.png"], rows["Particles/copy.png"]
    assert pair[0]["predicted"] == pair[1]["predicted"]


def made(folder, category_of, points, md5=None, group=None):
    """A folder of features whose images.csv says what is known."""
    folder.mkdir(parents=True)
    count = len(points)
    keys = {
        "path": [f"p{row:03}" for row in range(count)],
        "md5": md5 or [f"m{row:03}" for row in range(count)],
        "group": group or [f"g{row:03}" for row in range(count)],
    }
    columns = [f"f{i}" for i in range(points.shape[1])]
    feature_table.write(folder / "made_in.parquet", keys, points.astype(np.float32), columns)
    lines = ["path,md5,group,category,width,height,picture_rows,crop"]
    lines += [
        f"{path},{md5},{group},{category_of(row)},8,8,8,none"
        for row, (path, md5, group) in enumerate(zip(*keys.values(), strict=True))
    ]
    (folder / "images.csv").write_text("\n".join(lines) + "\n")
    return folder


def parts(folder):
    return {row["path"]: row["part"] for row in tables.read(folder / "made_head/split.csv", of.SPLIT)}


SETTINGS = replace(FINETUNE, epochs=3)


@pytest.mark.parametrize("planted", ["md5", "features"])
def test_a_copy_that_the_table_of_groups_does_not_know_never_gets_across_the_split(tmp_path, planted, executor):
    """Forty pictures, each with a copy in a group of its own: equal bytes, or other bytes and equal features."""
    rng = np.random.default_rng(1)
    points = np.repeat(rng.normal(size=(40, 6)), 2, axis=0)
    md5 = [f"m{row // 2:03}" for row in range(80)] if planted == "md5" else None
    if planted == "md5":
        points[1::2] += 0.01
    seen = made(tmp_path / "features", lambda row: "AB"[row // 2 % 2], points, md5)
    finetune.run(seen, tmp_path, tmp_path / "out", SETTINGS, executor)
    found = parts(tmp_path / "out")
    assert len(found) == 80
    assert set(found.values()) == {"training", "validation", "test"}
    together = defaultdict(set)
    for path, part in found.items():
        together[int(path[1:]) // 2].add(part)
    assert all(len(where) == 1 for where in together.values())


def test_a_split_that_parts_a_group_is_refused(tmp_path, executor, monkeypatch):
    points = np.random.default_rng(1).normal(size=(20, 3))
    md5 = [f"m{row // 2:03}" for row in range(20)]
    seen = made(tmp_path / "features", lambda row: "AB"[row // 2 % 2], points, md5)
    monkeypatch.setattr(
        finetune.splits, "assign", lambda units, *_: [str(row % 10) for row in range(len(units))]
    )  # places instead of groups
    with pytest.raises(InputError, match=r"m000 is in the test part and in the validation part"):
        finetune.run(seen, tmp_path, tmp_path / "out", SETTINGS, executor)
    assert not (tmp_path / "out").exists()


def test_copies_with_two_categories_are_not_learnt_from(tmp_path, executor):
    points = np.random.default_rng(1).normal(size=(20, 3))
    points[1] = points[0]
    seen = made(tmp_path / "features", lambda row: "AB"[row % 2], points)
    finetune.run(seen, tmp_path, tmp_path / "out", SETTINGS, executor)
    assert not {"p000", "p001"} & set(parts(tmp_path / "out"))


@pytest.mark.parametrize("known", [lambda _: "", lambda _: "A", lambda row: "AB"[row] if row < 2 else ""])
def test_without_two_categories_to_train_on_nothing_is_learnt_and_the_rest_goes_on(tmp_path, executor, known):
    seen = made(tmp_path / "features", known, np.random.default_rng(1).normal(size=(12, 3)))
    done = finetune.run(seen, tmp_path, tmp_path / "out", SETTINGS, executor)
    assert done.labelled == 0
    assert done.note == finetune.NOTHING
    later = predict.run(seen, tmp_path / "out", tmp_path / "predict")
    assert (later.images, later.note) == (0, "finetune learnt nothing: no category to say")
    assert list(feature_sets.feature_set_files(seen, tmp_path / "out")) == ["made_in"]


def test_unlabelled_images_get_a_category_with_a_probability(tmp_path, executor):
    rng = np.random.default_rng(1)
    codes = np.arange(60) % 2
    points = rng.normal(size=(60, 4)) + 6 * np.eye(2, 4)[codes]
    seen = made(tmp_path / "features", lambda row: "AB"[codes[row]] if row < 40 else "", points)
    finetune.run(seen, tmp_path, tmp_path / "out", replace(SETTINGS, epochs=100, patience=30), executor)
    done = predict.run(seen, tmp_path / "out", tmp_path / "predict")
    assert (done.images, done.unlabelled) == (60, 20)
    rows = tables.read(tmp_path / "predict/predictions.csv", of.PREDICTIONS)
    assert [row["predicted"] for row in rows[40:]] == ["AB"[code] for code in codes[40:]]
    assert 0 < done.sure <= 20


def test_the_same_bytes_again_and_weights_that_were_changed_are_refused(work, tmp_path):
    import shutil

    finetune.run(work / "features", work.root, tmp_path / "again", FINETUNE, work.executor)
    assert digests(tmp_path / "again") == digests(work / "finetune")
    shutil.copytree(work / "finetune", tmp_path / "changed")
    weights = tmp_path / f"changed/{NAME}/head.npz"
    weights.write_bytes(weights.read_bytes() + b" ")
    with pytest.raises(InputError, match=r"its sha256 is .* not .* as metrics.json says"):
        predict.run(work / "features", tmp_path / "changed", tmp_path / "out")
    with pytest.raises(InputError, match="run `semtrace finetune` first"):
        predict.run(work / "features", tmp_path / "none", tmp_path / "out")


def test_all_layers_are_trained_and_only_the_test_part_is_scored(work, tmp_path):
    """Ten pictures, so that it takes no minute."""
    paths = [f"{category}/0_{number}.png" for category in CATEGORIES[:2] for number in range(5)]
    table = tmp_path / "ten.csv"
    table.write_text("path,category\n" + "".join(f"{path},{path.split('/')[0]}\n" for path in paths))
    features.run(replace(FEATURES, root=work.root, table=str(table)), None, tmp_path / "features", work.executor)
    settings = replace(
        FINETUNE, method="full", epochs=1, batch=8, rate=1e-4, seed=2
    )  # a seed with a picture in every part
    done = finetune.run(tmp_path / "features", work.root, tmp_path / "out", settings, work.executor)
    assert (done.name, done.tenths) == ("small_lite0_1280_full", "")
    folder = tmp_path / "out/small_lite0_1280_full"
    rows = tables.read(folder / "split.csv", of.SPLIT)
    assert {row["part"] for row in rows if row["predicted"]} == {"test"}
    assert {row["part"] for row in rows} == {"training", "validation", "test"}
    assert len(tables.read(folder / "curve.csv", of.CURVE)) == 2  # before the first epoch, and after it
    scores = feature_table.read(tmp_path / "out/small_lite0_2_ft.parquet")
    tuned = feature_table.read(tmp_path / "out/small_lite0_1280_ft.parquet").values
    before = feature_table.read(tmp_path / "features/small_lite0_1280_in.parquet").values
    assert tuned.shape == before.shape
    predict.run(tmp_path / "features", tmp_path / "out", tmp_path / "predict")
    said = {row["path"]: row["predicted"] for row in tables.read(tmp_path / "predict/predictions.csv", of.PREDICTIONS)}
    assert [said[path] for path in scores.path] == [CATEGORIES[k] for k in scores.values.argmax(axis=1)]


@pytest.fixture
def executor(tmp_path):
    return Executor(1, tmp_path / "cache.sqlite")


def test_sets_that_are_not_there_are_named(work, tmp_path, executor):
    with pytest.raises(InputError, match="no feature set other"):
        finetune.run(work / "features", work.root, tmp_path / "out", replace(FINETUNE, features="other"), executor)
    wrong = replace(FINETUNE, method="full", features="small_texture")
    with pytest.raises(InputError, match="leave it empty"):
        finetune.run(work / "features", work.root, tmp_path / "out", wrong, executor)
    seen = made(tmp_path / "features", lambda row: "AB"[row % 2], np.eye(8))
    with pytest.raises(InputError, match="no features of lite0"):
        finetune.run(seen, work.root, tmp_path / "out", replace(FINETUNE, method="full"), executor)


@pytest.mark.parametrize(
    "wrong", [{"method": "half"}, {"epochs": 0}, {"patience": 0}, {"rate": 0.0}, {"l2": -1.0}, {"batch": 0}]
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="finetune"):
        replace(FINETUNE, **wrong)
