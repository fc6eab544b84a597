"""Tables of very many rows as Parquet, column by column, so that no row becomes a Python object."""

from __future__ import annotations

import os
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
    write_atomic(path, columns_as_parquet(columns))


def columns_as_parquet(columns: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes that ``write_columns`` writes."""
    pa = _pyarrow()
    arrays = {name: _to_arrow(pa, values) for name, values in columns.items()}
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(pa.table(arrays), sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def read_columns(path: Path, names: Sequence[str]) -> Columns:
    """Read all columns of a Parquet table.

    Raises:
        TableError: it is missing, is not Parquet, or lacks one of ``names``.
    """
    pa = _pyarrow()
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
    return {name: _from_arrow(pa, table.column(name)) for name in table.column_names}


def _to_arrow(pa: Any, values: NDArray[Any]) -> Any:
    """Without ``pa.array`` and ``to_numpy``, which load pandas."""
    if values.dtype.kind in "OU":
        return _text_to_arrow(pa, values.tolist())
    plain = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(plain.dtype), len(plain), [None, pa.py_buffer(plain)])


def _text_to_arrow(pa: Any, texts: list[str]) -> Any:
    joined = "".join(texts)
    data = joined.encode()
    if len(data) >= 2**31:  # beyond what one array of 32-bit offsets holds
        return pa.array(texts, pa.string())
    sizes = texts if len(data) == len(joined) else [text.encode() for text in texts]
    ends = np.zeros(len(texts) + 1, np.int32)
    ends[1:] = np.cumsum(np.fromiter(map(len, sizes), np.int64, len(texts)))
    return pa.Array.from_buffers(pa.string(), len(texts), [None, pa.py_buffer(ends), pa.py_buffer(data)])


def _from_arrow(pa: Any, column: Any) -> NDArray[Any]:
    if pa.types.is_string(column.type):
        return np.array(column.to_pylist(), object)
    pieces = [piece for piece in column.chunks if len(piece)]
    kind = np.dtype({"double": "float64", "float": "float32"}.get(str(column.type), str(column.type)))
    parts = [np.frombuffer(p.buffers()[1], kind, len(p), p.offset * kind.itemsize) for p in pieces]
    return np.concatenate([np.empty(0, kind), *parts])


def _pyarrow() -> Any:
    """Load pyarrow without its allocator's thread: workers can be forked only from a process that has one thread."""
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
    import pyarrow as pa
    import pyarrow.parquet

    return pa


def take_rows(columns: Columns, rows: NDArray[Any]) -> Columns:
    """The rows that an index or a mask picks."""
    return {name: values[rows] for name, values in columns.items()}


def join_rows(parts: Sequence[Columns]) -> Columns:
    """Tables of the same columns one below the other; at least one."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
