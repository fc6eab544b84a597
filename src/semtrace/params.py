"""Parameters: conf/ is composed into params.yaml, and every stage reads its typed section from there.

``semtrace params`` is the only code that knows Hydra. An unknown key, a missing one or a bad value is an error
before any work starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from semtrace.io.files import write_atomic
from semtrace.provenance import convert, fingerprint, label, match
from semtrace.provenance.common import Executor, InputError
from semtrace.synthetic.generate import Settings as SyntheticSettings

HEADER = "# Generated from conf/ by `semtrace params`. Edit conf/, not this file; a test compares the two.\n"


class ParamsError(InputError):
    """A parameter is unknown, missing or out of range; the message names it and says where to mend it."""


@dataclass(frozen=True)
class Dataset:
    """Where the inputs are (conf/dataset/), relative to the project's root or absolute."""

    name: str
    archive: Path
    published: Path
    known: Path
    generate: list[str]


@dataclass(frozen=True)
class Tracking:
    """MLflow (conf/tracking/)."""

    enabled: bool
    experiment: str
    uri: str
    artifacts: str


@dataclass(frozen=True)
class Params:
    """All sections of params.yaml, checked."""

    dataset: Dataset
    synthetic: SyntheticSettings
    convert: convert.Settings
    hash: fingerprint.HashSettings
    fingerprint: fingerprint.Selection
    match: match.Settings
    labels: label.LabelsSettings
    label: label.Settings
    executor: Executor
    tracking: Tracking


_SECTIONS: dict[str, type] = {
    "dataset": Dataset,
    "synthetic": SyntheticSettings,
    "convert": convert.Settings,
    "hash": fingerprint.HashSettings,
    "fingerprint": fingerprint.Selection,
    "match": match.Settings,
    "labels": label.LabelsSettings,
    "label": label.Settings,
    "executor": Executor,
    "tracking": Tracking,
}


def parse(tree: Any, origin: str) -> Params:
    """Check a tree of sections and return it typed; ``origin`` names it in errors."""
    if not isinstance(tree, dict):
        raise ParamsError(f"{origin}: not a mapping of sections; compose it again with `semtrace params`")
    unknown, missing = sorted(set(tree) - set(_SECTIONS)), sorted(set(_SECTIONS) - set(tree))
    if unknown or missing:
        what = [f"unknown section {name!r}" for name in unknown] + [f"section {name!r} missing" for name in missing]
        raise ParamsError(f"{origin}: {', '.join(what)}; the sections are {', '.join(_SECTIONS)}")
    return Params(**{name: _section(name, kind, tree[name], origin) for name, kind in _SECTIONS.items()})


def _section(name: str, kind: type, values: Any, origin: str) -> Any:
    allowed = [field.name for field in fields(kind)]
    if not isinstance(values, dict):
        raise ParamsError(f"{origin}: section {name!r} must be a mapping of {', '.join(allowed)}")
    unknown, missing = sorted(set(values) - set(allowed)), sorted(set(allowed) - set(values))
    if unknown or missing:
        what = [f"unknown parameter {name}.{key}" for key in unknown] + [f"{name}.{key} missing" for key in missing]
        raise ParamsError(f"{origin}: {', '.join(what)}; {name} has {', '.join(allowed)}")
    try:
        return OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(kind), values))
    except OmegaConfBaseException as error:
        raise ParamsError(f"{origin}: {name}.{error.full_key or '?'}: {str(error).splitlines()[0]}") from error
    except ValueError as error:
        raise ParamsError(f"{origin}: {error}") from error


def load(file: Path) -> Params:
    """Read and check params.yaml."""
    if not file.is_file():
        raise ParamsError(f"{file}: not found; run `semtrace params` in the project's root to compose it from conf/")
    try:
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{file}: not YAML ({error}); run `semtrace params` to compose it again") from error
    return parse(tree, file.name)


def composed(conf: Path, overrides: Sequence[str] = ()) -> str:
    """The text of params.yaml: conf/ composed by Hydra with ``overrides``, resolved and checked."""
    if not (conf / "config.yaml").is_file():
        raise ParamsError(f"{conf / 'config.yaml'}: not found; run this in the project's root")
    try:
        with initialize_config_dir(str(conf.absolute()), version_base="1.3"):
            config = compose("config", overrides=list(overrides))
        tree = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except (HydraException, OmegaConfBaseException) as error:
        reason = " ".join(str(error).split())
        raise ParamsError(f"conf/: {reason}") from error
    parse(tree, "conf/")
    return HEADER + yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def write(conf: Path, file: Path, overrides: Sequence[str] = ()) -> bool:
    """Compose conf/ into ``file``; leave it alone when it says the same already. True when it was written."""
    text = composed(conf, overrides).encode()
    if file.is_file() and file.read_bytes() == text:
        return False
    write_atomic(file, text)
    return True
