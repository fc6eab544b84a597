"""Grids in Hydra's language of overrides: lists, ranges, choices, and saved grids in conf/experiment/.

`semtrace sweep` tries the points of one, `semtrace reduce -m` those of another. The rest is as in params.yaml, that
is, as in the last run of the pipeline. The points are expanded here and not by Hydra's launcher, which would start a
job for each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any, cast

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override, OverrideType, QuotedString, RangeSweep
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from semtrace.config.composition import flat
from semtrace.config.params import Params, ParamsError, load
from semtrace.core.errors import InputError
from semtrace.discovery.reduce import PHASES
from semtrace.provenance.match import Settings as MatchSettings
from semtrace.tuning.sweep import SweepPoint

MOST_POINTS = 20_000  # points: minutes of deciding, and more than a person looks at
_PRIMARY = "semtrace_params"
_REFERENCE = re.compile(r"\$\{(\.*)([\w.]+)\}")  # a leading dot: beside the parameter itself, as in Hydra
_DIGITS = 9  # a range of floats has no more that mean anything
Axes = dict[str, list[Any]]


@dataclass(frozen=True)
class Varied:
    """What a verb can vary.

    Attributes:
        verb: its name.
        groups: of conf/, each with its parameters.
        names: of parameters, dotted.
        example: of its use.
    """

    verb: str
    groups: tuple[str, ...]
    names: tuple[str, ...]
    example: str


SWEPT = Varied(
    "sweep",
    ("hash", "match"),
    ("hash.size", *(f"match.{field.name}" for field in fields(MatchSettings))),
    "`semtrace sweep hash.size=8,16,32 match.min_ssim=0.7,0.85`, or a saved grid, `semtrace sweep +experiment=sizes`",
)

REDUCED = Varied(
    "reduce",
    ("reduce",),
    tuple(
        f"reduce.{name}"
        for name in (
            "size", "hidden", "tied", "activation", *(f"epochs.{phase}" for phase in PHASES), "order", "batch", "rate",
            "l2",
        )
    ),
    "`semtrace reduce -m reduce.rate=0.001,0.01`, or a saved grid, `semtrace reduce -m +experiment=autoencoders`",
)  # fmt: skip


@dataclass(frozen=True)
class SweepGrid:
    """What to try.

    Attributes:
        params: the parameters, as far as no point changes them.
        points: all different; the last axis varies fastest.
        axes: parameter (or group) -> its values.
    """

    params: Params
    points: list[SweepPoint]
    axes: Axes


def expand(conf: Path, params_file: Path, overrides: Sequence[str], *, workers: int | None = None) -> SweepGrid:
    """Points of a sweep from overrides of ``params_file``; see ``expand_params``."""
    base, every, axes = expand_params(conf, params_file, overrides, SWEPT, workers=workers)
    points = {str(point): point for point in (SweepPoint(one.hash.size, one.match) for one in every)}
    return SweepGrid(base, list(points.values()), axes)


def expand_params(
    conf: Path, params_file: Path, overrides: Sequence[str], varied: Varied, *, workers: int | None = None
) -> tuple[Params, list[Params], Axes]:
    """Parameters of every point of a grid, from overrides of ``params_file``.

    Args:
        conf: folder of the groups and of the saved grids.
        params_file: params.yaml.
        overrides: in Hydra's syntax; those with several values are varied.
        varied: what may be.
        workers: in place of ``executor.workers``.

    Returns:
        The parameters as far as no point changes them, those of the points, and the axes.

    Raises:
        InputError: an override is none, a parameter unknown, a value out of range, or there is nothing to try.
    """
    tree = load(params_file).tree
    if not overrides:
        raise InputError(f"nothing to {varied.verb}: name values, as in {varied.example}")
    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
        fixed = [_line(one, conf) for one in parsed if not one.is_sweep_override()]
        base, saved, references = _composed(conf, tree, fixed)
        given = {one.key_or_group for one in parsed}
        kept = OverridesParser.create().parse_overrides([f"{k}={v}" for k, v in saved.items() if k not in given])
        # A saved grid may hold a parameter at one value.
        asked = [*kept, *(one for one in parsed if one.is_sweep_override())]
        axes = {one.key_or_group: _values(one) for one in asked}
        _check(axes, varied)
        groups = {name: values for name, values in axes.items() if name in varied.groups}
        single = {name: values for name, values in axes.items() if name not in varied.groups}
        follows = _follows(references, single, varied)
        if workers is not None:
            base["executor"]["workers"] = workers
        points = []
        for chosen in product(*groups.values()):
            words = [f"+{name}={value}" for name, value in zip(groups, chosen, strict=True)]
            start = _composed(conf, tree, [*fixed, *words])[0] if words else base
            points += [
                _point(start, dict(zip(single, values, strict=True)), varied, follows)
                for values in product(*single.values())
            ]
    except (HydraException, OmegaConfBaseException) as error:
        raise ParamsError(f"{varied.verb}: {' '.join(str(error).split())}") from error
    return Params(base, varied.verb), points, axes


def _composed(
    conf: Path, tree: Mapping[str, Any], overrides: Sequence[str]
) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """The parameters under overrides, the grid that an experiment among them brings, and what refers to others."""
    ConfigStore.instance().store(_PRIMARY, tree)
    with initialize_config_dir(str(conf.absolute()), version_base="1.3"):
        config = compose(_PRIMARY, overrides=list(overrides), return_hydra_config=True)
    saved = dict(config.hydra.sweeper.params or {})
    sections = OmegaConf.masked_copy(config, [str(name) for name in config if name != "hydra"])
    composed = cast("dict[str, Any]", OmegaConf.to_container(sections, resolve=True, throw_on_missing=True))
    said = flat(cast("dict[str, Any]", OmegaConf.to_container(sections)))
    return composed, saved, {name: str(value) for name, value in said.items() if "${" in str(value)}


def _follows(references: Mapping[str, str], axes: Axes, varied: Varied) -> dict[str, str]:
    """Which parameter has the value of which axis at every point, straight or by way of others.

    ``match.reach: ${match.hamming_threshold}`` follows.

    Raises:
        InputError: a parameter follows that cannot be varied, or is made of more than the one value.
    """

    def leaders(name: str) -> set[str]:
        if name in axes or name not in references:
            return {name} & axes.keys()
        asked = [
            ".".join([*name.split(".")[: -len(found[1])], found[2]]) if found[1] else found[2]
            for found in _REFERENCE.finditer(references[name])
        ]
        return set().union(*map(leaders, asked))

    found = {}
    for name, text in references.items():
        if name in axes or not (axis := leaders(name)):
            continue
        if name not in varied.names:
            raise InputError(f"{name}={text}: it cannot follow a parameter that is varied; give it one value")
        if not _REFERENCE.fullmatch(text) or len(axis) > 1:
            raise InputError(f"{name}={text}: a parameter follows one other, as in {name}=${{{min(axis)}}}")
        found[name] = axis.pop()
    return found


def _line(one: Override, conf: Path) -> str:
    """An override as it is said of params.yaml, which has values and no choice of groups: ``match=x`` adds a group."""
    line = str(one.input_line)
    group = one.type == OverrideType.CHANGE and "." not in one.key_or_group and (conf / one.key_or_group).is_dir()
    return f"+{line}" if group else line


def _values(one: Override) -> list[Any]:
    if not one.is_sweep_override():
        return [_plain(one.value())]
    if not one.is_discrete_sweep() or isinstance(one.value(), Glob):
        raise InputError(f"{one.input_line}: a sweep needs single values; write a list, range() or choice()")
    values = [_plain(value) for value in one.sweep_iterator()]
    if isinstance(whole := one.value(), RangeSweep):  # summed steps may fall short of the end, which is not in a range
        values = [value for value in values if value != whole.stop]
    if not values:
        raise InputError(f"{one.input_line}: an empty grid, there is no value in it")
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, QuotedString):
        return value.text
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return round(value, _DIGITS) if isinstance(value, float) else value


def _check(axes: Axes, varied: Varied) -> None:
    """Refuse what cannot be varied here, and grids beyond all use."""
    for name in axes:
        if name not in (*varied.names, *varied.groups):
            known = name.partition(".")[0] in varied.groups
            why = "unknown parameter" if known else f"a {varied.verb} does not repeat the stages that read it"
            raise InputError(f"{name}: {why}; what can be varied is {', '.join((*varied.groups, *varied.names))}")
    count = 1
    for values in axes.values():
        count *= len(values)
    if count > MOST_POINTS:
        raise InputError(f"{count:,} points are too many; {MOST_POINTS:,} is the most. Use fewer values or wider steps")


def _point(base: Mapping[str, Any], values: Mapping[str, Any], varied: Varied, follows: Mapping[str, str]) -> Params:
    tree = {**base, **{name: deepcopy(base[name]) for name in varied.groups}}
    following = {name: values[leader] for name, leader in follows.items()}
    for name, value in {**following, **values}.items():
        *above, key = name.split(".")
        place = tree
        for part in above:
            place = place[part]
        place[key] = value
    return Params(tree, varied.verb)
