from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from semtrace.io import arrays
from semtrace.io.cache import Cache, Kind

KIND = Kind("kind", ("semtrace.io.arrays",))
DTYPES = st.sampled_from(["u1", "<u2", "<f4", "<f8", "?", "<i8"])


@given(values=st.lists(DTYPES.flatmap(lambda d: arrays_of.arrays(d, arrays_of.array_shapes(min_side=0, max_dims=3)))))
def test_what_was_appended_is_viewed_bit_for_bit(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("a")
    half = len(values) // 2
    places = arrays.append(folder, "x.bin", values[:half]) + arrays.append(folder, "x.bin", values[half:])
    for place, value in zip(places, values, strict=True):
        found = arrays.view(folder, place)
        assert found.dtype == value.dtype
        assert found.shape == value.shape
        assert found.tobytes() == value.tobytes()


def test_an_array_of_objects_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Python objects"):
        arrays.append(tmp_path, "x.bin", [np.array([{}])])


def test_the_cache_gives_arrays_back_read_only(tmp_path):
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    with Cache(tmp_path / "c.sqlite") as cache:
        cache.put([(KIND, "a", {"picture": picture, "rows": 3}), (KIND, "b", {"rows": 4})])
        found, other = cache.get_many(KIND, ["a", "b"])
    assert (found["picture"] == picture).all()
    assert not found["picture"].flags.writeable
    assert (found["rows"], other) == (3, {"rows": 4})


@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_an_array_that_is_damaged_or_gone_is_not_known(tmp_path, harm):
    with Cache(tmp_path / "c.sqlite") as cache:
        cache.put([(KIND, "a", {"picture": np.arange(100)})])
        assert cache.get(KIND, "a") is not None
        (file,) = (tmp_path / "c.sqlite.arrays").iterdir()
        data = bytearray(file.read_bytes())
        data[50] ^= 1
        file.unlink()
        if harm != "remove":
            file.write_bytes(data if harm == "flip" else data[:300])
        assert cache.get(KIND, "a") is None
