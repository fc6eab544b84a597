"""The code dependencies in dvc.yaml: the modules that a stage's verbs import, written and checked by this program.

The rest of a dvc.yaml is a person's. A folder stands for its modules where a stage uses at least half of them: then an
edit beside the used ones runs the stage again, which finds its results in the side cache. No stage misses an edit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from semtrace.io.code_digest import ROOT, closure, source_of

PIPELINES = ("dvc.yaml", "pipelines/*/dvc.yaml")
_PREFIX = "src/semtrace"
_DIVIDED = {ROOT, ROOT / "core"}  # their folders are subjects of their own: never one dependency
_STAGE = re.compile(r"^  ([\w-]+):")
_VERB = re.compile(r"\bsemtrace ([a-z][a-z-]*(?: [a-z]+)?)")
_ONLY_DOCSTRING = re.compile(r'\s*("""[^"]*""")?\s*')
_CODE = re.compile(rf"^( +)- {_PREFIX}/\S+[^\n]*\n", re.MULTILINE)


def code_paths(modules: Iterable[str]) -> list[str]:
    """The files and folders, relative to the project's root, that hold all that ``modules`` import; sorted."""
    used = {file for name in closure(modules) if (file := source_of(name)) and _holds_code(file)}
    return sorted(f"{_PREFIX}/{path.relative_to(ROOT).as_posix()}" for path in _cover(ROOT, used))


def with_code(text: str, modules_of: Mapping[str, Sequence[str]]) -> str:
    """A dvc.yaml whose stages depend on the code of their verbs; all else stays as it is.

    Args:
        text: of the dvc.yaml. A stage's dependencies stand one on a line, the code together.
        modules_of: the modules of each verb, e.g. ``{"match": ("semtrace.provenance.match",)}``.

    Raises:
        KeyError: a stage calls a verb that is not in ``modules_of``.

    """
    blocks = re.split(r"(?m)^(?=  [\w-]+:)", text)
    return "".join(_with_code(block, modules_of) if _STAGE.match(block) else block for block in blocks)


def _with_code(block: str, modules_of: Mapping[str, Sequence[str]]) -> str:
    verbs = [found if found in modules_of else found.split()[0] for found in _VERB.findall(block)]
    first = _CODE.search(block)
    if first is None or not verbs:
        return block
    modules = dict.fromkeys(module for verb in verbs for module in modules_of[verb])
    lines = "".join(f"{first[1]}- {path}\n" for path in code_paths(modules))
    return block[: first.start()] + lines + _CODE.sub("", block[first.start() :])


def _holds_code(file: Path) -> bool:
    return file.name != "__init__.py" or not _ONLY_DOCSTRING.fullmatch(file.read_text(encoding="utf-8"))


def _cover(folder: Path, used: set[Path]) -> list[Path]:
    modules = [path for path in folder.rglob("*.py") if _holds_code(path)]
    here = [path for path in modules if path in used]
    if not here:
        return []
    if folder not in _DIVIDED and len(here) > 1 and 2 * len(here) >= len(modules):
        return [folder]
    inside = [path for path in here if path.parent == folder]
    return [*inside, *(path for part in folder.iterdir() if part.is_dir() for path in _cover(part, used))]
