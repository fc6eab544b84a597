import csv

import pytest

from semtrace.discovery.scale_tables import FLAT, FLAT_LABELS, SCALES
from semtrace.discovery.subset import Range, Settings, run
from semtrace.io import tables

ROWS = [  # md5, status, bar, pixel size, category, left out for
    ("1", "agreed", 1e-6, 1e-8, "Tips", ""),
    ("2", "read_once", 2e-6, 2e-8, "Tips", ""),
    ("3", "conflict", 1e-6, None, "Tips", ""),
    ("4", "agreed", 2e-7, 2.5e-8, "Powder", ""),
    ("5", "tag_only", None, 1e-8, "", ""),
    ("6", "agreed", 1e-6, 1e-8, "Powder", "1"),
    ("7", "agreed", 1e-6, 1e-8, "", ""),
]
SETTINGS = Settings([Range("1u-2u", ["1 µm", "2 µm"]), Range("field", field_um=[1.0, 2.5])], ["agreed", "read_once"])


@pytest.fixture
def out(tmp_path):
    def fill(columns, **cells):
        return {name: cells.get(name, "") for name in columns.names}

    flat = (fill(FLAT, md5=r[0], tiff_path=f"{r[0]}.tif", left_out_for=r[5]) for r in ROWS)
    tables.write(tmp_path / "flat.csv", FLAT, flat)
    tables.write(
        tmp_path / "labels.csv", FLAT_LABELS, (fill(FLAT_LABELS, md5=r[0], category=r[4]) for r in ROWS if r[4])
    )
    scale = [fill(SCALES, path=f"{r[0]}.tif", md5=r[0], status=r[1], bar_value_m=r[2], pixel_size_m=r[3]) for r in ROWS]
    tables.write(tmp_path / "scale.csv", SCALES, scale)
    run(tmp_path / "flat.csv", tmp_path / "scale.csv", tmp_path / "labels.csv", tmp_path / "out", SETTINGS)
    return tmp_path / "out"


def table(file):
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_by_bar_value_and_by_field(out):
    inside = [(row["subset"], row["md5"], row["category"]) for row in table(out / "subset.csv")]
    assert inside == [
        ("1u-2u", "1", "Tips"), ("1u-2u", "2", "Tips"), ("1u-2u", "7", ""),
        ("field", "1", "Tips"), ("field", "2", "Tips"), ("field", "4", "Powder"), ("field", "7", ""),
    ]  # fmt: skip


def test_scales_by_category(out):
    rows = table(out / "scale_by_category.csv")
    assert list(rows[0]) == ["bar_value_m", "Powder", "Tips", "labelled", "all"]
    assert [tuple(row.values()) for row in rows] == [
        ("2e-06", "0", "1", "1", "1"), ("1e-06", "0", "2", "2", "3"), ("2e-07", "1", "0", "1", "1"),
        ("", "0", "0", "0", "1"),
    ]  # fmt: skip
    assert sum(int(row["all"]) for row in rows) == 6


def test_subsets_by_category(out):
    rows = table(out / "subset_by_category.csv")
    assert [tuple(row.values()) for row in rows] == [("1u-2u", "0", "2", "2", "3"), ("field", "1", "2", "3", "4")]


def test_the_figure(out):
    assert (out / "images_by_bar_value.png").read_bytes().startswith(b"\x89PNG")


def test_both_ends_of_a_field_are_inside():
    one = Range("field", field_um=[0.8, 2.5])
    assert one.holds(None, 8e-9)
    assert one.holds(None, 2.5e-8)
    assert not one.holds(None, 7.99e-9)
    assert not one.holds(None, 2.51e-8)
    assert not one.holds(1e-6, None)


@pytest.mark.parametrize(
    "bad",
    [{}, {"bars": ["1 µm"], "field_um": [1, 2]}, {"bars": ["1 m"]}, {"field_um": [2.0, 1.0]}, {"field_um": [1.0]}],
)
def test_a_range_that_says_nothing_or_too_much(bad):
    with pytest.raises(ValueError, match="subset 'x'"):
        Range("x", **bad)


def test_settings_name_their_slips():
    with pytest.raises(ValueError, match=r"subset\.statuses"):
        Settings([Range("x", ["1 µm"])], ["good"])
    with pytest.raises(ValueError, match=r"subset\.statuses is \[\]; it must name"):
        Settings([Range("x", ["1 µm"])], [])
    with pytest.raises(ValueError, match=r"subset\.ranges"):
        Settings([Range("x", ["1 µm"]), Range("x", ["2 µm"])], ["agreed"])
