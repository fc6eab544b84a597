"""The digest of the code behind a result: the modules that it really imports, and the versions of the libraries.

The side cache keys its entries with it, and every dvc.yaml lists the same modules as dependencies of a stage. So a
result cannot outlive the code that made it, and an edit elsewhere makes nothing anew.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = "semtrace"
ROOT = Path(__file__).resolve().parents[1]
_DIGITS = 12
_IMPORT = re.compile(r"^[ \t]*(?:from +([\w.]+) +import +(\([^)]*\)|[^\n#;]+)|import +([^\n#;]+))", re.MULTILINE)
_DISTRIBUTIONS = {"PIL": "Pillow", "skimage": "scikit-image", "sklearn": "scikit-learn", "yaml": "PyYAML"}
_BEHIND = {"tifffile": "imagecodecs"}  # loaded by the first where a file needs it
_WITHOUT_EFFECT = sys.stdlib_module_names | {"tqdm", "distributed", "dask"}  # progress bars and transport


@cache
def code_digest(*modules: str) -> str:
    """Twelve hex digits that change with the sources that ``modules`` import, and with the versions of libraries.

    Args:
        modules: full names, e.g. ``semtrace.core.hashing.phash``.

    Raises:
        ModuleNotFoundError: there is no such module in this package.

    """
    names = closure(modules)
    direct = {library for name in names for library in _scan(name)[1]} - _WITHOUT_EFFECT
    libraries = sorted(direct | {_BEHIND[library] for library in direct & _BEHIND.keys()})
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name}\0{_sha256(name)}\0".encode())
    for library in libraries:
        digest.update(f"{library}=={_version(library)}\0".encode())
    return digest.hexdigest()[:_DIGITS]


def package_digest() -> str:
    """The digest of the whole package: two machines with the same one run the same code."""
    digest = hashlib.sha256()
    for path in sorted(ROOT.rglob("*.py")):
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:_DIGITS]


def closure(modules: Iterable[str]) -> list[str]:
    """The modules of this package that ``modules`` import, directly or not, also inside functions; sorted by name.

    Packages on the way count too: Python runs their ``__init__``.

    Raises:
        ModuleNotFoundError: one of ``modules`` is not in this package.

    """
    todo = list(modules)
    for name in todo:
        if source_of(name) is None:
            raise ModuleNotFoundError(f"{name}: no module of {PACKAGE}", name=name)
    found: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            parent = name.rpartition(".")[0]
            todo += [*_scan(name)[0], *([parent] if parent else [])]
    return sorted(found)


def source_of(module: str) -> Path | None:
    """The file of a module or package of ours; None where there is none."""
    first, *rest = module.split(".")
    if first != PACKAGE:
        return None
    place = ROOT.joinpath(*rest)
    for file in (place / "__init__.py", place.parent / f"{place.name}.py"):
        if file.is_file() and (rest or file.name == "__init__.py"):
            return file
    return None


@cache
def _scan(module: str) -> tuple[frozenset[str], frozenset[str]]:
    """Modules of ours and libraries that one module imports.

    A pattern in place of a parser: all of the package takes milliseconds. It may find an import in a string, which
    makes a digest cover more; it misses none that stands on a line of its own.
    """
    ours, libraries = set[str](), set[str]()
    for origin, names, plain in _IMPORT.findall(_text(module)):
        if plain:
            wanted = [part.split()[0] for part in plain.split(",") if part.split()]
        else:
            parts = [part.split()[0] for part in names.strip("() \t\n").split(",") if part.split()]
            wanted = [f"{origin}.{part}" for part in parts]
        for name in wanted:
            if name.split(".")[0] != PACKAGE:
                libraries.add(name.split(".")[0])
            elif source_of(name) is not None:
                ours.add(name)
            elif source_of(name.rpartition(".")[0]) is not None:
                ours.add(name.rpartition(".")[0])
    return frozenset(ours), frozenset(libraries)


def _text(module: str) -> str:
    source = source_of(module)
    return source.read_text(encoding="utf-8") if source else ""


@cache
def _sha256(module: str) -> str:
    return hashlib.sha256(_text(module).encode()).hexdigest()


@cache
def _version(library: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # a fifth of what `semtrace --help` loads

    try:
        return version(_DISTRIBUTIONS.get(library, library))
    except PackageNotFoundError:  # an extra that is not installed
        return ""
