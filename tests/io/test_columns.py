from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from semtrace.io.columns import join_rows, read_columns, take_rows, write_columns
from semtrace.io.tables import TableError


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_what_is_written_is_read(count, tmp_path):
    random = np.random.default_rng(count)
    columns = {
        "text": np.array([f"é{i}" for i in range(count)], object),
        "byte": random.integers(-9, 9, count).astype(np.int8),
        "word": random.integers(0, 2**64, count, dtype=np.uint64),
        "real": np.where(np.arange(count) % 3, random.normal(size=count), np.nan),
        "strided": np.arange(2 * count, dtype=np.int32)[::2],
    }
    write_columns(tmp_path / "a.parquet", columns)
    again = read_columns(tmp_path / "a.parquet", list(columns))
    frame = pd.read_parquet(tmp_path / "a.parquet")  # another reader
    for name, values in columns.items():
        assert again[name].dtype == values.dtype
        np.testing.assert_array_equal(again[name], values)
        np.testing.assert_array_equal(frame[name].to_numpy(), values)
    first = (tmp_path / "a.parquet").read_bytes()
    write_columns(tmp_path / "a.parquet", again)
    assert (tmp_path / "a.parquet").read_bytes() == first


def test_rows_are_taken_and_joined():
    columns = {"a": np.arange(4), "b": np.array(list("wxyz"), object)}
    halves = [take_rows(columns, columns["a"] < 2), take_rows(columns, np.array([2, 3]))]
    np.testing.assert_array_equal(join_rows(halves)["b"], columns["b"])


def test_what_is_no_table_is_said(tmp_path):
    with pytest.raises(TableError, match="no such table"):
        read_columns(tmp_path / "a.parquet", [])
    (tmp_path / "a.parquet").write_bytes(b"no")
    with pytest.raises(TableError, match="not a Parquet"):
        read_columns(tmp_path / "a.parquet", [])
    write_columns(tmp_path / "a.parquet", {"a": np.arange(3)})
    with pytest.raises(TableError, match="b missing"):
        read_columns(tmp_path / "a.parquet", ["a", "b"])


@pytest.mark.parametrize("texts", [[], ["", "a"], ["é", "", "日本", "z" * 300]])
def test_text_has_the_bytes_that_pyarrow_gives_it(texts, tmp_path):
    write_columns(tmp_path / "a.parquet", {"a": np.array(texts, object)})
    pyarrow.parquet.write_table(
        pyarrow.table({"a": pyarrow.array(texts, pyarrow.string())}), tmp_path / "b.parquet", compression="zstd"
    )
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_pandas_is_not_loaded(tmp_path):
    """It costs half a second of every stage."""
    script = f"""
import sys, numpy as np
from pathlib import Path
from semtrace.io.columns import read_columns, write_columns
write_columns(Path({str(tmp_path / "a.parquet")!r}), {{"a": np.array(["x"], object), "b": np.arange(1.0)}})
read_columns(Path({str(tmp_path / "a.parquet")!r}), ["a"])
assert "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
