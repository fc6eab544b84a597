"""The house rules that a person would otherwise have to remember."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml

from semtrace.cli import main

PROJECT = Path(__file__).resolve().parents[2]
SOURCE = PROJECT / "src" / "semtrace"
MODULES = sorted(SOURCE.rglob("*.py"))
STAGES = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]

SHELL = {"cli", "verbs", "verbs_run", "verbs_tuning", "cli_release", "beside", "params", "grid", "tracking"}
SHELL |= {"cli_watch", "cli_watch_settings", "tracking_sweep", "__init__", "__main__"}
FLOORS = {  # what each floor may import of ours; DESIGN: downwards only
    "core": {"core"},
    "parallel": {"parallel"},
    "io": {"io", "core"},
    "cluster": {"cluster", "io", "core", "parallel"},
    "synthetic": {"synthetic", "io", "core", "parallel"},
    "watch": {"watch", "io", "core", "parallel"},
    "provenance": {"provenance", "io", "core", "parallel", "cluster"},
    "release": {"release", "provenance", "io", "core", "parallel", "cluster"},
}
CORE_LIBRARIES = {"numpy", "scipy", "numba", "torch", "triton"}
SHELL_LIBRARIES = {"hydra", "mlflow", "dvc", "argparse"}


def floor(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    return "shell" if first in SHELL else first


@cache
def imports(path: Path) -> frozenset[str]:
    """Full names of the modules that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def ours(path: Path) -> set[Path]:
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


def closure(path: Path) -> set[Path]:
    seen, todo = set(), [path]
    while todo:
        if (file := todo.pop()) not in seen:
            seen.add(file)
            todo += ours(file)
    return seen


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_run_downwards(path):
    here = floor(path)
    if here != "shell":
        assert {floor(file) for file in ours(path)} <= FLOORS[here]
        assert not {name.split(".")[0] for name in imports(path)} & SHELL_LIBRARIES
    if here == "core":
        outside = {name.split(".")[0] for name in imports(path)} - set(sys.stdlib_module_names) - {"semtrace"}
        assert outside <= CORE_LIBRARIES
        impure = {"os", "io", "time", "datetime", "random", "pathlib.Path"}
        assert not {name if name in impure else name.split(".")[0] for name in imports(path)} & impure


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_module_holds_one_idea(path):
    assert len(path.read_text().splitlines()) <= 300


def imported_by(script: str) -> set[str]:
    """Packages loaded after a script in a new process."""
    script += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_starts_without_the_libraries_of_the_stages():
    script = "from semtrace.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert not imported_by(script) & {"numpy", "numba", "PIL", "hydra", "omegaconf", "mlflow", "torch", "triton"}


def test_torch_is_loaded_only_where_a_gpu_is_used():
    modules = [".".join(path.relative_to(SOURCE.parent).with_suffix("").parts) for path in MODULES]
    lazy = {"semtrace.core.torch_ssim", "semtrace.core.torch_hamming", "semtrace.core.triton_ssim"}
    assert "torch" not in imported_by("import " + ", ".join(sorted(set(modules) - lazy)))


def test_no_pickle():
    assert not [path for path in MODULES if any(name.split(".")[0] == "pickle" for name in imports(path))]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_its_module_its_verb_and_its_test(stage, capsys):
    package = SOURCE / ("synthetic" if stage == "generate" else "provenance")
    assert (package / f"{stage}.py").is_file(), f"stage {stage} has no module"
    tests = PROJECT / "tests" / package.name
    assert (tests / f"test_{stage}.py").is_file(), f"stage {stage} has no test"
    with pytest.raises(SystemExit, match="0"):
        main([stage, "--help"])
    assert stage in capsys.readouterr().out


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_all_the_code_it_runs(stage):
    block = STAGES[stage].get("do", STAGES[stage])
    package = SOURCE / ("synthetic" if stage == "generate" else "provenance")
    declared = [PROJECT / dep for dep in block["deps"] if dep.startswith("src/")]
    missing = [
        str(file.relative_to(PROJECT))
        for file in closure(package / f"{stage}.py")
        if not any(file == dep or dep in file.parents for dep in declared)
    ]
    assert not missing, f"add to deps of {stage} in dvc.yaml: {sorted(missing)}"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_names_params_that_exist(stage):
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    for name in STAGES[stage].get("do", STAGES[stage]).get("params", []):
        section, _, key = name.partition(".")
        assert section in params
        assert not key or key in params[section]


def test_params_yaml_is_what_conf_says(monkeypatch, capsys):
    monkeypatch.chdir(PROJECT)
    assert main(["params", "--check"]) == 0, capsys.readouterr().err


def test_every_conf_file_composes():
    from semtrace.params import composed

    for file in sorted((PROJECT / "conf").glob("*/*.yaml")):
        composed(PROJECT / "conf", [f"{file.parent.name}={file.stem}"])


def test_installed_is_what_constraints_pin():
    pinned = dict(line.split("==") for line in (PROJECT / "constraints.txt").read_text().splitlines() if "==" in line)
    canonical = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pinned.items()}
    wrong = {}
    for dist in distributions():
        name = re.sub(r"[-_.]+", "-", dist.name).lower()
        if name in {"semtrace", "pip"} or name.startswith(("nvidia-", "cuda-", "triton")):
            continue
        if canonical.get(name) != dist.version.split("+")[0]:
            wrong[name] = dist.version
    assert not wrong, "not in constraints.txt in this version"


def test_requirements_pin_the_same_versions_with_digests():
    text = (PROJECT / "requirements.txt").read_text()
    pinned = {
        re.sub(r"[-_.]+", "-", name).lower(): version
        for name, version in re.findall(r"^([\w.-]+)==(\S+)$", (PROJECT / "constraints.txt").read_text(), re.MULTILINE)
    }
    versions = dict(re.findall(r"^([\w.-]+)==([^ ;\\]+)", text, re.MULTILINE))
    assert len(versions) > 150
    for name, version in versions.items():  # what only an extra brings is pinned, and not in a fresh install
        assert pinned.get(name, version) == version, f"{name}: generate requirements.txt again"
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    for wanted in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        assert re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", wanted)[0]).lower() in versions
    blocks = [block for block in re.split(r"\n(?=\S)", text) if not block.startswith("#")]
    assert all("==" in block and "--hash=sha256:" in block for block in blocks)


def test_telemetry_is_off():
    config = (PROJECT / ".dvc" / "config").read_text()
    assert "analytics = false" in config
    assert "MLFLOW_DISABLE_TELEMETRY" in (PROJECT / "Makefile").read_text()


def test_the_lock_file_knows_this_code():
    """`dvc.lock` was made by this code and these parameters: `make run` in a fresh clone leaves Git clean."""
    status = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    import json

    changed = [
        (stage, path, how)
        for stage, entries in json.loads(status.stdout).items()
        for entry in entries
        if isinstance(entry, dict)
        for path, how in entry.get("changed deps", {}).items()
        if path.startswith("src/") or path in ("params.yaml", "constraints.txt")
    ]
    assert not changed, "run `make run` and commit dvc.lock"
