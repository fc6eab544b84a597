from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from semtrace.core.errors import InputError
from semtrace.discovery import encoders, features
from semtrace.discovery.tables import DISCOVERED_IMAGES
from semtrace.io import feature_table, tables
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import REJECTS
from tests.discovery.conftest import FEATURES, digests


def rows(path):
    table = REJECTS if path.name == "rejects.csv" else DISCOVERED_IMAGES
    return {row["path"]: row for row in tables.read(path, table)}


def test_every_file_is_a_row_or_a_reject_with_its_reason(work):
    kept = rows(work / "features/images.csv")
    rejected = rows(work / "features/rejects.csv")
    files = {p.relative_to(work.root).as_posix() for p in work.root.rglob("*") if p.is_file()}
    assert set(kept) | set(rejected) == files
    assert not set(kept) & set(rejected)
    assert rejected["Fibres/notes.txt"]["reason"] == "not_an_image"
    assert rejected["Fibres/broken.png"]["reason"] in ("truncated", "corrupt")
    assert kept["Particles/copy.png"]["category"] == "Particles"
    assert kept["Particles/copy.png"]["group"] == kept["Fibres/0_0.png"]["group"]
    assert {row["crop"] for row in kept.values()} == {"bar", "share"}  # a bar that is found, else a part
    assert {row["picture_rows"] for row in kept.values() if row["crop"] == "share"} == {120 - 17}
    assert all(row["picture_rows"] < 120 for row in kept.values())


def test_a_set_is_described_and_has_its_columns(work):
    for name, columns in (("small_lite0_1280_in", 1280), ("small_lite0_1000_in", 1000), ("small_texture", 120)):
        table = feature_table.read(work / f"features/{name}.parquet")
        assert table.values.shape == (49, columns)
        assert table.values.dtype == np.float32
        said = json.loads((work / f"features/{name}.json").read_text())
        assert said["columns"] == columns
        assert said["standardise"] == (name == "small_texture")
    assert said["weights_sha256"] is None


def test_two_workers_and_the_side_cache_give_the_same_bytes(work, tmp_path):
    settings = replace(FEATURES, root=work.root)
    for executor in (Executor(2, tmp_path / "new.sqlite"), work.executor):
        features.run(settings, None, tmp_path / "features", executor)
        assert digests(tmp_path / "features") == digests(work / "features")


def test_a_table_brings_categories_groups_and_what_may_explain(work, tmp_path):
    table = tmp_path / "subset.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "category", "group", "instrument", "anything"])
        writer.writerow(["Fibres/0_0.png", "A/B", "g1", "SUPRA", "x"])
        writer.writerow(["Fibres/0_1.png", "", "", "QUANTA", "x"])
        writer.writerow(["Fibres/gone.png", "", "", "", "x"])
    groups = tmp_path / "groups.csv"
    groups.write_text("path,side,group\nFibres/0_1.png,jpeg,g7\nFibres/0_0.png,tiff,other\n")
    settings = replace(FEATURES, root=work.root, table=str(table), encoders=["texture"])
    done = features.run(settings, groups, tmp_path / "out", work.executor)
    assert done.images == 2
    assert done.labelled == 1
    kept = rows(tmp_path / "out/images.csv")
    assert {path: (row["category"], row["group"], row["instrument"]) for path, row in kept.items()} == {
        "Fibres/0_0.png": ("A/B", "g1", "SUPRA"),
        "Fibres/0_1.png": ("", "g7", "QUANTA"),
    }
    assert rows(tmp_path / "out/rejects.csv")["Fibres/gone.png"]["reason"] == "unreadable"


def test_without_a_crop_the_whole_picture_is_seen(work, tmp_path):
    settings = replace(FEATURES, root=work.root, encoders=["texture"], crop="none")
    features.run(settings, None, tmp_path / "out", work.executor)
    assert {row["picture_rows"] for row in rows(tmp_path / "out/images.csv").values()} == {120}
    bare = feature_table.read(tmp_path / "out/small_texture.parquet").values
    assert not np.array_equal(bare, feature_table.read(work / "features/small_texture.parquet").values)


def test_empty_folders_twice_named_paths_and_missing_weights_are_said(work, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no image in it"):
        features.run(replace(FEATURES, root=tmp_path / "empty"), None, tmp_path / "out", work.executor)
    table = tmp_path / "twice.csv"
    table.write_text("path\nFibres/0_0.png\nFibres/0_0.png\n")
    with pytest.raises(InputError, match=r"Fibres/0_0.png comes more than once"):
        features.run(replace(FEATURES, root=work.root, table=str(table)), None, tmp_path / "out", work.executor)
    monkeypatch.setattr("semtrace.models.lite0.WEIGHTS_PACKAGE", "no_such_weights")
    encoders._network.cache_clear()
    with pytest.raises(InputError, match=r"no_such_weights is not installed.*encoders=\[texture\]"):
        features.run(replace(FEATURES, root=work.root), None, tmp_path / "out", work.executor)
    encoders._network.cache_clear()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"encoders": ["inception_v3"]}, "in no package: name their file and sha256.*lite0, texture.*need no network"),
        ({"encoders": ["timm:x"], "weights": {"timm:x": {"file": "a"}}}, "name their file and sha256"),
        ({"encoders": ["resnet"]}, "known are lite0, texture, inception_v3"),
        ({"encoders": []}, "known are"),
        ({"crop": "half"}, "bar or none"),
        ({"side": "png"}, "tiff or jpeg"),
        ({"subset": "a/b"}, "file names"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        replace(FEATURES, **wrong)


def test_an_encoder_of_timm_is_read_from_a_file_with_its_sha256(work, tmp_path, monkeypatch):
    """With a stand-in for timm that has what its documentation names."""
    import hashlib
    import sys
    import types

    import torch

    class Model(torch.nn.Module):
        num_features = 6
        pretrained_cfg = {"input_size": (3, 32, 32), "mean": (0.5,) * 3, "std": (0.25,) * 3}  # noqa: RUF012

        def __init__(self, classes=4):
            super().__init__()
            self.num_classes = classes
            self.body = torch.nn.Conv2d(3, 6, 8, 8)
            self.fc = torch.nn.Linear(6, classes) if classes else torch.nn.Identity()

        def forward_features(self, x):
            return self.body(x)

        def forward_head(self, x, pre_logits):
            assert pre_logits
            return x.mean(dim=(2, 3))

        def get_classifier(self):
            return self.fc

    torch.manual_seed(1)
    model, file = Model(), tmp_path / "weights.pth"
    torch.save(model.state_dict() | {"AuxLogits.fc.bias": torch.zeros(4)}, file)  # as Inception V3 is published
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    name = "timm:a/tiny.one"
    weights = {name: {"file": str(file), "sha256": digest}}
    settings = replace(FEATURES, root=work.root, encoders=[name], weights=weights)
    with pytest.raises(InputError, match=r"timm is not installed.*need no network"):
        features.run(settings, None, tmp_path / "out", work.executor)
    monkeypatch.setitem(sys.modules, "timm", types.SimpleNamespace(create_model=lambda name, pretrained: Model()))
    encoder = encoders.ready_encoder(name, weights)
    assert (encoder.side, encoder.layers) == (32, {"a-tiny.one_6_in": 6, "a-tiny.one_4_in": 4})
    assert encoder.weights_sha256 == digest
    gray = np.random.default_rng(1).integers(0, 256, (32, 32)).astype(np.uint8)
    pooled, logits = encoder.encode(gray)
    x = (torch.from_numpy(gray).float()[None, None].expand(-1, 3, -1, -1) / 255 - 0.5) / 0.25
    assert np.allclose(pooled, model.body(x).mean(dim=(2, 3))[0].detach().numpy(), atol=1e-6)
    assert np.allclose(logits, model.fc(torch.from_numpy(pooled)).detach().numpy(), atol=1e-6)
    bare = Model(classes=0)  # as DINOv2: features and no scores
    torch.save(bare.state_dict(), tmp_path / "bare.pth")
    digest = hashlib.sha256((tmp_path / "bare.pth").read_bytes()).hexdigest()
    monkeypatch.setattr(sys.modules["timm"], "create_model", lambda name, pretrained: Model(classes=0))
    encoder = encoders.ready_encoder("timm:bare", {"timm:bare": {"file": str(tmp_path / "bare.pth"), "sha256": digest}})
    assert encoder.layers == {"bare_6_in": 6}
    (pooled,) = encoder.encode(gray)
    assert np.allclose(pooled, bare.body(x).mean(dim=(2, 3))[0].detach().numpy(), atol=1e-6)
    monkeypatch.setattr(sys.modules["timm"], "create_model", lambda name, pretrained: Model())
    with pytest.raises(InputError, match=r"its sha256 is .* not 000.*lite0, texture"):
        encoders.ready_encoder(name, {name: {"file": str(file), "sha256": "0" * 64}})
    torch.save({"fc.weight": torch.zeros(1)}, file)
    other = {name: {"file": str(file), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}}
    with pytest.raises(InputError, match=r"not the weights of timm's a/tiny.one"):
        encoders.ready_encoder(name, other)


@pytest.mark.parametrize("pictures", ["identical", "one"])
def test_identical_images_and_a_single_one_are_one_point_and_say_what_they_are_too_few_for(work, tmp_path, pictures):
    from semtrace.core.grouping.neighbours import TooFewPointsError
    from semtrace.discovery import cluster, dimension, distances, finetune, reduce
    from tests.discovery.conftest import CLUSTER, DIMENSION, DISTANCES, FINETUNE, REDUCE

    (tmp_path / "images/A").mkdir(parents=True)
    for number in range(3 if pictures == "identical" else 1):
        (tmp_path / f"images/A/{number}.png").write_bytes((work.root / "Fibres/0_0.png").read_bytes())
    settings = replace(FEATURES, root=tmp_path / "images", encoders=["texture"])
    done = features.run(settings, None, tmp_path / "features", work.executor)
    assert (done.images, done.groups) == (3 if pictures == "identical" else 1, 1)
    finetuned = finetune.run(tmp_path / "features", tmp_path, tmp_path / "finetune", FINETUNE, work.executor)
    assert finetuned.note == finetune.NOTHING
    with pytest.raises(TooFewPointsError, match="1 different points, and 2-NN needs 4"):
        dimension.run(tmp_path / "features", tmp_path / "dimension", DIMENSION)
    with pytest.raises(TooFewPointsError, match="1 different images cannot be divided"):
        reduce.run(tmp_path / "features", tmp_path / "reduce", REDUCE)
    reduce.run(tmp_path / "features", tmp_path / "reduce", replace(REDUCE, method="none"))
    with pytest.raises(TooFewPointsError, match="1 images are in all feature sets"):
        distances.run(tmp_path / "features", tmp_path / "reduce", tmp_path / "distances", DISTANCES)
    with pytest.raises(TooFewPointsError, match="1 different image; clustering needs 2"):
        cluster.run(tmp_path / "reduce", tmp_path / "cluster", CLUSTER)
