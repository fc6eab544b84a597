"""The network looks at no patch twice, whoever asks and beside which other patches."""

import numpy as np
import pytest

from semtrace.curation import patch_features
from semtrace.curation import tables as contracts
from semtrace.curation.patch_features import see_patches, taken
from semtrace.curation.recut import PatchSources
from semtrace.io.columns import read_columns
from semtrace.models.weights import WeightsError
from tests.curation.conftest import World, tissue, write_mrc


@pytest.fixture
def few(tmp_path):
    """A world of eight exemplars, the sources of their pixels, and the names of pictures that were looked at."""
    world = World(tmp_path, workers=1)
    write_mrc(world.volumes / "v.mrc", tissue((8, 32, 32), sigma=3.0))
    world.run_import()
    world.run_section(axes=[0])
    world.run_crop(size=32)
    world.run_deduplicate(distance=0)
    columns = read_columns(world.root / "deduplicated" / "v.parquet", contracts.DEDUPLICATED)
    inputs = world.inputs()
    sources = PatchSources(inputs.root, inputs.imported, inputs.cleaned, world.settings.reading(), tmp_path / "x")
    return world, taken({"v": columns}, {"v": columns["md5"] != ""}), sources


@pytest.fixture
def looked(monkeypatch):
    """What the network looked at; it works here, not in another process."""
    seen = []

    def features(patch):
        seen.append(patch)
        return np.full(1280, patch.mean(), np.float32)

    monkeypatch.setattr(patch_features, "_features", features)
    monkeypatch.setattr(patch_features, "lite0", lambda: None)
    return seen


class Here:
    """An executor that works in this process."""

    def __init__(self, executor):
        self.cache, self.cache_for_workers = executor.cache, executor.cache_for_workers

    def map(self, function, items, **more):
        if items and more["prepare"] is not None:
            more["prepare"]()
        return map(function, items)


def test_other_company_changes_no_feature_and_costs_no_look(few, looked):
    world, exemplars, sources = few
    executor, every = Here(world.executor), exemplars["v"]
    count = len(every["name"])
    some = taken(exemplars, {"v": np.arange(count)[::2]})
    first, _ = see_patches(some, sources, executor, network=True, texture=True, what="x")
    assert len(looked) == len(some["v"]["name"])
    turned = taken(exemplars, {"v": np.arange(count)[::-1]})
    found, _ = see_patches(turned, sources, executor, network=True, texture=False, what="x")
    assert len(looked) == count
    np.testing.assert_array_equal(found["v"].network[::-1][::2], first["v"].network)
    assert (found["v"].texture.shape, first["v"].texture.shape) == ((count, 0), (len(some["v"]["name"]), 23))
    made = {"v": [("", 0)] * (count - 1) + [("resin", 3)]}
    changed, _ = see_patches(turned, sources, executor, network=True, recipes=made, texture=False, what="x")
    assert len(looked) == count + 1
    np.testing.assert_array_equal(changed["v"].network[:-1], found["v"].network[:-1])
    assert (changed["v"].network[-1] != found["v"].network[-1]).all()


def test_weights_are_wanted_where_something_is_new_and_nowhere_else(few, looked, monkeypatch):
    def missing():
        raise WeightsError("no weights")

    world, exemplars, sources = few
    see_patches(exemplars, sources, Here(world.executor), network=True, texture=False, what="x")
    monkeypatch.setattr(patch_features, "lite0", missing)
    see_patches(exemplars, sources, Here(world.executor), network=True, texture=False, what="x")
    with pytest.raises(WeightsError):
        see_patches(exemplars, sources, Here(world.executor), network=True, texture=True, what="x")
