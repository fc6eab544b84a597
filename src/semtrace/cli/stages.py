"""What each verb does: its parameters from params.yaml, its paths, its stage; the result is what it prints.

Imports stand inside the functions: a verb loads what it needs and no more, so that `semtrace --help` is quick.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semtrace.cli import tables_alone

if TYPE_CHECKING:
    from semtrace.config.params import Params
    from semtrace.stage.declaration import Job, Stage

CONF, PARAMS, WORK = Path("conf"), Path("params.yaml"), Path("data/work")
PIPELINE = Path("dvc.yaml")
SHARDS, JOINED = Path("data/shards"), Path("data/sharded")  # pipelines/sharded/dvc.yaml
CODE_FILE = "SEMTRACE_REPRO"
"""Variable that `semtrace repro` sets for the stages that DVC starts: where one that fails leaves its exit code."""


def is_silent(given: argparse.Namespace) -> bool:
    """Whether nothing but the summary, as JSON, or nothing at all is to be printed."""
    return bool(getattr(given, "quiet", False) or getattr(given, "json", False))


def load_params(given: argparse.Namespace) -> Params:
    """The parameters of params.yaml, with the options that stand in for some."""
    from semtrace.config import params

    return params.load(PARAMS, workers=given.workers)


def ready(given: argparse.Namespace) -> Params:
    """The parameters, once it is certain that a cluster, if one is asked for, can do the work."""
    p = load_params(given)
    p.executor.check((p.dataset.archive, p.dataset.published), given.work)
    return p


def params(given: argparse.Namespace) -> Any:
    """Compose conf/ into params.yaml, and write the code that stages import into each dvc.yaml."""
    from semtrace.config import params, pipeline
    from semtrace.io.files import write_atomic
    from semtrace.io.project_state import in_repository

    outdated = [(file, text) for file, text in pipeline.pipelines(Path()) if file.read_text(encoding="utf-8") != text]
    if given.check:
        text = params.composed(CONF, given.overrides)
        if not PARAMS.is_file() or PARAMS.read_text(encoding="utf-8") != text:
            raise OSError(errno.EINVAL, "does not agree with conf/; run `semtrace params`", str(PARAMS))
        for file, _ in outdated:
            raise OSError(errno.EINVAL, "lacks code that a stage imports; run `semtrace params`", str(file))
        return "params.yaml agrees with conf/"
    checked_params(given.overrides)
    for file, text in outdated:
        write_atomic(file, text.encode())
    written = ["params.yaml"] if params.write_params(CONF, PARAMS, given.overrides) else []
    written += [str(file) for file, _ in outdated]
    said = f"{', '.join(written)} written" if written else "params.yaml is up to date"
    if PIPELINE.is_file() and not in_repository(Path()):
        said += ". There is no Git repository here: `semtrace repro` works, and so does DVC after `git init`"
    return said


def checked_params(overrides: Sequence[str]) -> Params:
    """What conf/ says under ``overrides``, once DVC can read the folders of its dataset."""
    from semtrace.config import params
    from semtrace.stage.inputs import check_dvc, check_folder

    p = params.parse_params(params.composed(CONF, overrides), "conf/")
    dataset = p.dataset
    if not dataset.generate:  # what is not made must be there, and DVC would say so less clearly
        for folder, what in ((dataset.archive, "archive"), (dataset.published, "published")):
            check_folder(folder, what)
            check_dvc(folder, what, WORK)
    return p


def job(given: argparse.Namespace, p: Params, *, side: str = "", ahead: Sequence[Any] = ()) -> Job:
    """What a stage is given for a dataset's images."""
    from semtrace.stage.declaration import Job

    data = p.dataset
    return Job(
        p, data.archive, data.published, data.known, data.verdicts, given.work, p.executor, side=side, ahead=ahead
    )


def run_stage(declared: Stage, given: argparse.Namespace) -> Any:
    """One stage, on the dataset's images; from hash tables alone where they are named."""
    if declared.name in tables_alone.RESULT_FILES and tables_alone.has_options(given):
        return tables_alone.run(given, load_params(given))
    if getattr(given, "single", None):
        from semtrace.cli.review import report_single

        return report_single(given)
    return declared.run(job(given, ready(given), side=getattr(given, "side", "")))


def shard(given: argparse.Namespace) -> Any:
    """All that is known of one folder of the archive by itself."""
    from semtrace.core.errors import InputError
    from semtrace.provenance.sharding import shard

    p, out = load_params(given), SHARDS / given.name
    if given.name not in p.dataset.shards:
        raise InputError(f"{given.name!r} is none of dataset.shards, which are {', '.join(p.dataset.shards) or 'none'}")
    folder = p.dataset.archive / p.dataset.shards[given.name]
    p.executor.check((folder,), out)
    done = shard.run(
        folder, out, p.convert, p.hash, p.fingerprint, p.executor, part=p.dataset.shards[given.name],
        exclude=p.dataset.exclude,
    )  # fmt: skip
    return "".join(map(summary_text, done))


def join(given: argparse.Namespace) -> Any:
    """The tables of all shards as one."""
    from contextlib import ExitStack

    from semtrace.io.staging import locked
    from semtrace.provenance.sharding import join

    p = load_params(given)
    with ExitStack() as held:
        for shard in (SHARDS / name for name in p.dataset.shards):
            if shard.is_dir():  # else it will be missed
                held.enter_context(locked(shard, shared=True))
        return join.run(p.dataset.archive, p.dataset.shards, SHARDS, given.work, p.convert, p.dataset.exclude)


def track(given: argparse.Namespace) -> Any:
    """One MLflow run."""
    from semtrace.tracking import pipeline_run

    return pipeline_run.log_pipeline_run(load_params(given), PARAMS, given.work)


def summary_json(summary: Any) -> str:
    """A summary as JSON: an object with its fields, in ``said`` what is only text."""
    if isinstance(summary, Path):  # the report of validate
        metrics = json.loads(summary.with_name("metrics.json").read_text(encoding="utf-8"))
        told: Any = {"report": str(summary), **metrics}
    elif is_dataclass(summary):
        told = asdict(summary)  # type: ignore[arg-type]
    else:
        told = summary if isinstance(summary, dict) else {"said": summary}
    return json.dumps(told, indent=2, ensure_ascii=False, default=str)


def summary_text(summary: Any) -> str:
    """A summary as lines for people; of a file its text, which `semtrace repro` prints once, at the end."""
    if isinstance(summary, Path):
        return str(summary) if CODE_FILE in os.environ else "\n" + summary.read_text(encoding="utf-8")
    if isinstance(summary, list):
        return ", ".join(summary)
    if not is_dataclass(summary) or type(summary).__str__ is not object.__str__:
        return f"\n{summary}" if is_dataclass(summary) else str(summary)
    lines = []
    for name, value in asdict(summary).items():  # type: ignore[arg-type]
        if isinstance(value, dict):
            value = ", ".join(f"{key} {count}" for key, count in value.items()) or "none"
        lines.append(f"\n  {name.replace('_', ' '):<16} {value}")
    return "".join(lines)
