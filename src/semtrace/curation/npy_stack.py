"""The list of exemplars as the folder that ``dask.array.to_npy_stack`` writes, which the published scripts read.

Its ``info`` is a pickle, which this program never reads. It is written as text of pickle's first protocol.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semtrace.core.errors import InputError
from semtrace.io.files import write_atomic
from semtrace.io.staging import staged_folder


def write_npy_stack(paths: Path, out: Path) -> int:
    """Write ``0.npy`` and ``info`` into the folder ``out``; how many paths there are.

    Args:
        paths: ``deduplicated_fpaths.npy``.
        out: folder to write; one that is there is replaced.

    Raises:
        InputError: there is no such list.
    """
    try:
        array = np.load(paths, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{paths}: no list of exemplars ({error}); run `semtrace curate deduplicate`") from error
    with staged_folder(out) as folder:
        stream = io.BytesIO()
        np.save(stream, array, allow_pickle=False)
        write_atomic(folder / "0.npy", stream.getvalue())
        write_atomic(folder / "info", _info(array))
    return len(array)


def _info(array: NDArray[np.str_]) -> bytes:
    """``{"chunks": ((n,),), "dtype": "<U…", "axis": 0}`` in pickle's protocol 0: text and whole numbers alone."""
    return f"(dVchunks\n((I{len(array)}\nttsVdtype\nV{array.dtype.str}\nsVaxis\nI0\ns.".encode()
