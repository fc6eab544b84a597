"""Tables of features: one row an image, a few columns of text and many of float32, as Parquet; read from CSV too."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semtrace.io.files import write_atomic
from semtrace.io.tables import TableError

KEYS = ("path", "md5", "group")


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of N images, sorted by path.

    Attributes:
        path, md5, group: text, one an image; md5 and group are the path where a table has none.
        values: shape (N, D), float32, all finite.
        columns: D names.
        bad: rows that were left out: path, reason, detail.

    """

    path: list[str]
    md5: list[str]
    group: list[str]
    values: NDArray[np.float32]
    columns: list[str]
    bad: list[tuple[str, str, str]]


def write(path: Path, keys: Mapping[str, Sequence[str]], values: NDArray[np.float32], columns: Sequence[str]) -> None:
    """Write features as Parquet, atomically, sorted by path.

    Args:
        path: file to write; its folder must exist.
        keys: ``path``, ``md5`` and ``group``, N entries each.
        values: shape (N, D), float32.
        columns: D names.

    """
    import pyarrow as pa
    import pyarrow.parquet

    order = sorted(range(len(keys["path"])), key=keys["path"].__getitem__)
    whole = {name: pa.array([keys[name][row] for row in order], pa.string()) for name in KEYS}
    sorted_values = np.ascontiguousarray(values[order].T, dtype=np.float32)
    whole |= {name: pa.array(column) for name, column in zip(columns, sorted_values, strict=True)}
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(pa.table(whole), sink, compression="zstd")
    write_atomic(path, sink.getvalue().to_pybytes())


def read(path: Path) -> FeatureTable:
    """Read features from Parquet, or from a CSV file with a column ``path`` and columns of numbers.

    Raises:
        TableError: no such file, no column ``path``, or no column of numbers.

    """
    if not path.is_file():
        raise TableError(f"{path}: no such table of features; run the stage that writes it first")
    return _read_csv(path) if path.suffix == ".csv" else _read_parquet(path)


def _read_parquet(path: Path) -> FeatureTable:
    import pyarrow as pa
    import pyarrow.parquet

    try:
        with path.open("rb") as file:
            table = pa.parquet.ParquetFile(file, pre_buffer=False).read(use_threads=False)
    except pa.ArrowInvalid as error:
        raise TableError(f"{path}: not a Parquet table ({error})") from error
    if "path" not in table.column_names:
        raise TableError(f"{path}: no column path; found {', '.join(table.column_names[:5])}")
    columns = [name for name in table.column_names if name not in KEYS]
    text = {name: [str(cell) for cell in table[name].to_pylist()] for name in KEYS if name in table.column_names}
    shape = len(text["path"]), len(columns)
    values = np.empty(shape, np.float32)
    for number, name in enumerate(columns):
        values[:, number] = table[name].to_numpy()
    return _checked(path, text, values, columns, [])


def _read_csv(path: Path) -> FeatureTable:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    if not rows or "path" not in rows[0]:
        raise TableError(f"{path}: the first line must name the columns, path among them")
    header = rows[0]
    columns = [name for name in header if name not in KEYS]
    text: dict[str, list[str]] = {name: [] for name in KEYS if name in header}
    values, bad = [], []
    for row in rows[1:]:
        if len(row) != len(header):
            bad.append((row[header.index("path")], "short_row", f"{len(row)} cells for {len(header)} columns"))
            continue
        cells = dict(zip(header, row, strict=True))
        try:
            numbers = [float(cells[name]) for name in columns]
        except ValueError as error:
            bad.append((cells["path"], "not_a_number", str(error)))
            continue
        values.append(numbers)
        for name, column in text.items():
            column.append(cells[name])
    return _checked(path, text, np.array(values, np.float32).reshape(len(values), len(columns)), columns, bad)


def _checked(
    path: Path,
    text: dict[str, list[str]],
    values: NDArray[np.float32],
    columns: list[str],
    bad: list[tuple[str, str, str]],
) -> FeatureTable:
    if not columns:
        raise TableError(f"{path}: no column of numbers")
    finite = np.isfinite(values).all(axis=1)
    for row in np.flatnonzero(~finite):
        name = columns[int(np.flatnonzero(~np.isfinite(values[row]))[0])]
        value = float(values[row, columns.index(name)])
        reason = "nan" if math.isnan(value) else "infinite"
        bad.append((text["path"][row], reason, f"{name} is {value}"))
    order = sorted(np.flatnonzero(finite), key=lambda row: text["path"][row])
    kept = {name: [column[row] for row in order] for name, column in text.items()}
    paths = kept["path"]
    if len(set(paths)) < len(paths):
        twice = next(name for name, after in pairwise(paths) if name == after)
        raise TableError(f"{path}: {twice} has more than one row")
    return FeatureTable(paths, kept.get("md5", paths), kept.get("group", paths), values[order], columns, sorted(bad))
