"""File names that cannot collide: on any file system, whatever it thinks of case and accents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from semtrace.core.path_index import folded

_MAX_BYTES = 255  # of one path component, on every common file system


def distinct(wanted: Sequence[str], digests: Sequence[str]) -> list[str]:
    """Make relative POSIX paths distinct by adding ``_<8 hex digits of the content>`` where they would meet.

    Two paths meet when they are equal after NFC normalisation and case folding: on a Mac or on Windows the second
    would overwrite the first. Every member of such a group is renamed, so no file looks like "the" one, and the
    result does not depend on the order. A file that is called like a folder in use is renamed too. A name over
    255 bytes is shortened before its digits.

    Args:
        wanted: paths, one per file.
        digests: the files' content digests (at least 8 hex digits), same length.

    Returns:
        The paths, in the same order; those that met nothing and fit are unchanged.

    """
    # A file also meets a folder of that name, which other files need.
    folders = {
        folded(parent) for folder in {path.rpartition("/")[0] for path in wanted} for parent in _and_above(folder)
    }
    keys = [folded(path) for path in wanted]
    met = Counter([*keys, *folders])
    names = [
        _with_digest(path, digest, 8) if met[fold] > 1 or _too_long(path) else path
        for path, fold, digest in zip(wanted, keys, digests, strict=True)
    ]
    again = Counter(folded(path) for path in names)  # a file may be called like another one's new name
    names = [
        _with_digest(path, digest, len(digest)) if again[folded(name)] > 1 else name
        for path, name, digest in zip(wanted, names, digests, strict=True)
    ]
    # Equal path and equal content: the same file asked for twice; numbered, so that nothing is overwritten.
    count: Counter[str] = Counter()
    result = []
    for name, digest in zip(names, digests, strict=True):
        seen = count[folded(name)]
        count[folded(name)] += 1
        result.append(name if seen == 0 else _with_digest(name, f"{digest}-{seen + 1}", len(digest) + 8))
    return result


def _and_above(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _too_long(path: str) -> bool:
    return len(path.rpartition("/")[2].encode()) > _MAX_BYTES


def _with_digest(path: str, digest: str, digits: int) -> str:
    folder, slash, name = path.rpartition("/")
    suffix = PurePosixPath(name).suffix
    tail = f"_{digest[:digits]}{suffix}"
    stem = name.removesuffix(suffix).encode()[: _MAX_BYTES - len(tail.encode())].decode(errors="ignore")
    return f"{folder}{slash}{stem}{tail}"
