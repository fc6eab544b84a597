from __future__ import annotations

import numpy as np
import pytest

from semtrace.io import column_table, feature_table
from semtrace.io.tables import TableError


def test_features_come_back_sorted_by_path_without_bad_rows(tmp_path):
    keys = {"path": ["b", "a", "c"], "md5": ["2", "1", "3"], "group": ["g", "g", "h"]}
    values = np.array([[1, 2], [3, 4], [np.nan, 6]], np.float32)
    feature_table.write(tmp_path / "f.parquet", keys, values, ["x", "y"])
    table = feature_table.read(tmp_path / "f.parquet")
    assert table.path == ["a", "b"]
    assert table.md5 == ["1", "2"]
    assert table.values.tolist() == [[3, 4], [1, 2]]
    assert table.bad == [("c", "nan", "x is nan")]


def test_rows_in_any_order_give_the_same_bytes(tmp_path):
    keys = {"path": ["a", "b"], "md5": ["1", "2"], "group": ["1", "2"]}
    values = np.array([[1, 2], [3, 4]], np.float32)
    feature_table.write(tmp_path / "f.parquet", keys, values, ["x", "y"])
    turned = {name: column[::-1] for name, column in keys.items()}
    feature_table.write(tmp_path / "g.parquet", turned, values[::-1], ["x", "y"])
    assert (tmp_path / "f.parquet").read_bytes() == (tmp_path / "g.parquet").read_bytes()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,x\na,1\n", "path among them"),
        ("path\na\n", "no column of numbers"),
        ("path,x\na,1\na,2\n", "more than one row"),
    ],
)
def test_tables_that_are_no_features_are_refused(tmp_path, text, said):
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(TableError, match=said):
        feature_table.read(tmp_path / "f.csv")
    with pytest.raises(TableError, match="no such table"):
        feature_table.read(tmp_path / "none.parquet")
    (tmp_path / "f.parquet").write_bytes(b"no parquet")
    with pytest.raises(TableError, match="not a Parquet table"):
        feature_table.read(tmp_path / "f.parquet")


def test_columns_come_back_with_nothing_as_nan(tmp_path):
    columns = {"name": ["a", "b"], "k": np.array([1, 2], np.int32), "x": np.array([0.5, np.nan])}
    column_table.write(tmp_path / "c.parquet", columns)
    back = column_table.read(tmp_path / "c.parquet", ["name", "k", "x"])
    assert back["name"].tolist() == ["a", "b"]
    assert back["k"].tolist() == [1, 2]
    assert back["x"][0] == 0.5
    assert np.isnan(back["x"][1])
    with pytest.raises(TableError, match="y missing"):
        column_table.read(tmp_path / "c.parquet", ["y"])
