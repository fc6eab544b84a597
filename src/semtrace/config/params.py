"""Parameters: conf/ is composed into params.yaml, and every stage reads its typed section from there.

``semtrace params`` is the only code that knows Hydra. It checks every section, so an unknown key, a missing one or a
bad value is an error before any work starts. A stage checks the sections it reads, and imports no other stage.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache, reduce
from importlib import import_module
from operator import getitem
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

import yaml
from pydantic import model_validator

from semtrace.config import composition, slips, yaml_words
from semtrace.core.errors import InputError
from semtrace.io.files import write_atomic
from semtrace.io.terminal import harmless
from semtrace.stage.claim import Claim
from semtrace.stage.settings import Section, SettingsError

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML without its part in C
    from yaml import SafeLoader  # type: ignore[assignment]

if TYPE_CHECKING:
    from semtrace.discovery.agree import Settings as AgreeSettings
    from semtrace.discovery.assign import Settings as AssignSettings
    from semtrace.discovery.dimension import Settings as DimensionSettings
    from semtrace.discovery.discover import Settings as DiscoverSettings
    from semtrace.discovery.distances import Settings as DistancesSettings
    from semtrace.discovery.features import Settings as FeaturesSettings
    from semtrace.discovery.finetune import Settings as FinetuneSettings
    from semtrace.discovery.methods import Settings as ClusterSettings
    from semtrace.discovery.reduce import Settings as ReduceSettings
    from semtrace.discovery.scale import Settings as ScaleSettings
    from semtrace.discovery.subset import Settings as SubsetSettings
    from semtrace.provenance.convert import Settings as ConvertSettings
    from semtrace.provenance.deduplicate import Settings as DeduplicateSettings
    from semtrace.provenance.fingerprint import HashSettings, Selection
    from semtrace.provenance.label import LabelsSettings
    from semtrace.provenance.label import Settings as LabelSettings
    from semtrace.provenance.match import Settings as MatchSettings
    from semtrace.provenance.queue import Settings as ReviewSettings
    from semtrace.release.settings import Settings as ReleaseSettings
    from semtrace.report.report import Settings as ReportSettings
    from semtrace.stage.executor import Executor
    from semtrace.synthetic.settings import Settings as SyntheticSettings
    from semtrace.tuning.settings import CalibrateSettings, SweepSettings
    from semtrace.watch.settings import Settings as WatchSettings

SectionKind = TypeVar("SectionKind", bound=Section)
PARAMS_HEADER = "# Generated from conf/ by `semtrace params`. Edit conf/, not this file; a test compares the two.\n"
_MADE = "# Written by `semtrace calibrate`.\n"


class ParamsError(InputError):
    """A parameter is unknown, missing or out of range; the message names it and says where to mend it."""


class Dataset(Section, section="dataset"):
    """Where the inputs are (conf/dataset/), relative to the project's root or absolute.

    ``shards`` are folders of the archive by name, for pipelines/sharded, ``joined`` that pipeline's ends. ``sets`` are
    published sets by name, whose labels ``flat`` joins by content. ``exclude`` has patterns of names that are left out.
    """

    name: str
    archive: Path
    published: Path
    known: Path
    verdicts: Path
    generate: list[str]
    shards: dict[str, str]
    joined: list[str]
    sets: dict[str, str]
    exclude: list[str]

    def claim(self) -> Claim:
        """The dataset as its results name it."""
        return Claim(self.name, *(folder.as_posix() for folder in (self.archive, self.published, self.known)))

    @model_validator(mode="after")
    def _exclude_has_patterns(self) -> Self:
        for pattern in self.exclude:
            if not pattern.strip("/ ") or "\\" in pattern or ".." in pattern.split("/") or pattern.startswith("/"):
                raise ValueError(
                    f"dataset.exclude has {pattern!r}; it must be a name, or a path with slashes inside the folder"
                )
        return self

    @model_validator(mode="after")
    def _shards_are_apart(self) -> Self:
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
        return self


class Tracking(Section, section="tracking"):
    """MLflow (conf/tracking/)."""

    enabled: bool
    experiment: str
    uri: str
    artifacts: str


class _At(Generic[SectionKind]):
    """A section of ``Params``, checked when it is first read; only then its class, say ``module:Settings``, is loaded.

    The section has the attribute's name, or ``name``, dotted, where a house nests it: ``curation.deduplicate``.
    """

    def __init__(self, where: str, name: str = "") -> None:
        self.where, self.name = where, name

    def __set_name__(self, _owner: type, attribute: str) -> None:
        self.attribute, self.name = attribute, self.name or attribute

    def kind(self) -> type[SectionKind]:
        """The class that checks it."""
        module, _, name = self.where.partition(":")
        return cast("type[SectionKind]", getattr(import_module(module), name))

    def __get__(self, params: Params, _owner: type) -> SectionKind:
        """The section, the same object every time."""
        value = vars(params)[self.attribute] = params.checked(self.kind())
        return value


class Params:
    """The sections of params.yaml, each checked when it is first read.

    Args:
        tree: section -> key -> value.
        origin: names the tree in errors.

    Raises:
        ParamsError: a section is unknown or missing; on reading one, its keys or values are wrong.
    """

    dataset: _At[Dataset] = _At("semtrace.config.params:Dataset")
    synthetic: _At[SyntheticSettings] = _At("semtrace.synthetic.settings:Settings")
    convert: _At[ConvertSettings] = _At("semtrace.provenance.convert:Settings")
    hash: _At[HashSettings] = _At("semtrace.provenance.fingerprint:HashSettings")
    fingerprint: _At[Selection] = _At("semtrace.provenance.fingerprint:Selection")
    match: _At[MatchSettings] = _At("semtrace.provenance.match:Settings")
    deduplicate: _At[DeduplicateSettings] = _At("semtrace.provenance.deduplicate:Settings")
    labels: _At[LabelsSettings] = _At("semtrace.provenance.label:LabelsSettings")
    label: _At[LabelSettings] = _At("semtrace.provenance.label:Settings")
    review: _At[ReviewSettings] = _At("semtrace.provenance.queue:Settings")
    report: _At[ReportSettings] = _At("semtrace.report.report:Settings")
    release: _At[ReleaseSettings] = _At("semtrace.release.settings:Settings")
    calibrate: _At[CalibrateSettings] = _At("semtrace.tuning.settings:CalibrateSettings")
    sweep: _At[SweepSettings] = _At("semtrace.tuning.settings:SweepSettings")
    scale: _At[ScaleSettings] = _At("semtrace.discovery.scale:Settings")
    subset: _At[SubsetSettings] = _At("semtrace.discovery.subset:Settings")
    features: _At[FeaturesSettings] = _At("semtrace.discovery.features:Settings")
    dimension: _At[DimensionSettings] = _At("semtrace.discovery.dimension:Settings")
    finetune: _At[FinetuneSettings] = _At("semtrace.discovery.finetune:Settings")
    reduce: _At[ReduceSettings] = _At("semtrace.discovery.reduce:Settings")
    distances: _At[DistancesSettings] = _At("semtrace.discovery.distances:Settings")
    cluster: _At[ClusterSettings] = _At("semtrace.discovery.methods:Settings")
    agree: _At[AgreeSettings] = _At("semtrace.discovery.agree:Settings")
    assign: _At[AssignSettings] = _At("semtrace.discovery.assign:Settings")
    discover: _At[DiscoverSettings] = _At("semtrace.discovery.discover:Settings")
    executor: _At[Executor] = _At("semtrace.stage.executor:Executor")
    tracking: _At[Tracking] = _At("semtrace.config.params:Tracking")
    curation_dataset: _At[Any] = _At("semtrace.curation.settings:CurationDataset", "curation.dataset")
    curation_import: _At[Any] = _At("semtrace.curation.import_volumes:Settings", "curation.import")
    curation_clean: _At[Any] = _At("semtrace.curation.clean:Settings", "curation.clean")
    curation_section: _At[Any] = _At("semtrace.curation.section:Settings", "curation.section")
    curation_crop: _At[Any] = _At("semtrace.curation.crop:Settings", "curation.crop")
    curation_deduplicate: _At[Any] = _At("semtrace.curation.deduplicate:Settings", "curation.deduplicate")
    curation_train: _At[Any] = _At("semtrace.curation.train:Settings", "curation.train")
    curation_classify: _At[Any] = _At("semtrace.curation.classify:Settings", "curation.classify")
    curation_reconstruct: _At[Any] = _At("semtrace.curation.reconstruct:Settings", "curation.reconstruct")
    curation_show: _At[Any] = _At("semtrace.curation.show:Settings", "curation.show")
    curation_label: _At[Any] = _At("semtrace.curation.label:Settings", "curation.label")
    watch: _At[WatchSettings] = _At("semtrace.watch.settings:Settings")

    def __init__(self, tree: Any, origin: str) -> None:
        if not isinstance(tree, dict):
            raise ParamsError(f"{origin}: not a mapping of sections; compose it again with `semtrace params`")
        sections = [one.name for one in self._sections()]
        found = list(_found(tree, sections))
        what = [f"unknown section {name!r}" for name in found if name not in sections]
        what += [f"section {name!r} missing" for name in sections if name not in found]
        if what:
            raise ParamsError(f"{origin}: {', '.join(what)}; the sections are {', '.join(sections)}")
        self._tree, self._origin = tree, origin

    @property
    def tree(self) -> dict[str, Any]:
        """The values as they were read, section by section; of checked sections, switches as booleans."""
        return cast("dict[str, Any]", self._tree)

    def checked(self, kind: type[SectionKind]) -> SectionKind:
        """A section from the tree; where it has the old spelling of a switch, one line says so."""
        values = reduce(getitem, kind.section.split("."), self.tree)
        try:
            section = kind.read(values)
        except SettingsError as error:
            raise ParamsError(f"{self._origin}: {error}") from error
        for name, value in values.items():
            switch = getattr(section, name)
            if isinstance(value, str) and isinstance(switch, bool):
                _warn(f"{self._origin}: {kind.section}.{name} is {value!r}, an old spelling of {str(switch).lower()}")
                values[name] = switch
        return section

    def check(self) -> None:
        """Check all sections."""
        for section in self._sections():
            getattr(self, section.attribute)

    @classmethod
    def _sections(cls) -> list[_At[Any]]:
        return [one for kind in reversed(cls.__mro__) for one in vars(kind).values() if isinstance(one, _At)]


def _found(tree: Mapping[str, Any], sections: Collection[str], prefix: str = "") -> Iterator[str]:
    for key, value in tree.items():
        name = f"{prefix}{key}"
        nested = isinstance(value, dict) and any(section.startswith(f"{name}.") for section in sections)
        yield from _found(value, sections, f"{name}.") if nested else [name]


@lru_cache  # a line for each, however often the parameters are read
def _warn(line: str) -> None:
    print(harmless(f"semtrace: warning: {line}"), file=sys.stderr)


def load(file: Path, *, workers: int | None = None) -> Params:
    """Read params.yaml; ``workers`` overrides ``executor.workers``, on which no result depends."""
    if not file.is_file():
        raise ParamsError(f"{file}: not found; run `semtrace params` in the project's root to compose it from conf/")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ParamsError(f"{file}: not UTF-8 ({error}); run `semtrace params` to compose it again") from error
    return parse_params(text, file.name, workers=workers)


class _Loader(SafeLoader):
    """Refuses a key that stands twice, which YAML forbids and PyYAML lets pass."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := [str(key) for key, count in Counter(map(str, keys)).items() if count > 1]:
            raise yaml.constructor.ConstructorError(None, None, f"{twice[0]!r} stands twice", node.start_mark)
        return cast("dict[Any, Any]", super().construct_mapping(node, deep=deep))


@lru_cache(maxsize=8)  # all stages of a run ask for the same
def parse_params(text: str, origin: str, *, workers: int | None = None) -> Params:
    """Parameters from the text of a params.yaml; ``origin`` names it in errors."""
    try:
        tree = yaml.load(text, _Loader)  # noqa: S506  (a safe loader)
    except yaml.YAMLError as error:
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
    try:
        Params(tree, "conf/").check()
    except ParamsError as error:
        words = yaml_words.misread_words(conf, getattr(error.__cause__, "not_text", ()))
        raise (ParamsError(". ".join([str(error), *words])) if words else error) from error.__cause__
    body = _dump(tree)
    return (
        f"{PARAMS_HEADER}{composition.record_line(body, plain(conf, composition.files_digest(conf)), overrides)}{body}"
    )


@lru_cache(maxsize=8)
def plain(conf: Path, _files: str) -> str:
    """What conf/ says without overrides, as YAML; an override may have to add what is missing."""
    return _dump(_tree(conf, (), whole=False))


def _tree(conf: Path, overrides: Sequence[str], *, whole: bool = True) -> Any:
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        with initialize_config_dir(str(conf.absolute()), version_base="1.3"):
            config = compose("config", overrides=list(overrides))
        return OmegaConf.to_container(config, resolve=True, throw_on_missing=whole)
    except (HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
        if said := _slips(conf, overrides):
            listed = said[0] if len(said) == 1 else "\n  - ".join([f"{len(said)} overrides are wrong:", *said])
            raise ParamsError(listed) from error
        raise ParamsError(f"conf/: {' '.join(str(error).split())}") from error


def _slips(conf: Path, overrides: Sequence[str]) -> list[str]:
    """What a person most likely meant by overrides that do not compose; nothing where conf/ itself is at fault."""
    if not overrides:
        return []
    try:
        keys = composition.flat(yaml.safe_load(plain(conf, composition.files_digest(conf))))
    except ParamsError:
        return []
    return slips.slips(conf, overrides, keys.keys())


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


def write_params(conf: Path, file: Path, overrides: Sequence[str] = ()) -> bool:
    """Compose conf/ into ``file``; leave it alone when it says the same already. True when it was written."""
    text = composed(conf, overrides)
    composition.remember_composition(conf, text, plain(conf, composition.files_digest(conf)))
    if file.is_file() and file.read_bytes() == text.encode():
        return False
    write_atomic(file, text.encode())
    return True
