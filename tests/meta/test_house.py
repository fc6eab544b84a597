"""The house rules that a person would otherwise have to remember."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from itertools import zip_longest
from pathlib import Path

import pytest

from semtrace.cli.main import main
from tests.meta.imports import MODULES, PROJECT, SOURCE, imports, name_of, ours, public_names

FLOORS = (  # from below: a room imports its own and those on lower floors; a house no other house
    {"core", "parallel"},
    {"io"},
    {"cluster"},
    {"models"},
    {"stage", "web"},
    {"provenance", "curation", "discovery", "watch", "synthetic"},
    {"tuning", "release", "report", "review"},
    {"cli", "config", "notebook", "tracking"},
)
SHELL = {"cli", "config", "notebook", "tracking"}
CORE_LIBRARIES = {"cv2", "numpy", "scipy", "numba", "torch", "triton"}
CORE_LIBRARIES |= {"sklearn", "fastcluster"}  # pure functions on arrays: neighbours, clusterings, scores
SHELL_LIBRARIES = {"hydra", "mlflow", "dvc", "argparse"}


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0]


def below(name: str) -> set[str]:
    """The rooms that a room may import."""
    (level,) = (number for number, rooms in enumerate(FLOORS) if name in rooms)
    return {name}.union(*FLOORS[:level], SHELL if name in SHELL else ())


def test_every_room_has_its_floor():
    rooms = {room(path) for path in MODULES} - {"__init__.py"}
    assert rooms <= set().union(*FLOORS), "a new room: say on which floor it stands"


@pytest.mark.parametrize("path", [path for path in MODULES if path.parent != SOURCE], ids=name_of)
def test_imports_run_downwards(path):
    here = room(path)
    assert {room(file) for file in ours(path)} <= below(here)
    if here not in SHELL:
        assert not {name.split(".")[0] for name in imports(path)} & SHELL_LIBRARIES
    if here == "core":
        outside = {name.split(".")[0] for name in imports(path)} - set(sys.stdlib_module_names) - {"semtrace"}
        assert outside <= CORE_LIBRARIES
        impure = {"os", "io", "time", "datetime", "random", "pathlib.Path"}
        assert not {name if name in impure else name.split(".")[0] for name in imports(path)} & impure


def imported_by(script: str) -> set[str]:
    """Packages loaded after a script in a new process."""
    script += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_starts_without_the_libraries_of_the_stages():
    script = "from semtrace.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    heavy = {"numpy", "numba", "PIL", "hydra", "omegaconf", "pydantic", "mlflow", "torch", "triton"}
    assert not imported_by(script) & heavy


def test_torch_is_loaded_only_where_a_gpu_is_used():
    modules = {name_of(path) for path in MODULES if path.stem != "__main__"}
    lazy = {"semtrace.core.gpu.ssim_torch", "semtrace.core.gpu.ssim_triton"}
    asked = ("finetuned", "lite0", "resnet34", "resnet34_training", "timm_network")
    lazy |= {"semtrace.core.statistics.autoencoder", *(f"semtrace.models.{name}" for name in asked)}
    assert "torch" not in imported_by("import " + ", ".join(sorted(modules - lazy)))


def test_what_only_some_systems_have_stands_in_one_module():
    """Windows and macOS lack some of it; there each has its fallback, and is said."""
    modules = r"^\s*import (?:fcntl|resource|termios|pwd|grp)\b|CDLL\(None|[\"']/proc/"
    calls = r"dir_fd|prctl|os\.(?:kill|sync|sendfile|O_NOFOLLOW|O_DIRECTORY|link)\b"
    special = re.compile(f"{modules}|{calls}", re.MULTILINE)
    found = {name_of(path) for path in MODULES if special.search(path.read_text())}
    assert found == {"semtrace.parallel.system_calls"}


def test_no_pickle():
    assert not [path for path in MODULES if any(name.split(".")[0] == "pickle" for name in imports(path))]


def test_params_yaml_is_what_conf_says(monkeypatch, capsys):
    monkeypatch.chdir(PROJECT)
    assert main(["params", "--check"]) == 0, capsys.readouterr().err


def test_every_conf_file_composes():
    from semtrace.config.params import composed

    groups: dict[Path, list[str]] = {}
    for file in sorted((PROJECT / "conf").rglob("*/*.yaml")):
        group = file.parent.relative_to(PROJECT / "conf")
        groups.setdefault(group, []).append(f"{group}={file.stem}")
    for batch in zip_longest(*groups.values()):  # one file of each group at a time, for speed
        composed(PROJECT / "conf", [override for override in batch if override])


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
        if not stage.startswith("pipelines/")  # they are run by target, and have no lock file in Git
        for entry in entries
        if isinstance(entry, dict)
        for path, how in entry.get("changed deps", {}).items()
        if path.startswith("src/") or path in ("conf", "params.yaml", "constraints.txt")
    ]
    assert not changed, "run `make run` and commit dvc.lock"


CONVENTIONS = {"Settings", "Summary", "STAGES", "run", "stage", "add", "read", "write", "load"}
"""Names that callers qualify by their module: a stage's settings and functions, `tables.read`, `names.read`."""


def test_a_public_name_means_one_thing():
    where: dict[str, list[str]] = {}
    for path in MODULES:
        if "scenes" not in path.parts:  # a module for each category, all with the same two names
            for name in public_names(path) - CONVENTIONS:
                where.setdefault(name, []).append(name_of(path))
    assert not {name: modules for name, modules in where.items() if len(modules) > 1}
