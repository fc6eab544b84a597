"""What the modules of the package import, read with Python's own parser."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SOURCE = PROJECT / "src" / "semtrace"
MODULES = sorted(SOURCE.rglob("*.py"))


def name_of(path: Path) -> str:
    """The full name of a module, given its file."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(path: Path) -> frozenset[str]:
    """Full names of what a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def ours(path: Path) -> set[Path]:
    """Files of this package that a file imports."""
    files = set()
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "semtrace":
            for end in (len(parts), len(parts) - 1):
                file = SOURCE.joinpath(*parts[1:end]).with_suffix(".py")
                if end > 1 and file.is_file():
                    files.add(file)
                    break
    return files


def reached(path: Path) -> set[Path]:
    """Files of this package that a file imports, directly or not, with itself."""
    seen, todo = set(), [path]
    while todo:
        if (file := todo.pop()) not in seen:
            seen.add(file)
            todo += ours(file)
    return seen


def public_names(path: Path) -> set[str]:
    """What a module defines for others: functions, classes and types at its top. Constants stand in their module."""
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return {name for name in names if not name.startswith("_") and not name.isupper()}
