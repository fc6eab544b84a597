"""A small folder of pictures, and all stages run on it once."""

from __future__ import annotations

import functools
import shutil
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from semtrace.config.params import composed
from semtrace.discovery import (
    agree,
    agree_figures,
    cluster,
    dimension,
    discover,
    distances,
    features,
    finetune,
    methods,
    predict,
    reduce,
)
from semtrace.stage.executor import Executor
from semtrace.synthetic.scenes import scene

CATEGORIES = ("Fibres", "Particles", "Patterned_surface", "Porous_Sponge")
FEATURES = features.Settings(Path(), "", "jpeg", ["lite0", "texture"], {}, "bar", "small")
FINETUNE = finetune.Settings("head", "", 30, 5, 0.02, 0.001, "classes", 4, 1)
DIMENSION = dimension.Settings([1.0, 0.9, 0.7, 0.5], 10, 4, [1, 2, 4], 0.05, 1)
EPOCHS = {"1_a": 1, "1_b": 1, "1": 1, "2": 1, "g": 8}
REDUCE = reduce.Settings("pca", 10, [[20, 12]], [[False, False, True]], "elu", EPOCHS, ["g"], 10, 1e-3, 1e-6, 0.2, 1)
DISTANCES = distances.Settings(30, 3, 1)
CLUSTER = methods.Settings(list(methods.METHODS), [4, 8], 5, 12, 1.65, 3, 500, 3, 5000, 1)
AGREE = agree.Settings("", 12, 2, 1)
DISCOVER = discover.Settings("", "ward", 8, "", 0, 3, 0.3, 0.6, 500, "", 1)


@pytest.fixture(scope="session", autouse=True)
def _artificial_sets_once():
    """What stages draw of artificial sets is the same for equal settings: it is made once, not by every run."""
    made = {}

    def once(function):
        def kept(*given):
            key = function.__name__, repr(given)
            if key not in made:
                made[key] = function(*given)
            return made[key]

        return kept

    with pytest.MonkeyPatch.context() as patched:
        for module, name in ((dimension, "_thick_line"), (agree_figures, "_square"), (agree_figures, "square_curves")):
            patched.setattr(module, name, once(getattr(module, name)))
        yield


@dataclass(frozen=True)
class Work:
    """Folder of the pictures, and of all results."""

    root: Path
    folder: Path
    executor: Executor

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


def write_pictures(root: Path) -> None:
    """48 pictures of two kinds in four categories; a copy in a wrong category, a broken file, a text."""
    for category in CATEGORIES:
        (root / category).mkdir(parents=True)
        for kind in range(2):
            for number in range(6):
                rng = np.random.default_rng([CATEGORIES.index(category), kind, number])
                field = scene(category, rng, 160, 120, kind)
                gray = (np.clip(np.asarray(field), 0, 1) * 255).astype(np.uint8)
                Image.fromarray(gray).save(root / category / f"{kind}_{number}.png")
    shutil.copy(root / "Fibres/0_0.png", root / "Particles/copy.png")
    (root / "Fibres/broken.png").write_bytes((root / "Fibres/0_1.png").read_bytes()[:300])
    (root / "Fibres/notes.txt").write_text("no picture")


def run_all(root: Path, folder: Path, executor: Executor) -> Work:
    from dataclasses import replace

    features.run(replace(FEATURES, root=root), None, folder / "features", executor)
    tuned = folder / "finetune"
    finetune.run(folder / "features", root, tuned, FINETUNE, executor)
    predict.run(folder / "features", tuned, folder / "predict")
    dimension.run(folder / "features", folder / "dimension", DIMENSION, tuned=tuned)
    reduce.run(folder / "features", folder / "reduce", REDUCE, tuned=tuned)
    distances.run(folder / "features", folder / "reduce", folder / "distances", DISTANCES, tuned=tuned)
    cluster.run(folder / "reduce", folder / "cluster", CLUSTER)
    agree.run(folder / "features", folder / "cluster", folder / "agree", AGREE, tuned=tuned)
    discover.run(folder, root, folder / "discover", DISCOVER, executor)
    return Work(root, folder, executor)


@pytest.fixture(scope="session")
def work(tmp_path_factory) -> Work:
    base = tmp_path_factory.mktemp("discovery")
    write_pictures(base / "images")
    return run_all(base / "images", base / "work", Executor(1, base / "cache.sqlite"))


def digests(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@functools.cache
def _whole(project: Path) -> dict[str, Any]:
    return yaml.safe_load(composed(project / "conf", []))


def configure(folder: Path, project: Path, **changed: Any) -> None:
    """Write the project's parameters to ``folder``; ``section__name`` is given another value."""
    tree = deepcopy(_whole(project))
    for name, value in changed.items():
        section, _, key = name.partition("__")
        assert key in tree[section], name
        tree[section][key] = value
    (folder / "params.yaml").write_text(yaml.safe_dump(tree))
