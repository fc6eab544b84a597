"""The command line: one verb per stage, one clear message when something is wrong.

Exit codes: 0 done, 1 failed, 2 wrong use.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from semtrace.params import Params

CONF, PARAMS, WORK = Path("conf"), Path("params.yaml"), Path("data/work")
HASHES_TIFF, HASHES_JPEG = WORK / "fingerprint/tiff/hashes.csv", WORK / "fingerprint/jpeg/hashes.csv"
INVENTORY = WORK / "inventory/inventory.csv"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code."""
    # Before anything imports them: neither MLflow nor DVC phones home.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    # Work is spread over processes, one per core: threads of BLAS inside each would only get in the way.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    if sys.getfilesystemencoding() != "utf-8":  # names are UTF-8 in every table, whatever the locale makes of them
        os.execve(sys.executable, sys.orig_argv, {**os.environ, "PYTHONUTF8": "1"})  # noqa: S606  (this very command)
    given = _parser().parse_args(arguments)

    from semtrace.core.labels import VocabularyError
    from semtrace.io.files import UnsafePathError
    from semtrace.io.tables import TableError
    from semtrace.provenance.common import InputError

    try:
        with _held(given):
            summary = given.run(given)
    except (InputError, TableError, VocabularyError, UnsafePathError) as error:
        return _fail(str(error), 2)
    except OSError as error:
        return _fail(_explain(error), 1)
    except MemoryError:
        return _fail("memory ran out; nothing half-done was kept. Run it again with fewer --workers", 1)
    except KeyboardInterrupt:
        return _fail("interrupted; nothing half-done was kept, run it again to go on", 130)
    if summary is not None:
        print(f"{given.verb}: {_describe(summary)}")
    return 0


def _held(given: argparse.Namespace) -> contextlib.AbstractContextManager[None]:
    """Hold the folder where stages read each other's results, so that two runs never mix; one of --out holds itself."""
    from semtrace.io.files import locked

    if given.verb in ("params", "track") or getattr(given, "out", None) or not PARAMS.is_file():
        return contextlib.nullcontext()
    WORK.mkdir(parents=True, exist_ok=True)
    return locked(WORK)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="semtrace",
        description="Trace published electron-microscope images back to their originals, label them, and prove it.",
        epilog="Run in the project's root. Stages read params.yaml, which `semtrace params` composes from conf/; "
        "`make run` (dvc repro) runs them all in order.",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        added.set_defaults(run=run)
        return added

    params = verb("params", _params, "compose conf/ into params.yaml")
    params.add_argument("overrides", nargs="*", help="Hydra overrides, e.g. dataset=archive match.min_ssim=0.8")
    params.add_argument("--check", action="store_true", help="write nothing; exit 1 when params.yaml is out of date")
    stages = [
        verb("generate", _generate, "make the embedded synthetic archive with its published set and truth"),
        verb(
            "inventory",
            _inventory,
            "list every file of the archive: images, duplicates, rejects with reasons",
        ),
        verb("convert", _convert, "make one JPEG per unique TIFF"),
        verb("fingerprint", _fingerprint, "compute md5 and perceptual hash of every image of one side"),
        verb("match", _match, "trace JPEGs to TIFFs and TIFFs to JPEGs"),
        verb("label", _label, "place a labelled copy of every traced TIFF"),
        verb("validate", _validate, "measure the mapping: metrics.json and accuracy_report.txt"),
        verb("plot", _plot, "draw the histograms and the plot by row"),
        verb("track", _track, "log the finished pipeline run to MLflow"),
        verb("run", _run, "all stages from inventory to plot in one process, without DVC: for a quick look"),
    ]
    for stage in stages:
        stage.add_argument("--workers", type=int, metavar="N", help="processes, 0 = one per core; changes no result")
    stages[3].add_argument("side", choices=("tiff", "jpeg"), help="which side")
    for stage in stages[4:6]:
        stage.add_argument("--tiff-hashes", type=Path, metavar="CSV", help="work from hash tables alone: the originals")
        stage.add_argument("--jpeg-hashes", type=Path, metavar="CSV", nargs="+", help="the published, one or more")
        stage.add_argument("--out", type=Path, metavar="DIR", help="folder for what is made of them")
    stages[5].add_argument("--match", type=Path, metavar="DIR", dest="matched", help="what was matched from them")
    return parser


def _load(given: argparse.Namespace) -> Params:
    from semtrace import params

    return params.load(PARAMS, workers=given.workers)


def _params(given: argparse.Namespace) -> Any:
    from semtrace import params
    from semtrace.provenance.common import check_dvc, check_folder

    if given.check:
        text = params.composed(CONF, given.overrides)
        if not PARAMS.is_file() or PARAMS.read_text(encoding="utf-8") != text:
            raise OSError(errno.EINVAL, "is not what conf/ says; run `semtrace params`", str(PARAMS))
        return "params.yaml is what conf/ says"
    dataset = params.parse(params.composed(CONF, given.overrides), "conf/").dataset
    if not dataset.generate:  # what is not made must be there, and DVC would say so less clearly
        for folder, what in ((dataset.archive, "archive"), (dataset.published, "published")):
            check_folder(folder, what)
            check_dvc(folder, what)
    written = params.write(CONF, PARAMS, given.overrides)
    return "params.yaml written" if written else "params.yaml is up to date"


def _generate(given: argparse.Namespace) -> Any:
    from semtrace.synthetic import generate

    p = _load(given)
    return "\n" + str(generate.generate(p.synthetic, p.dataset.archive.parent, workers=p.executor.workers or None))


def _inventory(given: argparse.Namespace) -> Any:
    from semtrace.provenance import inventory

    p = _load(given)
    return inventory.run(p.dataset.archive, WORK / "inventory", p.executor)


def _convert(given: argparse.Namespace) -> Any:
    from semtrace.provenance import convert

    p = _load(given)
    return convert.run(p.dataset.archive, INVENTORY, WORK / "convert", p.convert, p.executor)


def _fingerprint(given: argparse.Namespace) -> Any:
    from semtrace.provenance import fingerprint

    p, out = _load(given), WORK / "fingerprint" / given.side
    if given.side == "tiff":
        return fingerprint.tiffs(p.dataset.archive, INVENTORY, out, p.hash, p.fingerprint, p.executor)
    return fingerprint.jpegs(p.dataset.published, out, p.hash, p.fingerprint, p.executor)


def _match(given: argparse.Namespace) -> Any:
    from semtrace.provenance import match

    p = _load(given)
    if _from_tables_alone(given, (), {"jpeg_to_tiff.csv", "tiff_to_jpeg.csv", "rejects.csv"}):
        return match.run(given.tiff_hashes, given.jpeg_hashes, given.out, p.match, p.executor)
    return match.run(
        HASHES_TIFF, [HASHES_JPEG], WORK / "match", p.match, p.executor,
        archive=p.dataset.archive, published=p.dataset.published,
        converted=WORK / "convert" / "converted.csv", verdicts=p.dataset.known / "verdicts.csv",
    )  # fmt: skip


def _label(given: argparse.Namespace) -> Any:
    from semtrace.provenance import label

    p = _load(given)
    near = p.match.criteria(p.hash.size**2).hamming_threshold
    if _from_tables_alone(given, ("matched",), {"labels.csv", "conflicts.csv", "rejects.csv"}):
        tiffs, jpegs = given.tiff_hashes, given.jpeg_hashes
        return label.run(None, tiffs, jpegs, given.matched, given.out, p.labels.parsed(), p.label, near=near)
    return label.run(
        p.dataset.archive, HASHES_TIFF, [HASHES_JPEG], WORK / "match", WORK / "label", p.labels.parsed(), p.label,
        near=near, verdicts=p.dataset.known / "verdicts.csv", cache=p.executor.cache,
    )  # fmt: skip


def _from_tables_alone(given: argparse.Namespace, more: Sequence[str], written: set[str]) -> bool:
    """Whether hash tables were named; then all they need must be, and the folder must hold nothing else."""
    from semtrace.provenance.common import InputError

    names = ("tiff_hashes", "jpeg_hashes", *more, "out")
    named = [name for name in names if getattr(given, name, None)]
    if named and len(named) < len(names):
        options = ", ".join("--" + {"matched": "match"}.get(name, name).replace("_", "-") for name in names)
        raise InputError(f"{given.verb} from hash tables alone needs {options} together")
    if named and given.out.exists() and {path.name for path in given.out.iterdir()} - written:
        raise InputError(
            f"{given.out}: holds more than an earlier {given.verb}; name a new folder, it is replaced as a whole"
        )
    return bool(named)


def _validate(given: argparse.Namespace) -> Any:
    from semtrace.provenance import validate

    p = _load(given)
    validate.run(WORK, p.dataset.known, WORK / "validate")
    return "\n" + (WORK / "validate" / "accuracy_report.txt").read_text(encoding="utf-8")


def _plot(given: argparse.Namespace) -> Any:
    from semtrace.provenance import plot

    p = _load(given)
    criteria = p.match.criteria(p.hash.size**2)
    lines = plot.Thresholds(criteria.hamming_threshold, criteria.ssim_trigger)
    return ", ".join(plot.run(WORK / "match" / "jpeg_to_tiff.csv", WORK / "plot", lines))


def _run(given: argparse.Namespace) -> Any:
    from semtrace.parallel import Crashed, map_images

    for stage in ("inventory", "convert", "fingerprint tiff", "fingerprint jpeg", "match"):
        print(_one(given, stage), flush=True)
    # What is left reads tables and copies files, on one core each: the pictures are drawn meanwhile.
    ends = [("plot",), ("label", "validate")]
    for said in map_images(partial(_several, given), ends, workers=given.workers or 2, what="label and plot", chunk=1):
        if isinstance(said, Crashed):
            raise OSError(errno.ECHILD, f"label, validate or plot died: {said.detail}")
        print("\n".join(said), flush=True)


def _several(given: argparse.Namespace, stages: Sequence[str]) -> list[str]:
    return [_one(given, stage) for stage in stages]


def _one(given: argparse.Namespace, stage: str) -> str:
    name, _, given.side = stage.partition(" ")
    return f"{stage}: {_describe(_STAGES[name](given))}"


def _track(given: argparse.Namespace) -> Any:
    from semtrace import tracking

    return tracking.track(_load(given), PARAMS, WORK)


_STAGES = {
    "inventory": _inventory,
    "convert": _convert,
    "fingerprint": _fingerprint,
    "match": _match,
    "label": _label,
    "plot": _plot,
    "validate": _validate,
}


def _describe(summary: Any) -> str:
    if not is_dataclass(summary) or isinstance(summary, type):
        return str(summary)
    lines = []
    for name, value in asdict(summary).items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {count}" for key, count in value.items()) or "none"
        lines.append(f"\n  {name.replace('_', ' '):<16} {value}")
    return "".join(lines)


def _explain(error: OSError) -> str:
    what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        folder = next((p for p in [WORK, *WORK.parents] if p.exists()), Path())
        free = shutil.disk_usage(folder).free
        return f"{what}; {free:,} bytes are free where {WORK} lies. Nothing half-written was kept: make room, run again"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{what}; `ls -ld` shows who may. Inputs need read permission, data/work write permission"
    return what


def _fail(message: str, code: int) -> int:
    print(f"semtrace: error: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
