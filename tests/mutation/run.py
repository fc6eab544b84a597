"""Change one comparison, constant or branch at a time, and see whether the module's own tests notice.

cosmic-ray says what can be changed. Each change, a mutant, is tested in a process that is forked from one with all
libraries loaded, and only this process imports the changed module: no file is written.

Usage: python -m tests.mutation.run [--list] [--every n] [module …]
"""

from __future__ import annotations

import argparse
import ast
import csv
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # no threads in what is forked
    os.environ[library] = "1"
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # the tests of these modules need none

PROJECT = Path(__file__).resolve().parents[2]
EXPLAINED = PROJECT / "tests/mutation/explained.csv"
TESTS = {
    "core/tracing/labels.py": ["tests/core/tracing/test_labels.py"],
    "core/grouping/splits.py": ["tests/core/grouping/test_splits.py"],
    "core/statistics/accuracy.py": ["tests/core/statistics/test_accuracy.py"],
    "release/gates.py": ["tests/release/test_gates.py"],
    "release/verify.py": ["tests/release/test_verify.py"],
    "io/journal.py": ["tests/io/test_journal.py"],
    "core/tracing/decision.py": ["tests/core/tracing/test_decision_table.py", "tests/core/tracing/test_decision.py"],
}
ENOUGH = 0.9
# What cosmic-ray's operators are called that are used. Of comparisons the opposite and those two that a test of the
# boundary must tell apart; whoever notices these notices the others (Kaminski et al., J. Syst. Softw. 86 (2013) 2002).
# Of arithmetic the counterparts: most others, such as a text shifted by a text, fail wherever they are reached.
_COMPARISONS = (
    "Eq_NotEq|Eq_LtE|Eq_GtE|NotEq_Eq|NotEq_Lt|NotEq_Gt|Lt_GtE|Lt_LtE|Lt_NotEq|LtE_Gt|LtE_Lt|LtE_Eq"
    "|Gt_LtE|Gt_GtE|Gt_NotEq|GtE_Lt|GtE_Gt|GtE_Eq|Is_IsNot|IsNot_Is"
)
_ARITHMETIC = (
    "Add_Sub|Sub_Add|Sub_BitAnd|Sub_BitOr|Mul_Div|Div_Mul|FloorDiv_Mul|Mod_Div|Pow_Mul"
    "|BitAnd_BitOr|BitAnd_Sub|BitOr_BitAnd"
)
USED = re.compile(
    rf"ComparisonOperator_({_COMPARISONS})$|BinaryOperator_({_ARITHMETIC})$"
    r"|UnaryOperator|AddNot|True|False|AndWith|OrWith|Exception|NumberReplacer|Decorator|ZeroIteration"
)
SQL = (
    (r"(WHERE|AND)( [\w.]+) = \?", r"\1\2 != ?"), (r" AND ", " OR "), (r" IN \(", " NOT IN ("), (r" != ''", " = ''"),
    (r"ORDER BY [\w.]+", r"\g<0> DESC"), (r" = 'kept'", " != 'kept'"), (r"'moved'", "'other'"),
    (r"'failed'", "'other'"), (r"DISTINCT ", ""),
)  # fmt: skip
"""What is changed in queries, which are text to cosmic-ray."""


class Mutant(NamedTuple):
    """A changed source; the line that was changed, and how."""

    source: str
    number: int
    before: str
    after: str


def mutants(source: str) -> Iterator[Mutant]:
    """All changes of a source, without those of annotations, which nothing evaluates."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    annotations, lines = list(_annotations(ast.parse(source))), source.split("\n")
    tree, seen = get_ast(source), {source}
    for operator in (get_operator(name)() for name in operator_names() if USED.search(name)):
        places = [place for node in ast_nodes(tree) for place in operator.mutation_positions(node)]
        for occurrence, (start, end) in enumerate(places):
            changed = mutate_code(source, operator, occurrence)
            inside = any(low <= start and end <= high for low, high in annotations)
            star = lines[start[0] - 1][start[1] : start[1] + 2] == "*,"  # of keyword parameters
            if changed is None or inside or star or changed in seen or not _compiles(changed):
                continue
            seen.add(changed)
            yield _mutant(source, changed)
    for pattern, other in SQL:
        for found in re.finditer(pattern, source):
            line = source[source.rfind("\n", 0, found.start()) + 1 : source.find("\n", found.start())]
            if re.search(r"\"[^\"]*(SELECT|WHERE|UPDATE|DELETE|AND|JOIN)\b", line):
                yield _mutant(source, source[: found.start()] + found.expand(other) + source[found.end() :])


def _annotations(tree: ast.Module) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            if (part := getattr(node, name, None)) is not None:
                yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _mutant(before: str, after: str) -> Mutant:
    old, new = before.split("\n"), after.split("\n")
    first = next(n for n, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1])
    return Mutant(after, first + 1, old[first].strip(), new[first].strip())


class Changed(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Give one module another source."""

    def __init__(self, module: str, source: str) -> None:
        self.file = PROJECT / "src/semtrace" / module
        self.name = f"semtrace.{module.removesuffix('.py').replace('/', '.')}"
        self.source = source

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == self.name else None

    def get_filename(self, name: str) -> str:
        return str(self.file)

    def get_data(self, path: str | bytes) -> bytes:
        return self.source.encode()

    def get_code(self, name: str) -> CodeType:
        return compile(self.source, str(self.file), "exec", dont_inherit=True)


def passes(module: str, source: str, limit: float) -> bool:
    """Whether the tests of a module pass with another source, within ``limit`` seconds."""
    child = os.fork()
    if child == 0:
        _test(module, source)
    until = time.monotonic() + limit
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _test(module: str, source: str) -> None:
    """End this process with the exit status of pytest."""
    status = 1
    try:
        import pytest

        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        sys.meta_path.insert(0, Changed(module, source))
        status = int(pytest.main(["-x", "-q", *TESTS[module]]))
    finally:
        os._exit(status)


def load(module: str) -> None:
    """Load all that the tests of a module import, and forget the module and what imports it, its tests among it."""
    from hypothesis import Phase, settings

    # The same examples each time, none remembered, and no search for a smaller one.
    settings.register_profile("mutants", database=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
    settings.load_profile("mutants")
    for name in [name for name in sys.modules if name.startswith(("semtrace.", "tests.")) and "mutation" not in name]:
        del sys.modules[name]  # what was loaded for the module before
    for file in ["tests/conftest.py", *TESTS[module]]:
        importlib.import_module(file.removesuffix(".py").replace("/", "."))
    ours = {name: _imported(name) for name in sys.modules if name.split(".")[0] in ("semtrace", "tests")}
    stale = {Changed(module, "").name}
    while more := {name for name, imports in ours.items() if imports & stale} - stale:
        stale |= more
    for name in stale & sys.modules.keys():
        del sys.modules[name]
        package, _, last = name.rpartition(".")
        if package in sys.modules:  # `from package import module` asks the package first
            vars(sys.modules[package]).pop(last, None)
    gc.collect()
    gc.freeze()  # a collection in a child would copy all that it looks at


def _imported(name: str) -> set[str]:
    """The names of modules, and of what lies in them, that a loaded module imports anywhere in its source."""
    file = getattr(sys.modules[name], "__file__", None)
    found: set[str] = set()
    for node in ast.walk(ast.parse(Path(file).read_text(encoding="utf-8"))) if file else ():
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def explained(module: str) -> dict[tuple[str, str], str]:
    """What is known of mutants that no test notices: line before and after -> ``equivalent`` or ``survivor``."""
    with EXPLAINED.open(newline="", encoding="utf-8") as file:
        return {(row["before"], row["after"]): row["kind"] for row in csv.DictReader(file) if row["module"] == module}


def check(module: str, every: int) -> bool:
    """Test each ``every``-th mutant of a module, print what came out, and say whether it is enough."""
    load(module)
    source = (PROJECT / "src/semtrace" / module).read_text(encoding="utf-8")
    begin = time.monotonic()
    if not passes(module, source, 600):
        print(f"{module}: its tests fail without any change; run pytest {' '.join(TESTS[module])}")
        return False
    if passes(module, "raise ImportError", 600):
        print(f"{module}: its tests do not import what is changed; see load() of tests/mutation/run.py")
        return False
    limit, known = 10 + 2 * (time.monotonic() - begin), explained(module)
    total, unknown = 0, []
    kinds = {"equivalent": 0, "survivor": 0}
    for mutant in islice(mutants(source), 0, None, every):
        total += 1
        if passes(module, mutant.source, limit):
            kind = known.get((mutant.before, mutant.after))
            kinds[kind or "survivor"] += 1
            if kind is None:
                unknown.append(mutant)
                print(f"{module}:{mutant.number}: not noticed\n    {mutant.before}\n    {mutant.after}", flush=True)
    killed = total - sum(kinds.values())
    rate = killed / max(1, total - kinds["equivalent"])
    print(
        f"{module}: {total} mutants, {killed} noticed, {kinds['equivalent']} equivalent, {kinds['survivor']} not "
        f"noticed ({len(unknown)} unexplained), {rate:.1%}, {time.monotonic() - begin:.0f} s",
        flush=True,
    )
    return rate >= ENOUGH and not unknown


def main() -> int:
    """Check the modules that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="module", default=list(TESTS), help=", ".join(TESTS))
    parser.add_argument("--list", action="store_true", help="print the mutants, test none")
    parser.add_argument("--every", type=int, default=1, metavar="n", help="only each n-th mutant")
    args = parser.parse_args()
    if unknown := set(args.modules) - TESTS.keys():
        parser.error(f"no tests are known for {', '.join(sorted(unknown))}; name one of {', '.join(TESTS)}")
    if args.list:
        for module in args.modules:
            for mutant in mutants((PROJECT / "src/semtrace" / module).read_text(encoding="utf-8")):
                print(f"{module}:{mutant.number}: {mutant.before}  ->  {mutant.after}")
        return 0
    return max([int(not check(module, args.every)) for module in args.modules])


if __name__ == "__main__":
    sys.exit(main())
