"""Whether anything has changed since the last whole run: inputs, parameters, code, libraries, or its results.

A file counts as unchanged where its size, times and inode are the same, as in ``stat_cache``. Inputs are looked at
before a run and results after it. So an image that changed while the run was under way is a change for the next run.
A person's table may be a link: the file that it leads to counts, and the link too.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from semtrace.io.cache import Cache, Kind
from semtrace.io.code_digest import package_digest
from semtrace.io.files import walk
from semtrace.io.stat_cache import is_settled, stamp_of
from semtrace.io.tables import read
from semtrace.stage.listing import list_inputs
from semtrace.stage.rejects import PASSING, REJECTS

KIND = Kind("last run", (__name__,))


def inputs_state(images: Sequence[Path], tables: Sequence[Path], params: bytes, exclude: Sequence[str]) -> str | None:
    """A digest of all that a run depends on; None where a file has changed within the last two seconds.

    Args:
        images: folders of images.
        tables: folders of tables, which may be missing.
        params: the text of params.yaml.
        exclude: patterns of files and folders of images that are left out.

    Raises:
        OSError: a folder of images cannot be listed.
    """
    digest = hashlib.sha256(params)
    for known in (sys.version, package_digest(), *_installed()):
        digest.update(f"{known}\0".encode())
    for folder in (*images, *tables):
        digest.update(f"{folder.resolve()}\0".encode("utf-8", "surrogateescape"))
        if folder in images:
            files: Iterable[tuple[str, Path]] = ((one.relative, one.path) for one in list_inputs(folder, exclude))
        else:
            files = walk(folder) if folder.is_dir() else ()
        for relative, path in files:
            states = list(_states(path))
            if not all(map(is_settled, states)):
                return None
            stamps = [stamp_of(state) for state in states]
            digest.update(f"{relative}\0{stamps}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def results_state(work: Path, folders: Sequence[str]) -> str:
    """A digest of the files in some folders of results, by size, times and inode; of a missing folder its absence."""
    digest = hashlib.sha256()
    for folder in folders:
        there = (work / folder).is_dir()
        digest.update(f"{folder} {there}\0".encode())
        for relative, path in walk(work / folder) if there else ():
            digest.update(f"{relative}\0{stamp_of(path.lstat())}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def is_unchanged(cache: Path, work: Path, inputs: str | None, folders: Sequence[str]) -> bool:
    """Whether the last whole run saw the inputs of this state, and left the results as they are now."""
    if inputs is None:
        return False
    with Cache(cache, readonly=True) as known:
        last = known.get(KIND, str(work.resolve()))
    return last is not None and last == [inputs, results_state(work, folders)]


def note_run(cache: Path, work: Path, inputs: str | None, folders: Sequence[str]) -> None:
    """Note what a whole run saw and left; not where a file was rejected for a reason that may pass."""
    tables = [file for folder in folders if (file := work / folder / REJECTS.name).is_file()]
    if inputs is not None and not any(row["reason"] in PASSING for file in tables for row in read(file, REJECTS)):
        with Cache(cache) as known:
            known.put([(KIND, str(work.resolve()), [inputs, results_state(work, folders)])])


def _states(path: Path) -> Iterator[os.stat_result]:
    """Of a file; of a link its own and that of what it leads to, if that is there."""
    yield path.lstat()
    if path.is_symlink() and path.exists():
        yield path.stat()


def _installed() -> list[str]:
    """The installed libraries with their versions, as the names of their folders say."""
    places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    if (numpy := importlib.util.find_spec("numpy")) and numpy.origin:  # where there is no environment of its own
        places.add(str(Path(numpy.origin).parents[1]))
    return sorted(path.name for place in places for path in Path(place).glob("*.dist-info"))
