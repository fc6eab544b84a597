from __future__ import annotations

import mrcfile
import numpy as np
import pytest

from semtrace.core.errors import InputError
from semtrace.curation.import_volumes import Settings
from semtrace.curation.to_byte import write_unsigned
from semtrace.io.volumes.open import open_volumes
from semtrace.io.volumes.volume import ReadingChoices
from semtrace.io.volumes.write import write_mrc
from tests.curation.conftest import tissue


def test_signed_bytes_become_unsigned_copies_and_all_else_is_left_alone(tmp_path):
    root, out = tmp_path / "volumes", tmp_path / "bytes"
    (root / "deep").mkdir(parents=True)
    volume = tissue((9, 20, 30))
    write_mrc(root / "deep" / "signed.mrc", volume, (40, 4, 4), signed=True)
    write_mrc(root / "unsigned.mrc", volume, (8, 8, 8), signed=False)
    (root / "cut.mrc").write_bytes((root / "unsigned.mrc").read_bytes()[:3000])
    before = {path: path.read_bytes() for path in root.rglob("*.mrc")}
    done = write_unsigned(root, out, Settings())
    assert (done.copies, done.left_alone) == (1, 1)
    assert len(done.unreadable) == 1
    assert {path: path.read_bytes() for path in root.rglob("*.mrc")} == before
    assert [path.name for path in out.iterdir()] == ["deep__signed.mrc"]
    with mrcfile.open(out / "deep__signed.mrc") as file:
        np.testing.assert_array_equal(file.data.view(np.uint8), volume)
    (copy,) = open_volumes(out / "deep__signed.mrc", ReadingChoices(), tmp_path)
    assert copy.sign.startswith("unsigned")
    assert copy.voxel.nm == (40, 4, 4)
    for wrong in (root / "bytes", tmp_path):
        with pytest.raises(InputError, match="only read"):
            write_unsigned(root, wrong, Settings())
