import csv
import json

import pytest

from semtrace.discovery.scale_tables import SCALES
from semtrace.discovery.validate_scale import run
from semtrace.io import tables
from semtrace.io.tables import TableError

SAID = [  # path, status, bar, pixel size
    ("z/right.tif", "agreed", 1e-6, 1e-8),
    ("z/wrong value.tif", "read_once", 2e-6, 2e-8),
    ("z/wrong size.tif", "agreed", 1e-6, 1.04e-8),
    ("z/short.tif", "agreed", 2e-7, 1.04e-8),
    ("z/conflict.tif", "conflict", None, None),
    ("y/none.tif", "stripe_not_detected", None, None),
    ("y/bar in none.tif", "read_once", 1e-6, 1e-8),
    ("y/not known.tif", "agreed", 1e-6, 1e-8),
]
TRUTH = """file,pixel_size_m,scale_bar_m,instrument
z/right.tif,1.02e-08,1e-06,Zeiss
z/wrong value.tif,1e-08,1e-06,Zeiss
z/wrong size.tif,1e-08,1e-06,Zeiss
z/short.tif,1e-08,2e-07,Zeiss
z/conflict.tif,1e-08,1e-06,Zeiss
y/none.tif,,,
y/bar in none.tif,,,
"""


@pytest.fixture
def out(tmp_path):
    def row(path, status, bar, size):
        cells = {"path": path, "status": status, "bar_value_m": bar, "pixel_size_m": size, "md5": path}
        return {name: cells.get(name, "") for name in SCALES.names}

    tables.write(tmp_path / "scale.csv", SCALES, (row(*one) for one in SAID))
    (tmp_path / "truth.csv").write_text(TRUTH)
    run(tmp_path / "scale.csv", tmp_path / "truth.csv", tmp_path / "out")
    return tmp_path / "out"


def table(file):
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_by_instrument_else_by_folder(out):
    rows = {row["instrument"]: row for row in table(out / "by_instrument.csv")}
    assert list(rows) == ["Zeiss", "y", "all"]
    zeiss = rows["Zeiss"]
    assert (zeiss["with_bar"], zeiss["value_right"], zeiss["value_wrong"], zeiss["conflict"]) == ("5", "3", "1", "1")
    assert (zeiss["pixel_size_right"], zeiss["pixel_size_wrong"], zeiss["agreed_wrong"]) == ("2", "2", "1")
    assert float(zeiss["value_right_low"]) < 0.6 < float(zeiss["value_right_high"])
    assert rows["y"]["answer_without_bar"] == "1"
    assert rows["all"]["images"] == "7"


def test_the_list_to_look_at(out):
    found = {(row["path"], row["what"]) for row in table(out / "wrong.csv")}
    assert found == {
        ("z/wrong value.tif", "bar value"), ("z/wrong value.tif", "pixel size"),
        ("z/wrong size.tif", "pixel size"),
        ("z/conflict.tif", "no value"), ("z/conflict.tif", "conflict"),
        ("y/bar in none.tif", "bar where there is none"),
    }  # fmt: skip


def test_metrics(out):
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["value_wrong"] == 1
    assert metrics["not_in_truth"] == 1
    assert metrics["by_status"]["agreed"]["pixel_size_wrong"] == 1


def test_a_truth_that_names_no_images(tmp_path):
    tables.write(tmp_path / "scale.csv", SCALES, [])
    (tmp_path / "truth.csv").write_text("pixel_size_m\n1e-8\n")
    with pytest.raises(TableError, match="neither a column file nor path"):
        run(tmp_path / "scale.csv", tmp_path / "truth.csv", tmp_path / "out")
