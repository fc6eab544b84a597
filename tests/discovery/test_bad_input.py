"""What people bring that cannot be clustered, or not quite: what each verb says of it, and what goes on."""

from __future__ import annotations

import os
import signal
import sys

import numpy as np
import pytest

from semtrace.cli.main import main
from semtrace.discovery import cluster, encoders
from semtrace.discovery import tables as of
from semtrace.io import feature_table, tables
from semtrace.stage.rejects import REJECTS
from tests.discovery.conftest import configure, digests
from tests.discovery.test_feature_sets import write
from tests.discovery.test_scale_bad_input import in_a_fork

FEW = {
    "features__encoders": ["texture"], "reduce__size": 3, "cluster__k": [3],
    "cluster__methods": ["ward"], "cluster__stability_samples": 0, "agree__most": 6, "agree__draws": 1,
    "discover__leaves": 4, "discover__samples": 2, "finetune__epochs": 2, "executor__workers": 1,
}  # fmt: skip
AFTER = ("finetune", "predict", "reduce", "distances", "cluster", "agree", "discover")
COUNT = 12


def configured(folder, project, **changed):
    configure(folder, project, **{**FEW, "features__root": f"{folder}/none", **changed})


@pytest.fixture
def place(project, tmp_path, monkeypatch):
    """A folder with params.yaml, whose results lie in out/."""
    configured(tmp_path, project)
    (tmp_path / "none").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def points(count=COUNT):
    return np.random.default_rng(1).normal(size=(count, 5)) + 9 * (np.arange(count) % 2)[:, None]


def bring(place, category_of, values=None, name="own"):
    """Features of a person's own, and what is known of the images."""
    folder = place / "out/features"
    folder.mkdir(parents=True)
    values = points() if values is None else values
    lines = ["path," + ",".join(f"f{column}" for column in range(values.shape[1]))]
    lines += [f"p{row:02}," + ",".join(map(str, numbers)) for row, numbers in enumerate(values)]
    (folder / f"{name}.features.csv").write_text("\n".join(lines) + "\n")
    lines = ["path,md5,group,category,width,height,picture_rows,crop"]
    lines += [f"p{row:02},m{row:02},g{row:02},{category_of(row)},8,8,8,none" for row in range(len(values))]
    (folder / "images.csv").write_text("\n".join(lines) + "\n")
    return folder


def refused(capsys, *given):
    """The message of a verb that ends with an exit code, and that code."""
    code = main([*given, "--work", "out"])
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return code, said


def written(place):
    """Folders of results, and anything that was left beside them."""
    return {path.name for path in (place / "out").iterdir()} - {"dataset.json"}


@pytest.mark.parametrize(("category", "note"), [("", "no image has a category"), ("Steel", "two categories")])
def test_with_no_category_or_a_single_one_everything_but_the_comparison_is_done(place, capsys, category, note):
    bring(place, lambda _: category)
    for verb in AFTER:
        assert main([verb, "--work", "out"]) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert "fewer than two categories have images to train on" in said
    assert note in said + (place / "out/distances/distances.csv").read_text()
    rows = tables.read(place / "out/agree/agreement.csv", of.AGREEMENT)
    if category:
        assert {(row["ami"], row["note"]) for row in rows} == {(0.0, "0 by definition: the labels are one cluster")}
    else:
        assert rows == []
    leaves = tables.read(place / "out/discover/subcategories.csv", of.PROPOSED_SUBCATEGORIES)
    assert len(leaves) == COUNT
    assert len({row["cluster"] for row in leaves}) == 4
    assert leaves[0]["subcategory"].startswith(category or "Unlabelled")


def test_bad_rows_a_constant_column_and_a_category_with_a_slash_go_through_to_a_tree(place, capsys):
    values = points()
    values[:, 2] = 7.0
    values[4, 1] = np.nan
    file = bring(place, lambda row: "Steel/rusty" if row % 2 else "Glass", values) / "own.features.csv"
    file.write_text(file.read_text() + "short,1,2\n")
    for verb in ("reduce", "cluster", "agree", "discover"):
        assert main([verb, "--work", "out"]) == 0, capsys.readouterr().err
    rejects = {row["path"]: row["reason"] for row in tables.read(place / "out/reduce/rejects.csv", REJECTS)}
    assert rejects == {"own: p04": "nan", "own: short": "short_row"}
    reduced = feature_table.read(place / "out/reduce/own_3.parquet")
    assert len(reduced.path) == COUNT - 1
    assert np.isfinite(reduced.values).all()
    assert main(["discover", "--work", "out", "--within", "Steel/rusty"]) == 0
    within = tables.read(place / "out/discover-Steel_rusty/subcategories.csv", of.PROPOSED_SUBCATEGORIES)
    assert {row["category"] for row in within} == {"Steel/rusty"}
    assert sorted(path.name for path in (place / "out").iterdir() if path.name.startswith("discover")) == [
        "discover", "discover-Steel_rusty",
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 3])
def test_one_image_and_identical_ones_are_one_point_and_say_what_they_are_too_few_for(
    place, work, project, capsys, count
):
    (place / "images/A").mkdir(parents=True)
    for number in range(count):
        (place / f"images/A/{number}.png").write_bytes((work.root / "Fibres/0_0.png").read_bytes())
    assert main(["features", "images", "--work", "out"]) == 0
    assert f"images           {count}" in capsys.readouterr().out
    for verb in ("finetune", "predict"):
        assert main([verb, "--work", "out"]) == 0
    for verb, message in (
        ("dimension", "1 different points, and 2-NN needs 4"),
        ("reduce", "1 different images cannot be divided"),
    ):
        code, said = refused(capsys, verb)
        assert (code, message in said) == (1, True), said
    configured(place, project, reduce__method="none")
    assert main(["reduce", "--work", "out"]) == 0
    for verb, message in (
        ("distances", "1 images are in all feature sets"),
        ("cluster", "1 different image; clustering needs 2"),
        ("discover", "1 different image; a tree needs 2"),
    ):
        code, said = refused(capsys, verb)
        assert (code, message in said) == (1, True), said
    assert written(place) == {"features", "finetune", "predict", "reduce"}


def test_as_many_images_as_neighbours_are_too_few_and_one_more_is_enough(place, project, capsys):
    write(place / "out/reduce", points())
    peaks = {"cluster__methods": ["density_peaks"], "cluster__search": 60}
    configured(place, project, **peaks, cluster__neighbours=COUNT)
    code, said = refused(capsys, "cluster")
    assert (code, f"{COUNT} points are fewer than cluster.neighbours = {COUNT}" in said) == (1, True)
    configured(place, project, **peaks, cluster__neighbours=COUNT - 1)
    assert main(["cluster", "--work", "out"]) == 0


def test_more_clusters_than_points_are_named_and_the_others_are_made(place, project, capsys):
    write(place / "out/reduce", points())
    configured(place, project, cluster__k=[3, COUNT, COUNT + 1])
    assert main(["cluster", "--work", "out"]) == 0
    assert f"k = {COUNT + 1}: there are {COUNT} points" in capsys.readouterr().out


def test_too_little_memory_is_refused_before_any_work_with_the_need(place, project, capsys):
    write(place / "out/reduce", points(600))
    bring(place, lambda _: "A", points(600))
    configured(
        place, project, cluster__methods=["average"], cluster__memory_mb=1, discover__method="average",
        discover__memory_mb=1,
    )  # fmt: skip
    for verb in ("cluster", "discover"):
        code, said = refused(capsys, verb)
        assert (code, "average linkage of 600 points needs up to 1 MB" in said) == (1, True), said
        assert f"{verb}.memory_mb is 1; raise it" in said
        assert not (place / "out" / verb).exists()


def test_missing_and_wrong_weights_and_an_absent_package_are_said_with_what_needs_none(
    place, work, project, capsys, monkeypatch
):
    configured(place, project, features__encoders=["lite0"], features__root=str(work.root))
    for attribute, value, message in (
        ("WEIGHTS_PACKAGE", "no_such_weights", "no_such_weights is not installed"),
        ("_FILE", str(place / "params.yaml"), "it is damaged or another network's weights"),
    ):
        encoders._network.cache_clear()
        with monkeypatch.context() as patched:
            patched.setattr(f"semtrace.models.lite0.{attribute}", value)
            code, said = refused(capsys, "features")
        assert (code, message in said, "encoders=[texture]" in said) == (2, True, True), said
    encoders._network.cache_clear()
    name = "timm:vit_small_patch14_dinov2"
    of_timm = {"features__encoders": [name], "features__root": str(work.root)}
    monkeypatch.setitem(sys.modules, "timm", None)  # as where it is not installed
    configured(place, project, **of_timm, features__weights={name: {"file": "none.pth", "sha256": "0" * 64}})
    code, said = refused(capsys, "features")
    assert (code, "timm is not installed" in said, "lite0, texture" in said) == (2, True, True), said
    configured(place, project, **of_timm)
    code, said = refused(capsys, "features")
    assert (code, f"{name!r}, whose weights lie in no package" in said) == (2, True), said
    assert written(place) == set()


def test_a_killed_run_leaves_the_old_result_and_is_run_again(place, project, monkeypatch):
    write(place / "out/reduce", points())
    assert main(["cluster", "--work", "out"]) == 0
    before = digests(place / "out/cluster")
    configured(place, project, cluster__k=[4])

    def work():
        monkeypatch.setattr(cluster, "write_rejects", lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        main(["cluster", "--work", "out"])

    assert in_a_fork(work) == -signal.SIGKILL
    assert digests(place / "out/cluster") == before
    assert main(["cluster", "--work", "out"]) == 0
    assert digests(place / "out/cluster") != before
    assert written(place) == {"cluster", "reduce"}
