"""What every stage shares: where it runs, how it refuses its input, and how it accounts for what it leaves out."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from semtrace.cluster.client import check_cluster, on_cluster
from semtrace.core.device import CHOICES, choose
from semtrace.core.labels import parse_published
from semtrace.io import tables
from semtrace.io.cache import frozen, reader
from semtrace.io.files import walk
from semtrace.io.seen import read_as
from semtrace.parallel import Crashed, map_images

Item = TypeVar("Item")
Result = TypeVar("Result")

OUT_OF_MEMORY = {"reason": "out_of_memory", "detail": "no room for the picture: it needs too much, or memory is short"}


_OF_THE_MACHINE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)
_OF_THE_FILE = {errno.EFBIG: "too_large", errno.ELOOP: "symbolic_link", errno.EINVAL: "not_a_file"}


class InputError(ValueError):
    """What was asked for cannot be done with this input; the message says what to do."""


class UnreachableError(RuntimeError):
    """The work was done, but what was asked of it cannot be had; the message says what that is."""


class AccountingError(RuntimeError):
    """A stage lost an image, or made one up: a fault of this program, so the stage writes nothing."""


@dataclass(frozen=True)
class Executor:
    """Where the work is done; no result depends on it.

    Attributes:
        workers: processes on this machine; 0 means one per core.
        cache: file of the side cache.
        device: where the SSIM of many pairs is computed: ``cpu``, ``cuda``, or ``auto`` for CUDA where it is there.
        memory_mb: bound in 10^6 bytes for the pictures of one batch on a CUDA device, and for its working memory.
        address: of a Dask scheduler whose workers do what can be done image by image; empty: this machine does.

    """

    workers: int
    cache: Path
    device: str = "cpu"
    memory_mb: int = 512
    address: str = ""

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise ValueError(f"executor.workers is {self.workers}; it must be 0 (one per core) or more")
        if self.memory_mb < 1:
            raise ValueError(f"executor.memory_mb is {self.memory_mb}; it must be 1 or more")
        if self.device not in CHOICES:
            raise ValueError(f"executor.device is {self.device!r}; it must be one of {', '.join(CHOICES)}")
        if self.device == "cuda":
            choose("cuda")  # said before any work starts
        if self.address and not re.fullmatch(r"(tcp|tls)://[^\s/]+:\d+", self.address):
            raise ValueError(f"executor.address is {self.address!r}; it must be tcp:// or tls://host:port, or empty")

    def map(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        *,
        what: str,
        sees: Callable[[Item], Sequence[str]],
        chunk: int = 8,
        prepare: Callable[[], object] | None = None,
    ) -> Iterator[Result | Crashed]:
        """``map_images`` on this machine or ``on_cluster``, which says what ``sees`` is."""
        if self.address:
            where = self.address
            return on_cluster(function, items, address=where, what=what, sees=sees, chunk=chunk, prepare=prepare)
        return map_images(function, items, workers=self.workers, what=what, chunk=chunk, prepare=prepare)

    @contextlib.contextmanager
    def known(self) -> Iterator[str]:
        """The file in which workers look up what is known: the side cache, or for other machines a copy of it."""
        if not self.address:
            yield str(self.cache)
            return
        with frozen(self.cache) as copy:
            yield str(copy)

    def check(self, folders: Sequence[Path], work_folder: Path) -> None:
        """Make sure, where a cluster is to work, that it can; raises ``ClusterError``."""
        if self.address:
            check_cluster(self.address, folders, work_folder)


@dataclass(frozen=True)
class Reject:
    """A row that a stage could not pass on, with its reason code and one line of detail."""

    path: str
    stage: str
    reason: str
    detail: str


def write_rejects(folder: Path, rejects: Iterable[Reject], *, rows_in: int, rows_out: int) -> dict[str, int]:
    """Write ``rejects.csv`` into ``folder``; return how many there are of each reason, by name.

    Raises:
        AccountingError: rows in are not rows out plus rejects: an image was lost or made up.

    """
    rows = list(rejects)
    if rows_in != rows_out + len(rows):
        raise AccountingError(f"{folder.name}: {rows_in} rows in, but {rows_out} out and {len(rows)} rejected")
    tables.write(folder / "rejects.csv", tables.REJECTS, (asdict(row) for row in rows))
    return dict(sorted(Counter(row.reason for row in rows).items()))


def check_folder(folder: Path, what: str) -> None:
    """Make sure that an input folder is there and can be listed.

    Raises:
        InputError: it is missing, not a folder, or not readable.

    """
    if not folder.exists():
        raise InputError(
            f"{folder}: the {what} folder is missing. Put the images there, or name another folder in conf/dataset/"
        )
    if not folder.is_dir():
        raise InputError(f"{folder}: the {what} must be a folder")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise InputError(f"{folder}: no permission to list the {what} folder (`ls -ld` shows who may)")


def unfit(relative: str, path: Path) -> tuple[str, str] | None:
    """Say why what lies at ``path`` is not taken as a file at all, as reason and detail; None for a plain file."""
    try:
        relative.encode()
    except UnicodeEncodeError:
        return "name_not_utf8", "rename the file: tables are UTF-8 and its name is not"
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return "path_too_long", "longer than the system allows: nothing there can be opened"
        return why_unreadable(error)
    if stat.S_ISLNK(mode):
        return "symbolic_link", f"points to {str(path.readlink())!r}; links are not followed"
    if not stat.S_ISREG(mode):
        return "not_a_file", "a pipe, socket or device"
    return None


def content_of(row: Mapping[str, str]) -> str:
    """What identifies the content of a row of a hash table: its pixels.

    In a table of hashes alone the digits of a published name *and* the hash: in real sets equal digits name different
    pictures, and equal hashes have different digits.
    """
    return row.get("content_id") or f"{parse_published(row['path']).digits} {row['phash']}"


def why_unreadable(error: OSError) -> tuple[str, str]:
    """Reason and detail of a file that could not be read; raises ``error`` again where the file is not to blame."""
    if error.errno in _OF_THE_MACHINE:
        raise error
    return _OF_THE_FILE.get(error.errno or 0, "unreadable"), error.strerror or "input/output error"


def printable(relative: str) -> str:
    """A path as it can stand in a UTF-8 table."""
    return relative.encode("utf-8", "backslashreplace").decode()


def check_dvc(folder: Path, what: str) -> None:
    """Make sure that DVC can take the digest of an input folder, which it does before any stage runs.

    Raises:
        InputError: something in it would make DVC fail, or wait for ever; the message names the first of each kind.
    """
    found: dict[str, str] = {}
    for relative, path in walk(folder):
        reason = unfit(relative, path)
        if reason is None and not os.access(path, os.R_OK):
            reason = "unreadable", ""
        if reason is not None and not (reason[0] == "symbolic_link" and path.is_file()):
            found.setdefault(reason[0], printable(relative))
    if found:
        kinds = ", ".join(f"{reason} ({name})" for reason, name in sorted(found.items()))
        raise InputError(
            f"{folder}: DVC cannot take the digest of the {what} with these in it: {kinds}. "
            "Move them out, or run `semtrace run`, which lists them as rejects"
        )


def read_file(file: str, digest: str, cache_file: str | Path) -> bytes | Reject:
    """Read a file that must still have the md5 ``digest``; a reject (without path and stage) where it has not."""
    try:
        data = read_as(file, digest, reader(cache_file))
    except OSError as error:
        return Reject("", "", *why_unreadable(error))
    except MemoryError:
        return Reject("", "", **OUT_OF_MEMORY)
    return (
        Reject("", "", "changed", "not the file that was seen before; run the pipeline again") if data is None else data
    )
