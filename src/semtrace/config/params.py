"""Parameters: conf/ is composed into params.yaml, and every stage reads its typed section from there.

``semtrace params`` is the only code that knows Hydra. It checks every section, so an unknown key, a missing one or a
bad value is an error before any work starts. A stage checks the sections it reads, and imports no other stage.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, cast

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from semtrace.config import composition
from semtrace.core.errors import InputError
from semtrace.io.files import write_atomic
from semtrace.stage.executor import Executor

if TYPE_CHECKING:
    from semtrace.provenance import convert, deduplicate, fingerprint, label, match
    from semtrace.release import settings as release_settings
    from semtrace.synthetic import generate
    from semtrace.tuning import calibrate, sweep

HEADER = "# Generated from conf/ by `semtrace params`. Edit conf/, not this file; a test compares the two.\n"
_MADE = "# Written by `semtrace calibrate`.\n"


class ParamsError(InputError):
    """A parameter is unknown, missing or out of range; the message names it and says where to mend it."""


@dataclass(frozen=True)
class Dataset:
    """Where the inputs are (conf/dataset/), relative to the project's root or absolute.

    ``shards`` are folders of the archive by name, for pipelines/sharded, ``joined`` that pipeline's ends.
    """

    name: str
    archive: Path
    published: Path
    known: Path
    generate: list[str]
    shards: dict[str, str]
    joined: list[str]

    def __post_init__(self) -> None:
        folders = {name: PurePosixPath(folder) for name, folder in self.shards.items()}
        for name, folder in folders.items():
            if not re.fullmatch(r"[\w-]+", name):
                raise ValueError(
                    f"dataset.shards: {name!r} must be letters, digits, _ and -; it becomes a folder's name"
                )
            if folder.is_absolute() or ".." in folder.parts or not folder.parts:
                raise ValueError(f"dataset.shards.{name} is {str(folder)!r}; it must be a folder inside the archive")
            if inside := [other for other, outer in folders.items() if other != name and folder.is_relative_to(outer)]:
                raise ValueError(f"dataset.shards.{name} lies in the folder of {inside[0]}; shards must be apart")


@dataclass(frozen=True)
class Tracking:
    """MLflow (conf/tracking/)."""

    enabled: bool
    experiment: str
    uri: str
    artifacts: str


# Section -> the dataclass that checks it; a stage's own section stands in its module.
SECTIONS = {
    "dataset": "semtrace.config.params:Dataset",
    "synthetic": "semtrace.synthetic.generate:Settings",
    "convert": "semtrace.provenance.convert:Settings",
    "hash": "semtrace.provenance.fingerprint:HashSettings",
    "fingerprint": "semtrace.provenance.fingerprint:Selection",
    "match": "semtrace.provenance.match:Settings",
    "deduplicate": "semtrace.provenance.deduplicate:Settings",
    "labels": "semtrace.provenance.label:LabelsSettings",
    "label": "semtrace.provenance.label:Settings",
    "release": "semtrace.release.settings:Settings",
    "calibrate": "semtrace.tuning.calibrate:Settings",
    "sweep": "semtrace.tuning.sweep:Settings",
    "features": "semtrace.discovery.features:Settings",
    "dimension": "semtrace.discovery.dimension:Settings",
    "reduce": "semtrace.discovery.reduce:Settings",
    "distances": "semtrace.discovery.distances:Settings",
    "cluster": "semtrace.discovery.methods:Settings",
    "agree": "semtrace.discovery.agree:Settings",
    "discover": "semtrace.discovery.discover:Settings",
    "executor": "semtrace.stage.executor:Executor",
    "tracking": "semtrace.config.params:Tracking",
}


class Params:
    """The sections of params.yaml, each checked when it is first read.

    Args:
        tree: section -> key -> value.
        origin: names the tree in errors.

    Raises:
        ParamsError: a section is unknown or missing; on reading one, its keys or values are wrong.
    """

    def __init__(self, tree: Any, origin: str) -> None:
        if not isinstance(tree, dict):
            raise ParamsError(f"{origin}: not a mapping of sections; compose it again with `semtrace params`")
        unknown, missing = sorted(set(tree) - set(SECTIONS)), sorted(set(SECTIONS) - set(tree))
        if unknown or missing:
            what = [f"unknown section {name!r}" for name in unknown] + [f"section {name!r} missing" for name in missing]
            raise ParamsError(f"{origin}: {', '.join(what)}; the sections are {', '.join(SECTIONS)}")
        self._tree, self._origin = tree, origin

    @property
    def tree(self) -> dict[str, Any]:
        """The values as they were read, section by section."""
        return cast("dict[str, Any]", self._tree)

    @cached_property
    def dataset(self) -> Dataset:
        """Where the inputs are."""
        return cast("Dataset", self.section("dataset"))

    @cached_property
    def synthetic(self) -> generate.Settings:
        """What to generate."""
        return cast("generate.Settings", self.section("synthetic"))

    @cached_property
    def convert(self) -> convert.Settings:
        """How TIFFs become JPEGs."""
        return cast("convert.Settings", self.section("convert"))

    @cached_property
    def hash(self) -> fingerprint.HashSettings:
        """The perceptual hash."""
        return cast("fingerprint.HashSettings", self.section("hash"))

    @cached_property
    def fingerprint(self) -> fingerprint.Selection:
        """Which images are fingerprinted."""
        return cast("fingerprint.Selection", self.section("fingerprint"))

    @cached_property
    def match(self) -> match.Settings:
        """Thresholds of the match."""
        return cast("match.Settings", self.section("match"))

    @cached_property
    def deduplicate(self) -> deduplicate.Settings:
        """What belongs together, and how it is split."""
        return cast("deduplicate.Settings", self.section("deduplicate"))

    @cached_property
    def labels(self) -> label.LabelsSettings:
        """The vocabulary."""
        return cast("label.LabelsSettings", self.section("labels"))

    @cached_property
    def label(self) -> label.Settings:
        """How labelled copies are made."""
        return cast("label.Settings", self.section("label"))

    @cached_property
    def release(self) -> release_settings.Settings:
        """What a release says of itself."""
        return cast("release_settings.Settings", self.section("release"))

    @cached_property
    def calibrate(self) -> calibrate.Settings:
        """What is calibrated for, and the thresholds tried."""
        return cast("calibrate.Settings", self.section("calibrate"))

    @cached_property
    def sweep(self) -> sweep.Settings:
        """What the recommended point of a sweep must have."""
        return cast("sweep.Settings", self.section("sweep"))

    @cached_property
    def executor(self) -> Executor:
        """Where the work is done."""
        return cast("Executor", self.section("executor"))

    @cached_property
    def tracking(self) -> Tracking:
        """The MLflow settings."""
        return cast("Tracking", self.section("tracking"))

    def section(self, name: str) -> Any:
        """Check one section and return it typed."""
        module, _, kind_name = SECTIONS[name].partition(":")
        kind, values = getattr(import_module(module), kind_name), self._tree[name]
        allowed = [field.name for field in fields(kind)]
        if not isinstance(values, dict):
            raise ParamsError(f"{self._origin}: section {name!r} must be a mapping of {', '.join(allowed)}")
        unknown, missing = sorted(set(values) - set(allowed)), sorted(set(allowed) - set(values))
        if unknown or missing:
            what = [f"unknown parameter {name}.{key}" for key in unknown] + [f"{name}.{key} missing" for key in missing]
            raise ParamsError(f"{self._origin}: {', '.join(what)}; {name} has {', '.join(allowed)}")
        try:
            return OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(kind), values))
        except OmegaConfBaseException as error:
            reason = str(error).splitlines()[0]
            raise ParamsError(f"{self._origin}: {name}.{error.full_key or '?'}: {reason}") from error
        except ValueError as error:
            raise ParamsError(f"{self._origin}: {name}: {error}") from error


def load(file: Path, *, workers: int | None = None) -> Params:
    """Read params.yaml; ``workers`` overrides ``executor.workers``, on which no result depends."""
    if not file.is_file():
        raise ParamsError(f"{file}: not found; run `semtrace params` in the project's root to compose it from conf/")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ParamsError(f"{file}: not UTF-8 ({error}); run `semtrace params` to compose it again") from error
    return parse(text, file.name, workers=workers)


@lru_cache(maxsize=8)  # all stages of a run ask for the same
def parse(text: str, origin: str, *, workers: int | None = None) -> Params:
    """Parameters from the text of a params.yaml; ``origin`` names it in errors.

    Read as YAML 1.2, as DVC does: `dvc exp run -S` writes the file anew and leaves out the quotes around ``off``, which
    in YAML 1.1 is no word but false.
    """
    try:
        tree = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise ParamsError(f"{origin}: not YAML ({error}); run `semtrace params` to compose it again") from error
    params = Params(tree, origin)
    if workers is not None:
        tree["executor"]["workers"] = workers
    return params


def composed(conf: Path, overrides: Sequence[str] = ()) -> str:
    """Compose conf/ with ``overrides`` (Hydra's syntax), resolve and check it; return the text of params.yaml."""
    if not (conf / "config.yaml").is_file():
        raise ParamsError(f"{conf / 'config.yaml'}: not found; run this in the project's root")
    tree = _tree(conf, overrides)
    params = Params(tree, "conf/")
    for name in SECTIONS:
        params.section(name)
    body = _dump(tree)
    return f"{HEADER}{composition.record(body, plain(conf, composition.files_digest(conf)), overrides)}{body}"


@lru_cache(maxsize=8)
def plain(conf: Path, _files: str) -> str:
    """What conf/ says without overrides, as YAML; an override may have to add what is missing."""
    return _dump(_tree(conf, (), whole=False))


def _tree(conf: Path, overrides: Sequence[str], *, whole: bool = True) -> Any:
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException

    try:
        with initialize_config_dir(str(conf.absolute()), version_base="1.3"):
            config = compose("config", overrides=list(overrides))
        return OmegaConf.to_container(config, resolve=True, throw_on_missing=whole)
    except (HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
        raise ParamsError(f"conf/: {' '.join(str(error).split())}") from error


def _dump(tree: Any) -> str:
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def check_group_file(file: Path) -> None:
    """Make sure that a file of conf/ may be written by a program.

    Raises:
        ParamsError: it is a person's.
    """
    if file.is_file() and not file.read_bytes().startswith(_MADE.encode()):
        raise ParamsError(f"{file}: written by hand; rename it, it would be replaced")


def write_group_file(file: Path, values: Mapping[str, Any], notes: Sequence[str]) -> None:
    """Write a choice of a group, ``values`` in place of the group's defaults, with comments that say where from."""
    check_group_file(file)
    comments = "".join(f"# {note}\n" for note in notes)
    body = yaml.safe_dump({"defaults": ["default", "_self_"], **values}, sort_keys=False, allow_unicode=True)
    write_atomic(file, f"{_MADE}{comments}{body}".encode())


def write(conf: Path, file: Path, overrides: Sequence[str] = ()) -> bool:
    """Compose conf/ into ``file``; leave it alone when it says the same already. True when it was written."""
    text = composed(conf, overrides)
    composition.remember(conf, text, plain(conf, composition.files_digest(conf)))
    if file.is_file() and file.read_bytes() == text.encode():
        return False
    write_atomic(file, text.encode())
    return True
