from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from semtrace.core.errors import InputError
from semtrace.core.volume.location import parse
from semtrace.curation import tables as contracts
from semtrace.curation.check import check, cut_files
from semtrace.io import tables
from tests.curation.conftest import tissue, write_mrc


@pytest.fixture
def done(world):
    write_mrc(world.volumes / "a.mrc", tissue((40, 40, 40)).astype(np.int16))
    world.images.mkdir()
    Image.fromarray(tissue((50, 60), 2)).save(world.images / "one.png")
    world.run_import()
    world.run_clean()
    world.run_section(axes=[0, 2], spacing=5)
    world.run_crop()
    world.run_deduplicate()
    return world


def run_check(world, **options):
    return check(world.root / "deduplicated", world.inputs(), world.settings.reading(), **options)


def test_patches_that_are_cut_again_are_equal(done):
    found = run_check(done)
    listed = tables.read(done.root / "deduplicated" / "deduplicated_fpaths.csv", contracts.FILE_LIST)
    assert (found.patches, found.different, found.changed) == (len(listed), 0, ())
    assert run_check(done, sample=1).patches == 2


def test_a_source_that_was_changed_is_named_and_not_cut(done):
    write_mrc(done.volumes / "a.mrc", tissue((40, 40, 40), 7).astype(np.int16))
    found = run_check(done)
    assert found.changed == ("a",)
    assert found.different == 0


def test_patches_are_written_with_the_pixels_of_the_section(done):
    names = ["a-LOC-2_05_00-32_08-40", "images-LOC-2d_0_18-50_28-60"]
    written = cut_files(names, done.root / "raw", done.inputs(), done.root / "out", done.settings.reading())
    assert written == {"a": 1, "images": 1}
    volume = tissue((40, 40, 40))
    location = parse(names[0])
    expected = volume[location.box().slices].reshape(32, 32)
    np.testing.assert_array_equal(tifffile.imread(done.root / "out" / "a" / f"{names[0]}.tiff"), expected)
    picture = tifffile.imread(done.root / "out" / "images" / f"{names[1]}.tiff")
    np.testing.assert_array_equal(picture, tissue((50, 60), 2)[18:50, 28:60])
    for wrong in ("nonsense", "a-LOC-2_06_00-32_08-40"):
        with pytest.raises(InputError, match="patch"):
            cut_files([wrong], done.root / "raw", done.inputs(), done.root / "out", done.settings.reading())
