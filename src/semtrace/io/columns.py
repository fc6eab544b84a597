"""Tables of very many rows as Parquet, column by column, so that no row becomes a Python object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.io.files import write_atomic
from semtrace.io.tables import TableError

Columns = dict[str, NDArray[Any]]
"""Name -> values, all of one length; text is of dtype object (str)."""


def write_columns(path: Path, columns: Mapping[str, NDArray[Any]]) -> None:
    """Write columns in their order, rows as they stand, atomically; equal columns give equal bytes."""
    import pyarrow as pa
    import pyarrow.parquet

    arrays = {
        name: pa.array(values, pa.string() if values.dtype.kind in "OU" else None) for name, values in columns.items()
    }
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(pa.table(arrays), sink, compression="zstd")
    write_atomic(path, sink.getvalue().to_pybytes())


def read_columns(path: Path, names: Sequence[str]) -> Columns:
    """Read all columns of a Parquet table.

    Raises:
        TableError: it is missing, is not Parquet, or lacks one of ``names``.
    """
    import pyarrow as pa
    import pyarrow.parquet

    if not path.is_file():
        raise TableError(f"{path}: no such table; run the stage that writes it first (`dvc repro`)")
    try:
        with path.open("rb") as file:
            # Without pyarrow's own threads: one that still runs when Python ends aborts the process.
            table = pa.parquet.ParquetFile(file, pre_buffer=False).read(use_threads=False)
    except pa.ArrowInvalid as error:
        raise TableError(f"{path}: not a Parquet table ({error})") from error
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise TableError(f"{path}: column(s) {', '.join(missing)} missing")
    return {name: np.asarray(table.column(name).to_numpy()) for name in table.column_names}


def take_rows(columns: Columns, rows: NDArray[Any]) -> Columns:
    """The rows that an index or a mask picks."""
    return {name: values[rows] for name, values in columns.items()}


def join_rows(parts: Sequence[Columns]) -> Columns:
    """Tables of the same columns one below the other; at least one."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
