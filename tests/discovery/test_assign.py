from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from semtrace.core.errors import InputError
from semtrace.discovery import assign, reduce
from semtrace.discovery import tables as of
from semtrace.discovery.reduction import read_reduction
from semtrace.io import feature_table, tables
from semtrace.stage.rejects import REJECTS
from semtrace.synthetic.scenes import scene
from tests.discovery.conftest import FEATURES, REDUCE

REACH = assign.Settings(1.0)


def assigned(work, folder, out, tree=None, reach=REACH):
    done = assign.run(work.folder, tree or work / "discover", folder, out, reach, FEATURES, work.executor)
    return done, {row["path"]: row for row in tables.read(out / "assigned.csv", of.ASSIGNED)}


def test_the_images_of_the_tree_come_back_to_it_and_medoids_to_their_leaf(work, tmp_path):
    done, rows = assigned(work, work.root, tmp_path / "out")
    assert (done.images, done.new, done.leaves) == (49, 0, 8)
    leaves = {row["path"]: row for row in tables.read(work / "discover/subcategories.csv", of.PROPOSED_SUBCATEGORIES)}
    medoids = {row["medoid"]: row["node"] for row in tables.read(work / "discover/tree.csv", of.TREE)}
    for path, row in rows.items():
        assert row["distance"] <= leaves[path]["distance"] + 1e-4  # no farther than its own medoid
        if path in medoids and medoids[path] == leaves[path]["cluster"]:
            assert row["distance"] < 1e-4
            assert row["subcategory"] == leaves[path]["subcategory"]
    rejects = tables.read(tmp_path / "out/rejects.csv", REJECTS)
    assert {row["path"] for row in rejects} == {"Fibres/notes.txt", "Fibres/broken.png"}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, work):
    """Pictures of known kinds that nobody saw, and one that is a medoid."""
    folder = tmp_path_factory.mktemp("fresh")
    for category in ("Fibres", "Particles"):
        gray = np.clip(np.asarray(scene(category, np.random.default_rng([7, 7]), 160, 120, 0)), 0, 1) * 255
        Image.fromarray(gray.astype(np.uint8)).save(folder / f"{category}.png")
    shutil.copy(work.root / tables.read(work / "discover/tree.csv", of.TREE)[-1]["medoid"], folder / "medoid.png")
    return folder


def test_a_new_image_of_a_known_kind_is_assigned_and_beyond_the_limit_it_is_new(work, tmp_path, fresh):
    _, rows = assigned(work, fresh, tmp_path / "out")
    for category in ("Fibres", "Particles"):
        row = rows[f"{category}.png"]
        assert (row["category"], row["source"]) == (category, "assigned")
        assert row["subcategory"].startswith(category)
    share = rows["Fibres.png"]["distance"] / rows["Fibres.png"]["limit"]
    for reach, source in ((share * 1.001, "assigned"), (share * 0.999, "new")):  # both sides of the limit
        _, rows = assigned(work, fresh, tmp_path / source, reach=assign.Settings(reach))
        assert rows["Fibres.png"]["source"] == source
        assert rows["medoid.png"]["source"] == "assigned"
    assert (rows["Fibres.png"]["subcategory"], rows["Fibres.png"]["category"]) == ("", "")
    assert rows["Fibres.png"]["distance"] > rows["Fibres.png"]["limit"]


def test_a_refused_leaf_names_nothing(work, tmp_path, fresh):
    shutil.copytree(work / "discover", tmp_path / "tree")
    file = tmp_path / "tree/subcategories.csv"
    rows = tables.read(file, of.PROPOSED_SUBCATEGORIES)
    tables.write(file, of.PROPOSED_SUBCATEGORIES, [{**row, "subcategory": ""} for row in rows])
    done, rows = assigned(work, fresh, tmp_path / "out", tree=tmp_path / "tree")
    assert (done.refused, done.assigned) == (3, 0)
    assert (rows["Fibres.png"]["source"], rows["Fibres.png"]["subcategory"]) == ("refused", "")


@pytest.mark.parametrize("method", ["none", "pca", "autoencoder"])
def test_new_rows_are_reduced_as_those_of_the_set_were(work, tmp_path, method):
    folder = tmp_path / "features"
    folder.mkdir()
    for end in ("parquet", "json"):
        shutil.copy(work / f"features/small_texture.{end}", folder)
    done = reduce.run(folder, tmp_path / "reduce", replace(REDUCE, method=method))
    (name,) = done.sets
    reduction, about = read_reduction(tmp_path / "reduce", name)
    assert (about["features"], about["method"]) == ("small_texture", method)
    kept = feature_table.read(tmp_path / f"reduce/{name}.parquet")
    again = reduction.apply(feature_table.read(folder / "small_texture.parquet").values)
    copy = kept.path.index("Particles/copy.png")  # it has the row of its group's first
    apart = np.abs(np.delete(again - kept.values, copy, axis=0))
    assert apart.max() < 1e-5 * max(1, np.abs(again).max())


def test_what_is_missing_or_was_changed_is_said(work, tmp_path):
    with pytest.raises(InputError, match="run `semtrace discover` first"):
        assign.run(work.folder, tmp_path / "none", work.root, tmp_path / "out", REACH, FEATURES, work.executor)
    shutil.copytree(work / "reduce", tmp_path / "work/reduce")
    shutil.copytree(work / "features", tmp_path / "work/features")
    args = work / "discover", work.root, tmp_path / "out", REACH, FEATURES, work.executor
    (tmp_path / "work/reduce/small_lite0_1280_in_10.npz").write_bytes(b"x")
    with pytest.raises(InputError, match="missing, or not the file that its JSON names"):
        assign.run(tmp_path / "work", *args)
    shutil.copy(work / "reduce/small_lite0_1280_in_10.npz", tmp_path / "work/reduce")
    (tmp_path / "work/features/small_lite0_1280_in.json").unlink()
    with pytest.raises(InputError, match="`semtrace features` did not make"):
        assign.run(tmp_path / "work", *args)
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match=r"assign.reach"):
        assign.Settings(0.0)
