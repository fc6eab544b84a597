"""Whether a project can work here: versions, machine, folders, Git, DVC and MLflow, with a remedy for each fault."""

from __future__ import annotations

import platform
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from semtrace import __version__
from semtrace.config import composition
from semtrace.config.params import Params, ParamsError
from semtrace.core.errors import InputError
from semtrace.core.gpu.device import choose_device
from semtrace.io.project_state import DVC_FAILS, read_git, read_state
from semtrace.parallel.processes import available_cores
from semtrace.parallel.system_calls import available_memory, missing_calls
from semtrace.tracking import pipeline_run

_PACKAGES = (  # on which a result depends, or which a user calls
    "numpy", "scipy", "numba", "pillow", "tifffile", "imagecodecs", "ImageHash", "scikit-image", "pandas", "torch",
    "matplotlib", "hydra-core", "pydantic", "dvc", "mlflow",
)  # fmt: skip
_LEAST_MEMORY = 2 * 10**9  # bytes; 38,000 originals need 1.0 GB as README's benchmark grows (18 MB for each 1,000)
_LEAST_DISK = 2 * 10**9  # bytes
_MOST_RUNS = 1000  # that are counted
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", re.MULTILINE)


@dataclass(frozen=True)
class Condition:
    """One thing that was looked at.

    Attributes:
        name: what.
        value: how it is.
        remedy: what to do; empty where it is well.
    """

    name: str
    value: str
    remedy: str = ""

    def __str__(self) -> str:
        mark = "ok  " if not self.remedy else "LOOK"
        return f"{mark} {self.name:<16} {self.value}" + (f"\n     {'':<16} -> {self.remedy}" if self.remedy else "")


def versions(constraints: Path) -> Iterator[Condition]:
    """Python, semtrace and the packages on which results depend, beside the versions that the project names."""
    yield Condition("semtrace", f"{__version__}, Python {'.'.join(map(str, sys.version_info[:3]))}")
    pins = {_normal(name): pin for name, pin in _PIN.findall(constraints.read_text(encoding="utf-8"))} if (
        constraints.is_file()
    ) else {}  # fmt: skip
    pip = shlex.join([sys.executable, "-m", "pip", "install", "-c", str(constraints)])
    for name in _PACKAGES:
        try:
            found = version(name)
        except PackageNotFoundError:
            yield Condition(name, "not installed", f"`{pip} -e .` in the project")
            continue
        pin = pins.get(_normal(name), found)
        other = found.partition("+")[0] != pin.partition("+")[0]
        remedy = f"results are tested with {pin}: `{pip} {name}=={pin}`" if other else ""
        yield Condition(name, found, remedy)


def machine(work: Path, device: str) -> Iterator[Condition]:
    """Cores, memory, free disk where ``work`` lies, and the device for ``executor.device``."""
    lacking = missing_calls()
    system = f"{platform.system()} {platform.release()}"
    advice = f"it lacks {'; '.join(lacking)}. WSL 2, Docker or another Linux has all of it"
    yield Condition("system", system if not lacking else f"{system}: {advice}")
    yield Condition("cores", str(available_cores()))
    free = available_memory()
    if free is not None:
        short = "stop other programs, or set executor.workers=1" if free < _LEAST_MEMORY else ""
        yield Condition("memory", f"{free / 1e9:.1f} GB available", short)
    place = next(path for path in (work.absolute(), *work.absolute().parents) if path.exists())
    disk = shutil.disk_usage(place)
    full = f"make room where {place} lies" if disk.free < _LEAST_DISK else ""
    yield Condition("disk", f"{disk.free / 1e9:.1f} of {disk.total / 1e9:.1f} GB free at {place}", full)
    try:
        yield Condition("GPU", f"SSIM of many pairs is computed on: {choose_device(device)} (executor.device={device})")
    except ValueError as error:
        yield Condition("GPU", "not usable", str(error))


def project(params: Params, conf: Path, params_file: Path) -> Iterator[Condition]:
    """Inputs, params.yaml, Git, DVC and MLflow of the project in this folder."""
    data = params.dataset
    for folder, key in ((data.archive, "archive"), (data.published, "published")):
        there = folder.is_dir()
        remedy = "run `make run`, which makes it" if data.generate else f"mount it, or name another by dataset.{key}"
        yield Condition(key, f"{folder}" if there else f"{folder} is not there", "" if there else remedy)
    try:
        drift = composition.drift(conf, params_file)
    except ParamsError as error:
        yield Condition("parameters", "conf/ composes no more", str(error))
    else:
        yield Condition(
            "parameters", "conf/ has changed" if drift else "params.yaml agrees with conf/", str(drift or "")
        )
    state = read_state((data.archive, data.published, data.known))
    if state.commit:
        changed = f", {len(state.uncommitted)} files of code or parameters not committed" if state.uncommitted else ""
        advice = "commit them before a release" if state.uncommitted else ""
        yield Condition("Git", f"commit {state.commit[:12]} of {state.date}{changed}", advice)
    else:
        advice = (
            "`git status` says more. Where there is no repository: `git init`, `git add .`, `git commit -m begin`. "
            "Runs and releases then name the commit that made them"
        )
        yield Condition("Git", f"no commit is known: {read_git().unknown}", advice)
    yield _results(state.stale, composition.run_again(params_file))
    yield _tracking(params)


def _results(stale: Sequence[str], again: str) -> Condition:
    if stale == DVC_FAILS:
        advice = f"`dvc status` says why. Without a Git repository DVC refuses, and `{again}` works all the same"
        return Condition("DVC", "not known whether all results are those of this state", advice)
    stages = [name for name in stale if not name.endswith(".dvc")]
    inputs = [name.removesuffix(".dvc") for name in stale if name.endswith(".dvc")]
    steps = [f"`dvc add {shlex.join(inputs)}` records the changed images"] if inputs else []
    steps += [f"`{again}` makes them: {', '.join(stages[:6])}"] if stages else []
    said = "results are not those of this state" if stale else "all results are those of this state"
    return Condition("DVC", said, ", then ".join(steps))


def _tracking(params: Params) -> Condition:
    try:
        store = pipeline_run.connect(params.tracking)
    except InputError as error:
        return Condition("MLflow", "no store", str(error))
    if store is None:
        return Condition("MLflow", "tracking is off (conf/tracking/off.yaml)")
    runs = len(store.client.search_runs([store.experiment], max_results=_MOST_RUNS))
    more = " or more" if runs == _MOST_RUNS else ""
    return Condition("MLflow", f"{store.uri}, experiment {store.name!r}, {runs}{more} runs")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
