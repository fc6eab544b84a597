from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from semtrace.io.code_digest import ROOT, closure, code_digest, source_of
from tests.meta.imports import MODULES, name_of, reached

DIGESTS = """
import json, sys
from semtrace.io.code_digest import code_digest, package_digest
print(json.dumps({name: code_digest(name) for name in sys.argv[1:]} | {"whole": package_digest()}))
"""


def digests(package: Path, names: list[str]) -> dict[str, str]:
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    done = subprocess.run([sys.executable, "-c", DIGESTS, *names], env=environment, capture_output=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_closure_has_every_import_that_the_parser_sees(path):
    assert {name_of(file) for file in reached(path)} <= set(closure([name_of(path)]))


def test_an_edit_changes_the_digest_of_its_users_and_of_nobody_else(tmp_path):
    package = tmp_path / "semtrace"
    shutil.copytree(ROOT, package, ignore=shutil.ignore_patterns("__pycache__"))
    names = [name_of(path) for path in MODULES]
    before = digests(package, names)
    for edited in ("semtrace.core.hashing.phash", "semtrace.io.limits", "semtrace.provenance.match"):
        file = package / source_of(edited).relative_to(ROOT)
        text = file.read_text()
        file.write_text(text + "\n# one more line\n")
        after = digests(package, names)
        file.write_text(text)
        changed = {name for name in before if before[name] != after[name]}
        assert changed == {name for name in names if edited in closure([name])} | {"whole"}
        assert "semtrace.core.tracing.decision" not in changed


def test_a_module_in_a_new_folder_counts(tmp_path):
    package = tmp_path / "semtrace"
    shutil.copytree(ROOT, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "core" / "deep" / "deeper").mkdir(parents=True)
    for folder in ("deep", "deep/deeper"):
        (package / "core" / folder / "__init__.py").write_text("")
    (package / "core" / "deep" / "deeper" / "leaf.py").write_text("X = 1\n")
    (package / "core" / "user.py").write_text(
        "def f():\n    from semtrace.core.deep.deeper import (\n        leaf,\n    )\n"
    )
    before = digests(package, ["semtrace.core.user"])
    (package / "core" / "deep" / "deeper" / "leaf.py").write_text("X = 2\n")
    after = digests(package, ["semtrace.core.user"])
    assert before["semtrace.core.user"] != after["semtrace.core.user"]


def test_a_library_of_another_version_changes_the_digest_of_its_users_only(monkeypatch):
    from semtrace.io import code_digest as module

    users, others = "semtrace.core.grouping.groups", "semtrace.core.names"
    before = code_digest(users), code_digest(others)
    monkeypatch.setattr(module, "_version", lambda library: "0.0.0")
    module.code_digest.cache_clear()
    after = code_digest(users), code_digest(others)
    module.code_digest.cache_clear()
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_an_unknown_module_is_an_error():
    with pytest.raises(ModuleNotFoundError, match=r"semtrace\.core\.nothing"):
        closure(["semtrace.core.nothing"])
