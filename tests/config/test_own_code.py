from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from semtrace.cli import main
from semtrace.config import own_code
from semtrace.core.errors import InputError

PACKAGE = Path(own_code.__file__).parents[1]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a copy of the code that runs."""
    shutil.copytree(PACKAGE, tmp_path / "src/semtrace", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "dvc.yaml").touch()
    return tmp_path


def test_its_own_code_or_an_equal_copy_may_run(project):
    own_code.check_own_code(project, project / "src/semtrace")
    own_code.check_own_code(project)


@pytest.mark.parametrize("change", ["edit", "new", "gone"])
def test_other_code_is_refused_with_the_remedy(project, change):
    file = project / "src/semtrace" / ("io/new.py" if change == "new" else "io/files.py")
    file.unlink() if change == "gone" else file.open("a").close() or file.write_text("# pulled\n")
    with pytest.raises(InputError, match=rf"1 files differ, io/{file.name} first.*pip install --no-deps --editable"):
        own_code.check_own_code(project)


@pytest.mark.parametrize("missing", ["src", "dvc.yaml"])
def test_outside_of_a_project_any_code_runs(project, missing):
    (project / "src/semtrace/io/files.py").write_text("")
    shutil.rmtree(project / "src") if missing == "src" else (project / "dvc.yaml").unlink()
    own_code.check_own_code(project)


VERBS = (
    "params", "repro", "claim", "generate", "inventory", "convert", "fingerprint tiff", "match", "deduplicate", "label",
    "validate", "plot", "run", "calibrate", "sweep", "track", "shard one", "join", "release --version 1.0.0",
    "features", "dimension", "reduce", "distances", "cluster", "agree", "discover",
    "finetune", "predict", "assign images",
    "curate check", "curate train", "curate classify", "curate reconstruct", "curate show", "curate track",
    "flat", "scale", "subset", "validate-scale", "generate-scales", "doctor", "report", "review", "ui",
    "verdicts check",
    "find picture.png",
)  # fmt: skip


def test_every_verb_of_a_project_refuses(project, monkeypatch, capsys):
    (project / "src/semtrace/io/files.py").write_text("")
    monkeypatch.chdir(project)
    for verb in VERBS:
        assert main.main(verb.split()) == 2, verb
        assert "this code runs, but it is not that of the project" in capsys.readouterr().err, verb
    verbs = set(main._parser()._subparsers._group_actions[0].choices)
    assert {verb.split()[0] for verb in VERBS} == verbs - {"verify", "diff", "pack", "watch", "init", "completion"}, (
        "does a new verb refuse?"
    )
