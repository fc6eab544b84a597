r"""The tables between the stages: their columns, and how they are read and written.

A table is CSV, UTF-8, comma-separated, ``\\n`` line ends, sorted by its first columns, written atomically.
Paths in it are POSIX and relative to the root of the dataset they belong to. Floats are written with a fixed
number of digits, so equal inputs give equal bytes.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semtrace.core.errors import InputError
from semtrace.io.files import write_atomic
from semtrace.io.spill import Spill

if TYPE_CHECKING:
    import pandas as pd

INVENTORY = (
    "path", "bytes", "md5", "format", "mode", "bit_depth", "width", "height", "pages",
    "pixel_size_m", "pixel_size_source", "instrument", "duplicate_of",
)  # fmt: skip
REJECTS = ("path", "stage", "reason", "detail")
CONVERTED = ("path", "md5", "jpeg_path", "jpeg_md5", "rule")
HASHES = (
    "file", "path", "phash", "md5", "algorithm",
    "bytes", "phash_content", "bar_top", "content_id", "picture_id", "width", "height", "health", "rule",
)  # fmt: skip
JPEG_TO_TIFF = (
    "jpeg_path", "matched_tiff_path", "hamming_distance", "ssim_value", "used_ssim", "decision", "evidence",
    "margin", "runner_up_path", "correlation", "symmetry", "crop", "candidates", "reason",
)  # fmt: skip
TIFF_TO_JPEG = (
    "TIFF_file", "TIFF_path", "JPEG_file", "JPEG_path", "hamming_distance", "ssim_value", "used_ssim", "decision",
    "evidence", "margin", "runner_up_path", "nearest_hamming", "nearest_paths", "reason",
)  # fmt: skip
GROUPS = (
    "path", "side", "md5", "group", "size", "keeper", "linked_to", "evidence", "hamming", "correlation", "drift",
    "keeper_hamming", "diameter", "lowest_correlation", "health", "split",
)  # fmt: skip
LABELS = ("tiff_path", "category", "label", "jpeg_path", "output_path", "status", "detail")
CONFLICTS = ("kind", "content", "categories", "files", "resolution", "rule")
MANIFEST = (
    "path", "sha256", "md5", "bytes", "width", "height", "label", "category", "split", "phash", "duplicate_group",
    "published_path", "source_path", "source_md5", "source_file", "source_sha256", "source_bytes",
    "decision", "evidence", "pixel_size_m", "licence",
)  # fmt: skip
LEFT_OUT = ("published_path", "reason", "detail")
VERDICTS = ("left", "right", "verdict", "who", "when")
TRUTH = ("jpeg_path", "tiff_path", "category")
CALIBRATION = (
    "hamming_threshold", "ssim_trigger", "min_ssim", "min_correlation", "min_margin",
    "precision", "precision_low", "precision_high", "recall", "recall_low", "recall_high",
    "found", "wrong_present", "missed_ambiguous", "missed_unmatched",
    "absent_unmatched", "absent_ambiguous", "wrong_absent",
)  # fmt: skip
PAIRS = (
    "source", "jpeg_path", "tiff_path", "same_picture", "hamming_distance", "symmetry", "ssim_value", "correlation",
    "whole_frame", "reencoded",
)  # fmt: skip
TRIALS = (
    "source", "jpeg_path", "original", "true_tiff_path", "outcome", "best_tiff_path", "hamming_distance", "ssim_value",
    "correlation", "margin", "reason",
)  # fmt: skip
BY_ENCODER = ("published_as", "original", "thresholds", "proofs", "right", "wrong", "ambiguous", "unmatched")

SWEEP = (
    "point", "recommended", "hash_size",
    "hamming_threshold", "ssim_trigger", "max_candidates", "reach", "min_ssim", "min_correlation", "min_margin",
    "min_hamming_margin", "geometry", "one_to_one", "hamming_bits", "hamming_share",
    "matched", "ambiguous", "unmatched", "rejected", "ambiguous_rate",
    "precision", "precision_low", "precision_high", "recall", "recall_low", "recall_high",
    "accuracy", "accuracy_low", "accuracy_high", "found", "wrong", "ssim_pairs",
)  # fmt: skip
TIMINGS = ("point", "hash_size", "decide_s", "match_s")


csv.field_size_limit(2**31 - 1)  # one cell may name all files of a content; the module's own limit is 128 KiB


class TableError(InputError):
    """A table is missing, or does not have the columns of its contract."""


def write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, sort: bool = True) -> int:
    """Write ``rows`` with exactly ``columns`` to ``path``, atomically; return the number of rows.

    Args:
        path: file to write; its folder must exist.
        columns: the contract. A row with a missing or a further key is an error (``KeyError``), never dropped.
        rows: values are str, int, bool, None (empty cell) or float (written with ``repr``, so round first). They are
            not held in memory: of each only the first cell is, and those with equal ones while they are sorted.
        sort: sort rows by their cells from left to right, as text. Off only where the order means something.

    """
    with Spill(path) as spill:
        for cells in _cells(path, columns, rows):
            spill.add(cells[0] if sort else f"{len(spill):012}", _line(cells))
        write_atomic(path, itertools.chain([_line(columns)], spill.in_order(_parsed)))
        return len(spill)


def _cells(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[list[str]]:
    wanted = set(columns)
    for row in rows:
        if row.keys() != wanted:
            raise KeyError(f"{path.name}: row has columns {sorted(row)}, contract says {sorted(wanted)}")
        yield ["" if row[name] is None else str(row[name]) for name in columns]


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)  # so that a lone \r in a cell is quoted, as \n is
    return text.getvalue()[:-2].encode() + b"\n"


def _parsed(line: bytes) -> list[str]:
    return next(csv.reader([line.decode()], strict=True))


def write_parquet(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the same rows as Parquet, in the order given: int, float and str stay what they are, "" becomes null.

    Args:
        path: file to write; its folder must exist.
        columns: columns, each of one type.
        rows: as for ``write``; a column may be empty.

    """
    import pyarrow as pa
    import pyarrow.parquet

    table = list(rows)
    cells = {name: [None if row[name] == "" else row[name] for row in table] for name in columns}
    typed = {name: pa.array(column) for name, column in cells.items()}
    # A column without any value is text, so that versions of a table fit together.
    whole = {
        name: column.cast(pa.string()) if pa.types.is_null(column.type) else column for name, column in typed.items()
    }
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(pa.table(whole), sink, compression="zstd")
    write_atomic(path, sink.getvalue().to_pybytes())


def read_parquet(path: Path) -> list[dict[str, Any]]:
    """Rows of a Parquet file; null is ``""``.

    Raises:
        TableError: it is not Parquet.

    """
    import pyarrow as pa
    import pyarrow.parquet

    try:
        with path.open("rb") as file:
            # Without pyarrow's own threads: one that still runs when Python ends aborts the process.
            rows = pa.parquet.ParquetFile(file, pre_buffer=False).read(use_threads=False).to_pylist()
    except pa.ArrowInvalid as error:
        raise TableError(f"{path}: not a Parquet table ({error})") from error
    return [{name: "" if value is None else value for name, value in row.items()} for row in rows]


def read(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a table as rows of text cells (an empty cell is ``""``); further columns are kept.

    Raises:
        TableError: the file is missing or empty, is not UTF-8 CSV, lacks one of ``columns``, or a row has more or
            fewer cells than the header.

    """
    return [row for _, row in _parse(path, columns)[1]]


def read_own(path: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Read a table that a person wrote as ``(line, row)``: exactly ``columns``, so that no slip goes unseen.

    Raises:
        TableError: as ``read``; or a column is none of ``columns``, or comes twice.

    """
    header, rows = _parse(path, columns)
    unknown = sorted(set(header) - set(columns))
    twice = sorted({name for name in header if header.count(name) > 1})
    if unknown or twice:
        what = [f"unknown column {name!r}" for name in unknown] + [f"column {name!r} comes twice" for name in twice]
        raise TableError(f"{path}: line 1: {', '.join(what)}; the columns are {', '.join(columns)}")
    return rows


def _parse(path: Path, columns: Sequence[str]) -> tuple[Sequence[str], list[tuple[int, dict[str, str]]]]:
    """Header, and rows with the line that each ends on."""
    if not path.is_file():
        raise TableError(f"{path}: no such table; run the stage that writes it first (`dvc repro`)")
    try:
        with path.open("rb") as file:
            if file.peek(3).startswith(codecs.BOM_UTF8):  # "utf-8-sig" would take half as long again for the whole file
                file.read(3)
            reader = csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline=""), strict=True)
            found = next((cells for cells in reader if cells), [])
            read = [(reader.line_num, cells) for cells in reader if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path}: not a UTF-8 CSV table ({error})") from error
    missing = [name for name in columns if name not in found]
    if missing:
        raise TableError(f"{path}: column(s) {', '.join(missing)} missing; found {', '.join(found) or 'none'}")
    for line, cells in read:
        if len(cells) != len(found):
            raise TableError(f"{path}: line {line} has another number of cells than the header")
    return found, [(line, dict(zip(found, cells, strict=True))) for line, cells in read]


def frame(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """The same as a data frame of text."""
    import pandas as pd

    rows = read(path, columns)
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else list(columns), dtype=str)
