"""From the Deduplicated dataset to the page, on one small world whose truth is plain: half of it is tissue."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
import shutil
from dataclasses import replace
from io import BytesIO

import dask.array
import numpy as np
import pytest
import tifffile
from PIL import Image

from semtrace.config.params import load
from semtrace.core.errors import AccountingError
from semtrace.core.volume.box import Box
from semtrace.core.volume.location import parse_location
from semtrace.core.volume.subvolumes import overlap_share
from semtrace.curation import classify, label, patch_files, reconstruct, show, train
from semtrace.curation import tables as contracts
from semtrace.curation.check import PatchCutter
from semtrace.curation.funnel import against_truth, funnel_rows, outcome_of_all, read_result, step_sums
from semtrace.curation.label import LabelDesk
from semtrace.curation.label_page import label_app
from semtrace.curation.npy_stack import write_npy_stack
from semtrace.curation.patch_labels import import_labels, read_patch_labels, write_patch_labels
from semtrace.io import tables
from semtrace.io.columns import read_columns
from semtrace.io.patches import Patches
from semtrace.io.volumes.open import open_volumes
from semtrace.models.patch_classifier import PACKAGED, read_classifier, read_model_facts
from semtrace.models.weights import WeightsError
from tests.curation.conftest import World, tissue, write_mrc
from tests.meta.imports import PROJECT

TRAIN = train.Settings(network=False, samples=60)
CLASSIFY = classify.Settings(network=False)


def resin(shape, seed=5):
    """Flat grey with noise and a slow ramp: it passes a gate that is set low."""
    noise = np.random.default_rng(seed).normal(150, 5, shape) + np.linspace(0, 6, shape[-1])
    return noise.clip(0, 255).astype(np.uint8)


def train_on(world, verdicts, settings=TRAIN):
    folders = world.root / "deduplicated", world.root / "train"
    return train.run(world.inputs(), *folders, verdicts, settings, world.settings.reading(), world.executor)


def classify_all(world, verdicts, **settings):
    chosen = replace(CLASSIFY, **settings)
    return classify.run(world.inputs(), world.root, verdicts, chosen, world.settings.reading(), world.executor)


def rebuild(world, **settings):
    chosen = reconstruct.Settings(**settings)
    return reconstruct.run(world.inputs(), world.root, chosen, world.settings.reading(), world.executor)


def filtered(world):
    return tables.read(world.root / "filtered" / "filtered.csv", contracts.FILTERED)


def scores(world):
    columns = read_columns(world.root / "filtered" / "scores.parquet", contracts.SCORES)
    return {
        name: dict(zip(columns, row, strict=True))
        for name, row in zip(columns["name"], zip(*columns.values(), strict=True), strict=True)
    }


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("curation"))
    for name, seed in (("a", 1), ("b", 2)):
        volume = tissue((48, 64, 96), seed, sigma=3.0)
        volume[:, :, 48:] = resin((48, 64, 48), seed)
        write_mrc(world.volumes / f"{name}.mrc", volume.astype(np.int16), nm=(8, 8, 8))
    (world.volumes / "datasets.csv").write_text("path,licence,experiment\na.mrc,CC0-1.0,mouse\nb.mrc,,fly\n")
    world.images.mkdir()
    tifffile.imwrite(world.images / "one.tif", tissue((48, 96), 9))
    world.run_import(voxel_nm={})
    world.run_clean()
    world.run_section(axes=[0, 1], spacing=4)
    world.run_crop(size=48, gate=False)
    world.run_deduplicate(distance=4)
    train_on(world, world.root / "verdicts")
    classify_all(world, world.root / "verdicts")
    return world


@pytest.fixture
def own(done, tmp_path):
    """A copy of what was done, to change."""
    for folder in ("volumes", "images", "import", "clean", "section", "raw", "deduplicated", "train", "filtered"):
        shutil.copytree(done.root / folder, tmp_path / folder)
    world = World(tmp_path)
    world.settings = done.settings
    return world


def half(name):
    """The truth: whether a patch lies in tissue."""
    place = parse_location(name)
    return place.dataset not in ("a", "b") or place.x0 < 24


def test_tissue_is_kept_and_resin_is_removed(done):
    found = scores(done)
    assert not [name for name, row in found.items() if row["outcome"] == ("removed" if half(name) else "kept")]
    assert sum(row["outcome"] == "unsure" for row in found.values()) <= 2
    assert {row["name"] for row in filtered(done)} == {name for name, row in found.items() if row["outcome"] == "kept"}


def test_folds_part_no_group_and_scores_are_of_models_that_have_not_seen_it(done):
    rows = tables.read(done.root / "train" / "folds.csv", contracts.FOLDS)
    by_group = {row["group"]: set() for row in rows}
    for row in rows:
        by_group[row["group"]].add(row["fold"])
    assert all(len(folds) == 1 for folds in by_group.values())
    assert len({row["fold"] for row in rows}) > 1
    numbers = json.loads((done.root / "train" / "metrics.json").read_text())
    assert numbers["constructed"]["auc"] > 0.9
    assert numbers["labels"]["auc"] is None  # nothing is said of labels where there are none


def test_the_largest_groups_go_into_the_emptiest_folds():
    groups = np.array(["a"] * 5 + ["b"] * 3 + ["c"] * 2, object)
    assert train.folds(groups, 2).tolist() == [0] * 5 + [1] * 5
    assert train.folds(groups, 9).tolist() == [0] * 5 + [1] * 3 + [2] * 2
    assert train.folds(groups[:5], 5).tolist() == [0] * 5


def test_filtered_says_where_each_patch_is_from(done):
    rows = filtered(done)
    counts = {name: sum(row["dataset"] == name for row in rows) for name in {row["dataset"] for row in rows}}
    for row in rows:
        assert row["weight"] == pytest.approx(1 / counts[row["dataset"]], rel=1e-5)
        picture = tifffile.imread(done.root / "filtered" / row["path"])
        place = parse_location(row["name"])
        if place.dataset in ("a", "b"):
            volume = tissue((48, 64, 96), "ab".index(place.dataset) + 1, sigma=3.0)
            if place.x1 <= 48:
                np.testing.assert_array_equal(picture, volume[place.box().slices].squeeze(place.axis))
            assert (row["pixel_row_nm"], row["experiment"]) == (8, {"a": "mouse", "b": "fly"}[place.dataset])
    parts = {row["group"]: set() for row in rows}
    for row in rows:
        parts[row["group"]].add(row["split"])
    assert all(len(some) == 1 for some in parts.values())


@pytest.mark.parametrize("workers", [2])
def test_nothing_depends_on_workers_or_on_how_often_it_is_done(own, workers):
    before = {folder: own.bytes_of(folder) for folder in ("train", "filtered")}
    again = World(own.root, workers)
    again.settings = own.settings
    train_on(again, own.root / "verdicts")
    classify_all(again, own.root / "verdicts")
    assert {folder: again.bytes_of(folder) for folder in before} == before


def test_a_persons_label_wins_and_is_learned(own):
    found = scores(own)
    kept = next(row for row in found.values() if row["outcome"] == "kept" and row["dataset"] == "a")
    gone = next(row for row in found.values() if row["outcome"] == "removed")
    odd = next(row for row in found.values() if row["outcome"] == "kept" and row["dataset"] == "b")
    words = {kept["md5"]: "uninformative", gone["md5"]: "informative", odd["md5"]: "unsure", "0" * 32: "informative"}
    rows = {digest: {"label": word, "name": "renamed since"} for digest, word in words.items()}
    write_patch_labels(own.root / "verdicts", rows, who="ann", origin="page")
    summary = train_on(own, own.root / "verdicts")
    assert summary.labels == 2
    done = classify_all(own, own.root / "verdicts")
    after = scores(own)
    assert [after[row["name"]]["outcome"] for row in (kept, gone, odd)] == ["removed", "kept", "unsure"]
    assert {after[row["name"]]["decided_by"] for row in (kept, gone, odd)} == {"label"}
    assert done.labels_unused == 1
    assert "no patch has these pixels" in (own.root / "filtered" / "labels_unused.txt").read_text()


def test_a_label_with_an_unknown_word_stays_and_is_listed(tmp_path):
    text = f"md5,label,name,who,when\n{'1' * 32},good,x,ann,\n{'2' * 32},unsure,y,ann,\n"
    (tmp_path / "patches.csv").write_text(text)
    rows, wrong = read_patch_labels(tmp_path)
    assert list(rows) == ["2" * 32]
    assert "line 2" in wrong[0]
    write_patch_labels(tmp_path, {"3" * 32: {"label": "informative", "name": "z"}}, who="bob", origin="page")
    assert "good" in (tmp_path / "patches.csv").read_text()


def test_labels_of_the_published_notebook_are_taken_over(tmp_path):
    names, labels = tmp_path / "names.npy", tmp_path / "labels.npy"
    np.save(names, np.array(["x/p1.tiff", "p2", "p3.tif", "gone.tiff"]))
    np.save(labels, np.array(["good", "bad", "none", "good"]))
    known = {f"p{i}": str(i) * 32 for i in (1, 2, 3)}
    rows, unknown = import_labels(names, labels, known)
    assert {digest: row["label"] for digest, row in rows.items()} == {
        "1" * 32: "informative",
        "2" * 32: "uninformative",
    }
    assert unknown == ["gone"]
    np.save(labels, np.array(["good", object()], object), allow_pickle=True)
    with pytest.raises(ValueError, match="without pickle"):
        import_labels(names, labels, known)
    np.save(labels, np.array(["good"]))
    with pytest.raises(ValueError, match="1 labels for 4 names"):
        import_labels(names, labels, known)


def test_few_patches_are_judged_by_the_packaged_weights(own):
    world = own
    summary = train_on(world, world.root / "verdicts", replace(TRAIN, min_structure=1e9))
    assert (summary.informative, summary.weights) == (0, "packaged")
    assert classify_all(world, world.root / "verdicts").patches > 0


def test_weights_with_another_sha256_or_shape_are_refused(own):
    file = own.root / "train" / "weights.npz"
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(WeightsError, match="sha256"):
        classify_all(own, own.root / "verdicts")
    model = own.root / "train" / "model.json"
    model.write_text(json.dumps({"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}))
    with pytest.raises(WeightsError, match="not the weights"):
        classify_all(own, own.root / "verdicts")
    file.unlink()
    with pytest.raises(WeightsError, match="train"):
        classify_all(own, own.root / "verdicts")


def test_shards_hold_what_files_hold_and_patches_reads_both_and_the_volume(own, monkeypatch):
    files = Patches(own.root / "filtered" / "filtered.csv")
    expected = [files[i] for i in range(len(files))]
    monkeypatch.setattr(patch_files, "_SHARD", 7)
    classify_all(own, own.root / "verdicts", images="tar")
    shards = Patches(own.root / "filtered" / "filtered.csv")
    assert {row["path"].split("/")[1] for row in shards.rows} >= {"000000.tar", "000001.tar"}
    for i in range(len(shards)):
        np.testing.assert_array_equal(shards[i], expected[i])
    classify_all(own, own.root / "verdicts", images="none")
    with pytest.raises(ValueError, match="images=tiff"):
        Patches(own.root / "filtered" / "filtered.csv")
    cutter = PatchCutter(own.root / "raw", own.inputs(), own.settings.reading(), own.root / "scratch")
    alone = Patches(own.root / "filtered" / "filtered.csv", cut=cutter)
    np.testing.assert_array_equal(alone[3], expected[3])
    one = Patches(own.root / "filtered" / "filtered.csv", split=alone.rows[0]["split"], cut=cutter)
    assert 0 < len(one) <= len(alone)


def test_a_flipbook_holds_the_patch_and_its_neighbours(own):
    summary = rebuild(own)
    rows = tables.read(own.root / "reconstruct" / "subvolumes.csv", contracts.SUBVOLUMES)
    kept = sorted(row["name"] for row in filtered(own) if row["dataset"] in ("a", "b"))
    assert sorted(name for row in rows for name in json.loads(row["members"])) == kept
    assert summary.subvolumes == len(rows)
    assert summary.shifted > 0
    volumes = {name: open_volumes(own.volumes / f"{name}.mrc", own.settings.reading(), own.root)[0] for name in "ab"}
    for row in rows[:6] + [row for row in rows if row["shift"]][:2]:
        stack = tifffile.imread(own.root / "reconstruct" / "subvolumes" / row["path"])
        voxels = volumes[row["dataset"]].read(parse_box(row))
        np.testing.assert_array_equal(stack, np.moveaxis(voxels, row["axis"], 0))
        assert stack.shape[0] == 5
        (member,) = json.loads(row["members"])
        low, index = row["zyx"[row["axis"]] + "0"], parse_location(member).index
        assert low == index - 2 + row["shift"]
        assert (row["isotropic"], row["cross_plane"], row["voxel_z_nm"]) == (True, True, 8)


def parse_box(row):
    return Box(*(row[f"{axis}{end}"] for axis in "zyx" for end in (0, 1)))


def test_cubes_do_not_share_more_than_is_allowed_and_are_rich_enough(own):
    rebuild(own, kind="cubes", nz=0, min_share=0.2, format="zarr")
    rows = tables.read(own.root / "reconstruct" / "subvolumes.csv", contracts.SUBVOLUMES)
    assert rows
    for number, row in enumerate(rows):
        assert row["informative_share"] >= 0.2
        for other in rows[:number]:
            assert row["dataset"] != other["dataset"] or overlap_share(parse_box(row), parse_box(other)) <= 0.1
    (volume,) = open_volumes(
        own.root / "reconstruct" / "subvolumes" / rows[0]["path"], own.settings.reading(), own.root
    )
    assert volume.voxel.nm == (8, 8, 8)


def test_a_volume_that_is_too_thin_or_changed_is_a_reject(own):
    assert rebuild(own, nz=65).rejects == {"too_thin": 2}
    write_mrc(own.volumes / "b.mrc", tissue((48, 64, 96), 77).astype(np.int16), nm=(8, 8, 8))
    assert rebuild(own).rejects == {"changed": 1}


def show_all(world, truth=None):
    params = load(PROJECT / "params.yaml")
    parts = {
        "show": show.Settings(maps=2, csv=True),
        "crop": params.curation_crop,
        "deduplicate": params.curation_deduplicate,
    }
    shown = type("Shown", (), parts)
    return show.run(world.inputs(), world.root, truth, shown, world.settings.reading())


def test_the_page_has_a_funnel_that_adds_up_and_every_figure_has_its_numbers(own):
    truth = own.root / "truth.csv"
    result = read_result(own.root)
    names = [name for columns in result.tables.values() for name in columns["name"].tolist()]
    with truth.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("volume", "axis", "index", "y0", "x0", "informative"))
        for name in names:
            at = parse_location(name)
            if at.axis is not None:
                writer.writerow((at.dataset, at.axis, at.index, at.y0, at.x0, int(half(name))))
    summary = show_all(own, truth)
    total = step_sums(funnel_rows(result))
    assert total["raw"] == total["gated"] + total["duplicates"] + total["deduplicated"] == len(names)
    assert total["deduplicated"] == total["removed"] + total["unsure"] + total["filtered"]
    assert summary.truth["kept_share"] > 0.95
    assert summary.truth["removed_share"] == 1
    folder = own.root / "show"
    html = (folder / "index.html").read_text()
    pictures = sorted(folder.glob("*.png"))
    assert {"funnel", "score", "structure", "distance", "map_a", "sheet_kept_texture"} <= {
        path.stem for path in pictures
    }
    for path in pictures:
        assert path.with_suffix(".csv").stat().st_size > 0
        assert f'src="{path.name}"' in html
    assert "<script" not in html
    assert (folder / "csv" / "a.csv").read_text().count("\n") == 1 + len(result.tables["a"]["name"])
    before = own.bytes_of("show")
    show_all(own, truth)
    assert own.bytes_of("show") == before


def test_a_funnel_that_does_not_add_up_is_an_error(done):
    result = read_result(done.root)
    result.tables["a"]["exemplar"][:] = ""
    with pytest.raises(AccountingError, match="classified"):
        funnel_rows(result)
    assert against_truth(outcome_of_all(read_result(done.root)), []) is None


@pytest.fixture
def desk(own, tmp_path):
    (tmp_path / "scratch").mkdir()
    settings = label.Settings(screen=6)
    return LabelDesk(
        own.inputs(), own.root, own.root / "verdicts", settings, own.settings.reading(), "ann", tmp_path / "scratch"
    )


def test_the_most_doubtful_are_asked_first_an_equal_number_of_each_dataset(desk):
    asked = desk.screen()["patches"]
    datasets = [parse_location(one["name"]).dataset for one in asked]
    assert datasets.count("a") == datasets.count("b")
    doubts = [abs(one["score"] - 0.5) for one in asked if parse_location(one["name"]).dataset == "a"]
    assert doubts == sorted(doubts)
    assert len({one["md5"] for one in asked}) == 6


def test_answers_are_on_the_disk_and_can_be_taken_back(desk, own):
    first = [one["md5"] for one in desk.screen()["patches"]]
    desk.label(first[:2], "informative")
    desk.label(first[1:3], "unsure")
    rows, _ = read_patch_labels(own.root / "verdicts")
    assert {digest: row["label"] for digest, row in rows.items()} == {
        first[0]: "informative", first[1]: "unsure", first[2]: "unsure",
    }  # fmt: skip
    assert not {one["md5"] for one in desk.screen()["patches"]} & set(first[:3])
    assert sorted(desk.undo()) == sorted(first[1:3])
    rows, _ = read_patch_labels(own.root / "verdicts")
    assert {digest: row["label"] for digest, row in rows.items()} == dict.fromkeys(first[:2], "informative")
    assert desk.undo()
    assert desk.undo() == []
    history = [json.loads(line) for line in (own.root / "verdicts" / "history.jsonl").read_text().splitlines()]
    assert [line["origin"] for line in history] == ["page"] * 4 + ["undo"] * 4
    for digests, word in ((["f" * 32], "unsure"), (first[:1], "great"), ([], "unsure")):
        with pytest.raises(ValueError, match=r"label"):
            desk.label(digests, word)


def test_a_patch_and_its_section_are_pictures(desk, own):
    for one in desk.screen()["patches"]:
        picture = np.asarray(Image.open(BytesIO(desk.picture(one["md5"], "thumb"))))
        assert picture.shape == (48, 48)
        around = Image.open(BytesIO(desk.picture(one["md5"], "view")))
        assert max(around.size) <= 3 * 48
    assert desk.picture("0" * 32, "thumb") is None
    assert desk.picture(one["md5"], "huge") is None


def test_the_list_of_exemplars_is_a_stack_that_dask_reads(own, tmp_path):
    paths = own.root / "deduplicated" / "deduplicated_fpaths.npy"
    count = write_npy_stack(paths, tmp_path / "stack")
    read = dask.array.from_npy_stack(str(tmp_path / "stack")).compute()
    np.testing.assert_array_equal(read, np.load(paths))
    assert count == len(read) > 0
    lazily = dask.array.from_array(np.load(paths, mmap_mode="r"))
    assert lazily[0].compute() == read[0]


def test_the_packaged_weights_are_those_that_are_described():
    classifier = read_classifier(PACKAGED)
    assert classifier.both is not None
    assert (np.diff(classifier.reference) >= 0).all()


def test_a_resnet_is_trained_fold_by_fold_and_looks_in_doubt(own, tmp_path):
    import torch

    from semtrace.models.resnet34 import resnet34

    torch.set_num_threads(1)
    torch.manual_seed(0)
    state = resnet34().state_dict()
    assert len(state) == 218
    assert (
        sum(value.numel() for name, value in state.items() if "running" not in name and "num_" not in name)
        == 21_285_185
    )
    file, verdicts = tmp_path / "cem.pth", own.root / "verdicts"
    torch.save(state, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    chosen = replace(TRAIN, model="resnet34", samples=24, side=32, epochs=1, folds=2)
    with pytest.raises(ValueError, match="0 labels and no starting weights"):
        train_on(own, verdicts, chosen)
    with pytest.raises(WeightsError, match="sha256"):
        train_on(own, verdicts, replace(chosen, start=str(file), start_sha256="0" * 64))
    summary = train_on(own, verdicts, replace(chosen, start=str(file), start_sha256=digest))
    assert (summary.informative, summary.weights) == (24, "trained")
    epochs = tables.read(own.root / "train" / "epochs.csv", contracts.EPOCHS)
    assert [(row["fold"], row["epoch"]) for row in epochs] == [(0, 1), (1, 1), (-1, 1)]
    facts = read_model_facts(own.root / "train")
    assert (facts["kind"], facts["side"], facts["layers"]) == ("resnet34", 32, "layer4")
    counted = tables.read(own.root / "train" / "confusion.csv", contracts.CONFUSION)
    folds = tables.read(own.root / "train" / "folds.csv", contracts.FOLDS)
    rows = sum(row[name] for row in counted for name in contracts.CONFUSION.names[1:])
    assert rows == sum(row["kind"] != "doubted" for row in folds)
    classify_all(own, verdicts, network=True, band=[0.0, 1.0])
    found = scores(own)
    assert {row["decided_by"] for row in found.values()} == {"network"}
    assert len({row["score"] for row in found.values()}) > 10
    named = replace(CLASSIFY, resnet=str(file), resnet_sha256=digest)
    assert classify.scorer_of(named, own.root / "train").resnet == (str(file), digest, 224)
    (own.root / "train" / "weights.pt").write_bytes(file.read_bytes())
    with pytest.raises(WeightsError, match="sha256"):
        classify_all(own, verdicts, network=True)
    del state["fc.bias"]
    with pytest.raises(WeightsError, match="not the weights of ResNet34"):
        resnet34(state)


def test_the_worst_mistakes_are_a_sheet_with_its_table(own):
    row = next(row for row in scores(own).values() if row["outcome"] == "kept")
    write_patch_labels(
        own.root / "verdicts", {row["md5"]: {"label": "uninformative", "name": ""}}, who="ann", origin="page"
    )
    train_on(own, own.root / "verdicts")
    rows = tables.read(own.root / "train" / "mistakes.csv", contracts.MISTAKES)
    assert rows[0]["name"] == row["name"]
    assert (rows[0]["kind"], rows[0]["informative"]) == ("label", False)
    assert all((one["score"] < 0.5) == one["informative"] for one in rows)
    with Image.open(own.root / "train" / "mistakes.png") as picture:
        size = picture.size
    assert size == (8 * 114, -(-len(rows) // 8) * 114)
    assert json.loads((own.root / "train" / "metrics.json").read_text())["labels"]["empty"] == 1


def asked(app, path, body=None):
    """Status and body of one request to an application."""
    sent = []
    scope = {
        "type": "http", "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http",
        "method": "GET" if body is None else "POST", "headers": [], "http_version": "1.1",
    }  # fmt: skip

    async def receive():
        return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def test_the_page_answers_only_what_it_should(desk):
    app = label_app(desk)
    digest = json.loads(asked(app, "/api/screen")[1])["patches"][0]["md5"]
    assert asked(app, f"/picture/{digest}/thumb")[1].startswith(b"\x89PNG")
    for path, status in ((f"/picture/{'0' * 32}/thumb", 404), ("/assets/label.js", 200), ("/assets/page.html", 404)):
        assert asked(app, path)[0] == status
    assert b"label.js" in asked(app, "/")[1]
    good = {"patches": [digest], "label": "unsure"}
    assert json.loads(asked(app, "/api/label", good)[1]) == {"labelled": 1}
    for body, status in ((good | {"patches": digest}, 400), ({}, 400), (good | {"label": "x"}, 422)):
        assert asked(app, "/api/label", body)[0] == status
    assert json.loads(asked(app, "/api/undo", {})[1]) == {"taken_back": [digest]}


def test_patches_whose_flipbooks_are_one_share_it():
    names = [f"a-LOC-0_{index}_0-8_0-8" for index in (0, 1, 2, 5)]
    found = reconstruct.find_subvolumes(names, {}, (6, 8, 8), reconstruct.Settings())
    assert [(one.box[:2], one.shift, one.members) for one in found] == [
        ((0, 5), 0, names[:3]),
        ((1, 6), -2, names[3:]),
    ]
    assert [round(one.share, 3) for one in found] == [0.6, 0.2]
