"""What each verb does: its parameters from params.yaml, its paths, its stage; the result is what it prints.

Imports stand inside the functions: a verb loads what it needs and no more, so that `semtrace --help` is quick.
"""

from __future__ import annotations

import argparse
import errno
import os
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from semtrace.config.params import Dataset, Params

CONF, PARAMS, WORK = Path("conf"), Path("params.yaml"), Path("data/work")
SHARDS, JOINED = Path("data/shards"), Path("data/sharded")  # pipelines/sharded/dvc.yaml
CODE_FILE = "SEMTRACE_REPRO"
"""Variable that `semtrace repro` sets for the stages that DVC starts: where one that fails leaves its exit code."""


def load(given: argparse.Namespace) -> Params:
    """The parameters of params.yaml, with the options that stand in for some."""
    from semtrace.config import params

    return params.load(PARAMS, workers=given.workers)


def ready(given: argparse.Namespace) -> Params:
    """The parameters, once it is certain that a cluster, if one is asked for, can do the work."""
    p = load(given)
    p.executor.check((p.dataset.archive, p.dataset.published), given.work)
    return p


def _listing(given: argparse.Namespace) -> Path:
    return Path(given.work, "inventory/inventory.csv")


def _converted(given: argparse.Namespace) -> Path:
    return Path(given.work, "convert/converted.csv")


def _hashes(given: argparse.Namespace, side: str) -> Path:
    return Path(given.work, "fingerprint", side, "hashes.csv")


def params(given: argparse.Namespace) -> Any:
    """Compose conf/ into params.yaml."""
    from semtrace.config import params

    if given.check:
        text = params.composed(CONF, given.overrides)
        if not PARAMS.is_file() or PARAMS.read_text(encoding="utf-8") != text:
            raise OSError(errno.EINVAL, "is not what conf/ says; run `semtrace params`", str(PARAMS))
        return "params.yaml is what conf/ says"
    checked_dataset(given.overrides)
    written = params.write(CONF, PARAMS, given.overrides)
    return "params.yaml written" if written else "params.yaml is up to date"


def checked_dataset(overrides: Sequence[str]) -> Dataset:
    """The dataset that conf/ names under ``overrides``, once DVC can read its folders."""
    from semtrace.config import params
    from semtrace.stage.inputs import check_dvc, check_folder

    dataset = params.parse(params.composed(CONF, overrides), "conf/").dataset
    if not dataset.generate:  # what is not made must be there, and DVC would say so less clearly
        for folder, what in ((dataset.archive, "archive"), (dataset.published, "published")):
            check_folder(folder, what)
            check_dvc(folder, what)
    return dataset


def generate(given: argparse.Namespace) -> Any:
    """Make the synthetic archive."""
    from semtrace.synthetic import generate

    p = load(given)
    return "\n" + str(generate.generate(p.synthetic, p.dataset.archive.parent, workers=p.executor.workers or None))


def inventory(given: argparse.Namespace) -> Any:
    """What every file of the archive is."""
    from semtrace.provenance import inventory
    from semtrace.provenance.tracing import prefetch

    p = ready(given)
    hashes = prefetch.Hashes(p.hash) if _in_a_run(given) and p.fingerprint.sample_tiff is None else None
    return inventory.run(p.dataset.archive, given.work / "inventory", p.executor, ahead=hashes)


def shard(given: argparse.Namespace) -> Any:
    """All that is known of one folder of the archive by itself."""
    from semtrace.core.errors import InputError
    from semtrace.provenance.sharding import shard

    p, out = load(given), SHARDS / given.name
    if given.name not in p.dataset.shards:
        raise InputError(f"{given.name!r} is none of dataset.shards, which are {', '.join(p.dataset.shards) or 'none'}")
    folder = p.dataset.archive / p.dataset.shards[given.name]
    p.executor.check((folder,), out)
    return "".join(describe(done) for done in shard.run(folder, out, p.convert, p.hash, p.fingerprint, p.executor))


def join(given: argparse.Namespace) -> Any:
    """The tables of all shards as one."""
    from contextlib import ExitStack

    from semtrace.io.staging import locked
    from semtrace.provenance.sharding import join

    p = load(given)
    with ExitStack() as held:
        for shard in (SHARDS / name for name in p.dataset.shards):
            if shard.is_dir():  # else it will be missed
                held.enter_context(locked(shard, shared=True))
        return join.run(p.dataset.archive, p.dataset.shards, SHARDS, given.work, p.convert)


def convert(given: argparse.Namespace) -> Any:
    """One JPEG per unique TIFF."""
    from semtrace.provenance import convert

    p = ready(given)
    return convert.run(p.dataset.archive, _listing(given), given.work / "convert", p.convert, p.executor)


def fingerprint(given: argparse.Namespace) -> Any:
    """Hashes of one side."""
    from semtrace.core.gpu.device import choose
    from semtrace.provenance import fingerprint

    p, out = ready(given), given.work / "fingerprint" / given.side
    if given.side == "tiff":
        return fingerprint.tiffs(p.dataset.archive, _listing(given), out, p.hash, p.fingerprint, p.executor)
    comparisons = None
    if _in_a_run(given) and not p.executor.address and choose(p.executor.device) == "cpu":
        from semtrace.provenance.tracing import prefetch

        comparisons = prefetch.Comparisons(
            p.dataset.archive, p.dataset.published, _hashes(given, "tiff"), _converted(given),
            p.dataset.known / "verdicts.csv", p.match.criteria(p.hash.size**2), p.match.max_candidates,
            p.match.geometry, p.executor.cache,
        )  # fmt: skip
    return fingerprint.jpegs(p.dataset.published, out, p.hash, p.fingerprint, p.executor, ahead=comparisons)


def _in_a_run(given: argparse.Namespace) -> bool:
    """Whether further stages follow in this process: then a file that is decoded is looked at for them too."""
    return bool(given.verb == "run")


def match(given: argparse.Namespace) -> Any:
    """Both mappings."""
    from semtrace.provenance import match

    p = load(given)
    if _from_tables_alone(given, (), {"jpeg_to_tiff.csv", "tiff_to_jpeg.csv", "rejects.csv"}):
        return match.run(given.tiff_hashes, given.jpeg_hashes, given.out, p.match, p.executor)
    p = ready(given)
    return match.run(
        _hashes(given, "tiff"), [_hashes(given, "jpeg")], given.work / "match", p.match, p.executor,
        archive=p.dataset.archive, published=p.dataset.published,
        converted=_converted(given), verdicts=p.dataset.known / "verdicts.csv",
    )  # fmt: skip


def deduplicate(given: argparse.Namespace) -> Any:
    """Groups and splits."""
    from semtrace.core.errors import InputError
    from semtrace.provenance import deduplicate

    p = load(given)
    originals, jpegs, out = (getattr(given, name, None) for name in ("tiff_hashes", "jpeg_hashes", "out"))
    if originals or jpegs or out:
        if not out or not (originals or jpegs):
            raise InputError("hash tables alone need --out, and --tiff-hashes or --jpeg-hashes or both")
        check_replaceable(out, {"groups.csv", "rejects.csv"})
        hashes = {"tiff": [originals] if originals else [], "jpeg": jpegs or []}
        return deduplicate.run({side: files for side, files in hashes.items() if files}, out, p.deduplicate, p.executor)
    p = ready(given)
    sides = {side: [_hashes(given, side)] for side in ("tiff", "jpeg")}
    return deduplicate.run(
        sides, given.work / "deduplicate", p.deduplicate, p.executor,
        roots={"tiff": p.dataset.archive, "jpeg": p.dataset.published}, inventory=_listing(given),
        mapping=given.work / "match/jpeg_to_tiff.csv", verdicts=p.dataset.known / "verdicts.csv",
    )  # fmt: skip


def check_replaceable(out: Path, written: set[str]) -> None:
    """Refuse to replace a folder that holds more than an earlier result."""
    from semtrace.core.errors import InputError

    if out.exists() and {path.name for path in out.iterdir()} - written:
        raise InputError(f"{out}: holds more than an earlier result; name a new folder, it is replaced as a whole")


def label(given: argparse.Namespace) -> Any:
    """Labels, conflicts, labelled copies."""
    from semtrace.provenance import label

    p = load(given)
    near = p.match.criteria(p.hash.size**2).hamming_threshold
    if _from_tables_alone(given, ("matched",), {"labels.csv", "conflicts.csv", "rejects.csv"}):
        tiffs, jpegs = given.tiff_hashes, given.jpeg_hashes
        return label.run(None, tiffs, jpegs, given.matched, given.out, p.labels.parsed(), p.label, near=near)
    return label.run(
        p.dataset.archive, _hashes(given, "tiff"), [_hashes(given, "jpeg")], given.work / "match",
        given.work / "label", p.labels.parsed(), p.label, near=near,
        verdicts=p.dataset.known / "verdicts.csv", cache=p.executor.cache,
    )  # fmt: skip


def _from_tables_alone(given: argparse.Namespace, more: Sequence[str], written: set[str]) -> bool:
    """Whether hash tables were named; then all they need must be, and the folder must hold nothing else."""
    from semtrace.core.errors import InputError

    names = ("tiff_hashes", "jpeg_hashes", *more, "out")
    named = [name for name in names if getattr(given, name, None)]
    if named and len(named) < len(names):
        options = ", ".join("--" + {"matched": "match"}.get(name, name).replace("_", "-") for name in names)
        raise InputError(f"{given.verb} from hash tables alone needs {options} together")
    if named:
        check_replaceable(given.out, written)
    return bool(named)


def validate(given: argparse.Namespace) -> Any:
    """Metrics and report."""
    from semtrace.provenance import validate

    p = load(given)
    validate.run(given.work, p.dataset.known, given.work / "validate")
    report = given.work / "validate" / "accuracy_report.txt"
    if CODE_FILE in os.environ:  # `semtrace repro` prints it at the end
        return str(report)
    return "\n" + report.read_text(encoding="utf-8")


def plot(given: argparse.Namespace) -> Any:
    """The four pictures."""
    from semtrace.provenance import plot

    p = load(given)
    criteria = p.match.criteria(p.hash.size**2)
    lines = plot.Thresholds(criteria.hamming_threshold, criteria.ssim_trigger)
    return ", ".join(plot.run(given.work / "match" / "jpeg_to_tiff.csv", given.work / "plot", lines))


def track(given: argparse.Namespace) -> Any:
    """One MLflow run."""
    from semtrace.tracking import pipeline_run

    return pipeline_run.track(load(given), PARAMS, given.work)


def describe(summary: Any) -> str:
    """A summary as lines for people."""
    if not is_dataclass(summary) or isinstance(summary, type):
        return str(summary)
    lines = []
    for name, value in asdict(summary).items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {count}" for key, count in value.items()) or "none"
        lines.append(f"\n  {name.replace('_', ' '):<16} {value}")
    return "".join(lines)
