import csv

import pytest

from semtrace.io.digests import md5
from semtrace.io.files import walk
from semtrace.io.images import decode
from semtrace.io.vendor_tags import stated_by_vendor
from semtrace.synthetic import scale_layouts


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    target = tmp_path_factory.mktemp("layouts") / "a"
    scale_layouts.write(3, target)
    return target


def rows(made):
    with (made / "known/scale.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_three_pictures_of_each_layout(made):
    known = rows(made)
    assert len(known) == 3 * len(scale_layouts.LAYOUTS)
    assert {row["path"] for row in known} == {path for path, _ in walk(made / "images")}


def test_the_value_over_the_length_is_the_pixel_size(made):
    for row in rows(made):
        if row["bar_value_m"] and row["layout"] != "saved at half size":
            assert float(row["bar_value_m"]) / float(row["bar_px"]) == pytest.approx(
                float(row["pixel_size_m"]), rel=1e-6
            )


def test_half_of_the_columns_and_the_tag_of_all(made):
    row = next(row for row in rows(made) if row["layout"] == "saved at half size")
    data = (made / "images" / row["path"]).read_bytes()
    vendor = stated_by_vendor(data)
    assert decode(data).gray.shape == (384, 512)
    assert vendor.scanned_width == 1024
    assert vendor.pixel_size_m == pytest.approx(float(row["pixel_size_m"]) / 2, rel=1e-3)


def test_same_seed_same_bytes(made, tmp_path, monkeypatch):
    few = {name: scale_layouts.LAYOUTS[name] for name in ("two bars", "tescan")}
    monkeypatch.setattr(scale_layouts, "LAYOUTS", few)
    for name in ("b", "c"):
        scale_layouts.write(3, tmp_path / name)
    tree = [{path: md5(file.read_bytes()) for path, file in walk(tmp_path / name)} for name in ("b", "c")]
    assert tree[0] == tree[1]
