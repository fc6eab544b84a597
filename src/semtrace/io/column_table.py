"""Tables of columns as Parquet, for many rows: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.io.files import write_atomic
from semtrace.io.tables import TableError


def write(path: Path, columns: Mapping[str, Sequence[str] | NDArray[Any]]) -> None:
    """Write columns of one length as Parquet, atomically, in the order given; NaN becomes null."""
    import pyarrow as pa
    import pyarrow.parquet

    whole = {}
    for name, values in columns.items():
        if isinstance(values, np.ndarray):
            nothing = np.isnan(values) if values.dtype.kind == "f" else None
            whole[name] = pa.array(values, mask=nothing)
        else:
            whole[name] = pa.array(values, pa.string()).dictionary_encode()
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(pa.table(whole), sink, compression="zstd")
    write_atomic(path, sink.getvalue().to_pybytes())


def read(path: Path, columns: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read columns; text is an array of objects, null in a column of numbers is NaN.

    Raises:
        TableError: no such table, not Parquet, or a column is missing.

    """
    import pyarrow as pa
    import pyarrow.parquet

    if not path.is_file():
        raise TableError(f"{path}: no such table; run the stage that writes it first (`dvc repro`)")
    try:
        with path.open("rb") as file:
            table = pa.parquet.ParquetFile(file, pre_buffer=False).read(use_threads=False)
    except pa.ArrowInvalid as error:
        raise TableError(f"{path}: not a Parquet table ({error})") from error
    if missing := [name for name in columns if name not in table.column_names]:
        raise TableError(f"{path}: column(s) {', '.join(missing)} missing; found {', '.join(table.column_names)}")
    found = {}
    for name in columns:
        column = table[name].combine_chunks()
        if pa.types.is_dictionary(column.type):
            found[name] = np.array(column.dictionary_decode().to_pylist(), dtype=object)
        else:
            found[name] = column.to_numpy(zero_copy_only=False)
    return found
