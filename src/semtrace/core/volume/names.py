"""Names of datasets: the relative path in one word, told apart wherever two would meet."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence

_PACKED = (".gz", ".bz2")
_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}$")
_LONGEST = 180  # bytes; names of patches and files are made of it


def dataset_names(paths: Sequence[str], taken: Collection[str] = ()) -> list[str]:
    """Name datasets after their relative POSIX paths: without suffix, ``/`` as ``__``.

    Names that meet (also by case or accents, or with one of ``taken``) all get ``~`` and six digits of their path's
    md5, so none looks like "the" one, and the result depends neither on the order nor on what else lies there.
    """
    wanted = [_stem(path).replace("/", "__") for path in paths]
    met = Counter(fold(name) for name in [*wanted, *taken])
    return [
        name if met[fold(name)] == 1 and len(name.encode()) <= _LONGEST and name not in ("", ".", "..") else
        _with_digest(name, path)
        for name, path in zip(wanted, paths, strict=True)
    ]  # fmt: skip


def fold(name: str) -> str:
    """What two names have in common that are one file on some file system."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _stem(path: str) -> str:
    for suffix in _PACKED:
        path = path.removesuffix(suffix)
    stem = _SUFFIX.sub("", path)
    stem = re.sub(r"\.ome$", "", stem, flags=re.IGNORECASE)
    return path if stem.rpartition("/")[2] == "" else stem


def _with_digest(name: str, path: str) -> str:
    digest = hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()
    return f"{name.encode()[:_LONGEST].decode(errors='ignore')}~{digest[:6]}"
